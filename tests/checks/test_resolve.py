"""Names become addresses; whose fault a missing answer is, is told by a control question."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import dns.message
import dns.rrset
import pytest
from support import dns_peer as zone
from support.dns_peer import DnsPeer, Fault, Reply, dns_peer, records
from support.http_checks import PATIENCE_US
from support.looks import BRIEF, Setting, name_servers, stalling_name_server, tidy_reactor, until
from support.tcp_peer import refused

from checks.core.failures import DeadlinePassed, Stop
from checks.core.link import Address
from checks.core.resolve import FamilyRule, family_with_source, literal_address, resolve
from checks.core.resolver_config import ResolverConfig, parse_hosts
from checks.core.watch import Watch

BOTH = {("both.test", "A"): records("127.0.0.5"), ("both.test", "AAAA"): records("::1")}
FOUR = {("four.test", "A"): records("127.0.0.4")}
SIX = {("six.test", "AAAA"): records("::1")}
EVERYTHING = {**BOTH, **FOUR, **SIX}
ROOT = (".", "NS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one `resolve` gave: an address, or a code with its detail."""

    address: Address | None = None
    code: str = ""
    detail: str = ""
    watch: Watch


async def find(host: str, setting: Setting, rule: FamilyRule = "any", deadline_ns: int = 0) -> Found:
    with tidy_reactor() as engine:
        watch = Watch(setting.place(engine))
        try:
            return Found(
                address=await engine.run(
                    resolve(watch, host, 80, rule), watch.started_ns + (deadline_ns or PATIENCE_US * 1000)
                ),
                watch=watch,
            )
        except Stop as stop:
            return Found(code=stop.code, detail=stop.detail, watch=watch)


def asking(peer: DnsPeer, **settings: int) -> Setting:
    return Setting(resolver=name_servers(peer.address, **settings))


def brief(*addresses: str, **settings: int) -> Setting:
    return Setting(timeout_us=BRIEF.timeout_us, resolver=name_servers(*addresses, **settings))


# --- without asking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "plain", "family"),
    [("192.0.2.1", "192.0.2.1", 4), ("2001:db8::1", "2001:db8::1", 6), ("[2001:db8::1]", "2001:db8::1", 6)],
)
async def test_a_literal_address_needs_no_stage(host: str, plain: str, family: int) -> None:
    found = await find(host, Setting())
    assert found.address == Address(plain, 80, family)
    assert found.watch.phases_us == {}
    assert found.watch.stage is None
    assert literal_address(host) == plain


@pytest.mark.parametrize(("host", "rule"), [("192.0.2.1", "ip6"), ("[::1]", "ip4")])
async def test_a_literal_of_the_wrong_family_is_no_address(host: str, rule: FamilyRule) -> None:
    assert (await find(host, Setting(), rule)).code == "resolve_no_address"


@pytest.mark.parametrize(
    ("host", "rule", "address"),
    [
        ("shop.test", "any", "127.0.0.9"),
        ("SHOP.test.", "any", "127.0.0.9"),
        ("shop.test", "ip6", "::1"),
        ("localhost", "any", "127.0.0.1"),
        ("db.localhost", "ip6", "::1"),
    ],
)
async def test_the_hosts_file_and_localhost_ask_nobody(host: str, rule: FamilyRule, address: str) -> None:
    """With no name server at all it still works, and is the stage `resolve`."""
    hosts = parse_hosts("127.0.0.9 shop.test  # ours\n::1 Shop.test\n")
    found = await find(host, Setting(resolver=ResolverConfig(servers=(), hosts=hosts)), rule)
    assert found.address is not None
    assert found.address.host == address
    assert list(found.watch.phases_us) == ["resolve"]


async def test_the_hosts_file_may_move_localhost() -> None:
    resolver = ResolverConfig(servers=(), hosts={"localhost": ("127.0.0.7",)})
    found = await find("localhost", Setting(resolver=resolver))
    assert found.address == Address("127.0.0.7", 80, 4)


