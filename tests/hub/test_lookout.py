"""What the hub shows of regions as a whole, and what it asks of agents, follows what is on record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from support.configs import loaded
from support.hubs import THREE, Rig, S, T, hub

from checks.core.result import Outcome
from prober.hub.view import AgentView

SILENT_US = 2 * T + 10 * S + 5 * S  # two intervals, a timeout, and a grace


@dataclass(slots=True)
class Ear:
    """Notes what agents are asked."""

    rechecks: list[Collection[int]] = field(default_factory=list)
    lonely: list[tuple[str, int]] = field(default_factory=list)

    def recheck(self, numbers: Collection[int]) -> None:
        self.rechecks.append(numbers)

    def alone(self, region: str, number: int) -> None:
        self.lonely.append((region, number))


def listen(rig: Rig) -> Ear:
    ear = Ear()
    rig.hub.lookout.asked = (ear,)
    return ear


def heard(rig: Rig, *regions: str) -> None:
    """Let agents of these regions have delivered just now, everything up to now."""
    for region in regions:
        rig.view.agents[region] = AgentView(
            name=region, regions=(region,), remote=True, up=True, last_batch_us=rig.wall.now_us,
            complete_us=rig.wall.now_us,
        )  # fmt: skip
    rig.hub.lookout.tick()


async def test_a_region_that_is_not_heard_of_for_its_limit_is_shown_as_silent(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        heard(rig, "fra", "iad", "sin")
        assert not any(watch.silent for watch in rig.view.regions.values())
        rig.wall.now_us += SILENT_US - 1
        heard(rig, "fra")
        assert not rig.view.regions["iad"].silent
        rig.wall.now_us += 1
        heard(rig, "fra")
        assert [name for name, watch in rig.view.regions.items() if watch.silent] == ["iad", "sin"]
        assert rig.view.all_silent_since_us == 0
        heard(rig, "iad")
        assert [name for name, watch in rig.view.regions.items() if watch.silent] == ["sin"]


async def test_when_all_are_silent_that_is_one_event_and_when_it_began(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        heard(rig, "fra", "iad", "sin")
        since_us = rig.wall.now_us
        rig.wall.now_us += SILENT_US
        rig.hub.lookout.tick()
        assert rig.view.all_silent_since_us == since_us
        heard(rig, "fra")
        assert rig.view.all_silent_since_us == 0


async def test_how_far_regions_are_complete_and_figures_settled_is_shown(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        begin_us = rig.wall.now_us
        heard(rig, "fra", "iad")
        rig.wall.now_us += 60 * S
        heard(rig, "fra")
        assert rig.view.regions["fra"].complete_us == rig.wall.now_us
        assert rig.view.regions["iad"].complete_us == begin_us
        assert rig.view.settled_us == begin_us
        rig.wall.now_us += rig.view.config.agents.settle_after_us
        rig.hub.lookout.tick()
        assert rig.view.settled_us == rig.wall.now_us - rig.view.config.agents.settle_after_us


async def test_a_first_failure_asks_the_other_regions_and_no_other_probe(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        ear, slot = listen(rig), rig.grid("fra").first_due(rig.wall.now_us)
        await rig.take(*(rig.record(region, slot) for region in ("fra", "iad", "sin")))
        assert ear.rechecks == []
        await rig.take(rig.record("iad", slot + 1, Outcome.FAIL))
        assert [sorted(numbers) for numbers in ear.rechecks] == [[rig.number("fra"), rig.number("sin")]]


async def test_a_region_that_turns_out_alone_is_asked_for_its_canaries(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        ear, slot = listen(rig), rig.grid("fra").first_due(rig.wall.now_us)
        await rig.take(*(rig.record(region, slot) for region in ("fra", "iad", "sin")))
        await rig.take(rig.record("iad", slot + 1, Outcome.FAIL))
        await rig.take(rig.record("fra", slot + 2), rig.record("sin", slot + 2))
        assert ear.lonely == [("iad", rig.number("iad"))]


async def test_regions_follow_the_configuration_and_those_that_stay_keep_what_is_known(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path) as rig:
        watches = rig.view.regions
        watches["fra"].cut_off = True
        text = THREE.replace("  sin: {title: Singapore, token: 0123456789abcdef-3}\n", "")
        await rig.hub.reload(loaded(text))
        assert (list(watches), watches["fra"].cut_off, rig.view.regions is watches) == (
            ["fra", "iad"],
            True,
            True,
        )


async def test_jobs_that_call_are_of_no_region_that_is_watched(tmp_path: Path) -> None:
    text = THREE.replace(
        "services:", "  - {name: backup, heartbeat: {token: 0123456789abcdef, period: 1h}}\nservices:"
    )
    async with hub(tmp_path, text) as rig:
        assert list(rig.view.regions) == ["fra", "iad", "sin"]


async def test_while_nothing_can_be_stored_no_region_is_taken_for_silent(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        heard(rig, "fra", "iad", "sin")
        rig.view.store.writable = False
        rig.wall.now_us += 10 * SILENT_US
        rig.hub.lookout.tick()
        assert not any(watch.silent for watch in rig.view.regions.values())
        rig.view.store.writable = True
