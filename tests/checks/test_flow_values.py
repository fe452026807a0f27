"""Values out of answers: where they are found, and what is none; whatever a target sends is a value or a code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.flow_checks import flow_check, flow_run
from support.http_checks import codes
from support.http_peer import http_peer

from checks.core.failures import Code, Stop
from checks.core.flow_values import Answer, Capture, filled, filled_body, form_of_body, forms_of, in_url
from checks.core.http_response import Http1Response
from checks.core.patterns import compiled, longest


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        ("$.a.b", "text"), ({"json": "$.list[1]"}, "2"), ({"json": "$.a"}, '{"b": "text"}'),
        ({"json": "$.yes"}, "true"),
        ({"header": "X-Id"}, "id=77; x"), ({"header": "x-id", "regex": "id=([0-9]+)"}, "77"),
        ({"regex": '"b": "(t[a-z]+)"'}, "text"), ({"regex": "t[a-z]+", "group": 0}, "text"),
    ],
)  # fmt: skip
async def test_a_value_is_found_in_body_or_header(capture: object, value: str) -> None:
    body = b'{"a": {"b": "text"}, "list": [1, 2], "yes": true, "none": null}'
    async with http_peer(
        {"/": answers.plain(body, headers=[("X-Id", "id=77; x")]), "/2": answers.plain()}
    ) as peer:
        result = await flow_run(
            {"url": peer.url(), "capture": {"v": capture}}, {"url": peer.url("/2"), "headers": {"X-V": "{v}"}}
        )
    assert (codes(result), peer.requests[1].header("x-v")) == ([], value)


@pytest.mark.parametrize(
    ("capture", "code"),
    [
        ("$.nothing", "capture_missing"), ({"json": "$.none"}, "capture_missing"),
        ({"header": "X-Id"}, "capture_missing"),
        ({"regex": "absent (.)"}, "capture_missing"), ({"json": "$.long"}, "capture_missing"),
        ("$.empty", "capture_missing"), ({"regex": '"empty": "(.*?)"'}, "capture_missing"),
        ({"regex": '"none"|(never)'}, "capture_missing"), ({"header": "X-Empty"}, "capture_missing"),
        ("$.half", "capture_missing"), ({"regex": "a{1000}"*100 + "|(x)"}, "body_limit"),
        ({"header": "X-Huge", "regex": "a{1000}"*100 + "|(x)"}, "body_limit"),
    ],
)  # fmt: skip
async def test_a_value_that_is_not_there_ends_the_run(capture: object, code: str) -> None:
    body = b'{"none": null, "empty": "", "half": "\\ud800x", "long": "' + b"x" * 8193 + b'"}'
    async with http_peer(
        {"/": answers.plain(body, headers=[("X-Empty", ""), ("X-Huge", "h" * 60_000)])}
    ) as peer:
        result = await flow_run({"url": peer.url(), "capture": {"v": capture}}, {"url": peer.url("/2?{v}")})
    assert (codes(result), len(peer.requests)) == ([code], 1)
    assert result.failures[0].detail.startswith("step s1: ")


async def test_a_body_that_is_no_json_says_so() -> None:
    async with http_peer({"/": answers.plain(b"<html>")}) as peer:
        assert codes(await flow_run({"url": peer.url(), "capture": {"v": "$.v"}})) == ["json_invalid"]


@pytest.mark.parametrize("size", [8192, 8193])
async def test_a_value_has_at_most_so_many_characters(size: int) -> None:
    async with http_peer({"/": answers.json_body({"v": "ü" * size})}) as peer:
        result = await flow_run({"url": peer.url(), "capture": {"v": "$.v"}})
    assert codes(result) == (["capture_missing"] if size > 8192 else [])


@pytest.mark.parametrize("extra", [0, 1])
def test_what_is_too_long_for_an_expression_is_not_searched_in_part(extra: int) -> None:
    pattern = "(?:.{100}){10}(a)"
    body = b"a" * (longest(compiled(pattern)) + extra)
    try:
        found = Capture.model_validate({"regex": pattern}).find("v", answer(body))
    except Stop as stop:
        found = stop.code
    assert found == (Code.BODY_LIMIT if extra else "a")


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        ({"regex": "sid=([^;]+)"}, "1"), ({"regex": "csrf=([^;]+)"}, "x-1"), ({}, "a=; Path=/"),
        ({"regex": "a=([^;]*)"}, "z"),
    ],
)  # fmt: skip
async def test_of_several_headers_of_one_name_the_one_that_fits_is_taken(
    capture: dict[str, str], value: str
) -> None:
    cookies = answers.set_cookie("", "a=; Path=/", "sid=1; Path=/", "csrf=x-1", "a=z")
    async with http_peer({"/": cookies, "/2": answers.plain()}) as peer:
        first = {"url": peer.url(), "capture": {"v": {"header": "Set-Cookie", **capture}}}
        assert codes(await flow_run(first, {"url": "/2", "headers": {"X-V": "{v}"}})) == []
    assert peer.requests[1].header("x-v") == value


async def test_a_path_that_finds_too_much_is_trouble_and_not_nothing() -> None:
    async with http_peer({"/": answers.json_body([1] * 10_001)}) as peer:
        result = await flow_run({"url": peer.url(), "capture": {"v": "$.*"}})
    (failure,) = result.failures
    assert (failure.code, "more than 10000 values" in failure.detail) == ("capture_missing", True)


async def test_of_several_values_that_are_missing_the_first_is_named() -> None:
    async with http_peer({"/": answers.json_body({"b": 1})}) as peer:
        result = await flow_run({"url": peer.url(), "capture": {"c": "$.c", "b": "$.b", "a": "$.a"}})
    assert [each.detail for each in result.failures] == ["step s1: no value for c: $.c was not found"]


def answer(body: bytes, *headers: tuple[bytes, bytes], kind: bytes = b"text/plain") -> Answer:
    """Return an answer as values are looked for in it."""
    response = Http1Response(body_limit=2**24, keep_body=True)
    lines = b"".join(b"%b: %b\r\n" % each for each in (*headers, (b"Content-Type", kind)))
    response.feed(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body))
    return Answer(response, 2**24, hides_body=False)


PATHS = ["$", "$.a", "$..*", "$[0]", "$..[?search(@, 'a')]", "$[?length(@) > 1]", "$['\\ud83d\\ude00']"]
CAPTURES = [
    *({"json": path} for path in PATHS),
    {"regex": "a(.*)"}, {"regex": "(?s).*", "group": 0}, {"header": "X-A"}, {"header": "X-A", "regex": "(a)|b"},
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("ab") | st.text(), inner),
    max_leaves=8,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())
FIELD = st.binary(max_size=60).map(lambda value: bytes(each for each in value if each not in b"\r\n\0"))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    BODIES,
    FIELD,
    st.sampled_from([b"text/html; charset=utf-16", b"application/json"]),
    st.sampled_from(CAPTURES),
)
@example(b'{"a": "\\ud800x"}', b"", b"application/json", {"json": "$.a"})
@example(b'{"a": 1e999}', b"", b"application/json", {"json": "$.a"})
@example(b'{"a": ' + b"9" * 5000 + b"}", b"", b"application/json", {"json": "$.a"})
@example(b"[" * 100_000, b"", b"application/json", {"json": "$..*"})
@example(b"[" * 900 + b"]" * 900, b"", b"application/json", {"json": "$..*"})
@example(b"\xff\xfe\x00\xd8a\x00", b"", b"text/plain; charset=utf-16", {"regex": "(?s).*", "group": 0})
@example(b'"\xed\xa0\x80"', b"", b"application/json", {"json": "$"})
def test_whatever_an_answer_holds_there_is_a_value_that_can_be_sent_or_a_code(
    body: bytes, field: bytes, kind: bytes, capture: dict[str, Any]
) -> None:
    code, found = None, ""
    try:
        seen = answer(body, (b"X-A", field), (b"X-A", b"b"), kind=kind)
        found = Capture.model_validate(capture).find("v", seen)
    except Stop as stop:
        code = stop.code
    assert (code is None) == bool(found)
    assert code in (None, Code.CAPTURE_MISSING, Code.JSON_INVALID, Code.HTTP_MALFORMED)
    for form in forms_of(found):
        form.encode()
    template = '{"a": "{v}", "b": "{{v}}"}'
    assert json.loads(filled_body(template, {"v": found}, form_of_body("application/json"))) == {
        "a": found,
        "b": "{v}",
    }
    assert filled("{v}", {"v": found}, in_url).isascii()


STEPS = [
    {"url": "http://a.test/{v}/{v}?q={v}&{v}", "headers": {"X": "a {v}", "X-Key": "{v}"}, "body": "{v}"},
    {"url": "/{v}", "auth": {"bearer": "{v}"}}, {"url": "{v}"}, {"url": "{v}/{v}?{v}"},
    {"url": "?{v}", "auth": {"basic": {"username": "{v}", "password": "{v}"}}},
]  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.text(min_size=1) | st.text("/:?#[]@.%ah0\\ \0\n", min_size=1), st.sampled_from(STEPS), st.booleans()
)
@example("//[", STEPS[2], True)
@example("http://" + "a" * 70 + "/", STEPS[2], False)
@example("ü" * 8192, STEPS[0], False)
def test_whatever_a_value_is_it_makes_a_request_or_a_code(
    value: str, step: dict[str, Any], is_secret: bool
) -> None:
    first = {"url": "http://a.test/x", "capture": {"v": {"json": "$", "secret": is_secret}}}
    (begin, prepared) = flow_check(first, {"method": "POST", **step})._steps
    concealed: list[str] = []
    code, sent = None, b""
    try:
        requests = prepared.requests({"v": value}, begin.transport.home, concealed.append)
        sent = requests.prepared.data
    except Stop as stop:
        code = stop.code
    assert code in (None, Code.CAPTURE_MISSING)
    assert sent.count(b"\r\n\r\n") >= (code is None)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.text(max_size=30),
    st.sampled_from(["text/plain", "application/json", "application/x-www-form-urlencoded"]),
)
def test_a_value_is_not_read_for_references(value: str, kind: str) -> None:
    form = form_of_body(kind)
    for fill in (filled, filled_body):
        assert fill("{a}", {"a": value, "b": "no"}) == value
        assert fill("{a}{{a}}", {"a": "{b}{{b}}", "b": "no"}, form) == form("{b}{{b}}") + "{a}"
