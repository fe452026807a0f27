"""Changes that are known late: what is over is no news, what still stands is told once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prober.hub.belated import LATE_US, PAUSE_US, Belated
from prober.hub.verdict import Change, State

NOW = 1_790_000_000_000_000
STATES = (State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN)


def change(before: State, after: State, noted_us: int, subject: str = "probe:web") -> Change:
    return Change(
        subject=subject, before=before, after=after, at_us=noted_us - 5, noted_us=noted_us, because="why"
    )


def test_a_change_of_the_present_is_told_at_once() -> None:
    for noted_us in (NOW, NOW - LATE_US):
        one = change(State.UP, State.DOWN, noted_us)
        assert Belated().news([one], NOW) == [one]


def test_an_outage_that_is_over_is_never_told() -> None:
    belated, old = Belated(), NOW - LATE_US - 1
    assert belated.news([change(State.UP, State.DOWN, old - 9)], NOW) == []
    assert belated.news([change(State.DOWN, State.UP, old)], NOW) == []
    assert belated.news([], NOW + 10 * PAUSE_US) == []


def test_an_outage_that_is_found_late_and_still_stands_is_told_when_late_changes_pause() -> None:
    belated, old = Belated(), change(State.UP, State.DOWN, NOW - LATE_US - 1)
    assert belated.news([old], NOW) == []
    assert belated.news([], NOW + PAUSE_US - 1) == []
    assert belated.news([], NOW + PAUSE_US) == [old]
    assert belated.news([], NOW + 2 * PAUSE_US) == []


def test_a_change_of_the_present_is_told_from_where_it_stood_before_the_late_ones() -> None:
    belated = Belated()
    belated.news([change(State.UP, State.DEGRADED, NOW - LATE_US - 1)], NOW)
    (told,) = belated.news([change(State.DEGRADED, State.DOWN, NOW)], NOW)
    assert (told.before, told.after) == (State.UP, State.DOWN)


def test_subjects_do_not_wait_for_each_other() -> None:
    belated, other = Belated(), change(State.UP, State.DOWN, NOW, "probe:db")
    belated.news([change(State.UP, State.DOWN, NOW - LATE_US - 1)], NOW)
    assert belated.news([other], NOW) == [other]


@given(
    ages=st.lists(st.integers(0, 2 * LATE_US), max_size=12),
    states=st.lists(st.sampled_from(STATES), min_size=13),
)
def test_what_is_told_leads_from_the_first_state_to_the_last(ages: list[int], states: list[State]) -> None:
    belated, told, now_us = Belated(), [], NOW
    before = states[:1]
    for age, state in zip(ages, states[1:], strict=False):
        now_us += 1_000_000
        if state is not before[-1]:
            told += belated.news([change(before[-1], state, now_us - age)], now_us)
            before.append(state)
    told += belated.news([], now_us + 2 * PAUSE_US)
    shown = states[0]
    for one in told:
        assert one.before is shown
        assert one.after is not one.before
        shown = one.after
    assert shown is before[-1]
