"""What people follow a figure by: the outages of a period, its days, and its longest unknown times. Pure.

Everything is cut to the period, and counted in its eligible part only. Instants in microseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports.composing import sums as time_by_mark
from reports.evidence import Window
from reports.intervals import Interval, Intervals, intersect, length
from reports.ledger import Ledger
from reports.outages import Outage, outages
from reports.timeline import Mark, Timeline
from reports.track import Era, Fate, Oddity, Track, Tracks

MOST_OUTAGES = 500  # listed one by one; the longest of more
MOST_GAPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Time in a set of intervals, in microseconds: `sure` <= `down`, `down + unknown` <= `possible` <= `length`."""

    length: int
    sure: int
    down: int
    possible: int
    unknown: int


def sums(timeline: Timeline, intervals: Intervals) -> Sums:
    """Return the time of each kind in a set of intervals."""
    by_mark = time_by_mark(timeline, intervals)
    sure, unknown = by_mark[Mark.CORE], by_mark[Mark.UNKNOWN]
    down = sure + by_mark[Mark.EDGE_DOWN]
    possible = down + unknown + by_mark[Mark.EDGE_UP]
    return Sums(length=sum(by_mark), sure=sure, down=down, possible=possible, unknown=unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one region saw of an outage: how often scheduled runs failed for what, the most frequent code first."""

    probe: str
    region: str
    counts: tuple[tuple[str, int], ...]

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(count for _, count in self.counts)

    @property
    def codes(self) -> tuple[str, ...]:
        """Their codes, the most frequent first."""
        return tuple(code for code, _ in self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An outage, what of it counts, and who saw it."""

    outage: Outage
    counted_us: int
    began_before: bool
    goes_on: bool
    seen: tuple[Seen, ...]


class _Failures:
    """The failed slots of one track: found by their numbers, and dated only at the edges of what is asked for."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._eras = [(era, odd, [each.slot for each in odd]) for era in track.eras if (odd := _bad(era))]

    def within(self, bracket: Window) -> Seen | None:
        """Return what failed of the slots that are due in a bracket."""
        counted: Counter[str] = Counter()
        for era, odd, slots in self._eras:
            first, last = era.slot_at(bracket.start_us), era.slot_at(bracket.end_us)
            for place in range(bisect_left(slots, first - 1), bisect_right(slots, last + 1)):
                slot = slots[place]
                if first < slot < last or bracket.start_us <= era.due_us(slot) < bracket.end_us:
                    counted[odd[place].code] += 1
        if not counted:
            return None
        counts = tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0])))
        return Seen(probe=self._track.probe, region=self._track.region, counts=counts)


def _bad(era: Era) -> list[Oddity]:
    return [odd for odd in era.oddities if odd.fate is Fate.BAD]


def listed_outages(ledger: Ledger, tracks: Tracks, window: Window, eligible: Intervals) -> list[Listed]:
    """Return the outages of a period in order of time, those outside its eligible part included."""
    found = outages(ledger.timeline, window)
    if not found:
        return []
    failures = [_Failures(tracks[pair]) for pair in sorted(tracks)]
    return [
        Listed(
            outage=outage,
            counted_us=length(intersect(_as_set(outage.measured), eligible)),
            began_before=_is_down(ledger, window.start_us - 1)
            and outage.measured.start_us == window.start_us,
            goes_on=_is_down(ledger, window.end_us) and outage.measured.end_us == window.end_us,
            seen=tuple(seen for each in failures if (seen := each.within(outage.bracket)) is not None),
        )
        for outage in found
    ]


def _as_set(window: Window) -> Intervals:
    return ((window.start_us, window.end_us),) if window.length_us else ()


def _is_down(ledger: Ledger, at_us: int) -> bool:
    return ledger.availability(Window(at_us, at_us + 1)).down_us > 0


def longest(found: Sequence[Listed], most: int = MOST_OUTAGES) -> list[Listed]:
    """Return the longest outages, still in order of time."""
    if len(found) <= most:
        return list(found)
    kept = sorted(found, key=lambda each: each.outage.measured.length_us, reverse=True)[:most]
    return sorted(kept, key=lambda each: each.outage.measured.start_us)


def unknown_times(ledger: Ledger, eligible: Intervals, most: int = MOST_GAPS) -> list[Interval]:
    """Return the longest unknown times in the eligible part of a period, in order of time."""
    found: list[Interval] = []
    for start_us, end_us in eligible:
        spans = ledger.timeline.spans(Window(start_us, end_us))
        found += [(span.start_us, span.end_us) for span in spans if span.mark is Mark.UNKNOWN]
    return sorted(sorted(found, key=lambda each: each[0] - each[1])[:most])
