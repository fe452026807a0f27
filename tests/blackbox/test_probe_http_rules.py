"""The http prober's rules on headers and bodies: expressions, CEL, their order, and the metrics that tell of them."""

from __future__ import annotations

from typing import Any

import pytest
from support.blackbox_probes import Ran, module, run_probe
from support.http_answers import hang_in_body, plain, truncated
from support.http_peer import Answer, http_peer


async def judged(answer: Answer, timeout_us: int = 5_000_000, **options: Any) -> Ran:
    """Run a module against a server with one answer."""
    async with http_peer({"/": answer}) as peer:
        return await run_probe(module("http", **options), peer.url(), timeout_us=timeout_us)


def _flag(ran: Ran) -> bool:
    return ran.value("probe_failed_due_to_regex") == 1


# --- expressions on the body ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "right"),
    [(["absent"], True), (["presence"], False), (["absent", "pre"], False), (["a1", "a2"], True)],
)
async def test_any_forbidden_expression_fails(patterns: list[str], right: bool) -> None:
    ran = await judged(plain(b"presence"), fail_if_body_matches_regexp=patterns)
    assert (ran.success, _flag(ran)) == (right, not right)
    assert ran.value("probe_http_content_length") == ran.value("probe_http_uncompressed_body_length") == 8


@pytest.mark.parametrize(
    ("patterns", "right"),
    [(["presence"], True), (["absent"], False), (["pre", "absent"], False), (["pre", "ence$"], True)],
)
async def test_every_demanded_expression_must_match(patterns: list[str], right: bool) -> None:
    ran = await judged(plain(b"presence"), fail_if_body_not_matches_regexp=patterns)
    assert (ran.success, _flag(ran)) == (right, not right)
    assert ran.value("probe_http_content_length") == ran.value("probe_http_uncompressed_body_length") == 8


async def test_body_rules_are_not_asked_after_a_wrong_status() -> None:
    ran = await judged(plain(b"x", status=503), fail_if_body_not_matches_regexp=["absent"])
    assert not ran.success
    assert not _flag(ran)
    assert ran.value("probe_http_uncompressed_body_length") == 1


async def test_a_body_that_breaks_off_fails_its_rules() -> None:
    ran = await judged(truncated(b"presence", 100), fail_if_body_not_matches_regexp=["presence"])
    assert (ran.success, _flag(ran)) == (False, True)


async def test_a_body_that_does_not_end_fails_its_rules() -> None:
    ran = await judged(hang_in_body(b"presence"), 300_000, fail_if_body_not_matches_regexp=["presence"])
    assert (ran.success, _flag(ran)) == (False, True)
    assert ran.value("probe_http_uncompressed_body_length") == 8


async def test_an_expression_that_would_hang_elsewhere_is_matched_in_linear_time() -> None:
    ran = await judged(plain(b"a" * 100_000 + b"!"), fail_if_body_matches_regexp=["(a+)+$"])
    assert ran.success


# --- expressions on headers -------------------------------------------------------------------------------

COOKIES = [("Set-Cookie", "zz4=4; expires=Mon, 01-Jan-1990; Domain=www.example.com; HttpOnly"),
           ("Set-Cookie", "zz5=5; expires=Mon, 01-Jan-1990; Domain=www.example.com")]  # fmt: skip
TYPE = [("Content-Type", "text/javascript; charset=UTF-8")]


@pytest.mark.parametrize(
    ("rule", "headers", "right"),
    [
        ({"header": "Content-Type", "regexp": "text/javascript"}, TYPE, False),
        ({"header": "Content-Type", "regexp": "text/html"}, TYPE, True),
        ({"header": "content-type", "regexp": "text/javascript"}, TYPE, False),
        ({"header": "X-Empty", "regexp": "."}, [("X-Empty", "")], True),
        ({"header": "X-Empty", "regexp": "^$"}, [("X-Empty", "")], False),
        ({"header": "Content-Type", "regexp": "x"}, [], False),
        ({"header": "Content-Type", "regexp": "x", "allow_missing": True}, [], True),
        ({"header": "Set-Cookie", "regexp": "HttpOnly"}, COOKIES, False),
        ({"header": "Set-Cookie", "regexp": "zz6="}, COOKIES, True),
    ],
)
async def test_a_forbidden_header(rule: dict[str, Any], headers: list[tuple[str, str]], right: bool) -> None:
    ran = await judged(plain(headers=headers), fail_if_header_matches=[rule])
    assert (ran.success, _flag(ran)) == (right, not right)


