"""A first failure asks the other regions once and at once, whatever comes in which order; who is alone is found."""

from __future__ import annotations

from itertools import permutations

import pytest
from support.circles import (
    FRA,
    IAD,
    NOTHING,
    NOW_US,
    SILENCE,
    SIN,
    S,
    T,
    all_passed,
    doubts,
    note,
    policy,
    run,
    series_of,
    warmed,
)

from checks.core.result import Outcome
from prober.hub import doubts as module
from prober.hub.doubts import BURST_SERIES, LATE_US, SERIES_PER_SECOND, Doubts, End, Questions
from prober.store.base import RunRow
from prober.wire import Kind

FAIL, PASS, WARN, VOID = Outcome.FAIL, Outcome.PASS, Outcome.WARN, Outcome.VOID
FIVE = policy(regions=("a", "b", "c", "d", "e"))  # three of them make it down


def test_a_first_failure_asks_every_other_region_at_once() -> None:
    one = warmed()
    assert note(one, run(FRA, NOW_US, FAIL)) == Questions([IAD, SIN], [])
    assert (one.tally.opened, one.tally.asked, one.open) == (1, 2, 1)


def test_a_failure_of_a_region_that_was_failing_asks_nothing() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL))
    assert note(one, run(FRA, NOW_US + T, FAIL)) == NOTHING
    assert note(one, run(FRA, NOW_US + 5 * T, FAIL)).recheck == [IAD, SIN]  # it was silent: nobody knows


@pytest.mark.parametrize("kind", [Kind.RETRY, Kind.RECHECK])
def test_only_scheduled_runs_raise_a_doubt(kind: Kind) -> None:
    one = warmed()
    assert note(one, run(FRA, NOW_US, FAIL, kind)) == NOTHING
    assert note(one, run(FRA, NOW_US + S, FAIL)).recheck == [IAD, SIN]


@pytest.mark.parametrize("outcome", [PASS, WARN, VOID])
def test_what_is_no_failure_asks_nothing(outcome: Outcome) -> None:
    assert note(warmed(), run(FRA, NOW_US, outcome)) == NOTHING


def test_nothing_is_asked_of_what_tells_of_itself_or_has_one_region() -> None:
    told = doubts(policy(is_told=True))
    assert note(told, run(FRA, NOW_US, FAIL)) == NOTHING
    assert note(doubts(policy(regions=("fra",))), run(FRA, NOW_US, FAIL)) == NOTHING
    assert note(doubts(), run(99, NOW_US, FAIL)) == NOTHING


@pytest.mark.parametrize(("after_us", "asked"), [(LATE_US, [IAD, SIN]), (LATE_US + 1, [])])
def test_records_that_come_late_ask_nothing(after_us: int, asked: list[int]) -> None:
    assert note(doubts(), run(FRA, NOW_US, FAIL, took_us=10 * S), after_us=after_us).recheck == asked


def test_records_from_a_clock_that_is_far_ahead_ask_nothing() -> None:
    assert note(doubts(), run(FRA, NOW_US, FAIL), after_us=-LATE_US - 1) == NOTHING


def test_what_is_older_than_the_newest_evidence_asks_nothing() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US))
    assert note(one, run(FRA, NOW_US - 1, FAIL)) == NOTHING


@pytest.mark.parametrize(("offset_us", "asked"), [(-1, [IAD, SIN]), (0, [SIN]), (1, [SIN])])
def test_a_region_that_looked_since_the_doubt_began_is_not_asked(offset_us: int, asked: list[int]) -> None:
    one = warmed()
    note(one, run(IAD, NOW_US + offset_us))
    assert note(one, run(FRA, NOW_US, FAIL)).recheck == asked


def test_a_region_that_could_not_tell_is_asked() -> None:
    one = warmed()
    note(one, run(IAD, NOW_US + 1, VOID))
    assert note(one, run(FRA, NOW_US, FAIL)).recheck == [IAD, SIN]


