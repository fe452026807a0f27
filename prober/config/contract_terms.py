"""Types of single values that contracts need: instants, percentages, money, windows, zones, service hours.

Here: text in, exact values out; a bare number is refused, it was a float once. Not here: computing anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from checks.core.values import DurationUs, format_duration, parse_duration
from reports.hours import parse_hours

from .faults import did_you_mean
from .terms import text_as, wrong

_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,12}))?%")
_MONEY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,4})?) ([A-Z]{3})")
_WINDOW = re.compile(r"month|quarter|year|rolling ([1-9][0-9]{0,2})d|billing day ([1-9][0-9]?)")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000
MAX_BILLING_DAY = 31
"""In a month that has no such day, billing starts on its last one."""

_AN_INSTANT = "expected an instant with its offset, such as 2026-12-06T02:00:00+01:00"
_A_DAY = "expected a date such as 2026-01-31"
_A_PERCENTAGE = "expected a percentage as text, such as 99.95%"
_AN_AMOUNT = "expected an amount as text, such as 1200.00 EUR"
_A_WINDOW = "expected month, quarter, year, billing day 15, or rolling 30d"
_A_DENOMINATOR = "expected period, eligible, or a fixed length such as 43200m"
_SOME_HOURS = "expected service hours such as Mo-Fr 08:00-20:00"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in a currency (three letters of ISO 4217)."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class Window:
    """What one figure of a contract covers: a calendar unit, months from a billing day, or the last days."""

    unit: Literal["month", "quarter", "year", "billing", "rolling"]
    number: int = 0
    """The day of the month that billing starts on, or how many days roll; 0 for the others."""

    def __str__(self) -> str:
        texts = {"rolling": f"rolling {self.number}d", "billing": f"billing day {self.number}"}
        return texts.get(self.unit, self.unit)

    @property
    def shortest_us(self) -> int:
        """The length of the shortest such window, in days of 24 hours."""
        days = {"month": 28, "billing": 28, "quarter": 90, "year": 365}
        return days.get(self.unit, self.number) * DAY_US


@dataclass(frozen=True, slots=True)
class Denominator:
    """What down time is divided by: the `period`, the `eligible` part of it, or a `fixed` length."""

    rule: Literal["period", "eligible", "fixed"]
    length_us: int | None = None

    def __str__(self) -> str:
        return format_duration(self.length_us) if self.length_us else self.rule


_CALENDAR = {"month": Window("month"), "quarter": Window("quarter"), "year": Window("year")}

_DENOMINATORS = {"period": Denominator("period"), "eligible": Denominator("eligible")}


def _instant(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text) if _INSTANT.fullmatch(text) else None
        if instant is not None:
            return (instant - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        pass
    without = (
        "the offset is missing; add Z or +01:00" if re.fullmatch(r"[0-9-]{10}[T ][0-9:.]+", text) else ""
    )
    raise wrong(_AN_INSTANT, without)


def format_instant(instant_us: int) -> str:
    """Write microseconds since the epoch as UTC text."""
    return (_EPOCH + timedelta(microseconds=instant_us)).isoformat().replace("+00:00", "Z")


def _day(text: str) -> date:
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise wrong(_A_DAY)


def _percent(text: str) -> Fraction:
    if not _PERCENT.fullmatch(text):
        raise wrong(_A_PERCENTAGE, "the % sign is missing" if _PERCENT.fullmatch(text + "%") else "")
    ratio = Fraction(Decimal(text.removesuffix("%"))) / 100
    if ratio > 1:
        raise wrong("a percentage is at most 100%")
    return ratio


def format_percent(ratio: Fraction) -> str:
    """Write a ratio that came from a percentage as exactly that percentage."""
    digits = Decimal(ratio.numerator * 100) / Decimal(ratio.denominator)
    return f"{digits.normalize():f}%"


def _money(text: str) -> Money:
    if not (match := _MONEY.fullmatch(text)):
        raise wrong(_AN_AMOUNT)
    return Money(Decimal(match[1]), match[2])


def _window(text: str) -> Window:
    if not (match := _WINDOW.fullmatch(text)):
        raise wrong(
            _A_WINDOW, did_you_mean(text, ("month", "quarter", "year", "billing day 15", "rolling 30d"))
        )
    if match[2] and int(match[2]) > MAX_BILLING_DAY:
        raise wrong(f"a billing day is from 1 to {MAX_BILLING_DAY}")
    if match[1]:
        return Window("rolling", int(match[1]))
    return Window("billing", int(match[2])) if match[2] else _CALENDAR[text]


def _denominator(text: str) -> Denominator:
    if text in _DENOMINATORS:
        return _DENOMINATORS[text]
    try:
        length_us = parse_duration(text)
    except ValueError:
        raise wrong(_A_DENOMINATOR, did_you_mean(text, ("period", "eligible"))) from None
    if not length_us:
        raise wrong("a fixed length is more than zero")
    return Denominator("fixed", length_us)


def _whole_days(value_us: int) -> int:
    if not value_us or value_us % DAY_US:
        raise wrong("expected whole days, such as 30d")
    return value_us


def _zone(text: str) -> str:
    try:
        # An absolute or climbing name is not looked up: it would be a path.
        ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        raise wrong("not a time zone", did_you_mean(text, sorted(available_timezones()))) from None
    return text


def _hours(text: str) -> str:
    try:
        parse_hours(text)
    except ValueError as error:  # its own words hold the text, which may come from the environment
        if "midnight" in str(error):
            raise wrong(
                "service hours end after they start", "write hours over midnight as two parts"
            ) from None
        raise wrong(_SOME_HOURS, "several parts are separated by ;") from None
    return text


InstantUs = Annotated[
    int,
    PlainValidator(lambda value: text_as(value, _instant, _AN_INSTANT)),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[
    date,
    PlainValidator(lambda value: text_as(value, _day, _A_DAY)),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Percent = Annotated[
    Fraction,
    PlainValidator(lambda value: text_as(value, _percent, _A_PERCENTAGE)),
    PlainSerializer(format_percent, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,12})?%$", "examples": ["99.95%"]}),
]
Amount = Annotated[
    Money,
    PlainValidator(lambda value: text_as(value, _money, _AN_AMOUNT)),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? [A-Z]{3}$", "examples": ["1200.00 EUR"]}
    ),
]
WholeDaysUs = Annotated[DurationUs, AfterValidator(_whole_days)]
WindowText = Annotated[
    Window,
    PlainValidator(lambda value: text_as(value, _window, _A_WINDOW)),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(month|quarter|year|billing day ([1-9]|[12][0-9]|3[01])|rolling [1-9][0-9]{0,2}d)$",
            "examples": ["month", "billing day 15", "rolling 30d"],
        }
    ),
]
DenominatorText = Annotated[
    Denominator,
    PlainValidator(lambda value: text_as(value, _denominator, _A_DENOMINATOR)),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["period", "eligible", "43200m"]}),
]
Zone = Annotated[
    str,
    PlainValidator(lambda value: text_as(value, _zone, "expected a time zone such as Europe/Berlin")),
    WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]}),
]
Hours = Annotated[
    str,
    PlainValidator(lambda value: text_as(value, _hours, _SOME_HOURS)),
    WithJsonSchema(
        {"type": "string", "examples": ["Mo-Fr 08:00-20:00", "Mo-Fr 08:00-20:00; Sa 10:00-14:00"]}
    ),
]
