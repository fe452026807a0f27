"""Expressions over what targets send: linear in time, bounded in memory, and at ease with what is no text."""

from __future__ import annotations

import random
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import http_answers as answers
from support.http_checks import codes, look
from support.http_peer import http_peer

from checks.core.http_body import Content
from checks.core.http_expect import BodyExpect, ExpectOptions
from checks.core.http_judge import Judge, _body_rules
from checks.core.patterns import MAX_STEPS, compiled, longest

MEGABYTE = 10**6
EVIL = ["(a+)+$b", "(a|a)*c", "(?:a?){20}a{20}z", "(x+x+)+y"]
# Generous: what is meant is minutes, or for ever.
SOON_S = 5


def _judged(rules: dict[str, Any], raw: bytes) -> list[tuple[str, bool, str]]:
    """Judge a body without a network and return the verdicts."""

    class Notes:
        def __init__(self) -> None:
            self.seen: list[tuple[str, bool, str]] = []

        def expect(self, what: str, expected: str, seen: str, held: bool, code: str) -> None:
            self.seen.append((seen, held, str(code)))

    notes: Any = Notes()
    content = Content(raw)
    for rule in _body_rules(BodyExpect.model_validate(rules)):
        rule.judge(notes, content)
    return notes.seen


@pytest.mark.parametrize("pattern", EVIL)
@pytest.mark.parametrize("raw", [b"a" * 3 * MEGABYTE, b"\xff\xfea" * MEGABYTE, "é😀x".encode() * 400_000])
def test_no_expression_runs_away_with_megabytes_of_anything(pattern: str, raw: bytes) -> None:
    began = time.monotonic()
    assert [held for _, held, _ in _judged({"regex": pattern, "absent": f"/{pattern}/"}, raw)] == [
        False,
        True,
    ]
    assert time.monotonic() - began < SOON_S


def test_ten_megabytes_are_searched_in_a_small_multiple_of_their_memory() -> None:
    raw = b"\xff" * 10 * MEGABYTE + b"end"
    tracemalloc.start()
    try:
        assert [held for _, held, _ in _judged({"regex": "en.$", "contains": "end"}, raw)] == [True, True]
        assert tracemalloc.get_traced_memory()[1] < 60 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_counted_repetitions_are_not_searched_for_in_more_than_what_takes_a_second() -> None:
    """Such a text defeats the automaton: each megabyte takes seconds."""
    raw = "".join(random.Random(1).choices("abcd", k=MEGABYTE)).encode()
    began = time.monotonic()
    (regex, absent) = _judged({"regex": "a.{500}z", "absent": "/a.{500}z/"}, raw)
    assert (regex[1:], absent[1:]) == ((False, "body_limit"), (False, "body_limit"))
    limit = longest(compiled("a.{500}z"))
    assert f"at most {limit}" in regex[0]
    (fits,) = _judged({"absent": "/a.{500}z/"}, raw[:limit])
    assert time.monotonic() - began < SOON_S
    assert fits[1]


def test_ordinary_expressions_see_the_whole_of_the_longest_usual_body() -> None:
    for pattern in ("ok", "error [0-9]+", "^hello$", "<title>.*Shop.*</title>"):
        assert longest(compiled(pattern)) >= 10 * 2**20
    assert longest(compiled("")) <= MAX_STEPS


@pytest.mark.parametrize(
    ("body", "rules", "held"),
    [
        (b"caf\xe9 ok", {"regex": "caf. ok"}, True),
        (b"caf\xe9 ok", {"regex": "caf\ufffd ok", "contains": "ok"}, True),
        (b"\xed\xa0\x80 ok", {"regex": "ok$"}, True),
        (b"\x00ok\x00", {"regex": "^\\x00ok\\x00$"}, True),
        (b"\xff" * 1000, {"regex": "ok"}, False),
        (b"\xff\xfeok", {"absent": "/k$/"}, False),
    ],
)
async def test_bodies_that_are_no_text_are_searched_all_the_same(
    body: bytes, rules: dict[str, Any], held: bool
) -> None:
    async with http_peer({"/": answers.plain(body)}) as peer:
        result = await look(peer.url(), expect={"body": rules})
    assert codes(result) == ([] if held else ["body_mismatch"])
    assert all(each.seen.isprintable() for each in result.expectations)


@pytest.mark.parametrize(
    ("path", "wanted", "held"),
    [
        ("$.a", {"matches": "x"}, False), ("$.a", {"contains": "x"}, True), ("$.a", {"!=": "x"}, True),
        ("$.a", {"==": "x"}, False), ("$.a", {"<": "\uffff"}, True), ("$[?search(@, 'x')]", {"exists": False}, True),
        ("$['\ud83d\ude00']", 1, True),
    ],
)  # fmt: skip
async def test_lone_surrogates_in_json_compare_and_never_raise(path: str, wanted: Any, held: bool) -> None:
    body = b'{"a": "\\ud800x", "\\ud83d\\ude00": 1}'
    path = path.encode("utf-16", "surrogatepass").decode("utf-16")
    async with http_peer({"/": answers.plain(body)}) as peer:
        result = await look(peer.url(), expect={"json": {path: wanted}})
    assert codes(result) == ([] if held else ["json_mismatch"])
    assert all(failure.detail.isprintable() for failure in result.failures)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["utf-8", "utf-16", "latin-1", "shift_jis", "gb18030", "utf-16le"]),
)
def test_any_bytes_in_any_charset_are_judged(raw: bytes, charset: str) -> None:
    content = Content(raw, charset)
    rules = _body_rules(BodyExpect(contains=("a", "é"), regex=("a.*b", "^é"), absent=("/[^a]/", "b")))

    class Notes:
        def expect(self, what: str, expected: str, seen: str, held: bool, code: str) -> None:
            assert seen.isprintable()

    notes: Any = Notes()
    for rule in rules:
        rule.judge(notes, content)


def test_a_judge_knows_whether_it_needs_the_body() -> None:
    needs = {
        name: Judge(ExpectOptions.model_validate(expect)).needs_body
        for name, expect in {
            "nothing": {}, "headers": {"headers": {"A": "b"}}, "status in cel": {"cel": "status == 200"},
            "body in cel": {"cel": "body.a == 1"}, "size": {"size": {"max": "1B"}}, "encoding": {"encoding": "br"},
            "tls": {"tls": "required", "version": "2", "max_age": "1h"},
        }.items()
    }  # fmt: skip
    assert [name for name, needed in needs.items() if needed] == ["body in cel", "size", "encoding"]
    assert Judge(ExpectOptions(), decodes=True).needs_body
