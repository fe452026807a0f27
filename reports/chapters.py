"""The chapters of a report that follow a figure down: coverage, days, outages, budget, the statistical line. Pure.

Each takes an account and returns its part of the document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reports import budget, document, statistics, telling
from reports.contract import Contract, Weighted
from reports.counting import Tally
from reports.evidence import Window
from reports.intervals import Interval, Intervals, intersect, length, subtract
from reports.listing import Listed, listed_outages, longest, sums, unknown_times
from reports.lost import lost_since_us
from reports.trials import Trials
from reports.zones import days_of, local_text

if TYPE_CHECKING:
    from reports.report import Account

RATE_DIGITS = 2
CONFIDENCE_TEXT = "0.95"
VOID = "void"
_Written = tuple[str, str, str]
"""A day, and its first instant and its end, as they are written."""


def statistics_part(contract: Contract, found: Trials) -> document.Statistics:
    """Return the statistical line of a contract's trials."""
    if found.why_not is not None:
        return document.Statistics(applies=False, why_not=found.why_not, schedule=found.schedule)
    line = _line(found, contract.claim, contract.more_than)
    return document.Statistics(
        applies=line.applies,
        why_not=line.why_not,
        confidence=CONFIDENCE_TEXT,
        schedule=line.schedule,
        trials=line.trials,
        bad=line.bad,
        lower=statistics.bound_text(line.lower, up=False) if line.lower is not None else "",
        upper=statistics.bound_text(line.upper, up=True) if line.upper is not None else "",
        finding=line.finding.value if line.finding is not None else None,
        weakens=contract.statistics == "weaker" and line.applies,
    )


@lru_cache(maxsize=256)  # many contracts have the same trials, none of which failed
def _line(found: Trials, claim: Fraction, more_than: bool) -> statistics.StatLine:
    return statistics.line(
        found.count, found.bad, claim, found.schedule, unknown=found.unknown, more_than=more_than
    )


def coverage_part(found: Account) -> document.Coverage:
    """Return how much was measured, what became of every slot, and the longest unknown times."""
    question = found.question
    slots = sum(found.tallies.values(), start=Tally())
    missed = {reason: count for reason, count in sorted(slots.reasons.items()) if reason != VOID}
    zone = question.contract.zone
    return document.Coverage(
        ratio=telling.ratio(found.time.coverage),
        measured_seconds=telling.seconds(found.time.span - found.time.unknown),
        unknown_seconds=telling.seconds(found.time.unknown),
        slots=document.Slots(
            total=slots.total,
            good=slots.good,
            bad=slots.bad,
            void=slots.reasons.get(VOID, 0),
            missed=missed,
        ),
        gaps=[_gap(each, zone) for each in unknown_times(found.ledger, found.counted)],
    )


def _gap(interval: Interval, zone: str) -> dict[str, Any]:
    start_us, end_us = interval
    return {
        "from": local_text(start_us, zone),
        "to": local_text(end_us, zone),
        "seconds": telling.seconds(end_us - start_us),
    }


def days_part(found: Account) -> list[document.Day]:
    """Return every local day of the part."""
    question = found.question
    days = _calendar(question.start_us, question.end_us, question.contract.zone)
    return [_day(found, written, whole) for written, whole in days]


@lru_cache(maxsize=256)  # a month of many contracts is the same month
def _calendar(start_us: int, end_us: int, zone: str) -> tuple[tuple[_Written, Interval], ...]:
    return tuple(
        ((day.isoformat(), local_text(begin_us, zone), local_text(until_us, zone)), (begin_us, until_us))
        for day, begin_us, until_us in days_of(start_us, end_us, zone)
        if begin_us < until_us
    )


def _day(found: Account, written: _Written, whole: Interval) -> document.Day:
    counted = intersect((whole,), found.counted)
    seen = sums(found.ledger.timeline, counted)
    past = intersect((whole,), _until(found))
    day, from_, to = written
    return document.Day(
        day=day,
        from_=from_,
        to=to,
        seconds=(whole[1] - whole[0]) // telling.SECOND_US,
        down_seconds=document.Seconds(
            lowest=telling.seconds(seen.sure),
            measured=telling.seconds(seen.down),
            highest=telling.seconds(seen.possible),
        ),
        unknown_seconds=telling.seconds(seen.unknown),
        excluded_seconds=telling.seconds(length(subtract(past, counted))),
        state=_state(seen.down, seen.possible, seen.unknown, length(counted), length(past)),
    )


def _until(found: Account) -> Intervals:
    window = found.question.window
    return ((window.start_us, window.end_us),) if window.length_us else ()


def _state(down: int, possible: int, unknown: int, counted: int, past: int) -> str:
    if not past:
        return "future"
    if not counted:
        return "excluded"
    if down:
        return "down"
    if unknown:
        return "unknown"
    return "possible" if possible else "up"


def outages_part(found: Account) -> tuple[list[document.Outage], int]:
    """Return the outages, the longest of very many, and how many there are."""
    question = found.question
    every = listed_outages(found.ledger, question.tracks, question.window, found.counted)
    numbered = {id(each): number for number, each in enumerate(every, 1)}
    zone = question.contract.zone
    # What was imported is not among the results that can be asked for.
    is_measured = not question.imported.used
    return [_outage(each, numbered[id(each)], zone, is_measured) for each in longest(every)], len(every)


