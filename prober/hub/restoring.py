"""Where everything stood, read from the store after a start, so that the present goes on from there."""

from __future__ import annotations

from checks.core.result import Outcome
from prober.store.base import RunRow, Store

from .judge import Judge
from .standing import RegionStanding
from .verdict import State


async def restore_standings(store: Store, judge: Judge) -> None:
    """Give a fresh fold the states, the newest evidence, and what of the past has yet to be worked out."""
    fold = judge.fold
    for subject, change in (await store.last_changes()).items():
        fold.restore(subject, State(change.after), change.at_us, change.because, change.noted_us)
    for state in judge.series.values():
        probe, region, run = state.row.probe, state.row.region, state.run
        standing = fold.region(probe, region)
        failing = _failing(run)
        heard_us = run.last_us if run is not None else 0
        fold.restore_evidence(probe, region, _last_us(run, standing), failing, heard_us)
        if run is not None:
            fold.touch(probe, run.last_end_us)
        unsure = failing is not None and standing.state is not State.DOWN
        if run is not None and (unsure or run.outcome == Outcome.VOID.value):
            # Which of the failures count, or when the last usable result was, is not told by the newest run: worked
            # out from the results themselves.
            fold.look_back((probe,), run.first_us)
    judge.marked(await store.marks())


def _last_us(run: RunRow | None, standing: RegionStanding) -> int:
    """Return the start of the newest usable result, as far as it is known."""
    if run is None:
        return standing.since_us  # another grid than the one it was seen on
    if run.outcome == Outcome.VOID.value:
        return max(run.first_us, standing.since_us)  # the last usable result lies just before
    return run.last_us


def _failing(run: RunRow | None) -> tuple[int, int, str] | None:
    if run is None or run.outcome != Outcome.FAIL.value:
        return None
    return run.count, run.first_us, run.code or ""