@pytest.mark.parametrize(
    ("rule", "headers", "right"),
    [
        ({"header": "Content-Type", "regexp": "text/javascript"}, TYPE, True),
        ({"header": "Content-Type", "regexp": "text/html"}, TYPE, False),
        ({"header": "content-type", "regexp": "text/javascript"}, TYPE, True),
        ({"header": "X-Empty", "regexp": ".+"}, [("X-Empty", "")], False),
        ({"header": "Content-Type", "regexp": "x"}, [], False),
        ({"header": "Content-Type", "regexp": "x", "allow_missing": True}, [], True),
        ({"header": "Set-Cookie", "regexp": "zz4=.*HttpOnly"}, COOKIES, True),
        ({"header": "Set-Cookie", "regexp": "zz6="}, COOKIES, False),
    ],
)
async def test_a_demanded_header(rule: dict[str, Any], headers: list[tuple[str, str]], right: bool) -> None:
    ran = await judged(plain(headers=headers), fail_if_header_not_matches=[rule])
    assert (ran.success, _flag(ran)) == (right, not right)


async def test_body_rules_are_not_asked_after_a_wrong_header() -> None:
    rule = {"header": "X-None", "regexp": "x"}
    ran = await judged(plain(b"x"), fail_if_header_matches=[rule], fail_if_body_json_matches_cel="body == 1")
    assert _flag(ran)
    assert ran.value("probe_failed_due_to_cel") == 0


# --- CEL --------------------------------------------------------------------------------------------------

JSON = b'{"foo": {"bar": "baz"}}'
CEL = [
    # expression, body, whether it is evaluated to a truth value, and to which
    ("body.foo.bar == 'baz'", JSON, True),
    ("body.foo.bar == 'other'", JSON, False),
    ("body.foo.missing == 'baz'", JSON, None),
    ("body.foo.bar", JSON, None),
    ("body.foo.bar == 'baz'", b"no json", None),
    ("body.foo.bar == 'baz'", b"", None),
    ("body[0] == 1", b"[1, 2]", True),
    ("body == 'text'", b'"text"', True),
    ("body", b"true", True),
    ("body", b"false", False),
    ("body.face == '😀'", '{"face": "😀"}'.encode(), True),
    ("size(body.items) == 0", b'{"items": []}', True),
]


@pytest.mark.parametrize(("expression", "body", "value"), CEL)
async def test_a_forbidden_cel_expression(expression: str, body: bytes, value: bool | None) -> None:
    ran = await judged(plain(body), fail_if_body_json_matches_cel=expression)
    right = value is False
    assert (ran.success, ran.value("probe_failed_due_to_cel")) == (right, 0 if right else 1)
    assert (
        ran.value("probe_http_content_length")
        == ran.value("probe_http_uncompressed_body_length")
        == len(body)
    )


@pytest.mark.parametrize(("expression", "body", "value"), CEL)
async def test_a_demanded_cel_expression(expression: str, body: bytes, value: bool | None) -> None:
    ran = await judged(plain(body), fail_if_body_json_not_matches_cel=expression)
    right = value is True
    assert (ran.success, ran.value("probe_failed_due_to_cel")) == (right, 0 if right else 1)
    assert not _flag(ran)


async def test_without_a_cel_rule_there_is_no_cel_metric() -> None:
    assert not (await judged(plain())).has("probe_failed_due_to_cel")


@pytest.mark.parametrize(("pattern", "expression", "flags"), [
    ("baz", "body.foo.bar == 'baz'", (0, 0)),
    ("baz", "body.foo.bar == 'x'", (0, 1)),
    ("absent", "body.foo.bar == 'x'", (1, 0)),
])  # fmt: skip
async def test_expressions_and_cel_see_the_same_body(
    pattern: str, expression: str, flags: tuple[int, int]
) -> None:
    """The exporter's CEL finds nothing left once expressions have read the body; here both see it."""
    ran = await judged(
        plain(JSON), fail_if_body_not_matches_regexp=[pattern], fail_if_body_json_not_matches_cel=expression
    )
    assert (ran.value("probe_failed_due_to_regex"), ran.value("probe_failed_due_to_cel")) == flags
    assert ran.success is (flags == (0, 0))


# --- TLS or not -------------------------------------------------------------------------------------------


async def test_plain_http_fails_where_tls_is_demanded_and_the_log_says_so() -> None:
    ran = await judged(plain(), fail_if_not_ssl=True)
    assert not ran.success
    assert ran.value("probe_http_ssl") == 0
    assert ran.said("without TLS")


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://no..name/"])
async def test_the_demand_for_tls_is_not_mentioned_without_an_answer(target: str) -> None:
    assert not (await run_probe(module("http", fail_if_not_ssl=True), target)).said("without TLS")


async def test_the_demand_for_tls_is_not_mentioned_after_another_failure() -> None:
    assert not (await judged(plain(status=500), fail_if_not_ssl=True)).said("without TLS")
