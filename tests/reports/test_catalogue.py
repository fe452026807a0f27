"""Catalogues are whole, agree on their placeholders, and can be extended without touching ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports import catalogue
from reports.words import load


def extra(folder: Path, language: str, texts: object) -> Path:
    """Write a catalogue of one's own, and return its folder."""
    (folder / f"{language}.json").write_text(json.dumps(texts), encoding="utf-8")
    return folder


def test_the_three_languages_are_there_and_lack_nothing() -> None:
    assert catalogue.languages() == ["de", "en", "zh"]
    assert {language: catalogue.missing(language) for language in catalogue.languages()} == {
        "de": [],
        "en": [],
        "zh": [],
    }


@pytest.mark.parametrize("language", ["de", "zh"])
def test_no_text_has_other_placeholders_than_the_english_one(language: str) -> None:
    texts = json.loads((catalogue.FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    base = json.loads((catalogue.FOLDER / "en.json").read_text(encoding="utf-8"))
    assert catalogue.faults(texts, base) == []
    assert list(texts) == list(base)


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_no_text_is_empty_or_has_a_stray_brace(language: str) -> None:
    texts = load(language).messages
    stray = {key for key, text in texts.items() if set("{}") & set(catalogue.PLACEHOLDER.sub("", text))}
    empty = {key for key, text in texts.items() if not text}
    assert (stray, empty) == (set(), {"format.gap", "format.duration.join"} if language == "zh" else set())


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_every_plural_has_both_forms(language: str) -> None:
    keys = set(load(language).messages)
    assert {key for key in keys if key.endswith(".one") and f"{key[:-3]}other" not in keys} == set()


def test_a_language_can_be_added_and_what_it_lacks_is_english_and_listed(tmp_path: Path) -> None:
    folder = extra(tmp_path, "fr", {"finding.backed": "Confirmé"})
    words = load("fr", folder)
    assert (words.say("finding.backed"), words.say("finding.broken")) == ("Confirmé", "Broken")
    missing = catalogue.missing("fr", folder)
    assert "finding.broken" in missing
    assert "finding.backed" not in missing


def test_a_text_can_be_changed_and_the_others_stay(tmp_path: Path) -> None:
    words = load("de", extra(tmp_path, "de", {"finding.backed": "Bestätigt"}))
    assert (words.say("finding.backed"), words.say("finding.broken")) == ("Bestätigt", "Verletzt")


def test_a_regional_language_falls_back_to_its_language_first(tmp_path: Path) -> None:
    words = load("de-AT", extra(tmp_path, "de-AT", {"month.1": "Jänner"}))
    assert (words.say("month.1"), words.say("month.2")) == ("Jänner", "Februar")


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        ({"opening.running": "Noch nicht fertig."}, "opening.running has other placeholders than {as_of}"),
        ({"opening.running": "Bis {as_of} und {now}."}, "opening.running has other placeholders"),
        ({"opening.runing": "Bis {as_of}."}, "unknown key opening.runing"),
        ({"format.date": "{day}/{hour}"}, "format.date has other placeholders"),
        ({"yes": 1}, "is not a catalogue"),
        (["yes"], "is not a catalogue"),
    ],
)
def test_a_catalogue_with_faults_is_refused_by_name(tmp_path: Path, texts: object, named: str) -> None:
    with pytest.raises(catalogue.LanguageError, match="hint") as caught:
        load("de", extra(tmp_path, "de", texts))
    assert named in str(caught.value)


def test_a_date_may_leave_out_what_a_language_does_not_say(tmp_path: Path) -> None:
    words = load("de", extra(tmp_path, "de", {"format.date": "{day}.{month}.{year}"}))
    assert words.date("2026-03-02") == "2.3.2026"


@pytest.mark.parametrize("language", ["xx", "../en", "", "EN"])
def test_an_unknown_language_is_refused_with_those_there_are(language: str) -> None:
    with pytest.raises(catalogue.LanguageError, match="there are: de, en, zh"):
        load(language)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "de.json").write_text("{", encoding="utf-8")
    with pytest.raises(catalogue.LanguageError, match="one JSON object of texts"):
        load("de", tmp_path)


def test_a_value_with_braces_is_told_as_it_is() -> None:
    assert load("en").say("strip.day", day="{text}", text="{day}") == "{text}: {day}"
