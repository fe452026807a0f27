"""The misbehaving targets that both sides probe: every one on loopback, by a name that cases refer to."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator, Mapping

import brotli  # type: ignore[import-untyped]  # it has no types of its own
from support import grpc_peer as grpc
from support import http2_peer as http2
from support import http_answers as answers
from support import tcp_peer as tcp
from support.certs import Certificates, Leaf, by_server_name, certificates
from support.dns_peer import (
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    SILENT,
    DnsPeer,
    Fault,
    Reply,
    dns_peer,
    records,
)
from support.http_peer import Answer, Exchange, HttpPeer, http_peer
from support.http_proxy import http_proxy
from support.odd_certs import FOLDER, odd_names, renewed_root

ECHO_BYTES = 1024
LATIN = b"caf\xe9 \xff\r\n"
SLOW_US = 300_000  # of which a phase that waits shows at least this
TEXT = b"hello world, this is the body\n"


async def padded_echo(exchange: Exchange) -> None:
    """Say the request back, padded to one length: both sides send headers of their own besides."""
    said = exchange.request.head + exchange.request.body
    await answers.plain(said.ljust(ECHO_BYTES))(exchange)


async def slow_body(exchange: Exchange) -> None:
    """Send the head at once and the body later."""
    await exchange.send(answers.head(headers=[("Content-Length", str(len(TEXT)))]))
    await asyncio.sleep(SLOW_US / 1e6)
    await exchange.send(TEXT)


def routes() -> dict[str, Answer]:
    """What the plain server says at each path."""
    packed = gzip.compress(TEXT)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = deflate.compress(TEXT) + deflate.flush()
    modified = "Wed, 21 Oct 2015 07:28:00 GMT"
    return {
        "/": answers.plain(TEXT),
        "/empty": answers.plain(b""),
        "/204": answers.exact(b"HTTP/1.1 204 No Content\r\n\r\n"),
        "/304": answers.exact(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        "/503": answers.plain(TEXT, status=503),
        "/404": answers.plain(TEXT, status=404),
        "/299": answers.plain(TEXT, status=299),
        "/chunked": answers.chunked(b"hello ", b"world"),
        "/close": answers.until_close(TEXT),
        "/truncated": answers.truncated(b"short", 100),
        "/cut-chunk": answers.exact(
            answers.head(headers=[("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\n"
        ),
        "/garbage": answers.garbage(),
        "/nothing": answers.no_answer(),
        "/hang": answers.hang(),
        "/hang-body": answers.hang_in_body(),
        "/interim": answers.interim(TEXT, status=103),
        "/modified": answers.plain(TEXT, headers=[("Last-Modified", modified)]),
        "/modified-badly": answers.plain(TEXT, headers=[("Last-Modified", "yesterday")]),
        "/headers": answers.plain(TEXT, headers=[("X-One", "first"), ("X-One", "second"), ("X-Empty", "")]),
        "/cookie": answers.plain(b"", status=302, headers=[("Set-Cookie", "a=b"), ("Location", "/echo")]),
        "/echo": padded_echo,
        "/latin": answers.plain(LATIN),
        "/gzip": answers.plain(gzip.compress(TEXT), headers=[("Content-Encoding", "gzip")]),
        "/gzip-unnamed": answers.plain(gzip.compress(TEXT)),
        "/gzip-cut": answers.plain(gzip.compress(TEXT * 20)[:-20]),
        "/deflate": answers.plain(raw),
        "/br": answers.plain(brotli.compress(TEXT)),
        "/redirect": answers.redirect("/"),
        "/redirect-body": answers.plain(TEXT, status=302, headers=[("Location", "/")]),
        "/redirect-301": answers.redirect("/echo", status=301),
        "/redirect-307": answers.redirect("/echo", status=307),
        "/redirect-lost": answers.exact(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
        "/redirect-bad": answers.redirect("http://[bad/"),
        "/redirect-refused": answers.redirect("http://127.0.0.1:1/"),
        "/redirect-503": answers.redirect("/503"),
        "/token": answers.json_body({"access_token": "tok-en", "token_type": "bearer", "expires_in": 600}),
        "/loop": answers.redirect("/loop"),
        "/drip": answers.drip_body(TEXT, 2_000),
        "/endless": answers.endless_body(),
        "/giant-header": answers.giant_header(),
        "/chunked-gzip": answers.chunked(packed[:9], packed[9:20], packed[20:]),
        "/slow": answers.delayed(SLOW_US, answers.plain(TEXT)),
        "/slow-body": slow_body,
        "/to-slow": answers.redirect("/slow"),
        **answers.redirect_chain(10, prefix="/ten"),
        **answers.redirect_chain(11, prefix="/eleven"),
        **answers.redirect_chain(3, prefix="/three"),
    }


ZONE: Mapping[tuple[str, str], Reply] = {
    ("good.test", "A"): records("192.0.2.1", "192.0.2.2"),
    ("good.test", "SOA"): records("ns.good.test. admin.good.test. 2026010203 3600 600 86400 60"),
    ("good.test", "TXT"): records('"v=spf1 -all"', '"two" "parts"'),
    ("good.test", "MX"): records("10 mail.good.test."),
    ("good.test", "AAAA"): records("2001:db8::1"),
    ("good.test", "CAA"): records('0 issue "ca.test"'),
    ("alias.test", "A"): Reply(records=("192.0.2.3",), chain=("real.test",)),
    ("servfail.test", "A"): SERVFAIL,
    ("refused.test", "A"): REFUSED,
    ("silent.test", "A"): SILENT,
    ("missing.test", "A"): NXDOMAIN,
    ("garbage.test", "A"): Reply(fault=Fault.GARBAGE),
    ("truncated.test", "A"): Reply(records=("192.0.2.4",), fault=Fault.TRUNCATED),
    ("short.test", "A"): Reply(records=("192.0.2.4",), fault=Fault.SHORT),
}

Places = dict[str, str]


@contextlib.asynccontextmanager
async def targets() -> AsyncIterator[Places]:
    """Run every target; yields what the names in cases stand for."""
    made = certificates()
    places: Places = {
        "ca": str(made.ca_file),
        "roots": str(FOLDER / "roots.pem"),
        "dead": "127.0.0.1:1",
        "no_name": "no..name",
    }
    async with contextlib.AsyncExitStack() as stack:
        await _web(stack, places, made)
        await _streams(stack, places, made)
        await _calls(stack, places, made)
        server: DnsPeer = await stack.enter_async_context(dns_peer(ZONE, tls=made.valid.server_context()))
        places["dns"] = server.address
        places["dot_port"] = str(server.tls_port)
        yield places


async def _web(stack: contextlib.AsyncExitStack, places: Places, made: Certificates) -> None:
    plain: HttpPeer = await stack.enter_async_context(http_peer(routes()))
    places["http"] = plain.url("")
    places["web"] = plain.address
    places["port"] = str(plain.port)
    plain.routes["/to-name"] = answers.redirect(f"http://localhost:{plain.port}/echo")
    valid = plain
    leaves: dict[str, Leaf] = {
        "https": made.valid, "expired": made.expired, "early": made.not_yet_valid, "own": made.self_signed,
        "wrong": made.wrong_host, "foreign": made.foreign, "chained": made.chained, "incomplete": made.incomplete,
        "odd": odd_names(), "renewed": renewed_root(),
    }  # fmt: skip
    for name, leaf in leaves.items():
        secure = await stack.enter_async_context(http_peer(routes(), tls=leaf.server_context()))
        valid = secure if name == "https" else valid
        places[name] = secure.url("", host="localhost")
        places[f"{name}_port"] = str(secure.port)
        places[f"{name}_address"] = secure.address
    by_name = by_server_name(made.wrong_host, {"localhost": made.valid})
    named = await stack.enter_async_context(http_peer(routes(), tls=by_name))
    places["by_name"] = f"localhost:{named.port}"
    six: HttpPeer = await stack.enter_async_context(http_peer(routes(), host="::1"))
    places["six"] = f"http://[::1]:{six.port}"
    plain.routes["/to-six"] = answers.redirect(f"{places['six']}/")
    plain.routes["/to-wrong"] = answers.redirect(f"https://localhost:{places['wrong_port']}/")
    for peer in (plain, valid):
        peer.routes["/to-by-name"] = answers.redirect(f"https://{places['by_name']}/")
    plain.routes["/to-https"] = answers.redirect(f"https://localhost:{places['https_port']}/")
    second = await stack.enter_async_context(
        http2.http2_peer(_second_routes(), tls=made.valid.server_context())
    )
    places["h2"] = second.url("", host="localhost")
    proxy = await stack.enter_async_context(http_proxy())
    places["proxy"] = proxy.url
    guarded = await stack.enter_async_context(http_proxy(credentials="user:password"))
    places["guarded_proxy"] = guarded.url


def _second_routes() -> dict[str, http2.Answer]:
    return {
        "/": http2.plain(TEXT),
        "/503": http2.plain(TEXT, status=503),
        "/204": http2.headers_only(204, end=True),
        "/redirect": http2.redirect("/"),
        "/silence": http2.silence(),
    }


async def _unimplemented(exchange: grpc.Exchange) -> None:
    await exchange.head([*grpc.HEAD, ("grpc-status", "12")], end=True)


async def _calls(stack: contextlib.AsyncExitStack, places: Places, made: Certificates) -> None:
    answers_: dict[str, grpc.Behaviour] = {
        "grpc": grpc.health({"": grpc.SERVING, "shop": grpc.SERVING, "down": grpc.NOT_SERVING, "odd": 0}),
        "grpc_unimplemented": _unimplemented,
    }
    for name, behaviour in answers_.items():
        peer = await stack.enter_async_context(grpc.grpc_peer(behaviour))
        places[name], places[f"{name}_port"] = peer.address, str(peer.port)
    secure = await stack.enter_async_context(
        grpc.grpc_peer(answers_["grpc"], tls=made.valid.server_context())
    )
    places["grpcs_port"] = str(secure.port)


async def _streams(stack: contextlib.AsyncExitStack, places: Places, made: Certificates) -> None:
    behaviours: dict[str, tcp.Behaviour] = {
        "ssh": tcp.banner(b"SSH-2.0-OpenSSH_9.2\r\n"),
        "unfinished": tcp.scripted(tcp.Send(b"220 hello")),
        "last_line": _send_and_close(b"one\ntwo"),
        "silence": tcp.silence,
        "closing": tcp.close_at_once,
        "reset": tcp.reset,
        "echo_line": tcp.echo,
        "long": _send_and_close(b"x" * 65_535 + b"\nend\n"),
        "too_long": _send_and_close(b"x" * 65_536 + b"\nend\n"),
        "binary": tcp.banner(LATIN),
        "many_lines": tcp.banner(b"first\r\n\r\nsecond\nthird\n"),
        "smtp": tcp.smtp(made.valid.server_context()),
        "no_tls": tcp.garbage(),
    }
    for name, behaviour in behaviours.items():
        peer = await stack.enter_async_context(tcp.tcp_peer(behaviour))
        places[name] = peer.address
        places[f"{name}_port"] = str(peer.port)


def _send_and_close(data: bytes) -> tcp.Behaviour:
    async def behave(conversation: tcp.Conversation) -> None:
        await conversation.send(data)

    return behave
