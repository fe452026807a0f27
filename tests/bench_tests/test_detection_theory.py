"""The theory of detection: bounds of each sample, distance from uniform, and the plan that makes it exact."""

from __future__ import annotations

import random

import pytest
from bench.detection.control import CYCLE_US, FAILURE_US, plan, spread
from bench.detection.scenarios import read_table
from bench.detection.theory import (
    STAMP_US,
    Sample,
    broken_bounds,
    distance,
    lateness_us,
    longest_us,
    percentile,
    waits,
)

INTERVAL = 1_000_000


def sample(wait_us: int, probe_us: int = 800_000, late_us: int = 0) -> Sample:
    due = 10_000_000 + wait_us
    return Sample(start_us=10_000_000, due_us=due, begun_us=due + late_us, ended_us=due + late_us + probe_us)


@pytest.mark.parametrize("wait_us", [0, 1, 500_000, INTERVAL - 1])
def test_a_wait_shorter_than_the_interval_is_right(wait_us: int) -> None:
    assert broken_bounds(sample(wait_us), INTERVAL) == ""


def test_a_wait_of_an_interval_says_that_a_run_has_not_seen_it() -> None:
    assert broken_bounds(sample(INTERVAL + STAMP_US - 1), INTERVAL) == ""
    assert "not by the one before" in broken_bounds(sample(INTERVAL + STAMP_US), INTERVAL)


def test_a_late_start_is_counted_and_contradicts_nothing_and_an_early_one_does() -> None:
    late = sample(5, late_us=200_000)
    assert (broken_bounds(late, INTERVAL), lateness_us(late)) == ("", 200_000)
    assert broken_bounds(sample(50_000, late_us=-STAMP_US), INTERVAL) == ""
    assert "before it was due" in broken_bounds(sample(50_000, late_us=-STAMP_US - 1), INTERVAL)


def test_a_run_under_way_when_the_failure_began_may_see_it_and_one_that_ended_before_may_not() -> None:
    assert broken_bounds(sample(-799_999), INTERVAL) == ""
    assert broken_bounds(sample(-800_001), INTERVAL) == "seen before it began"


def test_waits_leave_out_runs_under_way() -> None:
    assert waits([sample(-1), sample(250_000), sample(0)], INTERVAL) == [0.0, 0.25]


def test_the_distance_of_even_shares_is_half_a_step_and_of_one_corner_is_one() -> None:
    assert distance([(place + 0.5) / 10 for place in range(10)]) == pytest.approx(0.05)
    assert distance([0.0] * 10) == 1.0
    assert distance([]) == 0.0


@pytest.mark.parametrize("count", [40, 100, 250])
def test_planned_shares_are_more_even_than_drawn_ones(count: int) -> None:
    planned = distance([spread(number, 0.3) for number in range(count)])
    drawn = distance([random.Random(7).random() for _ in range(count)])
    assert planned < 0.05
    assert planned < drawn or drawn < 2 / count


def test_the_plan_puts_each_failure_its_share_before_the_next_due_instant() -> None:
    scenarios = read_table()[:20]
    phases = {
        each.probe_name(policy): 37_000 * n
        for n, each in enumerate(scenarios)
        for policy in ("one", "confirm")
    }
    steps = plan(scenarios, phases, 5_000_000_123, 3, seed=11)
    mine = [step for step in steps if step.policy == "one"]
    shares = [
        (phases[step.scenario.probe_name("one")] - step.start_us) % INTERVAL / INTERVAL for step in mine
    ]
    assert distance(shares) < 0.05
    order = {each.id: number for number, each in enumerate(scenarios)}
    planned = [spread(order[step.scenario.id] + len(scenarios) * step.repeat, 11 / 997) for step in mine]
    assert shares == pytest.approx(planned, abs=1e-5)
    assert all(0 <= step.start_us - 5_000_000_123 - step.repeat * CYCLE_US < INTERVAL for step in steps)
    assert all(step.end_us - step.start_us == FAILURE_US for step in steps)
    assert len({step.seed for step in mine}) == len(mine)
    assert plan(scenarios, phases, 5_000_000_123, 3, seed=11) == steps


def test_bounds_grow_with_what_has_to_be_confirmed() -> None:
    one, confirm, two = (
        longest_us(INTERVAL, 100_000, policy=policy, retry_after_us=200_000)
        for policy in ("one", "confirm", "two-of-three")
    )
    assert (one, confirm, two) == (1_100_000, 2_100_000, 2_100_000)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([3], 0.5, 3),
        ([1, 2, 3, 4], 0.5, 2),
        ([4, 1, 3, 2], 0.95, 4),
        (list(range(100)), 0.95, 94),
    ],
)
def test_percentiles_are_values_that_were_seen(values: list[int], share: float, expected: int | None) -> None:
    assert percentile(values, share) == expected
