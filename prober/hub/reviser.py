"""Works the past out anew where late results came in: puts runs in order, replays states, records what changed.

Runs inside the pipeline's worker, between commits, so nothing else changes what it looks at. It waits until late
results pause, and rests ten times as long as it worked, a minute at most, however much there is to catch up with.
What is decided lives in `revision.py` and `mending.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.core.result import Outcome
from prober.store.base import Detail, ResultQuery, ResultRow, RunRow, SeriesRow, SeriesSlots, Store, WriteSet
from prober.wire import Kind

from . import mending
from .fold import Fold
from .judge import Judge
from .mending import Look
from .revision import Past, begin_of, compare, replay
from .series import SeriesState
from .verdict import ProbePolicy, State, region_subject

QUIET_SECONDS = 1.0  # without late results, before the past is looked at
SHARE = 10  # it rests this many times as long as it worked
LONGEST_REST_SECONDS = 60.0
PATIENCE_SECONDS = 10.0  # after which late results that never pause are looked at all the same
LONGEST_PAUSE_SECONDS = 600.0  # after something went wrong again and again
PAGE = 1000  # results read at once
SPANS = 200  # runs whose failures are read at once
DECIDING = 40  # failures of a run that are looked at one by one: by then a region is DOWN, or nothing is
AROUND = 2  # slots read beside those that overlap
OLDEST_US = 400 * 86_400_000_000  # nothing is worked out further back: no result is kept for longer
PROBES = 50  # whose past is worked out together, and those that share services with them


@dataclass(slots=True, kw_only=True)
class Revised:
    """What one look back found. `probes` are those whose past was worked out."""

    writes: WriteSet = field(default_factory=WriteSet)
    fold: Fold
    probes: tuple[str, ...]
    from_us: int
    rows: dict[int, SeriesRow] = field(default_factory=dict)
    runs: dict[int, list[RunRow]] = field(default_factory=dict)  # by series, in order, since a while before
    mended: list[tuple[SeriesState, RunRow | None]] = field(
        default_factory=list
    )  # and their open run, if it is anew


class Reviser:
    """`due` says whether there is something to do now; `look_back` works out the past of some probes."""

    def __init__(
        self,
        store: Store,
        judge: Judge,
        now_us: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._judge = judge
        self._now_us = now_us
        self._clock = clock
        self._marks: dict[str, int] = {}
        self._quiet_since = 0.0
        self._rests_until = 0.0
        self._waits_since: float | None = None
        self._under_way: tuple[tuple[str, ...], int] | None = None
        self._failures = 0
        self.revision = 0  # of this life; numbers go on from what is on record
        self._numbered: int | None = None

    @property
    def due(self) -> bool:
        """Say whether some probe's past has to be worked out, and now is a good time."""
        marks, now = self._judge.fold.revise_from, self._clock()
        if not marks:
            self._waits_since = None
            return False
        if marks != self._marks:
            self._marks, self._quiet_since = dict(marks), now
        if self._waits_since is None:
            self._waits_since = now
        is_quiet = now - self._quiet_since >= QUIET_SECONDS or now - self._waits_since >= PATIENCE_SECONDS
        return is_quiet and now >= self._rests_until

    async def look_back(self) -> Revised:
        """Work out the past of one group of probes that have something in common; raises StoreError."""
        began = self._clock()
        live = self._judge.fold
        marks = live.revise_from
        fold = live.kin(list(marks)[:PROBES])
        names = tuple(policy.name for policy in fold.probes)
        at_us = max(min(marks.pop(name) for name in names if name in marks), self._now_us() - OLDEST_US)
        self._under_way = names, at_us
        revised = await self._work_out(fold, names, at_us)
        took = self._clock() - began
        self._rests_until = self._clock() + min(took * SHARE, LONGEST_REST_SECONDS)
        return revised

    def failed(self) -> None:
        """Note that a look back went wrong, wherever: it is tried again after a pause that grows."""
        if self._under_way is not None:
            self._judge.fold.look_back(*self._under_way)
        self._failures += 1
        self._rests_until = self._clock() + min(2.0**self._failures, LONGEST_PAUSE_SECONDS)

    def adopt(self, revised: Revised) -> None:
        """Let the present stand on what was worked out, once it is on record."""
        self._under_way, self._failures = None, 0
        if revised.writes.withdrawn or revised.writes.changes:
            self.revision += 1
        for state, newest in revised.mended:
            state.piece = None
            state.remake.clear()
            if newest is not None:
                state.run = newest
        self._judge.unmark(revised.probes)
        self._judge.fold.adopt(revised.fold)

    async def _work_out(self, fold: Fold, names: tuple[str, ...], at_us: int) -> Revised:
        places = {
            (policy.name, region): (policy, self._judge.lineage(policy.name, region))
            for policy in fold.probes
            for region in policy.regions
        }
        states = [state for _, lineage in places.values() for state in lineage]
        revised = Revised(fold=fold, probes=names, from_us=at_us)
        revised.rows = {state.row.number: state.row for state in states}
        down = await self._down(places, at_us)
        back_us = max(policy.silence_us for policy, _ in places.values())
        from_us, read_us = at_us - 1, at_us
        while from_us < read_us:
            read_us = from_us
            runs = await self._runs(states, read_us - back_us)
            revised.writes, revised.mended = WriteSet(), []
            for state in states:
                runs[state.row.number] = await self._mend(state, runs[state.row.number], revised)
            pasts = [
                Past(
                    probe=probe,
                    region=region,
                    silence_us=policy.silence_us,
                    confirmed_us=(policy.retries + 2) * policy.silence_us,
                    runs=in_order(lineage, runs),
                )
                for (probe, region), (policy, lineage) in places.items()
            ]
            from_us = min(from_us, await asyncio.to_thread(begin_of, pasts, at_us, down))
        revised.from_us, revised.runs = from_us, runs
        full = [
            replace(past, failures=await self._failures_of(lineage, runs, from_us))
            for past, (_, lineage) in zip(pasts, places.values(), strict=True)
        ]
        await self._replay(fold, full, from_us, revised.writes)
        revised.writes.unmarked = [*names]
        return revised

    async def _down(
        self, places: Mapping[tuple[str, str], tuple[ProbePolicy, list[SeriesState]]], at_us: int
    ) -> dict[tuple[str, str], int]:
        """Return the regions that were DOWN at an instant on record, and since when."""
        subjects = {region_subject(probe, region): (probe, region) for probe, region in places}
        stood = {
            row.subject: row for row in await self._store.states(list(subjects), at_us) if row.at_us < at_us
        }
        return {
            subjects[subject]: row.at_us for subject, row in stood.items() if row.after == State.DOWN.value
        }

    async def _failures_of(
        self, lineage: Sequence[SeriesState], runs: Mapping[int, Sequence[RunRow]], from_us: int
    ) -> list[Detail]:
        """Return the failures that decide: the first of each run of them."""
        found: list[Detail] = []
        for state in lineage:
            number = state.row.number
            spans = [
                (run.first_us, run.last_us)
                for run in runs[number]
                if run.outcome == Outcome.FAIL.value and run.first_us > from_us
            ]
            for first in range(0, len(spans), SPANS):
                found += await self._store.evidence(number, spans[first : first + SPANS], DECIDING)
        return found

    async def _replay(self, fold: Fold, pasts: Sequence[Past], from_us: int, writes: WriteSet) -> None:
        recorded = await self._store.states(fold.subjects, from_us)
        stood = {row.subject: row for row in recorded if row.at_us < from_us}
        # In a thread: nothing else touches these values, and the loop has agents to listen to.
        until_us = self._judge.fold.clock_us
        changes = await asyncio.to_thread(replay, fold, pasts, stood, from_us, until_us)
        since = [row for row in recorded if row.at_us >= from_us]
        if self._numbered is None:
            self._numbered = await self._store.revision()
        self._numbered += 1
        writes.withdrawn, writes.changes = compare(since, changes, self._numbered, self._now_us())

    async def _runs(self, states: Sequence[SeriesState], from_us: int) -> dict[int, list[RunRow]]:
        found: defaultdict[int, list[RunRow]] = defaultdict(list)
        async for page in self._store.runs(from_us, [state.row.number for state in states]):
            for run in page:
                found[run.series].append(run)
        for runs in found.values():
            runs.sort(key=lambda run: (run.first_us, run.last_us))
        return found

    async def _mend(self, state: SeriesState, runs: list[RunRow], revised: Revised) -> list[RunRow]:
        """Put runs that overlap in order, and those that tell of a result that made room; in memory once on record."""
        for slot in sorted(state.remake):
            low_us, high_us = state.grid.start_us(slot), state.grid.start_us(slot + 1)
            if group := mending.around(runs, low_us, high_us):
                new = await self._again(state, group, low_us, high_us)
                runs = self._put(state, runs, group, new, revised)
        for group in mending.tangles(runs):
            if mending.are_alike(group):
                new = [mending.joined(group)]
            else:
                new = await self._again(state, group, *mending.overlap_of(group))
            runs = self._put(state, runs, group, new, revised)
        return runs

    def _put(
        self,
        state: SeriesState,
        runs: list[RunRow],
        group: Sequence[RunRow],
        new: Sequence[RunRow],
        revised: Revised,
    ) -> list[RunRow]:
        """Put new runs in the place of a group, in what is to be written and in what is returned."""
        kept, gone = {run.number for run in new}, {id(run) for run in group}
        revised.writes.dropped_runs += [(run.series, run.number) for run in group if run.number not in kept]
        replaced = {run.number for run in group}
        revised.writes.runs = [
            run for run in revised.writes.runs if run.series != state.row.number or run.number not in replaced
        ]
        revised.writes.runs += new
        is_open = bool(new) and state.run is not None and new[-1].number == state.run.number
        revised.mended.append((state, new[-1] if is_open else None))
        return sorted(
            [*(run for run in runs if id(run) not in gone), *new], key=lambda run: (run.first_us, run.last_us)
        )

    async def _again(
        self, state: SeriesState, group: Sequence[RunRow], low_us: int, high_us: int
    ) -> list[RunRow]:
        """Make the runs of a group again from the results between two instants; outside of that they stay."""
        slots = SeriesSlots(
            series=state.row.number,
            from_slot=state.grid.slot_at(low_us) - AROUND,
            to_slot=state.grid.slot_at(high_us) + AROUND,
        )
        looks = [look async for look in self._looks(state, slots)]
        from_us, to_us = state.grid.start_us(slots.from_slot), state.grid.start_us(slots.to_slot + 1)
        return mending.made_again(group, looks, state.row.interval_us, from_us, to_us)

    async def _looks(self, state: SeriesState, slots: SeriesSlots) -> AsyncIterator[Look]:
        after = None
        while True:
            page = await self._store.results(ResultQuery(series=[slots], after=after, limit=PAGE))
            for row, detail in zip(page.rows, page.details, strict=True):
                if row.kind != Kind.SECOND:
                    yield _look(state, row, detail)
            after = page.after
            if after is None:
                return


def in_order(lineage: Sequence[SeriesState], runs: Mapping[int, Sequence[RunRow]]) -> list[RunRow]:
    """Return the runs of all series of one place as one past; where they overlap, the later series was right."""
    found: list[RunRow] = []
    for run in sorted(
        (run for state in lineage for run in runs[state.row.number]),
        key=lambda run: (run.first_us, run.last_us),
    ):
        if found and run.series != found[-1].series and run.first_us <= found[-1].last_us:
            cut_us = max(found[-1].first_us, min(found[-1].last_us, run.first_us - 1))
            found[-1] = replace(found[-1], last_us=cut_us, last_end_us=max(cut_us, found[-1].first_end_us))
        found.append(run)
    return found


def _look(state: SeriesState, row: ResultRow, detail: Detail | None) -> Look:
    if detail is not None:
        started_us, failures = detail.result.started_us, detail.result.failures
    else:
        started_us, failures = row.started_us or state.grid.due_us(row.slot) + row.late_us, ()
    return Look(
        started_us=started_us,
        ended_us=started_us + row.duration_us,
        outcome=row.outcome,
        code=failures[0].code if failures else None,
        is_exact=detail is not None or row.kind != Kind.SCHEDULED,
    )
