"""What was seen in a part of the time that was read: so that one of many periods costs no more than its own evidence.

Pure. Exact within the part: whatever touches it is kept whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace

from reports.track import Era, Track, Tracks

_NEAR = 3  # slots beyond those that are due in the time


def sliced(tracks: Tracks, from_us: int, to_us: int) -> Tracks:
    """Return tracks with only the evidence that says something of [from_us, to_us)."""
    return {
        pair: Track(
            probe=track.probe, region=track.region, eras=[_sliced(era, from_us, to_us) for era in track.eras]
        )
        for pair, track in tracks.items()
    }


def _sliced(era: Era, from_us: int, to_us: int) -> Era:
    low, high = era.slot_at(from_us) - _NEAR, era.slot_at(to_us) + _NEAR
    first, end = _stretches(era, from_us, to_us)
    odd = era.oddities
    return replace(
        era,
        stretches=era.stretches[first:end],
        oddities=odd[
            bisect_left(odd, low, key=lambda each: each.slot) : bisect_right(
                odd, high, key=lambda each: each.slot
            )
        ],
        holes=[hole for hole in era.holes if hole.last >= low and hole.first <= high],
        shots=[shot for shot in era.shots if from_us <= shot.start_us < to_us],
        shot_spans=[(max(a, from_us), min(b, to_us)) for a, b in era.shot_spans if a < to_us and b > from_us],
    )


def _stretches(era: Era, from_us: int, to_us: int) -> tuple[int, int]:
    """Return from where to where stretches touch a time, and one more on either side: what it was seen between."""
    stretches = era.stretches
    first = bisect_left(stretches, from_us, key=lambda stretch: stretch.last_us)
    end = bisect_right(stretches, to_us, key=lambda stretch: stretch.first_us)
    return max(first - 1, 0), min(end + 1, len(stretches))
