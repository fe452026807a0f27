"""Periods that figures are made for: months, quarters, years, billing cycles and rolling windows of a zone.

Also the parts of a period that different versions of a contract rule. All instants are integer microseconds since the
epoch, UTC; a period is half open. Not here: what the clock of a zone does (`zones`), nor any figure.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise, zip_longest

from reports.contract import Contract, WindowRule
from reports.evidence import Window
from reports.zones import FIRST_YEAR, LAST_YEAR, day_at, days_of, local_text, midnight_us, tzdata_version

__all__ = [
    "Period",
    "before",
    "calendar_named",
    "days_of",
    "local_text",
    "midnight_us",
    "period_at",
    "period_between",
    "period_named",
    "split",
    "tzdata_version",
]

_DAY = timedelta(days=1)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_NAMES = {
    "month": re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])"),
    "quarter": re.compile(r"([0-9]{4})-Q([1-4])"),
    "year": re.compile(r"([0-9]{4})"),
}
_EXAMPLES = {
    "month": ("month", "2026-03"),
    "quarter": ("quarter", "2026-Q1"),
    "year": ("year", "2026"),
    "billing": ("billing cycle", "2026-03, the month that it begins in"),
    "rolling": ("rolling window", "2026-03-15, its last day"),
}
_DATES = re.compile(r"([0-9-]{10})\.\.([0-9-]{10})")


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) in microseconds UTC; `label` names it, `unit` is that of its rule, or `dates`."""

    label: str
    unit: str
    start_us: int
    end_us: int

    @property
    def window(self) -> Window:
        """Return it without its name."""
        return Window(self.start_us, self.end_us)


def period_at(rule: WindowRule, zone: str, at_us: int) -> Period:
    """Return the period that holds an instant; of a rolling rule the window that ends at the last midnight by then."""
    _check(rule)
    day = day_at(at_us, zone)
    if rule.unit == "rolling":
        return _rolling(day, rule.number, zone)
    if rule.unit == "billing":
        month = (day.year, day.month)
        return _billing(month if day >= _cycle_day(month, rule.number) else _shifted(month, -1), rule, zone)
    return _calendar_at(rule.unit, day, zone)


def period_named(rule: WindowRule, zone: str, text: str) -> Period:
    """Return the period of a name: "2026-03", "2026-Q1" or "2026", by the rule's unit.

    "2026-03" is the billing cycle that begins in that month, "2026-03-15" the rolling window whose last day that is.
    Labels of periods are names too. Raises ValueError with a hint for anything else.
    """
    _check(rule)
    if rule.unit in _MONTHS:
        period = _calendar_named(text, zone, (rule.unit,))
    elif rule.unit == "billing":
        period = _billing_named(text, rule, zone)
    else:
        period = _rolling_named(text, rule, zone)
    if period is None:
        raise _no_name(text, *_EXAMPLES[rule.unit])
    return period


def calendar_named(text: str, zone: str) -> Period:
    """Return the month, quarter or year of a name, whatever rule a contract has; ValueError with a hint."""
    period = _calendar_named(text, zone, tuple(_MONTHS))
    if period is None:
        raise _no_name(text, "month, quarter or year", "2026-03, 2026-Q1 or 2026")
    return period


def period_between(start_us: int, end_us: int, zone: str) -> Period:
    """Return [start, end) named by its first and its last local day; ValueError if it is empty or reversed."""
    if start_us >= end_us:
        raise ValueError("the period ends before it begins (swap its ends)")
    return Period(_dates(day_at(start_us, zone), day_at(end_us - 1, zone)), "dates", start_us, end_us)


def before(period: Period, rule: WindowRule, zone: str) -> Period:
    """Return the last whole period that had ended when this one began.

    A month, quarter or year is followed back as such, even where the contract's rule is another one.
    """
    if period.unit in _MONTHS:
        return _calendar_at(period.unit, day_at(period.start_us - 1, zone), zone)
    around = period_at(rule, zone, period.start_us)
    return around if rule.unit == "rolling" else period_at(rule, zone, around.start_us - 1)


