"""The agent's clock never jumps unnoticed, and goes by the hub's time while its own system's is too far off."""

from __future__ import annotations

import time

import pytest
from support.agents import Wall

from prober.agent import clock as clock_module
from prober.agent.clock import MAX_EVENTS, AgentClock, read_clocks
from prober.wire import ClockState, Missed

SECOND_NS, SECOND_US = 1_000_000_000, 1_000_000
LIMIT_US = 2 * SECOND_US
NEAR_US = 100_000  # what may pass between two readings in a test


def clock_of(wall: Wall, limit_us: int = LIMIT_US) -> AgentClock:
    clock = AgentClock(wall.read)
    clock.tolerate(limit_us)
    return clock


def ahead_us(clock: AgentClock) -> int:
    """How far the agent's clock is ahead of this machine's, to a tenth of a second."""
    return round((clock.now_us() - time.time_ns() // 1000) / NEAR_US) * NEAR_US


def told(clock: AgentClock) -> list[tuple[str, int]]:
    """Take the events: their kinds, and by how many seconds."""
    return [(event.kind, round(event.by_us / SECOND_US)) for event in clock.take_events()]


def offset(seconds: float, error_us: int = 1000) -> ClockState:
    return ClockState(int(seconds * SECOND_US), error_us, 0)


def test_the_clocks_of_this_machine_are_read_as_one() -> None:
    before_ns, reading, after_ns = time.monotonic_ns(), read_clocks(), time.monotonic_ns()
    assert before_ns <= reading.monotonic_ns <= after_ns
    assert abs(reading.realtime_ns - time.time_ns()) < SECOND_NS
    assert (
        abs(reading.slept_ns - (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns())) < SECOND_NS
    )
    assert reading.raw_ns <= time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)


def test_it_stamps_with_the_wall_clock_and_translates_back() -> None:
    clock = clock_of(Wall())
    assert ahead_us(clock) == 0
    now_us = clock.now_us()
    assert abs(clock.monotonic_ns(now_us) - time.monotonic_ns()) < SECOND_NS
    assert abs(clock.system_us() - now_us) < NEAR_US


def test_a_small_difference_is_followed_and_no_step() -> None:
    wall = Wall()
    clock = clock_of(wall)
    wall.ahead_ns = 400_000_000
    assert not clock.has_jumped()
    assert clock.follow() is None
    assert ahead_us(clock) == 400_000
    assert (clock.steps, clock.take_events()) == (0, ())


@pytest.mark.parametrize("ahead_s", [1, -3600])
def test_a_step_is_adopted_only_by_following_and_counted(ahead_s: int) -> None:
    wall = Wall()
    clock = clock_of(wall)
    wall.ahead_ns = ahead_s * SECOND_NS
    assert ahead_us(clock) == 0
    assert clock.has_jumped()
    assert clock.follow() is Missed.CLOCK
    assert ahead_us(clock) == ahead_s * SECOND_US
    assert not clock.has_jumped()
    assert (clock.steps, clock.times_set) == (1, 1)
    assert told(clock) == [("step", ahead_s)]
    assert clock.follow() is None


def test_sleep_is_no_step() -> None:
    wall = Wall()
    clock = clock_of(wall)
    slept_ns = clock.slept_ns()
    wall.slept_ns = 3600 * SECOND_NS
    assert round((clock.slept_ns() - slept_ns) / SECOND_NS) == 3600
    assert clock.has_jumped()
    assert clock.follow() is Missed.SUSPENDED
    assert ahead_us(clock) == 3600 * SECOND_US
    assert (clock.steps, clock.times_set) == (0, 0)
    assert told(clock) == [("suspend", 3600)]


def test_a_nap_is_told_and_followed_and_leaves_no_slot_out() -> None:
    wall = Wall()
    clock = clock_of(wall)
    wall.slept_ns = 300_000_000
    assert clock.follow() is None
    assert ahead_us(clock) == 300_000
    assert [event.kind for event in clock.take_events()] == ["suspend"]


def test_a_clock_that_was_set_while_the_machine_slept_is_a_step() -> None:
    wall = Wall()
    clock = clock_of(wall)
    wall.slept_ns, wall.ahead_ns = 60 * SECOND_NS, -10 * SECOND_NS
    assert clock.follow() is Missed.CLOCK
    assert [event.kind for event in clock.take_events()] == ["suspend", "step"]


def test_only_the_newest_events_are_kept_until_taken() -> None:
    wall = Wall()
    clock = clock_of(wall)
    for number in range(1, MAX_EVENTS + 3):
        wall.ahead_ns += number * SECOND_NS
        clock.follow()
    assert clock.has_events
    assert [by for _, by in told(clock)] == list(range(3, MAX_EVENTS + 3))
    assert not clock.has_events
    assert clock.take_events() == ()


def test_a_clock_too_far_from_the_hubs_gives_way_to_the_hubs_time() -> None:
    wall = Wall(ahead_ns=3 * SECOND_NS)
    clock = clock_of(wall)
    clock.against_hub(offset(3))
    assert clock.is_beyond
    assert [round(each / 1000) for each in clock.doubt()] == [3000, 1]
    assert ahead_us(clock) == 3 * SECOND_US
    assert clock.has_jumped()
    assert clock.follow() is Missed.CLOCK
    assert ahead_us(clock) == 0
    assert abs(clock.system_us() - clock.now_us() - 3 * SECOND_US) < NEAR_US
    assert told(clock) == [("step", -3)]


def test_to_change_sides_is_a_step_however_short() -> None:
    wall = Wall(ahead_ns=100_000_000)
    clock = clock_of(wall, limit_us=50_000)
    clock.against_hub(offset(0.1))
    assert clock.has_jumped()
    assert clock.follow() is Missed.CLOCK
    assert not clock.has_jumped()
    assert clock.steps == 1
    assert [round(event.by_us / 1000) for event in clock.take_events()] == [-100]


@pytest.mark.parametrize(("seconds", "error_us"), [(2.0 - 0.002, 1000), (0.0, LIMIT_US - 1000)])
def test_a_clock_within_the_limit_stays_its_own(seconds: float, error_us: int) -> None:
    clock = clock_of(Wall())
    clock.against_hub(offset(seconds, error_us))
    assert not clock.is_beyond
    assert clock.follow() is None


def test_a_clock_that_is_not_known_well_is_too_far_off() -> None:
    clock = clock_of(Wall())
    clock.against_hub(offset(0, LIMIT_US + 1000))
    assert clock.is_beyond


def test_it_comes_back_well_within_the_limit_and_that_is_a_step_again() -> None:
    wall = Wall(ahead_ns=3 * SECOND_NS)
    clock = clock_of(wall)
    clock.against_hub(offset(3))
    clock.follow()
    wall.ahead_ns = 1_700_000_000  # what an administrator does in two goes
    assert clock.follow() is None
    assert clock.is_beyond
    wall.ahead_ns = 1_500_000_000
    assert clock.follow() is Missed.CLOCK
    assert not clock.is_beyond
    assert ahead_us(clock) == 1_500_000
    assert [event.kind for event in clock.take_events()] == ["step", "step", "step"]


def test_on_the_hubs_time_it_is_not_moved_by_what_is_done_to_the_system() -> None:
    wall = Wall(ahead_ns=3 * SECOND_NS)
    clock = clock_of(wall)
    clock.against_hub(offset(3))
    clock.follow()
    wall.ahead_ns = 3600 * SECOND_NS
    assert not clock.has_jumped()
    assert clock.follow() is None
    assert ahead_us(clock) == 0
    assert (clock.times_set, clock.steps) == (1, 1)


def test_a_system_clock_set_wrong_is_noticed_before_the_hub_is_asked_again() -> None:
    wall = Wall()
    clock = clock_of(wall)
    clock.against_hub(offset(0))
    wall.ahead_ns = 10 * SECOND_NS
    clock.follow()
    assert clock.is_beyond
    assert ahead_us(clock) == 0


def test_on_the_hubs_time_sleep_is_sleep() -> None:
    wall = Wall(ahead_ns=3 * SECOND_NS)
    clock = clock_of(wall)
    clock.against_hub(offset(3))
    clock.follow()
    wall.slept_ns = 60 * SECOND_NS
    assert clock.follow() is Missed.SUSPENDED
    assert ahead_us(clock) == 60 * SECOND_US


def test_a_measurement_told_twice_is_no_younger_the_second_time() -> None:
    wall = Wall()
    clock = clock_of(wall)
    clock.against_hub(offset(0))
    wall.ahead_ns = 10 * SECOND_NS
    clock.follow()
    clock.against_hub(offset(0))
    assert clock.is_beyond


def test_a_slow_answer_does_not_make_a_clock_that_is_known_well_a_bad_one() -> None:
    clock = clock_of(Wall())
    clock.against_hub(offset(0))
    clock.against_hub(offset(0.5, 5 * SECOND_US))
    assert not clock.is_beyond


@pytest.mark.parametrize("forget", [lambda clock: clock.against_hub(None), lambda clock: clock.tolerate(0)])
def test_without_a_hub_or_a_limit_a_clock_is_its_own(forget) -> None:
    wall = Wall(ahead_ns=3 * SECOND_NS)
    clock = clock_of(wall)
    clock.against_hub(offset(3))
    clock.follow()
    forget(clock)
    assert not clock.is_beyond
    assert clock.follow() is Missed.CLOCK
    assert ahead_us(clock) == 3 * SECOND_US


def test_a_machine_that_never_gets_to_read_at_once_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock_module, "_CLOSE_NS", -1)
    assert abs(read_clocks().realtime_ns - time.time_ns()) < SECOND_NS
