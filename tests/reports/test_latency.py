"""Exact percentiles whatever the order, and objectives whose unknown results are bounds."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures import Finding
from reports.latency import MEDIAN, P95, P99, Latencies, objective

LENGTHS = st.lists(st.one_of(st.integers(0, 600), st.integers(0, 10_000_000)), max_size=60)
SHARES = st.fractions(0, 1, max_denominator=1000)


@pytest.mark.parametrize(
    ("share", "value"), [("0", 15), ("0.05", 15), ("0.3", 20), ("0.4", 20), ("0.5", 35), ("1", 50)]
)
def test_the_nearest_rank_is_a_value_that_was_seen(share: str, value: int):
    assert Latencies([50, 15, 35, 20, 40]).percentile(Fraction(share)) == value


def test_hundred_values_have_their_own_percentiles():
    values = Latencies(range(1, 101))
    assert values.percentiles((P99, MEDIAN, P95)) == (99, 50, 95)


def test_one_value_more_than_a_rank_moves_on():
    assert Latencies(range(1, 101)).percentile(Fraction(951, 1000)) == 96


def test_nothing_seen_is_not_zero():
    assert Latencies().percentiles((MEDIAN, P95)) == (None, None)
    assert Latencies([0]).percentile(P99) == 0


@given(LENGTHS.filter(bool), SHARES)
def test_a_percentile_is_the_smallest_that_enough_values_do_not_exceed(values: list[int], share: Fraction):
    found = Latencies(values).percentile(share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < max(share * len(values), 1)


@given(LENGTHS, LENGTHS, SHARES)
def test_neither_order_nor_parts_change_an_answer(one: list[int], other: list[int], share: Fraction):
    whole = Latencies(sorted(one + other))
    merged, turned = Latencies(one), Latencies(reversed(other))
    merged.merge(Latencies(other))
    turned.merge(Latencies(one))
    assert merged.count == turned.count == whole.count == len(one) + len(other)
    assert merged.percentile(share) == turned.percentile(share) == whole.percentile(share)


@given(LENGTHS, st.integers(0, 10_000_000))
def test_within_counts_those_at_the_limit_too(values: list[int], limit: int):
    found = Latencies([*values, limit])
    assert found.within(limit) == sum(value <= limit for value in values) + 1


def test_a_month_of_values_takes_the_memory_of_their_range():
    values = Latencies(800_000 + number % 5_000 for number in range(260_000))
    assert values.percentiles((MEDIAN, P99)) == (802_499, 804_949)
    assert len(values._pages) == 20


def test_a_time_below_zero_is_refused():
    with pytest.raises(ValueError, match="clock stepped"):
        Latencies([5, -1])


def test_lengths_over_an_absurd_range_are_refused_before_memory_runs_out():
    with pytest.raises(ValueError, match="spread too far"):
        Latencies(range(0, 1 << 27, 256))


@pytest.mark.parametrize("share", ["-0.01", "1.01"])
def test_no_percentile_lies_beyond_all_values(share: str):
    with pytest.raises(ValueError, match="0 to 1"):
        Latencies([1]).percentile(Fraction(share))


def test_unknown_results_are_too_slow_left_out_or_in_time():
    figures = objective(good=9_500, total=9_900, unknown=100)
    assert (figures.lowest, figures.measured, figures.highest) == (
        Fraction(95, 100),
        Fraction(95, 99),
        Fraction(96, 100),
    )
    assert figures.coverage == Fraction(99, 100)


@pytest.mark.parametrize(
    ("good", "finding"),
    [
        (9_500, Finding.BACKED),
        (9_499, Finding.NOT_PROVEN),
        (9_400, Finding.NOT_PROVEN),
        (9_399, Finding.BROKEN),
    ],
)
def test_an_objective_is_found_by_its_bounds(good: int, finding: Finding):
    assert objective(good, 9_900, 100).finding(Fraction(95, 100)) is finding


def test_an_objective_without_results_has_no_figure():
    figures = objective(0, 0, 5)
    assert (figures.lowest, figures.measured, figures.highest) == (None, None, None)
    assert figures.finding(P95) is Finding.NOT_PROVEN


@pytest.mark.parametrize("counts", [(2, 1, 0), (-1, 1, 0), (1, 1, -1)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int]):
    with pytest.raises(ValueError, match="cannot be"):
        objective(*counts)