def test_the_answers_of_all_others_make_a_region_alone() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL))
    assert note(one, run(IAD, NOW_US + S, PASS, Kind.RECHECK)) == NOTHING  # sin could still make a quorum
    assert note(one, run(SIN, NOW_US + S, WARN, Kind.RECHECK)) == Questions([], [("fra", FRA)])
    assert (one.tally.ended[End.ALONE], one.open) == (1, 0)


def test_as_many_answers_are_enough_as_leave_no_quorum() -> None:
    one = warmed(FIVE)
    assert note(one, run(1, NOW_US, FAIL)).recheck == [2, 3, 4, 5]
    answers = [note(one, run(number, NOW_US + S, PASS, Kind.RECHECK)).alone for number in (2, 3, 4)]
    assert answers == [[], [], [("a", 1)]]  # one that is still out cannot make three of one


def test_with_a_quorum_of_one_a_second_opinion_still_settles_it() -> None:
    one = warmed(policy(quorums=(1, 1, 1, 1), fewest=1))
    assert note(one, run(FRA, NOW_US, FAIL)).recheck == [IAD, SIN]
    answered = [run(IAD, NOW_US + S, PASS, Kind.RECHECK), run(SIN, NOW_US + S, PASS, Kind.RECHECK)]
    assert note(one, *answered).alone == [("fra", FRA)]


def test_a_second_failure_agrees_and_the_time_it_took_is_counted() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL))
    assert note(one, run(IAD, NOW_US + S, FAIL, Kind.RECHECK), after_us=0) == NOTHING
    assert (one.tally.ended[End.AGREED], one.tally.agreed_us) == (1, S)
    assert one.tally.agreed_within == [0, 1, 0, 0, 0, 0, 0, 0]
    assert note(one, run(SIN, NOW_US + 2 * S, FAIL), run(IAD, NOW_US + 3 * S, FAIL)) == NOTHING
    assert one.tally.opened == 1  # what is agreed is not doubted again


def test_after_agreement_and_recovery_the_next_failure_is_a_doubt_again() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL), run(IAD, NOW_US, FAIL))
    assert one.tally.ended[End.AGREED] == 1
    note(one, *all_passed(NOW_US + T))
    assert note(one, run(FRA, NOW_US + 2 * T, FAIL)).recheck == [IAD, SIN]


def test_some_but_too_few_is_neither_alone_nor_agreed() -> None:
    one = warmed(FIVE)
    note(one, run(1, NOW_US, FAIL))
    note(one, run(2, NOW_US + S, FAIL, Kind.RECHECK))
    others = [run(number, NOW_US + S, PASS, Kind.RECHECK) for number in (3, 4, 5)]
    assert note(one, *others) == NOTHING
    assert (one.tally.ended[End.SPLIT], one.open) == (1, 0)


def test_too_few_regions_with_a_vote_agree_on_nothing() -> None:
    one = doubts(FIVE)
    assert note(one, run(1, NOW_US, FAIL), run(2, NOW_US, FAIL)).recheck == [3, 4, 5]
    assert one.open == 1


def test_a_region_that_could_not_tell_after_its_failure_agrees_with_nobody() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL))
    note(one, run(FRA, NOW_US + S, VOID, Kind.RETRY))  # it was cut off
    assert note(one, run(IAD, NOW_US + T, FAIL)).recheck == [FRA, SIN]


def test_a_region_that_is_failing_already_is_not_asked() -> None:
    one = warmed(FIVE)
    note(one, run(1, NOW_US, FAIL))
    note(one, *(run(number, NOW_US + S, PASS, Kind.RECHECK) for number in (2, 3, 4, 5)))
    assert note(one, run(2, NOW_US + T + S, FAIL)).recheck == [3, 4, 5]


