"""Links of remote agents to a real hub: who comes in, who runs what and is asked what, and how links end."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from pathlib import Path

import pytest
from support.configs import loaded
from support.hub_links import site, until
from support.hubs import THREE, S
from support.scripted_agent import new_chain

from checks.core.result import Outcome
from prober import wire
from prober.hub import remote as module
from prober.web import agents as web_module
from prober.wire import (
    Ack,
    Alone,
    Ask,
    Assignment,
    Challenge,
    ClockState,
    Cutoff,
    Goodbye,
    Recheck,
    Refusal,
    SpoolState,
    Time,
    Welcome,
)  # fmt: skip

TWO_PROBES = THREE.replace("services:", '  - name: db\n    tcp: {address: "127.0.0.1:9"}\nservices:')


# Who comes in.


async def test_a_new_agent_is_pinned_welcomed_and_told_what_it_runs(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        assert agent.challenge is not None
        assert agent.challenge.region == "fra"
        assert agent.welcome is not None
        assert (agent.welcome.positions, agent.welcome.asked_us) == ((), 41)
        told = await agent.assigned()
        assert [series.region for series in told.series] == ["fra"]
        assert (told.hub, told.max_clock_offset_us) == (agent.challenge.hub, 2_000_000)
        (row,) = await hub.rig.hub.store.agents()
        assert (row.name, row.region, row.key) == ("fra-1", "fra", agent.chain.key.public)
        shown = hub.rig.view.agents["fra-1"]
        assert (shown.up, shown.remote, shown.regions) == (True, True, ("fra",))
        assert (shown.software, shown.wire_version) == ("0.9-test", wire.VERSION)
    assert not shown.up


async def test_a_region_s_agent_gets_its_canaries_resolver_and_address_and_no_other_s_secrets(
    tmp_path: Path,
) -> None:
    text = """
regions:
  fra: {token: 0123456789abcdef-1, canaries: ["tcp://192.0.2.1:53"], source_address: "192.0.2.10",
        resolver: {servers: ["192.0.2.53"]}}
  iad: {token: 0123456789abcdef-2, canaries: ["tcp://192.0.2.2:53"]}
agents: {max_clock_offset: 500ms}
probes:
  - {name: web, tcp: {address: "127.0.0.1:9"}}
  - name: secret
    regions: [iad]
    http: {url: "http://127.0.0.1:9/", auth: {basic: {username: u, password: s3cret-word}}}
