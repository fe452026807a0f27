"""How several timelines become one: regions agree on a probe, probes make up a service.

Both are one rule, "down if at least q of n are down", in three-valued logic: down if q surely see it, up if
fewer than q could, else unknown; and the same counting for the sure and the possible down time. Since the
marks are one scale (`timeline`), all of it at once is: the q-th highest mark. That is "at least q regions
in a core" for CORE, "at least q in a bracket or unknown" for EDGE_UP and up, and the three-valued verdict
between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.timeline import Mark, Timeline, Trace


def regions_needed(down_when: str | int, regions: int) -> int:
    """Return how many of `regions` must see a failure for "down": rule `any`, `majority`, `all` or a number.

    Raises ValueError for another name, or a number that the regions cannot reach.
    """
    rules = {"any": 1, "majority": regions // 2 + 1, "all": regions}
    needed = down_when if isinstance(down_when, int) else rules.get(down_when)
    if needed is None:
        raise ValueError(f"unknown quorum {down_when!r} (use any, majority, all or a number)")
    return _within(needed, regions, f"quorum {down_when}")


def probes_needed(up_when: str | int, probes: int) -> int:
    """Return how many of `probes` must be down for the service to be down: rule `all`, `any`, `2 of 3` or 2.

    A service that needs k of n probes up is down when more than n - k are down. Raises ValueError as above.
    """
    rules = {"all": probes, "any": 1}
    k = up_when if isinstance(up_when, int) else rules.get(up_when)
    if k is None:
        k = _k_of_n(str(up_when), probes)
    return probes - _within(k, probes, f"up_when {up_when}") + 1


def agree(timelines: Sequence[Timeline], needed: int) -> Timeline:
    """Return the timeline that is down where at least `needed` of the given ones are.

    One without any data counts as UNKNOWN throughout. Costs time in proportion to the changes. Raises
    ValueError if `needed` is not within 1 and their number.
    """
    _within(needed, len(timelines), f"quorum {needed}")
    if len(timelines) == 1:
        return timelines[0]
    changes = sorted(
        (at_us, who, mark)
        for who, timeline in enumerate(timelines)
        for at_us, mark in zip(timeline.starts[1:], timeline.marks[1:], strict=True)
    )
    current = bytearray((Mark.UNKNOWN,)) * len(timelines)
    trace = Trace()
    for at_us, who, mark in changes:
        current[who] = mark
        trace.put(at_us, sorted(current)[-needed])
    return trace.timeline()


def _k_of_n(rule: str, probes: int) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*of\s*(\d+)\s*", rule)
    if match is None or int(match[2]) != probes:
        raise ValueError(f"unknown composition {rule!r} (use all, any, or k of n with n = {probes} probes)")
    return int(match[1])


def _within(number: int, most: int, what: str) -> int:
    if not 1 <= number <= most:
        raise ValueError(f"{what} cannot be reached (use 1 to {most})")
    return number
