"""The letter that goes with a closed report: in the reader's language, one line where it must be, nothing internal."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from support.report_samples import SAMPLES

from reports.document import ContractReport
from reports.render.letter import MAX_SUBJECT, letter
from reports.render.opening import opening
from reports.render.speaker import Audience, speaker
from reports.words import load


def sample(name: str, revision: int = 1, **changes: object) -> ContractReport:
    """Return a sample as a closed report."""
    report = msgspec.structs.replace(SAMPLES[name](), **changes)
    provenance = msgspec.structs.replace(report.provenance, revision=revision)
    return msgspec.structs.replace(report, provenance=provenance)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_it_says_what_the_report_opens_with(name: str, language: str) -> None:
    report, words = sample(name), load(language)
    made = letter(report, words, "customer", ["a.pdf", "b.html"])
    for sentence in opening(speaker(report, words, "customer")):
        assert sentence in made.text
    assert "a.pdf" in made.text
    assert "b.html" in made.text
    assert made.subject == made.subject.strip()
    assert "{" not in made.subject + made.text


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("en", "SLA report for March 2026: Web shop", "SLA report for March 2026: Web shop (revision 2)"),
        ("de", "SLA-Bericht für März 2026: Web shop", "SLA-Bericht für März 2026: Web shop (Fassung 2)"),
        ("zh", "2026年3月SLA报告：Web shop", "2026年3月SLA报告：Web shop（第2版）"),
    ],
)
def test_the_subject_names_period_service_and_a_later_revision(
    language: str, first: str, second: str
) -> None:
    words, names = load(language), {"service_title": "Web shop"}
    assert letter(sample("broken", **names), words, "customer", []).subject == first
    revised = letter(sample("broken", revision=2, **names), words, "customer", [])
    assert revised.subject == second
    assert words.say("letter.revised", revision="2") in revised.text


@pytest.mark.parametrize("audience", get_args(Audience))
def test_no_name_breaks_a_line_or_hides_a_sign(audience: Audience) -> None:
    report = sample("broken", service_title="Shop\r\nBcc: all@example.org\x00\u202e", title="A\nB")
    made = letter(report, load("en"), audience, [])
    assert made.subject == "SLA report for March 2026: Shop Bcc: all@example.org"
    assert made.text.startswith("A B · Shop Bcc: all@example.org · March 2026\n\n")


def test_a_subject_has_a_limit() -> None:
    long = "x" * MAX_SUBJECT
    made = letter(sample("broken", service_title=long), load("en"), "customer", [])
    assert (len(made.subject), made.subject[-1]) == (MAX_SUBJECT, "…")
    prefix = "SLA report for March 2026: "
    fits = letter(sample("broken", service_title=long[len(prefix) :]), load("en"), "customer", [])
    assert fits.subject == prefix + long[len(prefix) :]
