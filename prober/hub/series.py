"""One series as the judge keeps it: its grid, its newest run, and what a record is to it. Values and pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.core.result import Outcome, Result
from prober.agent.grid import AT_END, Grid
from prober.store.base import RunRow, SeriesRow
from prober.wire import Batch, Kind, Record

from .verdict import Seen

GAP_INTERVALS = 2  # a run of equal outcome ends where two starts lie further apart than this
LATE_KEPT_US = 5_000  # a start later than this after its due instant is kept in full


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
    remake: set[int] = field(default_factory=set)  # slots whose runs still tell of a result that made room
    beaten: tuple[str, int] | None = None  # the agent and slot of the newest second result that was no better

    def ended_us(self, result: Result) -> int:
        """Return when a run was over; what tells us of itself is over when it tells, its length lies before."""
        return result.started_us + (0 if self.grid.schedule == AT_END else result.duration_us)


def is_late(batch: Batch, record: Record, state: SeriesState, source: tuple[str, int]) -> bool:
    """Say whether newer results of the series came before this one, by another way.

    Older results on the same way tell of a clock that was set back. Where the way of the newest is not known any more
    (the hub was restarted), only what a spool has kept can be late.
    """
    if state.run is None or record.result.started_us >= state.run.last_us:
        return False
    return batch.spool is not None if state.source is None else source != state.source


def is_notable(record: Record) -> bool:
    """Say whether a result is kept in full whatever was before it."""
    return record.result.outcome is not Outcome.PASS or record.late_us > LATE_KEPT_US


def seen_of(record: Record, state: SeriesState, late: bool = False) -> Seen:
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


def continues(record: Record, state: SeriesState, run: RunRow) -> bool:
    result = record.result
    code = result.failures[0].code if result.failures else None
    gap_us = result.started_us - run.last_us
    return (
        run.outcome == result.outcome
        and run.code == code
        and 0 <= gap_us <= GAP_INTERVALS * state.row.interval_us
    )


def grow(run: RunRow, record: Record, state: SeriesState) -> None:
    result = record.result
    run.longest_gap_us = max(run.longest_gap_us, result.started_us - run.last_us)
    run.last_us, run.last_end_us = result.started_us, state.ended_us(result)
    run.count += 1


def new_run(state: SeriesState, record: Record, number: int) -> RunRow:
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
