"""What a dead network would bring about is held until something says that the network lives, or that it does not."""

from __future__ import annotations

import pytest
from support.suspects import INSIDE, NEAR, OUTSIDE, START_US, Region, failing, passing

from checks.core.failures import Code
from checks.core.result import Failure, Outcome
from prober.agent.suspicion import (
    ASK_US,
    COMPANY_US,
    HOLD_US,
    MAX_HELD,
    Seen,
    Suspicion,
)
from prober.wire import Record

TIMEOUT = failing(Code.CONNECT_TIMEOUT)


def test_a_failure_that_is_an_answer_goes_on_at_once() -> None:
    region = Region()
    region.tell(1, failing(Code.HTTP_STATUS))
    assert region.outcomes() == [Outcome.FAIL]
    assert region.asked_us == []


def test_a_lone_suspicious_failure_waits_a_moment_for_a_pass_and_then_canaries_are_asked() -> None:
    region = Region()
    region.tell(1, TIMEOUT)
    region.until(START_US + COMPANY_US - 1)
    assert (region.out, region.asked_us) == ([], [])
    region.until(START_US + COMPANY_US)
    assert region.asked_us == [START_US + COMPANY_US]
    region.until(START_US + HOLD_US)
    assert region.outcomes() == [Outcome.FAIL]


def test_a_pass_elsewhere_lets_it_go_without_asking() -> None:
    region = Region()
    region.tell(1, TIMEOUT)
    region.until(START_US + 1000)
    region.tell(2, passing())
    assert region.outcomes() == [Outcome.FAIL, Outcome.PASS]
    region.until(START_US + HOLD_US)
    assert region.asked_us == []


def test_failures_of_different_targets_together_are_asked_about_at_once() -> None:
    region = Region()
    region.tell(1, TIMEOUT)
    region.tell(2, TIMEOUT)
    assert region.asked_us == [START_US]


def test_failures_of_one_target_together_are_not() -> None:
    region = Region()
    region.tell(1, TIMEOUT, target="shop")
    region.tell(2, TIMEOUT, target="shop")
    assert region.asked_us == []


@pytest.mark.parametrize(
    ("ago_us", "is_let_go"), [(5_000_000, True), (5_000_001, False)], ids=["in the later half", "before it"]
)
def test_a_pass_counts_from_the_middle_of_the_run_that_failed(ago_us: int, is_let_go: bool) -> None:
    region = Region()
    region.until(START_US + 10_000_000 - ago_us)
    region.tell(2, passing())
    region.until(START_US + 10_000_000)
    region.tell(1, TIMEOUT, began_us=START_US)
    assert (region.outcomes() == [Outcome.PASS, Outcome.FAIL]) is is_let_go


@pytest.mark.parametrize(
    ("target_at", "pass_at", "is_let_go"),
    [
        (OUTSIDE, OUTSIDE, True),
        (OUTSIDE, INSIDE, False),
        (OUTSIDE, NEAR, False),
        (INSIDE, INSIDE, True),
        (INSIDE, NEAR, False),
        (NEAR, NEAR, True),
        (INSIDE, OUTSIDE, True),
        (None, INSIDE, False),
        (None, OUTSIDE, True),
    ],
)
def test_a_pass_next_door_says_nothing_of_the_way_out(
    target_at: str | None, pass_at: str, is_let_go: bool
) -> None:
    region = Region()
    region.tell(1, failing(Code.CONNECT_TIMEOUT, address=target_at))
    region.tell(2, passing(pass_at))
    assert (Outcome.FAIL in region.outcomes()) is is_let_go


def test_a_pass_of_the_same_target_is_left_to_the_canaries() -> None:
    region = Region()
    region.tell(1, TIMEOUT)
    region.tell(1, passing())
    assert region.out == []
    region.until(START_US + COMPANY_US + 1_000_000)
    assert region.outcomes() == [Outcome.FAIL, Outcome.PASS]


def test_what_comes_after_a_held_failure_of_its_series_waits_behind_it_and_nothing_else_does() -> None:
    region = Region()
    mine = [region.tell(1, TIMEOUT), region.tell(1, passing(NEAR)), region.tell(1, None)]
    other = region.tell(2, None)
    assert [seen for _, seen in region.out] == [other]
    region.until(START_US + HOLD_US)
    assert [seen for _, seen in region.out[1:]] == mine


def test_no_canary_reached_makes_void_what_is_held_with_the_evidence() -> None:
    region = Region(canary=False)
    region.tell(1, TIMEOUT)
    region.tell(2, failing(Code.TLS_TIMEOUT))
    region.until(START_US + region.latency_us)
    assert region.outcomes() == [Outcome.VOID, Outcome.VOID]
    for (_, seen), code in zip(region.out, ("connect_timeout", "tls_timeout"), strict=True):
        assert isinstance(seen.item, Record)
        result = seen.item.result
        assert [failure.code for failure in result.failures] == ["agent_cut_off", code]
        assert result.failures[1] == Failure(code, "in words")
        assert "a canary: False" in result.failures[0].detail
        assert result.facts["canaries"] == ["a canary: False"]
        assert result.facts["address"] == OUTSIDE


