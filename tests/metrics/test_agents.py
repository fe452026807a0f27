"""Agents and regions as metrics: what each tells, and that what is not known is absent."""

from __future__ import annotations

import pytest
from support.exposing import NOW_US, agent, config_of, remote, view_of
from support.samples import samples_of, text_of, value

from prober import __version__
from prober.hub.view import AgentView, RegionWatch, View
from prober.metrics import Exposition
from prober.metrics.agents import MAX_LABEL
from prober.wire import SpoolState

SECOND_US = 1_000_000


def view() -> View:
    return view_of(config_of({"web": "http"}))


def exposed(seen: View) -> Exposition:
    """Return the exposition of a view at the fixed instant."""
    return Exposition(seen, None, lambda: NOW_US)


def of_agent(seen: View, name: str) -> dict[str, float]:
    """Return the samples of one agent by the name of their metric."""
    return {
        metric: at for (metric, labels), at in samples_of(exposed(seen)).items() if ("agent", name) in labels
    }


def test_an_agent_shows_what_it_last_said_of_itself() -> None:
    seen = view()
    seen.agents["local-1"] = agent()
    assert of_agent(seen, "local-1") == {
        "prober_agent_info": 1,
        "prober_agent_up": 1,
        "prober_agent_last_seen_timestamp_seconds": NOW_US / 1e6,
        "prober_agent_last_batch_timestamp_seconds": NOW_US / 1e6,
        "prober_agent_loop_lag_seconds": 0.0015,
        "prober_agent_in_flight": 3,
        "prober_agent_queued": 0,
        "prober_agent_resident_bytes": 40_000_000,
        "prober_agent_cpu_seconds_total": 2.5,
        "prober_agent_clock_steps_total": 1,
        "prober_agent_restarts_total": 2,
    }


def test_an_agent_that_has_not_reported_is_down_and_claims_nothing() -> None:
    seen = view()
    seen.agents["local-2"] = AgentView(name="local-2", regions=("fra",))
    assert of_agent(seen, "local-2") == {
        "prober_agent_info": 1,
        "prober_agent_up": 0,
        "prober_agent_restarts_total": 0,
    }


def test_a_remote_agent_shows_its_link_its_spool_and_its_clock_too() -> None:
    seen = view()
    seen.agents["iad-1a2b3c4d"] = remote()
    found = of_agent(seen, "iad-1a2b3c4d")
    assert {name: at for name, at in found.items() if name not in ("prober_agent_info",)} == {
        "prober_agent_up": 1,
        "prober_agent_refused": 0,
        "prober_agent_last_seen_timestamp_seconds": NOW_US / 1e6,
        "prober_agent_last_batch_timestamp_seconds": NOW_US / 1e6,
        "prober_agent_lag_seconds": 2,
        "prober_agent_spool_results": 12,
        "prober_agent_spool_bytes": 4_096,
        "prober_agent_spool_oldest_timestamp_seconds": NOW_US / 1e6 - 60,
        "prober_agent_spool_failing": 0,
        "prober_agent_dropped_results_total": 1_200,
        "prober_agent_aside_batches_total": 2,
        "prober_agent_clock_offset_seconds": -0.012,
        "prober_agent_clock_error_seconds": 0.0035,
        "prober_agent_loop_lag_seconds": 0.0015,
        "prober_agent_in_flight": 3,
        "prober_agent_queued": 0,
        "prober_agent_resident_bytes": 40_000_000,
        "prober_agent_cpu_seconds_total": 2.5,
        "prober_agent_clock_steps_total": 1,
        "prober_agent_restarts_total": 2,
    }
    dropped = {"agent": "iad-1a2b3c4d", "region": "iad"}
    assert value(exposed(seen), "prober_agent_dropped_results_total", **dropped) == 1_200


def test_an_empty_spool_has_no_oldest_result() -> None:
    seen = view()
    seen.agents["iad-1a2b3c4d"] = remote(spool=SpoolState(batches=0, results=0, bytes=0, oldest_us=0))
    found = of_agent(seen, "iad-1a2b3c4d")
    assert found["prober_agent_spool_results"] == 0
    assert found["prober_agent_dropped_results_total"] == 0
    assert "prober_agent_spool_oldest_timestamp_seconds" not in found


def test_a_spool_whose_disk_takes_nothing_says_so() -> None:
    seen = view()
    failing = SpoolState(batches=1, results=1, bytes=1, oldest_us=1, trouble="the disk is full")
    seen.agents["iad-1a2b3c4d"] = remote(spool=failing)
    assert of_agent(seen, "iad-1a2b3c4d")["prober_agent_spool_failing"] == 1


