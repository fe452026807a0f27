"""Exact values to the shapes of the document: rationals, with truncated text beside them, and lengths of time.

Not here: what is told (`report`).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd

from reports import document
from reports.figures import Figures
from reports.ratio import NONE_SEEN, percent_text

SECOND_US = 1_000_000
_NOTHING = document.Number(num=0, den=1)


def number(value: Fraction | int) -> document.Number:
    """Return an exact rational."""
    exact = Fraction(value)
    return document.Number(num=exact.numerator, den=exact.denominator)


def seconds(length_us: Fraction | int) -> document.Number:
    """Return a length in microseconds as exact seconds."""
    if length_us == 0:
        return _NOTHING
    if isinstance(length_us, int):  # nearly all of them: reduced without making a Fraction
        shared = gcd(length_us, SECOND_US)
        return document.Number(num=length_us // shared, den=SECOND_US // shared)
    return number(length_us / SECOND_US)


def ratio(value: Fraction, claim: Fraction | None = None) -> document.Ratio:
    """Return a ratio of 0 to 1; with a claim, with as many decimals as show on which side of it the ratio lies."""
    return document.Ratio(num=value.numerator, den=value.denominator, text=percent_text(value, claim))


def exact(value: Fraction) -> document.Ratio:
    """Return a ratio that came from a percentage in decimals, with exactly that percentage as text."""
    digits = Decimal(value.numerator * 100) / Decimal(value.denominator)
    text = f"{digits.normalize():f}"
    return document.Ratio(num=value.numerator, den=value.denominator, text=text)


def bounds(figures: Figures, claim: Fraction | None = None) -> document.Bounds:
    """Return the three ratios. A measured 1 is not printed as 100 while down time is possible."""
    lowest, measured, highest = figures.lowest, figures.measured, figures.highest
    if lowest is None or measured is None or highest is None:
        return document.Bounds(lowest=None, measured=None, highest=None)
    told = ratio(measured, claim)
    if measured == 1 and figures.possible:
        told = document.Ratio(num=1, den=1, text=NONE_SEEN)
    return document.Bounds(lowest=ratio(lowest, claim), measured=told, highest=ratio(highest, claim))


def lost(figures: Figures) -> document.Seconds:
    """Return what was lost surely, as measured, possibly; seconds where the figures are of time."""
    tell = seconds if figures.unit == "us" else number
    return document.Seconds(
        lowest=tell(figures.sure), measured=tell(figures.down), highest=tell(figures.possible)
    )
