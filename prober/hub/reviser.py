"""Works the past out anew where late results came in: puts runs in order, replays states, records what changed.

Runs inside the pipeline's worker, between commits, so nothing else changes what it looks at. It waits until late
results pause, and never spends more than a tenth of the time on itself, however much there is to catch up with.
What is decided lives in `revision.py` and `mending.py`.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.core.result import Outcome
from prober.store.base import Detail, ResultQuery, ResultRow, RunRow, SeriesRow, SeriesSlots, Store, WriteSet

from . import mending
from .fold import Fold
from .judge import Judge, SeriesState
from .mending import Look
from .revision import Past, begin_of, compare, replay

log = logging.getLogger(__name__)
QUIET_SECONDS = 1.0  # without late results, before the past is looked at
SHARE = 10  # it rests this many times as long as it worked
LONGEST_REST_SECONDS = 60.0
PAGE = 1000  # results read at once
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
        patience = max(LONGEST_REST_SECONDS / 6, QUIET_SECONDS)
        is_quiet = now - self._quiet_since >= QUIET_SECONDS or now - self._waits_since >= patience
        return is_quiet and now >= self._rests_until

    async def look_back(self) -> Revised:
        """Work out the past of one group of probes that have something in common; raises StoreError."""
        began = self._clock()
        live = self._judge.fold
        marks = live.revise_from
        fold = live.kin(list(marks)[:PROBES])
        names = tuple(policy.name for policy in fold.probes)
        at_us = min(marks.pop(name) for name in names if name in marks)
        try:
            revised = await self._work_out(fold, names, at_us)
        except BaseException:
            live.look_back(names, at_us)
            raise
        took = self._clock() - began
        self._rests_until = self._clock() + min(took * SHARE, LONGEST_REST_SECONDS)
        return revised

    def adopt(self, revised: Revised) -> None:
        """Let the present stand on what was worked out, once it is on record."""
        if revised.writes.withdrawn or revised.writes.changes:
            self.revision += 1
        self._judge.fold.adopt(revised.fold)

    async def _work_out(self, fold: Fold, names: tuple[str, ...], at_us: int) -> Revised:
        places = {
            (policy.name, region): (policy.silence_us, self._judge.lineage(policy.name, region))
            for policy in fold.probes
            for region in policy.regions
        }
        states = [state for _, lineage in places.values() for state in lineage]
        revised = Revised(fold=fold, probes=names, from_us=at_us)
        revised.rows = {state.row.number: state.row for state in states}
        back_us = max(silence_us for silence_us, _ in places.values())
        from_us, read_us = at_us - 1, at_us
        while from_us < read_us:
            read_us = from_us
            runs = await self._runs(states, read_us - back_us)
            revised.writes = WriteSet()
            for state in states:
                runs[state.row.number] = await self._mend(state, runs[state.row.number], revised.writes)
            pasts = [
                Past(probe=probe, region=region, silence_us=silence_us, runs=in_order(lineage, runs))
                for (probe, region), (silence_us, lineage) in places.items()
            ]
            from_us = min(from_us, begin_of(pasts, at_us))
        revised.from_us, revised.runs = from_us, runs
        full = [
            replace(past, failures=await self._failures(lineage, from_us))
            for past, (_, lineage) in zip(pasts, places.values(), strict=True)
        ]
        await self._replay(fold, full, from_us, revised.writes)
        self._judge.unmark(names, revised.writes)
        return revised

    async def _failures(self, lineage: Sequence[SeriesState], from_us: int) -> list[Detail]:
        return [
            detail
            for state in lineage
            for detail in await self._store.evidence(state.row.number, from_us)
            if detail.result.outcome is Outcome.FAIL
        ]

    async def _replay(self, fold: Fold, pasts: Sequence[Past], from_us: int, writes: WriteSet) -> None:
        recorded = await self._store.states(fold.subjects, from_us)
        stood = {row.subject: row for row in recorded if row.at_us < from_us}
        changes = replay(fold, pasts, stood, from_us, self._judge.fold.clock_us)
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

    async def _mend(self, state: SeriesState, runs: list[RunRow], writes: WriteSet) -> list[RunRow]:
        """Put runs that overlap in order, on record and in memory."""
        for group in mending.tangles(runs):
            new = [mending.joined(group)] if mending.are_alike(group) else await self._again(state, group)
            kept = {run.number for run in new}
            writes.dropped_runs += [(run.series, run.number) for run in group if run.number not in kept]
            writes.runs += new
            gone = {id(run) for run in group}
            runs = sorted(
                [run for run in runs if id(run) not in gone] + new,
                key=lambda run: (run.first_us, run.last_us),
            )
            if state.run is not None and new[-1].number == state.run.number:
                state.run = new[-1]
            if state.piece is not None and state.piece.number in {run.number for run in group}:
                state.piece = None
        return runs

    async def _again(self, state: SeriesState, group: Sequence[RunRow]) -> list[RunRow]:
        number = state.row.number
        low_us, high_us = group[0].first_us, max(run.last_us for run in group)
        slots = SeriesSlots(
            series=number,
            from_slot=state.grid.slot_at(low_us) - 1,
            to_slot=state.grid.slot_at(high_us) + 1,
        )
        looks = [look async for look in self._looks(state, slots) if low_us <= look.started_us <= high_us]
        return mending.made_again(group, looks, state.row.interval_us)

    async def _looks(self, state: SeriesState, slots: SeriesSlots) -> AsyncIterator[Look]:
        after = None
        while True:
            page = await self._store.results(ResultQuery(series=[slots], after=after, limit=PAGE))
            for row, detail in zip(page.rows, page.details, strict=True):
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
    )