def test_an_agent_that_was_never_heard_of_since_the_start_claims_nothing() -> None:
    seen = view()
    seen.agents["iad-1a2b3c4d"] = AgentView(name="iad-1a2b3c4d", regions=("iad",), remote=True)
    assert of_agent(seen, "iad-1a2b3c4d") == {
        "prober_agent_info": 1,
        "prober_agent_up": 0,
        "prober_agent_refused": 0,
        "prober_agent_aside_batches_total": 0,
        "prober_agent_restarts_total": 0,
    }


def test_an_agent_that_is_away_was_seen_when_its_link_ended() -> None:
    seen = view()
    gone_us = NOW_US - 700 * SECOND_US
    seen.agents["iad-1a2b3c4d"] = remote(up=False, gone_us=gone_us, last_batch_us=gone_us - SECOND_US)
    found = of_agent(seen, "iad-1a2b3c4d")
    assert (found["prober_agent_up"], found["prober_agent_last_seen_timestamp_seconds"]) == (0, gone_us / 1e6)


def test_an_agent_that_is_refused_shows_so() -> None:
    seen = view()
    seen.agents["iad-1a2b3c4d"] = remote(refused="another key")
    assert of_agent(seen, "iad-1a2b3c4d")["prober_agent_refused"] == 1


def test_the_info_names_region_and_software_once_for_each_region() -> None:
    seen = view()
    seen.agents["local-1"] = agent()
    seen.agents["local-1"].regions = ("fra", "ham")
    seen.agents["iad-1a2b3c4d"] = remote()
    found = [dict(labels) for name, labels in samples_of(exposed(seen)) if name == "prober_agent_info"]
    assert found == [
        {"agent": "local-1", "region": "fra", "software": __version__},
        {"agent": "local-1", "region": "ham", "software": __version__},
        {"agent": "iad-1a2b3c4d", "region": "iad", "software": "0.1.0"},
    ]


def test_what_an_agent_says_of_its_software_is_cut_and_escaped() -> None:
    seen = view()
    seen.agents["iad-1a2b3c4d"] = remote(software='"\n' + "x" * 500)
    (info,) = [dict(labels) for name, labels in samples_of(exposed(seen)) if name == "prober_agent_info"]
    assert info["software"] == '"\n' + "x" * (MAX_LABEL - 2)


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_region_shows_its_watermark_and_its_trouble(openmetrics: bool) -> None:
    seen = view()
    seen.regions = {
        "fra": RegionWatch(name="fra"),
        "iad": RegionWatch(
            name="iad", complete_us=NOW_US - SECOND_US, cut_off=True, silent=True, alone=("web", "db")
        ),
    }
    found = {
        (name, dict(labels)["region"]): at
        for (name, labels), at in samples_of(exposed(seen), openmetrics).items()
        if name.startswith("prober_region_") and "probe" not in dict(labels)
    }
    assert found == {
        ("prober_region_silent", "fra"): 0,
        ("prober_region_silent", "iad"): 1,
        ("prober_region_cut_off", "fra"): 0,
        ("prober_region_cut_off", "iad"): 1,
        ("prober_region_alone_probes", "fra"): 0,
        ("prober_region_alone_probes", "iad"): 2,
        ("prober_region_watermark_timestamp_seconds", "iad"): NOW_US / 1e6 - 1,
    }


def test_all_silent_and_revisions_are_always_shown() -> None:
    seen = view()
    made = exposed(seen)
    assert (value(made, "prober_agents_all_silent"), value(made, "prober_revisions_total")) == (0, 0)
    seen.all_silent_since_us, seen.revisions = NOW_US, 3
    assert (value(made, "prober_agents_all_silent"), value(made, "prober_revisions_total")) == (1, 3)


def test_every_family_has_its_unit_in_its_name_and_a_help() -> None:
    seen = view()
    seen.agents["iad-1a2b3c4d"] = remote()
    seen.regions = {"iad": RegionWatch(name="iad", complete_us=NOW_US)}
    lines = [line.split(" ", 3) for line in text_of(exposed(seen)).splitlines() if line.startswith("# ")]
    own = [
        line for line in lines if line[2].startswith(("prober_agent", "prober_region_", "prober_revisions"))
    ]
    helped = {line[2]: line[3] for line in own if line[1] == "HELP"}
    kinds = {line[2]: line[3] for line in own if line[1] == "TYPE"}
    assert helped.keys() == kinds.keys()
    assert [name for name, words in helped.items() if not words.endswith(".")] == []
    assert [name for name, kind in kinds.items() if (kind == "counter") != name.endswith("_total")] == []
