"""Expressions of the configuration: what is taken, what is refused, and that none can hang."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from checks.core.http_json import compile_path
from checks.core.patterns import MAX_PATTERN, compiled, compiled_bytes

EVIL = "(a+)+$"


def test_an_expression_that_backtracking_engines_never_end_with_ends() -> None:
    """A thousand characters would take them longer than the universe has; the test's own time limit is the judge."""
    assert compiled(EVIL).search("a" * 1_000 + "b") is None
    assert compiled_bytes(EVIL).search(b"a" * 1_000 + b"b") is None


@pytest.mark.parametrize("function", ["search", "match"])
def test_the_functions_of_a_json_path_cannot_hang_either(function: str) -> None:
    path = compile_path(f"$[?{function}(@.said, '{EVIL}')]")
    assert path.findall([{"said": "a" * 1_000 + "b"}]) == []
    assert path.findall([{"said": "aaa"}]) == [{"said": "aaa"}]


@pytest.mark.parametrize(
    ("pattern", "text", "whole"), [("b", "abc", False), ("abc", "abc", True), ("(", "(", False)]
)
def test_match_is_of_the_whole_text_and_search_of_a_part(pattern: str, text: str, whole: bool) -> None:
    document = [{"said": text}]
    assert bool(compile_path(f"$[?match(@.said, '{pattern}')]").findall(document)) is whole
    assert bool(compile_path(f"$[?search(@.said, '{pattern}')]").findall(document)) is (pattern != "(")


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("(?=a)b", "lookaround"), ("(?<!a)b", "lookaround"), ("(", "signs such as"), (r"(a)\1", "")],
)
def test_what_cannot_be_linear_or_read_is_refused_with_a_hint(pattern: str, hint: str) -> None:
    with pytest.raises(PydanticCustomError, match="not a regular expression") as refused:
        compiled(pattern)
    assert hint in str(refused.value.context)


def test_an_expression_is_as_long_as_the_limit_and_no_longer() -> None:
    assert compiled("a" * MAX_PATTERN).search("a" * MAX_PATTERN) is not None
    with pytest.raises(PydanticCustomError, match="at most"):
        compiled("a" * (MAX_PATTERN + 1))


def test_bytes_are_signs_of_their_own() -> None:
    match = compiled_bytes("\\xff(.)$", "m").search(b"no\n\xff\xfe\n")
    assert match is not None
    assert (match.group(), match.groups()) == (b"\xff\xfe", (b"\xfe",))
