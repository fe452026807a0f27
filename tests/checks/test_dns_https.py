"""The dns check over HTTPS (RFC 8484)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.certs import certificates
from support.dns_checks import SHOP
from support.dns_peer import NXDOMAIN, DnsPeer, records
from support.doh_peer import MEDIA_TYPE, DohPeer, doh_peer
from support.http2_peer import H2Exchange, http2_peer, plain
from support.looks import BRIEF, USUAL, Setting, codes, look
from support.tcp_peer import silence, tcp_peer

from checks.core.result import Outcome, Result
from checks.core.values import SecretView
from checks.dns import DnsCheck, DnsOptions

GOOD = {SHOP: records("203.0.113.7")}


def check(url: str, **options: Any) -> DnsCheck:  # Any: options as a configuration file has them
    usual = {"name": "shop.test", "transport": "https", "tls": {"ca_file": str(certificates().ca_file)}}
    return DnsCheck(DnsOptions.model_validate({"server": url, **usual, **options}))


async def ask(peer: DohPeer, setting: Setting = USUAL, **options: Any) -> Result:
    return await look(check(peer.url, **options), setting)


async def test_a_good_answer_passes() -> None:
    async with doh_peer(GOOD) as peer:
        result = await ask(peer, expect={"any": ["203.0.113.7"], "certificate_days": 3})
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["resolve", "connect", "tls", "send", "wait", "transfer"]
    assert peer.requests == [("POST", MEDIA_TYPE, MEDIA_TYPE)]
    assert peer.queries[0][:2] == b"\0\0"  # so that answers can be cached
    facts = result.facts
    assert (facts["transport"], facts["status"], facts["http_version"]) == ("https", 200, "1.1")
    assert (facts["rcode"], facts["answers"], facts["tls_version"]) == ("NOERROR", 1, "TLSv1.3")


async def test_what_the_answer_says_is_judged() -> None:
    async with doh_peer({SHOP: NXDOMAIN}) as peer:
        missing = await ask(peer)
        welcome = await ask(peer, expect={"rcodes": ["NXDOMAIN"]})
    assert codes(missing) == ["dns_nxdomain"]
    assert welcome.outcome is Outcome.PASS


async def test_http2_is_spoken_where_the_server_has_it() -> None:
    table = DnsPeer(dict(GOOD))

    async def answer(exchange: H2Exchange) -> None:
        body = table.answer(exchange.request.body, "https", ("127.0.0.1", 0))
        await plain(body, headers=[("content-type", MEDIA_TYPE)])(exchange)

    async with http2_peer({"/dns-query": answer}, tls=certificates().valid.server_context()) as peer:
        result = await look(check(peer.url("/dns-query", "localhost")))
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["http_version"] == "2"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": 404}, "http_status"),
        ({"status": 302}, "http_status"),
        ({"media_type": "text/html"}, "http_header"),
        ({"body": b"no answer"}, "dns_malformed"),
        ({"body": b""}, "dns_malformed"),
        ({"body": b"x" * 70_000}, "body_limit"),
        ({"body": b"x" * 10_000_000}, "body_limit"),
        ({"status": 500, "body": b"x" * 70_000}, "http_status"),
    ],
)
async def test_what_is_no_answer_is_told(change: dict[str, Any], code: str) -> None:
    async with doh_peer(GOOD) as peer:
        for name, value in change.items():
            setattr(peer, name, value)
        assert codes(await ask(peer)) == [code]


async def test_a_media_type_may_have_parameters() -> None:
    async with doh_peer(GOOD) as peer:
        peer.media_type = "Application/DNS-Message; charset=binary"
        assert (await ask(peer)).outcome is Outcome.PASS


async def test_an_untrusted_server_is_asked_nothing() -> None:
    async with doh_peer(GOOD) as peer:
        result = await ask(peer, tls={})
    assert codes(result) == ["tls_untrusted"]
    assert peer.requests == []


async def test_a_server_that_says_nothing_times_out() -> None:
    async with tcp_peer(silence) as peer:
        assert codes(await look(check(f"https://{peer.address}/"), BRIEF)) == ["tls_timeout"]


@pytest.mark.parametrize(
    "options",
    [
        {"server": "dns.test"},
        {"server": "http://dns.test/"},
        {"server": "https://user:word@dns.test/"},
        {"server": None},
        {"server": "https://dns.test/", "transport": "udp"},
        {"attempts": 2},
        {"addresses": "all"},
        {"source_address": "127.0.0.1"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check("https://dns.test/", **options)


def test_the_query_of_the_url_is_nobodys_business() -> None:
    made = check("https://dns.test/q?key=sesame")
    assert made.target == "shop.test A @https://dns.test/q?key=..."
    assert "sesame" not in made.options.model_dump_json()
    shown = made.options.model_dump(mode="json", context=SecretView.REVEAL)
    assert shown["server"] == "https://dns.test/q?key=sesame"
