"""Sleep, step and slew are told apart by comparing clocks, and an offset from the hub is weighed against its limit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.agent.clocks import (
    DRIFT_PPM,
    SLEW_PPM,
    STEP_NS,
    SUSPEND_NS,
    ClockWatch,
    HubTime,
    Reading,
    Seen,
    better,
    is_beyond,
)
from prober.wire import ClockEvent

SECOND_NS = 1_000_000_000
FIRST = Reading(
    realtime_ns=1_700_000_000 * SECOND_NS,
    monotonic_ns=500 * SECOND_NS,
    boottime_ns=500 * SECOND_NS,
    raw_ns=500 * SECOND_NS,
)


def later(before: Reading, awake_ns: int, slept_ns: int = 0, set_ns: int = 0, slewed_ns: int = 0) -> Reading:
    """Return the clocks after some time awake by the oscillator, some asleep, and what was done to the wall clock."""
    return Reading(
        realtime_ns=before.realtime_ns + awake_ns + slept_ns + set_ns + slewed_ns,
        monotonic_ns=before.monotonic_ns + awake_ns + slewed_ns,
        boottime_ns=before.boottime_ns + awake_ns + slept_ns + slewed_ns,
        raw_ns=before.raw_ns + awake_ns,
    )


def looked(slept_ns: int = 0, set_ns: int = 0) -> Seen:
    """Look once, a second after the first reading."""
    return ClockWatch(FIRST).look(later(FIRST, SECOND_NS, slept_ns, set_ns))


def test_a_second_like_any_other_is_nothing() -> None:
    assert looked() == Seen(0, 0, ())


@pytest.mark.parametrize(("slept_ns", "is_seen"), [(SUSPEND_NS, False), (SUSPEND_NS + 1, True)])
def test_a_machine_slept_when_boottime_runs_ahead_of_monotonic(slept_ns: int, is_seen: bool) -> None:
    seen = looked(slept_ns=slept_ns)
    assert (seen.slept_ns, seen.stepped_ns) == (slept_ns if is_seen else 0, 0)
    assert [event.kind for event in seen.events] == (["suspend"] if is_seen else [])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("set_ns", "is_seen"), [(STEP_NS, False), (STEP_NS + 1, True)])
def test_a_wall_clock_was_set_when_it_jumps_against_boottime(set_ns: int, is_seen: bool, sign: int) -> None:
    seen = looked(set_ns=sign * set_ns)
    assert (seen.slept_ns, seen.stepped_ns) == (0, sign * set_ns if is_seen else 0)
    assert [event.kind for event in seen.events] == (["step"] if is_seen else [])


def test_events_say_when_and_by_how_much() -> None:
    after = later(FIRST, SECOND_NS, slept_ns=3600 * SECOND_NS, set_ns=-2 * SECOND_NS)
    at_us = after.realtime_ns // 1000
    assert ClockWatch(FIRST).look(after).events == (
        ClockEvent("suspend", at_us, 3_600_000_000),
        ClockEvent("step", at_us, -2_000_000),
    )


def test_each_look_starts_from_the_one_before() -> None:
    watch = ClockWatch(FIRST)
    after = later(FIRST, SECOND_NS, slept_ns=SECOND_NS)
    assert watch.look(after).slept_ns == SECOND_NS
    assert watch.look(later(after, SECOND_NS)).slept_ns == 0


def paced(
    watch: ClockWatch, seconds: int, ppm: float, start: Reading = FIRST
) -> tuple[Reading, list[ClockEvent]]:
    """Look once a second at a wall clock that gains at a rate; returns the last reading and what was told."""
    reading, events = start, []
    for _ in range(seconds):
        reading = later(reading, SECOND_NS, slewed_ns=int(ppm * 1000))
        events += watch.look(reading).events
    return reading, events


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("ppm", "is_slewed"), [(SLEW_PPM, False), (SLEW_PPM + 1, True)])
def test_a_wall_clock_is_slewed_when_it_gains_more_than_a_kernel_lets_it(
    ppm: int, is_slewed: bool, sign: int
) -> None:
    _, events = paced(ClockWatch(FIRST), 10, sign * ppm)
    assert [(event.kind, event.by_us) for event in events] == (
        [("slew", sign * 10 * ppm)] if is_slewed else []
    )


def test_slewing_shows_only_over_a_window() -> None:
    _, events = paced(ClockWatch(FIRST), 9, 50_000)
    assert events == []


def test_slewing_is_told_at_most_once_a_minute_and_nothing_of_it_is_lost() -> None:
    _, events = paced(ClockWatch(FIRST), 130, 1000)
    first, second, third = events
    assert [event.by_us for event in events] == [10_000, 60_000, 60_000]
    assert second.at_us - first.at_us >= 60_000_000
    assert third.at_us - second.at_us >= 60_000_000


def test_slewing_that_has_ended_is_told_once() -> None:
    watch = ClockWatch(FIRST)
    reading, _ = paced(watch, 30, 1000)
    _, events = paced(watch, 200, 0, reading)
    assert [event.by_us for event in events] == [20_000]


def test_many_small_jumps_are_a_slew() -> None:
    watch, reading, events = ClockWatch(FIRST), FIRST, []
    for _ in range(10):
        reading = later(reading, SECOND_NS, set_ns=1_000_000)
        events += watch.look(reading).events
    assert [(event.kind, event.by_us) for event in events] == [("slew", 10_000)]


def test_naps_too_short_to_be_told_are_no_slew() -> None:
    watch, reading, events = ClockWatch(FIRST), FIRST, []
    for _ in range(60):
        reading = later(reading, SECOND_NS, slept_ns=SUSPEND_NS)
        events += watch.look(reading).events
    assert events == []


@pytest.mark.parametrize("what", ["slept_ns", "set_ns"])
def test_sleep_and_steps_are_no_slew(what: str) -> None:
    watch = ClockWatch(FIRST)
    reading, _ = paced(watch, 5, 0)
    reading = replace(later(reading, SECOND_NS, **{what: 90 * SECOND_NS}))
    assert [event.kind for event in watch.look(reading).events] == [
        {"slept_ns": "suspend", "set_ns": "step"}[what]
    ]
    _, events = paced(watch, 200, 0, reading)
    assert events == []


@settings(derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(SECOND_NS // 2, 3 * SECOND_NS),
            st.one_of(st.just(0), st.integers(SUSPEND_NS + 1, 10**15)),
            st.one_of(st.just(0), st.integers(STEP_NS + 1, 10**15), st.integers(-(10**15), -STEP_NS - 1)),
        ),
        max_size=30,
    )
)
def test_what_is_told_adds_up_to_what_was_done(deeds: list[tuple[int, int, int]]) -> None:
    watch, reading, told = ClockWatch(FIRST), FIRST, {"suspend": 0, "step": 0, "slew": 0}
    for awake_ns, slept_ns, set_ns in deeds:
        reading = later(reading, awake_ns, slept_ns, set_ns)
        seen = watch.look(reading)
        assert (seen.slept_ns, seen.stepped_ns) == (slept_ns, set_ns)
        for event in seen.events:
            told[event.kind] += event.by_us
    assert told == {
        "suspend": sum(slept_ns // 1000 for _, slept_ns, _ in deeds),
        "step": sum(set_ns // 1000 for _, _, set_ns in deeds),
        "slew": 0,
    }


# --- against the hub ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset_us", "error_us", "was_beyond", "beyond"),
    [
        (1000, 0, False, False),
        (1001, 0, False, True),
        (-1000, 0, False, False),
        (-1001, 0, False, True),
        (600, 400, False, False),
        (600, 401, False, True),
        (0, 1001, False, True),
        (1000, 0, True, True),
        (800, 0, True, True),
        (799, 0, True, False),
        (-500, 300, True, True),
        (-500, 299, True, False),
    ],
)
def test_a_clock_leaves_at_the_limit_and_comes_back_well_within(
    offset_us: int, error_us: int, was_beyond: bool, beyond: bool
) -> None:
    assert is_beyond(offset_us, error_us, 1000, was_beyond) is beyond


@pytest.mark.parametrize("was_beyond", [True, False])
def test_without_a_limit_no_clock_is_too_far_off(was_beyond: bool) -> None:
    assert not is_beyond(10**15, 10**15, 0, was_beyond)


def measured(ahead_us: int, error_us: int, at_s: int = 0) -> HubTime:
    return HubTime(ahead_us * 1000, error_us, at_s * SECOND_NS)


@pytest.mark.parametrize(
    ("known", "fresh", "is_fresh"),
    [
        (None, measured(0, 1_000_000), True),
        (measured(0, 1000), measured(500, 1000), True),
        (measured(0, 1000), measured(500, 1001), False),
        (measured(0, 1000), measured(500, 999), True),
        (measured(0, 1000), measured(3001, 2000), True),
        (measured(0, 1000), measured(3000, 2000), False),
        (measured(0, 1000), measured(-3001, 2000), True),
        (measured(0, 1000), measured(500, 1000 + 60 * DRIFT_PPM, at_s=60), True),
        (measured(0, 1000), measured(500, 1001 + 60 * DRIFT_PPM, at_s=60), False),
    ],
)
def test_the_surer_measurement_counts_unless_the_two_exclude_each_other(
    known: HubTime | None, fresh: HubTime, is_fresh: bool
) -> None:
    assert (better(known, fresh) is fresh) is is_fresh
