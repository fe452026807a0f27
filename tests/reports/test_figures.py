"""Three numbers and a finding: on either side of the claim, with a fixed whole, and without data."""

from __future__ import annotations

from fractions import Fraction

import pytest

from reports.figures import Figures, Finding

CLAIM = Fraction("0.999")


def figures(
    sure: int, down: int, possible: int, unknown: int = 0, total: int = 10_000, span: int | None = None
) -> Figures:
    whole = total if span is None else span
    parts = {
        "total": total,
        "span": whole,
        "sure": sure,
        "down": down,
        "possible": possible,
        "unknown": unknown,
    }
    return Figures(unit="us", **{name: Fraction(value) for name, value in parts.items()})


@pytest.mark.parametrize(
    ("sure", "possible", "finding", "strict"),
    [
        (0, 9, Finding.BACKED, Finding.BACKED),
        (0, 10, Finding.BACKED, Finding.NOT_PROVEN),  # exactly the claim: enough, unless it must be above it
        (0, 11, Finding.NOT_PROVEN, Finding.NOT_PROVEN),
        (10, 10, Finding.BACKED, Finding.BROKEN),
        (10, 20, Finding.NOT_PROVEN, Finding.BROKEN),
        (11, 11, Finding.BROKEN, Finding.BROKEN),
    ],
)
def test_backed_by_the_lowest_broken_by_the_highest(
    sure: int, possible: int, finding: Finding, strict: Finding
) -> None:
    found = figures(sure, sure, possible)
    assert found.finding(CLAIM) is finding
    assert found.finding(CLAIM, more_than=True) is strict


def test_what_is_unknown_is_left_out_of_the_measured_figure_only() -> None:
    found = figures(10, 20, 120, unknown=80)
    assert (found.lowest, found.measured, found.highest) == (
        1 - Fraction(120, 10_000),
        1 - Fraction(20, 9_920),
        1 - Fraction(10, 10_000),
    )
    assert found.coverage == 1 - Fraction(80, 10_000)


def test_rules_for_unknown_time_give_a_second_figure() -> None:
    found = figures(10, 20, 120, unknown=80)
    assert found.by_rule("skip") == found.measured
    assert found.by_rule("as_up") == 1 - Fraction(20, 10_000)
    assert found.by_rule("as_down") == 1 - Fraction(100, 10_000)


@pytest.mark.parametrize("found", [figures(0, 0, 50, unknown=50, total=50), figures(0, 0, 0, total=0)])
def test_without_data_there_is_neither_0_nor_100(found: Figures) -> None:
    assert not found.has_data
    assert found.lowest is found.measured is found.highest is None
    assert found.by_rule("as_up") is None
    assert found.finding(Fraction(0)) is Finding.NOT_PROVEN
    assert found.coverage == 0


def test_more_down_than_a_fixed_whole_is_zero_and_not_less() -> None:
    found = figures(60, 70, 80, total=50, span=100)
    assert (found.lowest, found.measured, found.highest) == (0, 0, 0)
    assert found.finding(CLAIM) is Finding.BROKEN
