"""Who runs what in a region of several agents: all is run, by one each, and little moves when one comes or goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configs import loaded

from prober.hub.duties import Duties
from prober.hub.plan import wanted_series
from prober.hub.shares import (
    LONGEST_GRACE_US,
    SHORTEST_SILENCE_US,
    Presence,
    grace_us,
    is_living,
    share_of,
)
from prober.store.base import SeriesRow

S = 1_000_000
NOW = 1_000 * S
NAMES = st.sets(st.text("abcdef-123", min_size=1, max_size=6), min_size=1, max_size=6)
PROBES = [f"probe-{number}" for number in range(60)]
TEXT = """
regions: {fra: {token: 0123456789abcdef-1}, iad: {token: 0123456789abcdef-2, agents: all}, here: {local: true}}
probes:
  - {name: a, interval: 20s, tcp: {address: "127.0.0.1:9"}}
  - {name: b, interval: 4s, tcp: {address: "127.0.0.1:9"}, timeout: 1s}
  - {name: c, interval: 60s, tcp: {address: "127.0.0.1:9"}, regions: [here, iad]}
"""


def owners(agents: set[str]) -> dict[str, str]:
    return {probe: agent for agent, probes in share_of(agents, PROBES).items() for probe in probes}


@given(NAMES)
def test_every_probe_is_run_by_exactly_one(agents: set[str]) -> None:
    shares = share_of(agents, PROBES)
    assert sorted(probe for probes in shares.values() for probe in probes) == sorted(PROBES)
    assert shares.keys() == agents


@given(NAMES, st.data())
def test_when_one_goes_only_its_own_probes_move(agents: set[str], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(agents)))
    before, after = owners(agents), owners(agents - {gone})
    assert {probe: agent for probe, agent in before.items() if agent != gone} == {
        probe: agent for probe, agent in after.items() if before[probe] != gone
    }


@given(NAMES)
def test_one_that_comes_takes_probes_for_itself_and_moves_no_other(agents: set[str]) -> None:
    before, after = owners(agents), owners(agents | {"newcomer"})
    assert {after[probe] for probe in PROBES if after[probe] != before[probe]} <= {"newcomer"}


def test_several_agents_have_about_the_same_to_do() -> None:
    shares = share_of(["a", "b", "c"], [f"probe-{number}" for number in range(3_000)])
    assert all(800 < len(probes) < 1_200 for probes in shares.values())


def test_nobody_runs_nothing() -> None:
    assert share_of([], PROBES) == {}


@pytest.mark.parametrize(
    ("intervals_us", "expected"),
    [
        ([], LONGEST_GRACE_US),
        ([30 * S, 60 * S], LONGEST_GRACE_US),
        ([30 * S, 2 * S], 2 * S),
        ([10 * S], 10 * S),
    ],
)
def test_the_grace_is_the_shortest_interval_and_at_most_ten_seconds(
    intervals_us: list[int], expected: int
) -> None:
    assert grace_us(intervals_us) == expected


@pytest.mark.parametrize(
    ("is_linked", "grace", "silent_us", "living"),
    [
        (False, 2 * S, 2 * S, True),
        (False, 2 * S, 2 * S + 1, False),
        (True, 2 * S, SHORTEST_SILENCE_US, True),
        (True, 2 * S, SHORTEST_SILENCE_US + 1, False),
        (True, 10 * S, 10 * S, True),
        (True, 10 * S, 10 * S + 1, False),
    ],
)
def test_an_agent_lives_for_its_grace_after_its_last_sign(
    is_linked: bool, grace: int, silent_us: int, living: bool
) -> None:
    agent = Presence(name="a", heard_us=NOW - silent_us, is_linked=is_linked)
    assert is_living(agent, grace, NOW) is living


def duties() -> Duties:
    config = loaded(TEXT)
    wanted = wanted_series(config, 1)
    rows = [
        SeriesRow(**{name: getattr(row, name) for name in SeriesRow.__slots__} | {"number": number})
        for number, row in enumerate(wanted, start=1)
    ]
    found = Duties()
    found.adopt(config, rows)
    return found


def there(*agents: tuple[str, str, int]) -> list[tuple[str, Presence]]:
    """Agents by region, name, and how long they have been away."""
    return [
        (region, Presence(name=name, heard_us=NOW - away_us, is_linked=not away_us))
        for region, name, away_us in agents
    ]


def run_by(found: Duties, *agents: tuple[str, str, int]) -> dict[str, list[str]]:
    shares = found.share_out(there(*agents), NOW)
    return {
        agent: sorted(f"{each.probe}@{each.region}" for each in series) for agent, series in shares.items()
    }


def test_an_agent_alone_runs_all_of_its_region_and_nothing_else() -> None:
    assert run_by(duties(), ("fra", "x", 0)) == {"x": ["a@fra", "b@fra"]}


def test_two_agents_share_or_run_all_as_the_region_says() -> None:
    found = run_by(duties(), ("fra", "x", 0), ("fra", "y", 0), ("iad", "v", 0), ("iad", "w", 0))
    assert sorted(found["x"] + found["y"]) == ["a@fra", "b@fra"]
    assert found["v"] == found["w"] == ["a@iad", "b@iad", "c@iad"]


def test_one_that_goes_is_replaced_within_two_of_the_shortest_intervals() -> None:
    found = duties()
    shared = run_by(found, ("fra", "x", 0), ("fra", "y", 0))
    assert run_by(found, ("fra", "x", 0), ("fra", "y", 4 * S)) == shared
    assert run_by(found, ("fra", "x", 0), ("fra", "y", 4 * S + 1)) == {"x": ["a@fra", "b@fra"]}
    assert run_by(found, ("fra", "x", 0), ("fra", "y", 0)) == shared


def test_who_runs_a_series_is_known_by_its_number() -> None:
    found = duties()
    run_by(found, ("iad", "v", 0), ("iad", "w", 0), ("fra", "x", 0))
    numbers = {series.number for series in found.share_out(there(("iad", "v", 0)), NOW)["v"]}
    run_by(found, ("iad", "v", 0), ("iad", "w", 0), ("fra", "x", 0))
    assert found.runners(numbers) == {"v": sorted(numbers), "w": sorted(numbers)}
    assert found.runners({99}) == {}


def test_agents_of_a_region_that_is_no_longer_there_run_nothing() -> None:
    assert run_by(duties(), ("sin", "x", 0), ("here", "y", 0)) == {}
