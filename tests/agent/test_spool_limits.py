"""The spool stays within its size and age, accounts for what it gives up, and keeps a while what the hub took."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.spooling import (
    HUB,
    NOW_US,
    Clock,
    ModelHub,
    everything,
    opened_spool,
    slot_content,
)

from prober.agent import spool_limits, spool_taken
from prober.agent.keys import AgentKey
from prober.agent.spool import Spool, SpoolLimits
from prober.hub.chains import Fate

DAY_US = 86_400_000_000


async def filled(spool: Spool, slots: range) -> None:
    for slot in slots:
        await spool.append(slot_content(slot, filling=f"{slot:032x}"))


def size_of(folder: Path) -> int:
    return (folder / "spool.db").stat().st_size


async def test_over_its_size_the_oldest_is_given_up_and_accounted_for(tmp_path: Path) -> None:
    limits = SpoolLimits(max_bytes=200_000)
    async with opened_spool(tmp_path, limits) as spool:
        await filled(spool, range(100))
        assert spool.state().dropped_results == 0
        await filled(spool, range(100, 600))
        state = spool.state()
        assert state.dropped_results > 0
        assert state.dropped_why == "size"
        assert state.results + state.dropped_results == 3 * 600
        assert state.batches == 1 + state.results // 3  # one batch stands for all that were given up
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await hub.drain(spool)
    assert len(hub.gaps) == state.dropped_results
    border = state.dropped_results // 3
    assert set(hub.gaps) == {(series, slot) for series in (1, 2, 3) for slot in range(border)}
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(border, 600)}
    assert len(hub.batches[0].gaps) == 3
    assert size_of(tmp_path) < 260_000
    async with opened_spool(tmp_path, limits) as spool:
        assert (spool.state().dropped_results, spool.state().dropped_why) == (state.dropped_results, "size")


async def test_epochs_of_one_batch_are_given_up_one_after_the_other(tmp_path: Path) -> None:
    async with opened_spool(tmp_path, SpoolLimits(max_bytes=150_000)) as spool:
        for slot in range(60):
            await spool.append(slot_content(slot, filling=os.urandom(3000).hex()))
            await spool.begin_epoch()
        state = spool.state()
        assert 0 < state.results < 3 * 40
        assert state.results + state.dropped_results == 3 * 60
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await hub.drain(spool)
    assert set(hub.gaps) == {
        (series, slot) for series in (1, 2, 3) for slot in range(state.dropped_results // 3)
    }


async def test_what_was_taken_goes_before_anything_is_given_up(tmp_path: Path) -> None:
    async with opened_spool(tmp_path, SpoolLimits(max_bytes=150_000)) as spool:
        for start in range(0, 800, 50):
            await filled(spool, range(start, start + 50))
            await spool.acknowledged(spool.epoch, start + 50)
        assert spool.state().dropped_results == 0


async def test_what_is_too_old_is_given_up_and_not_a_moment_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_limits, "MAX_STEP_US", DAY_US)
    monkeypatch.setattr(spool_limits, "AGE_GRACE_US", 0)
    clock = Clock()
    async with opened_spool(tmp_path, SpoolLimits(max_age_us=10 * DAY_US), clock) as spool:
        for day in range(11):
            clock.now_us = NOW_US + day * DAY_US
            await spool.append(slot_content(day))
        assert spool.state().dropped_results == 0
        clock.now_us += 1
        await spool.append(slot_content(11))
        assert (spool.state().dropped_results, spool.state().dropped_why) == (3, "age")
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await hub.drain(spool)
    assert set(hub.gaps) == {(series, 0) for series in (1, 2, 3)}


async def test_a_clock_that_jumps_ahead_makes_nothing_old(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_spool(tmp_path, SpoolLimits(max_age_us=DAY_US), clock) as spool:
        await spool.append(slot_content(1))
        clock.now_us += 300 * DAY_US
        for slot in range(2, 10):
            await spool.append(slot_content(slot))
        assert spool.state().dropped_results == 0


async def test_after_a_start_the_hub_has_time_to_take_what_is_old(tmp_path: Path) -> None:
    limits = SpoolLimits(max_age_us=DAY_US)
    async with opened_spool(tmp_path, limits) as spool:
        await spool.append(slot_content(1))
    clock = Clock(NOW_US + 30 * DAY_US)
    async with opened_spool(tmp_path, limits, clock) as spool:
        await spool.append(slot_content(2))
        clock.now_us += spool_limits.AGE_GRACE_US - 1
        await spool.append(slot_content(3))
        assert spool.state().dropped_results == 0
        clock.now_us += 1
        await spool.append(slot_content(4))
        assert spool.state().dropped_results == 3


async def test_what_was_offered_is_not_given_up_before_the_hub_has_answered(tmp_path: Path) -> None:
    """Else a slot could end both as a result and as dropped."""
    async with opened_spool(tmp_path, SpoolLimits(max_bytes=60_000)) as spool:
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await filled(spool, range(8))
        on_their_way = await everything(spool, spool.epoch)
        await filled(spool, range(8, 400))
        assert spool.state().dropped_results > 0
        for sealed in on_their_way:
            assert hub.take(sealed) is Fate.NEXT
        first = spool.epoch
    async with opened_spool(tmp_path, SpoolLimits(max_bytes=60_000)) as spool:  # the answers never came
        await filled(spool, range(400, 500))
        assert await everything(spool, first) != []
        assert await spool.resume(hub.positions(), HUB) == []
        await hub.drain(spool)
    fates = {**hub.records, **hub.gaps}
    assert set(hub.records) & set(hub.gaps) == set()
    assert set(fates) == {(series, slot) for series in (1, 2, 3) for slot in range(500)}


async def test_what_was_offered_but_never_taken_may_be_given_up_after_all(tmp_path: Path) -> None:
    async with opened_spool(tmp_path, SpoolLimits(max_bytes=60_000)) as spool:
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await filled(spool, range(8))
        assert len(await everything(spool, spool.epoch)) == 8
        assert await spool.resume(hub.positions(), HUB) == []
        await filled(spool, range(8, 400))
        await hub.drain(spool)
    assert {(series, slot) for series in (1, 2, 3) for slot in range(8)} <= set(hub.gaps)


async def test_a_hub_that_lost_what_it_took_last_gets_it_again(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_spool(tmp_path, clock=clock) as spool:
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await filled(spool, range(5))
        await hub.drain(spool)
        clock.now_us += spool_taken.KEEP_US - 1
        await filled(spool, range(5, 9))
        taken = await everything(spool, spool.epoch)
        await spool.acknowledged(spool.epoch, 9)
        assert spool.epochs() == []
        assert await spool.resume(hub.positions(), HUB) == []
        assert await everything(spool, spool.epoch) == taken
        assert spool.state().results == 12
        await hub.drain(spool)
        older = ModelHub(hub.public)  # a backup of before all this was put back
        assert await spool.resume(older.positions(), HUB) == []
        clock.now_us += spool_taken.KEEP_US
        older.take((await everything(spool, spool.epoch))[0])
        await spool.acknowledged(spool.epoch, 1)  # nothing goes but what it really has
        await older.drain(spool)
    assert hub.records == older.records
    assert set(hub.records.values()) == {1}
    assert len(hub.records) == 27


async def test_what_was_taken_long_ago_is_gone(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_spool(tmp_path, clock=clock) as spool:
        await filled(spool, range(5))
        await spool.acknowledged(spool.epoch, 5)
        clock.now_us += spool_taken.KEEP_US
        await filled(spool, range(5, 7))
        await spool.acknowledged(spool.epoch, 6)
        (broken,) = await spool.resume([], HUB)
        assert "no longer has batches 1 to 6" in broken.reason
        hub = ModelHub(AgentKey.load_or_make(tmp_path).public)
        await hub.drain(spool)  # what is still here is told in a new epoch
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in (5, 6)}