def _outage(listed: Listed, number: int, zone: str, is_measured: bool) -> document.Outage:
    outage = listed.outage
    codes: Counter[str] = Counter()
    for seen in listed.seen:
        codes.update(dict(seen.counts))
    probes = sorted({seen.probe for seen in listed.seen})
    return document.Outage(
        number=number,
        from_=local_text(outage.measured.start_us, zone),
        to=local_text(outage.measured.end_us, zone),
        seconds=document.Seconds(
            lowest=telling.seconds(outage.sure_us),
            measured=telling.seconds(outage.measured.length_us),
            highest=telling.seconds(outage.bracket.length_us),
        ),
        bracket_from=local_text(outage.bracket.start_us, zone),
        bracket_to=local_text(outage.bracket.end_us, zone),
        counted_seconds=telling.seconds(listed.counted_us),
        began_before=listed.began_before,
        goes_on=listed.goes_on,
        probes=probes,
        regions=[
            document.OutageRegion(
                probe=seen.probe, region=seen.region, failed=seen.failed, codes=list(seen.codes)
            )
            for seen in listed.seen
        ],
        codes=sorted(codes, key=lambda code: (-codes[code], code)),
        results=_results_path(probes, outage.bracket) if is_measured else "",
    )


def _results_path(probes: Sequence[str], bracket: Window) -> str:
    """Return where the failed results are listed, below the internal listener."""
    named = f"probe={probes[0]}&" if len(probes) == 1 else ""
    return f"/api/v1/results?{named}outcome=fail&from={bracket.start_us}&to={bracket.end_us + 1}"


def budget_part(found: Account) -> document.Budget | None:
    """Return the error budget; None where nothing was measured or no length is counted."""
    question, figures = found.question, found.figures
    contract = question.contract
    if not figures.has_data:
        return None
    whole = _whole_total(found)
    spent = budget.budget(figures, contract.claim, whole)
    tell = telling.seconds if figures.unit == "us" else telling.number
    lost_us = lost_since_us(found, spent.total)
    ahead = budget.forecast(figures, _remaining(found, whole), whole) if question.is_running else None
    return document.Budget(
        unit=figures.unit,
        total=tell(spent.total),
        spent=_spread(spent.spent, tell),
        left=_spread(spent.left, tell),
        lost_since=local_text(lost_us, contract.zone) if lost_us is not None else None,
        burns=[_burn(each) for each in _burns(found)] if question.is_running else [],
        forecast=_forecast(ahead, figures.measured, contract.claim) if ahead is not None else None,
    )


def _whole_total(found: Account) -> Fraction:
    """Return N of the whole period: attempts still to come are expected as often as those so far."""
    figures, contract = found.figures, found.question.contract
    if not found.question.is_running or contract.denominator.rule == "fixed":
        return figures.total
    if figures.unit == "us" and not isinstance(contract.method, Weighted):
        return Fraction(found.total_whole_us)
    so_far, whole = length(found.counted), length(found.whole.intervals)
    return figures.total * Fraction(whole, so_far) if so_far else figures.total


def _remaining(found: Account, whole: Fraction) -> Fraction:
    """Return what is still to come, in the figures' unit: with an N fixed by contract, that is not N less what was."""
    figures = found.figures
    if found.question.contract.denominator.rule != "fixed":
        return whole - figures.total
    so_far = length(found.counted)
    ahead = length(found.whole.intervals) - so_far
    return figures.span * Fraction(ahead, so_far) if so_far else Fraction(ahead)


def _spread(spread: budget.Spread, tell: Any) -> document.Seconds:
    return document.Seconds(
        lowest=tell(spread.lowest), measured=tell(spread.measured), highest=tell(spread.highest)
    )


def _burns(found: Account) -> Sequence[budget.Burn]:
    question = found.question
    pairs = budget.pairs_for(question.end_us - question.start_us)
    return budget.burns(found.ledger, found.counted, question.contract.claim, question.reach_us, pairs)


def _burn(each: budget.Burn) -> document.Burn:
    return document.Burn(
        long=_span_text(each.pair.long_us),
        short=_span_text(each.pair.short_us),
        factor=_decimal(each.pair.factor),
        long_rate=_decimal(each.long_rate) if each.long_rate is not None else None,
        short_rate=_decimal(each.short_rate) if each.short_rate is not None else None,
        firing=each.firing,
    )


def _span_text(length_us: int) -> str:
    minutes = length_us // budget.MINUTE_US
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def _decimal(value: Fraction) -> str:
    """Return a rate as a decimal, truncated."""
    scaled = int(value * 10**RATE_DIGITS)
    whole, rest = divmod(scaled, 10**RATE_DIGITS)
    return f"{whole}.{rest:0{RATE_DIGITS}}"


def _forecast(
    ahead: tuple[Fraction, Fraction], measured: Fraction | None, claim: Fraction
) -> document.Bounds:
    worst, best = ahead
    return document.Bounds(
        lowest=telling.ratio(worst, claim),
        measured=telling.ratio(measured, claim) if measured is not None else None,
        highest=telling.ratio(best, claim),
    )