def test_while_cut_off_suspicious_failures_are_void_at_once_and_answers_are_what_they_are() -> None:
    region = Region(canary=False)
    region.alone()
    region.until(START_US + region.latency_us)
    assert region.suspicion.is_cut_off
    region.tell(1, TIMEOUT)
    region.tell(2, failing(Code.HTTP_STATUS))
    region.tell(3, passing(INSIDE))
    assert region.outcomes() == [Outcome.VOID, Outcome.FAIL, Outcome.PASS]
    assert region.suspicion.is_cut_off


def test_an_old_answer_is_not_good_for_what_comes_while_canaries_are_asked_again() -> None:
    region = Region()
    region.alone()
    region.until(START_US + ASK_US)
    region.canary = False
    for series in (1, 2, 3):
        region.tell(series, TIMEOUT)
    assert region.out == []
    region.until(region.now_us + region.latency_us)
    assert region.outcomes() == [Outcome.VOID] * 3


def test_canaries_are_asked_again_until_one_answers_and_then_there_is_sight() -> None:
    region = Region(canary=False)
    region.alone()
    region.until(START_US + 3 * ASK_US - 1)
    assert region.asked_us == [START_US, START_US + ASK_US, START_US + 2 * ASK_US]
    region.canary = True
    region.until(START_US + 3 * ASK_US + region.latency_us)
    assert not region.suspicion.is_cut_off
    assert [verdict.reached for verdict in region.suspicion.take_verdicts()] == [False, False, False, True]
    region.until(START_US + 10 * ASK_US)
    assert len(region.asked_us) == 4


@pytest.mark.parametrize(("began_us", "outcome"), [(-1, Outcome.VOID), (0, Outcome.FAIL)])
def test_a_run_that_began_before_sight_was_back_is_void(began_us: int, outcome: Outcome) -> None:
    region = Region(canary=False)
    region.alone()
    region.until(START_US + ASK_US - 1)
    region.canary = True
    back_us = START_US + ASK_US + region.latency_us
    region.until(back_us + 2_000_000)
    region.tell(1, TIMEOUT, began_us=back_us + began_us)
    assert region.outcomes() == [outcome]


def test_without_a_verdict_no_run_began_too_early() -> None:
    region = Region()
    region.tell(1, TIMEOUT, began_us=-1)
    region.until(START_US + HOLD_US)
    assert region.outcomes() == [Outcome.FAIL]


def test_a_reached_canary_lets_everything_go_and_is_good_for_a_while() -> None:
    region = Region()
    region.tell(1, TIMEOUT)
    region.tell(2, TIMEOUT)
    region.until(START_US + ASK_US - 1)
    assert region.outcomes() == [Outcome.FAIL, Outcome.FAIL]
    region.tell(3, TIMEOUT)
    assert len(region.out) == 3
    region.until(START_US + ASK_US)
    region.tell(4, TIMEOUT)
    assert len(region.out) == 3
    assert region.asked_us == [START_US]


def test_a_reached_canary_counts_as_a_pass_for_long_runs() -> None:
    region = Region()
    region.alone()
    region.until(START_US + 2 * ASK_US)
    region.tell(1, TIMEOUT, began_us=START_US - 2 * ASK_US)
    assert region.outcomes() == [Outcome.FAIL]


def test_an_open_answer_is_no_verdict() -> None:
    region = Region(canary=None)
    region.tell(1, TIMEOUT)
    region.tell(2, TIMEOUT)
    region.until(START_US + region.latency_us)
    assert region.outcomes() == [Outcome.FAIL, Outcome.FAIL]
    assert region.suspicion.take_verdicts() == []
    region.tell(3, TIMEOUT)
    region.until(region.now_us + HOLD_US)
    assert region.asked_us == [START_US]
    assert region.outcomes() == [Outcome.FAIL] * 3


def test_an_open_answer_does_not_end_a_verdict() -> None:
    region = Region(canary=False)
    region.alone()
    region.until(START_US + ASK_US - 1)
    region.canary = None
    region.until(START_US + 2 * ASK_US - 1)
    region.tell(1, TIMEOUT)
    assert region.outcomes() == [Outcome.VOID]


def test_nothing_is_held_longer_than_the_limit_however_long_canaries_take() -> None:
    region = Region(canary=False, latency_us=60_000_000)
    region.tell(1, TIMEOUT)
    region.until(START_US + HOLD_US - 1)
    assert region.out == []
    region.until(START_US + HOLD_US)
    assert region.outcomes() == [Outcome.FAIL]


def test_alone_asks_at_once_but_not_more_often_than_allowed() -> None:
    region = Region()
    region.alone()
    region.until(START_US + 1_000_000)
    region.alone()
    region.until(START_US + ASK_US - 1)
    assert region.asked_us == [START_US]
    region.until(START_US + ASK_US)
    assert region.asked_us == [START_US, START_US + ASK_US]


