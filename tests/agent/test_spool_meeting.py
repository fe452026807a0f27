"""Where a chain cannot go on from what the hub has on record, its rest is told again in a new one: once, and whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from support.spooling import (
    HUB,
    LATER,
    NOW_US,
    ModelHub,
    append_until_full,
    content,
    everything,
    fill_disk,
    free_disk,
    opened_spool,
    public,
    record,
    slot_content,
)

from prober.wire import Gap, Position


async def test_a_hub_set_back_beyond_what_is_here_gets_the_rest_in_a_new_epoch(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        for slot in range(200):
            await spool.append(slot_content(slot))
        first = spool.epoch
        (broken,) = await spool.resume([Position(first, 40, b"?" * 32)], HUB)
        assert broken.epoch == first
        assert "another batch 40" in broken.reason
        assert spool.epochs() == [broken.goes_on_in]
        assert spool.epoch > broken.goes_on_in > first
        await spool.append(slot_content(200))
        assert spool.epochs() == [broken.goes_on_in, spool.epoch]
        assert spool.state().results == 3 * 201
        await hub.drain(spool)
        assert spool.state().batches == 0
        assert await spool.resume(hub.positions(), HUB) == []
    assert [batch.previous_epoch for batch in hub.batches if batch.sequence == 1] == [0, 0]
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(201)}
    assert set(hub.records.values()) == {1}


async def test_telling_again_goes_on_after_a_crash_in_the_middle_of_it(tmp_path: Path) -> None:
    folder, copy = tmp_path / "a", tmp_path / "b"
    hub = None
    async with opened_spool(folder) as spool:
        hub = ModelHub(public(folder))
        for slot in range(200):
            await spool.append(slot_content(slot))
        (broken,) = await spool.resume([Position(spool.epoch, 1, b"?" * 32)], HUB)
        for sealed in await spool.unsent(broken.goes_on_in, 0, 5000):
            hub.take(sealed)
        shutil.copytree(folder, copy)
    async with opened_spool(copy, clock=LATER) as spool:
        assert await spool.resume(hub.positions(), HUB) == []
        await hub.drain(spool)
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(200)}
    assert set(hub.records.values()) == {1}


async def test_telling_again_waits_for_a_disk_that_fails(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        slot = await append_until_full(spool, 0)
        for later in range(slot, slot + 100):
            await spool.append(slot_content(later, filling=os.urandom(500).hex()))
        (broken,) = await spool.resume([Position(spool.epoch, 1, b"?" * 32)], HUB)
        assert spool._connection is not None
        await spool._connection.execute("PRAGMA query_only=ON")
        assert await everything(spool, broken.goes_on_in) == []
        assert (spool.state().results, spool.state().oldest_us) == (3 * (slot + 100), NOW_US)
        await spool._connection.execute("PRAGMA query_only=OFF")
        await fill_disk(spool, room_pages=6)
        told = await everything(spool, broken.goes_on_in)  # what the disk has; the rest is in memory yet
        assert len(told) == slot - 1
        for sealed in told:
            hub.take(sealed)
            await spool.acknowledged(sealed.epoch, sealed.sequence)
        assert spool.epochs() == [broken.goes_on_in]
        await free_disk(spool)
        await spool.append(slot_content(slot + 100))
        await hub.drain(spool)
    assert set(hub.records) == {(series, one) for series in (1, 2, 3) for one in range(slot + 101)}
    assert (set(hub.records.values()), hub.refused) == ({1}, [])


async def test_telling_again_may_break_as_well(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        for slot in range(200):
            await spool.append(slot_content(slot))
        (broken,) = await spool.resume([Position(spool.epoch, 1, b"?" * 32)], HUB)
        (sealed,) = await spool.unsent(broken.goes_on_in, 0, 1)
        await spool.put_aside(broken.goes_on_in, sealed.sequence)
        assert len(spool.epochs()) == 2
        await hub.drain(spool)
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(200)}
    assert set(hub.records.values()) == {1}


async def test_a_machine_set_back_while_it_ran_notices_and_loses_nothing(tmp_path: Path) -> None:
    folder, copy = tmp_path / "a", tmp_path / "b"
    async with opened_spool(folder) as spool:
        hub = ModelHub(public(folder))
        await spool.append(slot_content(0))
        await hub.drain(spool)
        epoch = spool.epoch
        shutil.copytree(folder, copy)
        await spool.append(slot_content(1))
        (broken,) = await spool.resume([Position(epoch, 5, b"?" * 32)], HUB)
        assert "not known here" in broken.reason
        await hub.drain(spool)
    assert hub.records[1, 1] == 1
    async with opened_spool(copy, clock=LATER) as spool:  # the copy knows less of that epoch than the hub
        assert await spool.resume(hub.positions(), HUB) == []
        await spool.append(slot_content(2))
        await hub.drain(spool)
    assert set(hub.records.values()) == {1}


async def test_a_batch_put_aside_is_told_once_more_and_then_given_up(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        for slot in range(3):
            await spool.append(slot_content(slot))
        first = spool.epoch
        hub.take((await everything(spool, first))[0])
        await spool.acknowledged(first, 1)
        await spool.put_aside(first, 2)
        await spool.put_aside(first, 3)  # was on its way too
        (again,) = spool.epochs()
        assert again > first
        assert spool.state().dropped_results == 0
        (told, last) = await everything(spool, again)
        await spool.put_aside(again, told.sequence)
        await spool.put_aside(again, last.sequence)
        await spool.append(content([record(1, 9)], [Gap(2, 3, 9, "late")]))
        await hub.drain(spool)
        assert (spool.state().dropped_results, spool.state().dropped_why) == (3, "refused")
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in (0, 2)} | {(1, 9)}
    assert {(series, 1) for series in (1, 2, 3)} <= set(hub.gaps)


async def test_a_batch_that_is_always_put_aside_does_not_hold_up_others(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        await spool.append(slot_content(0))
        for _ in range(3):
            (epoch,) = spool.epochs()
            (sealed,) = await everything(spool, epoch)
            await spool.put_aside(epoch, sealed.sequence)
        await spool.append(slot_content(1))
        await hub.drain(spool)
        assert spool.epochs() == []
    assert set(hub.records) == {(series, 1) for series in (1, 2, 3)}


def spoil(folder: Path, sequence: int) -> None:
    db = sqlite3.connect(folder / "spool.db")
    db.execute("UPDATE batches SET packed=zeroblob(50) WHERE sequence=?", (sequence,))
    db.commit()
    db.close()


async def test_a_batch_that_the_disk_spoiled_costs_no_other(tmp_path: Path) -> None:
    """The hub keeps it aside; the agent goes on in a new epoch without it, and counts the loss."""
    async with opened_spool(tmp_path) as spool:
        for slot in range(6):
            await spool.append(slot_content(slot))
        first = spool.epoch
    spoil(tmp_path, 3)
    async with opened_spool(tmp_path, clock=LATER) as spool:
        hub = ModelHub(public(tmp_path))
        await spool.acknowledged(first, 2)
        await spool.put_aside(first, 3)
        assert first not in spool.epochs()
        await hub.drain(spool)
        assert (spool.state().dropped_results, spool.state().dropped_why) == (3, "disk")
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in (3, 4, 5)}
