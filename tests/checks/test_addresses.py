"""`addresses: first | any | all`: what is behind a name, on real peers at several loopback addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from support.certs import certificates
from support.dns_peer import SILENT, dns_peer, records
from support.looks import BRIEF_US, Setting, cancel_when, codes, look, name_servers, tidy_reactor
from support.tcp_peer import Behaviour, banner, never_accepting, refused, silence, tcp_peer

from checks.core.addresses import MAX_TRIES, in_turn
from checks.core.failures import Code, Stop
from checks.core.link import Address
from checks.core.resolve import MAX_ADDRESSES, resolve_all
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome, Result
from checks.core.watch import Place, Watch
from checks.tcp import TcpCheck, TcpOptions

GOOD, OTHER, DEAD = "127.0.0.2", "127.0.0.3", "127.0.0.4"


def behind(*addresses: str, timeout_us: int = Setting().timeout_us) -> Setting:
    """Return a setting in which shop.test has these addresses."""
    return Setting(timeout_us=timeout_us, resolver=ResolverConfig(servers=(), hosts={"shop.test": addresses}))


@asynccontextmanager
async def serving(**behaviours: Behaviour) -> AsyncIterator[int]:
    """Serve on several addresses at one port; `good` and `other` name them."""
    async with AsyncExitStack() as stack:
        port = 0
        for name, behaviour in behaviours.items():
            host = {"good": GOOD, "other": OTHER}[name]
            port = (await stack.enter_async_context(tcp_peer(behaviour, host=host, port=port))).port
        yield port


async def see(port: int, rule: str, setting: Setting, **options: Any) -> Result:
    made = {"address": f"shop.test:{port}", "addresses": rule, **options}
    return await look(TcpCheck(TcpOptions.model_validate(made)), setting)


# --- first --------------------------------------------------------------------------------------------------


async def test_first_takes_no_second_address() -> None:
    async with serving(good=silence) as port:
        result = await see(port, "first", behind(DEAD, GOOD))
    assert codes(result) == ["connect_refused"]
    assert "tried" not in result.facts


# --- any ----------------------------------------------------------------------------------------------------


async def test_any_goes_on_to_the_next_address_and_says_why() -> None:
    async with serving(good=silence) as port:
        result = await see(port, "any", behind(DEAD, "::1", GOOD))
    assert result.outcome is Outcome.PASS
    assert (result.facts["address"], result.facts["family"]) == (GOOD, 4)
    tried: Any = result.facts["tried"]
    assert [(each["address"], each["code"]) for each in tried] == [
        (DEAD, "connect_refused"),
        ("::1", "connect_refused"),
    ]
    assert "refused" in tried[0]["detail"]


async def test_any_without_trouble_says_nothing_of_it() -> None:
    async with serving(good=silence) as port:
        assert "tried" not in (await see(port, "any", behind(GOOD, DEAD))).facts


async def test_a_silent_address_does_not_eat_all_the_time() -> None:
    """Of 300 ms the silent one gets a third at most, so that the other has its turn."""
    with never_accepting(DEAD) as full:
        async with tcp_peer(silence, host=GOOD, port=full.port):
            result = await see(full.port, "any", behind(DEAD, GOOD, timeout_us=BRIEF_US))
    assert result.outcome is Outcome.PASS
    assert result.facts["tried"][0]["code"] == "connect_timeout"  # type: ignore[index,call-overload]
    assert BRIEF_US // 3 - 1000 <= result.phases_us["connect"] < BRIEF_US


async def test_any_fails_with_the_first_reason_and_names_all() -> None:
    with refused(GOOD) as peer:
        result = await see(peer.port, "any", behind(GOOD, OTHER))
    assert codes(result) == ["connect_refused"]
    assert result.failure is not None
    assert result.failure.detail.startswith("none of 2 addresses: ")
    assert GOOD in result.failure.detail
    assert OTHER in result.failure.detail


async def test_any_with_silent_addresses_only_ends_at_the_deadline() -> None:
    with never_accepting(DEAD) as full:
        result = await see(full.port, "any", behind(DEAD, timeout_us=BRIEF_US))
    assert codes(result) == ["connect_timeout"]


async def test_what_comes_after_connecting_is_not_tried_again() -> None:
    async with serving(good=banner(b"554 no\r\n"), other=banner(b"220 yes\r\n")) as port:
        setting = behind(GOOD, OTHER, timeout_us=BRIEF_US)
        result = await see(port, "any", setting, dialogue=[{"expect": "^220"}])
    assert codes(result) == ["dialogue_timeout"]


async def test_attempts_are_bounded_and_our_own_trouble_ends_them() -> None:
    tried: list[str] = []

    async def attempt(address: Address, until_ns: int | None) -> None:
        tried.append(address.host)
        raise Stop(Code.AGENT_DESCRIPTORS if address.host == "ours" else Code.CONNECT_REFUSED, address.host)

    many = tuple(Address(f"192.0.2.{number}", 80, 4) for number in range(1, MAX_TRIES + 2))
    with tidy_reactor() as engine:
        watch = Watch(Setting().place(engine))
        with pytest.raises(Stop, match=f"none of {MAX_TRIES}"):
            await in_turn(watch, many, attempt)
        assert len(tried) == MAX_TRIES
        with pytest.raises(Stop, match="ours"):
            await in_turn(watch, (Address("ours", 80, 4), *many), attempt)
    assert len(tried) == MAX_TRIES + 1


async def test_no_route_is_our_trouble_only_when_nothing_else_was_tried() -> None:
    async def attempt(address: Address, until_ns: int | None) -> None:
        raise Stop(Code.AGENT_NO_ROUTE if address.family == 6 else Code.CONNECT_REFUSED, str(address))

    six, four = Address("2001:db8::1", 80, 6), Address("192.0.2.1", 80, 4)
    with tidy_reactor() as engine:
        for found, code in (((six, four), Code.CONNECT_REFUSED), ((six, six), Code.AGENT_NO_ROUTE)):
            with pytest.raises(Stop) as stopped:
                await in_turn(Watch(Setting().place(engine)), found, attempt)
            assert stopped.value.code is code


# --- all ----------------------------------------------------------------------------------------------------


async def test_all_looks_at_every_address_in_full() -> None:
    async with serving(good=banner(b"220 a\r\n"), other=banner(b"220 b\r\n")) as port:
        result = await see(
            port, "all", behind(GOOD, OTHER), dialogue=[{"expect": "^220"}], expect={"within": "1h"}
        )
    assert result.outcome is Outcome.PASS
    seen: Any = result.facts["addresses"]
    assert [(each["address"], each["family"], each["outcome"], each["code"]) for each in seen] == [
        (GOOD, 4, "pass", None), (OTHER, 4, "pass", None),
    ]  # fmt: skip
    assert result.duration_us == max(each["duration_us"] for each in seen)
    assert [each.what for each in result.expectations] == [f"{GOOD}: time", f"{OTHER}: time"]


async def test_one_address_that_fails_fails_the_run_and_is_named() -> None:
    async with serving(good=banner(b"220 a\r\n"), other=banner(b"554 b\r\n")) as port:
        setting = behind(GOOD, OTHER, timeout_us=BRIEF_US)
        result = await see(port, "all", setting, dialogue=[{"expect": "^220"}])
    assert codes(result) == ["dialogue_timeout"]
    assert result.failure is not None
    assert result.failure.detail.startswith(f"{OTHER}: step 1, expect")
    seen: Any = result.facts["addresses"]
    assert [(each["outcome"], each["code"]) for each in seen] == [
        ("pass", None),
        ("fail", "dialogue_timeout"),
    ]
    assert result.facts["address"] == OTHER  # the slowest one's facts and phases
    assert result.duration_us <= BRIEF_US


async def test_addresses_are_looked_at_side_by_side() -> None:
    """Three silent ones take one timeout together."""
    with never_accepting(DEAD) as full, never_accepting(GOOD):
        setting = behind(DEAD, "127.0.0.5", timeout_us=BRIEF_US)
        result = await see(full.port, "all", setting)
    assert sorted(codes(result)) == ["connect_refused", "connect_timeout"]
    assert result.duration_us <= BRIEF_US


async def test_a_warning_at_one_address_warns() -> None:
    server = certificates().ending_in(10).server_context()
    async with tcp_peer(silence, host=GOOD, tls=server) as peer:
        tls = {"ca_file": str(certificates().ca_file), "server_name": "peer.test"}
        result = await see(peer.port, "all", behind(GOOD), tls=tls, expect={"certificate_days": 11})
    assert (result.outcome, codes(result)) == (Outcome.WARN, ["tls_expiring"])
    assert result.failures[0].detail.startswith(f"{GOOD}: certificate")


async def test_a_forbidden_address_is_void_unless_another_fails() -> None:
    def refuses(host: str) -> str | None:
        return "it is private" if host == GOOD else None

    async with serving(good=silence, other=silence) as port:
        for addresses, outcome in (((GOOD, OTHER), Outcome.VOID), ((GOOD, DEAD), Outcome.FAIL)):
            with tidy_reactor() as engine:
                resolver = ResolverConfig(servers=(), hosts={"shop.test": addresses})
                place = Place(
                    reactor=engine, timeout_us=10**7, resolver=resolver, refuses=refuses, max_lag_ns=10**10
                )
                watch = Watch(place)
                made = TcpCheck(TcpOptions(address=f"shop.test:{port}", addresses="all"))
                assert (await engine.run(made.run(watch), watch.deadline_ns)).outcome is outcome


async def test_a_cancelled_run_leaves_no_socket() -> None:
    async with tcp_peer(silence, host=GOOD) as peer, tcp_peer(silence, host=OTHER, port=peer.port) as other:
        made = TcpOptions.model_validate(
            {"address": f"shop.test:{peer.port}", "addresses": "all", "dialogue": [{"expect": "never"}]}
        )
        await cancel_when(TcpCheck(made), lambda: bool(peer.peers and other.peers), behind(GOOD, OTHER))


# --- names --------------------------------------------------------------------------------------------------


async def hosts_of(name: str, setting: Setting, rule: Any = "any") -> list[str]:
    with tidy_reactor() as engine:
        watch = Watch(setting.place(engine))
        found = await engine.run(resolve_all(watch, name, 80, rule), watch.deadline_ns)
    return [each.host for each in found]


async def test_families_take_turns_beginning_with_the_preferred_one() -> None:
    zone = {
        ("x.test", "A"): records("127.0.0.1", "127.0.0.2", "127.0.0.3"),
        ("x.test", "AAAA"): records("::1"),
    }
    async with dns_peer(zone) as peer:
        setting = Setting(resolver=name_servers(peer.address))
        found, preferring = await hosts_of("x.test", setting), await hosts_of("x.test", setting, "prefer_ip6")
        assert (found[1], preferring[0]) == ("::1", "::1")
        assert sorted(found) == sorted(preferring) == ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"]
        assert await hosts_of("x.test", setting, "ip6") == ["::1"]


async def test_the_number_of_addresses_is_bounded() -> None:
    zone = {("x.test", "A"): records(*(f"127.0.1.{number}" for number in range(MAX_ADDRESSES + 1)))}
    async with dns_peer(zone) as peer:
        assert len(await hosts_of("x.test", Setting(resolver=name_servers(peer.address)))) == MAX_ADDRESSES


async def test_a_family_without_an_answer_is_left_out() -> None:
    zone = {("x.test", "A"): records("127.0.0.1"), ("x.test", "AAAA"): SILENT}
    async with dns_peer(zone) as peer:
        setting = Setting(timeout_us=BRIEF_US, resolver=name_servers(peer.address))
        assert await hosts_of("x.test", setting) == ["127.0.0.1"]


async def test_a_literal_is_all_there_is() -> None:
    assert await hosts_of("[::1]", Setting()) == ["::1"]
