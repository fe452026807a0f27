"""Faults between real hosts: no outage of an agent, a link or the hub becomes false down time or a lost result.

Hosts are network namespaces: a hub, an agent in each of three regions, targets and canaries. Each scenario breaks
something, says what must be shown meanwhile, and afterwards the record is held against what the targets' own process
wrote down. Scenarios that do not disturb each other run at the same time, in worlds of their own; the table is printed.
"""

from __future__ import annotations

import time

import pytest
from e2e.regions import scenarios_agents as agents
from e2e.regions import scenarios_hosts as hosts
from e2e.regions import scenarios_links as links
from e2e.regions.layout import INTERVALS_US
from e2e.regions.namespaces import need_namespaces
from e2e.regions.run import Lane, run_lanes, words
from e2e.regions.table import show
from e2e.regions.trial import Report
from rich.console import Console
from support.faketime import library

from prober.loop import run_loop

LANES = (
    Lane((links.partition_of_one_agent, links.partition_of_two_agents, links.partition_of_the_hub)),
    Lane(
        (
            links.outage_during_a_partition_of_the_hub,
            links.one_way_loss_to_the_hub,
            links.one_way_loss_to_the_agent,
        )
    ),
    Lane((links.loss_of_three_in_ten, links.delay_on_the_link, links.outage_that_one_region_could_tell)),
    Lane(
        (
            agents.agent_without_targets_and_canaries,
            agents.agent_without_targets_alone,
            agents.agent_started_without_the_hub,
            agents.agent_killed,
            agents.host_rebooted,
            agents.agent_frozen,
        )
    ),
    Lane(
        (
            agents.quorum_in_seconds,
            hosts.clock_an_hour_ahead,
            hosts.clock_an_hour_behind,
            hosts.clock_stepped_by_an_hour,
        ),
        probes=tuple(INTERVALS_US),
    ),
    Lane((hosts.full_spool_disk, hosts.hub_killed_during_deliveries), small_spool="iad"),
)
NAMES = [scenario.__name__ for lane in LANES for scenario in lane.scenarios]
Reports = dict[str, Report]


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Run the scenarios of the tests that were chosen, all lanes at the same time."""
    need_namespaces()
    library()
    chosen = [item.callspec.params["name"] for item in request.session.items if _is_ours(item)]
    begin = time.monotonic()
    made = run_loop(run_lanes(tmp_path_factory.mktemp("regions"), [lane.only(chosen) for lane in LANES]))
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        show(made.values(), Console(width=190))
        print(f"{time.monotonic() - begin:.0f} s altogether")
    return made


def _is_ours(item: pytest.Item) -> bool:
    return getattr(item, "originalname", "") == "test_the_truth_survives" and hasattr(item, "callspec")


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_survives(name: str, reports: Reports) -> None:
    error = reports[name].error
    if error is not None:
        pytest.fail(words(error), pytrace=False)
    assert reports[name].lost == 0
    assert reports[name].false_down_seconds == 0
