"""Laws of the methods over made-up worlds: bounds hold the truth, counts are those of a plain reading, parts add up."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from support import plain_methods as plain
from support.tracks import S
from support.worlds import CODES, LONG_US, START_US, World, eligibles, on, periods, worlds

from reports.contract import Contract, Minutes, Periods, Requests, Slices, Time, Weighted
from reports.evidence import Window
from reports.figures import Figures
from reports.intervals import Intervals, intersect, length, subtract, union
from reports.methods import figures, timeline_of
from reports.timeline import Mark
from reports.track import Tracks

QUORUMS = st.sampled_from(["regional", "pooled"])
THRESHOLDS = st.sampled_from([Fraction(0), Fraction("0.05"), Fraction(1, 3), Fraction(1, 2), Fraction(1)])
AROUND = (START_US - LONG_US // 2, START_US + LONG_US + LONG_US // 2)
minutes_rules = st.builds(Minutes, threshold=THRESHOLDS, min_attempts=st.integers(1, 3))
periods_rules = st.builds(
    Periods,
    minutes=st.integers(1, 6),
    threshold=THRESHOLDS,
    min_attempts=st.integers(1, 2),
    unknown=st.sampled_from(["break", "bridge", "worst"]),
    good_minutes=st.integers(1, 4),
)
ignorings = st.sampled_from([frozenset(), frozenset(CODES[:1])])
slices_rules = st.builds(
    Slices,
    length_us=st.sampled_from([30, 60, 100, 300, 900]).map(lambda seconds: seconds * S),
    empty=st.sampled_from(["zero", "skip", "unknown"]),
    ignored=ignorings,
)
weights = Weighted(
    by="regions", weights=(("fra", Fraction(5)), ("iad", Fraction(3)), ("sin", Fraction(1, 2)))
)
methods = st.one_of(
    st.just(Time()),
    minutes_rules,
    periods_rules,
    st.builds(Requests, ignored=ignorings),
    slices_rules,
    st.just(weights),
)
additive = st.one_of(st.just(Time()), minutes_rules, periods_rules, st.builds(Requests))


def _of(terms: Contract, tracks: Tracks, eligible: Intervals, period: tuple[int, int]) -> Figures:
    return figures(terms, tracks, eligible, length(eligible), *period)


def _sums(found: Figures) -> plain.Sums:
    return plain.Sums(found.total, found.sure, found.down, found.possible, found.unknown)


def _down_where(needed: int, parts: list[Intervals]) -> Intervals:
    """Return where at least so many of these are down."""
    edges = sorted({edge for part in parts for interval in part for edge in interval})
    return union(
        (a, b)
        for a, b in pairwise(edges)
        if sum(any(x <= a < y for x, y in part) for part in parts) >= needed
    )


def _truth(world: World, pooled: bool) -> Intervals:
    """Return when the service was truly down."""
    by_probe = []
    for probe in world.probes:
        regions = [world.truth[probe.name, region] for region in probe.regions]
        by_probe.append(regions[0] if pooled else _down_where(probe.needed, regions))
    return _down_where(world.service.needed, by_probe)


def _holds(world: World, terms: Contract, tracks: Tracks, truth: Intervals) -> None:
    for span in timeline_of(terms, tracks).spans(Window(*AROUND)):
        there = [(span.start_us, span.end_us)]
        if span.mark is Mark.CORE:
            assert subtract(there, truth) == (), "said to be surely down, and was up"
        if span.mark is Mark.UP:
            assert intersect(there, truth) == (), "said to be surely up, and was down"


@given(worlds(steady=True), st.sampled_from([0, S]))
def test_true_down_time_lies_within_the_bounds_at_every_instant(world, error_us):
    terms = on(world, clock_error_us=error_us)
    _holds(world, terms, world.tracks(), _truth(world, pooled=False))


@given(worlds(steady=True, together=True), st.sampled_from([None, 0, 1, 4]))
def test_pooled_true_down_time_lies_within_the_bounds_at_every_instant(world, reach):
    terms = on(world, quorum="pooled")
    tracks = world.tracks(close=reach is not None, reach=reach or 0)
    _holds(world, terms, tracks, _truth(world, pooled=True))


@given(worlds(steady=True, together=True), periods())
def test_pooled_sums_hold_the_true_down_time_and_single_results_only_narrow_them(world, period):
    terms = on(world, quorum="pooled")
    true_us = length(intersect([period], _truth(world, pooled=True)))
    near, far = (_of(terms, world.tracks(close=close), (period,), period) for close in (True, False))
    assert far.sure <= near.sure <= true_us <= near.possible <= far.possible


@given(worlds(steady=False), periods(), ignorings, st.data())
def test_requests_are_those_of_a_plain_count(world, period, ignored, data):
    eligible = data.draw(eligibles(period))
    found = _of(on(world, method=Requests(ignored=ignored)), world.tracks(), eligible, period)
    assert _sums(found) == plain.requests(list(plain.attempts(world)), plain.within(eligible), ignored)


@given(worlds(steady=False), periods(), slices_rules, st.data())
def test_slices_are_those_of_a_plain_count(world, period, method, data):
    eligible = data.draw(eligibles(period))
    found = _of(on(world, method=method), world.tracks(), eligible, period)
    assert _sums(found) == plain.slices(list(plain.attempts(world)), eligible, period, method)


@given(worlds(steady=False), periods(), minutes_rules, QUORUMS, st.data())
def test_minutes_are_those_of_a_plain_count(world, period, method, quorum, data):
    eligible = data.draw(eligibles(period))
    terms = on(world, method=method, quorum=quorum)
    marks = plain.minutes(world, list(plain.attempts(world)), terms, method.threshold, method.min_attempts)
    assert _sums(_of(terms, world.tracks(), eligible, period)) == plain.over(marks, eligible)


@given(worlds(steady=False), periods(), periods_rules, QUORUMS, st.data())
def test_periods_are_those_of_a_plain_count(world, period, method, quorum, data):
    eligible = data.draw(eligibles(period))
    terms = on(world, method=method, quorum=quorum)
    marks = plain.minutes(world, list(plain.attempts(world)), terms, method.threshold, method.min_attempts)
    found = _of(terms, world.tracks(), eligible, period)
    assert _sums(found) == plain.over(plain.runs(marks, method), eligible)


@given(worlds(steady=False), periods(), methods, QUORUMS, st.data())
def test_the_three_figures_are_in_order(world, period, method, quorum, data):
    eligible = data.draw(eligibles(period))
    found = _of(on(world, method=method, quorum=quorum), world.tracks(close=True), eligible, period)
    assert 0 <= found.sure <= found.down
    assert 0 <= found.down + found.unknown <= found.possible <= found.total
    if found.has_data:
        assert found.lowest <= found.measured <= found.highest


@given(worlds(steady=False), periods(), additive, QUORUMS, st.data())
def test_figures_of_two_parts_add_up_to_those_of_the_whole(world, period, method, quorum, data):
    eligible = data.draw(eligibles(period))
    cut_us = data.draw(st.integers(*period))
    terms, tracks = on(world, method=method, quorum=quorum), world.tracks(close=True)
    parts = [(period[0], cut_us), (cut_us, period[1])]
    halves = [
        _sums(_of(terms, tracks, intersect(eligible, [part] if part[0] < part[1] else []), part))
        for part in parts
    ]
    whole = _sums(_of(terms, tracks, eligible, period))
    assert whole == plain.Sums(*(one + other for one, other in zip(*halves, strict=True)))


@given(worlds(steady=False), periods(), methods, st.data())
def test_up_down_unknown_and_excluded_time_tile_the_period(world, period, method, data):
    eligible = data.draw(eligibles(period))
    excluded = subtract([period], eligible)
    spans = list(timeline_of(on(world, method=method), world.tracks()).spans(Window(*period)))
    assert all(one.end_us == other.start_us for one, other in pairwise(spans))
    by_kind = {"up": 0, "down": 0, "unknown": 0}
    for span in spans:
        kind = "unknown" if span.mark is Mark.UNKNOWN else "down" if span.mark > Mark.UNKNOWN else "up"
        by_kind[kind] += length(intersect([(span.start_us, span.end_us)], eligible))
    assert sum(by_kind.values()) + length(excluded) == period[1] - period[0]
    if not isinstance(method, Requests | Slices | Weighted):
        found = _of(on(world, method=method), world.tracks(), eligible, period)
        assert (found.down, found.unknown) == (by_kind["down"], by_kind["unknown"])


@given(worlds(steady=False), periods(), methods, QUORUMS, st.integers(0, 99))
def test_the_order_of_regions_probes_and_tracks_does_not_matter(world, period, method, quorum, seed):
    chance = random.Random(seed)
    terms, tracks = on(world, method=method, quorum=quorum), world.tracks(close=True)
    shuffled = [
        replace(each, regions=tuple(chance.sample(each.regions, len(each.regions)))) for each in world.probes
    ]
    service = replace(world.service, probes=tuple(chance.sample(shuffled, len(shuffled))))
    other = replace(terms, services=(service,))
    mixed = dict(chance.sample(list(tracks.items()), len(tracks)))
    assert _of(terms, tracks, (period,), period) == _of(other, mixed, (period,), period)


@given(worlds(steady=False), periods(), st.one_of(minutes_rules, periods_rules), QUORUMS)
def test_a_timeline_of_some_time_is_the_same_there_as_that_of_all_time(world, period, method, quorum):
    terms, tracks = on(world, method=method, quorum=quorum), world.tracks()
    window = Window(*period)
    part = timeline_of(terms, tracks, period)
    assert list(part.spans(window)) == list(timeline_of(terms, tracks).spans(window))


@settings(max_examples=20)
@given(worlds(steady=False), periods(), methods)
def test_without_any_evidence_all_is_unknown(world, period, method):
    found = _of(on(world, method=method), {}, (period,), period)
    assert not found.has_data
    assert (found.sure, found.down) == (0, 0)
    assert found.unknown == found.possible == found.total
