"""Pauses between two tries grow, stay within their limits, differ from agent to agent, and start over."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from prober.agent.backoff import FIRST_SECONDS, LONGEST_SECONDS, STEADY_SECONDS, Backoff

TRIES = st.lists(st.floats(min_value=0, max_value=3 * STEADY_SECONDS), min_size=1, max_size=40)


@given(st.integers(), TRIES)
def test_every_pause_is_between_half_a_second_and_half_a_minute(seed: int, lasted: list[float]) -> None:
    backoff = Backoff(Random(seed))
    assert all(0.5 <= backoff.pause(seconds) <= 30.0 for seconds in lasted)


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(Random(1))
    steps = [1, 2, 4, 8, 16, 30, 30, 30]
    assert all(step / 2 <= backoff.pause() <= step for step in steps)


def test_a_steady_link_starts_over_and_one_just_short_of_it_does_not() -> None:
    for lasted, longest in ((STEADY_SECONDS - 0.001, LONGEST_SECONDS), (STEADY_SECONDS, FIRST_SECONDS)):
        backoff = Backoff(Random(1))
        for _ in range(10):
            backoff.pause()
        assert longest / 2 <= backoff.pause(lasted) <= longest


def test_two_agents_do_not_come_back_in_step() -> None:
    first, second = Backoff(Random(1)), Backoff(Random(2))
    assert [first.pause() for _ in range(5)] != [second.pause() for _ in range(5)]


def test_the_same_seed_gives_the_same_pauses() -> None:
    first, second = Backoff(Random(7)), Backoff(Random(7))
    assert [first.pause() for _ in range(5)] == [second.pause() for _ in range(5)]


def test_where_a_person_has_to_act_agents_come_again_spread_over_half_a_minute() -> None:
    pauses = [Backoff(Random(seed)).lasting_pause() for seed in range(200)]
    assert 45.0 <= min(pauses) < 50.0
    assert 70.0 < max(pauses) <= 75.0
