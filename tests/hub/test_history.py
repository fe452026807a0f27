"""Figures over reloads and restarts: what was seen stays seen."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from support.configs import loaded
from support.hubs import THREE, Rig, S, hub

from checks.core.result import Outcome

SLOW = THREE.replace("defaults: {", "defaults: {interval: 5m, ")
HOUR = 3600 * S


async def pass_for(rig: Rig, length_us: int) -> None:
    """Let all regions pass for some time from now on."""
    until_us = rig.wall.now_us + length_us
    slots = {region: rig.grid(region).first_due(rig.wall.now_us) for region in ("fra", "iad", "sin")}
    records = [
        rig.record(region, slot, Outcome.PASS)
        for region, first in slots.items()
        for slot in range(first, rig.grid(region).slot_at(until_us))
    ]
    await rig.take(*sorted(records, key=lambda record: record.result.started_us))


def hour(rig: Rig) -> Fraction:
    """Return how much of the hour before now is covered."""
    return rig.history.rolling("service:shop", rig.wall.now_us)["24h"].coverage * 24


@pytest.mark.parametrize(("before", "after"), [(SLOW, THREE), (THREE, SLOW)], ids=["shorter", "longer"])
async def test_another_interval_leaves_the_past_as_it_was(tmp_path: Path, before: str, after: str) -> None:
    async with hub(tmp_path, before) as rig:
        await rig.hub.loaded.wait()
        await pass_for(rig, 4 * HOUR)
        first = hour(rig)
        assert first > Fraction(37, 10)
        await rig.hub.reload(loaded(after))
        await pass_for(rig, HOUR)
        second = hour(rig)
        assert second > first + Fraction(8, 10)
        wall = rig.wall
    async with hub(tmp_path, after, wall) as again:
        await again.hub.loaded.wait()
        assert hour(again) == second
