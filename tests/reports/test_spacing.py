"""What a schedule guarantees and what it leaves to chance: against all draws of a small one, and against real grids."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, permutations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.raw_rows import Row, stretches_of

from prober.agent.grid import Grid
from reports.contract import ProbeTerms
from reports.evidence import Verdict, Window
from reports.quorum import agree
from reports.spacing import at_least, longest_us, short_share, slowest_us, sure_us, unknown_share
from reports.timeline import Mark, Timeline, region_timeline

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
SEEDS = st.binary(min_size=1, max_size=8)
SCHEDULES = ["stratified", "round", "fixed", "end"]


def _probe(
    regions: int, needed: int = 1, schedule: str = "stratified", interval_us: int = MINUTE_US
) -> ProbeTerms:
    return ProbeTerms(
        name="web",
        title="Web",
        regions=tuple(f"r{number}" for number in range(regions)),
        needed=needed,
        interval_us=interval_us,
        schedule=schedule,
    )


def _dues(probe: ProbeTerms, slots: int, seed: bytes = b"seed") -> list[list[int]]:
    """Return for each region when its runs are due, by the agents' own schedule."""
    grids = [
        Grid(seed, probe.name, region, probe.regions, probe.interval_us, probe.schedule)
        for region in probe.regions
    ]
    return [[grid.due_us(slot) for slot in range(slots)] for grid in grids]


def _longest_without(runs: Sequence[tuple[int, int]], needed: int) -> int:
    """Return the longest time, begun just after a run, until `needed` regions had one; runs are (due, region)."""
    worst = 0
    for place, (since_us, _) in enumerate(runs):
        seen: set[int] = set()
        for due_us, region in runs[place + 1 :]:
            if due_us > since_us:
                seen.add(region)
            if len(seen) == needed:
                worst = max(worst, due_us - since_us)
                break
    return worst


def _all_draws(regions: int, width: int) -> Iterator[list[tuple[int, int]]]:
    """Yield a stratified slot in every way it can come out: (instant, region), shares `width` instants wide."""
    for order in permutations(range(regions)):
        for draws in product(range(width), repeat=regions):
            yield [(rank * width + draws[rank], order[rank]) for rank in range(regions)]


@pytest.mark.parametrize(
    ("regions", "needed", "width"), [(1, 1, 5), (2, 1, 4), (2, 2, 4), (3, 1, 2), (3, 2, 2), (3, 3, 2)]
)
def test_no_draw_of_two_stratified_slots_is_worse_than_the_length_said_and_one_is_as_bad(
    regions: int, needed: int, width: int
):
    probe = _probe(regions, needed, interval_us=regions * width)
    slots = list(_all_draws(regions, width))
    worst = max(
        _longest_without([*one, *((at + regions * width, who) for at, who in other)], needed)
        for one, other in product(slots, slots)
    )
    assert worst == 2 * needed * width - 1  # from a first to a last instant of shares `width` instants wide
    assert sure_us(probe) == worst + 1


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.data(),
    st.sampled_from(SCHEDULES),
    st.integers(50, 400),
    SEEDS,
)
def test_enough_regions_look_within_the_sure_length_wherever_it_begins(
    regions: int, data: st.DataObject, schedule: str, interval_us: int, seed: bytes
):
    probe = _probe(regions, data.draw(st.integers(1, regions)), schedule, interval_us)
    runs = sorted((at, who) for who, dues in enumerate(_dues(probe, 60, seed)) for at in dues)
    shortest_us = sure_us(probe)
    assert shortest_us is not None
    assert _longest_without(runs, probe.needed) <= shortest_us


@pytest.mark.parametrize(
    ("schedule", "needed", "seconds"),
    [
        ("fixed", 1, 20),
        ("fixed", 2, 40),
        ("fixed", 3, 60),
        ("stratified", 1, 40),
        ("stratified", 2, 80),
        ("stratified", 3, 120),
        ("round", 1, 120),
        ("round", 3, 120),
        ("end", 2, 60),
    ],
)
def test_the_sure_outage_of_three_regions_each_minute(schedule: str, needed: int, seconds: int):
    assert sure_us(_probe(3, needed, schedule)) == seconds * SECOND_US


def test_pooled_regions_need_one_run_and_too_few_regions_never_agree():
    assert sure_us(_probe(3, 2), pooled=True) == 40 * SECOND_US
    assert sure_us(_probe(3, 2, "fixed"), pooled=True) == 20 * SECOND_US
    assert sure_us(_probe(2, 3)) is None
    assert sure_us(_probe(0, 1)) is None
    assert sure_us(_probe(3, 1, "fixed", 100)) == 34


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.data(), st.sampled_from(SCHEDULES), st.integers(0, 10**9))
def test_the_middle_of_an_outage_of_the_sure_length_is_measured_down(
    regions: int, data: st.DataObject, schedule: str, salt: int
):
    probe = _probe(regions, data.draw(st.integers(1, regions)), schedule, 1_000)
    shortest_us = sure_us(probe)
    assert shortest_us is not None
    begin_us = 10_000 + Random(salt).randrange(5_000)
    end_us = begin_us + shortest_us
    marks = agree(
        [_seen(dues, begin_us, end_us, probe) for dues in _dues(probe, 40, str(salt).encode())], probe.needed
    )
    middle_us = (begin_us + end_us) // 2
    (span,) = marks.spans(Window(middle_us - 1, middle_us))
    assert span.mark >= Mark.EDGE_DOWN


