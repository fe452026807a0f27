"""Sets of instants as sorted, disjoint, half-open intervals of integer microseconds, and what is done with them.

Exact. An empty set is an empty tuple.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
"""[start, end), never empty inside a set."""
Intervals = tuple[Interval, ...]
"""Sorted by start, disjoint, not touching."""


def union(intervals: Iterable[Interval]) -> Intervals:
    """Return what any of these covers; empty and reversed ones cover nothing."""
    merged: list[Interval] = []
    for start, end in sorted(each for each in intervals if each[0] < each[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def intersect(one: Sequence[Interval], other: Sequence[Interval]) -> Intervals:
    """Return what both sets cover."""
    found: list[Interval] = []
    left = right = 0
    while left < len(one) and right < len(other):
        start, end = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if start < end:
            found.append((start, end))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)


def subtract(one: Sequence[Interval], other: Sequence[Interval]) -> Intervals:
    """Return what the first set covers and the second does not."""
    if not one or not other:
        return tuple(one)
    edges = [(other[place][1], other[place + 1][0]) for place in range(len(other) - 1)]
    first, last = min(one[0][0], other[0][0]), max(one[-1][1], other[-1][1])
    around = [(first, other[0][0]), *edges, (other[-1][1], last)]
    return intersect(one, tuple(each for each in around if each[0] < each[1]))


def length(intervals: Iterable[Interval]) -> int:
    """Return the elapsed microseconds of a set."""
    return sum(end - start for start, end in intervals)


def first_of(intervals: Sequence[Interval], wanted: int) -> Intervals:
    """Return the earliest part of a set that is `wanted` microseconds long; all of it if it is not longer."""
    kept: list[Interval] = []
    for start, end in intervals:
        if wanted <= 0:
            break
        kept.append((start, min(end, start + wanted)))
        wanted -= end - start
    return tuple(kept)
