"""Codes in plain words: all of them, and none that shows our inside or theirs."""

from __future__ import annotations

import pytest

from checks.core.failures import NETWORK_CODES, Code
from prober.site.plain import WORDS, counted, words_for


def test_every_code_has_words() -> None:
    assert set(WORDS) == set(Code)


@pytest.mark.parametrize("code", list(Code))
def test_words_are_plain(code: Code) -> None:
    words = words_for(code.value)
    assert words[0].islower()
    assert not words.endswith(".")
    assert "_" not in words
    assert len(words) <= 60


def test_our_own_trouble_is_never_said_of_the_service() -> None:
    for code, words in WORDS.items():
        assert code.value.startswith("agent_") == words.startswith("our measuring point")


def test_network_codes_are_our_own() -> None:
    assert all(code.value.startswith("agent_") for code in NETWORK_CODES)


def test_a_code_of_another_version_is_a_failure_without_a_reason() -> None:
    assert words_for("from_the_future") == "it does not work as it should"


@pytest.mark.parametrize(("number", "text"), [(0, "0 regions"), (1, "1 region"), (2, "2 regions")])
def test_numbers_carry_their_noun(number: int, text: str) -> None:
    assert counted(number, "region") == text
