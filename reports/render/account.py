"""Chapters of a sheet about the contract's course: earlier periods, the credit, what was promised and done."""

from __future__ import annotations

from reports.document import Past
from reports.render.opening import credit_words, finding_code
from reports.render.parts import Cell, Section, Table
from reports.render.speaker import Speaker


def history(speaker: Speaker) -> Section:
    """Return the periods before this one, met and missed."""
    words, past = speaker.words, speaker.report.past
    if not past:
        return speaker.section("history", [words.say("history.none")])
    counts = {code: sum((each.finding or "no_data") == code for each in past) for code in _CODES}
    told = speaker.join(words.count(f"history.{code}", count) for code, count in counts.items() if count)
    return speaker.section("history", [told + words.say("format.stop")], tables=[past_table(speaker)])


_CODES = ("backed", "broken", "not_proven", "no_data")


def past_table(speaker: Speaker) -> Table:
    """Return the periods before this one, one a row."""
    columns = [speaker.column("period"), speaker.column("finding")]
    columns += [speaker.column(name, "percent") for name in ("claim", "lowest", "measured", "highest")]
    columns += [speaker.column("revision")]
    return speaker.table("history", columns, [_past_row(speaker, each) for each in speaker.report.past])


def _past_row(speaker: Speaker, past: Past) -> tuple[Cell, ...]:
    words, bounds = speaker.words, past.availability
    state = (
        words.say("history.revision", revision=str(past.revision))
        if past.closed
        else words.say("history.open")
    )
    return (
        speaker.text(words.period(past.label, past.from_, past.to)),
        speaker.finding(past.finding),
        speaker.percent(past.claim),
        speaker.percent(bounds.lowest),
        speaker.measured(bounds),
        speaker.percent(bounds.highest),
        speaker.text(state),
    )


def credit(speaker: Speaker) -> Section:
    """Return what is due, and by when it is to be claimed."""
    found, words = speaker.report.credit, speaker.words
    is_blank = found.kind == "none" and finding_code(speaker.report) == "no_data"
    paragraphs = [words.code("credit.sentence", "no_data" if is_blank else found.kind)]
    if found.kind in ("exact", "range") and found.must_be_claimed:
        paragraphs.append(words.say("credit.must_be_claimed"))
    if found.kind in ("exact", "range") and found.claim_by is not None:
        paragraphs.append(words.say("credit.claim_by", day=words.date(found.claim_by)))
    paragraphs += [speaker.coded("credit.note", each) for each in found.notes]
    facts = [speaker.fact("credit", credit_words(speaker), _shares(speaker))]
    return speaker.section("credit", paragraphs, facts if found.kind in ("exact", "range") else [])


def _shares(speaker: Speaker) -> str:
    """Return the share of the fee that an amount is, or the range of shares."""
    found, words = speaker.report.credit, speaker.words
    low, high = found.lowest_share, found.highest_share
    if low is None or high is None or found.lowest is None:
        return ""
    shares = words.ratio(low)
    if low != high:
        shares = words.say("format.range", lowest=shares, highest=words.ratio(high))
    return words.say("credit.of_fee", share=shares)


def promise(speaker: Speaker) -> Section:
    """Return what was promised, in the contract's words, and what was done since."""
    report, words = speaker.report, speaker.words
    paragraphs = [report.promise or words.say("promise.claim", claim=words.ratio(report.claim))]
    if not report.actions:
        paragraphs.append(words.say("promise.nothing_done"))
    columns = [speaker.column("date", "date"), speaker.column("done")]
    rows = [(speaker.date(each.on), speaker.text(each.text)) for each in report.actions]
    return speaker.section("promise", paragraphs, tables=[speaker.table("actions", columns, rows)])
