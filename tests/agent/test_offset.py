"""The offset to the hub's clock: four stamps give it with its error, the best fresh sample is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prober.agent.offset import FRESH_US, SAMPLES, HubOffset
from prober.wire import ClockState

S = 1_000_000
NOW = 1_790_000_000 * S
TIMES = st.integers(min_value=0, max_value=30 * S)


@given(st.integers(min_value=-3600 * S, max_value=3600 * S), TIMES, TIMES, TIMES)
def test_the_true_offset_lies_within_the_error(
    ahead_us: int, way_us: int, work_us: int, back_us: int
) -> None:
    offset = HubOffset()
    received = NOW - ahead_us + way_us
    offset.measured(NOW, received, received + work_us, NOW + way_us + work_us + back_us)
    state = offset.state(NOW + way_us + work_us + back_us)
    assert state is not None
    assert abs(state.offset_us - ahead_us) <= state.error_us
    assert state.error_us <= (way_us + back_us) // 2 + 1


def test_an_agent_that_is_ahead_has_a_positive_offset() -> None:
    offset = HubOffset()
    offset.measured(NOW + 5 * S, NOW + 10, NOW + 20, NOW + 5 * S + 30)
    assert offset.state(NOW + 5 * S + 30) == ClockState(5 * S, 10, NOW + 5 * S + 30)


def sample(offset: HubOffset, at_us: int, round_trip_us: int, ahead_us: int = 0) -> None:
    offset.measured(
        at_us - round_trip_us,
        at_us - ahead_us - round_trip_us // 2,
        at_us - ahead_us - round_trip_us // 2,
        at_us,
    )


def test_the_sample_with_the_smallest_error_is_told_until_it_is_no_longer_fresh() -> None:
    offset = HubOffset()
    sample(offset, NOW, 1000)
    sample(offset, NOW + S, 9000)
    best = offset.state(NOW + FRESH_US)
    assert best is not None
    assert best.error_us == 500
    after = offset.state(NOW + FRESH_US + 1)
    assert after is not None
    assert after.error_us == 4500


def test_only_the_newest_samples_count() -> None:
    offset = HubOffset()
    sample(offset, NOW, 10)
    for each in range(SAMPLES - 1):
        sample(offset, NOW + each, 1000)
    assert (state := offset.state(NOW)) is not None
    assert state.error_us == 5
    sample(offset, NOW, 1000)
    assert (state := offset.state(NOW)) is not None
    assert state.error_us == 500


def test_a_hub_away_leaves_the_last_one_with_its_age() -> None:
    offset = HubOffset()
    sample(offset, NOW, 10)
    sample(offset, NOW + S, 1000)
    assert (state := offset.state(NOW + 3 * 86_400 * S)) is not None
    assert state.measured_us == NOW + S


def test_after_a_step_nothing_is_known() -> None:
    offset = HubOffset()
    assert offset.state(NOW) is None
    sample(offset, NOW, 10)
    offset.forget()
    assert offset.state(NOW) is None


def test_stamps_that_cannot_be_are_passed_over() -> None:
    offset = HubOffset()
    offset.measured(NOW, 0, 0, NOW + 10)  # a hub that gives none
    offset.measured(NOW, NOW + 2, NOW + 1, NOW + 10)  # its clock was set back in between
    offset.measured(NOW, NOW, NOW, NOW - 1)  # ours was
    offset.measured(NOW, NOW, NOW + 20, NOW + 10)  # it worked for longer than we waited
    assert offset.state(NOW) is None
