"""Whatever a target sends instead of the handshake, or after it, ends in one outcome and no exception of ours."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from support.looks import look
from support.tcp_peer import Behaviour, tcp_peer
from support.websocket_peer import answer, frame, raw

from checks.core.result import Outcome, Result
from checks.websocket import WebSocketCheck, WebSocketOptions

STEPS = [{"expect": "hello(?P<rest>.*)"}, {"expect_next": "x"}, {"send": "hi"}, {"expect_text": "y"}]

FRAMES = st.builds(
    lambda opcode, payload, first, mask: frame(opcode, payload, first=first, mask=mask),
    st.integers(0, 15),
    st.binary(max_size=140) | st.sampled_from([b"hello", b"x", b"y", b"\x03\xe8", b"\x03\xe8bye"]),
    st.none() | st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0xC1]),
    st.booleans(),
)
LINES = st.lists(
    st.sampled_from([
        b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 103 Early", b"HTTP/1.1 200 OK", b"HTTP/2 101", b"",
        b"Upgrade: websocket", b"Connection: Upgrade", b"Content-Length: 99", b"Transfer-Encoding: chunked",
        b"Sec-WebSocket-Accept: AAAA", b"Sec-WebSocket-Protocol: \xff", b"\x00", b" fold",
    ])
    | st.binary(max_size=20),
    max_size=12,
)  # fmt: skip


def run(behaviour: Behaviour) -> Result:
    async def once() -> Result:
        async with tcp_peer(behaviour) as peer:
            options = {"url": f"ws://{peer.address}/", "dialogue": STEPS, "subprotocols": ["a"]}
            return await look(WebSocketCheck(WebSocketOptions.model_validate(options)))

    return asyncio.run(once())


def judge(result: Result) -> None:
    assert result.outcome is Outcome.FAIL
    assert [failure.code for failure in result.failures if failure.code.startswith("agent_")] == []


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(FRAMES | st.binary(max_size=20), max_size=12).map(b"".join))
def test_any_frames_end_in_a_failure_of_the_target(frames: bytes) -> None:
    judge(run(raw(answer, frames, close=True)))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(LINES.map(b"\r\n".join) | st.binary(max_size=200))
def test_any_answer_ends_in_a_failure_of_the_target(head: bytes) -> None:
    judge(run(raw(lambda key: head, close=True)))
