"""Runs of one series put in order again after late results fell into the middle of others. Pure.

Pieces that only touch are left as they are: whoever reads runs joins neighbours. What overlaps with a run of the same
outcome is joined with it; where outcomes differ, the runs have to be made again from the results themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from prober.store.base import RunRow

from .series import GAP_INTERVALS, LATE_KEPT_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One stored result as runs need it."""

    started_us: int
    ended_us: int
    outcome: str
    code: str | None
    is_exact: bool = True  # else it may have begun some milliseconds later


def tangles(runs: Iterable[RunRow]) -> list[list[RunRow]]:
    """Return the groups of runs that overlap in time, each in order."""
    groups: list[list[RunRow]] = []
    until_us = None
    for run in sorted(runs, key=lambda run: (run.first_us, run.last_us)):
        if until_us is not None and run.first_us <= until_us:
            groups[-1].append(run)
            until_us = max(until_us, run.last_us)
        else:
            groups.append([run])
            until_us = run.last_us
    return [group for group in groups if len(group) > 1]


def are_alike(group: Sequence[RunRow]) -> bool:
    """Say whether a group can be joined without looking at its results."""
    return len({(run.outcome, run.code) for run in group}) == 1


def joined(group: Sequence[RunRow]) -> RunRow:
    """Return one run for runs of equal outcome that overlap."""
    first = min(group, key=lambda run: run.first_us)
    last = max(group, key=lambda run: run.last_us)
    return replace(
        first,
        number=_kept_number(group) or -first.first_us,
        last_us=last.last_us,
        last_end_us=last.last_end_us,
        count=sum(run.count for run in group),
        longest_gap_us=max(run.longest_gap_us for run in group),
    )


def overlap_of(group: Sequence[RunRow]) -> tuple[int, int]:
    """Return the first and the last instant at which more than one run of a group is going on."""
    runs = sorted(group, key=lambda run: (run.first_us, run.last_us))
    low_us, high_us, until_us = runs[1].first_us, runs[1].first_us, runs[0].last_us
    for run in runs[1:]:
        if run.first_us <= until_us:
            high_us = max(high_us, min(run.last_us, until_us))
        until_us = max(until_us, run.last_us)
    return low_us, high_us


def around(runs: Iterable[RunRow], low_us: int, high_us: int) -> list[RunRow]:
    """Return the runs that go on at some instant between two."""
    return [run for run in runs if run.first_us <= high_us and run.last_us >= low_us]


def made_again(
    group: Sequence[RunRow], looks: Iterable[Look], interval_us: int, from_us: int, to_us: int
) -> list[RunRow]:
    """Return the runs of a group, in order of time, made from the results between two instants.

    What lies before and after goes on as it was; the count of a run that is cut there is estimated by its length.
    Where results are missing, runs are cut so that they no longer overlap: the one that began later is believed.
    """
    runs = sorted(group, key=lambda run: (run.first_us, run.last_us))
    first, last = runs[0], max(runs, key=lambda run: run.last_us)
    exact = {run.first_us for run in runs} | {run.last_us for run in runs}
    kept = [_exact(look, exact) for look in looks]
    kept = [look for look in kept if first.first_us <= look.started_us <= last.last_us]
    kept.sort(key=lambda look: (look.started_us, look.ended_us))
    made = _linked([_begun(first.series, look) for look in kept], interval_us)
    if not made:
        return _cut(runs)
    head = _head(first, min(first.last_us, made[0].first_us - 1)) if first.first_us < from_us else None
    tail = _tail(last, max(last.first_us, made[-1].last_us + 1)) if last.last_us > to_us else None
    whole = _linked([run for run in (head, *made, tail) if run is not None], interval_us)
    whole[-1].number = _kept_number(group) or whole[-1].number
    return whole


def _exact(look: Look, instants: set[int]) -> Look:
    """Return a result with its start as its run tells it: what is read back is early by some milliseconds."""
    near = [at for at in instants if 0 < at - look.started_us <= LATE_KEPT_US]
    if look.is_exact or look.started_us in instants or not near:
        return look
    shift_us = min(near) - look.started_us
    return replace(look, started_us=look.started_us + shift_us, ended_us=look.ended_us + shift_us)


def _linked(runs: Sequence[RunRow], interval_us: int) -> list[RunRow]:
    """Join neighbours that are one run."""
    found: list[RunRow] = []
    for run in runs:
        if found and _goes_on(found[-1], run, interval_us):
            _append(found[-1], run)
        else:
            found.append(run)
    return found


def _goes_on(run: RunRow, after: RunRow, interval_us: int) -> bool:
    gap_us = after.first_us - run.last_us
    return (run.outcome, run.code) == (after.outcome, after.code) and gap_us <= GAP_INTERVALS * interval_us


def _append(run: RunRow, after: RunRow) -> None:
    run.longest_gap_us = max(run.longest_gap_us, after.longest_gap_us, after.first_us - run.last_us)
    run.last_us, run.last_end_us, run.count = after.last_us, after.last_end_us, run.count + after.count


def _head(run: RunRow, last_us: int) -> RunRow | None:
    """Return what a run has up to an instant; None if nothing."""
    if last_us < run.first_us:
        return None
    part = _part(run, run.first_us, last_us)
    part.first_end_us, part.last_end_us = min(run.first_end_us, last_us), last_us
    return part


def _tail(run: RunRow, first_us: int) -> RunRow | None:
    """Return what a run has from an instant on; None if nothing."""
    if run.last_us < first_us:
        return None
    part = _part(run, first_us, run.last_us)
    part.first_end_us = first_us
    return part


def _part(run: RunRow, first_us: int, last_us: int) -> RunRow:
    length_us = max(run.last_us - run.first_us, 1)
    return replace(
        run,
        number=-first_us,
        first_us=first_us,
        last_us=last_us,
        count=max(1, run.count * (last_us - first_us) // length_us),
        longest_gap_us=min(run.longest_gap_us, last_us - first_us),
    )


def _cut(runs: Sequence[RunRow]) -> list[RunRow]:
    kept: list[RunRow] = []
    for run in runs:
        if kept and run.first_us <= kept[-1].last_us:
            if run.last_us <= kept[-1].last_us or run.first_us <= kept[-1].first_us:
                continue
            cut_us = run.first_us - 1
            kept[-1] = replace(
                kept[-1],
                last_us=cut_us,
                last_end_us=max(cut_us, kept[-1].first_us),
                longest_gap_us=min(kept[-1].longest_gap_us, cut_us - kept[-1].first_us),
            )
        kept.append(run)
    return kept


def _kept_number(group: Sequence[RunRow]) -> int:
    """Return the number that the last of a group's runs goes on under: the open run's, if it is among them.

    0 if there are only pieces, which are known by their start.
    """
    return max(0, *(run.number for run in group))


def _begun(series: int, look: Look) -> RunRow:
    return RunRow(
        series=series,
        number=-look.started_us,
        outcome=look.outcome,
        code=look.code,
        first_us=look.started_us,
        first_end_us=look.ended_us,
        last_us=look.started_us,
        last_end_us=look.ended_us,
        count=1,
        longest_gap_us=0,
    )
