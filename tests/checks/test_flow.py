"""Several requests in one run: values and cookies go on, the first failure ends it and is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support import http2_peer as h2
from support import http_answers as answers
from support.certs import certificates
from support.http2_peer import http2_peer
from support.http_checks import PATIENCE_US, RESOLVER, codes, reactor
from support.http_peer import http_peer

from checks.core.check import Place, run_once
from checks.core.failures import Stop
from checks.core.flow_values import Capture, filled, form_of_body
from checks.core.http_body import Content
from checks.core.http_response import Response
from checks.core.result import Result
from checks.flow import FlowCheck, FlowOptions

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}
SECRET = "s3cr3t/value+1"


def _check(*steps: dict[str, Any], **options: Any) -> FlowCheck:  # Any: options as a file has them
    named = [{"name": f"s{number}", **step} for number, step in enumerate(steps, 1)]
    return FlowCheck(FlowOptions.model_validate({"steps": named, **options}))


async def _run(*steps: dict[str, Any], timeout_us: int = PATIENCE_US, **options: Any) -> Result:
    with reactor() as engine:
        place = Place(reactor=engine, timeout_us=timeout_us, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000)
        result = await run_once(_check(*steps, **options), place)
        assert engine.channels == {}
        return result


async def test_values_go_into_url_headers_and_body() -> None:
    first = answers.json_body({"id": "a b/ü", "n": 5, "token": SECRET})
    async with http_peer({"/": first, "/echo": answers.plain()}) as peer:
        result = await _run(
            {"url": peer.url(), "capture": {"id": "$.id", "n": "$.n", "t": {"json": "$.token", "secret": True}}},
            {"url": peer.url("/echo") + "?id={id}&other={X}", "method": "POST", "body": "raw {t} {nobody}",
             "headers": {"X-N": "no {n}", "X-Mine": "{t}"}},
        )  # fmt: skip
    assert codes(result) == []
    seen = peer.requests[1]
    assert seen.target == "/echo?id=a%20b%2F%C3%BC&other=%7BX%7D"
    assert (seen.header("x-n"), seen.header("x-mine"), seen.body) == (
        "no 5",
        SECRET,
        f"raw {SECRET} {{nobody}}".encode(),
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json; charset=utf-8", b'{"v": "a\\"b"}'), ("application/problem+json", b'{"v": "a\\"b"}'),
        ("application/x-www-form-urlencoded", b'{"v": "a%22b"}'), ("text/plain", b'{"v": "a"b"}'),
    ],
)  # fmt: skip
async def test_values_are_escaped_as_the_body_needs_it(kind: str, body: bytes) -> None:
    async with http_peer({"/": answers.json_body({"v": 'a"b'}), "/2": answers.plain()}) as peer:
        await _run(
            {"url": peer.url(), "capture": {"v": "$.v"}},
            {
                "url": peer.url("/2"),
                "method": "POST",
                "headers": {"Content-Type": kind},
                "body": '{"v": "{v}"}',
            },
        )
    assert peer.requests[1].body == body


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
        result = await _run(
            {"url": peer.url(), "capture": {"v": capture}}, {"url": peer.url("/2"), "headers": {"X-V": "{v}"}}
        )
    assert (codes(result), peer.requests[1].header("x-v")) == ([], value)


@pytest.mark.parametrize(
    ("capture", "code"),
    [
        ("$.nothing", "capture_missing"), ({"json": "$.none"}, "capture_missing"),
        ({"header": "X-Id"}, "capture_missing"),
        ({"regex": "absent (.)"}, "capture_missing"), ({"json": "$.long"}, "capture_missing"),
    ],
)  # fmt: skip
async def test_a_value_that_is_not_there_ends_the_run(capture: object, code: str) -> None:
    body = b'{"none": null, "long": "' + b"x" * 8193 + b'"}'
    async with http_peer({"/": answers.plain(body)}) as peer:
        result = await _run({"url": peer.url(), "capture": {"v": capture}}, {"url": peer.url("/2?{v}")})
    assert (codes(result), len(peer.requests)) == ([code], 1)
    assert result.failures[0].detail.startswith("step s1: ")


async def test_a_body_that_is_no_json_says_so() -> None:
    async with http_peer({"/": answers.plain(b"<html>")}) as peer:
        assert codes(await _run({"url": peer.url(), "capture": {"v": "$.v"}})) == ["json_invalid"]


async def test_a_value_that_would_break_a_header_is_not_sent() -> None:
    async with http_peer({"/": answers.json_body({"v": "a\r\nX-Evil: 1"}), "/2": answers.plain()}) as peer:
        result = await _run(
            {"url": peer.url(), "capture": {"v": "$.v"}}, {"url": peer.url("/2"), "headers": {"X-V": "{v}"}}
        )
    assert (codes(result), len(peer.requests)) == (["capture_missing"], 1)


async def test_a_link_may_be_a_value_and_takes_no_secrets_elsewhere() -> None:
    async with http_peer({"/x": answers.plain()}) as other:
        links = answers.json_body({"next": "more/2?page=2", "away": other.url("/x")})
        async with http_peer({"/a/1": links, "/a/more/2": answers.plain()}) as peer:
            auth = {"auth": {"bearer": "t0k3n"}}
            first = {"url": peer.url("/a/1"), "capture": {"next": "$.next", "away": "$.away"}, **auth}
            result = await _run(first, {"url": "{next}", **auth}, {"url": "{away}", **auth})
    assert codes(result) == []
    assert (peer.requests[1].target, peer.requests[1].header("authorization")) == (
        "/a/more/2?page=2",
        "Bearer t0k3n",
    )
    assert other.requests[0].header("authorization") is None


async def test_a_header_with_a_secret_value_stays_with_its_origin() -> None:
    async with http_peer({"/x": answers.plain()}) as other:
        routes = {"/": answers.json_body({"v": SECRET, "w": "open"}), "/2": answers.redirect(other.url("/x"))}
        async with http_peer(routes) as peer:
            capture = {"v": {"json": "$.v", "secret": True}, "w": "$.w"}
            headers = {"X-V": "{v}", "X-W": "{w}"}
            await _run({"url": peer.url(), "capture": capture}, {"url": peer.url("/2"), "headers": headers})
    assert [each.header("x-v") for each in (peer.requests[1], other.requests[0])] == [SECRET, None]
    assert other.requests[0].header("x-w") == "open"


async def test_a_value_that_is_no_link_is_missing_one() -> None:
    async with http_peer({"/": answers.json_body({"v": "javascript:alert(1)"})}) as peer:
        result = await _run({"url": peer.url(), "capture": {"v": "$.v"}}, {"url": "{v}"})
    assert codes(result) == ["capture_missing"]


async def test_secret_values_are_masked_wherever_they_come_back() -> None:
    async with http_peer({"/": answers.json_body({"v": SECRET})}) as peer:
        peer.routes["/" + SECRET.partition("/")[0] + "/value+1"] = answers.plain(SECRET.encode())
        result = await _run(
            {"url": peer.url(), "capture": {"v": {"json": "$.v", "secret": True}}},
            {"url": peer.url("/x/{v}"), "expect": {"status": 404, "body": {"absent": "not found"}}},
        )
    assert codes(result) == ["body_mismatch"]
    assert SECRET not in str(result)
    assert "s3cr3t%2Fvalue%2B1" not in str(result)


async def test_cookies_go_on_and_can_be_switched_off() -> None:
    login = answers.plain(headers=[("Set-Cookie", "sid=1; Path=/")])
    async with http_peer({"/": login, "/2": answers.plain(), "/3": answers.plain()}) as peer:
        steps = [{"url": peer.url(path)} for path in ("/", "/2", "/3")]
        assert codes(await _run(*steps)) == []
        await _run(*steps, cookies=False)
    assert [each.header("cookie") for each in peer.requests] == [None, "sid=1", "sid=1", None, None, None]


async def test_one_waterfall_and_a_line_for_each_step() -> None:
    routes = {"/": answers.delayed(15_000), "/2": answers.redirect("/3"), "/3": answers.delayed(15_000)}
    async with http_peer(routes) as peer:
        result = await _run({"url": peer.url()}, {"url": peer.url("/2")})
    first, second = result.facts["steps"]
    assert (first["name"], first["status"], second["redirects"], second["url"]) == (
        "s1",
        200,
        1,
        peer.url("/3"),
    )
    assert (first["phases_us"]["wait"] >= 14_800, second["phases_us"]["wait"] >= 14_800) == (True, True)
    assert (
        result.duration_us == sum(result.phases_us.values()) == first["duration_us"] + second["duration_us"]
    )
    assert [(hop["status"], hop["address"]) for hop in result.facts["hops"]] == [
        (200, "127.0.0.1"), (302, "127.0.0.1"), (200, "127.0.0.1"),
    ]  # fmt: skip


async def test_the_first_failure_ends_the_run_and_is_named() -> None:
    async with http_peer({"/": answers.plain(), "/2": answers.plain(status=500)}) as peer:
        result = await _run({"url": peer.url()}, {"url": peer.url("/2")}, {"url": peer.url()})
    assert [(each.code, each.detail) for each in result.failures] == [
        ("http_status", "step s2: status: expected 2xx, got 500")
    ]
    assert [step["outcome"] for step in result.facts["steps"]] == ["pass", "fail"]
    assert (len(peer.requests), result.expectations[0].what) == (2, "step s1 status")


async def test_limits_of_a_step_hold_for_the_step_and_those_of_the_flow_for_all() -> None:
    async with http_peer({"/": answers.delayed(30_000)}) as peer:
        slow = {"url": peer.url(), "expect": {"warn_within": "20ms"}}
        patient = {"url": peer.url(), "expect": {"warn_within": "10s"}}
        assert codes(await _run(patient, slow, patient)) == ["slow"]
        assert codes(await _run(patient, patient, expect={"within": "50ms"})) == ["too_slow"]
        assert codes(await _run(patient, patient, expect={"within": "10s"})) == []


async def test_the_deadline_is_that_of_the_step_under_way() -> None:
    async with http_peer({"/": answers.plain(), "/2": answers.hang()}) as peer:
        steps = [{"url": peer.url()}, {"url": peer.url("/2")}, {"url": peer.url()}]
        result = await _run(*steps, timeout_us=300_000)
    assert (codes(result), len(peer.requests)) == (["timeout_headers"], 2)
    assert result.failures[0].detail.startswith("step s2: ")
    assert result.duration_us <= 300_000


async def test_trouble_of_our_own_is_void() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        result = await _run({"url": peer.url()}, {"url": "http://nowhere.invalid/"})
    assert (result.outcome, codes(result)) == ("void", ["agent_resolver"])


async def test_over_tls_every_step_judges_the_certificate_and_http_2_works() -> None:
    async with http2_peer({"/": h2.plain(b'{"v": "1"}')}, tls=MADE.ending_in(14).server_context()) as peer:
        step = {"url": peer.url(), "expect": {"certificate_days": 15}, "capture": {"v": "$.v"}}
        result = await _run(step, {"url": peer.url("/") + "?v={v}"}, tls=TRUST)
        distrusted = await _run(step, {"url": peer.url()})
    assert (result.outcome, codes(result), peer.requests[1].field(":path")) == (
        "warn",
        ["tls_expiring"],
        "/?v=1",
    )
    assert (codes(distrusted)[0], len(peer.requests)) == ("tls_untrusted", 2)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{"url": "{next}"}], "first step"), ([{"url": "http://a.test/{v}"}], "no step before captures v"),
        ([{"url": "http://{v}.test/"}], "host"), ([{"url": "http://a.test/", "headers": {"X": "{v}"}}], "captures v"),
        ([{"url": "http://a.test/", "body": "{v}", "capture": {"v": "$.v"}}], "captures v"),
        ([{"url": "http://a.test/", "capture": {"v": "$.v"}}] * 2, "same name|twice"),
        ([{"url": "http://a.test/", "name": "x"}, {"url": "http://a.test/", "name": "x"}], "same name"),
        ([{"url": "ftp://a.test/"}], "http"), ([], "at least 1"), ([{"url": "http://a.test/"}] * 21, "at most 20"),
        ([{"url": "http://a.test/", "capture": {"V": "$.v"}}], "pattern"),
        ([{"url": "http://a.test/", "capture": {"v": "$["}}], "JSONPath"),
        ([{"url": "http://a.test/", "capture": {"v": {}}}], "give json"),
        ([{"url": "http://a.test/", "capture": {"v": {"json": "$", "header": "X"}}}], "neither"),
        ([{"url": "http://a.test/", "capture": {"v": {"regex": "x"}}}], "no group 1"),
        ([{"url": "http://a.test/", "method": "HEAD", "capture": {"v": "$.v"}}], "HEAD"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(steps: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _check(*steps)


def test_braces_that_name_nothing_stay_in_a_body() -> None:
    made = _check({"url": "http://a.test/", "method": "POST", "body": '{"a": {b}, "c": "{unknown}"}'})
    assert made.target == "http://a.test/"


def test_secrets_show_nowhere() -> None:
    step = {"url": "http://a.test/?key=hunter2", "body": "hunter3", "headers": {"X-Api-Key": "hunter4"}}
    made = _check(step)
    shown = repr(made.options) + made.options.model_dump_json() + made.target
    assert [secret for secret in ("hunter2", "hunter3", "hunter4") if secret in shown] == []
    assert {"hunter2", "hunter3", "hunter4"} <= set(made._secrets)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=200), st.sampled_from(["$.a", "$..*", "$[0]"]), st.booleans())
def test_whatever_an_answer_holds_there_is_a_value_or_a_code(body: bytes, path: str, whole: bool) -> None:
    response = Response(body_limit=1000, keep_body=True)
    capture = Capture.model_validate({"json": path} if whole else {"regex": "a(.*)"})
    try:
        found = capture.find("v", response, Content(body))
    except Stop as stop:
        found = stop.code.value
    assert isinstance(found, str)


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_value_is_not_read_for_placeholders(value: str) -> None:
    assert filled("{a}", {"a": value, "b": "no"}) == value
    assert filled("{a}", {"a": "{b}", "b": "no"}, form_of_body("text/plain")) == "{b}"
