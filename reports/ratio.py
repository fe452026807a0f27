"""How a ratio is printed: truncated toward zero, on the right side of its claim, never a float."""

from __future__ import annotations

from fractions import Fraction

from reports.availability import Availability

NO_DATA = "no data"
"""What is printed where nothing was measured: neither 0 nor 100."""

NONE_SEEN = "no down time seen"
"""What stands for a measured 1 while down time is possible: 100 is printed only where none is."""

DIGITS = 3
"""Decimals printed unless the claim needs more: one more than the claims in common use."""

MOST_DIGITS = 18
"""Decimals after which we give up showing that a ratio meets a claim that has no finite decimal form."""


def percent_text(ratio: Fraction | None, claim: Fraction | None = None) -> str:
    """Return the ratio as a percentage without its sign, such as "99.953"; None gives "no data".

    "100" is printed for exactly 1 only. With a claim there are as many decimals as it takes for the printed
    number to be on the claim's side that the ratio is on. Raises ValueError outside of 0 to 1.
    """
    if ratio is None:
        return NO_DATA
    if not 0 <= ratio <= 1:
        raise ValueError(f"not a ratio: {ratio} (expected 0 to 1)")
    if ratio == 1:
        return "100"
    digits = _digits(ratio, claim)
    whole, decimals = divmod(_scaled(ratio, digits), 10**digits)
    return f"{whole}.{decimals:0{digits}}"


def measured_text(figures: Availability) -> str:
    """Return the measured figure: a truncated percentage, or words where it is 1 but down time is possible."""
    if figures.measured == 1 and figures.possible_us:
        return NONE_SEEN
    return percent_text(figures.measured)


def _digits(ratio: Fraction, claim: Fraction | None) -> int:
    """Truncation lifts no ratio over a claim, but may push one that meets it below: then add decimals."""
    digits = DIGITS
    if claim is not None and ratio >= claim:
        while digits < MOST_DIGITS and _scaled(ratio, digits) < claim * 10 ** (digits + 2):
            digits += 1
    return digits


def _scaled(ratio: Fraction, digits: int) -> int:
    """Return the percentage in units of its last printed decimal, truncated."""
    return int(ratio * 10 ** (digits + 2))
