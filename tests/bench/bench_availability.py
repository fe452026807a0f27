"""How long rolling availability takes: 3,000 probes of three regions, 90 days of results each 30 s.

Run as `PYTHONPATH=.:tests python tests/bench/bench_availability.py`; exits 1 if a figure differs from the raw
rows. The reference walks every raw row of some of the same probes in plain Python, in the same run, and is
scaled up to all of them. Times are CPU time of this process; those of the ledgers are medians of rounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from statistics import median
from time import process_time
from typing import TypeVar

from support.raw_rows import Row, Totals, totals

from reports.evidence import Stretch, Verdict, Window
from reports.ledger import DAY_US, ROLLING_US, Ledger, rolling
from reports.quorum import agree
from reports.timeline import region_timeline

SERIES = 3_000
REGIONS = 3
NEEDED = 2
DAYS = 90
STEP_US = 30_000_000
GAP_US = 2 * STEP_US
SLOTS = DAYS * DAY_US // STEP_US
AS_OF_US = DAYS * DAY_US
MONTH_START_US = AS_OF_US - 17 * DAY_US
MOST_OUTAGES = 20  # of a region: up to 40 changes
SAMPLES = 2
ROUNDS = 7
TARGET_SECONDS = 0.1

T = TypeVar("T")
Segment = tuple[int, int, Verdict | None]  # first slot, slot after the last, verdict or None for missed


def main() -> int:
    plans = [[_plan(Random(f"{series}/{region}")) for region in range(REGIONS)] for series in range(SERIES)]
    evidence = [[_stretches(plan, region) for region, plan in enumerate(plans_of)] for plans_of in plans]
    changes = sum(len(stretches) for regions in evidence for stretches in regions)
    print(f"{SERIES} probes x {REGIONS} regions, {DAYS} days, {changes / SERIES:.0f} runs a probe")

    build_seconds, ledgers = _timed(lambda: [_build(regions) for regions in evidence])
    _say("build all ledgers", build_seconds)
    size = sum(5 * each.sure.itemsize * len(each.sure) for each in ledgers) / SERIES
    print(f"  a ledger holds {size / 1024:.1f} KiB")
    cut_us = AS_OF_US - STEP_US
    _say("extend each by its last results", median(_rounds(lambda: _extend_all(ledgers, evidence, cut_us))))
    rolling_seconds = median(_rounds(lambda: [rolling(each, AS_OF_US, MONTH_START_US) for each in ledgers]))
    _say("six rolling windows of all", rolling_seconds)
    _say("the same with all ratios as fractions", median(_rounds(lambda: _ratios(ledgers))))
    print(
        f"  target {TARGET_SECONDS * 1e3:.0f} ms: {'met' if rolling_seconds <= TARGET_SECONDS else 'MISSED'}"
    )
    return _compare(plans, ledgers, rolling_seconds)


def _compare(plans: list[list[list[Segment]]], ledgers: list[Ledger], rolling_seconds: float) -> int:
    windows = [Window(AS_OF_US - length_us, AS_OF_US) for length_us in ROLLING_US.values()]
    windows.append(Window(MONTH_START_US, AS_OF_US))
    spent, wrong = 0.0, 0
    for series in range(0, SERIES, SERIES // SAMPLES):
        rows = [list(_rows(plan, region)) for region, plan in enumerate(plans[series])]
        seconds, expected = _timed(partial(totals, rows, GAP_US, NEEDED, windows))
        spent += seconds
        figures = rolling(ledgers[series], AS_OF_US, MONTH_START_US).values()
        wrong += expected != [
            Totals(each.sure_us, each.down_us, each.possible_us, each.unknown_us) for each in figures
        ]
    reference_seconds = spent * SERIES / SAMPLES
    _say(f"reference: raw rows, {SAMPLES} probes scaled to all", reference_seconds)
    print(
        f"  {reference_seconds / rolling_seconds:,.0f} times the ledgers; {wrong} of {SAMPLES} probes differ"
    )
    return 1 if wrong else 0


def _plan(random: Random) -> list[Segment]:
    """Return what a region saw: mostly good, some outages, now and then VOID or missed slots."""
    outages = random.randint(0, MOST_OUTAGES)
    # every region sees trouble near the same slots, so that quorums are reached now and then
    centres = sorted(random.sample(range(1, 41), outages))
    segments: list[Segment] = []
    at = 0
    for centre in centres:
        start = centre * SLOTS // 42 + random.randint(0, 20)
        end = start + random.randint(1, 60)
        segments += [
            (at, start, Verdict.GOOD),
            (start, end, random.choice([Verdict.BAD] * 8 + [Verdict.VOID, None])),
        ]
        at = end
    return [*segments, (at, SLOTS + 2, Verdict.GOOD)]


def _row(slot: int, region: int, verdict: Verdict) -> Row:
    start_us = slot * STEP_US + region * STEP_US // REGIONS + slot * 7919 % 997 * 1000
    return Row(start_us, start_us + 40_000 + slot % 13 * 1_000, verdict)


def _rows(plan: list[Segment], region: int) -> Iterator[Row]:
    for first, after, verdict in plan:
        if verdict is not None:
            for slot in range(first, after):
                yield _row(slot, region, verdict)


def _stretches(plan: list[Segment], region: int) -> list[Stretch]:
    runs = []
    for first, after, verdict in plan:
        if verdict is not None:
            start, end = _row(first, region, verdict), _row(after - 1, region, verdict)
            longest_gap_us = min(STEP_US, end.start_us - start.start_us)
            runs.append(
                Stretch(
                    first_us=start.start_us,
                    first_end_us=start.end_us,
                    last_us=end.start_us,
                    last_end_us=end.end_us,
                    verdict=verdict,
                    longest_gap_us=longest_gap_us,
                )
            )
    return runs


def _build(regions: list[list[Stretch]]) -> Ledger:
    return Ledger.of(agree([region_timeline(stretches, GAP_US) for stretches in regions], NEEDED))


def _extend_all(ledgers: list[Ledger], evidence: list[list[list[Stretch]]], cut_us: int) -> None:
    for ledger, regions in zip(ledgers, evidence, strict=True):
        tails = [region_timeline(stretches, GAP_US, cut_us) for stretches in regions]
        ledger.extended(agree(tails, NEEDED), cut_us)


def _ratios(ledgers: list[Ledger]) -> None:
    for ledger in ledgers:
        for each in rolling(ledger, AS_OF_US, MONTH_START_US).values():
            _ = (each.lowest, each.measured, each.highest, each.coverage)


def _rounds(work: Callable[[], object]) -> list[float]:
    return [_timed(work)[0] for _ in range(ROUNDS)]


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = process_time()
    done = work()
    return process_time() - started, done


def _say(what: str, seconds: float) -> None:
    print(f"  {what:<44} {seconds * 1e3:12,.1f} ms {seconds / SERIES * 1e6:12,.1f} us each")


if __name__ == "__main__":
    sys.exit(main())
