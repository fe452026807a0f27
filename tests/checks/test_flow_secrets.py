"""Secrets that answers gave are in nothing that is told of a run, however it ends and wherever a text is cut."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from support import http_answers as answers
from support.flow_checks import flow_check, flow_run
from support.http_checks import codes
from support.http_peer import http_peer

from checks.core.flow_values import Capture
from checks.core.masking import SHORTEST
from checks.core.result import Result

SECRET = "s3cr3t/value+1"
TOKEN = "tok-" + hashlib.sha512(b"").hexdigest()


async def test_a_header_with_a_secret_value_stays_with_its_origin() -> None:
    async with http_peer({"/x": answers.plain()}) as other:
        routes = {"/": answers.json_body({"v": SECRET, "w": "open"}), "/2": answers.redirect(other.url("/x"))}
        async with http_peer(routes) as peer:
            capture = {"v": {"json": "$.v", "secret": True}, "w": "$.w"}
            headers = {"X-V": "{v}", "X-W": "{w}"}
            await flow_run(
                {"url": peer.url(), "capture": capture}, {"url": peer.url("/2"), "headers": headers}
            )
    assert [each.header("x-v") for each in (peer.requests[1], other.requests[0])] == [SECRET, None]
    assert other.requests[0].header("x-w") == "open"


async def test_secret_values_are_masked_wherever_they_come_back() -> None:
    async with http_peer({"/": answers.json_body({"v": SECRET})}) as peer:
        peer.routes["/" + SECRET.partition("/")[0] + "/value+1"] = answers.plain(SECRET.encode())
        result = await flow_run(
            {"url": peer.url(), "capture": {"v": {"json": "$.v", "secret": True}}},
            {"url": peer.url("/x/{v}"), "expect": {"status": 404, "body": {"absent": "not found"}}},
        )
    assert codes(result) == ["body_mismatch"]
    assert SECRET not in str(result)
    assert "s3cr3t%2Fvalue%2B1" not in str(result)


def test_secrets_show_nowhere() -> None:
    step = {"url": "http://a.test/?key=hunter2", "body": "hunter3", "headers": {"X-Api-Key": "hunter4"}}
    made = flow_check(step)
    shown = repr(made.options) + made.options.model_dump_json() + made.target
    assert [secret for secret in ("hunter2", "hunter3", "hunter4") if secret in shown] == []
    assert {"hunter2", "hunter3", "hunter4"} <= set(made._secrets)


def is_told(result: Result, secret: str = TOKEN) -> list[str]:
    """Return the longest beginning of the secret that the result tells, if it tells any."""
    told = msgspec.json.encode(result).decode()
    return [secret[:size] for size in range(len(secret), SHORTEST - 1, -1) if secret[:size] in told][:1]


LOGIN = answers.json_body({"access_token": TOKEN})
CAPTURE = {"token": {"json": "$.access_token"}}


@pytest.mark.parametrize(
    "expect",
    [
        {"body": {"contains": "zzz"}}, {"body": {"absent": "access"}}, {"body": {"absent": TOKEN[30:40]}},
        {"body": {"regex": "zz+"}}, {"json": {"$.access_token": "zzz"}}, {"json": {"$": "zzz"}},
        {"status": 500}, {"size": {"max": "9B"}}, {"headers": {"X-Token": "zzz"}}, {"cel": "body.access_token == 'z'"},
    ],
    ids=str,
)  # fmt: skip
async def test_the_step_that_takes_a_secret_may_fail_without_telling_it(expect: dict[str, Any]) -> None:
    login = answers.plain(b'{"access_token": "%b"}' % TOKEN.encode(), headers=[("X-Token", TOKEN)])
    async with http_peer({"/": login}) as peer:
        for capture in (CAPTURE, {"token": {"header": "X-Token"}, "key": {"regex": '"(tok-[^"]*)'}}):
            result = await flow_run({"url": peer.url(), "capture": capture, "expect": expect})
            assert (result.outcome, is_told(result)) == ("fail", [])


async def test_one_value_that_is_missing_does_not_tell_the_others() -> None:
    login = answers.plain(
        b'{"a": "%b"}' % TOKEN.encode(), headers=[("Server", TOKEN), ("Content-Type", TOKEN)]
    )
    async with http_peer({"/": login}) as peer:
        result = await flow_run({"url": peer.url(), "capture": {"key_1": "$.no", "key_2": "$.a"}})
    assert (codes(result), is_told(result)) == (["capture_missing"], [])
    assert result.facts["server"] == "***..."


@pytest.mark.parametrize(
    "body", [b"not json %b", b'{"access_token": "%b"', b'{"token": "%b", "a": NaN}', b'["%b"]'], ids=repr
)
@pytest.mark.parametrize("expect", [{}, {"json": {"$.a": 1}}, {"cel": "body.a == 1"}], ids=str)
async def test_a_body_that_a_secret_should_be_in_is_not_told(body: bytes, expect: dict[str, Any]) -> None:
    async with http_peer({"/": answers.plain(body % TOKEN.encode())}) as peer:
        result = await flow_run({"url": peer.url(), "capture": CAPTURE, "expect": expect})
        assert (result.outcome, is_told(result)) == ("fail", [])
        open_one = await flow_run({"url": peer.url(), "capture": {"v": "$.nothing"}, "expect": expect})
    assert (is_told(open_one) != []) == (body.startswith((b"not", b'{"access', b'{"token')))


async def test_a_body_that_breaks_off_or_is_forbidden_to_lead_on_tells_no_secret_of_its_headers() -> None:
    forbidden = answers.plain(status=302, headers=[("Location", "/in/" + TOKEN)])
    broken = answers.exact(
        answers.head(headers=[("Location", "/in/" + TOKEN), ("Content-Length", "9")]), b"x"
    )
    async with http_peer({"/1": forbidden, "/2": broken}) as peer:
        capture = {"key": {"header": "Location", "regex": "/in/(.*)"}}
        for path, expected in (("/1", "http_redirect_forbidden"), ("/2", "http_truncated")):
            expect = {"headers": {"Location": "zzz"}}
            step = {
                "url": peer.url(path),
                "capture": capture,
                "redirects": {"forbid": True},
                "expect": expect,
            }
            result = await flow_run(step)
            assert (expected in codes(result), is_told(result)) == (True, [])


@pytest.mark.parametrize(
    "step",
    [
        {"url": "/echo", "headers": {"X-A": "{token}"}}, {"url": "/echo", "headers": {"X-Api-Key": "a {token}"}},
        {"url": "/echo/{token}"}, {"url": "/echo?a={token}"}, {"url": "/echo", "body": "{token}"},
        {"url": "/echo", "auth": {"bearer": "{token}"}},
        {"url": "/echo", "auth": {"basic": {"username": "amy", "password": "{token}"}}},
    ],
    ids=lambda step: "-".join(step),
)  # fmt: skip
@pytest.mark.parametrize("pad", range(0, 64, 9))
async def test_a_target_that_echoes_a_secret_does_not_get_it_told(step: dict[str, Any], pad: int) -> None:
    async with http_peer({"/": LOGIN}) as peer:
        body = {"method": "POST", "expect": {"body": {"contains": "zzz", "absent": [TOKEN[50:60], "9ce47d"]}}}
        peer.routes[step["url"].partition("?")[0].replace("{token}", TOKEN)] = answers.plain(
            b"." * pad + b" you sent " + TOKEN.encode() + b" and " + TOKEN.encode()
        )
        result = await flow_run({"url": peer.url(), "capture": CAPTURE}, {**body, **step})
    assert (result.outcome, is_told(result), is_told(result, TOKEN[60:90])) == ("fail", [], [])


async def test_credentials_that_hold_a_value_are_masked_as_they_travel() -> None:
    async with http_peer({"/": answers.json_body({"v": "hunter2"})}) as peer:
        peer.routes["/2"] = answers.plain(b"YW15Omh1bnRlcjI= hunter2")
        basic = {"basic": {"username": "amy", "password": "{v}"}}
        expect = {"body": {"contains": "zzz"}}
        result = await flow_run(
            {"url": peer.url(), "capture": {"v": "$.v"}}, {"url": "/2", "auth": basic, "expect": expect}
        )
    assert result.failures[0].detail == 'step s2: body: expected "zzz", got "*** ***"'


async def test_a_link_that_is_a_secret_is_masked_where_it_led() -> None:
    async with http_peer({"/a/b": answers.json_body({"v": "../reset/" + TOKEN + "?x=1"})}) as peer:
        first = {"url": peer.url("/a/b"), "capture": {"key_link": "$.v"}}
        result = await flow_run(first, {"url": "{key_link}"})
    assert (codes(result), is_told(result)) == (["http_status"], [])
    assert peer.requests[1].target == f"/reset/{TOKEN}?x=1"


@pytest.mark.parametrize(
    ("name", "given", "is_secret"),
    [
        ("token", None, True), ("accessToken", None, True), ("CSRF", None, True), ("password2", None, True),
        ("my_secret", None, True), ("session_id", None, True), ("api_key", None, True), ("cart", None, False),
        ("token", False, False), ("cart", True, True),
    ],
)  # fmt: skip
def test_names_make_secrets_unless_it_is_said(name: str, given: bool | None, is_secret: bool) -> None:
    assert Capture.model_validate({"json": "$", "secret": given}).is_secret(name) is is_secret


async def test_a_failed_expectation_is_matched_with_its_failure_also_when_masked() -> None:
    async with http_peer({"/": LOGIN}) as peer:
        expect = {"json": {"$.access_token": "zzz"}, "status": 500}
        result = await flow_run({"url": peer.url(), "capture": CAPTURE, "expect": expect})
    details = [f"{each.what}: expected {each.expected}, got {each.seen}" for each in result.expectations]
    assert [each.detail for each in result.failures] == details
    assert details[0] == "step s1: status: expected 500, got 200"
