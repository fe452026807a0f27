"""One timeline out of several that watched the same thing one after the other.

A probe that was given another interval is watched on another grid, with another longest gap to be trusted. Each grid's
evidence is marked by its own rule; here the marks are laid side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.timeline import Mark, Timeline, Trace


def overlay(timelines: Sequence[Timeline]) -> Timeline:
    """Return what any of the timelines knows; where several know, the last of them. At least one is needed."""
    if len(timelines) == 1:
        return timelines[0]
    changes = sorted(
        (at_us, who, mark)
        for who, timeline in enumerate(timelines)
        for at_us, mark in zip(timeline.starts[1:], timeline.marks[1:], strict=True)
    )
    current = [int(Mark.UNKNOWN)] * len(timelines)
    trace = Trace()
    for at_us, who, mark in changes:
        current[who] = mark
        trace.put(
            at_us, next((known for known in reversed(current) if known != Mark.UNKNOWN), int(Mark.UNKNOWN))
        )
    return trace.timeline()