def _seen(dues: Sequence[int], begin_us: int, end_us: int, probe: ProbeTerms) -> Timeline:
    rows = [Row(at, at, Verdict.BAD if begin_us <= at < end_us else Verdict.GOOD) for at in dues]
    gap_us = 2 * probe.interval_us
    return region_timeline(stretches_of(rows, gap_us), gap_us)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.sampled_from(SCHEDULES), st.integers(50, 400), SEEDS)
def test_no_spacing_is_longer_than_the_longest(regions: int, schedule: str, interval_us: int, seed: bytes):
    probe = _probe(regions, 1, schedule, interval_us)
    by_region = _dues(probe, 60, seed)
    pooled = sorted(at for dues in by_region for at in dues)
    assert max(b - a for dues in by_region for a, b in pairwise(dues)) <= longest_us(probe)
    assert max(b - a for a, b in pairwise(pooled)) <= longest_us(probe, pooled=True)


SLOTS = 4_000


def _share_in_gaps(by_region: Sequence[Sequence[int]], gap_us: int, needed: int, length_us: int) -> float:
    edges = sorted(
        edge for dues in by_region for a, b in pairwise(dues) if b - a > gap_us for edge in ((a, 1), (b, -1))
    )
    found = depth = before_us = 0
    for at_us, turn in edges:
        found += at_us - before_us if depth >= needed else 0
        depth, before_us = depth + turn, at_us
    return found / length_us


@pytest.mark.parametrize(
    ("regions", "needed", "schedule", "gap_s"),
    [
        (1, 1, "stratified", 60),
        (1, 1, "stratified", 30),
        (2, 1, "stratified", 90),
        (2, 2, "stratified", 90),
        (3, 2, "stratified", 70),
        (3, 2, "stratified", 100),
        (3, 1, "stratified", 60),
        (5, 3, "stratified", 80),
        (3, 2, "round", 90),
        (3, 2, "fixed", 60),
        (3, 2, "fixed", 59),
    ],
)
def test_the_unknown_share_is_what_real_grids_come_to(regions: int, needed: int, schedule: str, gap_s: int):
    probe, gap_us = _probe(regions, needed, schedule), gap_s * SECOND_US
    seen = _share_in_gaps(_dues(probe, SLOTS), gap_us, needed, SLOTS * MINUTE_US)
    assert float(unknown_share(probe, gap_us)) == pytest.approx(seen, abs=0.015)


@pytest.mark.parametrize("schedule", ["stratified", "round", "fixed"])
@pytest.mark.parametrize("gap_s", [15, 20, 30, 40, 70])
def test_the_unknown_share_of_a_pooled_sequence_is_what_real_grids_come_to(schedule: str, gap_s: int):
    probe, gap_us = _probe(3, 2, schedule), gap_s * SECOND_US
    pooled = sorted({at for dues in _dues(probe, SLOTS) for at in dues})
    seen = _share_in_gaps([pooled], gap_us, 1, SLOTS * MINUTE_US)
    assert float(unknown_share(probe, gap_us, pooled=True)) == pytest.approx(seen, abs=0.02)


def test_three_regions_are_never_all_in_a_spacing_that_only_two_orders_make():
    """Longer than from the first share to the last takes a region that was first and is last, or the reverse."""
    gap_us = 115 * SECOND_US
    assert unknown_share(_probe(3, 2), gap_us) > 0
    assert unknown_share(_probe(3, 3), gap_us) == 0


@pytest.mark.parametrize(
    ("gap", "share"), [("1", Fraction(2, 3)), ("3/2", Fraction(5, 24)), ("1/2", Fraction(23, 24))]
)
def test_one_region_is_unknown_in_exact_parts(gap: str, share: Fraction):
    gap_us = int(Fraction(gap) * MINUTE_US)
    assert unknown_share(_probe(1), gap_us) == unknown_share(_probe(4, 2, "round"), gap_us) == share


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_gap_of_two_intervals_leaves_nothing_unknown(schedule: str):
    assert unknown_share(_probe(3, 2, schedule), 2 * MINUTE_US) == 0


def test_many_regions_get_a_share_that_is_never_too_small():
    eight, nine = (unknown_share(_probe(regions, 4), 80 * SECOND_US) for regions in (8, 9))
    assert 0 < eight < nine <= 1


