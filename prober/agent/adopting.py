"""What a remote agent makes of an assignment before it runs it: what it can run, and from which slot on.

The hub may be a release ahead, and may know less of what this agent has measured than the agent's own spool does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec

from prober.wire import Assignment, Series

log = logging.getLogger("prober.agent")


def resumed(assignment: Assignment, slots: Mapping[int, int], *, cached: bool) -> Assignment:
    """Let every series go on after the slots that have their fate; `slots` are the highest ones, by series.

    How far a cached assignment's series had come since, only `slots` can tell: without it they begin anew.
    """

    def first(series: Series) -> int:
        known = slots.get(series.number, -1) + 1
        return known if cached else max(series.resume_slot, known)

    series = tuple(msgspec.structs.replace(each, resume_slot=first(each)) for each in assignment.series)
    return msgspec.structs.replace(assignment, series=series)


def runnable(assignment: Assignment, prepare: Callable[[Series], object]) -> tuple[Assignment, list[object]]:
    """Leave out what this release cannot run, and say so; also returns what was prepared, to be held until it runs.

    `prepare` raises for a kind or an option that it does not know. What it says may quote secrets and is not told.
    """
    held, series, left_out = [], [], []
    for each in assignment.series:
        try:
            held.append(prepare(each))
        except Exception as problem:
            left_out.append(f"{each.probe} ({each.kind}, {type(problem).__name__})")
        else:
            series.append(each)
    if left_out:
        words = "some probes cannot be run by this release of the agent: upgrade it"
        log.error(words, extra={"probes": left_out})
    return msgspec.structs.replace(assignment, series=tuple(series)), held


def is_of_region(assignment: Assignment, region: str) -> bool:
    """Say whether an assignment is for agents of a region."""
    return all(series.region == region for series in assignment.series)