def test_dead_canaries_do_not_blind_a_region_whose_network_evidently_works() -> None:
    region = Region(canary=False)
    region.tell(1, TIMEOUT)
    region.tell(2, TIMEOUT)
    region.until(START_US + 1_000_000)
    region.tell(3, passing(OUTSIDE), began_us=START_US)
    assert not region.suspicion.is_cut_off
    assert [verdict.reached for verdict in region.suspicion.take_verdicts()] == [False, True]
    region.until(START_US + 2_000_000)
    region.tell(3, passing(OUTSIDE))
    region.tell(1, TIMEOUT)
    assert region.outcomes()[-1] is Outcome.FAIL


@pytest.mark.parametrize(
    ("address", "began_us"), [(INSIDE, 0), (OUTSIDE, -1)], ids=["too near", "begun too early"]
)
def test_a_pass_that_proves_less_does_not_end_a_verdict(address: str, began_us: int) -> None:
    region = Region(canary=False)
    region.tell(1, TIMEOUT)
    region.tell(2, TIMEOUT)
    region.until(START_US + 1_000_000)
    region.tell(3, passing(address), began_us=START_US + began_us)
    assert region.suspicion.is_cut_off


def test_a_pass_while_dead_canaries_are_asked_keeps_the_verdict_from_being_made() -> None:
    region = Region(canary=False, latency_us=1_000_000)
    region.tell(1, TIMEOUT, target="a")
    region.tell(2, TIMEOUT, target="b")
    region.until(START_US + 500_000)
    region.tell(3, passing(OUTSIDE))
    region.tell(3, TIMEOUT)
    region.until(START_US + 1_000_000)
    assert not region.suspicion.is_cut_off
    assert region.outcomes() == [Outcome.FAIL, Outcome.FAIL, Outcome.PASS, Outcome.FAIL]
    assert [verdict.reached for verdict in region.suspicion.take_verdicts()] == [True]


def test_a_region_cut_off_by_word_of_the_hub_is_so_as_far_out_as_can_be() -> None:
    region = Region(canary=False)
    region.alone()
    region.until(START_US + 1_000_000)
    region.tell(3, passing(INSIDE))
    assert region.suspicion.is_cut_off
    region.tell(3, passing(OUTSIDE))
    assert not region.suspicion.is_cut_off


@pytest.mark.parametrize("is_out", [True, False])
def test_a_verdict_reaches_as_far_out_as_what_it_made_void(is_out: bool) -> None:
    region = Region(canary=False)
    region.tell(1, failing(Code.CONNECT_TIMEOUT, address=INSIDE))
    region.until(START_US + 1_000_000)
    if is_out:
        region.tell(2, TIMEOUT)
    region.tell(3, passing(INSIDE))
    assert region.suspicion.is_cut_off is is_out


def test_a_pass_of_another_target_is_not_forgotten_over_one_of_the_same() -> None:
    region = Region()
    region.tell(2, passing())
    region.tell(1, passing())
    region.tell(1, TIMEOUT)
    assert Outcome.FAIL in region.outcomes()


def test_what_is_let_go_leaves_the_rest_held() -> None:
    region = Region()
    far = region.tell(1, TIMEOUT, target="a")
    region.tell(2, failing(Code.CONNECT_TIMEOUT, address=INSIDE), target="a")
    region.tell(3, passing(INSIDE))
    assert region.outcomes() == [Outcome.FAIL, Outcome.PASS]
    assert list(region.suspicion.waiting()) == [far.item]


def test_canaries_are_not_asked_again_while_they_are_being_asked() -> None:
    region = Region(latency_us=2 * ASK_US)
    region.alone()
    region.until(START_US + ASK_US)
    region.alone()
    region.until(START_US + 2 * ASK_US - 1)
    assert region.asked_us == [START_US]


def test_beyond_a_limit_nothing_more_is_held() -> None:
    region = Suspicion()
    held = [region.take(_timeout(number), 1) for number in range(MAX_HELD)]
    assert not any(held)
    assert len(region.take(_timeout(MAX_HELD), 1)) == 1


def test_giving_up_lets_everything_go_as_it_is() -> None:
    region = Region()
    region.tell(1, TIMEOUT)
    region.tell(1, None)
    assert [type(seen.item).__name__ for seen in region.suspicion.release()] == ["Record", "Gap"]
    assert list(region.suspicion.waiting()) == []
    assert region.suspicion.due_us() is None


def test_a_held_failure_is_among_what_waits() -> None:
    region = Region()
    seen = region.tell(1, TIMEOUT)
    assert list(region.suspicion.waiting()) == [seen.item]


def _timeout(series: int) -> Seen:
    return Seen(item=Record(series, 1, 0, 0, TIMEOUT), target=str(series), began_us=0)
