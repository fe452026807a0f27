"""What a sheet is made of: display values that every format for people draws in its own way. Values only.

A cell holds the text to show, and beside it the exact value for formats with numbers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from reports.document import Brand

Kind = Literal["text", "number", "instant", "date", "duration", "percent", "money"]
Tone = Literal["", "good", "bad", "unsure", "muted"]
Raw = int | str | Decimal | Fraction | None
"""Numbers exact; `instant` and `date` as in the document, `duration` in seconds, `percent` as a ratio of 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value of a table or a fact."""

    text: str
    raw: Raw = None
    tone: Tone = ""
    link: str | None = None
    """An absolute URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's heading, and what its cells are."""

    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are columns."""

    key: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label and its value, and a remark where the value alone would say too much or too little."""

    key: str
    label: str
    value: Cell
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripDay:
    """A day of the strip: what it was, in a code for its colour, a word, and a sentence."""

    day: str
    label: str
    state: str
    word: str
    text: str
    seconds: int
    down: Fraction
    """Seconds as measured; `possible` are the most it could have been."""
    possible: Fraction
    unknown: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it, in this order: paragraphs, facts, strip, tables."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    strip: tuple[StripDay, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A whole report as people see it: the opening and the figures belong on the first page."""

    title: str
    subtitle: str
    language: str
    """The tag for a page's `lang` attribute."""
    brand: Brand
    finding: str
    """`backed`, `broken`, `not_proven` or `no_data`, for colours."""
    finding_word: str
    tone: Tone
    opening: tuple[str, ...]
    """The sentence with the finding first; then what must not be missed: gaps, imported history, a running period."""
    figures: tuple[Fact, ...]
    sections: tuple[Section, ...]
    footer: str
    made: str
    """When the report was made, as in the document."""
    labels: dict[str, str] = field(default_factory=dict)
    """Words for a format's own furniture, such as `page` and `contents`."""

    def section(self, key: str) -> Section | None:
        """Return a section by its key."""
        return next((each for each in self.sections if each.key == key), None)
