"""Every expectation on a response is judged, recorded with what was seen, and reported when it does not hold."""

from __future__ import annotations

from typing import Any

import pytest
from support import http_answers as answers
from support.http_checks import codes, look
from support.http_peer import http_peer

from checks.core.http_json import MAX_VALUES

DOCUMENT = {
    "status": "ok",
    "n": 3,
    "x": 1.5,
    "yes": True,
    "none": None,
    "list": [1, 2, 3],
    "deep": {"a": [{"b": 1}, {"b": 2}]},
}


@pytest.mark.parametrize(
    ("accepted", "status", "held"),
    [
        ("2xx", 200, True), ("2xx", 299, True), ("2xx", 300, False), ("2XX", 199, False),
        ("200-204", 204, True), ("200-204", 205, False), ("200-204", 199, False),
        (200, 200, True), (200, 201, False), (["200", "4xx"], 404, True), ([301, 302], 303, False),
    ],
)  # fmt: skip
async def test_statuses(accepted: object, status: int, held: bool) -> None:
    if status == 199:
        status = 501  # 1xx never is the final status
    async with http_peer({"/": answers.plain(status=status)}) as peer:
        result = await look(peer.url(), expect={"status": accepted}, redirects=False)
    assert codes(result) == ([] if held else ["http_status"])
    assert result.expectations[0].seen == str(status)


@pytest.mark.parametrize(
    ("rules", "held"),
    [
        ({"contains": "hello"}, True),
        ({"contains": "Hello"}, False),
        ({"contains": ["hello", "wörld"]}, True),
        ({"contains": "hello\nwörld\n"}, True),
        ({"regex": "hello$"}, False),
        ({"regex": r"(?m)hello$"}, True),
        ({"regex": ["^hello", r"\Ahello\sw"]}, True),
        ({"absent": "error"}, True),
        ({"absent": "hello"}, False),
        ({"absent": "/[Ee]rror|w.rld/"}, False),
        ({"absent": ["/err.r/", "/"]}, True),
    ],
)
async def test_bodies(rules: dict[str, Any], held: bool) -> None:
    async with http_peer({"/": answers.plain("hello\nwörld\n".encode())}) as peer:
        assert codes(await look(peer.url(), expect={"body": rules})) == ([] if held else ["body_mismatch"])


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("ISO-8859-1", "latin-1"),
        ("utf-16", "utf-16"),
        ('"utf-8"', "utf-8"),
        ("zlib_codec", "utf-8"),
        ("iso-8859-99", "utf-8"),
        ("unicode_escape", "utf-8"),
    ],
)
async def test_bodies_are_read_in_their_charset(charset: str, codec: str) -> None:
    headers = [("Content-Type", f"text/html; charset={charset}")]
    async with http_peer({"/": answers.plain("grüße".encode(codec), headers=headers)}) as peer:
        assert (
            codes(await look(peer.url(), expect={"body": {"contains": ["grüße", "gr"], "regex": "^grüße$"}}))
            == []
        )


@pytest.mark.parametrize(
    ("rules", "held"),
    [
        ({"X-One": "a, b"}, True),
        ({"x-one": "a"}, False),
        ({"X-One": {"contains": "a"}}, True),
        ({"X-One": {"regex": "^a.*b$"}}, True),
        ({"X-One": {"regex": "^b"}}, False),
        ({"X-One": {"contains": "a", "regex": "b$"}}, True),
        ({"X-Two": {"absent": True}}, True),
        ({"X-One": {"absent": True}}, False),
        ({"X-Two": "a"}, False),
        ({"Set-Cookie": {"contains": "b=2"}}, True),
        ({"X-Empty": ""}, True),
    ],
)
async def test_headers(rules: dict[str, Any], held: bool) -> None:
    headers = [("X-One", "a, b"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Empty", "")]
    async with http_peer({"/": answers.plain(headers=headers)}) as peer:
        assert codes(await look(peer.url(), expect={"headers": rules})) == ([] if held else ["http_header"])


@pytest.mark.parametrize(
    ("path", "wanted", "held"),
    [
        ("$.status", "ok", True), ("$.status", "no", False), ("$.gone", "ok", False), ("$.n", 3, True),
        ("$.n", 3.0, True), ("$.n", "3", False), ("$.yes", True, True), ("$.yes", 1, False),
        ("$.none", None, True), ("$.gone", None, False), ("$.list", [1, 2, 3], True), ("$.list", [1, 2], False),
        ("$.n", {"!=": 4}, True), ("$.n", {"!=": 3}, False), ("$.gone", {"!=": 3}, False),
        ("$.n", {"<": 4}, True), ("$.n", {"<": 3}, False), ("$.n", {"<=": 3}, True), ("$.n", {"<=": 2.9}, False),
        ("$.n", {">": 2}, True), ("$.n", {">": 3}, False),
        ("$.n", {">=": 3, "<": 5}, True), ("$.n", {">=": 3.1}, False),
        ("$.yes", {">=": 0}, False), ("$.status", {"<": "p"}, True), ("$.status", {"<": 1}, False),
        ("$.status", {"contains": "o"}, True), ("$.list", {"contains": 2}, True), ("$.list", {"contains": 4}, False),
        ("$.deep", {"contains": "a"}, True), ("$.n", {"contains": "3"}, False),
        ("$.status", {"matches": "^o"}, True), ("$.status", {"matches": "^k"}, False), ("$.n", {"matches": "3"}, False),
        ("$.status", {"exists": True}, True), ("$.gone", {"exists": True}, False),
        ("$.gone", {"exists": False}, True), ("$.none", {"exists": False}, False),
        ("$.deep.a[*].b", {">=": 1}, True), ("$.deep.a[*].b", {">=": 2}, False), ("$.deep.a[?@.b==2].b", 2, True),
        ("$..b", {"<": 3}, True), ("$.deep", {"==": {"a": [{"b": 1}, {"b": 2}]}}, True),
    ],
)  # fmt: skip
async def test_json(path: str, wanted: object, held: bool) -> None:
    async with http_peer({"/": answers.json_body(DOCUMENT)}) as peer:
        assert codes(await look(peer.url(), expect={"json": {path: wanted}})) == (
            [] if held else ["json_mismatch"]
        )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"NaN",
        b'{"a": Infinity}',
        b"\xff\xfe\xff",
        b"[" * 200_000,
        b"9" * 5_000,
        b'"' + b"x" * 2**21 + b'"',
    ],
)
async def test_what_is_no_json_is_one_failure(body: bytes) -> None:
    async with http_peer({"/": answers.plain(body)}) as peer:
        result = await look(peer.url(), expect={"json": {"$.a": 1, "$.b": 2}})
    assert (result.outcome, codes(result)) == ("fail", ["json_invalid"])


