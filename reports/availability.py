"""The figures of one window: lowest possible, as measured, highest possible, and coverage.

Not here: where the sums come from (`ledger`), nor how a ratio is printed (`ratio`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from reports.evidence import Window


@dataclass(frozen=True, slots=True)
class Availability:
    """Down and unknown time in a window, in microseconds, and the exact ratios they give.

    `sure_us` <= `down_us` (as measured) and `down_us` + `unknown_us` <= `possible_us`, since unknown time
    may be down. Sums are kept and ratios derived, so that two windows can be joined and no percentage is
    ever averaged.
    """

    window: Window
    sure_us: int
    down_us: int
    possible_us: int
    unknown_us: int

    @property
    def up_us(self) -> int:
        """Return the time measured as up, in microseconds."""
        return self.window.length_us - self.down_us - self.unknown_us

    @property
    def has_data(self) -> bool:
        """Say whether anything in the window was measured; if not, every ratio is None."""
        return self.unknown_us < self.window.length_us

    @property
    def lowest(self) -> Fraction | None:
        """Return the share that was up for sure, None without data."""
        return (
            Fraction(self.window.length_us - self.possible_us, self.window.length_us)
            if self.has_data
            else None
        )

    @property
    def measured(self) -> Fraction | None:
        """Return the share of the measured time that was up, None without data."""
        return Fraction(self.up_us, self.up_us + self.down_us) if self.has_data else None

    @property
    def highest(self) -> Fraction | None:
        """Return the share that could have been up, None without data."""
        return (
            Fraction(self.window.length_us - self.sure_us, self.window.length_us) if self.has_data else None
        )

    @property
    def coverage(self) -> Fraction:
        """Return the share of the window that was measured; 0 for an empty window."""
        return self._less(self.unknown_us) or Fraction(0)

    def joined(self, following: Availability) -> Availability:
        """Return the figures of both windows; raises ValueError if they do not touch."""
        if self.window.end_us != following.window.start_us:
            raise ValueError("only a window that starts where this one ends can be joined (sort them first)")
        return Availability(
            Window(self.window.start_us, following.window.end_us),
            self.sure_us + following.sure_us,
            self.down_us + following.down_us,
            self.possible_us + following.possible_us,
            self.unknown_us + following.unknown_us,
        )

    def _less(self, lost_us: int) -> Fraction | None:
        length_us = self.window.length_us
        return Fraction(length_us - lost_us, length_us) if self.has_data else None
