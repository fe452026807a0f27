"""Turns a batch into what has to be written and what has changed: results, runs, details, gaps, changes.

Decides, does no I/O. Its working state runs ahead of the store by the write under way and no further: the pipeline
repeats that write until it succeeds, and a crash rebuilds everything from what was committed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.core.result import Outcome, Result
from prober.agent.grid import AT_END, Grid
from prober.store.base import ChangeRow, Detail, GapRow, Receipt, ResultRow, RunRow, SeriesRow, WriteSet
from prober.wire import Batch, Gap, Kind, Record

from .verdict import Change, Fold, Seen

GAP_INTERVALS = 2  # a run of equal outcome ends where two starts lie further apart than this
LATE_KEPT_US = 5_000  # a start later than this after its due instant is kept in full


@dataclass(slots=True, kw_only=True)
class SeriesState:
    """One series as the judge knows it: where it belongs, its grid, and its newest run."""

    row: SeriesRow
    grid: Grid
    run: RunRow | None = None

    def ended_us(self, result: Result) -> int:
        """Return when a run was over; what tells us of itself is over when it tells, its length lies before."""
        return result.started_us + (0 if self.grid.schedule == AT_END else result.duration_us)


@dataclass(slots=True, kw_only=True)
class Judged:
    """What one commit holds: the write, and what to publish once it is on record."""

    writes: WriteSet = field(default_factory=WriteSet)
    records: list[Record] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    closed_runs: list[RunRow] = field(default_factory=list)


class Judge:
    """Holds the fold and the newest run of every series."""

    def __init__(self, fold: Fold, series: dict[int, SeriesState]) -> None:
        self.fold = fold
        self.series = series

    def take(self, batch: Batch, digest: bytes, judged: Judged) -> None:
        """Add one batch. Results and gaps of series that were just taken out are kept; they decide no state."""
        for record in batch.records:
            state = self.series.get(record.series)
            if state is not None:
                self._take_record(batch, record, state, judged)
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

    def advance(self, now_us: int, judged: Judged) -> None:
        """Let time pass for regions that have gone silent."""
        self._note(self.fold.advance(now_us), judged)

    def settle(self, now_us: int, judged: Judged) -> None:
        """Judge everything anew."""
        self._note(self.fold.settle(now_us), judged)

    def _take_record(self, batch: Batch, record: Record, state: SeriesState, judged: Judged) -> None:
        result = record.result
        row = state.row
        judged.records.append(record)
        judged.writes.results.append(_result_row(record))
        before = state.run.outcome if state.run is not None else None
        if (
            result.outcome is not Outcome.PASS
            or before != Outcome.PASS.value
            or record.late_us > LATE_KEPT_US
        ):
            judged.writes.details.append(_detail(batch, record))
        self._extend_run(record, state, judged)
        failure = result.failure
        seen = Seen(
            probe=row.probe,
            region=row.region,
            scheduled=record.kind == Kind.SCHEDULED,
            outcome=result.outcome,
            code=failure.code if failure is not None else "",
            started_us=result.started_us,
            ended_us=state.ended_us(result),
        )
        if changes := self.fold.take(seen):
            self._note(changes, judged)

    def _extend_run(self, record: Record, state: SeriesState, judged: Judged) -> None:
        result, run = record.result, state.run
        started_us, ended_us = result.started_us, state.ended_us(result)
        code = result.failures[0].code if result.failures else None
        if run is not None:
            gap_us = started_us - run.last_us
            if gap_us < 0:
                return  # from before: the wall clock was set back; evidence of states, not of time
            if (
                run.outcome == result.outcome
                and run.code == code
                and gap_us <= GAP_INTERVALS * state.row.interval_us
            ):
                run.last_us, run.last_end_us = started_us, ended_us
                run.count += 1
                run.longest_gap_us = max(run.longest_gap_us, gap_us)
                judged.writes.runs.append(run)
                return
            judged.closed_runs.append(run)
        state.run = _new_run(state, result, code)
        judged.writes.runs.append(state.run)

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


def _new_run(state: SeriesState, result: Result, code: str | None) -> RunRow:
    before = state.run
    return RunRow(
        series=state.row.number,
        number=before.number + 1 if before is not None else 1,
        outcome=result.outcome.value,
        code=code,
        first_us=result.started_us,
        first_end_us=state.ended_us(result),
        last_us=result.started_us,
        last_end_us=state.ended_us(result),
        count=1,
        longest_gap_us=0,
    )
