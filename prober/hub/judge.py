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

import msgspec

from checks.core.result import Outcome, Result
from prober.agent.grid import AT_END, Grid
from prober.store.base import ChangeRow, Detail, GapRow, Receipt, ResultRow, RunRow, SeriesRow, WriteSet
from prober.wire import Batch, Gap, Kind, Record

from .fold import Fold
from .verdict import Change, Seen

GAP_INTERVALS = 2  # a run of equal outcome ends where two starts lie further apart than this
LATE_KEPT_US = 5_000  # a start later than this after its due instant is kept in full
_RANKS = {Outcome.PASS: 0, Outcome.WARN: 1, Outcome.FAIL: 2, Outcome.VOID: 3}  # the best evidence first


@dataclass(slots=True, kw_only=True)
class SeriesState:
    """One series as the judge knows it: where it belongs, its grid, and its newest run."""

    row: SeriesRow
    grid: Grid
    run: RunRow | None = None
    source: tuple[str, int] | None = None  # agent and epoch that the newest result came from; None: not known
    agent: str = ""  # who ran it last, as far as that is on record since the start
    slot: int = -1  # the newest scheduled slot seen; -1: none since the start
    outcome: Outcome = Outcome.VOID  # of that slot
    piece: RunRow | None = None  # of results that come late: the newest run of them

    def ended_us(self, result: Result) -> int:
        """Return when a run was over; what tells us of itself is over when it tells, its length lies before."""
        return result.started_us + (0 if self.grid.schedule == AT_END else result.duration_us)


