"""What was appended is on disk, offered in order until it is acknowledged, and accounted for when it is given up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.spooling import (
    HUB,
    LATER,
    MANY_BYTES,
    NOW_US,
    Clock,
    ModelHub,
    content,
    everything,
    opened_spool,
    record,
    slot_content,
)

from prober.agent import sealing
from prober.agent.errors import AgentError
from prober.agent.keys import AgentKey
from prober.agent.progress import warn_of_held
from prober.agent.sealing import open_sealed
from prober.agent.spool import Spool, SpoolLimits
from prober.agent.spool_limits import AGE_GRACE_US
from prober.wire import Gap, Kind, SpoolState

DAY_US = 86_400_000_000
OTHER_HUB = b"o" * 16


async def sequences(spool: Spool, epoch: int) -> list[int]:
    return [one.sequence for one in await everything(spool, epoch)]


async def test_what_was_appended_is_offered_in_order_until_it_is_acknowledged(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        assert (spool.epochs(), spool.state()) == ([], SpoolState(0, 0, 0, 0))
        appended = [await spool.append(slot_content(slot)) for slot in range(5)]
        assert spool.epochs() == [spool.epoch]
        assert await everything(spool, spool.epoch) == appended
        await spool.acknowledged(spool.epoch, 3)
        assert await everything(spool, spool.epoch) == appended[3:]
        assert await everything(spool, spool.epoch, 4) == appended[4:]
        await spool.acknowledged(spool.epoch, 5)
        assert (spool.epochs(), await everything(spool, spool.epoch)) == ([], [])
        await spool.acknowledged(spool.epoch, 2)  # an older one changes nothing
        await spool.acknowledged(spool.epoch + 1, 9)
        assert spool.epochs() == []


async def test_at_least_one_batch_is_offered_whatever_its_size_and_then_as_many_as_fit(
    tmp_path: Path,
) -> None:
    async with opened_spool(tmp_path) as spool:
        sizes = [len((await spool.append(slot_content(slot))).packed) for slot in range(5)]
        assert len(await spool.unsent(spool.epoch, 0, 1)) == 1
        assert len(await spool.unsent(spool.epoch, 0, sum(sizes[:3]))) == 3
        assert len(await spool.unsent(spool.epoch, 0, sum(sizes[:3]) - 1)) == 2
        assert await spool.unsent(spool.epoch, 5, MANY_BYTES) == []
        assert await spool.unsent(1, 0, MANY_BYTES) == []


async def test_each_append_wakes_who_waits(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        waiter = asyncio.create_task(spool.appended.wait())
        await spool.append(slot_content(1))
        await waiter


async def test_its_state_says_what_waits_and_a_batch_what_waited_before_it(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        for slot in (7, 8):
            sealed = await spool.append(slot_content(slot))
        state = spool.state()
        assert (state.batches, state.results, state.oldest_us) == (2, 6, NOW_US + 7_000_000)
        batch, _ = open_sealed(sealed, AgentKey.load_or_make(tmp_path).public)
        assert batch.spool is not None
        assert (batch.spool.batches, batch.spool.results) == (1, 3)
        await spool.acknowledged(spool.epoch, 1)
        state = spool.state()
        assert (state.batches, state.results, state.oldest_us) == (1, 3, NOW_US + 8_000_000)
        await spool.acknowledged(spool.epoch, 2)
        assert spool.state() == SpoolState(0, 0, 0, 0)


@pytest.mark.parametrize("ending", ["close", "cancel"])
async def test_what_waits_outlives_the_process_and_goes_first_in_the_chain(
    ending: str, tmp_path: Path
) -> None:
    async with opened_spool(tmp_path) as spool:
        first = spool.epoch
        appended = [await spool.append(slot_content(slot)) for slot in range(70)]
        await spool.acknowledged(first, 2)
        if ending == "cancel":
            task = asyncio.create_task(spool.append(slot_content(70)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
    for sealed in appended[:2]:
        hub.take(sealed)
    async with opened_spool(tmp_path) as spool:
        assert spool.epoch > first
        assert spool.epochs() == [first]
        assert await spool.resume(hub.positions(), HUB) == []
        await spool.append(slot_content(71))
        await hub.drain(spool)
    count = 70 + (ending == "cancel")
    slots = {(series, slot) for series in (1, 2, 3) for slot in [*range(count), 71]}
    assert set(hub.records) == slots
    assert set(hub.records.values()) == {1}
    last = hub.batches[-1]
    assert (last.previous_epoch, last.sequence) == (first, 1)
    assert last.previous == next(one.hash for one in hub.positions() if one.epoch == first)


async def test_an_epoch_begins_where_it_is_told_to_and_not_twice(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        first = spool.epoch
        assert await spool.begin_epoch() == first
        await spool.append(slot_content(1))
        second = await spool.begin_epoch()
        assert second > first
        assert await spool.begin_epoch() == spool.epoch == second
        await spool.append(slot_content(2))
        assert spool.epochs() == [first, second]
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await hub.drain(spool, [second])  # side by side: the newer one may come first
        await hub.drain(spool)
    assert hub.refused == []


async def test_epochs_rise_though_the_clock_was_set_back(tmp_path: Path) -> None:
    async with opened_spool(tmp_path, clock=Clock(NOW_US)) as spool:
        first = spool.epoch
        await spool.append(slot_content(1))
    async with opened_spool(tmp_path, clock=Clock(NOW_US - DAY_US)) as spool:
        assert spool.epoch > first


async def test_what_was_measured_for_another_hub_waits_in_epochs_of_its_own(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        key = AgentKey.load_or_make(tmp_path)
        await spool.append(slot_content(1))
        first = spool.epoch
        await spool.append(content([record(1, 5)], hub=OTHER_HUB))
        other = spool.epoch
        await spool.append(slot_content(2))
        assert spool.epochs(HUB) == [first, spool.epoch]
        assert spool.epochs(OTHER_HUB) == [other]
        assert spool.epochs() == [first, other, spool.epoch]
        hub, other_hub = ModelHub(key.public), ModelHub(key.public)
        assert await spool.resume(hub.positions(), HUB) == []
        await hub.drain(spool, spool.epochs(HUB))
        await other_hub.drain(spool)
        assert spool.last_slots(HUB) == {1: 2, 2: 2, 3: 2}
        assert (
            spool.last_slots(OTHER_HUB) == {}
        )  # numbers of series mean nothing elsewhere: that hub knows better
    assert (hub.refused, other_hub.refused) == ([], [])
    assert [batch.previous_epoch for batch in hub.batches] == [0, first]
    assert [batch.previous_epoch for batch in other_hub.batches] == [0]


async def test_what_waits_under_another_name_of_the_same_key_is_told_again_under_the_new_one(
    tmp_path: Path,
) -> None:
    hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
    async with opened_spool(tmp_path) as spool:
        for slot in range(100):
            await spool.append(slot_content(slot))
    async with opened_spool(tmp_path, name="iad-2", clock=LATER) as spool:
        assert (spool.held(), spool.state().results) == ({}, 300)
        assert (await spool.waiting_for(HUB)).results == 300
        assert await spool.resume([], HUB) == []
        await spool.append(slot_content(100))
    async with opened_spool(tmp_path, name="iad-3", clock=Clock(LATER.now_us + 1)) as spool:
        assert await spool.resume([], HUB) == []
        await hub.drain(spool)
        assert (spool.epochs(), spool.state().batches, spool.state().results) == ([], 0, 0)
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(101)}
    assert (set(hub.records.values()), hub.refused) == ({1}, [])
    assert {batch.agent for batch in hub.batches} == {"iad-3"}


@pytest.mark.parametrize("change", ["key", "region"])
async def test_what_waits_under_another_name_by_another_key_or_of_another_region_is_kept_and_said(
    tmp_path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = AgentKey.load_or_make(tmp_path)
    async with opened_spool(tmp_path, region="iad") as spool:
        await spool.append(slot_content(1))
    (tmp_path / "agent.key").rename(tmp_path / "other.key")
    if change == "region":
        (tmp_path / "other.key").rename(tmp_path / "agent.key")
    region = "fra" if change == "region" else "iad"
    async with opened_spool(tmp_path, name="fra-1", region=region) as spool:
        assert (spool.epochs(), spool.state().batches) == ([], 0)
        assert spool.held() == {"iad-1": 3}
        assert await spool.resume([], HUB) == []
        await spool.append(slot_content(2))
        assert (await spool.waiting_for(HUB)).batches == spool.state().batches == 1
        sealed = await everything(spool, spool.epoch)
        public = AgentKey.load_or_make(tmp_path).public
        assert open_sealed(sealed[0], public)[0].previous_epoch == 0
        await spool.acknowledged(spool.epoch, 1)
        warn_of_held(spool.held())
    assert [(record.other, record.results) for record in caplog.records if hasattr(record, "other")] == [
        ("iad-1", 3)
    ]
    if change == "key":
        (tmp_path / "other.key").rename(tmp_path / "agent.key")
    async with opened_spool(tmp_path, region="iad") as spool:
        assert (spool.held(), len(spool.epochs())) == ({}, 1)
        assert open_sealed((await everything(spool, spool.epochs()[0]))[0], key.public)[0].agent == "iad-1"


async def test_what_is_held_back_is_given_up_by_age_in_the_name_that_it_waits_under(tmp_path: Path) -> None:
    limits, clock = SpoolLimits(max_age_us=60_000_000), Clock()
    async with opened_spool(tmp_path, region="iad") as spool:
        await spool.append(slot_content(1))
    async with opened_spool(tmp_path, limits, clock, name="fra-1", region="fra") as spool:
        for _ in range(2):
            await spool.append(slot_content(2))
            clock.now_us += AGE_GRACE_US + limits.max_age_us
        await spool.append(slot_content(3))
        assert spool.held() == {}
    async with opened_spool(tmp_path, clock=clock, region="iad") as spool:
        (sealed,) = await everything(spool, spool.epochs()[0])
        assert open_sealed(sealed, AgentKey.load_or_make(tmp_path).public)[0].agent == "iad-1"


async def test_slots_are_remembered_after_they_were_acknowledged_and_after_a_start(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        await spool.append(content([record(1, 4), record(2, 9, Kind.RETRY)], [Gap(3, 5, 8, "late")]))
        await spool.append(content([record(1, 3)]))
        assert spool.last_slots() == {1: 4, 3: 8}
        await spool.acknowledged(spool.epoch, 2)
    for _ in range(2):
        async with opened_spool(tmp_path) as spool:
            assert spool.last_slots() == spool.last_slots(HUB) == {1: 4, 3: 8}


async def test_a_content_too_large_for_one_batch_becomes_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MAX_BODY", 3000)
    async with opened_spool(tmp_path) as spool:
        told = [record(1, slot) for slot in range(100)] + [record(2, 7, filling="x" * 4000)]
        sealed = await spool.append(content(told, complete_us=5))
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await hub.drain(spool)
        assert (spool.state().dropped_results, spool.state().dropped_why) == (1, "size")
    assert hub.batches[-1].sequence == sealed.sequence > 1
    assert [batch.complete_us for batch in hub.batches] == [0] * (sealed.sequence - 1) + [5]
    assert set(hub.records) == {(1, slot) for slot in range(100)}
    assert hub.gaps == {(2, 7): ["dropped"]}


async def test_two_processes_cannot_have_one_folder(tmp_path: Path) -> None:
    async with opened_spool(tmp_path):
        with pytest.raises(AgentError, match=r"is in use by process \d+$") as caught:
            async with opened_spool(tmp_path):
                pass
        assert caught.value.hint.startswith("one agent a folder")
    async with opened_spool(tmp_path) as spool:
        await spool.append(slot_content(1))


async def test_a_closed_spool_says_so_and_can_be_closed_again(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        await spool.close()
        with pytest.raises(AgentError, match="is closed"):
            await spool.append(slot_content(1))


async def test_files_are_their_users_alone(tmp_path: Path) -> None:
    async with opened_spool(tmp_path / "a" / "spool") as spool:
        await spool.append(slot_content(1))
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "a" / "spool").iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"spool.db", "spool.db-wal", "agent.key"} <= set(modes)
