"""Turns a batch into what has to be written and what has changed: results, runs, details, gaps, changes.

Decides, does no I/O. What comes late, after newer results of its series, is kept as pieces of runs of its own and
says nothing of the present; what it says of the past `revision.py` works out afterwards. The working state runs
ahead of the store by the write under way and no further: the pipeline repeats that write until it succeeds, and a
crash rebuilds everything from what was committed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from types import MappingProxyType

import msgspec

from checks.core.result import Outcome
from prober.agent.grid import Grid
from prober.store.base import Detail, GapRow, Receipt, ResultRow, RunRow, SeriesRow, WriteSet
from prober.wire import Batch, Gap, Kind, Record

from .fold import Fold
from .series import SeriesState, continues, grow, is_late, is_notable, new_run, seen_of
from .standing import row_of
from .verdict import Change, State

_RANKS = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.FAIL: 2, Outcome.VOID: 3}  # the best evidence first


@dataclass(slots=True, kw_only=True)
class Judged:
    """What one commit holds: the write, and what to publish once it is on record."""

    writes: WriteSet = field(default_factory=WriteSet)
    records: list[Record] = field(default_factory=list)
    late: list[Record] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    closed_runs: list[RunRow] = field(default_factory=list)
    slots: dict[tuple[int, int], str] = field(
        default_factory=dict
    )  # outcome by (series, slot), of this commit


class Judge:
    """Holds the fold and the newest run of every series."""

    def __init__(self, fold: Fold, series: dict[int, SeriesState]) -> None:
        self.fold = fold
        self.series = series
        self._earlier_rows: dict[int, SeriesRow] = {}  # series of earlier configurations
        self._earlier: dict[int, SeriesState] = {}  # those that were asked for
        self._places: dict[
            tuple[str, str], list[int]
        ] = {}  # all series of a probe and region, the oldest first
        self._grid_of: Callable[[SeriesRow], Grid] | None = None
        self._departed: list[Change] = []
        self._marks: dict[str, int] = {}  # what is on record of the fold's `revise_from`

    def become(self, fold: Fold, now_us: int) -> None:
        """Go over to the fold of another configuration. What that one does not have is no longer known."""
        older, self.fold = self.fold, fold
        fold.inherit(older)
        self._departed = [
            Change(
                subject=subject,
                before=standing.state,
                after=State.UNKNOWN,
                at_us=max(now_us, standing.since_us),
                noted_us=now_us,
                because="no longer watched",
            )
            for subject in older.subjects
            if fold.standing(subject) is None
            and (standing := older.standing(subject)) is not None
            and standing.state is not State.UNKNOWN
        ]

    def unsure(self, batch: Batch) -> list[tuple[int, int]]:
        """Return the (series, slot) of which the store has to say whether they have a result, before it is taken."""
        source = batch.agent, batch.epoch
        return [
            (record.series, record.slot)
            for record in batch.records
            if record.kind == Kind.SCHEDULED
            and ((state := self.series.get(record.series)) is None or is_late(batch, record, state, source))
        ]

    def take(
        self,
        batch: Batch,
        digest: bytes,
        judged: Judged,
        taken: Mapping[tuple[int, int], str] = MappingProxyType({}),
    ) -> None:
        """Add one batch. Results of series that are no longer run tell of the past.

        `taken` says which of the slots that it was `unsure` of have a result on record, and with which outcome.
        """
        judged.slots.update(taken)
        for record in batch.records:
            state = self.series.get(record.series)
            if state is not None:
                self._take_record(batch, record, state, judged)
            elif (earlier := self._earlier_state(record.series)) is not None:
                self._take_late(batch, record, earlier, judged)
            else:
                judged.writes.results.append(_result_row(record))
        for gap in batch.gaps:
            judged.gaps.append(gap)
            judged.writes.gaps.append(
                GapRow(series=gap.series, first_slot=gap.first, last_slot=gap.last, reason=gap.reason)
            )
        judged.writes.receipts.append(
            Receipt(agent=batch.agent, epoch=batch.epoch, sequence=batch.sequence, hash=digest)
        )

    def know(self, rows: Iterable[SeriesRow], grid_of: Callable[[SeriesRow], Grid]) -> None:
        """Take in all series there ever were: agents may yet tell of those that this configuration does not have."""
        known = list(rows)
        self._places = defaultdict(list)
        for row in known:
            self._places[row.probe, row.region].append(row.number)
        self._earlier_rows = {row.number: row for row in known if row.number not in self.series}
        self._earlier = {number: one for number, one in self._earlier.items() if number in self._earlier_rows}
        self._grid_of = grid_of

    def lineage(self, probe: str, region: str) -> list[SeriesState]:
        """Return all series that a probe ever had in a region: its past lies in each of them."""
        states = (
            self.series.get(number) or self._earlier_state(number)
            for number in self._places.get((probe, region), ())
        )
        return [state for state in states if state is not None]

    def _earlier_state(self, number: int) -> SeriesState | None:
        state, row = self._earlier.get(number), self._earlier_rows.get(number)
        if state is None and row is not None and self._grid_of is not None:
            state = self._earlier[number] = SeriesState(row=row, grid=self._grid_of(row))
        return state

    def marked(self, marks: Mapping[str, int]) -> None:
        """Take in from when probes' pasts have to be worked out, as it is on record."""
        self._marks = dict(marks)
        for name, from_us in marks.items():
            self.fold.look_back((name,), from_us)

    def unmark(self, probes: Iterable[str]) -> None:
        """Note that the past of these probes is worked out, on record too."""
        for name in probes:
            self._marks.pop(name, None)

    def mark(self, judged: Judged) -> None:
        """Put on record what has to be worked out, with the results that it comes of: a crash must not forget it."""
        for name, from_us in self.fold.revise_from.items():
            if from_us < self._marks.get(name, from_us + 1):
                self._marks[name] = from_us
                judged.writes.marks.append((name, from_us))

    def advance(self, now_us: int, judged: Judged) -> None:
        """Let time pass for regions that have gone silent."""
        self._note(self.fold.advance(now_us), judged)

    def settle(self, now_us: int, judged: Judged) -> None:
        """Judge everything anew, and note who is no longer there to be judged."""
        self._note(self.fold.settle(now_us), judged)
        judged.writes.changes += map(row_of, self._departed)
        self._departed = []

    def _take_record(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        source = batch.agent, batch.epoch
        is_other = state.source is not None and state.source[0] != batch.agent
        if record.slot == state.slot and (is_other or record.kind == Kind.SCHEDULED):
            self._take_second(batch, record, state, judged)
            return
        if is_late(batch, record, state, source):
            self._take_late(batch, record, state, judged)
            return
        if record.kind == Kind.SCHEDULED:
            state.slot, state.outcome = record.slot, record.result.outcome
            judged.slots[record.series, record.slot] = record.result.outcome.value
            if state.agent != batch.agent:
                state.agent = batch.agent
                judged.writes.shifts.append((record.series, record.slot, batch.agent))
        state.source = source
        self._take_newest(batch, record, state, judged)

    def _take_second(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        """Take what another agent of the region saw in a slot that has its result: a second look, not a second count.

        The slot stands on the best evidence. What is no better is kept, and says nothing of the region.
        """
        if _RANKS[record.result.outcome] >= _RANKS[state.outcome]:
            self._keep_second(batch, record, state, judged)
            return
        if record.kind == Kind.SCHEDULED:
            state.outcome = record.result.outcome
            self._take_place(batch, record, state, judged)
        else:
            judged.writes.results.append(_result_row(record))
            judged.writes.details.append(_detail(batch, record))
        judged.records.append(msgspec.structs.replace(record, kind=record.kind or int(Kind.RECHECK)))
        self._see(record, state, judged)

    def _keep_second(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        """Keep a result that says nothing of the region: its slot has one as good, or a better one."""
        state.beaten = batch.agent, record.slot
        record = msgspec.structs.replace(record, kind=int(Kind.SECOND))
        judged.writes.results.append(_result_row(record))
        judged.writes.details.append(_detail(batch, record))

    def _take_place(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        """Let a scheduled result take the place of what its slot has, on record or in this very commit.

        What made room was evidence until now: the past is worked out without it.
        """
        row, rows = _result_row(record), judged.writes.results
        state.remake.add(record.slot)
        self.fold.look_back((state.row.probe,), state.grid.start_us(record.slot))
        judged.slots[record.series, record.slot] = row.outcome
        judged.writes.details.append(_detail(batch, record))
        for index, before in enumerate(rows):
            if (before.series, before.slot, before.kind) == (row.series, row.slot, Kind.SCHEDULED):
                rows[index] = dataclass_replace(before, kind=int(Kind.SECOND))
                rows.append(row)
                return
        judged.writes.better.append(row)

    def _take_newest(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        judged.records.append(record)
        judged.writes.results.append(_result_row(record))
        before = state.run.outcome if state.run is not None else None
        if before != Outcome.PASS.value or is_notable(record):
            judged.writes.details.append(_detail(batch, record))
        self._see(record, state, judged)

    def _see(self, record: Record, state: SeriesState, judged: Judged) -> None:
        self._extend_run(record, state, judged)
        if changes := self.fold.take(seen_of(record, state)):
            self._note(changes, judged)

    def _take_late(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        if record.kind != Kind.SCHEDULED and state.beaten == (batch.agent, record.slot):
            self._keep_second(batch, record, state, judged)  # what followed a second result
            return
        if record.kind == Kind.SCHEDULED:
            outcome = judged.slots.get((record.series, record.slot))
            if outcome is not None and _RANKS[record.result.outcome] >= _RANKS[Outcome(outcome)]:
                self._keep_second(batch, record, state, judged)
                return
            self._fill_slot(batch, record, state, judged, is_taken=outcome is not None)
        else:
            judged.late.append(record)
            judged.writes.results.append(_result_row(record))
        before = state.piece
        self._extend_piece(record, state, judged)
        if state.piece is not before or is_notable(record) or batch.agent != state.agent:
            judged.writes.details.append(_detail(batch, record))
        if changes := self.fold.take(seen_of(record, state, late=True)):
            self._note(changes, judged)

    def _fill_slot(
        self, batch: Batch, record: Record, state: SeriesState, judged: Judged, *, is_taken: bool
    ) -> None:
        if is_taken:
            self._take_place(batch, record, state, judged)
            return
        judged.slots[record.series, record.slot] = record.result.outcome.value
        judged.late.append(record)
        judged.writes.results.append(_result_row(record))
        judged.writes.late_slots.append((record.series, record.slot))

    def _extend_run(self, record: Record, state: SeriesState, judged: Judged) -> None:
        run = state.run
        if run is not None:
            if record.result.started_us < run.last_us:
                return  # from before: the wall clock was set back; evidence of states, not of time
            if continues(record, state, run):
                grow(run, record, state)
                judged.writes.runs.append(run)
                return
            judged.closed_runs.append(run)
        number = run.number + 1 if run is not None else 1
        state.run = new_run(state, record, number)
        judged.writes.runs.append(state.run)

    def _extend_piece(self, record: Record, state: SeriesState, judged: Judged) -> None:
        """Keep late results as runs beside the others: numbered below them all, by their start, so known again."""
        piece = state.piece
        if piece is not None and continues(record, state, piece):
            grow(piece, record, state)
        else:
            piece = state.piece = new_run(state, record, -record.result.started_us)
        judged.writes.runs.append(piece)

    def _note(self, changes: list[Change], judged: Judged) -> None:
        judged.changes += changes
        judged.writes.changes += map(row_of, changes)


def _result_row(record: Record) -> ResultRow:
    result = record.result
    return ResultRow(
        series=record.series,
        slot=record.slot,
        kind=record.kind,
        started_us=result.started_us,
        late_us=record.late_us,
        duration_us=result.duration_us,
        outcome=result.outcome.value,
    )


def _detail(batch: Batch, record: Record) -> Detail:
    return Detail(
        series=record.series,
        slot=record.slot,
        kind=record.kind,
        digest=batch.digest,
        agent=batch.agent,
        result=record.result,
    )
