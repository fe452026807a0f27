"""The first page of a sheet: the sentence with the finding, what must not be missed, and the key figures.

Each sentence says no more than the exact figures do; a gap, imported history and a running period are told at once.
"""

from __future__ import annotations

from fractions import Fraction

from reports.document import ContractReport
from reports.render.parts import Cell, Fact
from reports.render.speaker import Speaker, exact


def finding_code(report: ContractReport) -> str:
    """Return the finding, or `no_data` where there is nothing to find from."""
    return "no_data" if report.no_data or report.availability.lowest is None else report.finding


def claim_words(speaker: Speaker) -> str:
    """Return the claim; "more than" where the contract asks for that."""
    claim = speaker.words.ratio(speaker.report.claim)
    return speaker.words.say("claim.more_than", claim=claim) if speaker.report.more_than else claim


def opening(speaker: Speaker) -> tuple[str, ...]:
    """Return the sentences of the first page."""
    found = [_finding(speaker), _running(speaker), _gaps(speaker), _imported(speaker), _part(speaker)]
    return tuple(each for each in found if each)


def _finding(speaker: Speaker) -> str:
    report, words = speaker.report, speaker.words
    bounds, code = report.availability, finding_code(report)
    values = {
        "service": report.service_title,
        "claim": claim_words(speaker),
        "when": words.when(report.period),
        "lowest": words.ratio(bounds.lowest),
        "highest": words.ratio(bounds.highest),
    }
    if code == "no_data":
        return words.say("opening.no_data", **{key: values[key] for key in ("service", "claim", "when")})
    if report.period.as_of is not None:
        as_of = words.instant(report.period.as_of, report.period.zone)
        return words.say(f"opening.running_{code}", **values, as_of=as_of)
    if _is_weakened(report):
        return words.say(f"opening.{code}_weakened", **values, confidence=_confidence(speaker))
    if bounds.lowest == bounds.highest:
        code = f"{code}_exact"
    return words.say(f"opening.{code}", **values)


def _is_weakened(report: ContractReport) -> bool:
    """Say whether the bounds alone would say more than the finding does: the statistical line weakened it."""
    bounds = report.availability
    if report.finding != "not_proven" or bounds.lowest is None or bounds.highest is None:
        return False
    lowest, highest, claim = exact(bounds.lowest), exact(bounds.highest), exact(report.claim)
    if report.more_than:
        return lowest > claim or highest <= claim
    return lowest >= claim or highest < claim


def _confidence(speaker: Speaker) -> str:
    return speaker.words.percent(str(int(Fraction(speaker.report.statistics.confidence) * 100)))


def _running(speaker: Speaker) -> str:
    """Return what a running period has to say beyond its finding: that the claim is lost, or up to when it was seen."""
    period, words, budget = speaker.report.period, speaker.words, speaker.report.budget
    if period.as_of is None:
        return ""
    if budget is not None and budget.lost_since is not None:
        return words.say("budget.lost", since=words.instant(budget.lost_since, period.zone))
    if finding_code(speaker.report) == "no_data":
        return words.say("opening.running", as_of=words.instant(period.as_of, period.zone))
    return ""


def finding_word(speaker: Speaker) -> str:
    """Return the finding in a word; of a running period, that it is not the last one."""
    code = finding_code(speaker.report)
    return speaker.words.code("finding" if speaker.report.period.as_of is None else "finding_so_far", code)


def _gaps(speaker: Speaker) -> str:
    """Return the sentence about time of which nothing is known; none of it is told as up or down."""
    coverage, words = speaker.report.coverage, speaker.words
    if not coverage.unknown_seconds.num or finding_code(speaker.report) == "no_data":
        return ""
    unknown, share = words.duration(coverage.unknown_seconds, up=True), words.ratio(coverage.ratio)
    return words.say("opening.gap", unknown=unknown, coverage=share)


def _imported(speaker: Speaker) -> str:
    imported, words = speaker.report.imported, speaker.words
    if not imported.used:
        return ""
    if not imported.sources:
        return words.count("opening.imported_unnamed", imported.results)
    sources = speaker.join(imported.sources)
    return words.count("opening.imported", imported.results, sources=sources)


def _part(speaker: Speaker) -> str:
    period = speaker.report.period
    return "" if period.parts == 1 else speaker.words.say("opening.part")


def figures(speaker: Speaker) -> tuple[Fact, ...]:
    """Return the key figures."""
    report = speaker.report
    facts = [
        speaker.fact("claim", Cell(text=claim_words(speaker), raw=exact(report.claim))),
        speaker.fact("measured", speaker.measured(report.availability)),
        speaker.fact("lowest", speaker.percent(report.availability.lowest)),
        speaker.fact("highest", speaker.percent(report.availability.highest)),
        speaker.fact("down", _down(speaker), _down_note(speaker)),
        speaker.fact(
            "outages", _without_data(speaker, speaker.number(report.outages_total or len(report.outages)))
        ),
        speaker.fact("coverage", _without_data(speaker, speaker.percent(report.coverage.ratio))),
    ]
    return (*facts, speaker.fact("credit", credit_words(speaker)))


def _without_data(speaker: Speaker, cell: Cell) -> Cell:
    """Return "no data" instead of a number that nobody can know."""
    return speaker.percent(None) if finding_code(speaker.report) == "no_data" else cell


def _down(speaker: Speaker) -> Cell:
    return _without_data(speaker, speaker.duration(speaker.report.down_seconds.measured))


def _down_note(speaker: Speaker) -> str:
    down = speaker.report.down_seconds
    if finding_code(speaker.report) == "no_data" or down.lowest == down.highest:
        return ""
    return speaker.between(down)


def credit_words(speaker: Speaker) -> Cell:
    """Return the credit in one cell: an amount, a range, days of service, or that there is none."""
    credit = speaker.report.credit
    if credit.kind == "no_terms":
        return speaker.message("credit.no_terms")
    if credit.kind == "none" and finding_code(speaker.report) == "no_data":
        return speaker.percent(None)
    if credit.kind == "none":
        return speaker.message("credit.none")
    cells = [_credit_edge(speaker, "lowest"), _credit_edge(speaker, "highest")]
    known = [each for each in cells if each is not None]
    if len(known) < 2:
        return known[0] if known else speaker.message("credit.unknown")
    if known[0] == known[1]:
        return known[0]
    text = speaker.words.say("format.range", lowest=known[0].text, highest=known[1].text)
    return Cell(text=text, raw=text)


def _credit_edge(speaker: Speaker, side: str) -> Cell | None:
    """Return one end of the credit: an amount or a share, days of service, or both where the contract gives both."""
    credit = speaker.report.credit
    amount, share = getattr(credit, side), getattr(credit, f"{side}_share")
    days = getattr(credit, f"{side}_days")
    found = []
    if days is None or (share is not None and share.num):
        if amount is not None and credit.currency is not None:
            found.append(speaker.money(amount, credit.currency))
        elif share is not None:
            text = speaker.words.say("credit.of_fee", share=speaker.words.ratio(share))
            found.append(Cell(text=text, raw=exact(share)))
    if days is not None:
        found.append(Cell(text=speaker.words.count("credit.days", days), raw=days))
    if len(found) < 2:
        return found[0] if found else None
    return speaker.text(speaker.join(each.text for each in found))
