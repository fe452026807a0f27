"""Runs of one series put in order again after late results fell into the middle of others. Pure.

Pieces that only touch are left as they are: whoever reads runs joins neighbours. What overlaps with a run of the same
outcome is joined with it; where outcomes differ, the runs have to be made again from the results themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from prober.store.base import RunRow

from .judge import GAP_INTERVALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One stored result as runs need it."""

    started_us: int
    ended_us: int
    outcome: str
    code: str | None


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


def made_again(group: Sequence[RunRow], looks: Iterable[Look], interval_us: int) -> list[RunRow]:
    """Return the runs of a group's results, in order of time."""
    runs: list[RunRow] = []
    for look in sorted(looks, key=lambda look: (look.started_us, look.ended_us)):
        run = runs[-1] if runs else None
        gap_us = look.started_us - run.last_us if run is not None else 0
        if (
            run is not None
            and (run.outcome, run.code) == (look.outcome, look.code)
            and gap_us <= GAP_INTERVALS * interval_us
        ):
            run.longest_gap_us = max(run.longest_gap_us, gap_us)
            run.last_us, run.last_end_us, run.count = look.started_us, look.ended_us, run.count + 1
        else:
            runs.append(_begun(group[0].series, look))
    if runs:
        runs[-1].number = _kept_number(group) or runs[-1].number
    return runs


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
