"""HTTP/2: what is agreed, what is sent, what comes back, and how long each phase of it took."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest
from support import http2_peer as h2
from support import http_answers as http1
from support.certs import certificates
from support.http2_peer import http2_peer
from support.http_checks import check, codes, look
from support.http_peer import http_peer
from support.http_proxy import http_proxy

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}
PHASES = ["connect", "send", "wait", "transfer"]


def _server(protocols: tuple[str, ...] = ("h2", "http/1.1")):  # type: ignore[no-untyped-def]
    context = MADE.valid.server_context()
    context.set_alpn_protocols(list(protocols))
    return context


@pytest.mark.parametrize(
    ("version", "offered", "expected"),
    [
        ("any", ("h2", "http/1.1"), "2"),
        ("2", ("h2", "http/1.1"), "2"),
        ("2", ("h2",), "2"),
        ("any", ("h2",), "2"),
    ],
)
async def test_http_2_is_agreed_by_alpn(version: str, offered: tuple[str, ...], expected: str) -> None:
    async with http2_peer(
        {"/": h2.plain(b"hello")}, tls=MADE.valid.server_context(), protocols=offered
    ) as peer:
        result = await look(peer.url(), tls=TRUST, version=version, expect={"body": {"contains": "hello"}})
    assert (codes(result), result.facts["http_version"], result.facts["size"]) == ([], expected, 5)
    assert list(result.phases_us) == ["connect", "tls", "send", "wait", "transfer"]
    assert peer.protocols == ["h2"]


@pytest.mark.parametrize("version", ["any", "1.1"])
async def test_who_agrees_to_nothing_or_to_1_1_is_spoken_to_in_1_1(version: str) -> None:
    for context in (MADE.valid.server_context(), _server(("http/1.1",))):
        async with http_peer({"/": http1.plain()}, tls=context) as peer:
            result = await look(peer.url(), tls=TRUST, version=version)
        assert (codes(result), result.facts["http_version"]) == ([], "1.1")


async def test_1_1_alone_is_offered_where_it_is_asked_for() -> None:
    async with http_peer({"/": http1.plain()}, tls=_server()) as peer:
        result = await look(peer.url(), tls=TRUST, version="1.1")
    assert (codes(result), result.facts["http_version"]) == ([], "1.1")


async def test_2_must_be_agreed_where_it_is_asked_for() -> None:
    for context in (MADE.valid.server_context(), _server(("http/1.1",))):
        async with http_peer({"/": http1.plain()}, tls=context) as peer:
            result = await look(peer.url(), tls=TRUST, version="2")
        assert (codes(result), peer.requests, list(result.phases_us)) == (
            ["http_version"],
            [],
            ["connect", "tls"],
        )


async def test_distrust_goes_before_the_version() -> None:
    async with http_peer({"/": http1.plain()}, tls=MADE.expired.server_context()) as peer:
        result = await look(peer.url(), tls=TRUST, version="2")
    assert (codes(result), peer.requests) == (["tls_expired"], [])


async def test_plain_http_is_1_1_unless_2_is_asked_for() -> None:
    async with http2_peer({"/": h2.plain()}) as peer:
        asked = await look(peer.url(), version="2")
        usual = await look(peer.url())
    assert (codes(asked), asked.facts["http_version"], list(asked.phases_us)) == ([], "2", PHASES)
    assert codes(usual) == ["http_malformed"]


async def test_a_server_of_1_1_does_not_take_2_without_asking() -> None:
    async with http_peer(
        {"*": http1.exact(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")}
    ) as peer:
        result = await look(peer.url(), version="2")
    assert codes(result) == ["http_version"]


async def test_the_request_is_whole() -> None:
    given = {"X-Plain": "p", "Cookie": "c=1", "Host": "shop.test", "TE": "gzip", "Keep-Alive": "5"}
    async with http2_peer({"/a": h2.plain()}) as peer:
        url = peer.url("/a?q=1")
        assert codes(await look(url, version="2", method="POST", body="data", headers=given)) == []
    seen = peer.requests[0]
    assert seen.fields == [
        (":method", "POST"), (":scheme", "http"), (":authority", "shop.test"), (":path", "/a?q=1"),
        ("user-agent", "Prober"), ("accept", "*/*"), ("content-length", "4"), ("x-plain", "p"), ("cookie", "c=1"),
    ]  # fmt: skip
    assert seen.body == b"data"


async def test_head_and_no_content_end_with_their_head() -> None:
    async with http2_peer({"/": h2.plain(b"hello"), "/no": h2.headers_only(204, end=True)}) as peer:
        head = await look(peer.url(), version="2", method="HEAD")
        no_content = await look(peer.url("/no"), version="2")
    assert (codes(head), head.facts["size"], codes(no_content)) == ([], 0, [])


async def test_a_304_announces_a_length_that_does_not_come() -> None:
    answer = h2.headers_only(304, ("content-length", "5"), end=True)
    async with http2_peer({"/": answer}) as peer:
        assert codes(await look(peer.url(), version="2", expect={"status": 304})) == []


async def test_interim_answers_are_passed_over_and_trailers_are_no_headers() -> None:
    async def interim(exchange: h2.H2Exchange) -> None:
        exchange.h2.send_headers(exchange.request.stream, [(":status", "103"), ("link", "x")])
        await exchange.flush()

    last = h2.then(interim, h2.plain(trailers=[("x-sum", "1")]))
    rule = {"headers": {"x-sum": {"absent": True}, "link": {"absent": True}}}
    async with http2_peer({"/": last}) as peer:
        assert codes(await look(peer.url(), version="2", expect=rule)) == []


async def test_large_bodies_pass_the_windows_both_ways() -> None:
    body = bytes(range(256)) * 12_000
    async with http2_peer({"/": h2.plain(body + b"end")}, window=1000) as peer:
        expect = {"body": {"contains": "end"}}
        result = await look(peer.url(), version="2", method="POST", body="x" * 65_536, expect=expect)
    assert (codes(result), result.facts["size"], len(peer.requests[0].body)) == ([], len(body) + 3, 65_536)


async def test_an_answer_before_the_whole_request_is_an_answer() -> None:
    async def early(exchange: h2.H2Exchange) -> None:
        exchange.h2.send_headers(1, [(":status", "413")], end_stream=True)
        await exchange.raw(h2.frame(h2.RST_STREAM, 0, 1, bytes(4)))

    async with http2_peer({}, window=0) as peer:
        peer.on_head = early
        result = await look(peer.url(), version="2", method="POST", body="x" * 65_536)
    assert (codes(result), result.facts["status"]) == (["http_status"], 413)


async def test_the_body_is_decoded_and_judged_as_ever() -> None:
    answer = h2.plain(gzip.compress(b'{"status": "ok"}'), headers=[("content-encoding", "gzip")])
    async with http2_peer({"/": answer}) as peer:
        expect = {"json": {"$.status": "ok"}, "headers": {"Content-Encoding": "gzip"}}
        assert codes(await look(peer.url(), version="2", expect=expect)) == []


async def test_redirects_lead_from_one_version_to_another() -> None:
    async with http_peer({"/end": http1.plain()}) as last:
        start = h2.redirect(last.url("/end"))
        async with http2_peer({"/": start}, tls=MADE.valid.server_context()) as peer:
            result = await look(peer.url(), tls=TRUST)
    assert (codes(result), result.facts["http_version"], result.facts["downgraded"]) == ([], "1.1", True)
    assert [(hop["status"], hop["version"], hop["family"]) for hop in result.facts["hops"]] == [
        (302, "2", 4),
        (200, "1.1", 4),
    ]


async def test_through_a_tunnel() -> None:
    async with http2_peer({"/": h2.plain()}, tls=MADE.valid.server_context()) as peer:
        routes = {"peer.test:443": (peer.host, peer.port)}
        async with http_proxy(routes=routes) as proxy:
            result = await look("https://peer.test/", tls=TRUST, proxy=proxy.url)
    assert (codes(result), result.facts["http_version"]) == ([], "2")


@pytest.mark.parametrize("code", [0, 2])
async def test_a_farewell_after_the_answer_is_none_of_our_business(code: int) -> None:
    async with http2_peer({"/": h2.then(h2.plain(), h2.raw(h2.goaway(1, code), close=True))}) as peer:
        assert codes(await look(peer.url(), version="2")) == []


async def test_a_graceful_farewell_within_an_answer_lets_it_end() -> None:
    """nginx says it to every connection that has served its number of requests."""

    first = h2.then(h2.raw(h2.goaway(2**31 - 1, 0)), h2.pause(10_000), h2.headers_only())
    last = h2.then(h2.raw(h2.goaway(1, 0)), h2.pause(10_000), h2.rest(b"hello"))
    async with http2_peer({"/": h2.then(first, last)}) as peer:
        result = await look(peer.url(), version="2", expect={"body": {"contains": "hello"}})
    assert codes(result) == []


async def test_wait_is_the_time_to_the_head_and_transfer_that_of_the_body() -> None:
    answer = h2.then(h2.pause(30_000), h2.headers_only(), h2.pause(20_000), h2.rest(b"ok"))
    async with http2_peer({"/": answer}) as peer:
        result = await look(peer.url(), version="2")
    assert codes(result) == []
    assert result.phases_us["wait"] >= 29_800
    assert result.phases_us["transfer"] >= 19_800
    assert result.duration_us == sum(result.phases_us.values())


def test_the_library_is_loaded_by_those_who_use_it_only() -> None:
    code = "import sys, checks.http; print(sorted({'h2', 'hpack', 'aioquic'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_what_cannot_be_spoken_is_refused_when_it_is_configured() -> None:
    with pytest.raises(ValueError, match="https URLs only"):
        check("http://shop.test/", version="2", proxy="http://proxy.test:3128")
    with pytest.raises(ValueError, match="literal_error"):
        check("http://shop.test/", version="1.0")


@pytest.mark.parametrize("farewell", [b"\x03", b"\x07"])
async def test_who_wants_1_1_for_a_request_gets_it_where_the_version_is_free(farewell: bytes) -> None:
    """RST_STREAM or GOAWAY with HTTP_1_1_REQUIRED: what a server says that has to renegotiate, say."""
    refusal = h2.frame(3, 0, 1, (13).to_bytes(4, "big")) if farewell == b"\x03" else h2.goaway(0, 13)
    context = MADE.valid.server_context()
    async with http2_peer({"/": h2.raw(refusal)}, tls=context, or_1_1=b"HTTP/1.1 200 OK\r\n\r\nhi") as peer:
        wanted = {"body": {"contains": "hi"}, "certificate_days": 1000}
        free = await look(peer.url(), tls=TRUST, expect=wanted)
        fixed = await look(peer.url(), tls=TRUST, version="2")
    assert (codes(free), free.facts["http_version"]) == (["tls_expiring"], "1.1")
    assert peer.protocols == ["h2", "http/1.1", "h2"]
    assert codes(fixed) == ["http_version"]
