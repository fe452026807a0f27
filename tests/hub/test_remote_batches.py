"""What remote agents deliver to a real hub: taken whole and counted once, or kept aside; told once it is on record."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path

import msgspec
import pytest
from support.configs import loaded
from support.hub_links import refused, site, until
from support.hubs import THREE
from support.scripted_agent import new_chain, sealed_as

from checks.core.result import Outcome
from prober import wire
from prober.agent.keys import AgentKey
from prober.hub import remotes as remotes_module
from prober.hub.remotes import MAX_ASIDE_BYTES
from prober.hub.verdict import State
from prober.store.base import ResultQuery, SeriesSlots, StoreBusy, WriteSet
from prober.wire import (
    Ack,
    Ask,
    Challenge,
    Gap,
    Refusal,
    Sealed,
    SpoolState,
    Time,
)  # fmt: skip


async def test_a_batch_is_acknowledged_once_it_is_on_record_with_stamps_of_the_hub_s_clock(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        sealed = agent.chain.next([hub.record("fra", hub.slot())])
        ack = await agent.deliver(sealed)
        assert (ack.epoch, ack.sequence) == (sealed.epoch, 1)
        assert isinstance(ack, Ack)
        assert ack.received_us == ack.sent_us == hub.rig.wall.now_us
        (receipt,) = await hub.rig.hub.store.receipts()
        assert (receipt.agent, receipt.sequence, receipt.hash) == ("fra-1", 1, agent.chain.previous)
        assert hub.outcomes() == {"pass": 1}


async def test_what_comes_again_is_acknowledged_and_counted_once_even_on_another_link(tmp_path: Path) -> None:
    async with site(tmp_path) as hub:
        async with hub.agent() as agent:
            sealed = agent.chain.next([hub.record("fra", hub.slot())])
            for _ in range(3):
                assert isinstance(await agent.deliver(sealed), Ack)
        async with hub.agent(agent.chain) as again:
            assert again.welcome is not None
            assert [(each.epoch, each.sequence) for each in again.welcome.positions] == [(sealed.epoch, 1)]
            assert isinstance(await again.deliver(sealed), Ack)
        assert hub.outcomes() == {"pass": 1}
        assert hub.rig.view.agents["fra-1"].batches == 1


async def test_a_restarted_hub_knows_agents_and_where_their_chains_stand(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        await agent.deliver(agent.chain.next([hub.record("fra", hub.slot())]))
    async with site(tmp_path, wall=hub.rig.wall) as hub:
        shown = hub.rig.view.agents["fra-1"]
        assert (shown.up, shown.remote, shown.gone_us > 0) == (False, True, True)
        async with hub.agent(agent.chain) as again:
            assert again.welcome is not None
            assert again.welcome.positions[0].hash == agent.chain.previous
            assert isinstance(await again.deliver(again.chain.next()), Ack)


async def test_epochs_are_taken_side_by_side(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        chain, slot = agent.chain, hub.slot()
        old = [chain.next([hub.record("fra", slot - 4 + number)]) for number in range(3)]
        chain.begin_epoch()
        new = [chain.next([hub.record("fra", slot)]), chain.next([hub.record("fra", slot + 1)])]
        for sealed in (new[0], old[0], new[1], old[1], old[2]):
            assert isinstance(await agent.deliver(sealed), Ack)
        assert hub.outcomes() == {"pass": 5}


async def test_results_of_another_region_are_aside_and_nothing_of_the_batch_counts(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        slot = hub.slot()
        both = agent.chain.next([hub.record("fra", slot), hub.record("iad", slot)])
        assert "is of region iad and not of fra" in await refused(hub, agent, both)
        assert (hub.outcomes(), hub.outcomes("iad")) == ({}, {})
        assert hub.rig.view.agents["fra-1"].aside == 1


async def test_results_of_an_earlier_configuration_are_taken(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        late = hub.record("fra", hub.slot())
        await hub.rig.hub.reload(loaded(THREE.replace("web", "other")))
        assert isinstance(await agent.deliver(agent.chain.next([late])), Ack)


async def test_a_wrong_signature_a_wrong_place_and_damage_are_aside(tmp_path: Path) -> None:
    chain = new_chain("fra-1")
    async with site(tmp_path) as hub:
        async with hub.agent(chain):
            pass  # it learns which hub this is
        body = wire.encode(chain.batch([hub.record("fra", hub.slot())]))
        right = sealed_as(body, chain.key, chain.epoch, 1)
        wrong = {
            "signature": msgspec.structs.replace(right, signature=AgentKey.make().sign(body)),
            "came as": msgspec.structs.replace(right, sequence=2),
            "cut short": msgspec.structs.replace(right, packed=right.packed[:-3]),
            "no batch is in it": sealed_as(wire.encode(Ask(1)), chain.key, chain.epoch, 1),
        }
        for words, sealed in wrong.items():
            async with hub.agent(chain) as agent:
                assert words in await refused(hub, agent, sealed)
        async with hub.agent(chain) as agent:
            assert isinstance(await agent.deliver(right), Ack)  # the chain is as it was


async def test_another_agent_s_batch_is_aside_and_says_nothing_of_that_agent_s_chain(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent(new_chain("fra-2")) as second, hub.agent() as first:
        taken = second.chain.next([hub.record("fra", hub.slot())])
        await second.deliver(taken)
        body = wire.encode(msgspec.structs.replace(first.chain.batch(), agent="fra-2"))
        assert await refused(hub, first, sealed_as(body, first.chain.key, first.chain.epoch, 1)) == (
            "tells of another agent"
        )


async def test_few_bytes_that_stand_for_many_are_aside_and_not_unpacked(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        bomb = zlib.compress(b"B" + bytes(64 * 2**20), 9)
        assert len(bomb) < 2**17
        sealed = Sealed(agent.chain.epoch, 1, bomb, agent.chain.key.sign(b""))
        assert "more than" in await refused(hub, agent, sealed)


async def test_a_signed_batch_of_millions_of_values_is_refused_before_anything_is_made_of_it(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        fields = msgspec.msgpack.decode(wire.encode(agent.chain.batch())[1:])
        fields[wire.Batch.__struct_fields__.index("gaps")] = [[1, 2, 3, ""]] * 800_000
        body = b"B" + msgspec.msgpack.encode(fields)
        sealed = sealed_as(body, agent.chain.key, agent.chain.epoch, 1)
        assert len(sealed.packed) < 2**16
        assert "of length <= 20000" in await refused(hub, agent, sealed)


async def test_after_one_that_is_aside_what_follows_is_put_off_and_a_new_epoch_goes_on(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        chain, slot = agent.chain, hub.slot()
        await agent.deliver(chain.next([hub.record("fra", slot - 1)]))
        bad = chain.batch([hub.record("iad", slot)])
        sealed, follower = chain.seal(bad), chain.next([hub.record("fra", slot)])
        await refused(hub, agent, sealed)
        put_off = await agent.deliver(follower)
        assert isinstance(put_off, Refusal)
        assert (put_off.fate, len(await hub.rig.hub.store.aside(10))) == ("retry", 1)
        chain.begin_epoch()
        assert isinstance(await agent.deliver(chain.next([hub.record("fra", slot)])), Ack)
        assert hub.outcomes() == {"pass": 2}


async def test_a_hole_is_aside_and_on_a_new_link_the_missing_batch_is_still_taken(tmp_path: Path) -> None:
    async with site(tmp_path) as hub:
        async with hub.agent() as agent:
            first, second = (agent.chain.next([hub.record("fra", hub.slot() - at)]) for at in (1, 0))
            assert await refused(hub, agent, second) == "does not follow batch 0: batch 1 is missing"
        async with hub.agent(agent.chain) as again:
            assert [type(await again.deliver(sealed)) for sealed in (first, second)] == [Ack, Ack]


async def test_an_agent_with_too_much_kept_aside_is_sent_away_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotes_module, "ASIDE", remotes_module.Pace(per_second=0.001, burst=2))
    async with site(tmp_path) as hub:
        chain = new_chain("fra-1")
        for expected in ("aside", "aside", "retry"):
            async with hub.agent(chain) as agent:
                chain.begin_epoch()
                answer = await agent.deliver(chain.next([hub.record("iad", hub.slot())]))
                assert isinstance(answer, Refusal)
                assert answer.fate == expected
                if expected == "retry":
                    assert await agent.is_closed()
        assert len(await hub.rig.hub.store.aside(10)) == 2


async def test_of_a_large_batch_that_is_aside_the_beginning_is_kept(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        sealed = Sealed(agent.chain.epoch, 1, b"?" * MAX_ASIDE_BYTES, b"")
        assert isinstance(await agent.deliver(sealed), Refusal)
        (row,) = await hub.rig.hub.store.aside(10)
        whole = wire.encode(sealed)
        assert row.data == whole[:MAX_ASIDE_BYTES]
        assert f"of {len(whole)} bytes the first {MAX_ASIDE_BYTES} are kept" in row.reason


async def test_what_a_wrong_clock_dates_ahead_is_aside_and_the_reason_names_the_clock(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        ahead = hub.record("fra", hub.slot() + 60, Outcome.VOID)
        assert "clock is wrong" in await refused(hub, agent, agent.chain.next([ahead]))


async def test_a_slot_that_is_told_of_ahead_of_its_time_holds_up_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as hub:
        number, slot = hub.rig.number("fra"), hub.slot()
        async with hub.agent() as one:
            assert isinstance(
                await one.deliver(one.chain.next(gaps=[Gap(number, slot, slot + 3, "late")])), Ack
            )
        async with hub.agent(new_chain("fra-2")) as other:
            (series, *_) = (await other.assigned(1)).series
            assert series.number == number
            assert series.resume_slot == hub.rig.wall.now_us // series.interval_us + 1


async def test_an_epoch_whose_end_never_came_is_reported(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        chain = agent.chain
        await agent.deliver(chain.next([hub.record("fra", hub.slot() - 1)]))
        chain.next([hub.record("fra", hub.slot())])  # never offered
        chain.begin_epoch()
        chain.spool = SpoolState(batches=1, results=1, bytes=1, oldest_us=1)
        assert isinstance(await agent.deliver(chain.next()), Ack)
        assert await hub.rig.hub.store.aside(10) == []
        chain.spool = SpoolState(batches=0, results=0, bytes=0, oldest_us=0)
        assert isinstance(await agent.deliver(chain.next()), Ack)
        await until(lambda: hub.rig.view.agents["fra-1"].aside == 1)
        await agent.deliver(chain.next())
        assert [row.reason for row in await hub.rig.hub.store.aside(10)] == [
            "the last batches of this epoch never came"
        ]


async def test_what_is_no_message_ends_the_link_with_words(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        await agent.send(b"S\xff\xff\xff")
        refusal = await agent.next(Refusal)
        assert (refusal.fate, refusal.epoch) == ("stop", 0)
        assert await agent.is_closed()


@pytest.mark.parametrize(("epoch", "sequence"), [(0, 1), (2**63, 1), (1, 0), (1, 2**63)])
async def test_a_place_that_no_batch_can_have_ends_the_link(
    tmp_path: Path, epoch: int, sequence: int
) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        await agent.send(Sealed(epoch, sequence, b"", b""))
        assert (await agent.next(Refusal)).fate == "stop"
        assert await agent.is_closed()


# A store that takes nothing.


async def test_while_nothing_can_be_stored_nothing_is_acknowledged_and_the_link_lives(tmp_path: Path) -> None:
    """What comes again on a new link meanwhile is not acknowledged either, and is counted once in the end."""
    async with site(tmp_path) as hub:
        store, full = hub.rig.hub.store, asyncio.Event()
        full.set()
        write = store.write

        async def busy(writes: WriteSet) -> None:
            if full.is_set():
                raise StoreBusy("disk full")
            await write(writes)

        async with hub.agent() as agent:
            store.write = busy  # type: ignore[method-assign]  # a disk that is full for a while
            sealed = agent.chain.next([hub.record("fra", hub.slot())])
            await agent.send(sealed)
            await until(lambda: not hub.rig.view.store.writable)
            await agent.send(Ask(1))
            await agent.next(Time)
        async with hub.agent(agent.chain) as again:
            assert again.welcome is not None
            assert again.welcome.positions == ()  # nothing is on record yet
            await again.send(sealed)
            await again.send(Ask(2))
            await again.next(Time)
            assert not [message for message in again.came if isinstance(message, Ack)]
            full.clear()
            assert isinstance(await again.next(Ack), Ack)
        assert hub.outcomes() == {"pass": 1}


async def test_a_new_agent_waits_until_it_is_on_record_and_is_sent_away_where_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotes_module, "ENROL_SECONDS", 0.3)
    async with site(tmp_path) as hub:
        store, write = hub.rig.hub.store, hub.rig.hub.store.write

        async def busy(writes: WriteSet) -> None:
            raise StoreBusy("disk full")

        store.write = busy  # type: ignore[method-assign]
        chain = new_chain("fra-1")
        for _ in range(2):  # known in memory is not on record
            async with hub.agent(chain, introduce=False) as agent:
                await agent.send(agent.hello(await agent.next(Challenge)))
                assert (await agent.next(Refusal)).fate == "retry"
        store.write = write  # type: ignore[method-assign]
        await until(lambda: hub.rig.view.store.writable)
        async with hub.agent(chain):
            pass


async def test_of_agents_that_all_run_everything_the_better_evidence_is_the_slots(tmp_path: Path) -> None:
    text = THREE.replace("fra: {title: Frankfurt,", "fra: {title: Frankfurt, agents: all,")
    async with site(tmp_path, text) as hub, hub.agent() as one, hub.agent(new_chain("fra-2")) as other:
        slot = hub.slot()
        for agent in (one, other):
            assert isinstance(await agent.deliver(agent.chain.next([hub.record("fra", slot - 1)])), Ack)
        failed = asyncio.create_task(one.deliver(one.chain.next([hub.record("fra", slot, Outcome.FAIL)])))
        for asked in range(1, 6):  # by now what was sent before has been read
            await other.send(Ask(asked))
            await other.next(Time)
        assert not failed.done()
        passed = other.deliver(other.chain.next([hub.record("fra", slot)]))
        assert isinstance(await passed, Ack)
        assert isinstance(await failed, Ack)
        assert hub.outcomes()["pass"] == 2
        query = ResultQuery(series=[SeriesSlots(series=hub.rig.number("fra"), from_slot=slot, to_slot=slot)])
        found = (await hub.rig.hub.store.results(query)).rows
        assert sorted((row.kind, row.outcome) for row in found) == [(0, "pass"), (3, "fail")]
        assert hub.rig.view.probes["web"].regions["fra"].state is State.UP
