"""The http check fetches what servers really send, and times each phase of it."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from support import http_answers as answers
from support.http_checks import PATIENCE_US, check, codes, look, reactor
from support.http_peer import http_peer
from support.tcp_peer import close_at_once, refused, reset_after, tcp_peer

from checks.core.check import Place
from checks.core.result import Result
from checks.core.watch import Watch

HELLO = {"body": {"contains": "hello"}}


async def test_a_plain_answer_passes_with_its_facts() -> None:
    headers = [("Content-Type", "text/plain"), ("Server", "peer/1")]
    async with http_peer({"/a": answers.plain(b"hello", headers=headers)}) as peer:
        result = await look(peer.url("/a?token=abc&x"), expect=HELLO)
    assert (result.outcome, codes(result)) == ("pass", [])
    facts = dict(result.facts)
    assert facts.pop("final_url") == f"http://127.0.0.1:{peer.port}/a?token=...&..."
    assert facts == {
        "address": "127.0.0.1", "family": 4, "status": 200, "http_version": "1.1", "redirects": 0, "size": 5,
        "content_type": "text/plain", "server": "peer/1", "clock": "kernel",
    }  # fmt: skip


async def test_the_request_is_what_was_asked_for() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        result = await look(
            peer.url("/?q=1"), method="post", body="a=é",
            headers={"X-One": "1", "accept": "text/html", "Cookie": "c=1"},
            auth={"basic": {"username": "me", "password": "pass"}},
        )  # fmt: skip
    (seen,) = peer.requests
    assert result.outcome == "pass"
    assert (seen.method, seen.target, seen.body) == ("POST", "/?q=1", "a=é".encode())
    assert dict(seen.headers) == {
        "host": peer.address, "user-agent": "Prober", "connection": "close", "content-length": "4",
        "x-one": "1", "accept": "text/html", "cookie": "c=1", "authorization": "Basic bWU6cGFzcw==",
    }  # fmt: skip


async def test_a_bearer_token_and_a_host_header_are_sent() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        await look(peer.url(), auth={"bearer": "t0ken"}, headers={"Host": "shop.example"})
    assert peer.requests[0].header("authorization") == "Bearer t0ken"
    assert [value for name, value in peer.requests[0].headers if name == "host"] == ["shop.example"]


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (answers.chunked(b"he", b"llo"), 5),
        (answers.until_close(b"hello"), 5),
        (answers.interim(b"hello"), 5),
        (answers.interim(b"hello", status=103), 5),
        (answers.exact(b"HTTP/1.0 200 OK\r\n\r\nhello"), 5),
        (answers.exact(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), 5),
        (
            answers.exact(
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and something nobody asked for"
            ),
            5,
        ),
        (answers.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 1), 5),
        (
            answers.exact(
                answers.head(headers=[("Transfer-Encoding", "chunked")]), b"5\r\nhello\r\n0\r\nA: b\r\n\r\n"
            ),
            5,
        ),
        (answers.gzip_body(b"hello " * 100), len(gzip.compress(b"hello " * 100))),
    ],
)
async def test_every_framing_gives_the_same_body(answer: answers.Answer, size: int) -> None:
    async with http_peer({"/": answer}) as peer:
        result = await look(peer.url(), expect=HELLO)
    assert (codes(result), result.facts["size"]) == ([], size)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", answers.plain(b"hello")),
        ("HEAD", answers.exact(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", close=False)),
        ("GET", answers.exact(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", close=False)),
        ("GET", answers.exact(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", close=False)),
        ("GET", answers.exact(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n12", close=False)),
    ],
)  # fmt: skip
async def test_an_answer_without_a_body_ends_with_its_head(method: str, answer: answers.Answer) -> None:
    async with http_peer({"/": answer}) as peer:
        result = await look(peer.url(), method=method, expect={"status": ["2xx", 304, 101]})
    assert (result.outcome, result.facts["size"]) == ("pass", 0)


async def test_phases_hold_the_servers_delay_and_nothing_that_was_not_reached() -> None:
    async with http_peer({"/": answers.delayed(30_000, answers.drip_body(b"x" * 20, 1_000))}) as peer:
        result = await look(peer.url())
    assert list(result.phases_us) == ["connect", "send", "wait", "transfer"]
    assert result.phases_us["wait"] >= 29_900
    assert result.phases_us["transfer"] >= 18_900
    assert result.duration_us == sum(result.phases_us.values())


async def test_headers_of_an_interim_response_are_none_of_the_answer() -> None:
    answer = answers.exact(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", answers.head(200), b"hello")
    async with http_peer({"/": answer}) as peer:
        assert codes(await look(peer.url(), expect={"headers": {"Link": {"absent": True}}})) == []


STALL_NS = 40_000_000


@dataclass(slots=True)
class Cues:
    """What a server in a thread waits for and tells, so that this process can be busy at a chosen moment."""

    listener: socket.socket
    answer: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    finish: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        """Send a head on the first cue, the body on the last."""
        connection, _ = self.listener.accept()
        with connection:
            connection.recv(65536)
            self.answer.wait(10)
            connection.sendall(answers.head(headers=[("Content-Length", "1")]))
            self.answered.set()
            self.finish.wait(10)
            connection.sendall(b"x")


async def test_a_stalled_agent_bends_no_phase() -> None:
    """The head comes while this process is busy with something else; transfer still begins when it came."""
    with socket.create_server(("127.0.0.1", 0)) as listener, reactor() as engine:
        cues = Cues(listener)
        server = threading.Thread(target=cues.serve)
        server.start()
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US, max_lag_ns=PATIENCE_US * 1000))
        made = check(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        results: list[Result | None] = []
        run = engine.start(made.run(watch), lambda value, _: results.append(value))
        cues.answer.set()
        cues.answered.wait(10)
        busy_until_ns = time.monotonic_ns() + STALL_NS
        while time.monotonic_ns() < busy_until_ns:
            pass
        await _turns(lambda: watch.stage == "transfer")
        cues.finish.set()
        await _turns(lambda: run.finished)
        server.join()
    (result,) = results
    assert result is not None
    assert (result.outcome, result.facts["clock"]) == ("pass", "kernel")
    assert result.phases_us["transfer"] >= STALL_NS // 1000 > result.phases_us["wait"]
    assert result.lag_us >= STALL_NS // 1000


async def _turns(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # the reactor has no asyncio event
            await asyncio.sleep(0)


async def test_a_name_is_resolved_in_a_phase_of_its_own() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        result = await look(peer.url(host="peer.test"))
    assert next(iter(result.phases_us)) == "resolve"
    assert peer.requests[0].header("host") == f"peer.test:{peer.port}"


async def test_ipv6_is_used_and_said() -> None:
    async with http_peer({"/": answers.plain()}, host="::1") as peer:
        result = await look(peer.url(host="[::1]"), ip="ip6")
    assert (result.outcome, result.facts["family"], result.facts["address"]) == ("pass", 6, "::1")
    assert peer.requests[0].header("host") == f"[::1]:{peer.port}"


async def test_a_refused_connection_has_no_later_phase() -> None:
    with refused() as peer:
        result = await look(f"http://{peer.address}/")
    assert (result.outcome, codes(result)) == ("fail", ["connect_refused"])
    assert set(result.phases_us) == {"connect"}
    assert result.facts["address"] == "127.0.0.1"


async def test_a_connection_that_ends_without_an_answer() -> None:
    async with tcp_peer(reset_after(b"")) as peer:
        assert codes(await look(f"http://{peer.address}/")) == ["connection_reset"]
    async with http_peer({"/": answers.no_answer()}) as http:
        assert codes(await look(http.url())) == ["connection_closed"]
    async with tcp_peer(close_at_once) as peer:
        # Whether the end or the reset comes first is a race of the peer's own.
        assert codes(await look(f"http://{peer.address}/"))[0] in ("connection_closed", "connection_reset")