"""
    async with site(tmp_path, text) as hub, hub.agent() as fra, hub.agent(region="iad") as iad:
        told, other = await fra.assigned(), await iad.assigned()
        assert [(each.region, each.targets) for each in told.canaries] == [("fra", ("tcp://192.0.2.1:53",))]
        assert [each.region for each in told.resolvers] == ["fra"]
        assert told.series[0].source_address == "192.0.2.10"
        assert told.max_clock_offset_us == 500_000
        assert b"s3cret-word" not in wire.encode(told)
        assert b"s3cret-word" in wire.encode(other)


@pytest.mark.parametrize(
    ("version", "oldest", "words"),
    [
        (wire.OLDEST - 1, 0, "upgrade the agent"),
        (wire.VERSION + 2, wire.VERSION + 1, "upgrade the hub"),
        (wire.VERSION + 1, wire.VERSION + 1, "upgrade the hub"),
    ],
)
async def test_a_version_that_is_not_understood_is_refused_with_who_has_to_be_upgraded(
    tmp_path: Path, version: int, oldest: int, words: str
) -> None:
    async with site(tmp_path) as hub, hub.agent(introduce=False) as agent:
        await agent.send(agent.hello(await agent.next(Challenge), version=version, oldest=oldest))
        refusal = await agent.next(Refusal)
        assert (refusal.epoch, refusal.fate) == (0, "stop")
        assert words in refusal.reason
        assert await agent.is_closed()


async def test_one_release_later_is_understood_and_what_it_says_anew_is_passed_over(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent(introduce=False) as agent:
        await agent.send(b"\xf0what a later release says")
        await agent.introduce(version=wire.VERSION + 1, oldest=wire.VERSION)
        await agent.send(b"\xf1more of it")
        await agent.send(Ask(7))
        assert (await agent.next(Time)).asked_us == 7


async def test_another_key_under_a_known_name_is_refused_until_the_hub_forgets_the_first(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as hub:
        async with hub.agent():
            pass
        async with hub.agent(new_chain("fra-1"), introduce=False) as stranger:
            await stranger.send(stranger.hello(await stranger.next(Challenge)))
            refusal = await stranger.next(Refusal)
            assert (refusal.fate, "prober regions forget fra-1" in refusal.reason) == ("stop", True)
        assert "another key" in hub.rig.view.agents["fra-1"].refused
        assert await hub.rig.hub.remotes.forget("fra-1")
        assert "fra-1" not in hub.rig.view.agents
        async with hub.agent(new_chain("fra-1")) as agent:
            (row,) = await hub.rig.hub.store.agents()
            assert row.key == agent.chain.key.public
        assert not await hub.rig.hub.remotes.forget("nobody")


async def test_forgetting_an_agent_ends_its_link(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        assert await hub.rig.hub.remotes.forget("fra-1")
        assert (await agent.next(Refusal)).fate == "retry"
        assert await agent.is_closed()
        await until(lambda: not hub.rig.hub.remotes.linked)
        assert ("fra-1" in hub.rig.view.agents, await hub.rig.hub.store.agents()) == (False, [])


async def test_who_says_nothing_after_the_challenge_is_shown_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELLO_SECONDS", 0.2)
    async with site(tmp_path) as hub, hub.agent(introduce=False) as agent:
        await agent.next(Challenge)
        assert await agent.is_closed()


# What agents are told and asked.


async def test_a_changed_configuration_arrives_within_a_second(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        first = await agent.assigned()
        began = time.monotonic()
        await hub.rig.hub.reload(loaded(TWO_PROBES))
        told = await agent.assigned(2)
        assert time.monotonic() - began < 1.0
        assert told.digest != first.digest


async def test_two_agents_share_a_region_and_one_takes_over_when_the_other_goes(tmp_path: Path) -> None:
    text = "\n".join(
        ["regions: {fra: {token: 0123456789abcdef-1}}", "defaults: {interval: 1s, timeout: 500ms}", "probes:"]
        + [f'  - {{name: p{number}, tcp: {{address: "127.0.0.1:9"}}}}' for number in range(12)]
    )
    async with site(tmp_path, text) as hub, hub.agent(new_chain("a")) as first:
        assert len((await first.assigned(12)).series) == 12
        async with hub.agent(new_chain("b")) as second:
            shared = await second.assigned()
            kept = await first.assigned(12 - len(shared.series))
            numbers = {series.number for series in (*kept.series, *shared.series)}
            assert (len(numbers), 0 < len(shared.series) < 12) == (12, True)
            gone = time.monotonic()
        await first.assigned(12)
        assert time.monotonic() - gone < 2.0  # two intervals
        assert hub.rig.view.agents["a"].series == 12


async def test_an_agent_that_comes_back_at_once_finds_its_work_and_nobody_else_got_it(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent(new_chain("a")) as first:
        chain = new_chain("b")
        async with hub.agent(chain) as second:
            shared = await second.assigned()
            kept = await first.assigned(1 - len(shared.series))
        async with hub.agent(chain) as again:
            assert (await again.assigned()).series == shared.series
        await hub.rig.hub.reload(loaded(THREE))
        assert (await first.assigned()).series == kept.series
        assert first.came == []


async def test_agents_of_a_region_that_says_all_run_all(tmp_path: Path) -> None:
    text = TWO_PROBES.replace("title: Frankfurt,", "title: Frankfurt, agents: all,")
    async with site(tmp_path, text) as hub, hub.agent(new_chain("a")) as a, hub.agent(new_chain("b")) as b:
        assert [len((await agent.assigned()).series) for agent in (a, b)] == [2, 2]
        hub.rig.hub.remotes.recheck({hub.rig.number("fra")})
        assert [(await agent.next(Recheck)).series for agent in (a, b)] == [(hub.rig.number("fra"),)] * 2


async def test_a_first_failure_makes_the_other_regions_look_within_a_second(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as fra, hub.agent(region="iad") as iad:
        await iad.assigned()
        slot = hub.slot()
        await fra.deliver(fra.chain.next([hub.record("fra", slot - 1)]))
        await iad.deliver(iad.chain.next([hub.record("iad", slot - 1)]))
        began = time.monotonic()
        await fra.deliver(fra.chain.next([hub.record("fra", slot, Outcome.FAIL)]))
        assert (await iad.next(Recheck)).series == (hub.rig.number("iad"),)
        assert time.monotonic() - began < 1.0
        assert not [message for message in fra.came if isinstance(message, Recheck)]


async def test_only_who_runs_a_series_is_told_that_its_region_is_alone(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as fra, hub.agent(region="iad") as iad:
        await fra.assigned()
        await iad.assigned()
        hub.rig.hub.remotes.alone("fra", hub.rig.number("fra"))
        assert await fra.next(Alone) == Alone("fra", hub.rig.number("fra"))
        await iad.send(Ask(1))
        await iad.next(Time)
        assert not [message for message in iad.came if isinstance(message, Alone)]


async def test_an_agent_that_asks_the_time_gets_its_own_stamp_back(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        hub.rig.wall.now_us += 5 * S
        await agent.send(Ask(1234))
        assert await agent.next(Time) == Time(1234, hub.rig.wall.now_us, hub.rig.wall.now_us)


async def test_what_an_agent_says_of_itself_and_its_region_is_shown(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        one, now_us = hub.record("fra", hub.slot()), hub.rig.wall.now_us
        spool = SpoolState(batches=3, results=9, bytes=99, oldest_us=one.result.started_us - 7 * S)
        batch = agent.chain.batch(
            [one], clock=ClockState(5, 2, now_us), spool=spool, complete_us=now_us - S,
            cutoffs=(Cutoff("fra", now_us, False, ("no answer",)), Cutoff("iad", now_us, False, ("not ours",))),
        )  # fmt: skip
        await agent.deliver(agent.chain.seal(batch))
        shown, watches = hub.rig.view.agents["fra-1"], hub.rig.view.regions
        assert (shown.clock, shown.spool, shown.batches, shown.results) == (
            ClockState(5, 2, now_us),
            spool,
            1,
            1,
        )
        assert shown.complete_us == spool.oldest_us  # something older still waits
        assert (watches["fra"].cut_off, watches["fra"].evidence) == (True, ("no answer",))
        assert not watches["iad"].cut_off
        await agent.deliver(agent.chain.seal(agent.chain.batch([], complete_us=now_us - S)))
        assert shown.complete_us == now_us - S
        hub.rig.hub.lookout.tick()
        assert watches["fra"].complete_us == now_us - S


# How links end.


async def test_a_silent_link_is_dead_and_one_that_gives_signs_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.5)
    async with site(tmp_path) as hub, hub.agent() as lively, hub.agent(region="iad") as silent:
        closed = asyncio.create_task(silent.is_closed())
        while not closed.done():
            await lively.socket.ping()
            await asyncio.sleep(0.1)
        assert (hub.rig.view.agents["fra-1"].up, hub.rig.view.agents["iad-1"].up) == (True, False)


async def test_a_token_is_replaced_without_a_gap_and_one_that_is_withdrawn_ends_its_link(
    tmp_path: Path,
) -> None:
    old = "token: 0123456789abcdef-1"
    async with site(tmp_path) as hub, hub.agent() as agent:
        await hub.rig.hub.reload(
            loaded(THREE.replace(old, "token: [0123456789abcdef-1, 0123456789abcdef-9]"))
        )
        assert isinstance(await agent.deliver(agent.chain.next()), Ack)
        await hub.rig.hub.reload(loaded(THREE.replace(old, "token: 0123456789abcdef-9")))
        refusal = await agent.next(Refusal)
        assert (refusal.fate, "no longer valid" in refusal.reason) == ("retry", True)
        assert await agent.is_closed()
        assert hub.rig.hub.remotes.find("0123456789abcdef-1") is None


async def test_a_newer_link_of_an_agent_takes_the_place_of_the_older(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as old, hub.agent(old.chain) as new:
        assert await old.is_closed()
        assert isinstance(await new.deliver(new.chain.next([hub.record("fra", hub.slot())])), Ack)
        assert hub.rig.view.agents["fra-1"].up


async def test_a_hub_that_stops_says_goodbye(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:
        await hub.rig.hub.remotes.stop()
        assert isinstance(await agent.next(Goodbye), Goodbye)
        assert await agent.is_closed()
        assert hub.rig.hub.remotes.why_not("fra") == "the hub stops"


def large(number: int) -> str:
    """A configuration that is long to tell to the agents of one region."""
    body = "x" * 60_000
    probes = [
        f'  - {{name: p{each}, regions: [fra], http: {{url: "http://127.0.0.1:9/{number}", body: {body}}}}}'
        for each in range(16)
    ]
    return "\n".join([THREE.partition("services:")[0], *probes])


async def test_an_agent_that_takes_nothing_is_given_up_and_others_notice_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_module, "SEND_SECONDS", 0.3)
    async with site(tmp_path) as hub, hub.agent() as stuck, hub.agent(region="iad") as other:
        await stuck.assigned()
        stuck.pause()
        shown = hub.rig.view.agents["fra-1"]
        async with asyncio.timeout(30):
            for number in count():  # each is told in a megabyte, until nothing goes any more
                if not shown.up:
                    break
                await hub.rig.hub.reload(loaded(large(number)))
                assert isinstance(await other.deliver(other.chain.next()), Ack)
        assert hub.rig.hub.remotes.linked == {"iad-1"}


async def test_an_agent_that_is_too_fast_waits_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MESSAGES", module.Pace(per_second=50, burst=5))
    async with site(tmp_path) as hub, hub.agent() as agent:
        began, slot = time.monotonic(), hub.slot()
        for number in range(20):
            await agent.send(agent.chain.next([hub.record("fra", slot - 20 + number)]))
        while (await agent.next(Ack)).sequence < 20:
            pass
        assert time.monotonic() - began >= 15 / 50
        assert hub.outcomes() == {"pass": 20}


async def test_one_link_s_fault_of_ours_harms_no_other(tmp_path: Path) -> None:
    async with site(tmp_path) as hub, hub.agent() as agent:

        def fail(*_arguments: object) -> None:
            raise RuntimeError("planted")

        hub.rig.hub.remotes.faults = fail  # type: ignore[method-assign, assignment]
        await agent.send(agent.chain.next([hub.record("fra", hub.slot())]))
        assert await agent.is_closed()
        del hub.rig.hub.remotes.faults  # type: ignore[method-assign]
        async with hub.agent(agent.chain) as again:
            assert isinstance(again.welcome, Welcome)
            assert isinstance(await again.assigned(), Assignment)
