"""What people follow a figure by: the outages of a period, its days, and its longest unknown times. Pure.

Everything is cut to the period, and counted in its eligible part only. Instants in microseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.composing import sums as time_by_mark
from reports.evidence import Window
from reports.intervals import Interval, Intervals, intersect, length
from reports.ledger import Ledger
from reports.outages import Outage, outages
from reports.timeline import Mark, Timeline
from reports.track import Fate, Track, Tracks

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


@dataclass(slots=True)
class _Failures:
    """The failed slots of one track, by instant."""

    track: Track
    at_us: list[int] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, track: Track, window: Window) -> _Failures:
        found = cls(track)
        dated = sorted(
            (era.due_us(oddity.slot), oddity.code)
            for era in track.eras
            for oddity in era.oddities
            if oddity.fate is Fate.BAD
        )
        for at_us, code in dated:
            if window.start_us <= at_us < window.end_us:
                found.at_us.append(at_us)
                found.codes.append(code)
        return found

    def within(self, bracket: Window) -> Seen | None:
        low, high = bisect_left(self.at_us, bracket.start_us), bisect_left(self.at_us, bracket.end_us)
        if low == high:
            return None
        counted = Counter(self.codes[low:high])
        counts = tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0])))
        return Seen(probe=self.track.probe, region=self.track.region, counts=counts)


def listed_outages(ledger: Ledger, tracks: Tracks, window: Window, eligible: Intervals) -> list[Listed]:
    """Return the outages of a period in order of time, those outside its eligible part included."""
    found = outages(ledger.timeline, window)
    if not found:
        return []
    failures = [_Failures.of(tracks[pair], window) for pair in sorted(tracks)]
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