def test_of_failures_that_come_together_the_earliest_began_the_doubt() -> None:
    for failed in permutations([run(1, NOW_US, FAIL), run(2, NOW_US + 4 * S, FAIL)]):
        one = warmed(FIVE)
        note(one, run(3, NOW_US + 2 * S))
        assert note(one, *failed).recheck == [4, 5]


def test_only_passes_since_its_own_failure_make_a_region_alone() -> None:
    one = warmed(FIVE)
    note(one, run(1, NOW_US, FAIL))
    note(one, run(3, NOW_US + S, PASS, Kind.RECHECK), run(2, NOW_US + 2 * S, FAIL, Kind.RECHECK))
    later = [run(number, NOW_US + 3 * S, PASS, Kind.RECHECK) for number in (1, 4, 5)]
    assert note(one, *later) == Questions([], [("b", 2)])  # 3 looked too early, but alone makes no quorum
    two = warmed(FIVE)
    note(two, run(1, NOW_US, FAIL))
    early = [run(number, NOW_US + S, PASS, Kind.RECHECK) for number in (3, 4)]
    note(two, *early, run(2, NOW_US + 2 * S, FAIL, Kind.RECHECK))
    assert note(two, *(run(number, NOW_US + 3 * S, PASS, Kind.RECHECK) for number in (1, 5))) == NOTHING


def test_a_clock_that_was_set_back_far_is_followed() -> None:
    one = warmed()
    assert note(one, run(FRA, NOW_US - 3600 * S, FAIL)).recheck == [IAD, SIN]


def test_silent_regions_have_no_vote() -> None:
    one = doubts()
    note(one, run(FRA, NOW_US - S), run(IAD, NOW_US - S))
    assert note(one, run(FRA, NOW_US, FAIL)).recheck == [
        IAD,
        SIN,
    ]  # asked nevertheless: it may just have come
    assert note(one, run(IAD, NOW_US + S, PASS, Kind.RECHECK)).alone == [("fra", FRA)]


def test_alone_among_the_silent_is_not_alone() -> None:
    one = doubts()
    assert note(one, run(FRA, NOW_US, FAIL)) == Questions([IAD, SIN], [])
    assert one.open == 1


@pytest.mark.parametrize(("age_us", "open_doubts"), [(SILENCE, 1), (SILENCE + 1, 0)])
def test_a_region_loses_its_vote_when_its_silence_limit_has_passed(age_us: int, open_doubts: int) -> None:
    one = doubts(interval_us=10 * T)
    began_us = NOW_US + 1000
    one.note([run(IAD, NOW_US - S), run(SIN, began_us + 50 * S - age_us)], NOW_US)
    one.note([run(FRA, began_us, FAIL)], began_us + 2000)
    one.note([run(IAD, began_us + S, PASS, Kind.RECHECK)], began_us + 50 * S)
    assert one.open == open_doubts


def test_a_failure_that_passes_again_is_over() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL))
    assert note(one, run(FRA, NOW_US + 2 * S, PASS, Kind.RETRY)) == NOTHING
    assert (one.tally.ended[End.OVER], one.open) == (1, 0)


def test_what_came_together_is_weighed_together_in_any_order() -> None:
    records = [run(FRA, NOW_US, FAIL), run(IAD, NOW_US + S), run(SIN, NOW_US + S)]
    for ordered in permutations(records):
        assert note(warmed(), *ordered) == Questions([], [("fra", FRA)])


@pytest.mark.parametrize(("after_us", "is_open"), [(2 * T - 1, 1), (2 * T, 0)])
def test_a_doubt_is_forgotten_after_two_intervals(after_us: int, is_open: int) -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL), after_us=0)
    one.note([], NOW_US + 1000 + after_us)
    assert (one.open, one.tally.ended[End.FORGOTTEN]) == (is_open, 1 - is_open)


def test_a_clock_that_is_set_back_ends_doubts_instead_of_keeping_them() -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL))
    one.note([], NOW_US - 3600 * S)
    assert one.open == 0


