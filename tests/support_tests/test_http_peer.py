"""The HTTP peer and proxy put exactly the promised bytes on the wire and record what they were sent."""

from __future__ import annotations

import asyncio
import base64
import contextlib

from support import http_answers as answers
from support.certs import certificates, trusting
from support.http_peer import HttpPeer, http_peer
from support.http_proxy import http_proxy

GET = b"GET %b HTTP/1.1\r\nHost: peer.test\r\nConnection: close\r\n\r\n"


async def _ask(peer: HttpPeer, path: str, request: bytes = b"") -> bytes:
    context = trusting(certificates().ca_file) if peer.secure else None
    reader, writer = await asyncio.open_connection(peer.host, peer.port, ssl=context)
    writer.write(request or GET % path.encode())
    try:
        return await reader.read(-1)
    finally:
        writer.close()


async def test_plain_answers_are_exact_and_requests_are_recorded() -> None:
    async with http_peer({"/": answers.plain(b"ok", status=203, headers=[("A", "b")])}) as peer:
        wire = await _ask(peer, "/?q=1")
        assert wire == b"HTTP/1.1 203 Non-Authoritative Information\r\nA: b\r\nContent-Length: 2\r\n\r\nok"
        (seen,) = peer.requests
        assert (seen.method, seen.target, seen.header("Host")) == ("GET", "/?q=1", "peer.test")
        assert seen.peer[0] == "127.0.0.1"
        assert (await _ask(peer, "/none")).startswith(b"HTTP/1.1 404")


async def test_bodies_come_back_from_echo() -> None:
    sent = b"POST /e HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    async with http_peer({"/e": answers.echo()}) as peer:
        assert (await _ask(peer, "/e", sent)).endswith(sent)
        assert peer.requests[0].body == b"abc"


async def test_chunked_request_bodies_are_joined() -> None:
    head = b"POST /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    async with http_peer({"/e": answers.echo()}) as peer:
        await _ask(peer, "/e", head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        assert peer.requests[0].body == b"abc"


async def test_odd_framing() -> None:
    routes = {
        "/chunked": answers.chunked(b"ab", b"c"),
        "/close": answers.until_close(b"abc"),
        "/cut": answers.truncated(b"abc", 10),
        "/interim": answers.interim(b"abc"),
        "/garbage": answers.garbage(b"\x00\xff"),
        "/drip": answers.drip(b"HTTP/1.1 200 OK\r\n\r\n", 1),
    }
    async with http_peer(routes) as peer:
        assert (await _ask(peer, "/chunked")).endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        assert await _ask(peer, "/close") == b"HTTP/1.1 200 OK\r\n\r\nabc"
        assert b"Content-Length: 10\r\n\r\nabc" in await _ask(peer, "/cut")
        assert (await _ask(peer, "/interim")).startswith(b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK")
        assert await _ask(peer, "/garbage") == b"\x00\xff"
        assert await _ask(peer, "/drip") == b"HTTP/1.1 200 OK\r\n\r\n"


async def test_hangs_and_endless_answers_end_with_the_client_or_the_server() -> None:
    routes = {
        "/hang": answers.hang(),
        "/body": answers.hang_in_body(b"part"),
        "/headers": answers.endless_headers(),
        "/big": answers.endless_body(),
    }
    async with http_peer(routes) as peer:
        for path, start in [("/body", b"HTTP/1.1"), ("/headers", b"HTTP/1.1"), ("/big", b"HTTP/1.1")]:
            reader, writer = await asyncio.open_connection(peer.host, peer.port)
            writer.write(GET % path.encode())
            assert await reader.readexactly(len(start)) == start
            writer.transport.abort()
        reader, writer = await asyncio.open_connection(peer.host, peer.port)
        writer.write(GET % b"/hang")
    with contextlib.suppress(ConnectionResetError):  # the request may still have been unread
        assert await reader.read() == b""
    writer.close()


async def test_the_delay_is_reported_by_the_server() -> None:
    async with http_peer({"/": answers.delayed(2000)}) as peer:
        head = (await _ask(peer, "/")).decode()
    reported = int(head.split(f"{answers.DELAY_HEADER}: ")[1].split("\r\n")[0])
    assert reported >= 1900


async def test_redirect_chains_have_the_hops_asked_for() -> None:
    async with http_peer(answers.redirect_chain(2)) as peer:
        assert b"Location: /hop2\r\n" in await _ask(peer, "/hop1")
        assert (await _ask(peer, "/hop2")).startswith(b"HTTP/1.1 200")


async def test_tls_serves_the_same_answers() -> None:
    async with http_peer({"/": answers.plain()}, tls=certificates().valid.server_context()) as peer:
        assert (await _ask(peer, "/")).endswith(b"ok")
        assert peer.url("/x", "localhost") == f"https://localhost:{peer.port}/x"


async def test_the_proxy_forwards_absolute_urls_in_origin_form() -> None:
    async with http_peer({"/a": answers.echo()}) as peer, http_proxy() as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(GET % peer.url("/a?b=c").encode())
        assert b"GET /a?b=c HTTP/1.1" in await reader.read()
        writer.close()
        assert proxy.requests[0].target == peer.url("/a?b=c")


async def test_the_proxy_tunnels_and_demands_its_credentials() -> None:
    async with (
        http_peer({"/": answers.plain()}) as peer,
        http_proxy(credentials="u:p", routes={"shop.test:80": (peer.host, peer.port)}) as proxy,
    ):
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(b"CONNECT shop.test:80 HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 407")
        writer.close()
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        authorization = b"Proxy-Authorization: Basic " + base64.b64encode(b"u:p")
        writer.write(b"CONNECT shop.test:80 HTTP/1.1\r\n" + authorization + b"\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(GET % b"/")
        assert (await reader.read()).endswith(b"ok")
        writer.close()
