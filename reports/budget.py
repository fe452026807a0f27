"""The error budget of a claim: what it allows, what is spent and left, how fast it goes, and when it is lost.

Exact, from figures, a timeline or a ledger; an instant that is asked for is an argument. Not here: how the figures
are made, nor rules for alerting systems. Source of the burn rates and their usual pairs of windows: B. Beyer and
others, The Site Reliability Workbook, 2018, chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from reports.evidence import Window
from reports.figures import Figures
from reports.intervals import Intervals, intersect
from reports.ledger import DAY_US, HOUR_US, Ledger
from reports.timeline import Mark, Timeline

MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """A number as bounds: the smallest it can be, as measured, the largest it can be."""

    lowest: Fraction
    measured: Fraction
    highest: Fraction


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be lost in a period, in the figures' own `unit` (`us`, `attempts` or `slices`).

    `left` may be below zero; its lowest is what is left even if all that is unknown was down.
    """

    unit: str
    total: Fraction
    spent: Spread
    left: Spread


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows that end now: an alarm needs both to burn at more than `factor` times the even rate."""

    long_us: int
    short_us: int
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Burn:
    """The rates of a pair; 1 spends the budget exactly within the period. None: nothing measured, or no budget."""

    pair: Pair
    long_rate: Fraction | None
    short_rate: Fraction | None

    @property
    def firing(self) -> bool:
        """Say whether both windows exceed the factor; what is not measured does not."""
        rates = (self.long_rate, self.short_rate)
        return all(rate is not None and rate > self.pair.factor for rate in rates)


SHARES: Final = (
    (HOUR_US, Fraction(2, 100)),
    (6 * HOUR_US, Fraction(5, 100)),
    (DAY_US, Fraction(10, 100)),
    (3 * DAY_US, Fraction(10, 100)),
)
"""Long windows, and the share of the budget that is spent in one of them when its alarm is due."""


def pairs_for(period_us: int) -> tuple[Pair, ...]:
    """Return the usual pairs for a period: factor = share of the budget x period / window, short = long / 12."""
    return tuple(Pair(long_us, long_us // 12, share * period_us / long_us) for long_us, share in SHARES)


PAIRS: Final = pairs_for(30 * DAY_US)
"""Those of 30 days: 14.4 over 1 h and 5 min, 6 over 6 h and 30 min, 3 over 1 d and 2 h, 1 over 3 d and 6 h."""


def budget(figures: Figures, claim: Fraction, total: Fraction | None = None) -> Budget:
    """Return the budget (1 - claim) x N and what the figures spent of it.

    `total` is N where the figures do not cover the whole period yet: the budget is that of the whole.
    """
    allowed = (1 - claim) * (figures.total if total is None else total)
    spent = Spread(figures.sure, figures.down, figures.possible)
    left = Spread(allowed - spent.highest, allowed - spent.measured, allowed - spent.lowest)
    return Budget(figures.unit, allowed, spent, left)


def lost_since_us(
    timeline: Timeline, counted: Intervals, allowed_us: Fraction, more_than: bool = False
) -> int | None:
    """Return the first instant by which more than the budget was surely down; None if there is none.

    `counted` is the eligible part of the period, `allowed_us` the budget of the whole period. From that instant on
    the claim is missed whatever follows. If the availability must be above the claim, the whole budget is enough.
    """
    needed_us = -(-allowed_us // 1) if more_than else allowed_us // 1 + 1
    sure_us = 0
    if needed_us <= 0:
        return counted[0][0] if counted else None
    for interval in counted:
        for span in timeline.spans(Window(*interval)):
            if span.mark < Mark.CORE:
                continue
            sure_us += span.end_us - span.start_us
            if sure_us >= needed_us:
                return span.end_us - (sure_us - needed_us)
    return None


def lost_since_attempt(failed_us: Sequence[int], allowed: Fraction, more_than: bool = False) -> int | None:
    """Return the instant of the failed attempt that exceeds the budget, given all of them in order of time."""
    needed = max(-(-allowed // 1), 1) if more_than else allowed // 1 + 1
    return failed_us[needed - 1] if len(failed_us) >= needed else None


def burn_rate(ledger: Ledger, counted: Intervals, claim: Fraction, window: Window) -> Fraction | None:
    """Return (measured down time / measured time) / (1 - claim) of the counted part of a window.

    None if nothing was measured there, and for a claim of 1, which leaves nothing to burn.
    """
    down_us = measured_us = 0
    for start_us, end_us in intersect(counted, ((window.start_us, window.end_us),)):
        part = ledger.availability(Window(start_us, end_us))
        down_us += part.down_us
        measured_us += part.window.length_us - part.unknown_us
    if claim >= 1 or measured_us == 0:
        return None
    return Fraction(down_us, measured_us) / (1 - claim)


def burns(
    ledger: Ledger, counted: Intervals, claim: Fraction, at_us: int, pairs: Sequence[Pair] = PAIRS
) -> tuple[Burn, ...]:
    """Return the burn rates of each pair of windows that ends at `at_us`."""

    def rate(length_us: int) -> Fraction | None:
        return burn_rate(ledger, counted, claim, Window(at_us - length_us, at_us))

    return tuple(Burn(pair, rate(pair.long_us), rate(pair.short_us)) for pair in pairs)


def forecast(
    figures: Figures, remaining: Fraction | int, total: Fraction | None = None
) -> tuple[Fraction, Fraction] | None:
    """Return the worst and the best availability at the period's end; None if it has no length.

    `remaining` is what is still to come of the period's eligible part, in the figures' unit. `total` is N of the
    whole period if it is not what the figures cover and what remains, as for an N fixed by contract.
    """
    whole = figures.total + remaining if total is None else total
    if whole <= 0:
        return None
    return _left(figures.possible + remaining, whole), _left(figures.sure, whole)


def _left(lost: Fraction, whole: Fraction) -> Fraction:
    return min(max(1 - lost / whole, Fraction(0)), Fraction(1))
