"""Options of the http check load as the configuration writes them, are refused in clear words, and hide secrets."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from pydantic import ValidationError
from support.http_checks import check

from checks.core.check import KINDS, load_kinds
from checks.core.values import SecretView
from checks.http import HttpOptions

URL = "https://shop.example/health"


OAUTH2 = {
    "token_url": "https://id.example/token?tenant=hunter2",
    "client_id": "me",
    "client_secret": "hunter2",
}


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
        ({"auth": {}}, "auth", "basic, bearer or oauth2"),
        ({"auth": {"bearer": "x", "oauth2": OAUTH2}}, "auth", "basic, bearer or oauth2"),
        ({"auth": {"oauth2": {**OAUTH2, "token_url": "x"}}}, "auth", "starts with http"),
        ({"auth": {"oauth2": {**OAUTH2, "scopes": ["a b"]}}}, "auth", "pattern"),
        ({"auth": {"oauth2": {**OAUTH2, "in": "query"}}}, "auth", "'header'"),
        ({"body": "x", "body_file": "/x"}, "", "exclude each other"),
        ({"compression": "zstd"}, "compression", "'gzip'"),
        ({"compression": []}, "compression", "at least 1"),
        ({"compression": "br", "headers": {"accept-encoding": "gzip"}}, "", "excludes br"),
        ({"unique_id": {}}, "unique_id", "header, query or both"),
        ({"unique_id": {"header": "Content-Length"}}, "unique_id", "cannot be set"),
        ({"unique_id": {"query": "a b"}}, "unique_id", "pattern"),
        ({"unique_id": {"header": "X-A"}, "headers": {"x-a": "1"}}, "", "given twice"),
        (
            {"expect": {"headers": {"A": {"absent": True, "allow_missing": True}}}},
            "expect",
            "without allow_missing",
        ),
        ({"expect": {"headers": {"A": {"allow_missing": True}}}}, "expect", "not_regex or absent"),
        ({"expect": {"headers": {"A": {"not_regex": "("}}}}, "expect", "not a regular expression"),
        ({"expect": {"size": {}}}, "expect", "min, max or both"),
        ({"expect": {"size": {"min": "2B", "max": "1B"}}}, "expect", "shorter than min"),
        ({"expect": {"encoding": "lzma"}}, "expect", "'gzip'"),
        ({"expect": {"version": "HTTP/2"}}, "expect", "'1.1'"),
        ({"expect": {"tls": True}}, "expect", "'required'"),
        ({"expect": {"max_age": {"allow_missing": True}}}, "expect", "required"),
        ({"expect": {"max_age": 60}}, "expect", ""),
        ({"expect": {"phases": {"think": "1s"}}}, "expect", "'wait'"),
        ({"expect": {"phases": {"wait": {}}}}, "expect", "within or warn_within"),
        (
            {"expect": {"cel": "1 +"}},
            "expect",
            "not a CEL expression: mismatched input '<EOF>' (character 4)",
        ),
        ({"expect": {"cel": "response.status == 1"}}, "expect", "body, headers, status, not response"),
        ({"expect": {"cel": "length(body) == 1"}}, "expect", "no function length()"),
        ({"expect": {"cel": "1 == " + "1" * 1000}}, "expect", "at most 1000"),
        ({"expect": {"cel": ["true"] * 21}}, "expect", "at most 20"),
        ({"method": "HEAD", "expect": {"cel": "body.a == 1"}}, "", "HEAD"),
        ({"method": "HEAD", "expect": {"size": {"min": "1B"}}}, "", "HEAD"),
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
        ({"expect": {"headers": {"A": {}}}}, "expect", "equals, contains, regex, not_regex or absent"),
        (
            {"expect": {"headers": {"A": {"absent": True, "equals": "x"}}}},
            "expect",
            "equals, contains, regex, not_regex or absent",
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
    shown = [repr(options), options.model_dump_json(), repr(made._first), repr(made._transport), made.target]
    assert not [text for text in shown if "hunter2" in text]
    assert "shown" in options.model_dump_json()


def test_options_travel_to_the_agent_and_back() -> None:
    oauth2 = {
        **OAUTH2,
        "parameters": {"audience": "x", "api_key": "hunter2"},
        "in": "body",
        "tls": {"verify": False},
    }
    expect = {
        "max_age": "1h", "size": {"max": "1MiB"}, "phases": {"wait": "1s"}, "cel": "status == 200", "version": "2",
        "headers": {"A": {"not_regex": "x", "allow_missing": True}}, "encoding": ["br", "gzip"], "tls": "required",
    }  # fmt: skip
    options = _load(
        **{
            **SECRET,
            "redirects": False,
            "url": URL + "?key=hunter2",
            "auth": {"oauth2": oauth2},
            "expect": expect,
        },
        compression=["br", "gzip"],
        unique_id={"header": "X-Request-Id"},
    )
    assert "hunter2" not in options.model_dump_json() + repr(options)
    text = options.model_dump_json(context=SecretView.REVEAL)
    assert HttpOptions.model_validate_json(text) == options
    assert json.loads(text)["headers"]["Cookie"] == "hunter2"


def test_the_schema_knows_the_short_forms() -> None:
    schema = HttpOptions.model_json_schema()
    assert schema["properties"]["redirects"]["anyOf"][0] == {"type": "boolean"}
    assert set(schema["$defs"]["ExpectOptions"]["properties"]) == {
        "status", "headers", "body", "json", "within", "warn_within", "certificate_days", "size", "cel", "encoding",
        "version", "tls", "max_age", "phases",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("header", "coding", "admitted"),
    [
        ("gzip, br", "br", True), ("gzip", "br", False), ("*", "br", True), ("*;q=0", "br", False),
        ("gzip;q=0, *", "gzip", False), ("gzip; q=0.000", "gzip", False), ("gzip;q=0.001", "gzip", True),
        ("GZIP;Q=1", "gzip", True), ("x-gzip", "gzip", True), ("br, *;q=0", "gzip", False), ("", "gzip", False),
        ("gzip", "identity", True), ("identity;q=0", "identity", False), ("*;q=0", "identity", False),
        ("identity, *;q=0", "identity", True), ("gzip;level=9;q=0", "gzip", False),
    ],
)  # fmt: skip
def test_a_given_accept_encoding_has_to_admit_what_compression_asks_for(
    header: str, coding: str, admitted: bool
) -> None:
    options: dict[str, Any] = {"compression": coding, "headers": {"Accept-Encoding": header}}
    if admitted:
        assert _load(**options).compression == (coding,)
    else:
        with pytest.raises(ValidationError, match=f"Accept-Encoding excludes {coding}"):
            _load(**options)


@pytest.mark.parametrize(
    "expression",
    [
        "body.status == 'ok' && size(body.items) > 2", "has(body.a)", "body.items.all(item, item.n > 0)",
        "headers['content-type'].startsWith('text/')", "status in [200, 204]", "double(body.x) > 1.5",
        "timestamp(body.at) < timestamp('2030-01-01T00:00:00Z')", "body.matches('^a')", "type(body) == type([])",
        "body.items.map(i, i.n).exists(n, n == 1)", "string(status) == '200'",
        "body.n.size() == 1 || body.items.exists_one(x, x == 1)",
    ],
)  # fmt: skip
def test_expressions_that_can_be_meant_are_taken(expression: str) -> None:
    assert _load(expect={"cel": expression}).expect.cel == (expression,)


def test_a_missing_extra_is_named_when_the_configuration_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel", None)
    with pytest.raises(ValidationError, match="need the extra cel") as caught:
        _load(expect={"cel": "status == 200"})
    assert caught.value.errors()[0]["ctx"]["hint"] == "pip install 'uptime-prober[cel]'"