def split(versions: Sequence[Contract], start_us: int, end_us: int) -> list[tuple[Contract, int, int]]:
    """Return the parts of [start, end) that each version of a contract rules, in order; time without one is left out.

    Versions are cut at their effective days in their own zones; where the day that ends one begins the next, the
    next one's zone says when. Raises ValueError if two versions share a day.
    """
    ordered = sorted(versions, key=lambda version: version.from_day or date.min)
    for one, other in pairwise(ordered):
        if other.from_day is None or one.to_day is None or one.to_day > other.from_day:
            raise ValueError(
                f"two versions of contract {one.name!r} hold on {other.from_day or 'all days before they end'}"
                " (end the older one, with effective.to, on the day that the newer one begins)"
            )
    parts: list[tuple[Contract, int, int]] = []
    for version, following in zip_longest(ordered, ordered[1:]):
        first_us, last_us = _effective(version, following, start_us, end_us)
        if first_us < last_us:
            parts.append((version, first_us, last_us))
    return parts


def _effective(version: Contract, following: Contract | None, start_us: int, end_us: int) -> tuple[int, int]:
    if version.from_day is not None:
        start_us = max(start_us, midnight_us(version.from_day, version.zone))
    if version.to_day is not None:
        meets = following is not None and following.from_day == version.to_day
        zone = following.zone if following is not None and meets else version.zone
        end_us = min(end_us, midnight_us(version.to_day, zone))
    return start_us, end_us


def _check(rule: WindowRule) -> None:
    if rule.unit == "billing" and not 1 <= rule.number <= 31:
        raise ValueError(f"no month has a day {rule.number} (a billing day is 1 to 31)")
    if rule.unit == "rolling" and rule.number < 1:
        raise ValueError(f"a rolling window of {rule.number} days is empty (use 1 or more)")


def _no_name(text: str, what: str, example: str) -> ValueError:
    return ValueError(f"{text!r} names no {what} (write it like {example})")


def _calendar_named(text: str, zone: str, units: tuple[str, ...]) -> Period | None:
    for unit in units:
        match = _NAMES[unit].fullmatch(text)
        if match and FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            number = int(match[2]) if unit != "year" else 1
            return _calendar(unit, int(match[1]), (number - 1) * _MONTHS[unit] + 1, zone)
    return None


def _calendar_at(unit: str, day: date, zone: str) -> Period:
    months = _MONTHS[unit]
    return _calendar(unit, day.year, (day.month - 1) // months * months + 1, zone)


def _calendar(unit: str, year: int, month: int, zone: str) -> Period:
    label = {
        "month": f"{year:04}-{month:02}",
        "quarter": f"{year:04}-Q{(month + 2) // 3}",
        "year": f"{year:04}",
    }
    after = _shifted((year, month), _MONTHS[unit])
    return Period(
        label[unit], unit, midnight_us(date(year, month, 1), zone), midnight_us(date(*after, 1), zone)
    )


def _shifted(month: tuple[int, int], by: int) -> tuple[int, int]:
    years, index = divmod(month[1] - 1 + by, 12)
    return month[0] + years, index + 1


def _cycle_day(month: tuple[int, int], number: int) -> date:
    """Return the day of a month that a billing cycle begins on: its last one if it is too short."""
    return date(*month, min(number, monthrange(*month)[1]))


def _billing(month: tuple[int, int], rule: WindowRule, zone: str) -> Period:
    return _whole_days(
        "billing", _cycle_day(month, rule.number), _cycle_day(_shifted(month, 1), rule.number), zone
    )


def _billing_named(text: str, rule: WindowRule, zone: str) -> Period | None:
    match = _NAMES["month"].fullmatch(text[:7])
    if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        return None
    period = _billing((int(match[1]), int(match[2])), rule, zone)
    return period if text in (text[:7], period.label) else None


def _rolling(until: date, days: int, zone: str) -> Period:
    return _whole_days("rolling", until - days * _DAY, until, zone)


def _rolling_named(text: str, rule: WindowRule, zone: str) -> Period | None:
    match = _DATES.fullmatch(text)
    try:
        last = date.fromisoformat(match[2] if match else text)
    except ValueError:
        return None
    if not FIRST_YEAR <= last.year <= LAST_YEAR:
        return None
    period = _rolling(last + _DAY, rule.number, zone)
    return period if text in (last.isoformat(), period.label) else None


def _whole_days(unit: str, first: date, until: date, zone: str) -> Period:
    return Period(_dates(first, until - _DAY), unit, midnight_us(first, zone), midnight_us(until, zone))


def _dates(first: date, last: date) -> str:
    return f"{first.isoformat()}..{last.isoformat()}"
