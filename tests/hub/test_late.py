"""Results that arrive late: states and figures become what they would have been, and the present is left alone."""

from __future__ import annotations

import logging
import sqlite3
from fractions import Fraction
from pathlib import Path

import pytest
from support.configs import loaded
from support.hubs import HEALTH, THREE, Rig, S, T, hub
from support.late import deliver, is_settled, until

from checks.core.result import Outcome
from prober.hub import pipeline, reviser
from prober.hub.verdict import State
from prober.store.base import ResultQuery, SeriesSlots
from prober.store.sqlite import SqliteStore
from prober.wire import Record

FAIL, PASS = Outcome.FAIL, Outcome.PASS
REGIONS = ("fra", "iad", "sin")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviser, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(pipeline, "TICK_SECONDS", 0.02)


def slots(rig: Rig, region: str, count: int, outcomes: dict[int, Outcome] | None = None) -> list[Record]:
    """Return the results of some slots from now on; PASS where nothing else is said."""
    first = rig.grid(region).first_due(rig.wall.now_us)
    return [rig.record(region, first + index, (outcomes or {}).get(index, PASS)) for index in range(count)]


async def standing(rig: Rig) -> list[tuple[str, str, int]]:
    """Return what stands of the probe and the service, in order of time."""
    rows = await rig.hub.store.states(["probe:web", "service:shop"], 0)
    return [(row.subject, row.after, row.at_us) for row in rows]


async def seeded(folder: Path) -> Path:
    """Make a store whose grid is the same in every test; return its folder."""
    folder.mkdir()  # noqa: ASYNC240  # a test waits for its own disk
    store = SqliteStore(folder / "prober.db")
    await store.open()
    await store.close()
    connection = sqlite3.connect(folder / "prober.db")
    connection.execute("INSERT INTO meta VALUES ('seed', ?)", (bytes(range(32)),))
    connection.commit()
    connection.close()
    return folder


async def in_order(folder: Path, outcomes: dict[int, Outcome]) -> tuple[list[tuple[str, str, int]], object]:
    """Return states and figures of a hub that got everything in time."""
    async with hub(await seeded(folder)) as rig:
        await rig.hub.loaded.wait()
        records = [record for region in REGIONS for record in slots(rig, region, 20, outcomes)]
        for record in sorted(records, key=lambda record: record.result.started_us):
            await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 1, record)
        return await standing(rig), rig.history.rolling("service:shop", rig.wall.now_us)


@pytest.mark.parametrize(
    "outcomes", [{}, {7: FAIL, 8: FAIL}, {3: FAIL, 12: FAIL}], ids=["up", "outage", "two"]
)
async def test_what_two_regions_deliver_late_makes_the_past_as_if_it_had_come_in_time(
    tmp_path: Path, outcomes: dict[int, Outcome]
) -> None:
    expected, figures = await in_order(tmp_path / "in-order", outcomes)
    async with hub(await seeded(tmp_path / "late")) as rig:
        await rig.hub.loaded.wait()
        records = {region: slots(rig, region, 20, outcomes) for region in REGIONS}
        # Two regions are cut off after three slots and back for the last two; the third goes on.
        live = [
            *records["fra"],
            *records["iad"][:3],
            *records["iad"][18:],
            *records["sin"][:3],
            *records["sin"][18:],
        ]
        for record in sorted(live, key=lambda record: record.result.started_us):
            region = rig.hub.rows[record.series].region
            await deliver(rig, f"{region}-1", 2 if record.slot >= records[region][18].slot else 1, record)
        assert await standing(rig) != expected
        for region in ("iad", "sin"):
            await deliver(rig, f"{region}-1", 1, *records[region][3:10])
            await deliver(rig, f"{region}-1", 1, *records[region][10:18])
        await until(lambda: is_settled(rig))
        assert await standing(rig) == expected
        assert rig.history.rolling("service:shop", rig.wall.now_us) == figures
        assert rig.view.probes["web"].state is State.UP
        assert rig.view.revisions >= 1


async def test_an_outage_that_is_found_when_it_is_over_is_on_record_and_told_of_as_past(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with hub(tmp_path) as rig:
        records = {region: slots(rig, region, 9, {4: FAIL, 5: FAIL}) for region in REGIONS}
        for index in (0, 1, 7, 8):
            for region in REGIONS:
                await deliver(rig, f"{region}-1", 2 if index > 6 else 1, records[region][index])
        caplog.clear()
        with caplog.at_level(logging.INFO):
            for region in REGIONS:
                await deliver(rig, f"{region}-1", 1, *records[region][2:7])
            await until(lambda: is_settled(rig))
        downs = [row for row in await rig.hub.store.states(["probe:web"], 0) if row.after == "down"]
        assert downs
        assert all(down.revision > 0 for down in downs)
        assert not [record for record in caplog.records if record.getMessage() == "probe is down"]
        assert [record for record in caplog.records if "late results changed" in record.getMessage()]


async def test_what_was_to_be_worked_out_is_not_forgotten_by_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviser, "QUIET_SECONDS", 3600.0)
    monkeypatch.setattr(reviser, "LONGEST_REST_SECONDS", 7 * 3600.0)
    async with hub(tmp_path) as rig:
        records = {region: slots(rig, region, 9, {4: FAIL, 5: FAIL}) for region in REGIONS}
        for index in (0, 8):
            for region in REGIONS:
                await deliver(rig, f"{region}-1", 1 + (index == 8), records[region][index])
        for region in REGIONS:
            await deliver(rig, f"{region}-1", 1, *records[region][1:8])
        assert list(await rig.hub.store.marks()) == ["web"]
        wall = rig.wall
    monkeypatch.setattr(reviser, "QUIET_SECONDS", 0.01)
    async with hub(tmp_path, wall=wall) as again:
        await until(lambda: is_settled(again))
        assert "down" in [row.after for row in await again.hub.store.states(["probe:web"], 0)]


