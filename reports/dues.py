"""The chapters of a report about terms: what was excluded and why, what is due, whether the set-up can prove the claim.

Each takes an account and returns its part of the document. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from reports import document, telling
from reports.contract import Contract, Money
from reports.credits import credit
from reports.evidence import Window
from reports.exclusions import Ruling
from reports.intervals import Interval, Intervals, intersect, length, union
from reports.listing import sums
from reports.provable import advice, smallest_sure_outage_us
from reports.timeline import Mark
from reports.zones import local_text

if TYPE_CHECKING:
    from reports.report import Account, Customer


def excluded_part(found: Account) -> document.Excluded:
    """Return what was taken out up to where the figures reach, and every window that was asked for."""
    question = found.question
    until: Intervals = ((question.start_us, question.reach_us),) if question.window.length_us else ()
    outside_us = length(intersect(found.whole.outside_hours, until))
    return document.Excluded(
        seconds=telling.seconds(length(until) - length(found.counted) - outside_us),
        outside_hours_seconds=telling.seconds(outside_us),
        windows=[_window(found, ruling, until) for ruling in found.rulings],
        # Windows that end together ran over together: once.
        overrun_seconds=telling.seconds(length(union(_overruns(found, until)))),
    )


def _window(found: Account, ruling: Ruling, until: Intervals) -> document.ExcludedWindow:
    zone = found.question.contract.zone
    counted = intersect(ruling.counted, until)
    return document.ExcludedWindow(
        title=ruling.title,
        kind=ruling.kind,
        from_=local_text(ruling.start_us, zone),
        to=local_text(ruling.end_us, zone),
        counted=bool(ruling.counted),
        counted_seconds=telling.seconds(length(counted)),
        reason=ruling.reason,
        rule=ruling.rule,
        announced=_instant(ruling.announced_us, zone),
        logged=_instant(ruling.logged_us, zone),
        approved_by=ruling.approved_by,
        text=ruling.text,
        down_seconds=telling.seconds(sums(found.ledger.timeline, counted).down),
        approved=_instant(ruling.approved_us, zone),
    )


def _instant(at_us: int | None, zone: str) -> str | None:
    return local_text(at_us, zone) if at_us is not None else None


def _overruns(found: Account, until: Intervals) -> Iterator[Interval]:
    """Yield the measured down time that adjoins the end of each counted window and counts, for it ran over."""
    for ruling in found.rulings:
        if not ruling.counted or ruling.kind != "maintenance":
            continue
        after = intersect(until, ((ruling.end_us, found.question.reach_us),)) if until else ()
        counted = intersect(after, found.counted)
        if counted and counted[0][0] == ruling.end_us:
            yield ruling.end_us, first_up_us(found, counted[0])


def first_up_us(found: Account, interval: Interval) -> int:
    """Return the first instant of an interval that is not measured as down, at most its end."""
    for span in found.ledger.timeline.spans(Window(*interval)):
        if span.mark < Mark.EDGE_DOWN:
            return span.start_us
    return interval[1]


def credit_part(found: Account) -> document.Credit:
    """Return what is due by the bounds."""
    question, figures = found.question, found.figures
    if question.contract.credits is not None and not question.is_own_period:
        # Tiers and fee are those of the contract's own window: a day, or a quarter, of a month's terms owes nothing.
        return document.Credit(kind="none", notes=["other_period"])
    due = credit(
        question.contract,
        figures.lowest,
        figures.highest,
        found.finding,
        question.period.end_us,  # a part is no period: who claims has until then to see the whole of it
        fee=fee_of(question.contract, question.customer),
        running=question.is_running,
    )
    return document.Credit(
        kind=due.kind,
        lowest=_amount(due.lowest),
        highest=_amount(due.highest),
        currency=due.currency,
        lowest_share=telling.exact(due.lowest_share) if due.lowest_share is not None else None,
        highest_share=telling.exact(due.highest_share) if due.highest_share is not None else None,
        lowest_days=due.lowest_days,
        highest_days=due.highest_days,
        claim_by=due.claim_by.isoformat() if due.claim_by is not None else None,
        must_be_claimed=due.must_be_claimed,
        notes=list(due.notes),
    )


def fee_of(contract: Contract, customer: Customer | None) -> Money | None:
    """Return what is paid for one window: the contract's own fee, else the customer's, else nothing is known."""
    return contract.fee or (customer.fee if customer is not None else None)


def _amount(amount: Decimal | None) -> str | None:
    return f"{amount:f}" if amount is not None else None


def smallest_part(found: Account) -> document.Number | None:
    """Return the shortest outage that would surely have been seen, in seconds; None if none would.

    Nothing is said of what was imported: who measured it, and when it meant to, is not known here.
    """
    if found.question.imported.used:
        return None
    shortest_us = smallest_sure_outage_us(found.question.contract)
    return telling.seconds(shortest_us) if shortest_us is not None else None


def advice_part(found: Account) -> document.Advice:
    """Return whether this set-up could back the claim in a perfect period."""
    question = found.question
    told = advice(question.contract, length(found.whole.intervals), question.contract.claim)
    return document.Advice(
        possible=told.possible,
        best=telling.ratio(told.best, question.contract.claim) if told.best is not None else None,
        reasons=list(told.reasons),
        needs=list(told.needs),
        risks=list(told.risks),
    )
