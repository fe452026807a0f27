"""What every chapter of a sheet asks for: cells, columns and names out of one report in one language.

Not here: what is told in which chapter (`opening`, `measured`, `events`, `account`, `basis`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import msgspec

from reports.document import Bounds, ContractReport, Number, Ratio, Seconds
from reports.render.parts import Cell, Column, Fact, Kind, Section, StripDay, Table, Tone
from reports.words import Words

Audience = Literal["customer", "provider"]

TONES: dict[str, Tone] = {"backed": "good", "broken": "bad", "not_proven": "unsure", "no_data": "muted"}


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control signs, and those that turn the direction of text: they could hide or forge what is read."""


def speaker(report: ContractReport, words: Words, audience: Audience) -> Speaker:
    """Return the speaker of a report whose texts show all that is in them."""
    return Speaker(msgspec.convert(_cleaned(msgspec.to_builtins(report)), ContractReport), words, audience)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSEEN.sub("", value.replace("\r\n", "\n").replace("\t", " "))
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    return {key: _cleaned(each) for key, each in value.items()} if isinstance(value, dict) else value


def exact(value: Number | Ratio) -> Fraction:
    """Return a rational of the document."""
    return Fraction(value.num, value.den)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A report, the language to tell it in, and who listens."""

    report: ContractReport
    words: Words
    audience: Audience

    @property
    def is_internal(self) -> bool:
        """Say whether the provider itself reads it."""
        return self.audience == "provider"

    # Names.

    def probe(self, name: str) -> str:
        """Return a probe's name as people know it."""
        return self.report.titles.get(f"probe:{name}", name)

    def region(self, name: str) -> str:
        """Return a region's name as people know it."""
        return self.report.titles.get(f"region:{name}", name)

    def join(self, names: Iterable[str]) -> str:
        """Return a list of names in one cell."""
        return self.words.say("format.list").join(names)

    # Cells.

    def text(self, text: str, tone: Tone = "") -> Cell:
        """Return a cell of text."""
        return Cell(text=text, raw=text, tone=tone)

    def message(self, key: str, **values: str) -> Cell:
        """Return a cell with a message."""
        return self.text(self.words.say(key, **values))

    def none(self) -> Cell:
        """Return the cell for what is not there."""
        return Cell(text=self.words.say("figure.none"), tone="muted")

    def number(self, number: int) -> Cell:
        """Return a cell with a whole number."""
        return Cell(text=self.words.integer(number), raw=number)

    def amount(self, value: Number, digits: int = 3, up: bool = False) -> Cell:
        """Return a cell with a rational; decimals only where it is not whole."""
        shown = self.words.fraction(exact(value), 0 if value.den == 1 else digits, up)
        return Cell(text=shown, raw=exact(value))

    def instant(self, text: str | None) -> Cell:
        """Return a cell with an instant in the contract's zone."""
        if text is None:
            return self.none()
        return Cell(text=self.words.instant(text, self.report.period.zone), raw=text)

    def date(self, text: str | None) -> Cell:
        """Return a cell with a date."""
        return self.none() if text is None else Cell(text=self.words.date(text), raw=text)

    def duration(self, value: Number, up: bool = False) -> Cell:
        """Return a cell with a length of time; `up` for upper bounds."""
        return Cell(text=self.words.duration(value, up), raw=exact(value))

    def between(self, lengths: Seconds) -> str:
        """Return the surest and the longest possible length in one text."""
        sure = self.words.duration(lengths.lowest)
        longest = self.words.duration(lengths.highest, up=True)
        return self.words.say("format.between", lowest=sure, highest=longest)

    def percent(self, ratio: Ratio | None) -> Cell:
        """Return a cell with a ratio; without one, "no data"."""
        if ratio is None:
            return Cell(text=self.words.ratio(None), tone="muted")
        if not ratio.text.replace(".", "", 1).isdigit():  # a measured 1 with possible down time has no figure
            return Cell(text=self.words.say("figure.none_seen"), raw=exact(ratio))
        return Cell(text=self.words.ratio(ratio), raw=exact(ratio))

    def measured(self, bounds: Bounds) -> Cell:
        """Return a cell with the measured figure: 100 % only where no down time is possible."""
        measured, lowest = bounds.measured, bounds.lowest
        if measured is not None and lowest is not None and exact(measured) == 1 > exact(lowest):
            return Cell(text=self.words.say("figure.none_seen"), raw=exact(measured))
        return self.percent(measured)

    def money(self, amount: str, currency: str) -> Cell:
        """Return a cell with an amount of money."""
        return Cell(text=self.words.money(amount, currency), raw=Decimal(amount))

    def finding(self, finding: str | None) -> Cell:
        """Return a cell with a finding; None is no data."""
        code = finding or "no_data"
        return Cell(text=self.words.code("finding", code), raw=code, tone=TONES.get(code, ""))

    # Chapters.

    def fact(self, key: str, value: Cell, note: str = "") -> Fact:
        """Return a fact whose label is the message `label.KEY`."""
        return Fact(key=key, label=self.words.say(f"label.{key}"), value=value, note=note)

    def column(self, key: str, kind: Kind = "text") -> Column:
        """Return a column whose heading is the message `column.KEY`."""
        return Column(title=self.words.say(f"column.{key}"), kind=kind)

    def table(
        self, key: str, columns: Iterable[Column], rows: Iterable[tuple[Cell, ...]], caption: str = ""
    ) -> Table:
        """Return a table."""
        return Table(key=key, columns=tuple(columns), rows=tuple(rows), caption=caption)

    def section(
        self,
        key: str,
        paragraphs: Iterable[str] = (),
        facts: Iterable[Fact] = (),
        tables: Iterable[Table] = (),
        strip: Iterable[StripDay] = (),
    ) -> Section:
        """Return a section whose heading is the message `section.KEY`; tables without rows are left out."""
        return Section(
            key=key,
            title=self.words.say(f"section.{key}"),
            paragraphs=tuple(each for each in paragraphs if each),
            facts=tuple(facts),
            strip=tuple(strip),
            tables=tuple(each for each in tables if each.rows),
        )

    def coded(self, group: str, text: str) -> str:
        """Return `code key=value...` in words; values are told by the ends of their keys."""
        code, *pairs = text.split()
        values = dict(pair.partition("=")[::2] for pair in pairs)
        return self.words.code(group, code, **self.values(values))

    def values(self, values: dict[str, str]) -> dict[str, str]:
        """Return values of the document as texts of the language: lengths by `_us` and `_seconds`, percentages by %.

        The names lose those ends: `gap_us` is told as {gap}.
        """
        told = {name: self._value(name, value) for name, value in values.items()}
        return {name.removesuffix("_us").removesuffix("_seconds"): value for name, value in told.items()}

    def _value(self, name: str, value: str) -> str:
        if name in ("probe", "region"):
            return self.probe(value) if name == "probe" else self.region(value)
        if name.endswith("_us") and value.isdigit():
            return self.words.duration(Fraction(int(value), 1_000_000))
        if name.endswith("_seconds") and value.isdigit():
            return self.words.duration(int(value))
        if value.endswith("%"):
            return self.words.percent(value[:-1].strip())
        return self.words.decimal(value)
