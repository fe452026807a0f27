"""Options of the http check load as the configuration writes them, are refused in clear words, and hide secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from support.http_checks import check

from checks.core.check import KINDS, load_kinds
from checks.core.values import SecretView
from checks.http import HttpOptions

URL = "https://shop.example/health"


def _load(**options: Any) -> HttpOptions:
    return HttpOptions.model_validate({"url": URL, **options})


def test_the_kind_is_registered() -> None:
    load_kinds()
    assert KINDS["http"].options_type is HttpOptions


def test_the_example_of_the_documentation_loads() -> None:
    expect = {
        "status": "2xx", "body": {"contains": "ok"}, "json": {"$.status": "ok"},
        "within": "3s", "warn_within": "800ms", "certificate_days": 14,
    }  # fmt: skip
    options = _load(expect=expect)
    assert (options.expect.within_us, options.expect.warn_within_us) == (3_000_000, 800_000)
    assert check(URL, expect=expect).target == URL


def test_defaults_and_short_forms() -> None:
    options = _load()
    assert (options.method, options.redirects.follow, options.redirects.limit, options.ip) == (
        "GET",
        True,
        10,
        "any",
    )
    assert (options.expect.status, options.body_limit) == (("2xx",), 10 * 2**20)
    short = _load(
        redirects=False, proxy="http://me:pass@proxy.test:3128", expect={"status": 204, "headers": {"A": "b"}}
    )
    assert (short.redirects.follow, short.expect.status, short.expect.headers["A"].equals) == (
        False,
        ("204",),
        "b",
    )
    assert short.proxy is not None
    assert (short.proxy.url, short.proxy.username) == ("http://proxy.test:3128", "me")
    assert short.proxy.password is not None
    assert short.proxy.password.reveal() == "pass"


@pytest.mark.parametrize(
    ("options", "place", "words"),
    [
        ({"url": "shop.example"}, "url", "starts with http"),
        ({"url": "https://me:hunter2@shop.example/"}, "url", "credentials"),
        ({"url": "https:///path"}, "url", "no usable host"),
        ({"url": "https://shop.example:0/"}, "url", "1 to 65535"),
        ({"url": "https://shop.example/\r\nX: y"}, "url", "control characters"),
        ({"method": "GET /"}, "method", "pattern"),
        ({"method": "connect"}, "method", "tunnel"),
        ({"headers": {"Bad Name": "x"}}, "headers", "letters, digits"),
        ({"headers": {"X": "a\r\nb"}}, "headers", "line breaks"),
        ({"headers": {"Content-Length": "5"}}, "headers", "cannot be set"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers", "given twice"),
        ({"auth": {}}, "auth", "basic or bearer"),
        ({"auth": {"bearer": "hunter2\n"}}, "auth", "cannot stand"),
        ({"auth": {"basic": {"username": "a:b", "password": "hunter2"}}}, "auth", "no colon"),
        ({"auth": {"bearer": "x"}, "headers": {"authorization": "y"}}, "", "exclude each other"),
        ({"redirects": {"limit": 51}}, "redirects", "50"),
        ({"redirects": "yes"}, "redirects", "dictionary"),
        ({"redirects": {"follow": "yes"}}, "redirects", "boolean"),
        ({"proxy": "https://proxy.test"}, "proxy", "plain http"),
        ({"proxy": "http://proxy.test/path"}, "proxy", "host and port"),
        ({"proxy": {"url": "http://proxy.test", "username": "x"}}, "proxy", "go together"),
        ({"body_limit": "1GiB"}, "body_limit", "256MiB"),
        ({"body_limit": 5}, "body_limit", "size"),
        ({"ip": "ipv6"}, "ip", "'ip6'"),
        ({"expect": {"status": "20x"}}, "expect", "not a status"),
        ({"expect": {"status": "204-200"}}, "expect", "before it begins"),
        ({"expect": {"status": []}}, "expect", "at least 1"),
        ({"expect": {"body": {"regex": "("}}}, "expect", "not a regular expression"),
        ({"expect": {"body": {"absent": "/(/"}}}, "expect", "not a regular expression"),
        ({"expect": {"body": {"contains": ""}}}, "expect", "at least 1"),
        ({"expect": {"headers": {"A": {}}}}, "expect", "equals, contains, regex or absent"),
        (
            {"expect": {"headers": {"A": {"absent": True, "equals": "x"}}}},
            "expect",
            "equals, contains, regex or absent",
        ),
        ({"expect": {"headers": {"A": {"regex": "["}}}}, "expect", "not a regular expression"),
        ({"expect": {"json": {"status": 1}}}, "expect", "not a JSONPath"),
        ({"expect": {"json": {"$.a[": 1}}}, "expect", "not a JSONPath"),
        ({"expect": {"json": {"$.a": {"~": 1}}}}, "expect", "comparisons are"),
        ({"expect": {"json": {"$.a": {"<": True}}}}, "expect", "number or a text"),
        ({"expect": {"json": {"$.a": {"matches": "("}}}}, "expect", "not a regular expression"),
        ({"expect": {"json": {"$.a": {"matches": 5}}}}, "expect", "not a regular expression"),
        ({"expect": {"json": {"$.a": {"exists": 1}}}}, "expect", "true or false"),
        ({"expect": {"within": "1s", "warn_within": "2s"}}, "expect", "longer than within"),
        ({"expect": {"bodyy": {}}}, "expect", "Extra inputs"),
        ({"method": "HEAD", "expect": {"body": {"contains": "x"}}}, "", "HEAD"),
        ({"unknown": 1}, "unknown", "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(options: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _load(**options)
    faults = caught.value.errors(include_input=False)
    assert any(words in fault["msg"] for fault in faults), faults
    assert all(fault["loc"][:1] == ((place,) if place else ()) for fault in faults)
    assert "hunter2" not in str(caught.value)


SECRET = {
    "headers": {"X-Plain": "shown", "Cookie": "hunter2", "X-Api-Key": "hunter2", "X-Auth-Token": "hunter2"},
    "auth": {"basic": {"username": "me", "password": "hunter2"}},
    "body": "hunter2",
    "proxy": "http://me:hunter2@proxy.test:3128",
    "expect": {"json": {"$.a": 1}, "within": "1s", "status": [200, "3xx"]},
}


def test_secrets_show_nowhere() -> None:
    made = check(URL + "?key=hunter2", **SECRET)
    options = _load(**{**SECRET, "url": URL + "?key=hunter2"})
    shown = [repr(options), options.model_dump_json(), repr(made._first), repr(made._home), made.target]
    assert not [text for text in shown if "hunter2" in text]
    assert "shown" in options.model_dump_json()


def test_options_travel_to_the_agent_and_back() -> None:
    options = _load(**{**SECRET, "redirects": False, "url": URL + "?key=hunter2"})
    text = options.model_dump_json(context=SecretView.REVEAL)
    assert HttpOptions.model_validate_json(text) == options
    assert json.loads(text)["headers"]["Cookie"] == "hunter2"


def test_the_schema_knows_the_short_forms() -> None:
    schema = HttpOptions.model_json_schema()
    assert schema["properties"]["redirects"]["anyOf"][0] == {"type": "boolean"}
    assert set(schema["$defs"]["ExpectOptions"]["properties"]) == {
        "status", "headers", "body", "json", "within", "warn_within", "certificate_days",
    }  # fmt: skip
