"""A closed report as a letter that goes with its files: a subject and a few lines of text, in one language.

Says nothing that the report does not say: the sentence with the finding, and what must not be missed. Not here: how it
is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.document import ContractReport
from reports.render.opening import opening
from reports.render.speaker import Audience, Speaker, speaker
from reports.words import Words

MAX_SUBJECT = 200
"""Characters; names of services may be longer than a subject should be."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What stands above the files."""

    subject: str
    """One line without control signs."""
    text: str
    """Lines that end with a line feed."""


def letter(report: ContractReport, words: Words, audience: Audience, files: Sequence[str]) -> Letter:
    """Return the letter that goes with these files."""
    told = speaker(report, words, audience)
    revision = words.integer(told.report.provenance.revision)
    lines = [
        _heading(told),
        "",
        *opening(told),
        *(["", words.say("letter.revised", revision=revision)] if _is_revised(told.report) else []),
        "",
        words.say("letter.attached", files=told.join(files)),
        words.say("letter.automatic"),
    ]
    return Letter(_subject(told, revision), "".join(f"{line}\n" for line in lines))


def _is_revised(report: ContractReport) -> bool:
    return report.provenance.revision > 1


def _period(told: Speaker) -> str:
    period = told.report.period
    return told.words.period(period.label, period.from_, period.to)


def _heading(told: Speaker) -> str:
    names = dict.fromkeys((told.report.title, told.report.service_title, _period(told)))
    return _one_line(told.words.say("format.dot").join(names))


def _subject(told: Speaker, revision: str) -> str:
    values = {"period": _period(told), "service": told.report.service_title}
    if _is_revised(told.report):
        subject = told.words.say("letter.subject_revised", **values, revision=revision)
    else:
        subject = told.words.say("letter.subject", **values)
    line = _one_line(subject)
    return line if len(line) <= MAX_SUBJECT else f"{line[: MAX_SUBJECT - 1]}…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
