"""Rules on how a response came: headers that may be missing, version, TLS, age, size, single phases."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.certs import certificates
from support.http_checks import codes, look
from support.http_peer import http_peer

from checks.core.http_age import now_s, parse_date
from checks.core.http_response import Response

NOW_S = 1_780_000_000
DAY_S = 86_400
MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}


@pytest.mark.parametrize(
    ("rule", "held_one", "held_two", "held_missing"),
    [
        ({"not_regex": "^b"}, True, False, False),
        ({"not_regex": "^b", "allow_missing": True}, True, False, True),
        ({"regex": "^b"}, False, True, False),
        ({"regex": "^b", "allow_missing": True}, False, True, True),
        ({"equals": "a", "allow_missing": True}, True, True, True),
        ({"contains": "b", "allow_missing": True}, False, True, True),
        ({"regex": "^a", "not_regex": "^b"}, True, False, False),
        ({"regex": "^a", "not_regex": "^c", "allow_missing": True}, True, True, True),
        ({"not_regex": "^$"}, True, True, False),
    ],
)
async def test_one_value_has_to_fit_and_none_may_match_what_is_forbidden(
    rule: dict[str, Any], held_one: bool, held_two: bool, held_missing: bool
) -> None:
    routes = {
        "/one": answers.plain(headers=[("X-A", "a")]),
        "/two": answers.plain(headers=[("X-A", "a"), ("X-A", "b")]),
        "/missing": answers.plain(),
    }
    async with http_peer(routes) as peer:
        held = [
            "http_header" not in codes(await look(peer.url(path), expect={"headers": {"x-a": rule}}))
            for path in routes
        ]
    assert held == [held_one, held_two, held_missing]


async def test_a_forbidden_empty_value_is_found() -> None:
    async with http_peer({"/": answers.plain(headers=[("X-A", "")])}) as peer:
        result = await look(peer.url(), expect={"headers": {"X-A": {"not_regex": "^$"}}})
    assert result.failures[0].detail == 'header X-A: expected no match of "^$", got ""'


@pytest.mark.parametrize(
    ("wanted", "held"), [("1.1", True), (["1.0", "1.1"], True), (["2", "3"], False), ("1.0", False)]
)
async def test_the_version_of_the_last_response_is_judged(wanted: Any, held: bool) -> None:
    routes = {"/": answers.redirect("/end"), "/end": answers.plain()}
    async with http_peer(routes) as peer:
        result = await look(peer.url(), expect={"version": wanted})
    assert codes(result) == ([] if held else ["http_version"])


async def test_whether_the_last_response_came_over_tls_is_judged() -> None:
    async with (
        http_peer({"/": answers.plain()}, tls=MADE.valid.server_context()) as secure,
        http_peer({"/": answers.plain(), "/up": answers.redirect(secure.url())}) as plain,
    ):
        secure.routes["/down"] = answers.redirect(plain.url())
        seen = {
            (path, rule): codes(await look(path, tls=TRUST, expect={"tls": rule}))
            for path in (plain.url(), plain.url("/up"), secure.url(), secure.url("/down"))
            for rule in ("required", "forbidden")
        }
    assert [*seen.values()] == [
        ["tls_missing"], [],  # plain
        [], ["tls_unwanted"],  # from plain to TLS
        [], ["tls_unwanted"],  # TLS
        ["tls_missing"], [],  # from TLS to plain
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "held"),
    [
        ({"min": "5B"}, True), ({"min": "6B"}, False), ({"max": "5B"}, True), ({"max": "4B"}, False),
        ({"min": "5B", "max": "5B"}, True),
    ],
)  # fmt: skip
async def test_the_length_of_the_body_is_judged(size: dict[str, str], held: bool) -> None:
    async with http_peer({"/": answers.chunked(b"he", b"llo")}) as peer:
        result = await look(peer.url(), expect={"size": size})
    assert codes(result) == ([] if held else ["body_mismatch"])
    assert result.expectations[1].seen == "5 bytes"


async def test_single_phases_have_limits_of_their_own() -> None:
    async with http_peer({"/": answers.delayed(20_000)}) as peer:
        failed = await look(peer.url(), expect={"phases": {"wait": "19ms", "connect": "15s"}})
        warned = await look(peer.url(), expect={"phases": {"wait": {"within": "15s", "warn_within": "19ms"}}})
        passed = await look(peer.url(), expect={"phases": {"wait": "15s", "resolve": "1us", "tls": "1us"}})
    assert [(each.outcome, codes(each)) for each in (failed, warned, passed)] == [
        ("fail", ["too_slow"]), ("warn", ["slow"]), ("pass", []),
    ]  # fmt: skip
    assert failed.failures[0].detail.startswith("time of wait: expected within 19ms, got ")
    assert not [
        each for each in passed.expectations if "resolve" in each.what
    ]  # a phase that was not reached


def _dated(modified_s: int | None, date_s: int | None, age: str | None = None) -> Any:
    headers = [("Last-Modified", formatdate(modified_s, usegmt=True))] if modified_s is not None else []
    headers += [("Date", formatdate(date_s, usegmt=True))] if date_s is not None else []
    headers += [("Age", age)] if age is not None else []
    return answers.plain(headers=headers)


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        (_dated(NOW_S - 3600, NOW_S), True),
        (_dated(NOW_S - 3601, NOW_S), False),
        (_dated(NOW_S - 3000, NOW_S, "600"), True),  # held by a cache
        (_dated(NOW_S - 3000, NOW_S, "601"), False),
        (_dated(NOW_S - 3000, NOW_S, "nonsense"), True),
        (_dated(NOW_S + DAY_S, NOW_S), True),  # of the future: young
        (_dated(0, 3600), True),  # the target's clock stands in 1970, and so do its documents
        (_dated(int(time.time()) - 60, None), True),
        (_dated(int(time.time()) - 7200, None), False),
        (_dated(None, NOW_S), False),
    ],
)
async def test_age_is_measured_by_the_clock_of_the_target(answer: Any, held: bool) -> None:
    async with http_peer({"/": answer}) as peer:
        result = await look(peer.url(), expect={"max_age": "1h"})
    assert codes(result) == ([] if held else ["http_age"])


async def test_a_missing_date_may_be_allowed_but_not_an_unreadable_one() -> None:
    odd = answers.plain(headers=[("Last-Modified", "yesterday")])
    rule = {"max_age": {"limit": "1h", "allow_missing": True}}
    async with http_peer({"/": answers.plain(), "/odd": odd}) as peer:
        missing, unread = await look(peer.url(), expect=rule), await look(peer.url("/odd"), expect=rule)
    assert (codes(missing), codes(unread)) == ([], ["http_age"])
    assert "last_modified" not in unread.facts


async def test_when_the_document_was_modified_is_a_fact() -> None:
    async with http_peer({"/": _dated(NOW_S, None)}) as peer:
        assert (await look(peer.url())).facts["last_modified"] == NOW_S


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 784111777), (b"Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        (b"Sun Nov  6 08:49:37 1994", 784111777), (b" Sun, 06 Nov 1994 08:49:37 GMT ", 784111777),
        (b"Thu, 01 Jan 1970 00:00:00 GMT", 0), (b"Sat, 29 Feb 2020 00:00:00 GMT", 1582934400),
        (b"Thu, 31 Dec 1998 23:59:60 GMT", 915148799), (b"Sun, 29 Feb 2021 00:00:00 GMT", None),
        (b"Sun, 31 Apr 2021 00:00:00 GMT", None), (b"Sun, 00 Apr 2021 00:00:00 GMT", None),
        (b"Sun, 06 Nov 1994 24:00:00 GMT", None), (b"Sun, 06 Nov 1994 08:60:37 GMT", None),
        (b"Sun, 06 Nov 1994 08:49:37 CET", None), (b"Sun, 06 Nov 0000 08:49:37 GMT", None), (b"", None), (b"0", None),
        (b"Sun, 06 Nov 1994 08:49:37 GMT" + b" " * 100 + b"x", None), ("Sun, 0٦ Nov 1994 08:49:37 GMT".encode(), None),
    ],
)  # fmt: skip
def test_the_three_forms_of_a_date_are_read(text: bytes, seconds: int | None) -> None:
    assert parse_date(text) == seconds


DATES = st.builds(
    "{}, {:02d} {} {:04d} {:02d}:{:02d}:{:02d} GMT".format,
    st.sampled_from(["Sun", "Mon"]), st.integers(0, 40), st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
    st.integers(0, 9999), st.integers(0, 30), st.integers(0, 70), st.integers(0, 70),
)  # fmt: skip


@settings(max_examples=300, derandomize=True, deadline=None)
@given(DATES.map(str.encode) | st.binary(max_size=80), st.binary(max_size=20))
@example(b"Fri, 31 Dec 9999 23:59:59 GMT", b"9999999999")
def test_any_bytes_as_a_date_are_a_number_or_nothing(text: bytes, age: bytes) -> None:
    seconds = parse_date(text)
    assert seconds is None or isinstance(seconds, int)
    response = Response(body_limit=1, keep_body=False)
    response.headers = [(b"date", text), (b"age", age)]
    assert now_s(response) >= (seconds or 0)


@pytest.mark.parametrize(("days", "outcome", "expected"), [(14, "pass", []), (15, "warn", ["tls_expiring"])])
async def test_a_certificate_near_its_end_is_a_warning_and_never_a_failure(
    days: int, outcome: str, expected: list[str]
) -> None:
    leaf = MADE.ending_in(14)
    async with http_peer({"/": answers.plain()}, tls=leaf.server_context()) as peer:
        result = await look(peer.url(), tls=TRUST, expect={"certificate_days": days, "tls": "required"})
    assert (result.outcome, codes(result)) == (outcome, expected)


async def test_an_untrusted_certificate_that_expires_soon_is_read_and_both_are_said() -> None:
    async with http_peer({"/": answers.plain()}, tls=MADE.ending_in(14).server_context()) as peer:
        result = await look(peer.url(), expect={"certificate_days": 30})
        lenient = await look(peer.url(), tls={"verify": False}, expect={"certificate_days": 30})
    assert (result.outcome, codes(result)) == ("fail", ["tls_untrusted", "tls_expiring"])
    assert result.facts["certificate"]["days"] == 14
    assert (lenient.outcome, codes(lenient)) == ("warn", ["tls_expiring"])
