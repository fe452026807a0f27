"""Arbitrary bytes as a response: nothing raises, there is one result, and memory stays within the limits."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.http_checks import codes, look
from support.http_peer import http_peer

from checks.core.failures import Stop
from checks.core.http_body import decode
from checks.core.http_response import MAX_HEAD, MAX_HEADERS, Http1Response
from checks.core.http_url import join_url, parse_url

LIMIT = 1_000
PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 302 Found\r\n", b"HTTP/1.1 204 x\r\n",
        b"HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n", b"HTTP/1.1 304\r\n", b"HTTP/2 200\r\n",
        b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"content-length: 99999999999\r\n",
        b"Content-Length: -5\r\n", b"\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n",
        b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n", b"Content-Type: a/b; charset=utf-16\r\n",
        b"Location: /x\r\n", b"Location: http://[\r\n", b"X: y\r\n", b": \r\n", b"X\r\n", b"5\r\nhello\r\n",
        b"ffffffffffffffff\r\n", b"5;ext=\"\r\n", b"hello", b"\x1f\x8b\x08\x00", b"\x78\x9c", b'{"a": 1}', b"\n", b"\r",
        b"0\r\n\r\n", b" ", b"258\r\n" + b"y" * 600 + b"\r\n",
    ]
)  # fmt: skip
RESPONSES = st.lists(PIECES | st.binary(max_size=40), max_size=14)


@settings(max_examples=500, deadline=None)
@given(RESPONSES, st.integers(1, 20), st.booleans())
def test_the_parser_never_raises_and_keeps_within_its_limits(
    pieces: list[bytes], cut: int, bodiless: bool
) -> None:
    data = b"".join(pieces)
    response = Http1Response(body_limit=LIMIT, keep_body=True, bodiless=bodiless)
    for at in range(0, len(data), cut):
        response.feed(data[at : at + cut])
        if response.complete or response.problem is not None:
            break
    response.end()
    assert response.complete or response.problem is not None
    assert len(response.body()) <= LIMIT
    assert len(response.headers) <= MAX_HEADERS
    with contextlib.suppress(Stop):
        assert len(decode(response, LIMIT).raw) <= LIMIT


@settings(max_examples=200, deadline=None)
@given(RESPONSES, st.integers(1, 400))
def test_how_the_bytes_are_cut_makes_no_difference(pieces: list[bytes], cut: int) -> None:
    data = b"".join(pieces)
    whole, parts = (Http1Response(body_limit=LIMIT, keep_body=True) for _ in range(2))
    whole.feed(data)
    for at in range(0, len(data), cut):
        if not parts.complete and parts.problem is None:
            parts.feed(data[at : at + cut])
    whole.end()
    parts.end()
    for response in (whole, parts):
        assert response.problem is None or response.problem.code
    if whole.problem is None and parts.problem is None:
        assert (whole.status, whole.headers, whole.body()) == (parts.status, parts.headers, parts.body())
    assert (whole.problem is None) == (parts.problem is None)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RESPONSES)
@example([b"x" * (MAX_HEAD + 1)])
@example([b"HTTP/1.1 200 OK\r\nLocation: ", b"\xff" * 100, b"\r\n\r\n"])
def test_a_run_always_ends_in_one_verdict_on_the_target(pieces: list[bytes]) -> None:
    result = asyncio.run(_run(b"".join(pieces)))
    assert result.outcome in ("pass", "fail")
    assert (result.outcome == "pass") == (codes(result) == [])
    assert all(len(failure.detail) <= 500 and failure.detail.isprintable() for failure in result.failures)


async def _run(data: bytes) -> object:
    expect = {"body": {"contains": "hello", "regex": "h.llo", "absent": "/boo/"}, "json": {"$..a": 1}}
    async with http_peer({"/": answers.exact(data), "/x": answers.plain(b"hello")}) as peer:
        return await look(peer.url(), expect=expect, body_limit="1000B", redirects={"limit": 2})


HOME = parse_url("https://shop.test:8443/a/b?q=1")


PARTS = [b"http:", b"//", b"[", b"]", b"::1", b":", b"@", b"..", b"/", b"?", b"%", b"#", b"\xe9", b"x.test", b"xn--",
         b"1", b"\xef\xbc\x8f", b"-", b" "]  # fmt: skip


@settings(max_examples=500)
@given(st.binary(max_size=60) | st.lists(st.sampled_from(PARTS), max_size=8).map(b"".join))
def test_any_location_is_a_usable_url_or_refused(location: bytes) -> None:
    with contextlib.suppress(ValueError):
        url = join_url(HOME, location)
        assert url.absolute.isascii()
        assert not set(url.absolute) & set(" \r\n\t\x00")
        assert parse_url(url.absolute) == url