# --- families ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "rule", "seen"),
    [
        ("both.test", "any", "127.0.0.5"),
        ("both.test", "ip4", "127.0.0.5"),
        ("both.test", "ip6", "::1"),
        ("both.test", "prefer_ip4", "127.0.0.5"),
        ("both.test", "prefer_ip6", "::1"),
        ("four.test", "prefer_ip6", "127.0.0.4"),
        ("four.test", "ip6", "resolve_no_address"),
        ("six.test", "any", "::1"),
        ("six.test", "prefer_ip4", "::1"),
        ("six.test", "ip4", "resolve_no_address"),
    ],
)
async def test_the_family_rule_decides(host: str, rule: FamilyRule, seen: str) -> None:
    async with dns_peer(EVERYTHING) as peer:
        found = await find(host, asking(peer), rule)
    assert (found.address.host if found.address else found.code) == seen


async def test_one_family_is_one_query() -> None:
    async with dns_peer(EVERYTHING) as peer:
        await find("both.test", asking(peer), "ip6")
        assert [query.type for query in peer.queries] == ["AAAA"]


async def test_any_takes_the_family_of_the_source_address() -> None:
    async with dns_peer(EVERYTHING) as peer:
        found = await find("both.test", Setting(resolver=name_servers(peer.address), source="::1"))
    assert found.address == Address("::1", 80, 6)


async def test_any_passes_over_a_family_that_this_region_cannot_reach() -> None:
    """The system permits no connection to the broadcast address, which stands for a missing route here."""
    table = {("x.test", "A"): records("255.255.255.255"), ("x.test", "AAAA"): records("::1")}
    async with dns_peer(table) as peer:
        found = await find("x.test", asking(peer))
        fixed = await find("x.test", asking(peer), "prefer_ip4")
    assert found.address == Address("::1", 80, 6)
    assert fixed.address == Address("255.255.255.255", 80, 4)


async def test_a_preferred_family_without_an_answer_gives_way() -> None:
    table = {("slow.test", "AAAA"): zone.SILENT, ("slow.test", "A"): records("127.0.0.4")}
    async with dns_peer(table) as peer:
        found = await find("slow.test", brief(peer.address), "prefer_ip6")
    assert found.address == Address("127.0.0.4", 80, 4)


async def test_a_source_address_leaves_one_family() -> None:
    assert family_with_source("any", "192.0.2.1") == "ip4"
    assert family_with_source("ip6", "2001:db8::1") == "ip6"
    with pytest.raises(ValueError, match="leaves only ip6"):
        family_with_source("ip4", "2001:db8::1")


# --- answers told apart -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "root", "code"),
    [
        (zone.NXDOMAIN, zone.SILENT, "resolve_nxdomain"),
        (zone.BARE_NXDOMAIN, records("a.root.test."), "resolve_nxdomain"),
        (zone.BARE_NXDOMAIN, zone.BARE_NXDOMAIN, "agent_resolver"),  # to whom even the root does not exist
        (zone.BARE_NXDOMAIN, zone.SILENT, "agent_resolver"),
        (Reply(), zone.SILENT, "resolve_no_address"),
        (zone.SERVFAIL, zone.NXDOMAIN, "resolve_servfail"),
        (zone.REFUSED, records("a.root.test."), "resolve_servfail"),
        (zone.SILENT, records("a.root.test."), "resolve_timeout"),
        (Reply(fault=Fault.WRONG_ID), zone.NXDOMAIN, "resolve_timeout"),
        (Reply(fault=Fault.WRONG_QUESTION), zone.NXDOMAIN, "resolve_timeout"),
        (Reply(fault=Fault.GARBAGE), zone.NXDOMAIN, "resolve_timeout"),
        (Reply(fault=Fault.SHORT), zone.NXDOMAIN, "resolve_timeout"),
        (Reply(records=("127.0.0.9",), fault=Fault.WRONG_SOURCE), zone.NXDOMAIN, "resolve_timeout"),
        (Reply(fault=Fault.ALWAYS_TRUNCATED), zone.NXDOMAIN, "resolve_timeout"),
        (zone.SERVFAIL, zone.SERVFAIL, "agent_resolver"),
        (zone.SERVFAIL, zone.SILENT, "agent_resolver"),
        (zone.SILENT, zone.SILENT, "agent_resolver"),
        (zone.SILENT, zone.REFUSED, "agent_resolver"),
    ],
)
async def test_each_answer_has_its_code(reply: Reply, root: Reply, code: str) -> None:
    table = {("x.test", "A"): reply, ("x.test", "AAAA"): reply, ROOT: root}
    async with dns_peer(table) as peer:
        found = await find("x.test", brief(peer.address))
    assert found.code == code
    assert ("127.0.0.1" in found.detail) == (code not in {"resolve_nxdomain", "resolve_no_address"})


