"""What was seen, as reports take it in: runs of equal verdict, and the window a figure is asked for.

Not here: what the evidence means for the time between results (`timeline`), nor how results are stored.
All instants are integer microseconds since the epoch, UTC; a window is half open, [start_us, end_us).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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
        if self.first_us > self.first_end_us or self.last_us > self.last_end_us:
            raise EvidenceError("a result ends before it starts (was the clock stepped during the run?)")
        if not 0 <= self.longest_gap_us <= self.last_us - self.first_us:
            raise EvidenceError("the gap inside a run is longer than the run (check longest_gap_us)")


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