@pytest.mark.parametrize(
    ("length", "seen"),
    [("1/4", "95/384"), ("1/2", "23/48"), ("1", "5/6"), ("3/2", "47/48"), ("2", "1"), ("9", "1")],
)
def test_a_stretch_is_seen_with_the_published_probability(length: str, seen: str):
    """One random instant in each slot: x - x^3/6 up to a slot, 1 - (2 - x)^3/6 up to two."""
    assert 1 - short_share(_probe(1), int(Fraction(length) * MINUTE_US), 1) == Fraction(seen)


@pytest.mark.parametrize(
    ("schedule", "needed", "seconds", "short"),
    [
        ("fixed", 1, 30, "1"),
        ("fixed", 2, 30, "1/2"),
        ("fixed", 2, 40, "0"),
        ("fixed", 2, 20, "1"),
        ("round", 2, 60, "1/6"),
    ],
)
def test_a_quorum_of_three_staggered_regions_sees_a_stretch_as_published(
    schedule: str, needed: int, seconds: int, short: str
):
    """At least k of R evenly staggered regions look into d with probability clamp(dR/T - (k - 1), 0, 1).

    In doubt it is where two or more do not: the same law for the others.
    """
    assert short_share(_probe(3, needed, schedule), seconds * SECOND_US, 1) == Fraction(short)


@pytest.mark.parametrize(
    ("regions", "needed", "schedule", "seconds", "attempts", "pooled"),
    [
        (1, 1, "stratified", 60, 1, False),
        (2, 1, "stratified", 100, 2, False),
        (3, 2, "stratified", 25, 1, False),
        (3, 2, "stratified", 60, 1, False),
        (3, 1, "stratified", 75, 1, False),
        (4, 2, "stratified", 100, 2, False),
        (5, 3, "stratified", 47, 1, False),
        (1, 1, "stratified", 130, 2, False),
        (1, 1, "stratified", 200, 4, False),
        (1, 1, "stratified", 40, 2, False),
        (3, 2, "round", 100, 2, False),
        (3, 2, "round", 100, 4, True),
        (3, 2, "stratified", 50, 3, True),
        (3, 2, "fixed", 50, 3, True),
        (3, 2, "fixed", 50, 1, False),
        (3, 2, "fixed", 130, 3, False),
        (3, 2, "fixed", 130, 4, False),
        (3, 1, "fixed", 130, 2, False),
        (3, 2, "end", 45, 3, True),
    ],
)
def test_the_share_of_short_stretches_is_what_real_grids_come_to(
    regions: int, needed: int, schedule: str, seconds: int, attempts: int, pooled: bool
):
    probe = _probe(regions, needed, schedule)
    assert float(short_share(probe, seconds * SECOND_US, attempts, pooled=pooled)) == pytest.approx(
        _short(probe, seconds * SECOND_US, attempts, pooled), abs=0.02
    )


def _short(probe: ProbeTerms, length_us: int, attempts: int, pooled: bool) -> float:
    """Look at many random stretches of real grids."""
    by_region = _dues(probe, SLOTS)
    series = [sorted(at for dues in by_region for at in dues)] if pooled else by_region
    random, tries, found = Random(1), 8_000, 0
    for _ in range(tries):
        begin_us = random.randrange(2 * MINUTE_US, (SLOTS - 9) * MINUTE_US)
        counts = [bisect_left(dues, begin_us + length_us) - bisect_left(dues, begin_us) for dues in series]
        found += sum(count < attempts for count in counts) >= (1 if pooled else probe.needed)
    return found / tries


@settings(max_examples=80)
@given(st.integers(1, 4), st.data(), st.sampled_from(SCHEDULES), st.integers(1, 5), st.booleans())
def test_up_to_the_slowest_interval_no_stretch_is_short(
    regions: int, data: st.DataObject, schedule: str, attempts: int, pooled: bool
):
    probe = _probe(regions, data.draw(st.integers(1, regions)), schedule)
    slowest = slowest_us(probe, MINUTE_US, attempts, pooled=pooled)
    fits, slower = (_probe(regions, probe.needed, schedule, slowest + more) for more in (0, SECOND_US))
    assert short_share(fits, MINUTE_US, attempts, pooled=pooled) == 0
    if pooled or probe.needed == 1:  # a quorum forgives a little more
        assert short_share(slower, MINUTE_US, attempts, pooled=pooled) > 0


def test_at_least_some_of_several_independent_things():
    shares = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 5)]
    assert [at_least(shares, needed) for needed in (0, 1, 2, 3, 4)] == [
        1,
        1 - Fraction(1 * 2 * 4, 30),
        Fraction(1 * 1 * 4 + 1 * 2 * 1 + 1 * 1 * 1 + 1, 30),
        Fraction(1, 30),
        0,
    ]
