"""The figures of one period under one method: three numbers, what they are made of, and what is unknown. Values only.

Whatever is counted (microseconds, attempts, error rates of slices), the lowest figure takes all that is unknown as
down, the highest takes it as up. Source of the rule: decision rule of the method's documentation, docs/method.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Finding(StrEnum):
    """What the measurements say of the claim."""

    BACKED = "backed"
    BROKEN = "broken"
    NOT_PROVEN = "not_proven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`total` is N in `unit`s; `sure` <= `down` <= `possible` are lost ones, `unknown` those nobody knows of.

    `down` and `unknown` are as measured: `down + unknown <= possible`. All lie in the eligible part of the period,
    weighted if the method weighs. `span` is what could have been measured, the eligible part of the period,
    whatever N is: coverage = 1 - unknown / span. An empty span has no figures: every ratio is None.
    """

    unit: str
    """`us`, `attempts` or `slices`."""
    total: Fraction
    span: Fraction
    sure: Fraction
    down: Fraction
    possible: Fraction
    unknown: Fraction

    @property
    def has_data(self) -> bool:
        """Say whether anything was measured."""
        return self.total > 0 and self.unknown < self.span

    @property
    def lowest(self) -> Fraction | None:
        """Return the share that was up for sure, not below 0; None without data."""
        return _rest(self.possible, self.total) if self.has_data else None

    @property
    def measured(self) -> Fraction | None:
        """Return the share that was up of what was measured; None without data.

        Where N is fixed by contract and smaller than the unknown time alone, that is the share of the measured time,
        at most the highest figure.
        """
        if not self.has_data:
            return None
        if self.total > self.unknown:
            return _rest(self.down, self.total - self.unknown)
        return min(_rest(self.down, self.span - self.unknown), _rest(self.sure, self.total))

    @property
    def highest(self) -> Fraction | None:
        """Return the share that could have been up; None without data."""
        return _rest(self.sure, self.total) if self.has_data else None

    @property
    def coverage(self) -> Fraction:
        """Return the share that was measured; 0 where nothing could be."""
        return 1 - self.unknown / self.span if self.span else Fraction(0)

    def by_rule(self, unknown: str) -> Fraction | None:
        """Return the figure with unknown time skipped (`skip`), taken `as_up` or `as_down`; None without data."""
        if not self.has_data:
            return None
        if unknown == "as_up":
            return _rest(self.down, self.total)
        return _rest(self.down + self.unknown, self.total) if unknown == "as_down" else self.measured

    def finding(self, claim: Fraction, more_than: bool = False) -> Finding:
        """Return BACKED if even the lowest meets the claim, BROKEN if even the highest misses it, else NOT PROVEN."""
        if self.lowest is None or self.highest is None:
            return Finding.NOT_PROVEN
        if _meets(self.lowest, claim, more_than):
            return Finding.BACKED
        return Finding.NOT_PROVEN if _meets(self.highest, claim, more_than) else Finding.BROKEN


def _meets(ratio: Fraction, claim: Fraction, more_than: bool) -> bool:
    return ratio > claim if more_than else ratio >= claim


def _rest(lost: Fraction, total: Fraction) -> Fraction:
    """Return the share that is left, within 0 and 1: a fixed N may be smaller than the down time."""
    return min(max(1 - lost / total, Fraction(0)), Fraction(1)) if total > 0 else Fraction(0)