@pytest.mark.parametrize(("after_us", "asked", "spared"), [(T - 1, [], 2), (T, [IAD, SIN], 0)])
def test_a_flapping_probe_asks_no_region_twice_within_an_interval(
    after_us: int, asked: list[int], spared: int
) -> None:
    one = warmed()
    note(one, run(FRA, NOW_US, FAIL), after_us=0)
    note(one, run(FRA, NOW_US + 2 * S, PASS, Kind.RETRY))
    assert note(one, run(FRA, NOW_US + after_us, FAIL), after_us=0).recheck == asked
    assert one.tally.spared == spared


def test_a_hundred_probes_that_fail_together_cost_one_recheck_each_a_region() -> None:
    policies = [policy(f"p{number}") for number in range(100)]
    one = doubts(*policies)
    failed = [run(3 * number + region, NOW_US, FAIL) for number in range(100) for region in (1,)]
    asked = note(one, *failed).recheck
    assert sorted(asked) == sorted(3 * number + region for number in range(100) for region in (2, 3))


def test_what_finds_no_room_waits_for_its_schedule_and_is_counted() -> None:
    policies = [policy(f"p{number}") for number in range(1000)]
    one = doubts(*policies)
    failed = [run(3 * number + 1, NOW_US, FAIL) for number in range(1000)]
    assert len(note(one, *failed, after_us=0).recheck) == BURST_SERIES
    assert (one.tally.asked, one.tally.suppressed) == (BURST_SERIES, 2000 - BURST_SERIES)
    later = NOW_US + 2 * T
    note(one, *(run(3 * number + 1, later - S) for number in range(1000)), after_us=0)
    again = [run(3 * number + 1, later, FAIL) for number in range(1000)]
    refilled = min(BURST_SERIES, 2 * T // S * SERIES_PER_SECOND)
    assert len(note(one, *again, after_us=0).recheck) == refilled


def test_the_bucket_fills_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BURST_SERIES", 2)
    one = doubts(*(policy(f"p{number}") for number in range(3)))
    assert len(note(one, run(1, NOW_US, FAIL), run(4, NOW_US, FAIL)).recheck) == 2
    per_series_us = S // SERIES_PER_SECOND
    assert len(note(one, run(7, NOW_US, FAIL), after_us=200_000 + per_series_us).recheck) == 1


def test_a_region_that_is_restored_as_failing_asks_nothing_anew() -> None:
    states = series_of([policy()])
    before = Doubts()
    before.configure([policy()], states)
    for number, outcome in ((FRA, FAIL), (IAD, PASS), (SIN, PASS)):
        states[number].run = stored_run(number, outcome)
    one = Doubts()
    one.configure([policy()], states)
    assert note(one, run(FRA, NOW_US + T, FAIL)) == NOTHING
    assert note(one, run(IAD, NOW_US + T, FAIL)) == NOTHING  # agreed at once
    assert one.tally.ended[End.AGREED] == 1


def test_a_new_configuration_keeps_what_stays_and_forgets_what_goes() -> None:
    both = [policy("web"), policy("db")]
    one = Doubts()
    states = series_of(both)
    one.configure(both, states)
    note(one, *all_passed(series=6))
    note(one, run(1, NOW_US, FAIL), run(4, NOW_US, FAIL))
    one.configure(both[:1], {number: states[number] for number in (1, 2, 3)})
    assert (one.open, one.tally.ended[End.FORGOTTEN]) == (1, 1)
    answers = [run(2, NOW_US + S, PASS, Kind.RECHECK), run(3, NOW_US + S, PASS, Kind.RECHECK)]
    assert note(one, *answers).alone == [("fra", 1)]


def stored_run(series: int, outcome: Outcome) -> RunRow:
    return RunRow(
        series=series, number=1, outcome=outcome.value, code=None, first_us=NOW_US - 9 * S,
        first_end_us=NOW_US, last_us=NOW_US - S, last_end_us=NOW_US, count=1, longest_gap_us=0,
    )  # fmt: skip