@dataclass(slots=True, kw_only=True)
class Judged:
    """What one commit holds: the write, and what to publish once it is on record."""

    writes: WriteSet = field(default_factory=WriteSet)
    records: list[Record] = field(default_factory=list)
    late: list[Record] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    closed_runs: list[RunRow] = field(default_factory=list)


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
        self._marks: dict[str, int] = {}  # what is on record of the fold's `revise_from`

    def take(self, batch: Batch, digest: bytes, judged: Judged) -> None:
        """Add one batch. Results of series that are no longer run tell of the past."""
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
        self._mark(judged)
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

    def unmark(self, probes: Iterable[str], writes: WriteSet) -> None:
        """Note that the past of these probes is worked out with this write."""
        writes.unmarked += [name for name in probes if self._marks.pop(name, None) is not None]

    def _mark(self, judged: Judged) -> None:
        """Put on record what has to be worked out, with the results that it comes of: a crash must not forget it."""
        for name, from_us in self.fold.revise_from.items():
            if from_us < self._marks.get(name, from_us + 1):
                self._marks[name] = from_us
                judged.writes.marks.append((name, from_us))

    def advance(self, now_us: int, judged: Judged) -> None:
        """Let time pass for regions that have gone silent."""
        self._note(self.fold.advance(now_us), judged)

    def settle(self, now_us: int, judged: Judged) -> None:
        """Judge everything anew."""
        self._note(self.fold.settle(now_us), judged)

    def _take_record(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        source = batch.agent, batch.epoch
        if record.slot == state.slot and state.source is not None and state.source[0] != batch.agent:
            self._take_second(batch, record, state, judged)
            return
        if _is_late(batch, record, state, source):
            self._take_late(batch, record, state, judged)
            return
        if record.kind == Kind.SCHEDULED:
            state.slot, state.outcome = record.slot, record.result.outcome
            if state.agent != batch.agent:
                state.agent = batch.agent
                judged.writes.shifts.append((record.series, record.slot, batch.agent))
        state.source = source
        self._take_newest(batch, record, state, judged)

    def _take_second(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        """Take what another agent of the region saw in a slot that has its result: a second look, not a second count.

        The slot stands on the best evidence. What is no better is kept, and says nothing of the region.
        """
        record = msgspec.structs.replace(record, kind=record.kind or int(Kind.RECHECK))
        if _RANKS[record.result.outcome] < _RANKS[state.outcome]:
            state.outcome = record.result.outcome
            self._take_newest(batch, record, state, judged)
            return
        judged.late.append(record)
        judged.writes.results.append(_result_row(record))
        if _is_notable(record) or batch.agent != state.agent:
            judged.writes.details.append(_detail(batch, record))

    def _take_newest(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        judged.records.append(record)
        judged.writes.results.append(_result_row(record))
        before = state.run.outcome if state.run is not None else None
        if before != Outcome.PASS.value or _is_notable(record):
            judged.writes.details.append(_detail(batch, record))
        self._extend_run(record, state, judged)
        if changes := self.fold.take(_seen(record, state)):
            self._note(changes, judged)

    def _take_late(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        judged.late.append(record)
        if record.kind == Kind.SCHEDULED:
            judged.writes.doubles.append(_result_row(record))
        else:
            judged.writes.results.append(_result_row(record))
        before = state.piece
        self._extend_piece(record, state, judged)
        if state.piece is not before or _is_notable(record) or batch.agent != state.agent:
            judged.writes.details.append(_detail(batch, record))
        if changes := self.fold.take(_seen(record, state, late=True)):
            self._note(changes, judged)

    def _extend_run(self, record: Record, state: SeriesState, judged: Judged) -> None:
        run = state.run
        if run is not None:
            if record.result.started_us < run.last_us:
                return  # from before: the wall clock was set back; evidence of states, not of time
            if _continues(record, state, run):
                _grow(run, record, state)
                judged.writes.runs.append(run)
                return
            judged.closed_runs.append(run)
        number = run.number + 1 if run is not None else 1
        state.run = _new_run(state, record, number)
        judged.writes.runs.append(state.run)

    def _extend_piece(self, record: Record, state: SeriesState, judged: Judged) -> None:
        """Keep late results as runs beside the others: numbered below them all, by their start, so known again."""
        piece = state.piece
        if piece is not None and _continues(record, state, piece):
            _grow(piece, record, state)
        else:
            piece = state.piece = _new_run(state, record, -record.result.started_us)
        judged.writes.runs.append(piece)

    def _note(self, changes: list[Change], judged: Judged) -> None:
        judged.changes += changes
        judged.writes.changes += [
            ChangeRow(
                at_us=change.at_us,
                noted_us=change.noted_us,
                subject=change.subject,
                before=change.before.value,
                after=change.after.value,
                because=change.because,
            )
            for change in changes
        ]


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


def _is_late(batch: Batch, record: Record, state: SeriesState, source: tuple[str, int]) -> bool:
    """Say whether newer results of the series came before this one, by another way.

    Older results on the same way tell of a clock that was set back. Where the way of the newest is not known any more
    (the hub was restarted), only what a spool has kept can be late.
    """
    if state.run is None or record.result.started_us >= state.run.last_us:
        return False
    return batch.spool is not None if state.source is None else source != state.source


def _is_notable(record: Record) -> bool:
    """Say whether a result is kept in full whatever was before it."""
    return record.result.outcome is not Outcome.PASS or record.late_us > LATE_KEPT_US


def _seen(record: Record, state: SeriesState, late: bool = False) -> Seen:
    result, row = record.result, state.row
    return Seen(
        probe=row.probe,
        region=row.region,
        scheduled=record.kind == Kind.SCHEDULED,
        outcome=result.outcome,
        code=result.failures[0].code if result.failures else "",
        started_us=result.started_us,
        ended_us=state.ended_us(result),
        late=late,
    )


def _continues(record: Record, state: SeriesState, run: RunRow) -> bool:
    result = record.result
    code = result.failures[0].code if result.failures else None
    gap_us = result.started_us - run.last_us
    return (
        run.outcome == result.outcome
        and run.code == code
        and 0 <= gap_us <= GAP_INTERVALS * state.row.interval_us
    )


def _grow(run: RunRow, record: Record, state: SeriesState) -> None:
    result = record.result
    run.longest_gap_us = max(run.longest_gap_us, result.started_us - run.last_us)
    run.last_us, run.last_end_us = result.started_us, state.ended_us(result)
    run.count += 1


def _new_run(state: SeriesState, record: Record, number: int) -> RunRow:
    result = record.result
    return RunRow(
        series=state.row.number,
        number=number,
        outcome=result.outcome.value,
        code=result.failures[0].code if result.failures else None,
        first_us=result.started_us,
        first_end_us=state.ended_us(result),
        last_us=result.started_us,
        last_end_us=state.ended_us(result),
        count=1,
        longest_gap_us=0,
    )