async def test_results_of_an_earlier_configuration_still_tell_of_their_time(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        await rig.hub.loaded.wait()
        records = {region: slots(rig, region, 12, {5: FAIL, 6: FAIL}) for region in REGIONS}
        early = sorted((found[0] for found in records.values()), key=lambda one: one.result.started_us)
        for record in early:
            await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 1, record)
        rig.wall.now_us = records["fra"][11].result.started_us + T
        await rig.hub.reload(loaded(THREE.replace("defaults: {", "defaults: {interval: 1m, ")))
        now = [rig.record(region, rig.grid(region).first_due(rig.wall.now_us)) for region in REGIONS]
        for record in sorted(now, key=lambda one: one.result.started_us):
            await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 2, record)
        assert not [row for row in await rig.hub.store.states(["probe:web"], 0) if row.after == "down"]
        for region in REGIONS:
            await deliver(rig, f"{region}-1", 1, *records[region][1:])
        await until(lambda: is_settled(rig))
        assert [row for row in await rig.hub.store.states(["probe:web"], 0) if row.after == "down"]
        day = rig.history.rolling("probe:web", rig.wall.now_us)["24h"]
        assert day.coverage > Fraction(10 * 30, 24 * 3600)
        assert rig.view.probes["web"].state is State.UP


async def test_looking_back_over_a_change_of_configuration_leaves_what_was_seen_before(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path) as rig:
        records = [record for region in REGIONS for record in slots(rig, region, 6)]
        for record in sorted(records, key=lambda one: one.result.started_us):
            await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 1, record)
        before = await standing(rig)
        await rig.hub.reload(loaded(THREE.replace("defaults: {", "defaults: {interval: 1m, ")))
        rig.hub.pipeline.judge.fold.look_back(("web",), records[0].result.started_us)
        now = [rig.record(region, rig.grid(region).first_due(rig.wall.now_us)) for region in REGIONS]
        for record in sorted(now, key=lambda one: one.result.started_us):
            await deliver(rig, f"{rig.hub.rows[record.series].region}-1", 1, record)
        await until(lambda: is_settled(rig))
        assert await standing(rig) == before


async def test_a_slot_that_two_agents_ran_counts_once_and_nothing_is_lost(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        first, second = slots(rig, "fra", 2)
        await deliver(rig, "fra-1", 1, first)
        await deliver(rig, "fra-2", 1, rig.record("fra", first.slot, FAIL))
        await deliver(rig, "fra-1", 1, second)
        counts = await rig.hub.store.counts()
        assert (counts["results"], counts["extras"]) == (2, 1)
        assert rig.view.probes["web"].regions["fra"].fates == {"pass": 2}


async def test_agents_that_take_over_from_each_other_leave_no_hole_and_no_change(tmp_path: Path) -> None:
    text = THREE.replace("fra: {title: Frankfurt,", "fra: {title: Frankfurt, agents: share,")
    async with hub(tmp_path, text) as rig:
        records = {region: slots(rig, region, 12) for region in REGIONS}
        everything = sorted(
            (record for found in records.values() for record in found),
            key=lambda record: record.result.started_us,
        )
        for record in everything:
            region = rig.hub.rows[record.series].region
            taken_over = region == "fra" and record.slot >= records["fra"][6].slot
            await deliver(rig, f"{region}-{2 if taken_over else 1}", 1, record)
        await until(lambda: is_settled(rig))
        assert {subject: after for subject, after, _ in await standing(rig)} == {
            "probe:web": "up",
            "service:shop": "up",
        }
        assert [run.count for run in await rig.hub.store.open_runs()] == [12, 12, 12]
        first, last = records["fra"][0].slot, records["fra"][11].slot
        asked = SeriesSlots(series=rig.number("fra"), from_slot=first, to_slot=last)
        page = await rig.hub.store.results(ResultQuery(series=[asked]))
        assert page.agents == ["fra-2"] * 6 + ["fra-1"] * 6


def test_the_rig_has_the_interval_that_these_tests_count_on() -> None:
    assert (T, HEALTH.queued) == (30 * S, 0)
