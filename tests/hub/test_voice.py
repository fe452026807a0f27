"""The log says what changed, and says once that a region has no network."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest
from support.hubs import NOW_US, Rig, hub

from checks.core.result import Failure, Outcome
from prober.wire import Record


def void(rig: Rig, region: str, slot: int, code: str) -> Record:
    record = rig.record(region, slot, Outcome.VOID)
    result = msgspec.structs.replace(record.result, failures=(Failure(code, "x"),))
    return msgspec.structs.replace(record, result=result)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "prober.hub.voice"]


async def test_a_region_without_network_is_said_once_and_so_is_its_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with hub(tmp_path) as rig:
        slot = rig.grid("fra").first_due(NOW_US)
        await rig.take(void(rig, "fra", slot, "agent_resolver"))
        await rig.take(void(rig, "fra", slot + 1, "agent_no_route"))
        assert said(caplog) == ["this region has no network: its results are void, its probes unknown"]
        await rig.take(rig.record("fra", slot + 2))
        assert said(caplog)[1:] == ["this region has a network again"]


async def test_other_trouble_of_ours_is_no_missing_network(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with hub(tmp_path) as rig:
        await rig.take(void(rig, "fra", rig.grid("fra").first_due(NOW_US), "agent_stalled"))
        assert said(caplog) == []


async def test_changes_of_probes_and_services_are_said_but_not_that_they_are_up_at_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with hub(tmp_path) as rig:
        slot = rig.grid("fra").first_due(NOW_US)
        for outcome in (Outcome.PASS, Outcome.FAIL):
            await rig.take(rig.record("fra", slot, outcome))
            await rig.take(rig.record("iad", slot, outcome))
            slot += 1
        assert "probe is down" in said(caplog)
        assert "service is down" in said(caplog)
        assert "probe is up" not in said(caplog)
