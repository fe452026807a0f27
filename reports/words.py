"""Words of a report in one language: messages, and how numbers, dates, instants, lengths and money are written.

Values in, text out: exact integers and fractions, never a float. Percentages keep the digits they are given, only
the decimal sign changes. Not here: where messages come from (`catalogue`), nor which are said when (`render`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from reports import catalogue
from reports.document import Number, Period, Ratio
from reports.ratio import NONE_SEEN

_Day = date
_DECIMAL = re.compile(r"([-+]?)(\d+)(?:\.(\d+))?")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_YEAR = re.compile(r"\d{4}")

_PARTS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def load(language: str, folder: Path | None = None) -> Words:
    """Return the words of a language, with what an extra folder of catalogues says instead.

    Raises `catalogue.LanguageError` for an unknown language or a catalogue with faults.
    """
    return Words(language=language, messages=catalogue.messages(language, folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A language as reports need it; `messages` is complete."""

    language: str
    messages: Mapping[str, str] = field(repr=False)

    @property
    def tag(self) -> str:
        """Return the tag for the `lang` attribute of a page."""
        return self.messages["language.tag"]

    def has(self, key: str) -> bool:
        """Say whether there is such a message."""
        return key in self.messages

    def say(self, key: str, **values: str) -> str:
        """Return a message with its values; raises KeyError for an unknown key or a value that is not given."""
        return catalogue.PLACEHOLDER.sub(lambda found: values[found[1]], self.messages[key])

    def count(self, key: str, number: int, **values: str) -> str:
        """Return the message `key.one` or `key.other`, with {count}."""
        form = "one" if number == 1 else "other"
        return self.say(f"{key}.{form}", count=self.integer(number), **values)

    def code(self, group: str, code: str, **values: str) -> str:
        """Return a code in words; one that has none, or lacks values for them, is shown as it is."""
        key = f"{group}.{code}"
        if self.has(key) and set(catalogue.PLACEHOLDER.findall(self.messages[key])) <= set(values):
            return self.say(key, **values)
        shown = ", ".join(f"{name}: {value}" for name, value in values.items())
        return f"{code} ({shown})" if shown else code

    # Numbers.

    def integer(self, number: int) -> str:
        """Return a whole number with its thousands grouped."""
        digits = f"{abs(number):,}".replace(",", self.messages["number.group"])
        return (self.messages["number.minus"] if number < 0 else "") + digits

    def decimal(self, text: str) -> str:
        """Return a decimal text such as -1200.50 as this language writes it; anything else as it is."""
        found = _DECIMAL.fullmatch(text)
        if found is None:
            return text
        sign = self.messages["number.minus"] if found[1] == "-" else ""
        tail = self.messages["number.point"] + found[3] if found[3] else ""
        return sign + self.integer(int(found[2])) + tail

    def fraction(self, value: Fraction, digits: int, up: bool = False) -> str:
        """Return a rational with so many decimals, truncated toward zero; `up`: away from zero."""
        whole, rest = divmod(abs(value.numerator) * 10**digits, value.denominator)
        scaled = str(whole + (1 if up and rest else 0)).rjust(digits + 1, "0")
        text = f"{scaled[:-digits]}.{scaled[-digits:]}" if digits else scaled
        return self.decimal(f"-{text}" if value < 0 else text)

    def percent(self, text: str) -> str:
        """Return a percentage, given as a decimal text without its sign."""
        return self.say("format.percent", number=self.decimal(text))

    def ratio(self, ratio: Ratio | None) -> str:
        """Return a ratio as a percentage with the digits of its text; without one, "no data".

        A measured 1 while down time is possible has no digits: it is told in words.
        """
        if ratio is None:
            return self.messages["figure.no_data"]
        return self.messages["figure.none_seen"] if ratio.text == NONE_SEEN else self.percent(ratio.text)

    def money(self, amount: str, currency: str) -> str:
        """Return an amount, given as a decimal text."""
        return self.say("format.money", amount=self.decimal(amount), currency=currency)

    # Lengths.

    def duration(self, seconds: Number | Fraction | int, up: bool = False) -> str:
        """Return a length of time, cut to milliseconds; `up`: the next one, for upper bounds."""
        exact = Fraction(seconds.num, seconds.den) if isinstance(seconds, Number) else Fraction(seconds)
        scaled = abs(exact) * 1000
        milliseconds = -(-scaled // 1) if up else scaled // 1
        sign = self.messages["number.minus"] if exact < 0 and milliseconds else ""
        return sign + self.messages["format.duration.join"].join(self._lengths(milliseconds))

    def _lengths(self, milliseconds: int) -> list[str]:
        rest, thousandths = divmod(milliseconds, 1000)
        found = []
        for name, length in _PARTS:
            number, rest = divmod(rest, length)
            found += [self.say(f"format.duration.{name}", count=self.integer(number))] if number else []
        tail = f"{rest}.{thousandths:03}".rstrip("0") if thousandths else str(rest)
        if rest or thousandths or not found:
            found.append(self.say("format.duration.seconds", count=self.decimal(tail)))
        return found

    def latency(self, microseconds: int) -> str:
        """Return how long a run took, in milliseconds with one decimal, truncated."""
        return self.say("format.milliseconds", number=self.fraction(Fraction(microseconds, 1000), 1))

    # Dates.

    def date(self, day: _Day | str) -> str:
        """Return a date."""
        found = date.fromisoformat(day[:10]) if isinstance(day, str) else day
        return self.say(
            "format.date",
            day=str(found.day),
            month=str(found.month),
            month_name=self.messages[f"month.{found.month}"],
            year=str(found.year),
        )

    def day(self, day: _Day | str) -> str:
        """Return a date without its year, for narrow places."""
        found = date.fromisoformat(day) if isinstance(day, str) else day
        short = self.messages[f"month_short.{found.month}"]
        return self.say("format.day_short", day=str(found.day), month=str(found.month), month_short=short)

    def instant(self, text: str, zone: str) -> str:
        """Return an instant, given as RFC 3339 in its zone's offset: date, time to the second, and the zone.

        A part of a second is shown in milliseconds, truncated.
        """
        moment = datetime.fromisoformat(text)
        time = f"{moment:%H:%M:%S}"
        if moment.microsecond:
            time += f"{self.messages['number.point']}{moment.microsecond // 1000:03}"
        return self.say(
            "format.instant", date=self.date(moment.date()), time=time, zone=self._zone(moment, zone)
        )

    def _zone(self, moment: datetime, zone: str) -> str:
        """Return the zone's abbreviation where it is one that nobody mistakes, else the offset from UTC."""
        offset = moment.utcoffset() or timedelta(0)
        try:
            there = moment.astimezone(ZoneInfo(zone or "UTC"))
        except (
            KeyError,
            OSError,
            ValueError,
        ):  # rules of another time than the document's may not know the zone
            there = moment
        key = f"zone.{there.tzname()}"
        if there.utcoffset() == offset and self.has(key):
            return self.messages[key]
        minutes = int(offset.total_seconds()) // 60
        return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    # Periods.

    def is_named(self, label: str) -> bool:
        """Say whether a period has a name: a month, a quarter or a year."""
        return any(pattern.fullmatch(label) for pattern in (_MONTH, _QUARTER, _YEAR))

    def period(self, label: str, from_: str, to: str) -> str:
        """Return the name of a period by its label, or of two dates by what it covers."""
        if month := _MONTH.fullmatch(label):
            name = self.messages[f"month.{int(month[2])}"]
            return self.say("format.month", month=str(int(month[2])), month_name=name, year=month[1])
        if quarter := _QUARTER.fullmatch(label):
            return self.say("format.quarter", quarter=quarter[2], year=quarter[1])
        if _YEAR.fullmatch(label):
            return self.say("format.year", year=label)
        start, end = self.edges(from_, to)
        return self.say("format.span", start=start, end=end)

    def edges(self, from_: str, to: str, zone: str = "") -> tuple[str, str]:
        """Return first and last day of [from, to), or its instants where it is not cut at midnight."""
        start, end = datetime.fromisoformat(from_), datetime.fromisoformat(to)
        if start.time() == end.time() == datetime.min.time() and start < end:
            return self.date(start.date()), self.date(end.date() - timedelta(days=1))
        return self.instant(from_, zone), self.instant(to, zone)

    def when(self, period: Period) -> str:
        """Return the period as part of a sentence, such as "for March 2026"."""
        start, end = self.edges(period.from_, period.to, period.zone)
        kind = "span"
        for name, pattern in (("month", _MONTH), ("quarter", _QUARTER), ("year", _YEAR)):
            kind = name if pattern.fullmatch(period.label) else kind
        if kind == "span":
            return self.say("when.span", start=start, end=end)
        named = self.say(f"when.{kind}", period=self.period(period.label, period.from_, period.to))
        if period.parts == 1:
            return named
        part, parts = str(period.part), str(period.parts)
        return self.say("when.part", when=named, part=part, parts=parts, start=start, end=end)
