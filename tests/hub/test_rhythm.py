"""How a job stands by its calls: both sides of every boundary, at fixed instants."""

from __future__ import annotations

import pytest

from checks.core.failures import Code
from prober.hub.rhythm import (
    Call,
    Health,
    Hole,
    Memory,
    Promise,
    Verb,
    heard,
    next_turn,
    recollect,
    standing,
    unheard,
)

S = 1_000_000
T0 = 1_790_000_000 * S
HOURLY = Promise(period_us=3600 * S, grace_us=300 * S, max_runtime_us=600 * S)
PATIENCE = 3900 * S


def call(at_s: int, verb: Verb = Verb.SUCCESS, **fields: object) -> Call:
    return Call(at_us=T0 + at_s * S, verb=verb, **fields)  # type: ignore[arg-type]  # fields of a call


def after(*events: Call | Hole) -> Memory:
    memory = Memory()
    for event in events:
        memory = heard(memory, event) if isinstance(event, Call) else unheard(memory, event)
    return memory


def hole(from_s: int, until_s: int) -> Hole:
    return Hole(from_us=T0 + from_s * S, until_us=T0 + until_s * S)


def stands(memory: Memory, at_us: int, promise: Promise = HOURLY) -> tuple[Health, str | None]:
    now = standing(memory, promise, at_us)
    return now.health, now.failure.code if now.failure is not None else None


BAD_MISSING = (Health.BAD, Code.HEARTBEAT_MISSING)
BAD_FAILED = (Health.BAD, Code.HEARTBEAT_FAILED)
BAD_OVERRUN = (Health.BAD, Code.HEARTBEAT_OVERRUN)
UNSURE = (Health.UNSURE, Code.AGENT_AWAY)
GOOD = (Health.GOOD, None)
WAITING = (Health.WAITING, None)


def test_nothing_is_expected_before_the_first_call() -> None:
    assert stands(Memory(), T0 + 10**15) == WAITING
    assert next_turn(Memory(), HOURLY, T0) is None


def test_a_success_holds_for_period_and_grace_and_not_a_microsecond_longer() -> None:
    memory = after(call(0))
    assert stands(memory, T0) == GOOD
    assert stands(memory, T0 + PATIENCE) == GOOD
    assert stands(memory, T0 + PATIENCE + 1) == BAD_MISSING
    assert next_turn(memory, HOURLY, T0) == T0 + PATIENCE + 1
    assert next_turn(memory, HOURLY, T0 + PATIENCE + 1) is None


def test_a_failure_holds_until_a_success() -> None:
    failed = after(call(0), call(10, Verb.FAIL, exit_code=3, output="disk full\n"))
    assert stands(failed, T0 + 10 * S) == BAD_FAILED
    assert standing(failed, HOURLY, T0 + 10 * S).failure.detail == (  # type: ignore[union-attr]  # it is bad
        "the job ended with exit code 3: disk full"
    )
    assert stands(heard(failed, call(20)), T0 + 20 * S) == GOOD


def test_a_failure_of_long_ago_is_a_missing_call() -> None:
    memory = after(call(0, Verb.FAIL))
    assert stands(memory, T0 + PATIENCE) == BAD_FAILED
    assert stands(memory, T0 + PATIENCE + 1) == BAD_MISSING


def test_a_run_may_take_its_time_and_not_longer() -> None:
    memory = after(call(0), call(100, Verb.START))
    assert stands(memory, T0 + 700 * S) == GOOD
    assert stands(memory, T0 + 700 * S + 1) == BAD_OVERRUN
    assert next_turn(memory, HOURLY, T0 + 100 * S) == T0 + 700 * S + 1
    assert stands(heard(memory, call(800)), T0 + 800 * S) == GOOD


def test_without_a_limit_a_run_may_take_until_the_next_call_is_due() -> None:
    free = Promise(period_us=3600 * S, grace_us=300 * S)
    memory = after(call(0), call(100, Verb.START))
    assert stands(memory, T0 + PATIENCE, free) == GOOD
    assert stands(memory, T0 + PATIENCE + 1, free) == BAD_MISSING


def test_a_job_that_starts_again_and_again_overruns_from_its_first_start() -> None:
    memory = after(call(0), *(call(at, Verb.START) for at in (100, 400, 690)))
    assert stands(memory, T0 + 700 * S + 1) == BAD_OVERRUN


def test_a_job_that_has_only_started_is_waited_for_as_long_as_for_any_call() -> None:
    free = Promise(period_us=3600 * S, grace_us=300 * S)
    memory = after(call(0, Verb.START))
    assert stands(memory, T0 + PATIENCE, free) == WAITING
    assert stands(memory, T0 + PATIENCE + 1, free) == BAD_MISSING


def test_a_run_takes_from_its_newest_start_to_its_end() -> None:
    memory = after(call(0, Verb.START), call(50, Verb.START), call(62))
    assert memory.took_us == 12 * S
    assert after(call(0, Verb.START), call(5), call(9)).took_us is None


def test_a_success_still_holds_after_a_time_without_listening() -> None:
    memory = after(call(0), hole(60, 120))
    assert stands(memory, T0 + PATIENCE) == GOOD


def test_a_call_that_is_missing_since_nobody_listened_is_unknown_and_then_missing() -> None:
    """It may have come in the hole: then the next one is due one patience after that."""
    memory = after(call(0), hole(3500, 3600))
    assert stands(memory, T0 + PATIENCE + 1) == UNSURE
    assert stands(memory, T0 + 3600 * S + PATIENCE) == UNSURE
    assert stands(memory, T0 + 3600 * S + PATIENCE + 1) == BAD_MISSING
    assert next_turn(memory, HOURLY, T0 + PATIENCE + 1) == T0 + 3600 * S + PATIENCE + 1


@pytest.mark.parametrize("bad", [call(10, Verb.FAIL), call(10, Verb.START)])
def test_what_was_bad_before_nobody_listened_is_unknown_after(bad: Call) -> None:
    memory = after(call(0), bad, hole(4000, 4001))
    assert stands(memory, T0 + 4001 * S) == UNSURE
    assert stands(memory, T0 + 4001 * S + PATIENCE + 1) == BAD_MISSING


def test_a_run_that_began_before_nobody_listened_has_no_known_length() -> None:
    memory = after(call(0, Verb.START), hole(10, 20), call(30))
    assert memory.took_us is None
    assert stands(after(call(0), call(5, Verb.START), hole(10, 20)), T0 + 3000 * S) == GOOD


def test_a_call_after_the_hole_makes_all_known_again() -> None:
    memory = after(call(0), hole(3500, 3600), call(3601, Verb.FAIL))
    assert stands(memory, T0 + 3601 * S) == BAD_FAILED


def test_what_is_read_back_comes_to_the_same_in_any_order() -> None:
    calls = [call(0), call(100, Verb.START), call(400), call(5000, Verb.FAIL)]
    holes = [hole(200, 300), hole(4500, 4600)]
    expected = after(calls[0], calls[1], holes[0], calls[2], holes[1], calls[3])
    assert recollect(calls[::-1], holes[::-1]) == expected
