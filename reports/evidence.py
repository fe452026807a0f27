"""What was seen, as reports take it in: runs of equal verdict, and the window a figure is asked for.

Not here: what the evidence means for the time between results (`timeline`), nor how results are stored.
All instants are integer microseconds since the epoch, UTC; a window is half open, [start_us, end_us).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import overload


class EvidenceError(ValueError):
    """The evidence contradicts itself, so no figure can be computed from it."""


class Verdict(Enum):
    """What a result says of the target; PASS and WARN outcomes are both GOOD."""

    GOOD = "good"
    BAD = "bad"
    VOID = "void"  # our side could not tell: no evidence at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One run of results with an equal verdict, of one probe in one region.

    `first_us` and `first_end_us` are start and end of its first result, `last_us` and `last_end_us` those
    of its last one (the same result if there is but one). `longest_gap_us` is the longest spacing between
    the starts of two neighbours inside the run, 0 for a single result. Raises EvidenceError if these
    contradict each other.
    """

    first_us: int
    first_end_us: int
    last_us: int
    last_end_us: int
    verdict: Verdict
    longest_gap_us: int = 0

    def __post_init__(self) -> None:
        _check(self.first_us, self.first_end_us, self.last_us, self.last_end_us, self.longest_gap_us)


def _check(first_us: int, first_end_us: int, last_us: int, last_end_us: int, longest_gap_us: int) -> None:
    if first_us > first_end_us or last_us > last_end_us:
        raise EvidenceError("a result ends before it starts (was the clock stepped during the run?)")
    if not 0 <= longest_gap_us <= last_us - first_us:
        raise EvidenceError("the gap inside a run is longer than the run (check longest_gap_us)")


Row = tuple[int, int, int, int, int, int]
"""A stretch as numbers: its fields in their order, the verdict by its place."""

VERDICTS = tuple(Verdict)
_PLACES = {verdict: place for place, verdict in enumerate(VERDICTS)}
_WIDTH = 6  # numbers a row


class Stretches(Sequence[Stretch]):
    """Many stretches in 48 bytes each: numbers side by side, values when they are asked for."""

    __slots__ = ("_numbers",)

    def __init__(self, stretches: Iterable[Stretch] = ()) -> None:
        self._numbers = array("q")
        for stretch in stretches:
            self.append(stretch)

    def append(self, stretch: Stretch) -> None:
        """Add one at the end."""
        self._numbers.extend(row_of(stretch))

    def add(
        self, first: tuple[int, int], last: tuple[int, int], verdict: Verdict, longest_gap_us: int
    ) -> None:
        """Add one at the end, given start and end of its first and its last result; raises as `Stretch` does."""
        _check(*first, *last, longest_gap_us)
        self._numbers.extend((*first, *last, _PLACES[verdict], longest_gap_us))

    def plus(self, stretch: Stretch) -> Stretches:
        """Return these and one more."""
        both = self[:]
        both.append(stretch)
        return both

    def rows(self) -> Iterator[Row]:
        """Yield each as plain numbers, several times cheaper than values."""
        numbers = iter(self._numbers)
        return zip(numbers, numbers, numbers, numbers, numbers, numbers, strict=True)

    def __len__(self) -> int:
        return len(self._numbers) // _WIDTH

    @overload
    def __getitem__(self, place: int) -> Stretch: ...
    @overload
    def __getitem__(self, place: slice) -> Stretches: ...
    def __getitem__(self, place: int | slice) -> Stretch | Stretches:
        if isinstance(place, slice):
            begin, end, step = place.indices(len(self))
            if step != 1:
                raise ValueError("stretches are cut in one piece (leave the step out)")
            part = Stretches()
            part._numbers = self._numbers[begin * _WIDTH : end * _WIDTH]
            return part
        at = range(len(self))[place] * _WIDTH
        first_us, first_end_us, last_us, last_end_us, verdict, longest_gap_us = self._numbers[
            at : at + _WIDTH
        ]
        return Stretch(
            first_us=first_us,
            first_end_us=first_end_us,
            last_us=last_us,
            last_end_us=last_end_us,
            verdict=VERDICTS[verdict],
            longest_gap_us=longest_gap_us,
        )


def row_of(stretch: Stretch) -> Row:
    """Return a stretch as numbers."""
    return (
        stretch.first_us,
        stretch.first_end_us,
        stretch.last_us,
        stretch.last_end_us,
        _PLACES[stretch.verdict],
        stretch.longest_gap_us,
    )


@dataclass(frozen=True, slots=True)
class Window:
    """The time from `start_us` up to, not including, `end_us`; may be empty; ValueError if reversed."""

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        if self.start_us > self.end_us:
            raise ValueError(f"window ends before it starts: {self.start_us} > {self.end_us} (swap them)")

    @property
    def length_us(self) -> int:
        """Return the elapsed time inside the window, in microseconds."""
        return self.end_us - self.start_us
