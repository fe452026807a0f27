"""How long what passed took: read from the store, slot by slot, and counted exactly.

Here: which slots are read. Not here: percentiles and objectives (`reports.latency`).
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass

from prober.store.base import Store
from reports import telling
from reports.contract import LatencyObjective, ProbeTerms
from reports.counting import Lane, Tally, lanes
from reports.document import Latency, Objective
from reports.latency import MEDIAN, P95, P99, Latencies, objective
from reports.report import Account
from reports.track import Fate, Track

MOST_RESULTS = 10_000_000  # of one report: some 10 s of reading


@dataclass(frozen=True, slots=True)
class Timing:
    """What a report tells of latency."""

    percentiles: tuple[Latency, ...] = ()
    objectives: tuple[Objective, ...] = ()


async def timing(store: Store, found: Account) -> Timing:
    """Return percentiles by probe and region, and the latency objectives. Raises StoreError.

    Where the period has more results than `MOST_RESULTS` they are not read, and all are unknown: nothing is estimated.
    """
    question, contract = found.question, found.question.contract
    attempts = sum(found.tallies.values(), start=Tally())
    if attempts.total > MOST_RESULTS:
        unread = Tally(unknown=attempts.total)
        return Timing(objectives=tuple(_objective(each, Latencies(), unread) for each in contract.latency))
    lines: list[Latency] = []
    every = Latencies()
    for probe in contract.probes():
        of_probe = Latencies()
        for region in probe.regions:
            track = question.tracks.get((probe.name, region))
            seen = await _seen(store, probe, track, found) if track is not None else Latencies()
            lines.append(_line(probe.name, region, seen))
            of_probe.merge(seen)
        lines.append(_line(probe.name, None, of_probe))
        every.merge(of_probe)
    objectives = tuple(_objective(each, every, attempts) for each in contract.latency)
    return Timing(tuple(line for line in lines if line.count), objectives)


async def _seen(store: Store, probe: ProbeTerms, track: Track, found: Account) -> Latencies:
    seen = Latencies()
    for lane in lanes(track, probe.timeout_us):
        async for part in durations(store, lane, found):
            await asyncio.to_thread(seen.add, part)
    return seen


def _line(probe: str, region: str | None, seen: Latencies) -> Latency:
    median_us, p95_us, p99_us = seen.percentiles((MEDIAN, P95, P99))
    return Latency(
        probe=probe, region=region, count=seen.count, median_us=median_us, p95_us=p95_us, p99_us=p99_us
    )


def _objective(terms: LatencyObjective, seen: Latencies, attempts: Tally) -> Objective:
    """Return an objective over the results that passed: what is unknown may have been in time or not."""
    good = seen.within(terms.within_us)
    figures = objective(good, seen.count, attempts.unknown)
    return Objective(
        share=telling.exact(terms.share),
        within_us=terms.within_us,
        good=good,
        total=seen.count,
        unknown=attempts.unknown,
        availability=telling.bounds(figures, terms.share),
        finding=figures.finding(terms.share).value,
    )


async def durations(store: Store, lane: Lane, found: Account) -> AsyncIterator[array[int]]:
    """Yield the durations of a lane's scheduled results that passed, in the eligible part of the period."""
    era = lane.era
    for start_us, end_us in found.counted:
        passed = [piece for piece in lane.within(start_us, end_us) if piece[2] == Fate.GOOD]
        if era.imported:
            for low, high, *_ in passed:
                yield array("q", era.took_us[low - era.first_slot : high - era.first_slot + 1])
        elif passed:
            # One question: between them lie only slots that did not pass, of which the store tells nothing.
            async for part in store.durations(era.series, passed[0][0], passed[-1][1]):
                yield part