async def test_a_sure_answer_needs_no_control_question() -> None:
    async with dns_peer({}) as peer:
        await find("x.test", asking(peer))
        assert peer.count(".") == 0


async def test_a_refused_connection_is_our_resolver_at_once() -> None:
    with refused() as peer:
        found = await find("x.test", Setting(resolver=name_servers(peer.address)))
    assert found.code == "agent_resolver"
    assert "refused the connection" in found.detail


async def test_no_name_server_at_all_is_our_resolver() -> None:
    assert (await find("x.test", Setting())).code == "agent_resolver"


async def test_a_deadline_before_any_answer_is_our_resolver() -> None:
    async with dns_peer({("x.test", "A"): zone.SILENT}) as peer:
        found = await find("x.test", asking(peer), "ip4", deadline_ns=50_000_000)
    assert found.code == "agent_resolver"


async def test_a_deadline_after_some_answer_is_the_names() -> None:
    """One family answered and the other did not: the servers live, so the stage's own code holds."""
    table = {("x.test", "A"): Reply(), ("x.test", "AAAA"): zone.SILENT}
    async with dns_peer(table) as peer:
        with pytest.raises(DeadlinePassed):
            await find("x.test", asking(peer), deadline_ns=50_000_000)


@pytest.mark.parametrize("host", ["a..test", "x" * 64 + ".test", ".".join(["abcdefgh"] * 30), ""])
async def test_what_cannot_be_a_name_is_invalid(host: str) -> None:
    async with dns_peer({}) as peer:
        assert (await find(host, asking(peer))).code == "resolve_invalid"
        assert peer.queries == []


async def test_names_of_other_scripts_are_encoded() -> None:
    async with dns_peer({("xn--bcher-kva.test", "A"): records("127.0.0.3")}) as peer:
        found = await find("bücher.test", asking(peer), "ip4")
    assert found.address == Address("127.0.0.3", 80, 4)


# --- how it asks ------------------------------------------------------------------------------------------


async def test_nothing_is_kept_between_runs() -> None:
    async with dns_peer(FOUR) as peer:
        await find("four.test", asking(peer), "ip4")
        await find("four.test", asking(peer), "ip4")
        assert peer.count("four.test") == 2
        assert peer.queries[0].peer != peer.queries[1].peer


async def test_a_forged_answer_does_not_stop_the_true_one() -> None:
    forged = Reply(records=("127.0.0.4",), fault=Fault.FORGED_FIRST)
    async with dns_peer({("x.test", "A"): forged}) as peer:
        found = await find("x.test", asking(peer), "ip4")
    assert found.address == Address("127.0.0.4", 80, 4)


async def test_an_alias_is_followed_to_its_address() -> None:
    reply = Reply(records=("127.0.0.4",), chain=("one.test", "two.test"))
    async with dns_peer({("x.test", "A"): reply}) as peer:
        found = await find("x.test", asking(peer), "ip4")
    assert found.address == Address("127.0.0.4", 80, 4)


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    texts = tuple(f"127.0.0.{last}" for last in range(1, 200))
    many = Reply(records=texts, fault=Fault.TRUNCATED)
    async with dns_peer({("x.test", "A"): many}) as peer:
        found = await find("x.test", asking(peer), "ip4")
        assert [query.over for query in peer.queries] == ["udp", "tcp"]
    assert found.address is not None
    assert found.address.host in texts


async def test_truncated_without_tcp_is_no_answer() -> None:
    truncated = Reply(records=("127.0.0.1",), fault=Fault.TRUNCATED)
    async with dns_peer({("x.test", "A"): truncated}, over_tcp=False) as peer:
        found = await find("x.test", brief(peer.address), "ip4")
    assert found.code == "resolve_timeout"


