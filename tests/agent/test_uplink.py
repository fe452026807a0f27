"""The agent's side of the conversation: everything arrives once and in order, whatever the hub and the link do."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from pathlib import Path

import pytest
from support.fake_hub import LEAVING, TOKEN, fake_hub
from support.uplinks import bench, running, without_pauses

from prober import wire
from prober.agent import uplink as uplink_module
from prober.agent.offset import SAMPLES
from prober.wire import Alone, Assignment, Recheck

ASSIGNMENT = Assignment(
    version=wire.VERSION, digest="d", seed=bytes(32), series=(), max_lag_us=0, max_in_flight=1, hub=b"store-of-the-hub"
)  # fmt: skip


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


# --- delivering ---


async def test_what_is_appended_arrives_once_and_in_order(tmp_path: Path) -> None:
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        await made.append(30)
        await hub.until(lambda: len(hub.slots(1)) == 30)
        await made.append(5)
        await hub.until(lambda: len(hub.slots(1)) == 35)
        await hub.until(lambda: made.spool.state().batches == 0)
    assert hub.slots(1) == list(range(35))
    assert (hub.repeated, hub.refused) == (0, [])


async def test_an_idle_agent_asks_for_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink_module, "ASK_SECONDS", 0.1)
    async with fake_hub() as hub, running(tmp_path, hub):
        await hub.until(lambda: len(hub.asks) >= 2)


async def test_a_hub_that_answers_nothing_gets_a_window_and_no_more(tmp_path: Path) -> None:
    async with fake_hub(holding=True) as hub, running(tmp_path, hub) as made:
        await made.append(20)
        await hub.until(lambda: len(hub.slots(1)) == 8)
        await made.append(1)
        await hub.release()
        await hub.until(lambda: len(hub.slots(1)) == 21)
    assert hub.slots(1) == list(range(21))
    assert hub.most_unanswered == 8


async def test_nothing_is_lost_or_doubled_over_links_that_are_cut(tmp_path: Path) -> None:
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        for _ in range(8):
            await made.append(10)
            hub.holding = True
            await hub.until(lambda: bool(hub.links))
            hub.drop()
            await made.append(5)
            await hub.release()
            await hub.until(lambda: len(hub.slots(1)) == made.slot)
        await hub.until(lambda: made.spool.state().batches == 0)
    assert hub.slots(1) == list(range(120))
    assert hub.refused == []


async def test_what_was_taken_but_not_acknowledged_is_not_sent_again_on_the_next_link(tmp_path: Path) -> None:
    async with fake_hub(holding=True) as hub, running(tmp_path, hub) as made:
        await made.append(5)
        await hub.until(lambda: len(hub.slots(1)) == 5)
        hub.drop()
        await hub.release()
        await hub.until(lambda: made.spool.state().batches == 0)
    assert hub.repeated == 0


async def test_a_hub_away_is_waited_for(tmp_path: Path) -> None:
    async with fake_hub() as hub:
        await hub.stop()
        async with running(tmp_path, hub) as made:
            await made.append(10)
            await asyncio.wait_for(made.uplink.tried.wait(), 10)
            assert not made.uplink.is_linked
            await hub.start()
            await hub.until(lambda: len(hub.slots(1)) == 10)


async def test_a_hub_that_leaves_is_come_back_to(tmp_path: Path) -> None:
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.uplink.is_linked)
        await hub.send(LEAVING)
        await hub.until(lambda: len(hub.hellos) == 2)


async def test_an_old_backlog_goes_alongside_and_new_results_do_not_wait_for_it(tmp_path: Path) -> None:
    hour_ago_us = time.time_ns() // 1000 - 3_600_000_000
    async with fake_hub() as hub:
        await hub.stop()
        async with running(tmp_path, hub) as made:
            old = made.spool.epoch
            await made.append(200, started_us=hour_ago_us)
            await hub.start()
            await hub.until(lambda: made.uplink.is_linked)
            hub.holding = True
            await made.append(1)
            new = made.spool.epoch
            await hub.until(lambda: (new, 1) in hub.order)
            before = hub.order.index((new, 1))
            await hub.release()
            await hub.until(lambda: len(hub.slots(1)) == 201)
    assert new > old
    assert before < 150
    assert hub.slots(1) == list(range(201))


async def test_a_short_backlog_begins_no_epoch(tmp_path: Path) -> None:
    async with fake_hub() as hub:
        await hub.stop()
        async with running(tmp_path, hub) as made:
            await made.append(3)
            epoch = made.spool.epoch
            await hub.start()
            await hub.until(lambda: len(hub.slots(1)) == 3)
            assert made.spool.epoch == epoch


async def test_epochs_of_earlier_starts_are_delivered_oldest_first(tmp_path: Path) -> None:
    async with fake_hub() as hub:
        for _ in range(3):
            async with bench(tmp_path, hub) as made:
                await made.append(3)
        async with running(tmp_path, hub):
            await hub.until(lambda: len(hub.order) == 9)
    assert hub.order == sorted(hub.order)


async def test_what_was_measured_for_another_hub_is_kept_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_hub() as hub:
        async with bench(tmp_path, hub) as made:
            await made.append(2, hub=b"another store")
        async with running(tmp_path, hub) as made:
            await made.append(1)
            await hub.until(lambda: len(hub.slots(1)) == 1)
            assert made.spool.state().batches == 2
    assert [text for text in caplog.messages if "another hub" in text]


async def test_waiting_until_all_is_delivered_ends_when_it_is_or_when_the_link_is_lost(
    tmp_path: Path,
) -> None:
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.uplink.is_linked)
        await made.append(3)
        await asyncio.wait_for(made.uplink.until_delivered(), 10)
        assert len(hub.slots(1)) == 3
        hub.holding = True
        await made.append(1)
        waiting = asyncio.create_task(made.uplink.until_delivered())
        await hub.until(lambda: len(hub.slots(1)) == 4)
        assert not waiting.done()
        hub.drop()
        await asyncio.wait_for(waiting, 10)


async def test_stopping_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    async with fake_hub(holding=True) as hub:
        async with running(tmp_path, hub) as made:
            await made.append(20)
            await hub.until(lambda: len(hub.slots(1)) == 8)
        await hub.until(lambda: not hub.links)
        assert [task for task in asyncio.all_tasks() if "Uplink" in repr(task)] == []


# --- orders and clocks ---


async def test_orders_are_passed_on(tmp_path: Path) -> None:
    async with fake_hub(assignment=ASSIGNMENT) as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.orders.assigned == [ASSIGNMENT])
        await hub.assign(ASSIGNMENT)
        await hub.send(Recheck((1, 2)))
        await hub.send(Alone("fra", 3))
        await hub.until(lambda: made.orders.told_alone == [Alone("fra", 3)])
    assert made.orders.assigned == [ASSIGNMENT, ASSIGNMENT]
    assert made.orders.rechecked == [(1, 2)]


@pytest.mark.parametrize("ahead_us", [-3_600_000_000, 0, 5_000_000])
async def test_the_offset_to_the_hub_s_clock_is_known_from_the_greeting_on(
    tmp_path: Path, ahead_us: int
) -> None:
    async with fake_hub(ahead_us=ahead_us) as hub, running(tmp_path, hub) as made:
        assert made.uplink.clock_state() is None
        await hub.until(lambda: made.uplink.is_linked)
        greeted = made.uplink.clock_state()
    assert greeted is not None
    assert abs(greeted.offset_us + ahead_us) <= greeted.error_us + 100


async def test_every_acknowledgement_measures_the_offset_anew(tmp_path: Path) -> None:
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.uplink.is_linked)
        hub.ahead_us = 7_000_000
        await made.append(SAMPLES)
        await hub.until(lambda: made.spool.state().batches == 0)
        state = made.uplink.clock_state()
    assert state is not None
    assert abs(state.offset_us + 7_000_000) <= state.error_us + 100


async def test_an_answer_to_a_question_measures_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_module, "ASK_SECONDS", 0.02)
    async with fake_hub() as hub, running(tmp_path, hub) as made:
        await hub.until(lambda: made.uplink.is_linked)
        hub.ahead_us = 7_000_000
        await hub.until(lambda: len(hub.asks) > SAMPLES)
        state = made.uplink.clock_state()
    assert state is not None
    assert abs(state.offset_us + 7_000_000) <= state.error_us + 100


async def test_the_log_has_a_line_for_a_change_and_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with fake_hub() as hub:
        await hub.stop()
        async with running(tmp_path, hub) as made:
            await made.append(5, started_us=time.time_ns() // 1000 - 3_600_000_000)
            await asyncio.wait_for(made.uplink.tried.wait(), 10)
            await asyncio.sleep(0.5)  # some more tries, which must not be told
            await hub.start()
            await hub.until(lambda: made.spool.state().batches == 0)
            hub.drop()
            await hub.until(lambda: len(hub.hellos) == 2)
    ours = [record.getMessage() for record in caplog.records if record.name == "prober.agent"]
    assert ours == [
        "no link to the hub",
        "connected to the hub",
        "the backlog has been delivered",
        "lost the hub",
        "connected to the hub",
    ]
    shown = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert TOKEN not in shown
    assert not re.search(r"(?i)bearer", shown)
