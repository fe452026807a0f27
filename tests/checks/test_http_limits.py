"""Whatever a target sends, the http check ends in time, in little memory, with one clear code."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from support import http_answers as answers
from support.certs import certificates
from support.http_checks import codes, look
from support.http_peer import Answer, http_peer
from support.tcp_peer import drip, endless, garbage, silence, tcp_peer

from checks.core.failures import Stop
from checks.core.http_body import decode
from checks.core.http_response import Http1Response

SHORT_US = 150_000
HEAD = b"HTTP/1.1 200 OK\r\n"
MEMORY_LIMIT = 24 * 2**20  # bytes; the peer of the same process has its own buffers


@pytest.mark.parametrize(
    ("answer", "code", "phase"),
    [
        (answers.hang(), "timeout_headers", "wait"),
        (answers.hang(b"HTTP/1.1 200 OK\r\nA: b\r\n"), "timeout_headers", "transfer"),
        (answers.drip(HEAD + b"A: " + b"x" * 100_000, 5_000), "timeout_headers", "transfer"),
        (answers.hang(b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout_headers", "transfer"),
        (answers.hang_in_body(), "timeout_body", "transfer"),
        (answers.drip_body(b"x" * 100_000, 5_000), "timeout_body", "transfer"),
    ],
)
async def test_a_timeout_says_what_was_awaited(answer: Answer, code: str, phase: str) -> None:
    async with http_peer({"/": answer}) as peer:
        result = await look(peer.url(), timeout_us=SHORT_US)
    assert (result.outcome, codes(result)) == ("fail", [code])
    assert list(result.phases_us)[-1] == phase
    assert SHORT_US / 2 <= result.duration_us <= SHORT_US


async def test_a_target_that_never_speaks_tls_is_a_tls_timeout() -> None:
    async with tcp_peer(silence) as peer:
        result = await look(f"https://{peer.address}/", timeout_us=SHORT_US)
    assert (codes(result), list(result.phases_us)) == (["tls_timeout"], ["connect", "tls"])


@pytest.mark.parametrize(
    "data", [b"\x00\x01\xff nonsense\r\n", b"\x16\x03\x03\xff\xff" + b"x" * 70_000, b"220 mail ESMTP\r\n"]
)
async def test_garbage_instead_of_tls_is_one_code(data: bytes) -> None:
    async with tcp_peer(garbage(data)) as peer:
        result = await look(f"https://{peer.address}/")
    assert (result.outcome, codes(result)) == ("fail", ["tls_handshake"])


async def test_tls_on_a_plain_port_is_named() -> None:
    async with http_peer({}, tls=certificates().valid.server_context()) as peer:
        result = await look(peer.url().replace("https:", "http:"))
    # Some servers send an alert, some just close.
    assert codes(result) in (["http_malformed"], ["connection_closed"])
    async with tcp_peer(garbage(b"\x15\x03\x01\x00\x02\x02\x46")) as raw:
        result = await look(f"http://{raw.address}/")
    assert [failure.detail for failure in result.failures] == ["the target speaks TLS here, not plain HTTP"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (answers.garbage(), "http_malformed"),
        (answers.exact(b"SSH-2.0-OpenSSH_9.2\r\n"), "http_malformed"),
        (answers.exact(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "http_malformed"),
        (
            answers.exact(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
            "http_malformed",
        ),
        (answers.exact(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "http_malformed"),
        (answers.exact(b"HTTP/1.1 200 OK\r\nContent-Le"), "http_truncated"),
        (answers.truncated(b"short", 100), "http_truncated"),
        (
            answers.exact(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            "http_truncated",
        ),
        (answers.giant_header(), "http_header_limit"),
        (answers.endless_headers(), "http_header_limit"),
        (answers.exact(HEAD + b"A: b\r\n" * 1001 + b"\r\n"), "http_header_limit"),
        (answers.exact(b"HTTP/1.1 100 Wait\r\n\r\n" * 5_000), "http_header_limit"),
        (answers.endless_body(), "body_limit"),
        (answers.endless_body(declare=False), "body_limit"),
    ],
)
async def test_a_broken_or_endless_answer_has_one_code(answer: Answer, code: str) -> None:
    async with http_peer({"/": answer}) as peer:
        result = await look(peer.url(), expect={"body": {"absent": "boom"}})
    assert (result.outcome, codes(result)) == ("fail", [code])


@pytest.mark.parametrize(
    "endless_part", [b"5;" + b"e" * 2**20, b"0\r\nTrailer: " + b"t" * 2**20, b"0\r\n" + b"T: t\r\n" * 2**17]
)
async def test_endless_chunk_extensions_and_trailers_end_early(endless_part: bytes) -> None:
    answer = answers.exact(answers.head(headers=[("Transfer-Encoding", "chunked")]), *[endless_part] * 8)
    async with http_peer({"/": answer}) as peer:
        assert codes(await look(peer.url())) == ["http_header_limit"]


@pytest.mark.parametrize("declare", [True, False])
async def test_ten_gigabytes_cost_little_memory(declare: bool) -> None:
    async with http_peer({"/": answers.endless_body(declare=declare)}) as peer:
        tracemalloc.start()
        try:
            result = await look(peer.url(), expect={"body": {"contains": "never"}})
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert codes(result) == ["body_limit"]
    assert peak < MEMORY_LIMIT


async def test_a_target_faster_than_the_reader_meets_the_deadline() -> None:
    async with tcp_peer(endless) as peer:
        result = await look(f"http://{peer.address}/", timeout_us=SHORT_US)
    assert codes(result) == ["http_malformed"]
    chunk = b"1;" + b"e" * 60_000 + b"\r\nx\r\n"
    answer = answers.exact(answers.head(headers=[("Transfer-Encoding", "chunked")]), *[chunk] * 100_000)
    async with http_peer({"/": answer}) as http:
        result = await look(http.url(), timeout_us=SHORT_US)
    assert (codes(result), result.duration_us <= SHORT_US) == (["timeout_body"], True)


async def test_a_declared_length_over_the_limit_is_not_waited_for() -> None:
    async with http_peer({"/": answers.hang_in_body(declared_bytes=1001)}) as peer:
        assert codes(await look(peer.url(), body_limit="1000B")) == ["body_limit"]
        assert codes(await look(peer.url(), method="HEAD", body_limit="1000B")) == []


@pytest.mark.parametrize(("count", "expected"), [(1000, []), (1001, ["http_header_limit"])])
async def test_the_limit_of_headers_is_exact(count: int, expected: list[str]) -> None:
    data = HEAD + b"Content-Length: 0\r\n" + b"A: b\r\n" * (count - 1) + b"\r\n"
    async with http_peer({"/": answers.exact(data)}) as peer:
        assert codes(await look(peer.url())) == expected


@pytest.mark.parametrize(("size", "expected"), [(1000, []), (1001, ["body_limit"])])
@pytest.mark.parametrize("framed", [True, False])
async def test_the_body_limit_is_exact(size: int, expected: list[str], framed: bool) -> None:
    answer = answers.plain(b"x" * size) if framed else answers.until_close(b"x" * size)
    async with http_peer({"/": answer}) as peer:
        assert codes(await look(peer.url(), body_limit="1000B")) == expected


@pytest.mark.parametrize(("size", "expected"), [(2**16, []), (2**16 + 1, ["http_header_limit"])])
async def test_the_head_limit_is_exact(size: int, expected: list[str]) -> None:
    frame = HEAD + b"Content-Length: 2\r\nX: \r\n\r\n"
    head = frame.replace(b"X: ", b"X: " + b"x" * (size - len(frame)))
    async with http_peer({"/": answers.exact(head + b"ok")}) as peer:
        assert codes(await look(peer.url(), expect={"body": {"contains": "ok"}})) == expected


def _encoded(data: bytes, name: str) -> Answer:
    return answers.plain(data, headers=[("Content-Encoding", name)])


def _raw_deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(data) + machine.flush()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_encoded(gzip.compress(b"hello"), "gzip"), []),
        (_encoded(gzip.compress(b"hel") + gzip.compress(b"lo"), "x-gzip"), []),
        (_encoded(zlib.compress(b"hello"), "deflate"), []),
        (_encoded(_raw_deflate(b"hello"), "deflate"), []),
        (_encoded(gzip.compress(zlib.compress(b"hello")), "deflate, gzip"), []),
        (_encoded(b"hello", "identity"), []),
        (_encoded(b"hello", "br"), ["http_encoding"]),
        (_encoded(b"hello", "gzip"), ["http_encoding"]),
        (_encoded(gzip.compress(b"hello")[:-9], "gzip"), ["http_encoding"]),
        (_encoded(b"hello", "gzip, gzip, gzip, gzip"), ["http_encoding"]),
        (_encoded(gzip.compress(b"") * 65, "gzip"), ["http_encoding"]),
        (_encoded(gzip.compress(bytes(10 * 2**20 + 1)), "gzip"), ["body_limit"]),
        (_encoded(gzip.compress(b"hello" + bytes(10 * 2**20 - 5)), "gzip"), []),
        (_encoded(gzip.compress(gzip.compress(bytes(2**30))), "gzip, gzip"), ["body_limit"]),
    ],
)
async def test_content_encodings_are_undone_within_the_limit(answer: Answer, expected: list[str]) -> None:
    async with http_peer({"/": answer}) as peer:
        result = await look(peer.url(), expect={"body": {"contains": "hello"}})
        assert codes(result) == expected
        assert codes(await look(peer.url())) == []  # not looked into, so not decoded


def test_nothing_beyond_the_limit_is_kept() -> None:
    response = Http1Response(body_limit=1000, keep_body=True)
    response.feed(answers.head() + b"x" * 1500)
    assert (len(response.body()), response.size) == (0, 1500)


def test_a_body_in_a_million_pieces_takes_what_it_holds() -> None:
    response = Http1Response(body_limit=2**21, keep_body=True)
    response.feed(answers.head(headers=[("Transfer-Encoding", "chunked")]))
    pieces = b"2\r\nab\r\n" * 1000
    tracemalloc.start()
    try:
        for _ in range(1000):
            response.feed(pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (response.size, len(response.body()), response.problem) == (2_000_000, 2_000_000, None)
    assert peak < 3 * response.size


def test_a_small_bomb_is_not_blown_up() -> None:
    bomb = gzip.compress(bytes(2**28))
    response = Http1Response(body_limit=2**20, keep_body=True)
    response.feed(
        answers.head(headers=[("Content-Encoding", "gzip"), ("Content-Length", str(len(bomb)))]) + bomb
    )
    tracemalloc.start()
    try:
        with pytest.raises(Stop) as caught:
            decode(response, 2**20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (caught.value.code, peak < 8 * 2**20) == ("body_limit", True)


async def test_a_dripping_handshake_is_a_tls_timeout() -> None:
    async with tcp_peer(drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000, 5_000)) as peer:
        assert codes(await look(f"https://{peer.address}/", timeout_us=SHORT_US))[0] in (
            "tls_timeout",
            "tls_handshake",
        )
