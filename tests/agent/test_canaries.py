"""Canaries are asked at once and the way checks connect; what they say is about the network, not about them."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.dns_peer import SILENT, dns_peer, records
from support.sights import Hole, hole, listening
from support.tcp_peer import Conversation, close_at_once, never_accepting, refused, tcp_peer

from checks.core.failures import Code
from checks.core.link import Address
from checks.core.reactor import Reactor
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Failure, Outcome, Result
from checks.core.watch import Place
from prober.agent.canaries import TIMEOUT_US, Canaries, Said, read, verdict
from prober.agent.suspicion import COMPANY_US, HOLD_US, Asked

SHORT_US = 200_000
WAIT_SECONDS = 5.0


def result(*codes: str) -> Result:
    failures = tuple(Failure(code, "in words") for code in codes)
    return Result(outcome=Outcome.FAIL, started_us=1, duration_us=1500, phases_us={}, failures=failures)


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        (Code.CONNECT_REFUSED, True),
        (Code.CONNECT_RESET, True),
        (Code.CONNECT_TIMEOUT, False),
        (Code.CONNECT_UNREACHABLE, False),
        (Code.CONNECT_ERROR, False),
        (Code.RESOLVE_TIMEOUT, False),
        (Code.RESOLVE_NXDOMAIN, False),
        (Code.AGENT_NO_ROUTE, False),
        (Code.AGENT_RESOLVER, False),
        (Code.AGENT_SOURCE_ADDRESS, False),
        (Code.AGENT_PERMISSION, False),
        (Code.AGENT_DESCRIPTORS, None),
        (Code.AGENT_MEMORY, None),
        (Code.AGENT_STALLED, None),
        (Code.AGENT_ERROR, None),
    ],
)
def test_a_refusal_is_an_answer_silence_is_none_and_our_trouble_leaves_it_open(
    code: Code, reached: bool | None
) -> None:
    said = read("tcp://a:1", False, result(code.value))
    assert said.reached is reached
    assert said.words.startswith("tcp://a:1: in words")


def test_who_connects_is_reached_even_when_the_agent_was_late() -> None:
    assert read("tcp://a:1", True, result("agent_stalled")) == Said(True, "tcp://a:1: connected in 1.5 ms")


YES, NO, OPEN = Said(True, "yes"), Said(False, "no"), Said(None, "open")


@pytest.mark.parametrize(
    ("said", "reached"),
    [
        ((YES,), True),
        ((NO, YES), True),
        ((OPEN, YES), True),
        ((NO, NO), False),
        ((NO, OPEN), None),
        ((OPEN,), None),
        ((), None),
    ],
)
def test_one_reached_is_enough_and_one_left_open_is_no_verdict(
    said: tuple[Said, ...], reached: bool | None
) -> None:
    assert verdict(said) == Asked(reached, tuple(each.words for each in said))


def test_an_answer_comes_before_anything_is_let_go_unjudged() -> None:
    assert COMPANY_US + TIMEOUT_US < HOLD_US


@asynccontextmanager
async def from_here() -> AsyncIterator[Place]:
    """A place to ask from, that gives up soon."""
    reactor = Reactor(asyncio.get_running_loop())
    try:
        yield Place(reactor=reactor, timeout_us=SHORT_US, max_lag_ns=10**9)
        assert reactor.channels == {}  # everything that was opened is closed
    finally:
        reactor.close()


async def asked(place: Place, *targets: str) -> Asked:
    """Ask these canaries."""
    answer: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
    Canaries(place, targets).ask(answer.set_result)
    async with asyncio.timeout(WAIT_SECONDS):
        return await answer


async def test_a_canary_that_connects_is_reached() -> None:
    async with from_here() as place, tcp_peer(close_at_once) as peer:
        answer = await asked(place, f"tcp://{peer.address}")
        assert answer.reached is True
        assert answer.evidence[0].startswith(f"tcp://{peer.address}: connected in ")


async def test_a_canary_that_refuses_is_reached() -> None:
    async with from_here() as place:
        with refused() as peer:
            answer = await asked(place, f"tcp://{peer.address}")
            assert answer.reached is True
            assert "refused, so its host is there" in answer.evidence[0]


async def test_silent_canaries_are_asked_at_the_same_time_and_given_up_in_time() -> None:
    async with from_here() as place:
        with never_accepting() as one, never_accepting() as other:
            began = time.monotonic()
            answer = await asked(place, f"tcp://{one.address}", f"tcp://{other.address}")
            assert SHORT_US <= (time.monotonic() - began) * 1_000_000 < 2 * SHORT_US
            assert answer.reached is False
            assert [words.partition(": ")[2] for words in answer.evidence] == [
                "no answer to the connection attempt within 0.2 s"
            ] * 2


@pytest.mark.parametrize("is_first", [True, False])
async def test_the_first_that_is_reached_settles_it(is_first: bool) -> None:
    async with from_here() as place:
        place = replace(place, timeout_us=60_000_000)
        with never_accepting() as silent, listening() as canary:
            targets = [f"tcp://{silent.address}", canary.target]
            answer = await asked(place, *(reversed(targets) if is_first else targets))
            assert (answer.reached, len(answer.evidence)) == (True, 1)


async def test_each_asking_stands_for_itself() -> None:
    async with from_here() as place:
        with hole() as canary:
            canaries, answers = Canaries(place, (canary.target,)), asyncio.Queue[Asked]()
            for is_open in (False, True, False):
                _set(canary, is_open)
                canaries.ask(answers.put_nowait)
                async with asyncio.timeout(WAIT_SECONDS):
                    answer = await answers.get()
                assert (answer.reached, len(answer.evidence)) == (is_open, 1)


def _set(canary: Hole, is_open: bool) -> None:
    if is_open:
        canary.open()
    else:
        canary.shut()


async def test_a_new_asking_takes_the_place_of_one_that_goes_on() -> None:
    async with from_here() as place:
        with never_accepting() as silent:
            canaries, answers = Canaries(place, (f"tcp://{silent.address}",)), asyncio.Queue[str]()
            canaries.ask(lambda _: answers.put_nowait("first"))
            canaries.ask(lambda _: answers.put_nowait("second"))
            assert len(place.reactor.channels) == 1
            async with asyncio.timeout(WAIT_SECONDS):
                assert await answers.get() == "second"
            assert answers.empty()


async def test_the_regions_own_name_servers_are_asked() -> None:
    zone = {("canary.example", "A"): records("127.0.0.1")}
    async with from_here() as place, tcp_peer(close_at_once) as peer, dns_peer(zone) as names:
        config = ResolverConfig(servers=(Address(names.host, names.port, 4),))
        answer = await asked(replace(place, resolver=config), f"tcp://canary.example:{peer.port}")
        assert answer.reached is True
        assert names.count("canary.example")


async def test_name_servers_that_are_silent_reach_nothing() -> None:
    zone = {("canary.example", "A"): SILENT, (".", "NS"): SILENT}
    async with from_here() as place, dns_peer(zone) as names:
        config = ResolverConfig(servers=(Address(names.host, names.port, 4),), timeout_us=50_000, attempts=1)
        answer = await asked(replace(place, resolver=config), "tcp://canary.example:1")
        assert answer.reached is False
        assert "resolver" in answer.evidence[0]


async def test_the_regions_source_address_is_used() -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def note(conversation: Conversation) -> None:
        seen.put_nowait(conversation.writer.get_extra_info("peername")[0])

    async with from_here() as place, tcp_peer(note) as peer:
        await asked(replace(place, source_address="127.0.0.9"), f"tcp://{peer.address}")
        async with asyncio.timeout(WAIT_SECONDS):
            assert await seen.get() == "127.0.0.9"


async def test_a_source_address_that_is_gone_reaches_nothing() -> None:
    async with from_here() as place, tcp_peer(close_at_once) as peer:
        answer = await asked(replace(place, source_address="192.0.2.1"), f"tcp://{peer.address}")
        assert answer.reached is False


async def test_without_descriptors_there_is_no_verdict() -> None:
    async with from_here() as place:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            answer = await asked(place, "tcp://127.0.0.1:1")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert answer.reached is None
        assert "descriptors" in answer.evidence[0]


async def test_an_agent_that_was_kept_waiting_has_no_verdict() -> None:
    async with from_here() as place:
        with never_accepting() as hole:
            answer: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
            Canaries(replace(place, max_lag_ns=1_000_000), (f"tcp://{hole.address}",)).ask(answer.set_result)
            time.sleep(1.5 * SHORT_US / 1_000_000)  # noqa: ASYNC251  # the agent hangs, which is the case at hand
            assert (await answer).reached is None


async def test_a_target_that_makes_no_sense_has_no_verdict() -> None:
    async with from_here() as place:
        assert (await asked(place, "tcp://")).reached is None


async def test_an_asking_that_is_broken_off_calls_nobody_and_leaves_nothing_open() -> None:
    async with from_here() as place:
        with never_accepting() as hole:
            answers: list[Asked] = []
            canaries = Canaries(place, (f"tcp://{hole.address}",))
            canaries.ask(answers.append)
            canaries.close()
            assert place.reactor.channels == {}
            await asked(place, f"tcp://{hole.address}")  # as long as the first would have taken
            assert answers == []


async def test_a_canary_named_twice_is_asked_once() -> None:
    async with from_here() as place, tcp_peer(close_at_once) as peer:
        answer = await asked(place, f"tcp://{peer.address}", f"tcp://{peer.address}")
        assert len(answer.evidence) == 1


async def test_a_canary_over_ipv6_is_reached() -> None:
    async with from_here() as place:
        try:
            server = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            pytest.skip("no IPv6 on loopback")
        with server:
            answer = await asked(place, f"tcp://[::1]:{server.getsockname()[1]}")
            assert answer.reached is True
