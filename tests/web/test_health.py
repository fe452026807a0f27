"""Alive and ready: 200 or 503, with every reason in words."""

from __future__ import annotations

import pytest
from support.asking import internal
from support.regions import remote
from support.served import NOW_US, SECOND_US, sample

from prober.web.health import SILENT_GRACE_US, reasons_against

LIMIT_US = 3 * 30 * SECOND_US + 10 * SECOND_US + SILENT_GRACE_US  # of the sample's probes


def reasons(**agent: object) -> list[str]:
    """Return what speaks against the sample when its agent is as given."""
    scene = sample()
    for name, value in agent.items():
        setattr(scene.view.agents["local-0"], name, value)
    return list(reasons_against(scene.view, NOW_US))


async def test_a_daemon_that_measures_and_stores_is_ready() -> None:
    async with internal(sample()) as api:
        heard = await api.ask("/readyz")
    assert (heard.status, heard.json) == (200, {"ready": True, "reasons": []})


async def test_alive_is_said_even_when_not_ready() -> None:
    scene = sample()
    scene.view.store.writable = False
    scene.view.store.problem = "disk full"
    async with internal(scene) as api:
        assert (await api.ask("/healthz")).json == {"alive": True}
        unready = await api.ask("/readyz")
    assert (unready.status, unready.json["ready"]) == (503, False)
    assert unready.json["reasons"] == ["the store cannot be written: disk full"]


@pytest.mark.parametrize(
    ("since_us", "expected"),
    [(LIMIT_US, []), (LIMIT_US + SECOND_US, ["agent local-0 has not reported for 116 s"])],
)
def test_a_silent_agent_is_a_reason_after_three_intervals(since_us: int, expected: list[str]) -> None:
    assert reasons(last_batch_us=NOW_US - since_us) == expected


@pytest.mark.parametrize(
    ("since_us", "expected"),
    [(LIMIT_US, []), (LIMIT_US + 1, ["agent local-0 has not reported since it was started"])],
)
def test_a_fresh_agent_has_time_for_its_first_report(since_us: int, expected: list[str]) -> None:
    assert reasons(last_batch_us=0, started_us=NOW_US - since_us) == expected


def test_a_dead_agent_is_a_reason_at_once() -> None:
    assert reasons(up=False) == ["agent local-0 is not running"]


def test_an_agent_without_probes_may_be_silent() -> None:
    assert reasons(regions=("nowhere",), last_batch_us=1) == []


def test_probes_without_any_agent_are_a_reason() -> None:
    scene = sample()
    scene.view.agents.clear()
    assert list(reasons_against(scene.view, NOW_US)) == ["no agent has reported yet"]
    scene.view.probes.clear()
    assert list(reasons_against(scene.view, NOW_US)) == []


def test_a_remote_agent_that_is_away_is_no_reason_against_the_hub() -> None:
    """What it measures waits on its disk, and the other regions see on."""
    assert list(reasons_against(remote().view, NOW_US)) == []


@pytest.mark.parametrize(
    ("since_us", "expected"), [(0, []), (NOW_US - 7 * SECOND_US, ["no agent has been heard of for 7 s"])]
)
def test_all_agents_silent_are_one_reason(since_us: int, expected: list[str]) -> None:
    scene = remote()
    if since_us:
        scene.view.agents["local-0"].up = False
    scene.view.all_silent_since_us = since_us
    assert list(reasons_against(scene.view, NOW_US)) == expected
