"""Attempts: which scheduled slots are due in a set of intervals, and what became of each of them.

An attempt is dated at the instant its slot was due, so that a late or lost run stays where it belongs. Costs are in
proportion to what did not pass, never to clean slots: everything is reckoned in slot numbers, and only the slots at
the edges of intervals are dated. Not here: what a method makes of the counts (`methods`).

Where a track knows nothing, attempts were expected all the same, and are unknown: outside the record of an era one an
interval of its grid, in force from `from_us` to the next era; the first grid reaches back without end. Imported
results stand for themselves, and only before the first measured era; near them nothing more is expected.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from reports.contract import ProbeTerms
from reports.evidence import Stretches
from reports.intervals import Interval, Intervals, subtract, union
from reports.track import Era, Fate, Track, Tracks

ENDLESS = 2**61
"""A slot after all slots; its negative is before all of them. Never dated."""

NO_CODES: frozenset[str] = frozenset()
VOID = "void"
NOT_BEGUN = "not_begun"
NO_RECORD = "no_record"
"""Reasons for unknown attempts beside those of holes: void, due before the first record, nothing on record."""

TIMEOUT_US = 10_000_000
_EARLY_US = 100_000  # a run may begin some milliseconds before its slot is due
_GOOD, _BAD, _UNKNOWN = (int(fate) for fate in Fate)
_SLOT = attrgetter("slot")

Piece = tuple[int, int, int, str]
"""Slots from first to last (both included) of one fate, and its failure code or reason."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Attempts by fate; `reasons` says of the unknown ones why."""

    good: int = 0
    bad: int = 0
    unknown: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return all attempts."""
        return self.good + self.bad + self.unknown

    def __add__(self, other: Tally) -> Tally:
        reasons = dict(self.reasons)
        for reason, count in other.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
        return Tally(self.good + other.good, self.bad + other.bad, self.unknown + other.unknown, reasons)


class Lane:
    """The slots of one era that count as attempts: pieces of one fate in order of time, neighbours differ."""

    __slots__ = ("_edge", "_firsts", "era", "pieces", "region")

    def __init__(self, region: str, era: Era, pieces: Sequence[Piece]) -> None:
        self.region = region
        self.era = era
        self.pieces = pieces
        self._firsts = [piece[0] for piece in pieces]
        self._edge: tuple[int | None, int] = (None, 0)  # asked for last, and its slot: neighbours share edges

    def first_due(self, at_us: int) -> int:
        """Return the first slot that is due at or after an instant."""
        if self._edge[0] != at_us:
            self._edge = (at_us, self._look(at_us))
        return self._edge[1]

    def _look(self, at_us: int) -> int:
        if self.era.imported:
            return self.era.first_due(at_us)
        # the share of the slot before ends here at the latest, so it is due earlier
        slot = self.era.slot_at(at_us)
        return slot if self.era.due_us(slot) >= at_us else slot + 1

    def within(self, start_us: int, end_us: int) -> Iterator[Piece]:
        """Yield the pieces due in [start_us, end_us), cut to it."""
        first, last = self.first_due(start_us), self.first_due(end_us) - 1
        for place in range(max(bisect_right(self._firsts, first) - 1, 0), len(self.pieces)):
            begin, end, fate, why = self.pieces[place]
            if begin > last:
                return
            low, high = max(begin, first), min(end, last)
            if low <= high:
                yield low, high, fate, why

    def count(self, start_us: int, end_us: int, ignored: frozenset[str] = NO_CODES) -> tuple[int, int, int]:
        """Return the good, bad and unknown attempts due in [start_us, end_us)."""
        counts = [0, 0, 0]
        for low, high, fate, why in self.within(start_us, end_us):
            if fate != _BAD or why not in ignored:
                counts[fate] += high - low + 1
        return counts[0], counts[1], counts[2]


def tally(
    track: Track,
    intervals: Intervals,
    ignored: frozenset[str] = NO_CODES,
    *,
    timeout_us: int = TIMEOUT_US,
    interval_us: int | None = None,
) -> Tally:
    """Count the attempts of one track that are due in a set of intervals.

    Failures whose code is in `ignored` are no attempts. `interval_us` is how often attempts were to be expected if
    the track knows no grid; None: then nothing was.
    """
    return tally_lanes(lanes(track, timeout_us, interval_us), intervals, ignored)


def tally_lanes(rows: Iterable[Lane], intervals: Intervals, ignored: frozenset[str] = NO_CODES) -> Tally:
    """Count the attempts of lanes that are due in a set of intervals."""
    counts = [0, 0, 0]
    reasons: dict[str, int] = {}
    for lane in rows:
        for start_us, end_us in intervals:
            for low, high, fate, why in lane.within(start_us, end_us):
                if fate == _BAD and why in ignored:
                    continue
                counts[fate] += high - low + 1
                if fate == _UNKNOWN:
                    reasons[why] = reasons.get(why, 0) + high - low + 1
    return Tally(counts[_GOOD], counts[_BAD], counts[_UNKNOWN], reasons)


def probe_lanes(probe: ProbeTerms, tracks: Tracks, region: str) -> list[Lane]:
    """Return the attempts of a probe in a region; if it was never seen there, unknown ones at its interval."""
    track = tracks.get((probe.name, region)) or Track(probe=probe.name, region=region)
    return lanes(track, probe.timeout_us, probe.interval_us)


def lanes(track: Track, timeout_us: int = TIMEOUT_US, interval_us: int | None = None) -> list[Lane]:
    """Return the attempts of a track, a lane each era; `interval_us` as for `tally`."""
    measured = sorted((era for era in track.eras if not era.imported), key=lambda era: era.from_us)
    imported = [era for era in track.eras if era.imported and era.first_slot <= era.last_slot]
    found = [Lane(track.region, era, _imported_pieces(era, measured)) for era in imported]
    if not measured and interval_us is not None:
        measured = [_unseen(interval_us)]
    covers = union(cover for era in imported for cover in _cover(era, timeout_us))
    for place, era in enumerate(measured):
        until_us = measured[place + 1].from_us if place + 1 < len(measured) else None
        base = _base(era, place == 0, until_us, covers)
        found.append(Lane(track.region, era, _pieces(era, base, _silences(era, timeout_us))))
    return [lane for lane in found if lane.pieces]


def _unseen(interval_us: int) -> Era:
    """Return the era of what nobody ever saw: one slot at each multiple of the interval, none on record."""
    return Era(
        interval_us=interval_us,
        schedule="fixed",
        regions=1,
        stretches=Stretches(),
        first_slot=ENDLESS,
        last_slot=ENDLESS - 1,
        due_us=lambda slot: slot * interval_us,
        slot_at=lambda at_us: at_us // interval_us,
    )


def _imported_pieces(era: Era, measured: Sequence[Era]) -> list[Piece]:
    last = era.last_slot
    if measured:
        last = min(last, era.first_due(measured[0].from_us) - 1)
    return _pieces(era, [(era.first_slot, last, _GOOD, "")] if era.first_slot <= last else [], ())


def _cover(era: Era, timeout_us: int) -> Iterator[Interval]:
    """Yield the time that imported results stand for: out to an interval beside them, over no longer holes."""
    begin = before = None
    for row in era.stretches.rows():
        if begin is None or before is None or row[0] - before > 2 * era.interval_us + timeout_us:
            if begin is not None and before is not None:
                yield begin - era.interval_us, before + era.interval_us + 1
            begin = row[0]
        before = row[2]
    if begin is not None and before is not None:
        yield begin - era.interval_us, before + era.interval_us + 1


def _base(era: Era, is_first: bool, until_us: int | None, covers: Intervals) -> list[Piece]:
    """Return the record of an era, taken as passed, and what was expected beside it."""
    lane = Lane("", era, ())
    low = -ENDLESS if is_first else lane.first_due(era.from_us)
    high = ENDLESS if until_us is None else lane.first_due(until_us) - 1
    before = [(low, min(high, era.first_slot - 1) + 1)]
    if is_first and covers:
        before = list(subtract(before, [(lane.first_due(a), lane.first_due(b)) for a, b in covers]))
    why = NOT_BEGUN if is_first else NO_RECORD
    found = [(first, end - 1, _UNKNOWN, why) for first, end in before if first < end]
    found.append((era.first_slot, era.last_slot, _GOOD, ""))
    found.append((max(low, era.first_slot, era.last_slot + 1), high, _UNKNOWN, NO_RECORD))
    return [piece for piece in found if piece[0] <= piece[1]]


def _silences(era: Era, timeout_us: int) -> Iterator[Piece]:
    """Yield slots due where two runs lie too far apart for any result to be between them.

    The slot due last before the later run may be its own, begun late.
    """
    lane = Lane("", era, ())
    limit_us = 2 * era.interval_us + timeout_us
    before: int | None = None
    for row in era.stretches.rows():
        if before is not None and row[0] - before > limit_us:
            first, last = lane.first_due(before + _EARLY_US), lane.first_due(row[0] + 1) - 2
            if first <= last:
                yield first, last, _UNKNOWN, NO_RECORD
        before = row[2]


def _pieces(era: Era, base: list[Piece], silences: Iterable[Piece]) -> list[Piece]:
    pieces = base
    overs = (
        list(silences),
        sorted((hole.first, hole.last, _UNKNOWN, hole.reason) for hole in era.holes),
        _joined(
            (odd.slot, odd.slot, int(odd.fate), odd.code if odd.fate == _BAD else VOID)
            for odd in sorted(era.oddities, key=_SLOT)
        ),
    )
    for over in overs:
        if over:
            pieces = list(_laid(pieces, over))
    return _joined(pieces)


def _laid(base: Sequence[Piece], over: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the base with what lies over it in its place; what lies beside it is left out."""
    place = 0
    for first, last, fate, why in base:
        at = first
        while place < len(over) and over[place][1] < first:
            place += 1
        while place < len(over) and over[place][0] <= last:
            low, high = max(over[place][0], at), min(over[place][1], last)
            if at < low:
                yield at, low - 1, fate, why
            if low <= high:
                yield low, high, over[place][2], over[place][3]
                at = high + 1
            if over[place][1] > last:
                break
            place += 1
        if at <= last:
            yield at, last, fate, why


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1][1] + 1 == piece[0] and found[-1][2:] == piece[2:]:
            found[-1] = (found[-1][0], *piece[1:])
        else:
            found.append(piece)
    return found
