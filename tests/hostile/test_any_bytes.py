"""Whatever bytes a target sends, a run of any kind ends in time, with a code of the target's own, and holds little.

One property over all kinds that read a stream: a table of how each is pointed at a port, and peers that speak
fragments of every protocol, noise, or without end. Parsers have finer properties of their own beside them.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.looks import Setting, look
from support.tcp_peer import Conversation, tcp_peer

from checks.core.check import KINDS, Check, load_kinds
from checks.core.result import Outcome, Result

load_kinds()
PATIENCE_US = 250_000
SLACK_SECONDS = 2.0  # beyond a run's own timeout, on a busy machine
ENDLESS_LIMIT_BYTES = 64 * 1024 * 1024

AT: dict[str, dict[str, Any]] = {  # Any: options as a file has them; {} stands for host:port
    "dns": {"name": "shop.test", "server": "{}", "transport": "tcp"},
    "domain": {"name": "shop.example", "server": "http://{}"},
    "ftp": {"address": "{}"},
    "grpc": {"address": "{}"},
    "http": {"url": "http://{}/", "expect": {"json": {"$.a": 1}, "body": {"regex": "b+"}}},
    "http2": {"url": "http://{}/", "version": "2"},
    "imap": {"address": "{}"},
    "pop3": {"address": "{}", "security": "none"},
    "smtp": {"address": "{}"},
    "ssh": {"address": "{}"},
    "tcp": {
        "address": "{}",
        "dialogue": [{"expect": "^(?P<a>x+)y$"}, {"send": "{a}"}, {"expect_bytes": "00ff"}],
    },
    "tls": {"address": "{}"},
    "websocket": {"url": "ws://{}/", "dialogue": [{"expect": "pong"}]},
}
FRAGMENTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: br\r\n",
    b"Content-Encoding: gzip\r\n", b"\r\n", b"fffffffff\r\n", b"0\r\n\r\n", b'{"a": [[[[', b"{}", b"220 mail ESMTP\r\n",
    b"250-STARTTLS\r\n250 OK\r\n", b"* OK IMAP4rev1\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n", b"+OK\r\n",
    b"SSH-2.0-x\r\n", b"220 (vsFTPd)\r\n", b"234 go\r\n", b"\x16\x03\x03\x00\x04", b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\xff\xff\xff\xff",
    b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", b"\x81\x04pong", b"\x88\x02\x03\xe8",
    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x00\x1d", b"xxxy\n", b"\x00\xff",
]  # fmt: skip
said = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=40), max_size=12).map(b"".join)


def pointed(name: str, address: str) -> Check[Any]:
    """Return the check of a kind, pointed at a peer."""
    kind = KINDS["http" if name == "http2" else name]

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        return value.replace("{}", address) if isinstance(value, str) else value

    return kind(kind.options_type.model_validate(fill(AT[name])))


async def run(name: str, behave: Any, timeout_us: int = PATIENCE_US) -> tuple[Result, float]:
    async with tcp_peer(behave) as peer:
        began = time.monotonic()
        result = await look(pointed(name, peer.address), Setting(timeout_us=timeout_us))
        return result, time.monotonic() - began


def say(data: bytes, *, then_close: bool) -> Any:
    async def behave(conversation: Conversation) -> None:
        await conversation.send(data)
        if not then_close:
            await conversation.drain_input()

    return behave


def test_no_kind_that_reads_a_stream_is_left_out() -> None:
    """`unix` and `flow` read by the means of `tcp` and `http`; the others read no stream."""
    assert set(KINDS) - set(AT) <= {"heartbeat", "icmp", "unix", "flow"}


@pytest.mark.parametrize("name", sorted(AT))
def test_any_bytes_end_in_a_code_of_the_targets_own(name: str) -> None:
    @given(data=said, then_close=st.booleans())
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @example(data=b"", then_close=True)
    def examine(data: bytes, then_close: bool) -> None:
        result, took = asyncio.run(run(name, say(data, then_close=then_close)))
        codes = [failure.code for failure in result.failures]
        # A registry that speaks nonsense says nothing of a domain; anything else of `agent_` is a fault of ours.
        own = [
            code
            for code in codes
            if code.startswith("agent_") and (name, code) != ("domain", "agent_registry")
        ]
        assert own == [], result.failures
        assert result.outcome is not Outcome.PASS or codes == []
        assert took < PATIENCE_US / 1e6 + SLACK_SECONDS

    examine()


@pytest.mark.parametrize("name", sorted(AT))
@pytest.mark.parametrize(
    "block", [b"x" * 65_536, b"HTTP/1.1 200 OK\r\n\r\n" + b"{" * 65_000, b"220-go on\r\n" * 5_000]
)
async def test_a_target_that_never_stops_is_cut_off_and_holds_little(name: str, block: bytes) -> None:
    async def endless(conversation: Conversation) -> None:
        while True:
            await conversation.send(block)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result, took = await run(name, endless)
    assert result.outcome in (Outcome.FAIL, Outcome.VOID)
    assert "agent_error" not in [failure.code for failure in result.failures]
    assert took < PATIENCE_US / 1e6 + SLACK_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < ENDLESS_LIMIT_BYTES


@pytest.mark.parametrize("name", sorted(AT))
async def test_a_target_that_drips_byte_by_byte_gets_no_more_than_the_timeout(name: str) -> None:
    async def drip(conversation: Conversation) -> None:
        while True:
            await conversation.send(b"2")
            await asyncio.sleep(0.005)

    result, took = await run(name, drip)
    assert result.outcome in (Outcome.FAIL, Outcome.VOID)
    assert "agent_error" not in [failure.code for failure in result.failures]
    assert took < PATIENCE_US / 1e6 + SLACK_SECONDS


def test_nothing_stays_open() -> None:
    """After all of the above: as many descriptors as one run more leaves."""
    asyncio.run(run("http", say(b"", then_close=True)))
    before = len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))
    for name in AT:
        asyncio.run(run(name, say(b"\x00" * 50, then_close=True)))
    assert len(list(Path(f"/proc/{os.getpid()}/fd").iterdir())) <= before
