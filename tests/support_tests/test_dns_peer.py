"""The DNS peer answers, fails and lies as its table says, over UDP, TCP and TLS."""

from __future__ import annotations

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from support import dns_peer as zone
from support.certs import certificates, trusting
from support.dns_peer import DnsPeer, Fault, Reply, dns_peer, records

SHOP = ("shop.test", "A")
DEADLINE_SECONDS = 0.3


async def _ask(
    peer: DnsPeer, name: str = "shop.test", kind: str = "A", *, tcp: bool = False
) -> dns.message.Message:
    ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await ask(dns.message.make_query(name, kind), peer.host, port=peer.port, timeout=DEADLINE_SECONDS)


async def test_answers_follow_the_table() -> None:
    table = {SHOP: records("203.0.113.7", "203.0.113.8", ttl=5), ("down.test", "A"): zone.SERVFAIL}
    async with dns_peer(table) as peer:
        answer = await _ask(peer)
        assert sorted(str(record) for record in answer.answer[0]) == ["203.0.113.7", "203.0.113.8"]
        assert answer.answer[0].ttl == 5
        assert answer.flags & dns.flags.AA
        assert (await _ask(peer, kind="MX")).answer == []
        assert (await _ask(peer, "down.test")).rcode() == dns.rcode.SERVFAIL
        assert (await _ask(peer, "none.test")).rcode() == dns.rcode.NXDOMAIN
        assert (peer.count("shop.test"), peer.count("none.test", "tcp")) == (2, 0)
        assert peer.queries[0].recursion_desired


async def test_chains_lead_to_the_records() -> None:
    reply = Reply(chain=("a.test", "b.test"), records=("203.0.113.7",), authoritative=False)
    async with dns_peer({SHOP: reply}) as peer:
        answer = await _ask(peer)
        assert [line.name.to_text() for line in answer.answer] == ["shop.test.", "a.test.", "b.test."]
        assert not answer.flags & dns.flags.AA


async def test_truncation_over_udp_is_whole_over_tcp() -> None:
    async with dns_peer({SHOP: Reply(records=("203.0.113.7",), fault=Fault.TRUNCATED)}) as peer:
        assert (await _ask(peer)).flags & dns.flags.TC
        whole = await _ask(peer, tcp=True)
        assert not whole.flags & dns.flags.TC
        assert len(whole.answer) == 1
    async with dns_peer({}, over_tcp=False) as peer:
        with pytest.raises(ConnectionRefusedError):
            await _ask(peer, tcp=True)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENT, dns.exception.Timeout),
        (Fault.WRONG_ID, dns.query.BadResponse),
        (Fault.WRONG_QUESTION, dns.query.BadResponse),
        (Fault.GARBAGE, dns.exception.DNSException),
        (Fault.SHORT, dns.exception.DNSException),
        (Fault.WRONG_SOURCE, dns.query.UnexpectedSource),
        (Fault.FORGED_FIRST, dns.query.BadResponse),
    ],
)
async def test_faults_show_on_the_wire(fault: Fault, error: type[Exception]) -> None:
    async with dns_peer({SHOP: Reply(records=("203.0.113.7",), fault=fault)}) as peer:
        with pytest.raises(error):
            await _ask(peer)


async def test_a_forgery_is_followed_by_the_true_answer() -> None:
    async with dns_peer({SHOP: Reply(records=("203.0.113.7",), fault=Fault.FORGED_FIRST)}) as peer:
        query = dns.message.make_query(*SHOP)
        answer = await dns.asyncquery.udp(
            query, peer.host, port=peer.port, timeout=DEADLINE_SECONDS, ignore_errors=True
        )
        assert len(answer.answer) == 1


async def test_tls_has_its_own_port() -> None:
    made = certificates()
    async with dns_peer({SHOP: records("203.0.113.7")}, tls=made.valid.server_context()) as peer:
        answer = await dns.asyncquery.tls(
            dns.message.make_query(*SHOP), peer.host, port=peer.tls_port, timeout=5,
            ssl_context=trusting(made.ca_file), server_hostname="peer.test",
        )  # fmt: skip
        assert len(answer.answer) == 1
        assert peer.count("shop.test", "tls") == 1
