"""A whole remote agent as a process, against a hub that misbehaves: nothing is lost, doubled or told wrongly."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from support.fake_hub import FakeHub, fake_hub
from support.remote_agents import agent, assignment, more, series, watched
from support.tcp_peer import Conversation, tcp_peer

from checks.core.result import Outcome
from prober.agent.cache import Cache
from prober.agent.remote import IDLE_SECONDS
from prober.wire import Kind, Recheck


def accounted(hub: FakeHub, number: int) -> list[int]:
    """Return every slot that a result or a gap stands for, as often as it does."""
    slots = hub.slots(number)
    for first, last, _reason in hub.gaps(number):
        slots += range(first, last + 1)
    return sorted(slots)


def reasons(hub: FakeHub) -> set[str]:
    """Return why slots of series 1 have no result; on a busy machine some are late."""
    return {reason for _, _, reason in hub.gaps(1)}


def assert_all_is_told_once(hub: FakeHub) -> None:
    """No slot is missing between the first and the last, none is told twice, and batches came in order."""
    for number in (1, 2):
        slots = accounted(hub, number)
        assert slots == list(range(slots[0], slots[-1] + 1))
        assert hub.slots(number) == sorted(hub.slots(number))
    for _epoch, group in itertools.groupby(sorted(hub.order), key=lambda place: place[0]):
        assert [sequence for _, sequence in group] == [
            sequence for epoch, sequence in hub.order if epoch == _epoch
        ]
    assert hub.refused == []


def assert_nothing_came_after_it_was_said_to_be_complete(hub: FakeHub) -> None:
    complete_us = 0
    for batch in hub.batches():
        starts = [record.result.started_us for record in batch.records]
        assert all(started_us >= complete_us for started_us in starts)
        complete_us = max(complete_us, batch.complete_us)
    assert complete_us


# --- delivering ---


async def test_results_arrive_once_and_in_order_over_cut_links_and_a_killed_agent(tmp_path: Path) -> None:
    async with watched() as (hub, _):
        for _life in range(2):
            async with agent(tmp_path, hub) as running:
                for _cut in range(2):
                    await hub.until(more(hub, 8))
                    hub.drop()
                await hub.until(more(hub, 8))
                await running.stop(signal.SIGKILL)
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 5))
            assert await running.stop() == 0
    assert_all_is_told_once(hub)
    assert_nothing_came_after_it_was_said_to_be_complete(hub)
    assert "agent_off" in reasons(hub)
    assert len({hello.key for hello in hub.hellos}) == 1


async def test_a_hub_that_acknowledges_late_gets_nothing_twice(tmp_path: Path) -> None:
    async with watched() as (hub, _), agent(tmp_path, hub) as running:
        await hub.until(more(hub, 3))
        hub.holding = True
        await hub.until(more(hub, 5))
        await hub.until(lambda: hub.most_unanswered >= 3)
        await hub.release()
        await hub.until(more(hub, 10))
        assert await running.stop() == 0
    assert_all_is_told_once(hub)
    assert hub.repeated == 0
    assert hub.most_unanswered <= 8


async def test_while_the_hub_is_away_measuring_goes_on_and_all_of_it_is_delivered(tmp_path: Path) -> None:
    async with watched() as (hub, peer), agent(tmp_path, hub) as running:
        await hub.until(more(hub, 5))
        await hub.stop()
        looked = len(peer.peers)
        await hub.until(lambda: len(peer.peers) >= looked + 40)
        await hub.start()
        await hub.until(more(hub, 25))
        assert await running.stop() == 0
        assert running.told("lost the hub")
        assert len(running.told("connected to the hub")) == 2
    assert_all_is_told_once(hub)
    assert "agent_off" not in reasons(hub)


async def test_an_agent_starts_without_the_hub_from_what_it_was_told_last(tmp_path: Path) -> None:
    async with watched() as (hub, peer):
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 5))
            assert await running.stop() == 0
        await hub.stop()
        before = len(peer.peers)
        async with agent(tmp_path, hub) as running:
            await hub.until(lambda: len(peer.peers) > before + 10)
            began, went_on = running.told("started")[-2:]
            assert went_on["event"].startswith("started without the hub")
            assert _instant(went_on) - _instant(began) < timedelta(seconds=3)
            await hub.start()
            await hub.until(more(hub, 5))
            assert await running.stop() == 0
    assert_all_is_told_once(hub)
    assert "agent_off" in reasons(hub)


async def test_what_is_left_when_the_hub_is_away_at_the_stop_comes_with_the_next_start(
    tmp_path: Path,
) -> None:
    async with watched() as (hub, peer):
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 3))
            await hub.stop()
            looked = len(peer.peers)
            await hub.until(lambda: len(peer.peers) >= looked + 10)
            assert await running.stop() == 0
        await hub.start()
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 8))
            assert await running.stop() == 0
    assert [batch.leaving for batch in hub.batches() if batch.leaving] == [True]  # of the second life
    assert_all_is_told_once(hub)


async def test_what_is_still_in_flight_is_not_said_to_be_complete(tmp_path: Path) -> None:
    """Batches go out every second; a run that takes longer began before those that were sealed meanwhile."""

    async def slow(conversation: Conversation) -> None:
        await asyncio.sleep(1.5)
        await conversation.send(b"hello\r\n")

    async with tcp_peer(slow) as peer, fake_hub() as hub:
        options = b'{"address": "127.0.0.1:%d", "dialogue": [{"expect": "^hello"}]}' % peer.port
        pace = {"interval_us": 2_000_000, "timeout_us": 5_000_000}
        hub.assignment = assignment(*(series(each, peer.port, options=options, **pace) for each in (1, 2)))
        async with agent(tmp_path, hub):
            await hub.until(lambda: len(hub.slots(1)) >= 2 and len(hub.slots(2)) >= 2)
    assert {record.result.outcome for record in hub.records()} == {Outcome.PASS}
    assert_nothing_came_after_it_was_said_to_be_complete(hub)


async def test_a_leaving_agent_delivers_everything_and_says_what_it_broke_off(tmp_path: Path) -> None:
    async def never(conversation: object) -> None:
        await asyncio.get_running_loop().create_future()

    options = b'{"address": "127.0.0.1:%d", "dialogue": [{"expect": "^220 "}]}'
    async with tcp_peer(never) as peer, fake_hub() as hub:
        slow = {"options": options % peer.port, "interval_us": 5_000_000, "timeout_us": 4_900_000}
        hub.assignment = assignment(series(1, peer.port, **slow))
        async with agent(tmp_path, hub) as running:
            await hub.until(lambda: bool(peer.peers))
            assert await running.stop() == 0
    assert "agent_off" in reasons(hub)
    assert all(batch.complete_us <= time.time_ns() // 1000 for batch in hub.batches())


async def test_the_last_batch_says_that_it_is_the_last_and_that_nothing_waits(tmp_path: Path) -> None:
    async with watched() as (hub, _), agent(tmp_path, hub) as running:
        await hub.until(more(hub, 3))
        assert await running.stop() == 0
    *before, last = hub.batches()
    assert (last.leaving, last.records) == (True, ())
    assert last.spool is not None
    assert last.spool.batches == 0
    assert not any(batch.leaving for batch in before)
    assert last.complete_us >= max(batch.complete_us for batch in before)
    assert last.epoch >= hub.hellos[-1].started_us


async def test_an_agent_that_could_not_deliver_all_does_not_say_that_it_leaves(tmp_path: Path) -> None:
    async with watched() as (hub, _), agent(tmp_path, hub) as running:
        await hub.until(more(hub, 3))
        hub.holding = True
        await hub.until(lambda: hub.most_unanswered >= 1)
        assert await running.stop() == 0
    assert not any(batch.leaving for batch in hub.batches())


def pauses_of_empty_batches(hub: FakeHub) -> list[float]:
    """Return how many seconds lay between batches without anything in them, by when they were complete."""
    told = [batch.complete_us for batch in hub.batches() if not batch.records and not batch.gaps]
    return [(after - before) / 1e6 for before, after in itertools.pairwise(told)]


async def test_an_idle_agent_spares_its_disk_and_says_all_the_same_how_far_it_is_complete(
    tmp_path: Path,
) -> None:
    async with watched() as (hub, peer):
        hub.assignment = assignment(series(1, peer.port, interval_us=3_600_000_000))
        async with agent(tmp_path, hub):
            await hub.until(lambda: len(pauses_of_empty_batches(hub)) >= 2)
    assert min(pauses_of_empty_batches(hub)) >= IDLE_SECONDS
    assert max(pauses_of_empty_batches(hub)) < 2 * IDLE_SECONDS


def _instant(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


async def test_what_an_earlier_life_left_comes_alongside_new_results(tmp_path: Path) -> None:
    async with watched() as (hub, peer):
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 3))
            await hub.stop()
            looked = len(peer.peers)
            await hub.until(lambda: len(peer.peers) >= looked + 20)
            await running.stop(signal.SIGKILL)
        hub.holding = True
        await hub.start()
        async with agent(tmp_path, hub) as running:
            await hub.until(lambda: len({epoch for epoch, _ in hub.order}) == 2)
            await hub.release()
            await hub.until(more(hub, 20))
            assert await running.stop() == 0
    assert_all_is_told_once(hub)


# --- orders ---


async def test_a_recheck_is_run_at_once(tmp_path: Path) -> None:
    async with watched() as (hub, peer):
        hub.assignment = assignment(series(1, peer.port, interval_us=60_000_000))
        async with agent(tmp_path, hub) as running:
            await hub.until(lambda: bool(running.told("assigned")))
            asked = time.monotonic()
            await hub.send(Recheck((1,)))
            await hub.until(
                lambda: any(
                    record.kind == Kind.RECHECK for batch in hub.batches() for record in batch.records
                )
            )
            assert time.monotonic() - asked < 1.0


async def test_another_assignment_is_taken_over_at_once_and_results_carry_its_digest(tmp_path: Path) -> None:
    async with watched() as (hub, peer), agent(tmp_path, hub):
        await hub.until(more(hub, 3))
        await hub.assign(assignment(series(1, peer.port), series(3, peer.port), digest="d2"))
        await hub.until(lambda: len(hub.slots(3)) >= 3)
        told = [(batch.digest, record.series) for batch in hub.batches() for record in batch.records]
        assert ("d1", 3) not in told
        assert ("d2", 2) not in told
        assert Cache(tmp_path / "spool").load() == hub.assignment


async def test_a_probe_that_this_release_cannot_run_costs_no_other_its_results(tmp_path: Path) -> None:
    async with watched() as (hub, peer):
        strange = series(3, peer.port, kind="telepathy", options=b'{"secret": "s3cret"}')
        wrong = series(4, peer.port, options=b'{"address": "127.0.0.1:1", "later": "s3cret"}')
        hub.assignment = assignment(series(1, peer.port), strange, wrong)
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 3))
            (told,) = running.told("some probes cannot be run")
        assert told["probes"] == ["p3 (telepathy, KeyError)", "p4 (tcp, ValidationError)"]
        assert "s3cret" not in running.log


async def test_a_hub_with_another_store_begins_anew_and_gets_nothing_of_the_first(tmp_path: Path) -> None:
    async with watched() as (hub, peer), agent(tmp_path, hub) as running:
        await hub.until(more(hub, 3))
        await hub.stop()
        looked = len(peer.peers)
        await hub.until(lambda: len(peer.peers) >= looked + 10)
        hub.store_id, hub.chains, hub.order = b"another-store-id", {}, []
        hub.assignment = assignment(series(1, peer.port), hub=b"another-store-id")
        await hub.start()
        await hub.until(lambda: len(hub.slots(1)) >= 5)
        assert await running.stop() == 0
    assert {batch.hub for batch in hub.batches()} == {b"another-store-id"}
    assert running.told("some results were measured for another hub's store")
    slots = accounted(hub, 1)
    assert slots == list(range(slots[0], slots[-1] + 1))
