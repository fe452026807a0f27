"""How a ratio is printed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.availability import Availability
from reports.evidence import Window
from reports.ratio import measured_text, percent_text

RATIOS = st.fractions(min_value=0, max_value=1)
CLAIMS = st.integers(0, 10**7).map(lambda number: Fraction(number, 10**7))


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "no data"),
        (Fraction(1), "100"),
        (1 - Fraction(1, 10**15), "99.999"),
        (Fraction(0), "0.000"),
        (Fraction(719, 720), "99.861"),
        (Fraction(21599, 21600), "99.995"),
        (Fraction(1, 200), "0.500"),
    ],
)
def test_a_ratio_is_truncated_and_100_means_exactly_one(ratio, text):
    assert percent_text(ratio) == text


@pytest.mark.parametrize(
    ("ratio", "claim", "text"),
    [
        (Fraction(43157, 43200), Fraction("0.999"), "99.900"),
        (Fraction(222677, 222900), Fraction("0.999"), "99.899"),
        (Fraction("0.99999"), Fraction("0.99999"), "99.999"),
        (Fraction("0.9999999"), Fraction("0.999999"), "99.9999"),
        (Fraction("0.9999989"), Fraction("0.999999"), "99.999"),
        (Fraction(1, 3), Fraction(1, 3), "33.333333333333333333"),
        (None, Fraction("0.999"), "no data"),
    ],
)
def test_there_are_as_many_decimals_as_it_takes_to_show_the_side_of_the_claim(ratio, claim, text):
    assert percent_text(ratio, claim) == text


@given(RATIOS, CLAIMS)
def test_the_printed_number_is_on_the_side_of_the_claim_that_the_ratio_is_on(ratio, claim):
    printed = Fraction(percent_text(ratio, claim)) / 100
    assert printed <= ratio
    assert (printed >= claim) == (ratio >= claim)
    assert (printed == 1) == (ratio == 1)


@pytest.mark.parametrize("ratio", [Fraction(-1, 10**9), 1 + Fraction(1, 10**9)])
def test_what_is_no_ratio_is_refused(ratio):
    with pytest.raises(ValueError, match="not a ratio"):
        percent_text(ratio)


@pytest.mark.parametrize(
    ("possible_us", "unknown_us", "text"),
    [(0, 0, "100"), (1, 0, "no down time seen"), (1, 1, "no down time seen"), (100, 100, "no data")],
)
def test_a_measured_one_is_100_only_where_no_down_time_is_possible(
    possible_us: int, unknown_us: int, text: str
) -> None:
    figures = Availability(
        Window(0, 100), sure_us=0, down_us=0, possible_us=possible_us, unknown_us=unknown_us
    )
    assert measured_text(figures) == text
