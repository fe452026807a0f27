"""Content codings: asked for, undone within the body limit, and expected; whatever a target sends is one code."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from functools import partial
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.http_checks import codes, look
from support.http_peer import http_peer

from checks.core.failures import Stop
from checks.core.http_body import decode, encoding_of
from checks.core.http_response import Response

TEXT = b"all is well, " * 50
LIMIT = 10_000


def _raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


PACKED = {
    "gzip": gzip.compress(TEXT), "x-gzip": gzip.compress(TEXT), "br": brotli.compress(TEXT),
    "deflate": zlib.compress(TEXT), "identity": TEXT, "gzip, br": brotli.compress(gzip.compress(TEXT)),
    "Br": brotli.compress(TEXT), "identity, gzip": gzip.compress(TEXT),
}  # fmt: skip


def _response(encoding: str, body: bytes) -> Response:
    response = Response(body_limit=10**9, keep_body=True)
    response.headers = [(b"content-encoding", encoding.encode("latin-1"))]
    response.add(body)
    return response


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_body_is_judged_as_it_was_before_it_was_encoded(encoding: str) -> None:
    answer = answers.plain(PACKED[encoding], headers=[("Content-Encoding", encoding)])
    async with http_peer({"/": answer}) as peer:
        result = await look(
            peer.url(), expect={"body": {"contains": "well"}, "size": {"min": "650B", "max": "650B"}}
        )
    assert codes(result) == []
    assert (result.facts["size"], result.facts["decoded_size"]) == (len(PACKED[encoding]), 650)


async def test_deflate_without_its_wrapping_is_understood() -> None:
    answer = answers.plain(_raw_deflate(TEXT), headers=[("Content-Encoding", "deflate")])
    async with http_peer({"/": answer}) as peer:
        assert (
            codes(await look(peer.url(), compression="deflate", expect={"body": {"contains": "well"}})) == []
        )


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, None),
        ({"compression": "br"}, "br"),
        ({"compression": ["gzip", "br", "identity"]}, "gzip, br, identity"),
        ({"compression": "gzip", "headers": {"Accept-Encoding": "gzip;q=0.5, *"}}, "gzip;q=0.5, *"),
    ],
)
async def test_compression_is_asked_for_by_name(options: dict[str, Any], sent: str | None) -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        assert codes(await look(peer.url(), **options)) == []
    assert peer.requests[0].header("accept-encoding") == sent


async def test_what_was_asked_for_has_to_decode_though_nobody_looks_into_it() -> None:
    broken = answers.plain(b"\x1f\x8b no", headers=[("Content-Encoding", "gzip")])
    async with http_peer({"/": broken}) as peer:
        assert codes(await look(peer.url())) == []
        assert codes(await look(peer.url(), compression="gzip")) == ["http_encoding"]
        assert codes(await look(peer.url(), expect={"encoding": "gzip"})) == ["http_encoding"]


@pytest.mark.parametrize(
    ("encoding", "expected", "held"),
    [
        ("gzip", "gzip", True), ("x-gzip", "gzip", True), ("gzip", "br", False), ("gzip", ["br", "gzip"], True),
        (None, "gzip", False), (None, "identity", True), ("identity", "identity", True), ("br", "identity", False),
        ("gzip, br", "gzip", False),
    ],
)  # fmt: skip
async def test_the_coding_that_came_can_be_expected(encoding: str | None, expected: Any, held: bool) -> None:
    headers = [("Content-Encoding", encoding)] if encoding else []
    async with http_peer({"/": answers.plain(PACKED[encoding or "identity"], headers=headers)}) as peer:
        result = await look(peer.url(), expect={"encoding": expected})
    assert codes(result) == ([] if held else ["http_encoding"])
    assert result.expectations[1].seen == {None: "identity", "x-gzip": "gzip"}.get(encoding, encoding)
    assert result.facts.get("encoding") == ("gzip" if encoding == "x-gzip" else encoding)


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("br", b"\xff" * 9, "no brotli stream"), ("br", brotli.compress(TEXT)[:-1], "too early"),
        ("br", brotli.compress(TEXT) + b"junk", "no brotli stream"), ("br", b"\x00", "too early"),
        ("gzip", PACKED["gzip"][:-1], "too early"), ("gzip", TEXT, "does not decode"),
        ("deflate", b"\xff\xff", "does not decode"), ("zstd", TEXT, "not understood"),
        ("br, br, br, br", TEXT, "4 times over"), ("gzip, " * 1000, TEXT, "1000 times over"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_decode_has_one_code(encoding: str, body: bytes, words: str) -> None:
    with pytest.raises(Stop, match=words) as caught:
        decode(_response(encoding, body), LIMIT)
    assert caught.value.code == "http_encoding"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, brotli.compress, _raw_deflate])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_decoded_body_may_be_as_long_as_the_limit_and_no_byte_longer(pack: Any, layers: int) -> None:
    name = {gzip.compress: "gzip", brotli.compress: "br"}.get(pack, "deflate")
    for size, fits in ((LIMIT, True), (LIMIT + 1, False)):
        body = bytes(size)
        for _ in range(layers):
            body = pack(body)
        response = _response(", ".join([name] * layers), body)
        if fits:
            assert decode(response, LIMIT).raw == bytes(size)
        else:
            with pytest.raises(Stop) as caught:
                decode(response, LIMIT)
            assert caught.value.code == "body_limit"


@pytest.mark.parametrize(
    ("name", "pack"),
    [("gzip", gzip.compress), ("br", partial(brotli.compress, quality=1)), ("deflate", zlib.compress)],
)
def test_a_bomb_costs_no_more_memory_than_the_limit(name: str, pack: Any) -> None:
    bomb = _response(name, pack(bytes(100_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(Stop) as caught:
            decode(bomb, 100_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.code == "body_limit"


NAMES = st.lists(
    st.sampled_from(["gzip", "br", "deflate", "identity", "x-gzip", "", "é", ";q=1"]), max_size=5
)
WHOLE = st.binary(max_size=300).flatmap(
    lambda data: st.sampled_from([data, gzip.compress(data), brotli.compress(data), zlib.compress(data)])
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(NAMES, WHOLE, st.integers(0, 20), st.binary(max_size=20))
def test_any_bytes_under_any_coding_decode_within_the_limit_or_are_one_code(
    names: list[str], body: bytes, cut: int, junk: bytes
) -> None:
    response = _response(",".join(names), body[: len(body) - cut] + junk)
    assert encoding_of(response).isprintable()
    try:
        decoded, told = decode(response, 200).raw, None
    except Stop as stop:
        decoded, told = b"", stop
    assert len(decoded) <= max(200, len(response.body()))
    if told is not None:
        assert told.code in ("http_encoding", "body_limit")
        assert told.detail.isprintable()