@pytest.mark.parametrize("first", [zone.SILENT, zone.SERVFAIL, zone.REFUSED])
async def test_the_next_server_is_asked_when_one_fails(first: Reply) -> None:
    async with dns_peer({("four.test", "A"): first}) as bad, dns_peer(FOUR) as good:
        found = await find("four.test", brief(bad.address, good.address), "ip4")
        assert bad.count("four.test") == 1
    assert found.address == Address("127.0.0.4", 80, 4)


async def test_a_refusal_says_more_than_the_next_servers_silence() -> None:
    async with (
        dns_peer({("x.test", "A"): zone.SERVFAIL}) as first,
        dns_peer({("x.test", "A"): zone.SILENT}) as next_,
    ):
        found = await find("x.test", brief(first.address, next_.address, attempts=1), "ip4")
    assert found.code == "resolve_servfail"


async def test_one_dead_server_does_not_void_a_failing_name() -> None:
    async with dns_peer({("x.test", "A"): zone.SERVFAIL}) as good:
        with refused() as dead:
            found = await find("x.test", brief(dead.address, good.address), "ip4")
    assert found.code == "resolve_servfail"


async def test_attempts_are_made_as_configured() -> None:
    async with dns_peer({("x.test", "A"): zone.SILENT}) as peer:
        await find("x.test", brief(peer.address, attempts=3, timeout_us=20_000), "ip4")
        assert peer.count("x.test") == 3


async def test_the_control_question_comes_before_the_deadline() -> None:
    """A silent server with a patience longer than the run's timeout still leaves time to ask."""
    async with dns_peer({("x.test", "A"): zone.SILENT}) as peer:
        found = await find("x.test", brief(peer.address, timeout_us=5_000_000), "ip4")
        assert peer.count(".") == 1
    assert found.code == "resolve_timeout"


async def test_many_servers_and_attempts_leave_time_for_the_control_question() -> None:
    async with dns_peer({("x.test", "A"): zone.SILENT}) as peer:
        found = await find("x.test", brief(*[peer.address] * 3, attempts=5), "ip4")
        assert peer.count(".") == 1
    assert found.code == "resolve_timeout"


async def test_the_search_list_is_gone_through() -> None:
    table = {("shop.two.test", "A"): records("127.0.0.4")}
    async with dns_peer(table) as peer:
        resolver = ResolverConfig(servers=name_servers(peer.address).servers, search=("one.test", "two.test"))
        found = await find("shop", Setting(resolver=resolver), "ip4")
        assert [query.name for query in peer.queries] == ["shop.one.test.", "shop.two.test."]
    assert found.address == Address("127.0.0.4", 80, 4)


async def test_queries_leave_from_the_source_address() -> None:
    async with dns_peer(FOUR) as peer:
        await find("four.test", Setting(resolver=name_servers(peer.address), source="127.0.0.11"), "ip4")
        assert peer.queries[0].peer[0] == "127.0.0.11"


async def test_a_resolver_on_loopback_is_not_asked_from_outside() -> None:
    """A region's public source address must not be used towards 127/8."""
    async with dns_peer(FOUR) as peer:
        setting = Setting(resolver=name_servers(peer.address), source="192.0.2.1")
        found = await find("four.test", setting, "ip4")
    assert found.address == Address("127.0.0.4", 80, 4)


def address_answer(query: bytes) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    message.answer.append(dns.rrset.from_text("x.test.", 60, "IN", "A", "127.0.0.4"))
    return message.to_wire()


async def test_the_phase_ends_when_the_answer_came() -> None:
    """Time that the answer lay in the socket, because this process was busy, is lag and not phase."""
    stall_us = 60_000
    with stalling_name_server(address_answer, stall_us) as address:
        found = await find("x.test", Setting(resolver=name_servers(address)), "ip4")
        took_us = (time.monotonic_ns() - found.watch.started_ns) // 1000
    assert found.watch.exact
    assert found.watch.phases_us["resolve"] <= took_us - stall_us
    assert found.watch.own_lag_ns() >= stall_us * 900


async def test_a_cancelled_run_leaves_no_socket() -> None:
    async with dns_peer({("x.test", "A"): zone.SILENT}) as peer:
        run = asyncio.ensure_future(find("x.test", asking(peer), "ip4"))
        await until(lambda: bool(peer.queries))
        run.cancel()
        await asyncio.wait([run])
        assert run.cancelled()
