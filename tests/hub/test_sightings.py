"""What is told of regions and agents: standings, shares, lags, whose results are awaited, what is wrong."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.regions import AWAY, AWAY_US, FAR, LAG_US, NEAR, remote, remote_agent, silence, troubled
from support.served import DAY_US, MINUTE_US, NOW_US, SECOND_US, Scene, sample

from prober.config import Region
from prober.config.resolve import HUB_REGION
from prober.hub.sightings import (
    MAX_NAMED,
    MAX_QUOTED,
    Awaited,
    agent_standing,
    awaited,
    is_remote,
    lag_us,
    seen_us,
    standing_of,
    tallies,
    troubles,
    watch_of,
)
from prober.hub.view import AgentView, RegionWatch
from prober.wire import ClockState, Missed

LIMIT_US = (2 * 30 + 10 + 5) * SECOND_US  # how long the sample's probes may be silent


def said(scene: Scene) -> list[tuple[str, bool]]:
    """Return what is wrong, and whether it is grave."""
    return [(trouble.words, trouble.is_grave) for trouble in troubles(scene.view, NOW_US)]


def late(scene: Scene) -> tuple[Awaited, ...]:
    """Return whose results are awaited, of all probes."""
    return awaited(scene.view, scene.view.probes.values(), NOW_US)


def region(name: str = "iad", *, local: bool = False) -> Region:
    """Return a region."""
    return Region(name=name, title=name, local=local, source_address=None, canaries=(), token_sha256=())


def test_the_hub_itself_is_no_remote_region() -> None:
    assert is_remote(region())
    assert not is_remote(region(local=True))
    assert not is_remote(region(HUB_REGION))


@pytest.mark.parametrize(
    ("agent", "standing", "seen"),
    [
        (remote_agent(NEAR, "iad", last_batch_us=5), "up", NOW_US),  # its link is open: it is there now
        (remote_agent(NEAR, "iad", up=False, last_batch_us=5, gone_us=9), "away", 9),
        (remote_agent(NEAR, "iad", up=False, last_batch_us=0, gone_us=0), "away", 0),
        (remote_agent(NEAR, "iad", refused="another key"), "refused", NOW_US),
        (AgentView(name="local-1", regions=("fra",), up=True, last_batch_us=7), "up", 7),
        (AgentView(name="local-1", regions=("fra",), last_batch_us=7), "down", 7),
    ],
)
def test_an_agent_stands_and_was_seen_as_its_kind_tells(agent: AgentView, standing: str, seen: int) -> None:
    assert (agent_standing(agent), seen_us(agent, NOW_US)) == (standing, seen)


def test_lag_is_unknown_where_it_is_not_known_how_far_the_record_reaches() -> None:
    assert lag_us(0, NOW_US) is None
    assert lag_us(NOW_US - 3, NOW_US) == 3
    assert lag_us(NOW_US + 3, NOW_US) == 0  # a clock that is ahead has no lag that is less than none


@pytest.mark.parametrize(
    ("watch", "standing"),
    [
        (RegionWatch(name="iad"), "sound"),
        (RegionWatch(name="iad", alone=("web",)), "alone"),
        (RegionWatch(name="iad", alone=("web",), silent=True), "silent"),
        (RegionWatch(name="iad", alone=("web",), silent=True, cut_off=True), "cut_off"),
    ],
)
def test_a_region_is_told_by_its_gravest_trouble(watch: RegionWatch, standing: str) -> None:
    assert standing_of(region(), watch, [remote_agent(NEAR, "iad")]) == standing


def test_only_a_remote_region_can_lack_an_agent() -> None:
    assert standing_of(region(), RegionWatch(name="iad"), []) == "no_agent"
    assert standing_of(region(local=True), RegionWatch(name="iad"), []) == "sound"


def test_a_region_that_was_not_looked_at_yet_has_no_trouble() -> None:
    assert watch_of(sample().view, "fra") == RegionWatch(name="fra")


def test_shares_are_of_all_probes_of_a_region_and_paused_slots_are_on_no_side() -> None:
    scene = sample()
    for probe in scene.view.probes.values():
        for shown in probe.regions.values():
            shown.outcomes, shown.fates = {}, {}
    first, second, *_ = scene.view.probes.values()
    first.regions["iad"].outcomes = {"pass": 6, "void": 2}
    first.regions["iad"].fates = {"pass": 6, "void": 2, "late": 1, "suspended": 1, "paused": 90}
    second.regions["iad"].outcomes = {"fail": 2}
    second.regions["iad"].fates = {"fail": 2, "dropped": 8}
    tally = tallies(scene.view)["iad"]
    assert (tally.void_share, tally.missed_share) == (Fraction(1, 5), Fraction(1, 2))
    assert tallies(scene.view)["sin"].void_share is None
    assert tallies(scene.view)["sin"].missed_share is None


@given(
    st.dictionaries(st.sampled_from([*Missed]), st.integers(0, 1000)),
    st.integers(0, 1000),
    st.integers(0, 1000),
)
def test_shares_lie_between_nothing_and_all(missed: dict[Missed, int], passed: int, void: int) -> None:
    scene = remote()
    shown = scene.view.probes["api"].regions["iad"]
    shown.outcomes = {"pass": passed, "void": void}
    shown.fates = {"pass": passed, "void": void, **{reason.value: count for reason, count in missed.items()}}
    tally = tallies(scene.view)["iad"]
    assert 0 <= tally.void <= tally.results
    assert 0 <= tally.missed <= tally.slots
    assert tally.results + tally.missed == tally.slots


def test_nothing_is_awaited_while_results_come_as_usual() -> None:
    assert late(remote()) == ()
    assert late(sample()) == ()  # regions of this machine are not waited for


@pytest.mark.parametrize(("behind_us", "is_late"), [(LIMIT_US, False), (LIMIT_US + 1, True)])
def test_a_region_is_late_beyond_what_its_probes_may_be_silent(behind_us: int, is_late: bool) -> None:
    scene = remote()
    scene.view.settled_us = scene.view.regions["iad"].complete_us = NOW_US - behind_us
    assert late(scene) == ((Awaited("iad", NOW_US - behind_us),) if is_late else ())


def test_the_shortest_interval_says_when_a_region_is_late() -> None:
    """One that runs a daily probe only is not late after an hour."""
    scene = remote()
    silence(scene, "iad", NOW_US - 3_600 * SECOND_US)
    daily = scene.view.probes["api"]
    daily.probe = replace(daily.probe, interval_us=DAY_US)
    assert awaited(scene.view, [daily], NOW_US) == ()
    assert [each.region for each in awaited(scene.view, [daily, scene.view.probes["mail"]], NOW_US)] == [
        "iad"
    ]


def test_only_regions_that_a_probe_runs_in_are_awaited_for_it() -> None:
    scene = remote()
    silence(scene, "iad")
    mail = scene.view.probes["mail"]
    del mail.regions["iad"]
    assert awaited(scene.view, [mail], NOW_US) == ()


def test_a_region_of_this_machine_is_not_awaited() -> None:
    """What it has not delivered is lost with its process: nothing is still to come."""
    scene = remote()
    silence(scene, "fra")
    assert late(scene) == ()


def test_a_region_that_was_never_heard_of_is_not_awaited() -> None:
    scene = remote()
    scene.view.regions["sin"].complete_us = 0
    scene.view.regions["sin"].silent = True
    del scene.view.agents[FAR]
    assert late(scene) == ()


def test_after_a_start_of_the_hub_a_region_is_awaited_since_its_agents_were_seen() -> None:
    """How far its results are on record is told only by its first batch."""
    scene = remote()
    scene.view.regions["sin"].complete_us = scene.view.settled_us = 0
    far = scene.view.agents[FAR]
    far.up, far.gone_us = False, NOW_US - LIMIT_US
    assert late(scene) == ()
    far.gone_us -= 1
    assert late(scene) == (Awaited("sin", NOW_US - LIMIT_US - 1),)


def test_nobody_is_awaited_for_longer_than_the_deadline() -> None:
    """What is settled stays so, though the region is still away."""
    scene = remote()
    silence(scene, "iad", NOW_US - 5 * DAY_US)
    scene.view.settled_us = NOW_US - 3 * DAY_US
    assert late(scene) == (Awaited("iad", NOW_US - 3 * DAY_US),)


def test_the_sample_has_one_agent_away_and_nothing_grave() -> None:
    assert said(remote()) == [(f"agent {AWAY} (iad) has not been connected for 12m", False)]


def test_a_silent_region_speaks_for_its_agents() -> None:
    scene = remote()
    silence(scene, "iad")
    assert said(scene) == [("region iad is silent: its results reach up to 12m ago", True)]


@pytest.mark.parametrize(
    ("complete_us", "has_agents", "words"),
    [
        (NOW_US - 3 * MINUTE_US, True, "its results reach up to 3m ago"),
        (0, True, "none of its agents has delivered anything"),
        (0, False, "no agent of it is known"),
    ],
)
def test_a_silent_region_says_why(complete_us: int, has_agents: bool, words: str) -> None:
    scene = remote()
    silence(scene, "iad", complete_us)
    if not has_agents:
        del scene.view.agents[NEAR], scene.view.agents[AWAY]
    assert (f"region iad is silent: {words}", True) in said(scene)


def test_a_region_without_an_agent_is_told_before_it_is_called_silent() -> None:
    scene = remote()
    del scene.view.agents[FAR]
    assert ("no agent of region sin is known", False) in said(scene)


def test_all_silent_is_one_event_and_not_one_for_each_region_and_agent() -> None:
    scene = remote()
    for name in ("fra", "iad", "sin"):
        silence(scene, name)
    scene.view.all_silent_since_us = NOW_US - AWAY_US
    assert said(scene) == [("no agent has been heard of for 12m: nothing is known of what is watched", True)]


def test_the_gravest_is_told_first() -> None:
    graves = [is_grave for _, is_grave in said(troubled())]
    assert graves == sorted(graves, reverse=True)
    assert graves.count(True) == 3


def test_long_lists_and_what_an_agent_says_are_cut() -> None:
    scene = remote()
    scene.view.regions["iad"].alone = tuple(f"p{number}" for number in range(MAX_NAMED + 2))
    scene.view.agents[NEAR].refused = "x" * 10_000
    words = [text for text, _ in said(scene)]
    assert any(text.endswith("p0, p1, p2, p3 and 2 more") for text in words)
    assert max(map(len, words)) < MAX_QUOTED + 100


@pytest.mark.parametrize(("error_us", "is_told"), [(0, False), (1, True)])
def test_a_clock_is_off_beyond_the_limit_by_offset_and_error_together(error_us: int, is_told: bool) -> None:
    scene = remote()
    limit_us = scene.view.config.agents.max_clock_offset_us
    scene.view.agents[NEAR].clock = ClockState(offset_us=-limit_us, error_us=error_us, measured_us=NOW_US)
    words = f"the clock of agent {NEAR} (iad) may be 2.0 s off: its results are void"
    assert ((words, False) in said(scene)) is is_told


def test_an_agent_of_this_machine_that_is_down_is_told_in_its_own_words() -> None:
    scene = remote()
    scene.view.agents["local-0"].up = False
    assert ("agent local-0 (fra) is not running; restarted 0 times", False) in said(scene)


def test_the_lag_of_the_sample_is_small() -> None:
    assert lag_us(remote().view.agents[NEAR].complete_us, NOW_US) == LAG_US


def test_an_agents_disk_that_takes_nothing_is_a_trouble_while_it_is_linked() -> None:
    scene = remote()
    agent = next(agent for agent in scene.view.agents.values() if agent.remote and agent.up)
    assert agent.spool is not None
    before = set(said(scene))
    agent.spool = msgspec.structs.replace(agent.spool, trouble="the disk is full")
    ((words, is_grave),) = set(said(scene)) - before
    assert words == (
        f"the disk of agent {agent.name} ({agent.regions[0]}) takes nothing, results wait in its memory: "
        "the disk is full"
    )
    assert not is_grave


def test_a_region_none_of_whose_agents_is_there_waits_until_it_counts_as_silent() -> None:
    there, gone = remote_agent("iad-1", "iad"), remote_agent("iad-2", "iad", up=False)
    watch = RegionWatch(name="iad")
    assert standing_of(region(), watch, [there, gone]) == "sound"
    assert standing_of(region(), watch, [gone]) == "waiting"
    assert standing_of(region(), RegionWatch(name="iad", silent=True), [gone]) == "silent"
