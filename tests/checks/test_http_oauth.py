"""OAuth2 client credentials: one token for all who need it, fetched when there is none, and shown to nobody."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.certs import certificates
from support.http_checks import PATIENCE_US, RESOLVER, check, codes, look, reactor
from support.http_peer import Answer, Exchange, HttpPeer, http_peer

from checks.core import http_oauth
from checks.core.check import Place, run_once
from checks.core.failures import Stop
from checks.core.http_oauth import LONGEST_LIFE_S, MARGIN_S, MAX_ANSWER, USUAL_LIFE_S, read_token
from checks.core.http_response import Response
from checks.core.reactor import Reactor
from checks.core.result import Result
from checks.http import HttpCheck

MADE = certificates()
SECRET = "hunter2 & co:"


@dataclass
class Scene:
    """A token endpoint that numbers its tokens, and a target that takes some of them."""

    endpoint: HttpPeer
    target: HttpPeer
    taken: set[str] = field(default_factory=set)
    more: dict[str, object] = field(default_factory=lambda: {"expires_in": 3600})
    given: int = 0

    def options(self, **more: Any) -> dict[str, Any]:
        """Return the options of a probe of this scene."""
        oauth2 = {
            "token_url": self.endpoint.url("/token"),
            "client_id": "the client",
            "client_secret": SECRET,
        }
        return {"auth": {"oauth2": {**oauth2, **more}}}

    def check(self, **more: Any) -> HttpCheck:
        """Return a check of this scene."""
        return check(self.target.url(), **self.options(**more))


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    http_oauth._SHARED.clear()  # a port may come again
    async with http_peer({}) as endpoint, http_peer({}) as target:
        made = Scene(endpoint, target)

        async def give(exchange: Exchange) -> None:
            made.given += 1
            token = f"token-{endpoint.port}-{made.given}"
            made.taken.add(token)
            await answers.json_body({"access_token": token, "token_type": "Bearer", **made.more})(exchange)

        async def take(exchange: Exchange) -> None:
            token = (exchange.request.header("authorization") or "").removeprefix("Bearer ")
            await answers.plain(status=200 if token in made.taken else 401)(exchange)

        endpoint.routes["/token"] = give
        target.routes["/"] = take
        yield made


def _place(engine: Reactor, timeout_us: int = PATIENCE_US) -> Place:
    return Place(reactor=engine, timeout_us=timeout_us, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000)


async def _once(made: HttpCheck, timeout_us: int = PATIENCE_US) -> Result:
    with reactor() as engine:
        result = await run_once(made, _place(engine, timeout_us))
        assert engine.channels == {}
        return result


async def test_a_token_is_fetched_kept_and_sent() -> None:
    async with scene() as stage:
        made = stage.check()
        first, second = await _once(made), await _once(made)
    assert (codes(first), codes(second)) == ([], [])
    assert next(iter(first.phases_us)) == "authorize"
    assert "authorize" not in second.phases_us
    assert list(second.phases_us) == ["connect", "send", "wait", "transfer"]
    assert first.facts["address"] == stage.target.host
    assert len(stage.endpoint.requests) == 1


@pytest.mark.parametrize(("where", "in_header"), [("header", True), ("body", False)])
async def test_the_token_request_is_that_of_the_standard(where: str, in_header: bool) -> None:
    async with scene() as stage:
        extra = {"scopes": ["read", "write"], "parameters": {"audience": "a&b", "api_key": "k"}, "in": where}
        assert codes(await _once(stage.check(**extra))) == []
    (request,) = stage.endpoint.requests
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert (request.method, request.header("content-type")) == ("POST", "application/x-www-form-urlencoded")
    wanted = {"grant_type": "client_credentials", "scope": "read write", "audience": "a&b", "api_key": "k"}
    authorization = request.header("authorization")
    if in_header:
        assert authorization is not None
        assert base64.b64decode(authorization.removeprefix("Basic ")) == b"the+client:hunter2+%26+co%3A"
    else:
        wanted |= {"client_id": "the client", "client_secret": SECRET}
        assert authorization is None
    assert form == wanted


async def test_probes_with_the_same_credentials_share_a_token_and_others_do_not() -> None:
    async with scene() as stage:
        one, same, other = stage.check(), stage.check(), stage.check(scopes=["read"])
        assert [codes(await _once(each)) for each in (one, same, other, one)] == [[], [], [], []]
    assert stage.given == 2


async def test_runs_at_the_same_time_share_one_fetch() -> None:
    async with scene() as stage:
        stage.endpoint.routes["/token"] = answers.delayed(50_000, stage.endpoint.routes["/token"])
        made = stage.check()
        with reactor() as engine:
            results = await asyncio.gather(*(run_once(made, _place(engine)) for _ in range(5)))
    assert [codes(each) for each in results] == [[]] * 5
    assert stage.given == 1
    assert all(each.phases_us["authorize"] >= 30_000 for each in results)
    assert all(each.phases_us["wait"] < 5_000_000 for each in results)


async def test_runs_that_waited_for_a_fetch_that_failed_share_its_failure() -> None:
    async with scene() as stage:
        stage.endpoint.routes["/token"] = answers.delayed(50_000, answers.plain(status=500))
        made = stage.check()
        with reactor() as engine:
            results = await asyncio.gather(*(run_once(made, _place(engine)) for _ in range(4)))
    assert [codes(each) for each in results] == [["oauth_failed"]] * 4
    assert (len(stage.endpoint.requests), stage.target.requests) == (1, [])


async def test_a_run_that_is_cut_short_while_it_fetches_leaves_the_fetch_to_another() -> None:
    async with scene() as stage:
        give = stage.endpoint.routes["/token"]
        stage.endpoint.routes["/token"] = answers.hang()
        made = stage.check()
        with reactor() as engine:
            brief = asyncio.ensure_future(run_once(made, _place(engine, 200_000)))
            gone = asyncio.ensure_future(run_once(made, _place(engine)))
            patient = asyncio.ensure_future(run_once(made, _place(engine)))
            await _until(lambda: bool(stage.endpoint.requests))
            gone.cancel()
            stage.endpoint.routes["/token"] = give
            results = [await brief, await patient]
            assert engine.channels == {}
    assert [codes(each) for each in results] == [["oauth_failed"], []]
    assert stage.given == 1


async def _until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110  # a peer's records have no event to wait for
        await asyncio.sleep(0)


async def test_a_kept_token_that_the_target_refuses_is_fetched_anew_once() -> None:
    async with scene() as stage:
        made = stage.check()
        assert codes(await _once(made)) == []
        stage.taken.clear()
        again = await _once(made)
        assert (codes(again), stage.given, again.facts["status"]) == ([], 2, 200)
        assert again.facts["redirects"] == 0
        stage.target.routes["/"] = answers.plain(status=401)
        refused = await _once(made)
        assert (codes(refused), stage.given) == (["http_status"], 3)
    assert len(stage.target.requests) == 5


async def test_a_token_fetched_for_the_run_is_not_fetched_again() -> None:
    async with scene() as stage:
        stage.target.routes["/"] = answers.plain(status=401)
        assert codes(await _once(stage.check())) == ["http_status"]
    assert (stage.given, len(stage.target.requests)) == (1, 1)


async def test_a_token_is_not_used_up_to_its_very_end() -> None:
    async with scene() as stage:
        stage.more = {"expires_in": 0}
        made = stage.check()
        assert [codes(await _once(made)) for _ in range(2)] == [[], []]
    assert stage.given == 2


async def test_a_token_goes_to_the_origin_of_the_url_alone() -> None:
    async with scene() as stage, http_peer({"/": answers.plain(status=401)}) as elsewhere:
        made = stage.check()
        assert codes(await _once(made)) == []
        stage.target.routes["/"] = answers.redirect(elsewhere.url())
        assert codes(await _once(made)) == ["http_status"]
    assert (elsewhere.requests[0].header("authorization"), len(elsewhere.requests), stage.given) == (
        None,
        1,
        1,
    )


async def _repeat(exchange: Exchange) -> None:
    said = exchange.request.header("authorization") or ""
    await answers.plain(said.encode(), headers=[("Server", said)])(exchange)


@pytest.mark.parametrize("echo", ["/at/{}", "/in-url/{quoted}"])
async def test_a_token_is_masked_however_it_is_spelt(echo: str) -> None:
    """In JSON with its slashes escaped, as some languages write it, and percent-encoded in a Location."""
    token = "ab+cd/ef" * 4 + "=="
    async with scene() as stage:
        stage.endpoint.routes["/token"] = answers.json_body({"access_token": token})
        location = echo.format(token, quoted=quote(token, safe=""))
        stage.target.routes["/"] = answers.redirect(location)
        escaped = json.dumps({"you": token}).replace("/", "\\/")
        stage.target.routes[location] = answers.plain(escaped.encode(), status=403)
        result = await look(stage.target.url(), expect={"body": {"contains": "never"}}, **stage.options())
    assert codes(result) == ["http_status", "body_mismatch"]
    assert "***" in str(result.facts["final_url"])
    assert "***" in result.failures[1].detail
    assert "ab+cd" not in repr(result)
    assert "cd%2F" not in repr(result)


async def test_a_token_and_the_secret_are_masked_where_a_target_echoes_them() -> None:
    async with scene() as stage:
        stage.target.routes["/"] = _repeat
        shown = await look(
            stage.target.url(), **stage.options(), expect={"body": {"regex": "never"}, "cel": "status == 1"}
        )
        stage.endpoint.routes["/token"] = answers.exact(b"no HTTP " + SECRET.encode() + b"\r\n\r\n")
        odd = await look(stage.target.url(), **stage.options(scopes=["x"]))
        stage.endpoint.routes["/token"] = answers.plain(json.dumps({"error": SECRET}).encode(), status=400)
        error = await look(stage.target.url(), **stage.options(scopes=["y"]))
    told = repr((shown, odd, error))
    assert shown.facts["server"] == "Bearer ***"
    assert codes(odd) + codes(error) == ["oauth_failed", "oauth_failed"]
    assert not [part for part in (f"token-{stage.endpoint.port}", "hunter2") if part in told]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answers.json_body({"error": "invalid_client"}, status=401), "answered 401: invalid_client"),
        (answers.json_body([1], status=400), "answered 400"),
        (answers.plain(status=503), "answered 503"),
        (answers.redirect("/elsewhere"), "answered 302"),
        (answers.plain(b"<html>"), "no JSON object"),
        (answers.json_body(["x"]), "no JSON object"),
        (answers.plain(b"[" * 60_000), "no JSON object"),
        (answers.json_body({}), "no access_token"),
        (answers.json_body({"access_token": ""}), "no access_token"),
        (answers.json_body({"access_token": 5}), "no access_token"),
        (answers.json_body({"access_token": "a\r\nX: y"}), "cannot stand in a header"),
        (answers.json_body({"access_token": "é"}), "cannot stand in a header"),
        (answers.json_body({"access_token": "a" * 20_000}), "cannot stand in a header"),
        (answers.json_body({"access_token": "abcd", "token_type": "mac"}), "another type than bearer"),
        (answers.plain(b"x" * (MAX_ANSWER + 1)), "limit is 65536 (body_limit)"),
        (answers.endless_body(declare=False), "longer than the limit of 65536 bytes (body_limit)"),
        (answers.gzip_body(b" " * 10_000_000), "longer than the limit"),
        (answers.no_answer(), "(connection_closed)"),
        (answers.garbage(), "(http_malformed)"),
    ],
)
async def test_trouble_of_the_endpoint_has_one_code_and_its_reason(answer: Answer, words: str) -> None:
    async with scene() as stage:
        stage.endpoint.routes["/token"] = answer
        result = await _once(stage.check())
    assert (result.outcome, codes(result)) == ("fail", ["oauth_failed"])
    assert words in result.failures[0].detail
    assert set(result.phases_us) == {"authorize"}
    assert stage.target.connections == 0


async def test_an_endpoint_that_is_silent_or_away_or_not_trusted_is_named() -> None:
    async with (
        scene() as stage,
        http_peer({"/token": answers.plain()}, tls=MADE.valid.server_context()) as secure,
    ):
        untrusted = await _once(stage.check(token_url=secure.url("/token")))
        stage.endpoint.routes["/token"] = answers.hang()
        silent = await _once(stage.check(), timeout_us=150_000)
        away = stage.check(token_url="http://127.0.0.1:1/token")
        refused = await _once(away)
    assert [codes(each) for each in (untrusted, silent, refused)] == [["oauth_failed"]] * 3
    assert "(tls_untrusted)" in untrusted.failures[0].detail
    assert "(connect_refused)" in refused.failures[0].detail
    assert silent.failures[0].detail == "no token from the token endpoint within 0.15 s"
    assert silent.duration_us <= 150_000
    assert "certificate" not in untrusted.facts
    assert secure.requests == []


async def test_the_endpoint_may_have_authorities_of_its_own() -> None:
    token = answers.json_body({"access_token": "abcd"})
    async with scene() as stage, http_peer({"/token": token}, tls=MADE.valid.server_context()) as secure:
        stage.taken.add("abcd")
        made = stage.check(token_url=secure.url("/token"), tls={"ca_file": str(MADE.ca_file)})
        result = await _once(made)
    assert codes(result) == []
    assert "tls" not in result.phases_us


async def test_trouble_of_our_own_on_the_way_to_a_token_is_void() -> None:
    async with scene() as stage, http_peer({}, tls=MADE.valid.server_context()) as secure:
        made = stage.check(token_url=secure.url("/token"), tls={"ca_file": "/does/not/exist.pem"})
        result = await _once(made)
    assert (result.outcome, codes(result)) == ("void", ["agent_file"])


async def test_the_time_of_a_fetch_is_no_time_of_the_target() -> None:
    async with scene() as stage:
        stage.endpoint.routes["/token"] = answers.delayed(400_000, stage.endpoint.routes["/token"])
        options = stage.options()
        result = await look(stage.target.url(), **options, expect={"within": "399ms"})
    assert result.phases_us["authorize"] >= 390_000
    assert "too_slow" not in codes(result)


async def test_tokens_outlive_the_checks_that_fetched_them() -> None:
    async with scene() as stage:
        assert [codes(await _once(stage.check())) for _ in range(2)] == [[], []]
    assert stage.given == 1


def _answer(body: bytes, status: int = 200) -> Response:
    response = Response(body_limit=MAX_ANSWER, keep_body=True)
    response.status = status
    response.add(body)
    return response


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3600", 3600 - MARGIN_S), ('"3600"', 3600 - MARGIN_S), ("3600.5", 3600.5 - MARGIN_S), ("40", 30), ("4", 3),
        ("0", 0), ("-5", 0), ("null", USUAL_LIFE_S - MARGIN_S), ('"soon"', USUAL_LIFE_S - MARGIN_S),
        ("true", USUAL_LIFE_S - MARGIN_S), ("1e999", LONGEST_LIFE_S - MARGIN_S), ("9" * 400, LONGEST_LIFE_S - MARGIN_S),
        ("1e9", LONGEST_LIFE_S - MARGIN_S), ('"' + "9" * 400 + '"', LONGEST_LIFE_S - MARGIN_S), ("-1e999", 0),
        (f"{LONGEST_LIFE_S}", LONGEST_LIFE_S - MARGIN_S), (f"{LONGEST_LIFE_S - 1}", LONGEST_LIFE_S - 1 - MARGIN_S),
    ],
)  # fmt: skip
def test_a_token_lives_shortly_less_long_than_its_endpoint_says(expires_in: str, seconds: float) -> None:
    token = read_token(_answer(b'{"access_token": "abcd", "expires_in": %b}' % expires_in.encode()), 1_000)
    assert token.until_ns == 1_000 + int(seconds * 1e9)
    assert "abcd" not in repr(token)


def test_without_a_life_a_token_is_kept_for_some_minutes() -> None:
    token = read_token(_answer(b'{"access_token": "abcd"}'), 0)
    assert token.until_ns == (USUAL_LIFE_S - MARGIN_S) * 1_000_000_000


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.integers(), max_size=2)
)
NAMES = st.sampled_from(["access_token", "token_type", "expires_in", "error", "error_description"])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.dictionaries(NAMES, VALUES).map(json.dumps).map(str.encode) | st.binary(max_size=60),
    st.sampled_from([200, 400]),
)
@example(b'{"access_token": "\\ud800"}', 200)
@example(b'{"error": "\\ud800\\u0007"}', 400)
@example(b'{"access_token": "abcd", "expires_in": NaN}', 200)
def test_any_answer_of_an_endpoint_is_a_token_or_one_code(body: bytes, status: int) -> None:
    try:
        token = read_token(_answer(body, status), 0)
    except Stop as stop:
        told = (stop.code, stop.detail)
    else:
        assert 0 <= token.until_ns <= LONGEST_LIFE_S * 10**9
        assert token.value.isprintable()
        return
    assert told[0] == "oauth_failed"
    assert told[1].isprintable()
