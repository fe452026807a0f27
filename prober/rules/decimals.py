"""Exact numbers and lengths of time as the texts that rules and specifications of other programs hold."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

DIGITS = 15
"""Significant digits of what has no finite decimal text; a double keeps as many."""

_UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000))


def decimal(value: Fraction) -> Decimal:
    """Return a number of zero or more exactly, or with `DIGITS` significant digits, cut off and not rounded.

    A threshold that is cut off is a little too low: its alarm comes no later than it should.
    """
    places = _places(value.denominator)
    if places is not None:
        return Decimal(f"{value.numerator * 10**places // value.denominator}e-{places}")
    whole = len(str(value.numerator // value.denominator).lstrip("0"))
    zeros = 0 if whole else len(str(value.denominator // value.numerator)) - 1
    places = max(DIGITS - whole + zeros, 0)
    return Decimal(f"{value.numerator * 10**places // value.denominator}e-{places}").normalize()


def text(value: Fraction) -> str:
    """Return the same as text, without an exponent."""
    return f"{decimal(value):f}"


def _places(denominator: int) -> int | None:
    """Return how many decimals a fraction has, None if they never end."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def length(length_us: int) -> str:
    """Return a length of time with one unit, such as `30m`, `1d`; Prometheus, Sloth and Pyrra read it."""
    for unit, size_us in _UNITS:
        if length_us % size_us == 0:
            return f"{length_us // size_us}{unit}"
    return f"{-(-length_us // 1_000)}ms"
