"""HTTP/3: handshake, certificate, answer, and every way in which it can go wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import http3_peer as h3
from support import http_answers as http1
from support.certs import certificates
from support.http3_peer import garbage_datagrams, http3_peer, silent_datagrams
from support.http_checks import check, codes, look
from support.http_peer import http_peer
from support.ports import LOOPBACK, free_port

from checks.core.result import Result

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}
ASK = {"tls": TRUST, "version": "3"}
SOON_US = 500_000


async def test_an_answer_comes_with_facts_and_phases() -> None:
    async with http3_peer({"/": h3.plain(b"hello", trailers=[("x", "y")])}, MADE.valid) as peer:
        result = await look(peer.url(), expect={"body": {"contains": "hello"}}, **ASK)
        named = await look(peer.url(host="peer.test"), **ASK)
    assert (codes(result), result.facts["http_version"], result.facts["size"]) == ([], "3", 5)
    assert list(result.phases_us) == ["connect", "send", "wait", "transfer"]
    assert list(named.phases_us) == ["resolve", "connect", "send", "wait", "transfer"]
    assert (result.facts["tls_version"], result.facts["certificate"]["days"]) == ("TLSv1.3", 365)
    assert (result.facts["address"], result.facts["family"]) == (LOOPBACK, 4)
    assert result.facts["clock"] == "kernel"


async def test_the_request_is_whole() -> None:
    given = {"X-Plain": "p", "Host": "shop.test"}
    async with http3_peer({"/a": h3.plain()}, MADE.valid) as peer:
        result = await look(peer.url("/a?q=1"), method="POST", body="x" * 60_000, headers=given, **ASK)
    seen = peer.requests[0]
    assert (codes(result), len(seen.body)) == ([], 60_000)
    assert seen.fields == [
        (":method", "POST"), (":scheme", "https"), (":authority", "shop.test"), (":path", "/a?q=1"),
        ("user-agent", "Prober"), ("accept", "*/*"), ("content-length", "60000"), ("x-plain", "p"),
    ]  # fmt: skip


async def test_large_bodies_come_whole() -> None:
    body = bytes(range(256)) * 12_000
    async with http3_peer({"/": h3.plain(body + b"end")}, MADE.valid) as peer:
        result = await look(peer.url(), expect={"body": {"contains": "end"}}, **ASK)
    assert (codes(result), result.facts["size"]) == ([], len(body) + 3)


async def test_head_no_content_and_interim_answers() -> None:
    async def interim(exchange: h3.H3Exchange) -> None:
        exchange.head(103)
        await h3.plain()(exchange)

    no_content = h3.steps(lambda exchange: exchange.head(204, end=True))
    async with http3_peer({"/": h3.plain(), "/no": no_content, "/103": interim}, MADE.valid) as peer:
        head = await look(peer.url(), method="HEAD", **ASK)
        other = [await look(peer.url(path), **ASK) for path in ("/no", "/103")]
    assert [codes(result) for result in (head, *other)] == [[], [], []]


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        ("expired", "tls_expired"), ("not_yet_valid", "tls_not_yet_valid"), ("self_signed", "tls_self_signed"),
        ("wrong_host", "tls_hostname"), ("foreign", "tls_untrusted"), ("incomplete", "tls_untrusted"),
    ],
)  # fmt: skip
async def test_no_request_goes_to_who_is_not_trusted_but_the_certificate_is_known(
    leaf: str, code: str
) -> None:
    async with http3_peer({"/": h3.plain()}, getattr(MADE, leaf)) as peer:
        result = await look(peer.url(), **ASK)
        unverified = await look(peer.url(), version="3", tls={"verify": False})
    assert (codes(result), codes(unverified), len(peer.requests)) == ([code], [], 1)
    assert result.facts["certificate"]["sha256"] == unverified.facts["certificate"]["sha256"]


async def test_a_certificate_near_its_end_warns() -> None:
    async with http3_peer({"/": h3.plain()}, MADE.ending_in(14)) as peer:
        result = await look(peer.url(), expect={"certificate_days": 15}, **ASK)
    assert (result.outcome, codes(result)) == ("warn", ["tls_expiring"])


async def test_redirects_stay_with_http_3_which_plain_http_does_not_have() -> None:
    async with http_peer({"/": http1.plain()}) as plain:
        away = h3.plain(b"", status=302, headers=[("location", plain.url())])
        stay = h3.plain(b"", status=302, headers=[("location", "/end"), ("set-cookie", "a=1")])
        async with http3_peer({"/": stay, "/end": h3.plain(), "/away": away}, MADE.valid) as peer:
            result = await look(peer.url(), **ASK)
            left = await look(peer.url("/away"), **ASK)
    assert (codes(result), [hop["version"] for hop in result.facts["hops"]]) == ([], ["3", "3"])
    assert peer.requests[1].field("cookie") == "a=1"
    assert codes(left) == ["http_version"]


async def test_a_port_that_nobody_listens_on_is_refused_and_silence_is_a_timeout() -> None:
    result = await look(f"https://127.0.0.1:{free_port(kind=socket.SOCK_DGRAM)}/", **ASK)
    with silent_datagrams() as port:
        silent = await look(f"https://127.0.0.1:{port}/", timeout_us=SOON_US, **ASK)
    assert (codes(result), codes(silent)) == (["connect_refused"], ["connect_timeout"])
    assert list(silent.phases_us) == ["connect"]


async def test_who_agrees_to_no_http_3_does_not_speak_it() -> None:
    async with http3_peer({"/": h3.plain()}, MADE.valid, protocols=("hq-interop",)) as peer:
        assert codes(await look(peer.url(), **ASK)) == ["http_version"]


@pytest.mark.parametrize(
    "reply", [b"", b"no QUIC at all", b"\xff" * 1200, b"\xc0\x00\x00\x00\x01" + bytes(1195)]
)
async def test_datagrams_that_make_no_sense_are_no_answer(reply: bytes) -> None:
    async with garbage_datagrams(reply, reply, reply) as port:
        result = await look(f"https://127.0.0.1:{port}/", timeout_us=SOON_US, **ASK)
    assert codes(result) == ["connect_timeout"]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x2d"),  # the version of the certificate
        (
            b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
            b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x7f",
        ),  # the curve
    ],
)
async def test_a_certificate_that_makes_no_sense_is_no_handshake(here: bytes, there: bytes) -> None:
    async with http3_peer(
        {"/": h3.plain()}, MADE.valid, spoil=lambda data: data.replace(here, there)
    ) as peer:
        assert codes(await look(peer.url(), **ASK)) == ["tls_handshake"]


def _head(exchange: h3.H3Exchange) -> None:
    exchange.head()


def _close(exchange: h3.H3Exchange) -> None:
    exchange.protocol.close(0x107, "go away\x1b[31m")


BAD = {
    "closed before the head": (h3.steps(_close), "connection_closed"),
    "closed within the body": (h3.steps(_head, _close), "http_truncated"),
    "reset": (h3.steps(lambda e: (e.quic.reset_stream(e.stream, 0x10C), e.protocol.transmit())), "http_protocol"),
    "a frame that makes no sense": (h3.steps(lambda e: e.raw(b"\x01\x05\xff\xff\xff\xff\xff")), "http_protocol"),
    "data before the head": (h3.steps(lambda e: e.raw(b"\x00\x01x")), "http_protocol"),
    "an end without a head": (h3.steps(lambda e: e.raw(b"", end=True)), "http_protocol"),
    "fewer bytes than announced": (
        h3.steps(lambda e: e.head(200, [("content-length", "5")]), lambda e: e.body(b"four")), "http_truncated"),
    "more bytes than announced": (
        h3.steps(lambda e: e.head(200, [("content-length", "5")]), lambda e: e.body(b"sixsix")), "http_malformed"),
    "too long a body": (h3.steps(_head, lambda e: e.body(bytes(2**21))), "body_limit"),
    "too long a head": (
        h3.steps(lambda e: e.head(200, [(f"x{n}", "y" * 700) for n in range(100)])), "http_header_limit"),
    "a head without an end": (
        h3.steps(lambda e: e.raw(b"\x01\xbf\xff\xff\xff" + bytes(2**19))), "http_header_limit"),
    "unknown frames": (
        h3.steps(_head, lambda e: e.raw(b"\x21\xbf\xff\xff\xff" + bytes(2**20))), "http_protocol"),
}  # fmt: skip


@pytest.mark.parametrize("how", list(BAD))
async def test_every_bad_end_has_one_code(how: str) -> None:
    answer, code = BAD[how]
    async with http3_peer({"/": answer}, MADE.valid) as peer:
        result = await look(peer.url(), body_limit="1MiB", **ASK)
    assert (result.outcome, codes(result)) == ("fail", [code]), result.failures


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (h3.steps(), "timeout_headers"), (h3.steps(_head), "timeout_body"),
        (h3.forever(lambda e: (e.quic.send_ping(1), e.protocol.transmit()), 20_000), "timeout_headers"),
    ],
)  # fmt: skip
async def test_who_is_slow_is_cut_off_at_the_deadline(answer: h3.Answer, code: str) -> None:
    async with http3_peer({"/": answer}, MADE.valid) as peer:
        result = await look(peer.url(), timeout_us=SOON_US, **ASK)
    assert (codes(result), result.duration_us <= SOON_US) == ([code], True)


async def test_wait_and_transfer_are_timed_apart() -> None:
    answer = h3.steps(lambda e: None, _head, lambda e: e.body(b"ok"), pause_us=25_000)
    async with http3_peer({"/": answer}, MADE.valid) as peer:
        result = await look(peer.url(), **ASK)
    assert codes(result) == []
    assert (result.phases_us["wait"] >= 24_800, result.phases_us["transfer"] >= 24_800) == (True, True)


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("http://shop.test/", {}, "https URLs only"),
        ("https://shop.test/", {"proxy": "http://p.test"}, "proxy"),
    ],
)
def test_what_cannot_be_spoken_is_refused_when_it_is_configured(
    url: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        check(url, version="3", **options)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="extra http3"):
        check("https://shop.test/", version="3")


FRAMES = st.sampled_from(
    [
        b"\x00\x05hello", b"\x01\x03\x00\x00\xd9", b"\x01\x02\x00\x00", b"\x01\x05\x02\x00\x80\x81\x82", b"\x21\x02xx",
        b"\x04\x00", b"\x05\x03\x00\x00\x00", b"\x0d\x01\x05", b"\x00", b"\x40",
        b"\xc0\x00\x00\x00\x00\x00\x00\x01x", b"\x41\x00",
    ]
)  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(FRAMES | st.binary(max_size=30), max_size=8))
def test_whatever_the_stream_holds_there_is_one_outcome(pieces: list[bytes]) -> None:
    async def run() -> Result:
        async with http3_peer(
            {"/": h3.steps(lambda e: e.raw(b"".join(pieces), end=True))}, MADE.valid
        ) as peer:
            return await look(peer.url(), **ASK)

    result = asyncio.run(run())
    assert result.outcome in ("pass", "fail"), result
    assert len(codes(result)) == (result.outcome == "fail")
