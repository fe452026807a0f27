"""The dns check: one question to one server, each way to answer wrongly told apart."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import dns_peer as zone
from support.certs import certificates
from support.dns_checks import SHOP, ask, check
from support.dns_peer import Fault, Reply, dns_peer, records
from support.looks import (
    BRIEF,
    BRIEF_US,
    Setting,
    cancel_when,
    codes,
    look,
    name_servers,
    stalling_name_server,
    tidy_reactor,
    until,
)
from support.ports import LOOPBACK
from support.tcp_peer import banner, close_at_once, never_accepting, tcp_peer

from checks.core.check import run_once
from checks.core.result import Outcome, Result
from checks.dns import DnsCheck, DnsOptions

ROOT = (".", "NS")


def of_system(**options: Any) -> DnsCheck:
    return DnsCheck(DnsOptions.model_validate({"name": "shop.test", **options}))


# --- answers ----------------------------------------------------------------------------------------------


async def test_a_good_answer_passes() -> None:
    async with dns_peer({SHOP: records("203.0.113.7", "203.0.113.8")}) as peer:
        result = await look(check(peer))
        assert [(query.name, query.type, query.over) for query in peer.queries] == [
            ("shop.test.", "A", "udp")
        ]
        assert result.facts == {
            "server": peer.address, "address": "127.0.0.1", "family": 4, "rcode": "NOERROR", "answers": 2,
            "authoritative": True, "recursion_available": True, "truncated": False, "transport": "udp",
        }  # fmt: skip
    assert result.outcome is Outcome.PASS
    assert list(result.phases_us) == ["query"]


async def test_a_server_given_by_name_is_resolved_first() -> None:
    async with dns_peer({SHOP: records("203.0.113.7")}) as peer:
        result = await look(check(f"localhost:{peer.port}"))
    assert list(result.phases_us) == ["resolve", "query"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (zone.NXDOMAIN, "dns_nxdomain"),
        (zone.SERVFAIL, "dns_servfail"),
        (zone.REFUSED, "dns_refused"),
        (Reply(rcode="NOTIMP"), "dns_rcode"),
        (zone.SILENT, "dns_timeout"),
        (Reply(records=("203.0.113.7",), fault=Fault.WRONG_SOURCE), "dns_timeout"),
        (Reply(records=("203.0.113.7",), fault=Fault.WRONG_ID), "dns_malformed"),
        (Reply(records=("203.0.113.7",), fault=Fault.WRONG_QUESTION), "dns_malformed"),
        (Reply(fault=Fault.GARBAGE), "dns_malformed"),
        (Reply(records=("203.0.113.7",), fault=Fault.SHORT), "dns_malformed"),
        (Reply(records=("203.0.113.7",), fault=Fault.ALWAYS_TRUNCATED), "dns_truncated"),
        (Reply(), "dns_answers"),
    ],
)
async def test_each_way_to_fail_has_its_code(reply: Reply, code: str) -> None:
    result = await ask(reply, BRIEF)
    assert result.outcome is Outcome.FAIL
    assert codes(result) == [code]


async def test_a_port_that_nobody_listens_on_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held_port:
        held_port.bind((LOOPBACK, 0))
        port = held_port.getsockname()[1]
    result = await look(check(f"{LOOPBACK}:{port}"))
    assert codes(result) == ["connect_refused"]


async def test_a_forged_answer_does_not_stop_the_true_one() -> None:
    result = await ask(Reply(records=("203.0.113.7",), fault=Fault.FORGED_FIRST))
    assert result.outcome is Outcome.PASS


async def test_each_run_has_a_port_and_an_id_of_its_own() -> None:
    async with dns_peer({SHOP: records("203.0.113.7")}) as peer:
        same = check(peer)
        await look(same)
        await look(same)
        assert peer.queries[0].peer != peer.queries[1].peer


async def test_the_phase_ends_when_the_answer_came() -> None:
    """Time that the answer lay in the socket, because this process was busy, is lag and not phase."""

    def answer(query: bytes) -> bytes:
        message = dns.message.make_response(dns.message.from_wire(query))
        message.answer.append(dns.rrset.from_text("shop.test.", 60, "IN", "A", "203.0.113.7"))
        return message.to_wire()

    stall_us = 60_000
    with stalling_name_server(answer, stall_us) as address:
        began_ns = time.monotonic_ns()
        result = await look(check(address))
        took_us = (time.monotonic_ns() - began_ns) // 1000
    assert result.outcome is Outcome.PASS
    assert result.phases_us["query"] <= took_us - stall_us
    assert result.lag_us >= stall_us * 9 // 10


# --- the query --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recursion", [True, False])
async def test_recursion_is_asked_for_or_not(recursion: bool) -> None:
    async with dns_peer({SHOP: records("203.0.113.7")}) as peer:
        await look(check(peer, recursion=recursion))
        assert peer.queries[0].recursion_desired is recursion


async def test_the_source_address_of_the_region_is_used() -> None:
    async with dns_peer({SHOP: records("203.0.113.7")}) as peer:
        await look(check(peer), Setting(source="127.0.0.11"))
        await look(check(peer, source_address="127.0.0.12"), Setting(source="127.0.0.11"))
        await look(check(peer, source_address="127.0.0.12", transport="tcp"), Setting(source="127.0.0.11"))
        assert [query.peer[0] for query in peer.queries] == ["127.0.0.11", "127.0.0.12", "127.0.0.12"]


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_the_query_is_sent_as_often_as_asked(attempts: int) -> None:
    async with dns_peer({SHOP: zone.SILENT}) as peer:
        result = await look(check(peer, attempts=attempts), BRIEF)
        assert peer.count("shop.test") == attempts
    assert codes(result) == ["dns_timeout"]


async def test_a_second_attempt_mends_a_lost_packet() -> None:
    async with dns_peer({SHOP: zone.SILENT}) as peer:
        with tidy_reactor() as engine:
            run = asyncio.ensure_future(run_once(check(peer, attempts=2), BRIEF.place(engine)))
            await until(lambda: bool(peer.queries))
            peer.zone[SHOP] = records("203.0.113.7")
            result = await run
    assert result.outcome is Outcome.PASS
    assert result.phases_us["query"] >= BRIEF_US // 2 - 10_000


# --- transports -------------------------------------------------------------------------------------------


async def test_tcp_is_a_transport() -> None:
    result = await ask(records("203.0.113.7"), transport="tcp")
    assert result.outcome is Outcome.PASS
    assert list(result.phases_us) == ["connect", "query"]
    assert result.facts["transport"] == "tcp"


async def test_tls_is_a_transport_and_reads_the_certificate() -> None:
    context = certificates().ending_in(5).server_context()
    async with dns_peer({SHOP: records("203.0.113.7")}, tls=context) as peer:
        tls = {"ca_file": str(certificates().ca_file)}
        server = f"{LOOPBACK}:{peer.tls_port}"
        result = await look(
            check(server, transport="tls", tls=tls, expect={"certificate_days": 14, "any": ["203.0.113.7"]})
        )
    assert result.outcome is Outcome.WARN
    assert codes(result) == ["tls_expiring"]
    assert list(result.phases_us) == ["connect", "tls", "query"]
    assert (result.facts["transport"], "certificate" in result.facts) == ("tls", True)


async def test_an_untrusted_server_is_asked_nothing() -> None:
    async with dns_peer({SHOP: records("203.0.113.7")}, tls=certificates().foreign.server_context()) as peer:
        tls = {"ca_file": str(certificates().ca_file)}
        result = await look(check(f"{LOOPBACK}:{peer.tls_port}", transport="tls", tls=tls))
        assert peer.queries == []
    assert codes(result) == ["tls_untrusted"]


async def test_a_truncated_answer_is_fetched_over_tcp() -> None:
    async with dns_peer({SHOP: Reply(records=("203.0.113.7",), fault=Fault.TRUNCATED)}) as peer:
        result = await look(check(peer, expect={"any": ["203.0.113.7"]}))
        assert [query.over for query in peer.queries] == ["udp", "tcp"]
    assert result.outcome is Outcome.PASS
    assert (result.facts["truncated"], result.facts["transport"]) == (True, "tcp")
    assert set(result.phases_us) == {"query", "connect"}


async def test_truncated_without_tcp_fails() -> None:
    async with dns_peer({SHOP: Reply(fault=Fault.TRUNCATED)}, over_tcp=False) as peer:
        result = await look(check(peer))
    assert codes(result) == ["dns_truncated"]


async def test_a_stream_that_ends_or_lies_is_told() -> None:
    async with tcp_peer(close_at_once) as peer:
        (code,) = codes(await look(check(peer.address, transport="tcp")))
        assert code in {"connection_closed", "connection_reset"}
    async with tcp_peer(banner(b"\0\x10" + b"x" * 16)) as peer:
        assert codes(await look(check(peer.address, transport="tcp"))) == ["dns_malformed"]
    async with tcp_peer(banner(b"\xff\xff" + b"x" * 16)) as peer:
        assert codes(await look(check(peer.address, transport="tcp"), BRIEF)) == ["dns_timeout"]
    with never_accepting() as full:
        assert codes(await look(check(full.address, transport="tcp"), BRIEF)) == ["connect_timeout"]


# --- the system's own name server -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "root", "outcome", "code"),
    [
        (records("203.0.113.7"), zone.SILENT, Outcome.PASS, None),
        (zone.NXDOMAIN, zone.SILENT, Outcome.FAIL, "dns_nxdomain"),
        (zone.SERVFAIL, zone.NXDOMAIN, Outcome.FAIL, "dns_servfail"),
        (zone.SILENT, records("a.root.test."), Outcome.FAIL, "dns_timeout"),
        (zone.SERVFAIL, zone.SERVFAIL, Outcome.VOID, "agent_resolver"),
        (zone.REFUSED, zone.REFUSED, Outcome.VOID, "agent_resolver"),
        (zone.SILENT, zone.SILENT, Outcome.VOID, "agent_resolver"),
    ],
)
async def test_our_own_resolvers_trouble_is_void(
    reply: Reply, root: Reply, outcome: Outcome, code: str | None
) -> None:
    async with dns_peer({SHOP: reply, ROOT: root}) as peer:
        setting = Setting(timeout_us=BRIEF_US, resolver=name_servers(peer.address))
        result = await look(of_system(), setting)
    assert result.outcome is outcome
    assert codes(result) == ([code] if code else [])


async def test_our_own_resolver_is_not_saved_by_the_next_one() -> None:
    """Only the first name server is asked, so only that one can be blamed."""
    async with dns_peer({SHOP: zone.SILENT, ROOT: zone.SILENT}) as dead, dns_peer({}) as alive:
        setting = Setting(timeout_us=BRIEF_US, resolver=name_servers(dead.address, alive.address))
        assert codes(await look(of_system(), setting)) == ["agent_resolver"]
        assert alive.queries == []


async def test_a_refused_port_of_our_own_resolver_is_void() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held_port:
        held_port.bind((LOOPBACK, 0))
        address = f"{LOOPBACK}:{held_port.getsockname()[1]}"
    result = await look(of_system(), Setting(resolver=name_servers(address)))
    assert (result.outcome, codes(result)) == (Outcome.VOID, ["agent_resolver"])


async def test_no_name_server_at_all_is_void() -> None:
    assert codes(await look(of_system())) == ["agent_resolver"]


# --- whatever comes ---------------------------------------------------------------------------------------


async def test_a_cancelled_run_leaves_no_socket() -> None:
    async with dns_peer({SHOP: zone.SILENT}) as peer:
        await cancel_when(check(peer), lambda: len(peer.queries) == 1)
        await cancel_when(check(peer, transport="tcp"), lambda: len(peer.queries) == 2)


@contextlib.asynccontextmanager
async def answering(payload: bytes, keep_id: bool) -> AsyncIterator[str]:
    """Answer any datagram with these bytes, under the query's id and question if asked."""

    class Responder(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            head = data[:2] + b"\x81\x80\0\1" + payload[:6].ljust(6, b"\0") + data[12:]
            self.transport.sendto(head + payload[6:] if keep_id else payload, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Responder, (LOOPBACK, 0))
    try:
        yield f"{LOOPBACK}:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()
        await asyncio.sleep(0)


@settings(max_examples=60, deadline=None)
@given(
    payload=st.binary(max_size=120), keep_id=st.booleans(), kind=st.sampled_from(["A", "SOA", "TXT", "ANY"])
)
def test_any_bytes_give_one_result(payload: bytes, keep_id: bool, kind: str) -> None:
    async def run() -> Result:
        async with answering(payload, keep_id) as address:
            setting = Setting(timeout_us=20_000, verbose=True)
            return await look(check(address, type=kind, expect={"ttl": {"min": "1s"}}), setting)

    result = asyncio.run(run())
    allowed = {"dns_malformed", "dns_answers", "dns_ttl", "dns_timeout", "dns_truncated"}
    assert set(codes(result)) <= allowed
    assert len(codes(result)) <= 2
