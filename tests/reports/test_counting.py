"""Which slots are attempts, and what became of each: the rules one by one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.tracks import MINUTE, Even, S, Seen, contract, era, probe, results, seen, track, tracks, whole
from support.worlds import LONG_US, START_US, worlds

from reports.contract import Requests
from reports.counting import NO_RECORD, NOT_BEGUN, VOID, Tally, tally
from reports.track import Era, Fate, Hole, Track

HOUR = 60 * MINUTE
GRID = Even(MINUTE)


def _minutes(first: int, last: int, **odd) -> Era:
    return era(GRID, results(GRID, first, last, **odd), MINUTE)


def _hour(*eras: Era, ignored: frozenset[str] = frozenset()) -> Tally:
    return tally(track("fra", *eras), ((0, HOUR),), ignored)


def test_slots_are_oddities_in_holes_or_passed():
    found = _hour(_minutes(-5, 65, bad=[3, 4], void=[7], missed=[10, 11, 12]))
    assert found == Tally(54, 2, 4, {VOID: 1, "late": 3})


def test_an_interval_takes_the_slots_that_are_due_from_its_start_up_to_not_including_its_end():
    one = track("fra", _minutes(-5, 65, bad=[0, 59, 60]))
    assert tally(one, ((0, HOUR),)).bad == 2
    assert tally(one, ((1, HOUR + 1),)).bad == 2
    assert tally(one, ((0, HOUR + 1),)).bad == 3
    assert tally(one, ((1, HOUR),)).total == 59
    assert tally(one, ((0, 1), (HOUR, HOUR + 1))) == Tally(0, 2, 0)


def test_a_late_run_counts_where_it_was_due():
    rows = [seen(GRID, slot, late_us=30 * S if slot == 59 else 0) for slot in range(-1, 62)]
    late = replace(rows[60], start_us=HOUR + 5 * S, end_us=HOUR + 5 * S, fate=Fate.BAD)
    one = track("fra", era(GRID, [*rows[:60], late, *rows[62:]], MINUTE))
    assert (tally(one, ((0, HOUR),)).bad, tally(one, ((HOUR, 2 * HOUR),)).bad) == (1, 0)


def test_slots_before_the_first_record_and_after_the_last_are_unknown():
    found = _hour(_minutes(20, 49))
    assert found == Tally(30, 0, 30, {NOT_BEGUN: 20, NO_RECORD: 10})


def test_slots_between_two_grids_are_unknown_on_the_later_one_from_when_it_came_into_force():
    half = Even(MINUTE // 2)
    later = era(half, results(half, 70, 130), MINUTE // 2, from_us=30 * MINUTE)
    found = _hour(_minutes(0, 24), later)
    assert found == Tally(25 + 50, 0, 5 + 10, {NO_RECORD: 15})


def test_ignored_failures_are_no_attempts():
    rows = [*results(GRID, -1, 61, bad=[4]), Seen(5 * MINUTE + 1, 5 * MINUTE + 1, Fate.BAD, 5, "http_status")]
    one = era(GRID, [row for row in rows if row != seen(GRID, 5)], MINUTE)
    assert _hour(one) == Tally(58, 2, 0)
    assert _hour(one, ignored=frozenset({"http_status"})) == Tally(58, 1, 0)


def test_retries_and_rechecks_are_no_attempts():
    extra = [Seen(3 * MINUTE + at * S, 3 * MINUTE + at * S, Fate.BAD) for at in (2, 7, 12)]
    assert _hour(era(GRID, [*results(GRID, -1, 61, bad=[3]), *extra], MINUTE)) == Tally(59, 1, 0)


def test_slots_in_a_long_silence_are_unknown_even_if_no_hole_says_so():
    one = _minutes(-5, 65, missed=range(20, 31))
    assert _hour(replace(one, holes=())) == Tally(49, 0, 11, {NO_RECORD: 11})
    assert _hour(replace(one, holes=(Hole(20, 24, "paused"),))).reasons == {"paused": 5, NO_RECORD: 6}


def test_a_failure_in_a_long_silence_is_on_record_all_the_same():
    one = _minutes(-5, 65, missed=range(20, 31), bad=[25])
    odd = _minutes(-5, 65, bad=[25]).oddities
    assert _hour(replace(one, holes=(), oddities=odd)) == Tally(49, 1, 10, {NO_RECORD: 10})


def test_a_silence_counts_from_two_intervals_and_a_timeout_on():
    long = Even(5 * S)
    for missing, lost in ((4, 4), (3, 0)):  # 25 s and 20 s between two results; the limit is 20 s
        one = era(long, results(long, 0, 100, missed=range(50, 50 + missing)), 5 * S, holes=())
        assert tally(track("fra", one), ((0, 500 * S),)).unknown == lost


def test_what_was_imported_stands_for_itself_up_to_the_first_measured_grid():
    listed = era(GRID, results(GRID, 5, 45, bad=[7]), MINUTE, imported=True)
    half = Even(MINUTE // 2)
    own = era(half, results(half, 60, 130), MINUTE // 2, from_us=30 * MINUTE)
    found = _hour(listed, own)
    assert (found.good, found.bad) == (24 + 60, 1)
    assert found.reasons == {
        NOT_BEGUN: 8
    }  # on the first grid of ours, up to an interval before the first import


def test_only_imported_results_are_expected_at_the_interval_of_the_probe_elsewhere():
    listed = track("fra", era(GRID, results(GRID, 5, 45), MINUTE, imported=True))
    assert tally(listed, ((0, HOUR),)) == Tally(41, 0, 0)
    terms = contract(probe("fra"), method=Requests())
    found = whole(terms, tracks(listed), 0, HOUR)
    assert (found.total, found.unknown) == (41 + 4 + 13, 17)


def test_a_region_that_was_never_seen_has_unknown_attempts():
    terms = contract(probe("fra", "iad"), method=Requests())
    found = whole(terms, tracks(track("fra", _minutes(-1, 61))), 0, HOUR)
    assert (found.total, found.down, found.unknown) == (120, 0, 60)
    assert tally(Track(probe="web", region="iad"), ((0, HOUR),)) == Tally()


@given(worlds(steady=False), st.integers(0, LONG_US // S), st.integers(1, LONG_US // S))
def test_a_tally_is_the_sum_of_the_tallies_of_its_intervals(world, begin, seconds):
    start_us, end_us = START_US + begin * S, START_US + (begin + seconds) * S
    cut_us = (start_us + end_us) // 2 + 1
    for one in world.tracks().values():
        parts = [tally(one, ((start_us, cut_us),)), tally(one, ((cut_us, end_us),))]
        assert tally(one, ((start_us, end_us),)) == parts[0] + parts[1]
