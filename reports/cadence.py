"""How many slots of a grid are due in any stretch of time of some length: what the schedule guarantees unseen.

A slot of `stratified` or `round` is due anywhere in its share of time, so only whole shares are sure; slots of `fixed`
and `end` lie evenly. All regions of a stratified grid share each slot between them, one share each.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.counting import Lane

MANY = 2**31
"""More slots than any stretch holds, where nothing says how many."""
_EVEN = frozenset({"fixed", "end"})


def fewest(lane: Lane, length_us: int) -> int:
    """Return how many slots of a lane are due at least."""
    if lane.era.imported:
        return 0
    return max(length_us // lane.era.interval_us - (lane.era.schedule not in _EVEN), 0)


def most(lane: Lane, length_us: int) -> int:
    """Return how many slots of a lane are due at most."""
    if lane.era.imported:
        return MANY
    return -(-length_us // lane.era.interval_us) + (lane.era.schedule not in _EVEN)


def fewest_together(lanes: Sequence[Lane], length_us: int) -> int:
    """Return how many slots of some lanes are due at least, taken together."""
    alone = sum(fewest(lane, length_us) for lane in lanes)
    grids = {(lane.era.schedule, lane.era.interval_us, lane.era.regions) for lane in lanes}
    regions = {lane.region for lane in lanes}
    if len(grids) != 1 or lanes[0].era.schedule != "stratified" or len(regions) != lanes[0].era.regions:
        return alone
    return max(length_us * len(regions) // lanes[0].era.interval_us - 1, alone)
