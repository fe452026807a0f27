"""From the report document to the sheet that all formats for people draw, in the order in which people read it.

Here: which chapters there are, and their order. A report for a customer leaves out what is internal: details of
failures and paths of results. Not here: what a chapter says (`opening`, `measured`, `events`, `account`, `basis`).
"""

from __future__ import annotations

from reports.document import ContractReport
from reports.render import account, basis, events, measured
from reports.render import speaker as speakers
from reports.render.opening import figures, finding_code, finding_word, opening
from reports.render.parts import Section, Sheet
from reports.render.speaker import TONES, Audience, Speaker
from reports.words import Words

_LABELS = ("page", "of", "contents", "possible", "report", "made", "reports")


def sheet(report: ContractReport, words: Words, audience: Audience = "customer") -> Sheet:
    """Return a report as display values."""
    speaker = speakers.speaker(report, words, audience)
    code = finding_code(speaker.report)
    return Sheet(
        title=_title(speaker),
        subtitle=_subtitle(speaker),
        language=words.tag,
        brand=speaker.report.brand,
        finding=code,
        finding_word=finding_word(speaker),
        tone=TONES.get(code, ""),
        opening=opening(speaker),
        figures=figures(speaker),
        sections=_sections(speaker),
        footer=speaker.report.brand.footer,
        made=report.provenance.made,
        labels={name: words.say(f"sheet.{name}") for name in _LABELS},
    )


def _title(speaker: Speaker) -> str:
    """Return the title; a period without a name of its own is told by its two ends."""
    key = "sheet.title" if speaker.words.is_named(speaker.report.period.label) else "sheet.title_span"
    return speaker.words.say(key, title=speaker.report.title, period=period_name(speaker))


def period_name(speaker: Speaker) -> str:
    """Return the name of the period, and which part of it this is."""
    period, words = speaker.report.period, speaker.words
    name = words.period(period.label, period.from_, period.to)
    if period.parts == 1:
        return name
    return words.say("sheet.part", period=name, part=str(period.part), parts=str(period.parts))


def _subtitle(speaker: Speaker) -> str:
    report, words = speaker.report, speaker.words
    start, end = words.edges(report.period.from_, report.period.to, report.period.zone)
    span = words.say("format.span", start=start, end=end)
    names = [report.customer_title or report.customer or "", report.service_title, span]
    return words.say("format.dot").join(name for name in names if name)


def _sections(speaker: Speaker) -> tuple[Section, ...]:
    found = [
        measured.compared(speaker),
        measured.days(speaker),
        events.outages(speaker),
        events.maintenance(speaker),
        events.coverage(speaker),
        events.latency(speaker),
        account.history(speaker),
        account.credit(speaker),
        account.promise(speaker),
        measured.budget(speaker),
        basis.method(speaker),
        basis.assumptions(speaker),
        basis.provenance(speaker),
    ]
    return tuple(each for each in found if each is not None)
