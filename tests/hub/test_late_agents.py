"""Late results against what is on record: slots of other agents, regions that left, clocks ahead, our own faults."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from support.configs import loaded
from support.hubs import THREE, Rig, S, T, hub
from support.late import deliver, is_settled, until

from checks.core.result import Outcome
from prober.hub import pipeline, reviser
from prober.hub.verdict import State
from prober.store.base import ResultQuery, SeriesSlots
from prober.wire import Record

FAIL, PASS, VOID = Outcome.FAIL, Outcome.PASS, Outcome.VOID
ONE = THREE.replace("retries: 0}", "retries: 0}, regions: [fra]")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviser, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(pipeline, "TICK_SECONDS", 0.02)


def moved(record: Record, by_us: int) -> Record:
    """Return a run that began a little later."""
    later = msgspec.structs.replace(record.result, started_us=record.result.started_us + by_us)
    return msgspec.structs.replace(record, result=later, late_us=by_us)


async def kinds(rig: Rig, first: int, count: int) -> list[tuple[int, str, str]]:
    """Return kind, outcome and agent of all results of some slots."""
    asked = SeriesSlots(series=rig.number("fra"), from_slot=first, to_slot=first + count - 1)
    page = await rig.hub.store.results(ResultQuery(series=[asked]))
    return sorted((row.kind, row.outcome, agent) for row, agent in zip(page.rows, page.agents, strict=True))


async def test_what_another_agent_saw_late_in_slots_that_passed_is_kept_and_is_no_outage(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path, ONE) as rig:
        await rig.hub.loaded.wait()
        first = rig.grid("fra").first_due(rig.wall.now_us)
        for slot in range(first, first + 8):
            await deliver(rig, "fra-1", 1, rig.record("fra", slot))
        failed = [moved(rig.record("fra", slot, FAIL), 700) for slot in (first + 3, first + 4)]
        await deliver(rig, "fra-2", 1, *failed)
        await until(lambda: is_settled(rig))
        assert await kinds(rig, first + 3, 2) == [
            (0, "pass", "fra-1"), (0, "pass", "fra-1"), (3, "fail", "fra-2"), (3, "fail", "fra-2"),
        ]  # fmt: skip
        assert not [row for row in await rig.hub.store.states(["probe:web"], 0) if row.after == "down"]
        assert not rig.history.outages("probe:web", 0, rig.wall.now_us + S)
        assert rig.view.probes["web"].regions["fra"].outcomes == {"pass": 8}


async def test_better_evidence_that_comes_late_takes_the_slot_and_the_outage_goes(tmp_path: Path) -> None:
    async with hub(tmp_path, ONE) as rig:
        await rig.hub.loaded.wait()
        first = rig.grid("fra").first_due(rig.wall.now_us)
        for slot in range(first, first + 8):
            await deliver(rig, "fra-1", 1, rig.record("fra", slot, FAIL if slot == first + 3 else PASS))
        assert [row for row in await rig.hub.store.states(["probe:web"], 0) if row.after == "down"]
        await deliver(rig, "fra-2", 1, moved(rig.record("fra", first + 3), 400))
        await until(lambda: is_settled(rig))
        assert await kinds(rig, first + 3, 1) == [(0, "pass", "fra-2"), (3, "fail", "fra-1")]
        assert not [row for row in await rig.hub.store.states(["probe:web"], 0) if row.after == "down"]
        assert not rig.history.outages("probe:web", 0, rig.wall.now_us + S)


async def test_a_reload_between_two_agents_results_of_a_slot_counts_it_once(tmp_path: Path) -> None:
    async with hub(tmp_path, ONE) as rig:
        first = rig.grid("fra").first_due(rig.wall.now_us)
        await deliver(rig, "fra-1", 1, rig.record("fra", first))
        await rig.hub.reload(loaded(ONE + "page: {title: Another}\n"))
        await deliver(rig, "fra-2", 1, moved(rig.record("fra", first, FAIL), 400))
        assert await kinds(rig, first, 1) == [(0, "pass", "fra-1"), (3, "fail", "fra-2")]
        assert rig.view.probes["web"].state is State.UP


async def test_regions_that_were_down_when_they_were_taken_out_are_unknown_when_they_are_back(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path) as rig:
        for index, outcome in enumerate((PASS, FAIL)):
            records = [
                rig.record(region, rig.grid("fra").first_due(rig.wall.now_us) + index, outcome)
                for region in ("iad", "sin")
            ]
            for record in sorted(records, key=lambda one: one.result.started_us):
                await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 1, record)
        assert rig.view.probes["web"].state is State.DOWN
        await rig.hub.reload(loaded(ONE))
        rig.wall.now_us += 3600 * S
        await rig.hub.reload(loaded(THREE))
        slot = rig.grid("fra").first_due(rig.wall.now_us)
        await deliver(rig, "fra-1", 2, rig.record("fra", slot + 1))
        await deliver(rig, "fra-1", 1, rig.record("fra", slot))
        await until(lambda: is_settled(rig))
        view = rig.view.probes["web"]
        assert view.state is State.UNKNOWN
        assert {name: region.state for name, region in view.regions.items()} == {
            "fra": State.UP, "iad": State.UNKNOWN, "sin": State.UNKNOWN,
        }  # fmt: skip


async def test_a_clock_that_is_ahead_makes_nobody_else_silent(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        first = rig.grid("fra").first_due(rig.wall.now_us)
        records = [rig.record(region, first) for region in ("fra", "iad", "sin")]
        for record in sorted(records, key=lambda one: one.result.started_us):
            await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 1, record)
        ahead = rig.record("sin", first + 600 * S // T, VOID)
        await deliver(rig, "sin-1", 1, ahead, follow=False)
        assert rig.view.probes["web"].state is State.UP
        assert {region.state for region in rig.view.probes["web"].regions.values()} == {State.UP}


async def test_a_look_back_that_fails_leaves_the_hub_alive_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub(tmp_path) as rig:
        failures: list[BaseException] = []
        real = rig.hub.pipeline.reviser.look_back

        async def look_back() -> reviser.Revised:
            if not failures:
                rig.hub.pipeline.judge.fold.revise_from.clear()
                failures.append(IndexError("what nobody thought of"))
                raise failures[0]
            return await real()

        monkeypatch.setattr(rig.hub.pipeline.reviser, "look_back", look_back)
        monkeypatch.setattr(reviser, "LONGEST_PAUSE_SECONDS", 0.01)
        first = rig.grid("fra").first_due(rig.wall.now_us)
        await deliver(rig, "fra-1", 2, rig.record("fra", first + 1))
        await deliver(rig, "fra-1", 1, rig.record("fra", first))
        await until(lambda: asyncio.sleep(0, bool(failures)))
        await deliver(rig, "fra-1", 1, rig.record("fra", first + 2))
        assert len(await kinds(rig, first, 3)) == 3


async def test_results_far_from_their_slots_do_not_end_the_hub(tmp_path: Path) -> None:
    """They are found by their slots when runs are made again, so these are not found at all."""
    async with hub(tmp_path) as rig:
        first = rig.grid("fra").first_due(rig.wall.now_us)
        astray = [
            msgspec.structs.replace(rig.record("fra", first + at, outcome), slot=first + at - 39)
            for at, outcome in ((40, PASS), (41, FAIL), (42, PASS))
        ]
        await deliver(rig, "fra-1", 3, astray[0])
        await deliver(rig, "fra-1", 4, astray[2])
        await deliver(rig, "fra-1", 1, astray[1])
        await until(lambda: is_settled(rig))
        await deliver(rig, "fra-1", 4, rig.record("fra", first + 50))
