"""Sets of intervals behave as sets of instants: held against sets of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.intervals import first_of, intersect, length, subtract, union

drawn = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def instants(intervals: object) -> set[int]:
    return {at for start, end in intervals for at in range(start, end)}  # type: ignore[attr-defined]  # pairs


def is_normal(found: tuple[tuple[int, int], ...]) -> bool:
    """Say whether it is sorted, disjoint, without what is empty or touches."""
    flat = [edge for interval in found for edge in interval]
    return all(a < b for a, b in pairwise(flat))


@given(drawn)
def test_a_union_holds_what_any_holds_and_reversed_ones_hold_nothing(
    intervals: list[tuple[int, int]],
) -> None:
    found = union(intervals)
    assert instants(found) == instants(intervals)
    assert is_normal(found)
    assert length(found) == len(instants(intervals))


@given(drawn, drawn)
def test_common_and_left_parts_tile_the_first_set(
    first: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    one, two = union(first), union(other)
    both, left = intersect(one, two), subtract(one, two)
    assert instants(both) == instants(one) & instants(two)
    assert instants(left) == instants(one) - instants(two)
    assert is_normal(both)
    assert is_normal(left)
    assert length(both) + length(left) == length(one)


@given(drawn, st.integers(-3, 80))
def test_the_earliest_part_is_as_long_as_wanted_or_all_there_is(
    intervals: list[tuple[int, int]], wanted: int
) -> None:
    whole = union(intervals)
    kept = first_of(whole, wanted)
    assert length(kept) == min(max(wanted, 0), length(whole))
    left = instants(whole) - instants(kept)
    assert not kept or not left or max(instants(kept)) < min(left)
