"""Several requests in one run: values and cookies go on, the first failure ends it and is named."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support import http2_peer as h2
from support import http_answers as answers
from support.certs import certificates
from support.flow_checks import flow_check, flow_run
from support.http2_peer import http2_peer
from support.http_checks import PATIENCE_US, codes, reactor
from support.http_peer import Exchange, http_peer

from checks.core.check import Place
from checks.core.failures import Code
from checks.core.watch import Watch
from checks.flow import FlowCheck

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}
SECRET = "s3cr3t/value+1"


async def test_values_go_into_url_headers_and_body() -> None:
    first = answers.json_body({"id": "a b/ü", "n": 5, "token": SECRET})
    async with http_peer({"/": first, "/echo": answers.plain()}) as peer:
        result = await flow_run(
            {"url": peer.url(), "capture": {"id": "$.id", "n": "$.n", "t": {"json": "$.token", "secret": True}}},
            {"url": peer.url("/echo") + "?id={id}&other={{X}}&n={n-1}", "method": "POST",
             "body": "raw {t} {{t}} {nobody} {{nobody}}",
             "headers": {"X-N": "no {n}", "X-Mine": "{t}"}},
        )  # fmt: skip
    assert codes(result) == []
    seen = peer.requests[1]
    assert seen.target == "/echo?id=a%20b%2F%C3%BC&other=%7BX%7D&n=%7Bn-1%7D"
    assert (seen.header("x-n"), seen.header("x-mine"), seen.body) == (
        "no 5",
        SECRET,
        f"raw {SECRET} {{t}} {{nobody}} {{{{nobody}}}}".encode(),
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
        await flow_run(
            {"url": peer.url(), "capture": {"v": "$.v"}},
            {
                "url": peer.url("/2"),
                "method": "POST",
                "headers": {"Content-Type": kind},
                "body": '{"v": "{v}"}',
            },
        )
    assert peer.requests[1].body == body


async def test_a_value_that_would_break_a_header_is_not_sent() -> None:
    async with http_peer({"/": answers.json_body({"v": "a\r\nX-Evil: 1"}), "/2": answers.plain()}) as peer:
        result = await flow_run(
            {"url": peer.url(), "capture": {"v": "$.v"}}, {"url": peer.url("/2"), "headers": {"X-V": "{v}"}}
        )
    assert (codes(result), len(peer.requests)) == (["capture_missing"], 1)


async def test_a_link_may_be_a_value_and_takes_no_secrets_elsewhere() -> None:
    async with http_peer({"/x": answers.plain()}) as other:
        links = answers.json_body({"next": "more/2?page=2", "away": other.url("/x")})
        async with http_peer({"/a/1": links, "/a/more/2": answers.plain()}) as peer:
            auth = {"auth": {"bearer": "t0k3n"}}
            first = {"url": peer.url("/a/1"), "capture": {"next": "$.next", "away": "$.away"}, **auth}
            result = await flow_run(first, {"url": "{next}", **auth}, {"url": "{away}", **auth})
    assert codes(result) == []
    assert (peer.requests[1].target, peer.requests[1].header("authorization")) == (
        "/a/more/2?page=2",
        "Bearer t0k3n",
    )
    assert other.requests[0].header("authorization") is None


async def test_a_value_that_is_no_link_is_missing_one() -> None:
    async with http_peer({"/": answers.json_body({"v": "javascript:alert(1)"})}) as peer:
        result = await flow_run({"url": peer.url(), "capture": {"v": "$.v"}}, {"url": "{v}"})
    assert codes(result) == ["capture_missing"]


async def test_cookies_go_on_and_can_be_switched_off() -> None:
    login = answers.plain(headers=[("Set-Cookie", "sid=1; Path=/")])
    async with http_peer({"/": login, "/2": answers.plain(), "/3": answers.plain()}) as peer:
        steps = [{"url": peer.url(path)} for path in ("/", "/2", "/3")]
        assert codes(await flow_run(*steps)) == []
        await flow_run(*steps, cookies=False)
    assert [each.header("cookie") for each in peer.requests] == [None, "sid=1", "sid=1", None, None, None]


async def test_one_waterfall_and_a_line_for_each_step() -> None:
    routes = {"/": answers.delayed(15_000), "/2": answers.redirect("/3"), "/3": answers.delayed(15_000)}
    async with http_peer(routes) as peer:
        result = await flow_run({"url": peer.url()}, {"url": peer.url("/2")})
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
    assert "hops" not in result.facts


async def test_the_first_failure_ends_the_run_and_is_named() -> None:
    async with http_peer({"/": answers.plain(), "/2": answers.plain(status=500)}) as peer:
        result = await flow_run({"url": peer.url()}, {"url": peer.url("/2")}, {"url": peer.url()})
    assert [(each.code, each.detail) for each in result.failures] == [
        ("http_status", "step s2: status: expected 2xx, got 500")
    ]
    assert [step["outcome"] for step in result.facts["steps"]] == ["pass", "fail"]
    assert (len(peer.requests), result.expectations[0].what) == (2, "step s1: status")


async def test_limits_of_a_step_hold_for_the_step_and_those_of_the_flow_for_all() -> None:
    async with http_peer({"/": answers.delayed(30_000)}) as peer:
        slow = {"url": peer.url(), "expect": {"warn_within": "20ms"}}
        patient = {"url": peer.url(), "expect": {"warn_within": "10s"}}
        assert codes(await flow_run(patient, slow, patient)) == ["slow"]
        assert codes(await flow_run(patient, patient, expect={"within": "50ms"})) == ["too_slow"]
        assert codes(await flow_run(patient, patient, expect={"within": "10s"})) == []


async def test_the_deadline_is_that_of_the_step_under_way() -> None:
    async with http_peer({"/": answers.plain(), "/2": answers.hang()}) as peer:
        steps = [{"url": peer.url()}, {"url": peer.url("/2")}, {"url": peer.url()}]
        result = await flow_run(*steps, timeout_us=300_000)
    assert (codes(result), len(peer.requests)) == (["timeout_headers"], 2)
    assert result.failures[0].detail.startswith("step s2: ")
    assert result.duration_us <= 300_000


async def test_trouble_of_our_own_is_void() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        result = await flow_run({"url": peer.url()}, {"url": "http://nowhere.invalid/"})
    assert (result.outcome, codes(result)) == ("void", ["agent_resolver"])


async def test_over_tls_every_step_judges_the_certificate_and_http_2_works() -> None:
    async with http2_peer({"/": h2.plain(b'{"v": "1"}')}, tls=MADE.ending_in(14).server_context()) as peer:
        step = {"url": peer.url(), "expect": {"certificate_days": 15}, "capture": {"v": "$.v"}}
        result = await flow_run(step, {"url": peer.url("/") + "?v={v}"}, tls=TRUST)
        distrusted = await flow_run(step, {"url": peer.url()})
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
        ([{"url": "http://a.test/", "headers": {"X": "{Nobody}"}}], "captures Nobody"),
        ([{"url": "http://a.test/", "auth": {"bearer": "{v}"}}], "captures v"),
        ([{"url": "http://a.test/", "auth": {"basic": {"username": "a", "password": "{v}"}}}], "captures v"),
        ([{"url": "http://a.test/", "capture": {"v": "$.v"}}, {"url": "/{V}"}], "captures V"),
        ([{"url": "http://a.test/", "capture": {"v": "$.v"}}, {"url": "/" + "{v}" * 21}], "at most 20 references"),
        ([{"url": "http://a.test/", "capture": {"v": "$.v"}}, {"url": "/", "body": "{v}" * 21}], "at most 20 ref"),
        ([{"url": "/a"}], "whole"), ([{"url": "?a"}], "whole"),
        ([{"url": "http://a.test/"}, {"url": "//b/"}], "scheme"),
        ([{"url": "http://a.test/"}, {"url": "cart"}], "http://"),
        ([{"url": "http://a.test/"}, {"url": "{{v}}"}], "http"),
        ([{"url": "http://a.test/", "capture": {"v": "$.v"}}] * 2, "same name|twice"),
        ([{"url": "http://a.test/", "name": "x"}, {"url": "http://a.test/", "name": "x"}], "same name"),
        ([{"url": "ftp://a.test/"}], "http"), ([], "at least 1"), ([{"url": "http://a.test/"}] * 21, "at most 20"),
        ([{"url": "http://a.test/", "capture": {"v-1": "$.v"}}], "pattern"),
        ([{"url": "http://a.test/", "capture": {"v": "$["}}], "JSONPath"),
        ([{"url": "http://a.test/", "capture": {"v": {}}}], "give json"),
        ([{"url": "http://a.test/", "capture": {"v": {"json": "$", "header": "X"}}}], "neither"),
        ([{"url": "http://a.test/", "capture": {"v": {"regex": "x"}}}], "no group 1"),
        ([{"url": "http://a.test/", "method": "HEAD", "capture": {"v": "$.v"}}], "HEAD"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(steps: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        flow_check(*steps)


BRACES = '{"a":{b},"c":"{unknown}","t":"{{page.title}}","d":{"e":{}}} query{login{token}}'


async def test_braces_that_name_no_value_known_yet_stay_in_a_body() -> None:
    routes = {"/": answers.json_body({"v": "1"}), "/2": answers.plain()}
    async with http_peer(routes) as peer:
        first = {"url": peer.url(), "method": "POST", "body": BRACES, "capture": {"token": "$.v"}}
        assert codes(await flow_run(first, {"url": "/2", "method": "POST", "body": BRACES})) == []
    assert [each.body.decode() for each in peer.requests] == [BRACES, BRACES.replace("{token}", "1")]


async def test_names_are_those_of_capital_and_small_letters() -> None:
    async with http_peer({"/": answers.json_body({"v": "1", "w": "2"}), "/2": answers.plain()}) as peer:
        capture = {"Id": "$.v", "id": "$.w"}
        assert codes(await flow_run({"url": peer.url(), "capture": capture}, {"url": "/2?{Id}{id}"})) == []
    assert peer.requests[1].target == "/2?12"


async def test_urls_may_be_relative_to_the_first_step() -> None:
    async with http_peer({}) as other, http_peer({}) as peer:
        other.routes["/x"] = answers.json_body({"v": "../7?"})
        peer.routes |= {path: answers.plain() for path in ("/a/b", "/cart/..%2F7%3F", "/")}
        steps = [{"url": peer.url("/a/b?page=1")}, {"url": other.url("/x"), "capture": {"v": "$.v"}}]
        more = [
            {"url": "/cart/{v}?x", "headers": {"X-Api-Key": "k3y-of-mine"}},
            {"url": "?page={v}"},
            {"url": "/"},
        ]
        result = await flow_run(*steps, *more)
    assert codes(result) == []
    assert [each.target for each in peer.requests] == [
        "/a/b?page=1", "/cart/..%2F7%3F?x", "/a/b?page=..%2F7%3F", "/",
    ]  # fmt: skip
    assert peer.requests[1].header("x-api-key") == "k3y-of-mine"


async def test_values_are_put_into_the_authentication() -> None:
    routes = {
        "/": answers.json_body({"t": "t0k3n", "u": "amy", "c": "a:b", "n": "a\r\nX: 1"}),
        "/2": answers.plain(),
    }
    async with http_peer(routes) as peer:
        first = {"url": peer.url(), "capture": {name: f"$.{name}" for name in "tucn"}}
        for auth, sent in (
            ({"bearer": "x-{t}"}, "Bearer x-t0k3n"),
            ({"basic": {"username": "{u}", "password": "{t}!"}}, "Basic YW15OnQwazNuIQ=="),
        ):
            assert codes(await flow_run(first, {"url": "/2", "auth": auth})) == []
            assert peer.requests[-1].header("authorization") == sent
        seen = len(peer.requests)
        for auth in ({"basic": {"username": "{c}", "password": "p"}}, {"bearer": "{n}"}):
            assert codes(await flow_run(first, {"url": "/2", "auth": auth})) == ["capture_missing"]
    assert len(peer.requests) == seen + 2


async def test_a_step_may_have_a_token_of_oauth2_and_asks_again_where_it_is_refused() -> None:
    given, taken = iter(("old-token", "new-token")), []

    async def give(exchange: Exchange) -> None:
        await answers.json_body({"access_token": next(given), "expires_in": 3600})(exchange)

    async def take(exchange: Exchange) -> None:
        taken.append((exchange.request.target, exchange.request.header("authorization")))
        old = taken[-1][1] == "Bearer old-token" and len(taken) > 1
        await answers.plain(status=401 if old else 200)(exchange)

    async with http_peer({"/token": give}) as endpoint, http_peer({"/": take}) as peer:
        client = {"token_url": endpoint.url("/token"), "client_id": "c", "client_secret": "hunter2"}
        step = {"url": peer.url("/?a=1"), "auth": {"oauth2": client}}
        result = await flow_run(step, {**step, "url": "/?b=2"}, headers={"Authorization": "not this"})
    assert (codes(result), next(iter(result.phases_us))) == ([], "authorize")
    assert taken == [
        ("/?a=1", "Bearer old-token"), ("/?b=2", "Bearer old-token"), ("/?b=2", "Bearer new-token"),
    ]  # fmt: skip


async def test_headers_of_the_flow_go_with_every_step_that_sets_none_and_knows_their_values() -> None:
    routes = {"/": answers.json_body({"v": "t0k3n"}), "/2": answers.plain(), "/3": answers.plain()}
    async with http_peer(routes) as peer:
        headers = {"Accept-Language": "de", "Authorization": "Bearer {v}", "Content-Type": "application/json"}
        own = {"accept-language": "fr", "authorization": "none"}
        result = await flow_run(
            {"url": peer.url(), "capture": {"v": "$.v"}},
            {"url": "/2", "headers": own},
            {"url": "/3", "auth": {"bearer": "b"}},
            {"url": "/3", "method": "POST", "body": '"{v}"'},
            headers=headers,
        )
    assert codes(result) == []
    assert [(each.header("accept-language"), each.header("authorization")) for each in peer.requests] == [
        ("de", None), ("fr", "none"), ("de", "Bearer b"), ("de", "Bearer t0k3n"),
    ]  # fmt: skip
    with pytest.raises(ValidationError, match="header X: no step captures w"):
        flow_check({"url": "http://a.test/"}, headers={"X": "{w}"})


async def test_redirects_are_those_of_the_flow_unless_a_step_says_otherwise() -> None:
    async with http_peer({"/": answers.redirect("/2"), "/2": answers.plain()}) as peer:
        step, moved = {"url": peer.url()}, {"status": 302}
        assert codes(await flow_run({**step, "expect": moved}, redirects=False)) == []
        assert codes(await flow_run({**step, "redirects": True}, redirects=False)) == []
        assert codes(await flow_run(step, redirects={"forbid": True})) == ["http_redirect_forbidden"]


async def test_certificates_of_all_steps_have_the_days_of_the_flow_or_their_own() -> None:
    async with http_peer({"/": answers.plain()}, tls=MADE.ending_in(14).server_context()) as peer:
        step, own = {"url": peer.url()}, {"url": "/", "expect": {"certificate_days": 14}}
        for days, expected in ((14, []), (15, ["tls_expiring"])):
            assert codes(await flow_run(step, own, tls=TRUST, expect={"certificate_days": days})) == expected


async def test_a_step_that_is_led_away_from_https_says_so() -> None:
    async with http_peer({"/": answers.plain()}) as plain:
        routes = {"/": answers.redirect(plain.url())}
        async with http_peer(routes, tls=MADE.ending_in(14).server_context()) as peer:
            result = await flow_run({"url": peer.url()}, tls=TRUST)
    assert (result.facts["steps"][0]["downgraded"], result.facts["downgraded"]) == (True, True)


async def test_the_size_of_a_body_that_broke_off_is_known() -> None:
    async with http_peer({"/": answers.truncated(b"abc", 10)}) as peer:
        result = await flow_run({"url": peer.url()})
    assert (codes(result), result.facts["steps"][0]["size"]) == (["http_truncated"], 3)


async def test_waits_of_steps_add_up_and_waits_side_by_side_do_not() -> None:
    with reactor() as engine:
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
        for names in (("a",), ("b", "c")):
            parts = [(name, watch.part()) for name in names]
            for _, part in parts:
                part.late(5_000_000)
            watch.take_in(parts)
        assert watch.own_lag_ns() == 10_000_000


async def test_the_name_of_a_part_stands_once_before_what_is_said_of_it() -> None:
    with reactor() as engine:
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
        part = watch.part()
        for what in ("status", "step a body", "[step a]:80"):
            part.expect(what, "1", "2", False, Code.HTTP_STATUS)
        watch.take_in([("step a", part)])
        result = watch.result()
    assert [each.what for each in result.expectations] == ["step a: status", "step a body", "[step a]:80"]
    assert [each.detail for each in result.failures] == [
        f"{each.what}: expected 1, got 2" for each in result.expectations
    ]


def test_a_run_costs_as_much_as_its_steps() -> None:
    made = flow_check({"url": "http://a.test/"}, {"url": "/2"}, {"url": "/3"})
    assert FlowCheck.cost_of(made.options) == 3 * FlowCheck.cost_us