@pytest.mark.parametrize(("count", "expected"), [(MAX_VALUES - 1, []), (MAX_VALUES + 2, ["json_invalid"])])
async def test_documents_of_too_many_values_are_not_searched(count: int, expected: list[str]) -> None:
    """Each value costs a path such as this one time, which nobody else has then."""
    body = b"[" + b"0," * (count - 2) + b'{"a":1}]'
    async with http_peer({"/": answers.plain(body)}) as peer:
        result = await look(peer.url(), expect={"json": {"$..a": 1}})
    assert codes(result) == expected


async def test_a_path_that_finds_too_much_or_goes_too_deep_does_not_hold() -> None:
    routes = {
        "/many": answers.json_body(list(range(10_001))),
        "/deep": answers.plain(b'{"a":' * 300 + b"1" + b"}" * 300),
    }
    async with http_peer(routes) as peer:
        many = await look(peer.url("/many"), expect={"json": {"$[*]": {">=": 0}}})
        deep = await look(peer.url("/deep"), expect={"json": {"$..b": {"exists": False}}})
    assert (codes(many), codes(deep)) == (["json_mismatch"], ["json_mismatch"])


async def test_all_failed_expectations_are_listed() -> None:
    async with http_peer({"/": answers.plain(b"oops", status=500, headers=[("X-A", "1")])}) as peer:
        result = await look(
            peer.url(),
            expect={
                "headers": {"X-A": "2", "X-B": "3"},
                "body": {"contains": "ok", "absent": "oops", "regex": "o"},
                "json": {"$.a": 1},
                "within": "1us",
                "warn_within": "1us",
            },
        )
    assert codes(result) == [
        "http_status", "http_header", "http_header", "body_mismatch", "body_mismatch", "json_invalid",
        "too_slow", "slow",
    ]  # fmt: skip
    assert [failure.detail for failure in result.failures[:5]] == [
        "status: expected 2xx, got 500",
        'header X-A: expected "2", got "1"',
        'header X-B: expected "3", got no such header',
        'body: expected "ok", got "oops"',
        'body: expected no "oops", got "oops"',
    ]
    assert [each.held for each in result.expectations] == [
        False,
        False,
        False,
        False,
        True,
        False,
        False,
        False,
        False,
    ]


async def test_a_broken_body_does_not_hide_the_status() -> None:
    routes = {
        "/cut": answers.plain(b"x" * 20, status=503),
        "/slow": answers.hang(answers.head(503) + b"x"),
        "/odd": answers.plain(b"x", status=503, headers=[("Content-Encoding", "br")]),
    }
    async with http_peer(routes) as peer:
        assert codes(await look(peer.url("/cut"), body_limit="10B")) == ["http_status", "body_limit"]
        assert codes(await look(peer.url("/slow"), timeout_us=100_000)) == ["http_status", "timeout_body"]
        odd = await look(peer.url("/odd"), expect={"body": {"contains": "x"}, "within": "1us"})
        assert codes(odd) == ["http_status", "http_encoding", "too_slow"]


async def test_a_slow_answer_fails_or_warns_by_its_limits() -> None:
    async with http_peer({"/": answers.delayed(20_000)}) as peer:
        failed = await look(peer.url(), expect={"within": "19ms"})
        warned = await look(peer.url(), expect={"within": "15s", "warn_within": "19ms"})
        passed = await look(peer.url(), expect={"within": "15s", "warn_within": "15s"})
    assert [(each.outcome, codes(each)) for each in (failed, warned, passed)] == [
        ("fail", ["too_slow"]),
        ("warn", ["slow"]),
        ("pass", []),
    ]


async def test_what_the_target_sent_is_quoted_short_and_safe() -> None:
    async with http_peer({"/": answers.plain(b"\x1b[31m<script>\n" + b"x" * 10_000)}) as peer:
        result = await look(peer.url(), expect={"body": {"contains": "ok"}})
    detail = result.failures[0].detail
    assert detail.isprintable()
    assert detail.startswith(r'body: expected "ok", got "\x1b[31m<script>\nxxx')
    assert len(detail) < 200
