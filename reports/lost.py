"""From when on a claim is lost beyond repair, by any method: when the sure loss passed the budget. Pure."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from reports import budget, methods
from reports.contract import Minutes, Periods, Time
from reports.intervals import intersect

if TYPE_CHECKING:
    from reports.report import Account

SECOND_US = 1_000_000


def lost_since_us(found: Account, allowed: Fraction) -> int | None:
    """Return the first instant by which more than the budget was surely lost, in the figures' unit; None if none is.

    Methods that are a sum over the verdict give the microsecond; of the others, which are worked out again for
    shorter and shorter times, the second is found.
    """
    contract = found.question.contract
    if isinstance(contract.method, Time | Minutes | Periods):
        return budget.lost_since_us(found.ledger.timeline, found.counted, allowed, contract.more_than)
    low, high = found.question.start_us, found.question.reach_us
    if not _is_lost(found, high, allowed):
        return None
    while high - low > SECOND_US:
        middle = (low + high) // 2
        if _is_lost(found, middle, allowed):
            high = middle
        else:
            low = middle
    return high


def _is_lost(found: Account, at_us: int, allowed: Fraction) -> bool:
    question = found.question
    counted = intersect(found.counted, ((question.start_us, at_us),)) if at_us > question.start_us else ()
    sure = methods.figures(
        question.contract, question.tracks, counted, found.total_us, question.start_us, at_us
    ).sure
    return sure >= allowed > 0 if question.contract.more_than else sure > allowed
