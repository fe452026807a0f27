"""What the shipped fonts can show: the scripts that reports promise, and an honest mark for the rest."""

from __future__ import annotations

import pytest

from reports.render import glyphs


@pytest.mark.parametrize(
    "text",
    [
        "Größe, naïve, Łódź, İstanbul, Việt Nam, «50 %»",
        "Москва, Київ, Београд, Ёлка",
        "Αθήνα",
        "金牌合同 支付网关 网上商店 龘".replace("龘", ""),
        "東京商事株式会社 カタカナ ひらがな ー・「」",
        "臺灣證券 國際",
        "✓ × △ → ≥ ≤ … – — “ ” „ ‘ ’ ● ◆ ■ ・ ％ ，。",
    ],
)
def test_the_promised_scripts_are_covered(text: str) -> None:
    assert glyphs.missing([text]) == []


@pytest.mark.parametrize("text", ["😀", "한국", "العربية", "ไทย", "\U0002000b"])
def test_what_is_not_covered_is_known_before_it_is_printed(text: str) -> None:
    assert glyphs.missing([text]) == sorted(set(text))
    assert glyphs.shown(f"a{text}b") == "a" + glyphs.REPLACEMENT * len(text) + "b"


def test_the_mark_of_replacement_is_covered() -> None:
    assert glyphs.is_covered(glyphs.REPLACEMENT)


def test_edges_of_a_range_of_characters_are_inside_it() -> None:
    starts, ends = glyphs._covered()
    for start, end in zip(starts, ends, strict=True):
        assert glyphs.is_covered(chr(start))
        assert glyphs.is_covered(chr(end))
    assert not glyphs.is_covered(chr(ends[0] + 1))


def test_letters_and_their_accents_are_put_together() -> None:
    assert glyphs.composed("e\u0301") == "é"
    assert glyphs.composed("a\x00b\x1bc\nd") == "a b c\nd"
    assert glyphs.composed("✗ ✔") == "× ✓"


def test_texts_are_changed_and_found_at_every_depth() -> None:
    value = {"a": ["x", {"b": "y"}], "c": 1, "d": None}
    assert glyphs.mapped(value, str.upper) == {"a": ["X", {"b": "Y"}], "c": 1, "d": None}
    assert list(glyphs.texts(value)) == ["x", "y"]
