"""Exact values as the document writes them: fractions reduced, texts truncated, 100 only where nothing can be lost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import telling
from reports.figures import Figures


@given(st.integers(-(10**15), 10**15))
def test_lengths_are_exact_and_reduced_whichever_way_they_come(length_us: int) -> None:
    found = telling.seconds(length_us)
    assert found == telling.seconds(Fraction(length_us))
    assert Fraction(found.num, found.den) == Fraction(length_us, 1_000_000)
    assert (found.num, found.den) == Fraction(found.num, found.den).as_integer_ratio()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.9995", "99.95"),
        ("0.999", "99.9"),
        ("1", "100"),
        ("0", "0"),
        ("0.1", "10"),
        ("0.99999999", "99.999999"),
    ],
)
def test_a_percentage_from_text_comes_back_as_it_was(value: str, text: str) -> None:
    assert telling.exact(Fraction(value)).text == text


def figures(down: int, possible: int, unknown: int = 0) -> Figures:
    parts = {
        "total": 21_600,
        "span": 21_600,
        "sure": down,
        "down": down,
        "possible": possible,
        "unknown": unknown,
    }
    return Figures(unit="us", **{name: Fraction(value) for name, value in parts.items()})


def test_texts_are_cut_and_not_rounded() -> None:
    told = telling.bounds(figures(1, 1), Fraction("0.999"))
    assert told.measured is not None
    assert told.measured.text.startswith("99.99")
    assert Fraction(told.measured.num, told.measured.den) == Fraction(21_599, 21_600)


def test_100_is_for_where_nothing_can_have_been_lost() -> None:
    clean, doubtful = telling.bounds(figures(0, 0)), telling.bounds(figures(0, 1))
    assert clean.measured is not None
    assert doubtful.measured is not None
    assert clean.measured.text == "100"
    assert (doubtful.measured.num, doubtful.measured.den) == (1, 1)
    assert doubtful.measured.text == "no down time seen"


def test_lost_time_is_told_in_seconds_and_lost_attempts_as_such() -> None:
    from dataclasses import replace

    time = figures(1_500_000, 2_000_000)
    assert telling.lost(time).measured == telling.seconds(1_500_000)
    assert telling.lost(replace(time, unit="attempts")).measured == telling.number(1_500_000)
