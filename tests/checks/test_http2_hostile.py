"""HTTP/2 that breaks off, breaks the rules, or never ends: one code each, in bounded time and memory."""

from __future__ import annotations

import asyncio
import resource

import pytest
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from support import http2_peer as h2
from support.certs import certificates
from support.http2_peer import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    frame,
    http2_peer,
)
from support.http_checks import codes, look

from checks.core.http2_frames import Sieve
from checks.core.result import Result

MADE = certificates()
SOON_US = 300_000


def _fields(*pairs: tuple[str, str]) -> bytes:
    return Encoder().encode(list(pairs), huffman=False)


OK = _fields((":status", "200"))
HEAD = frame(HEADERS, END_HEADERS, 1, OK)
LENGTH_5 = frame(HEADERS, END_HEADERS, 1, _fields((":status", "200"), ("content-length", "5")))
# One entry of 4 KB in the table, named a few thousand times: 16 MB of headers in 4 KB.
BOMB = _fields((":status", "200"), ("x", "y" * 4000)) + b"\xbe" * 4000

ENDS = {
    "closed without an answer": (h2.raw(close=True), "connection_closed"),
    "closed within the head": (h2.raw(HEAD[:9], close=True), "connection_closed"),
    "closed within the body": (h2.raw(HEAD + frame(DATA, 0, 1, b"part"), close=True), "http_truncated"),
    "reset before the head": (h2.raw(frame(RST_STREAM, 0, 1, (7).to_bytes(4, "big"))), "http_protocol"),
    "reset within the body": (h2.raw(HEAD + frame(RST_STREAM, 0, 1, (2).to_bytes(4, "big"))), "http_protocol"),
    "reset with an unknown error": (h2.raw(frame(RST_STREAM, 0, 1, b"\xff" * 4)), "http_protocol"),
    "wants 1.1": (h2.raw(frame(RST_STREAM, 0, 1, (13).to_bytes(4, "big"))), "http_version"),
    "farewell that leaves us out": (h2.raw(h2.goaway(0, 0)), "http_protocol"),
    "farewell with an error": (h2.raw(h2.goaway(1, 11, b"too many calls")), "http_protocol"),
    "farewell within the body": (h2.raw(HEAD + h2.goaway(1, 2)), "http_protocol"),
    "graceful farewell, then nothing": (h2.raw(h2.goaway(1, 0), close=True), "connection_closed"),
    "garbage": (h2.raw(b"\x00\xff\x13 this is no frame at all" * 100, close=True), "http_protocol"),
    "a frame too long": (h2.raw(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"), "http_protocol"),
    "1.1 in the midst": (h2.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "http_protocol"),
    "fewer bytes than announced": (
        h2.raw(LENGTH_5 + frame(DATA, END_STREAM, 1, b"four")), "http_truncated"),
    "more bytes than announced": (
        h2.raw(LENGTH_5 + frame(DATA, END_STREAM, 1, b"sixsix")), "http_malformed"),
    "data before the head": (h2.raw(frame(DATA, 0, 1, b"x")), "http_protocol"),
    "a head without a status": (h2.raw(frame(HEADERS, END_HEADERS, 1, _fields(("x", "y")))), "http_protocol"),
    "a status that is none": (h2.raw(frame(HEADERS, END_HEADERS, 1, _fields((":status", "2x0")))), "http_malformed"),
    "upper case names": (h2.raw(frame(HEADERS, END_HEADERS, 1, OK + _fields(("Bad", "y")))), "http_protocol"),
    "two heads": (h2.raw(HEAD + HEAD), "http_protocol"),
    "a stream of its own": (h2.raw(frame(HEADERS, END_HEADERS, 2, OK)), "http_protocol"),
    "a promise though none is wanted": (h2.raw(frame(5, END_HEADERS, 1, b"\x00\x00\x00\x02" + OK)), "http_protocol"),
    "settings that cannot be": (h2.raw(frame(SETTINGS, 0, 0, b"\x00\x04\xff\xff\xff\xff")), "http_protocol"),
    "headers that cannot be unpacked": (h2.raw(frame(HEADERS, END_HEADERS, 1, b"\xff" * 20)), "http_protocol"),
    "a header bomb": (h2.raw(frame(HEADERS, END_HEADERS, 1, BOMB)), "http_header_limit"),
    "continued without an end": (
        h2.then(h2.raw(frame(HEADERS, 0, 1, OK)), h2.forever(frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y" * 10))),
        "http_protocol"),
    "pings": (h2.forever(frame(PING, 0, 0, b"12345678") * 100), "http_protocol"),
    "settings": (h2.forever(frame(SETTINGS, 0, 0) * 100), "http_protocol"),
    "acknowledgements": (h2.forever(frame(PING, ACK, 0, b"12345678") * 100), "http_protocol"),
    "unknown frames": (h2.forever(frame(0xEE, 0, 0, b"x" * 16000)), "http_protocol"),
    "interim answers": (
        h2.forever(frame(HEADERS, END_HEADERS, 1, _fields((":status", "103"))) * 100), "http_protocol"),
    "data without bytes": (h2.then(h2.raw(HEAD), h2.forever(frame(DATA, 0, 1) * 100)), "http_protocol"),
    "a body without an end": (
        h2.then(h2.headers_only(), h2.rest(bytes(2**21)), h2.rest(bytes(2**21))), "body_limit"),
    "too long a body announced": (h2.headers_only(200, ("content-length", "9999999")), "body_limit"),
    "too many headers": (
        h2.headers_only(200, *((f"x{number}", "") for number in range(1200)), end=True), "http_header_limit"),
    "too long a header": (h2.headers_only(200, ("x", "y" * 70_000), end=True), "http_header_limit"),
}  # fmt: skip


@pytest.mark.parametrize("how", list(ENDS))
async def test_every_bad_end_has_one_code(how: str) -> None:
    answer, code = ENDS[how]
    async with http2_peer({"/": answer}) as peer:
        result = await look(peer.url(), version="2", body_limit="1MiB")
    assert (result.outcome, codes(result)) == ("fail", [code])


SLOW = {
    "silence": (h2.silence(), "timeout_headers", "wait"),
    "half a head": (h2.raw(HEAD[:9]), "timeout_headers", "wait"),
    "pings now and then": (h2.forever(frame(PING, 0, 0, b"12345678"), 20_000), "timeout_headers", "wait"),
    "no body": (h2.headers_only(), "timeout_body", "transfer"),
    "a body in drops": (
        h2.then(h2.headers_only(), h2.forever(frame(DATA, 0, 1, b"x"), 20_000)), "timeout_body", "transfer"),
}  # fmt: skip


@pytest.mark.parametrize("how", list(SLOW))
async def test_who_is_slow_is_cut_off_at_the_deadline(how: str) -> None:
    answer, code, phase = SLOW[how]
    async with http2_peer({"/": answer}) as peer:
        result = await look(peer.url(), version="2", timeout_us=SOON_US)
    assert (codes(result), list(result.phases_us)[-1]) == ([code], phase)
    assert result.duration_us <= SOON_US


async def test_a_window_that_never_opens_is_a_send_that_does_not_end() -> None:
    async with http2_peer({}, window=0) as peer:
        result = await look(peer.url(), version="2", method="POST", body="x" * 65_536, timeout_us=SOON_US)
    assert codes(result) == ["timeout_send"]


@pytest.mark.parametrize(
    ("secure", "greeting", "code"),
    [
        (True, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "http_protocol"),
        (False, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "http_version"),
        (False, b"HTTP/1.0 200 OK\r\n\r\n", "http_version"), (False, b"SSH-2.0-x\r\n", "http_protocol"),
        (False, b"HT", "timeout_headers"), (False, b"\x15\x03\x01\x00\x02\x02\x46", "http_protocol"),
        (False, b"220 ok\r\n", "http_protocol"), (False, b"\x00\x00\x00", "timeout_headers"),
        (False, b"\x00\x00\x00\x05", "http_protocol"), (False, b"\x00\x00\x00\x04", "timeout_headers"),
        (False, frame(PING, 0, 0, b"12345678"), "http_protocol"),
        (False, h2.goaway(0, 1), "http_protocol"),
    ],
)  # fmt: skip
async def test_who_greets_otherwise_does_not_speak_http_2(secure: bool, greeting: bytes, code: str) -> None:
    tls = MADE.valid.server_context() if secure else None
    options = {"tls": {"ca_file": str(MADE.ca_file)}} if secure else {"version": "2"}
    async with http2_peer({}, tls=tls, greeting=greeting) as peer:
        result = await look(peer.url(), timeout_us=SOON_US, **options)
    assert codes(result) == [code]


async def test_what_a_farewell_says_is_shown_without_its_control_characters() -> None:
    async with http2_peer({"/": h2.raw(h2.goaway(0, 11, b"slow\x1b[31m down"))}) as peer:
        result = await look(peer.url(), version="2")
    assert result.failures[0].detail == (
        'the target ended the connection: GOAWAY ENHANCE_YOUR_CALM, "slow\\x1b[31m down"'
    )


async def test_a_bomb_costs_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with http2_peer({"/": h2.raw(frame(HEADERS, END_HEADERS, 1, BOMB))}) as peer:
        for _ in range(20):
            await look(peer.url(), version="2")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


PIECES = st.sampled_from(
    [
        HEAD, LENGTH_5, frame(HEADERS, END_HEADERS | END_STREAM, 1, OK), frame(HEADERS, 0, 1, OK),
        frame(SETTINGS, 0, 0),
        frame(SETTINGS, ACK, 0), frame(PING, 0, 0, b"12345678"), frame(DATA, 0, 1, b"hello"),
        frame(DATA, END_STREAM, 1, b"x"),
        frame(DATA, 8, 1, b"\x09x"), h2.goaway(1, 0), h2.goaway(0, 3), frame(RST_STREAM, 0, 1, b"\x00\x00\x00\x01"),
        frame(8, 0, 0, b"\x00\x00\x00\x01"), frame(8, 0, 1, b"\x7f\xff\xff\xff"), frame(8, 0, 1, bytes(4)),
        frame(CONTINUATION, END_HEADERS, 1, OK), frame(5, END_HEADERS, 1, b"\x00\x00\x00\x02" + OK),
        frame(SETTINGS, 0, 0, b"\x00\x01\x00\x00\x00\x00"), frame(SETTINGS, 0, 0, b"\x00\x05\x00\x00\x00\x01"),
        frame(10, 0, 0, b"\x00\x03abcx"), frame(2, 0, 1, b"\x00\x00\x00\x01\x05"), b"\x00\x00", b"\xff" * 9,
        frame(HEADERS, END_HEADERS, 1, BOMB), frame(3, 0, 1, b"x"), frame(7, 0, 0, b"x"),
    ]
)  # fmt: skip
TALK = st.lists(PIECES | st.binary(max_size=30), max_size=8)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(TALK, st.integers(1, 60))
def test_whatever_frames_come_there_is_one_outcome(pieces: list[bytes], cut: int) -> None:
    data = b"".join(pieces)
    parts = [data[at : at + cut] for at in range(0, len(data), cut)]

    async def run() -> Result:
        async with http2_peer({"/": h2.raw(*parts, close=True)}) as peer:
            return await look(peer.url(), version="2")

    result = asyncio.run(run())
    assert result.outcome in ("pass", "fail"), result
    assert len(codes(result)) == (result.outcome == "fail")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(TALK, st.integers(1, 60))
def test_the_sieve_takes_farewells_and_nothing_else(pieces: list[bytes], cut: int) -> None:
    data = b"".join(pieces)
    whole, parts = Sieve(), Sieve()
    passed, farewells = whole.take(data)
    if whole.alien is not None:
        return
    taken = [parts.take(data[at : at + cut]) for at in range(0, len(data), cut)]
    assert b"".join(each for each, _ in taken) == passed
    assert [each for _, found in taken for each in found] == farewells
