"""Reports as a workbook for spreadsheets: numbers as numbers, dates as dates, and beside each what is printed of it.

A spreadsheet calculates in floating point: percentages are cut after six decimals, seconds after the microsecond, and
longer whole numbers are texts. Instants are UTC dates beside their local text. Equal reports make equal files.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reports.document import ContractReport
from reports.render import MissingExtra, account, basis, events, measured
from reports.render import speaker as speakers
from reports.render.opening import figures, finding_word, opening
from reports.render.parts import Cell, Column, Section, Table
from reports.render.sheet import period_name
from reports.render.speaker import Audience, Speaker
from reports.words import Words

EXACT_DIGITS = 15  # that a spreadsheet keeps of a number
NAME_LENGTH = 31  # of a sheet
WIDEST = 60  # characters of a column
MOST_ROWS = 1_000_000

_PERCENT_CUT, _SECONDS_CUT = 10**8, 10**6
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_FORMATS = {
    "head": {"bold": True, "bg_color": "#e5e7eb", "bottom": 1, "text_wrap": True, "valign": "top"},
    "title": {"bold": True, "font_size": 14},
    "bold": {"bold": True},
    "text": {"valign": "top"},
    "number": {"num_format": "#,##0"},
    "decimal": {"num_format": "#,##0.######"},
    "percent": {"num_format": "0.000000%"},
    "instant": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "date": {"num_format": "yyyy-mm-dd"},
    "money": {"num_format": "#,##0.00"},
}

Value = tuple[Any, str]
"""What goes into one cell of the workbook, and the name of its format."""


def render(reports: Sequence[ContractReport], words: Words, *, audience: Audience) -> bytes:
    """Return the workbook. Raises `MissingExtra` without the package that writes it."""
    try:
        import xlsxwriter  # type: ignore[import-untyped] # it has no types
    except ImportError:
        raise MissingExtra("xlsx", "xlsx") from None
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    found = [speakers.speaker(each, words, audience) for each in reports]
    _properties(book, found)
    writer = _Writer(book, {name: book.add_format(shape) for name, shape in _FORMATS.items()}, set())
    _summary(writer, found)
    for key, parts in _SHEETS.items() if found else ():
        writer.sheet(words.say(f"tab.{key}"), [_stacked(found, part) for part in parts])
    _method(writer, found)
    book.close()
    return out.getvalue()


def _properties(book: Any, found: Sequence[Speaker]) -> None:
    """Set what would otherwise be the clock's: a workbook made again is the same."""
    made = max((datetime.fromisoformat(each.report.provenance.made) for each in found), default=None)
    title = found[0].words.say("sheet.report") if found else ""
    created = made.astimezone(UTC).replace(tzinfo=None) if made else datetime(2000, 1, 1)
    book.set_properties({"title": title, "created": created, "author": ""})


@dataclass(slots=True)
class _Writer:
    """The workbook under way: its formats, and the names that are taken."""

    book: Any
    formats: dict[str, Any]
    names: set[str]

    def sheet(self, name: str, tables: Sequence[Table], notes: Sequence[str] = ()) -> None:
        """Write tables one below the other, the heading of the first one frozen, and notes under them."""
        page = self.book.add_worksheet(self._free(name))
        widths: dict[int, int] = {}
        row = 0
        for table in (each for each in tables if each.rows):
            if row == 0:
                page.freeze_panes(1, 0)
            row = self._table(page, row, table, widths) + 1
        for note in notes or ([] if row else ["–"]):
            page.write_string(row, 0, note[:32_000], self.formats["text"])
            row += 1
        for column, width in widths.items():
            page.set_column(column, column, min(max(width + 2, 9), WIDEST))

    def _free(self, name: str) -> str:
        """Return a name that a sheet may have and no other one has."""
        base = _FORBIDDEN.sub(" ", name).strip("' ")[:NAME_LENGTH] or "Sheet"
        found, number = base, 1
        while found.lower() in self.names:
            number += 1
            found = f"{base[: NAME_LENGTH - len(str(number)) - 1]} {number}"
        self.names.add(found.lower())
        return found

    def _table(self, page: Any, row: int, table: Table, widths: dict[int, int]) -> int:
        heads = [head for column in table.columns for head in _heads(column)]
        for place, head in enumerate(heads):
            page.write_string(row, place, head, self.formats["head"])
            widths[place] = max(widths.get(place, 0), min(len(head), 24))
        for cells in table.rows[:MOST_ROWS]:
            row += 1
            values = [
                value
                for column, cell in zip(table.columns, cells, strict=True)
                for value in _values(column, cell)
            ]
            for place, (value, shape) in enumerate(values):
                self._write(page, row, place, value, self.formats[shape])
                shown = value if isinstance(value, str) else "0" * 18
                widths[place] = max(widths.get(place, 0), len(shown) if isinstance(value, str) else 12)
        return row + 1

    def _write(self, page: Any, row: int, place: int, value: Any, shape: Any) -> None:
        if isinstance(value, str):
            page.write_string(row, place, value[:32_000], shape)  # never a formula, whatever it begins with
        elif isinstance(value, date):
            page.write_datetime(row, place, value, shape)
        elif value is not None:
            page.write_number(row, place, value, shape)


def _heads(column: Column) -> list[str]:
    """Return the headings of a column: a number and what is printed of it stand side by side."""
    if column.kind == "instant":
        return [column.title, f"{column.title} (UTC)"]
    if column.kind in ("percent", "money"):
        return [column.title, f"{column.title} ({'%' if column.kind == 'percent' else '#'})"]
    return [f"{column.title} (s)"] if column.kind == "duration" else [column.title]


def _values(column: Column, cell: Cell) -> list[Value]:
    """Return the cells of the workbook that a cell becomes: as many as its column has headings."""
    raw = cell.raw
    if column.kind == "instant":
        moment = (
            datetime.fromisoformat(raw).astimezone(UTC).replace(tzinfo=None) if isinstance(raw, str) else None
        )
        return [(cell.text, "text"), (moment, "instant")]
    if column.kind == "percent":
        ratio = Fraction(raw) if isinstance(raw, int | Fraction) else None
        return [(cell.text, "text"), (None if ratio is None else _cut(ratio, _PERCENT_CUT), "percent")]
    if column.kind == "money":
        return [(cell.text, "text"), (float(raw) if isinstance(raw, Decimal) else None, "money")]
    if column.kind == "text":
        return [(cell.text, "text")]
    if column.kind == "date" and isinstance(raw, str):
        return [(date.fromisoformat(raw[:10]), "date")]
    if isinstance(raw, int) and len(str(abs(raw))) > EXACT_DIGITS:
        return [(str(raw), "text")]
    if isinstance(raw, int):
        return [(raw, "number")]
    if isinstance(raw, Fraction):
        return [(_cut(raw, _SECONDS_CUT), "decimal")]
    return [(cell.text, "text")]


def _cut(value: Fraction, scale: int) -> float:
    """Return a rational truncated to so many parts of 1, for display only."""
    scaled = abs(value.numerator) * scale // value.denominator
    return (-scaled if value < 0 else scaled) / scale


Part = Callable[[Speaker], Table]

_SHEETS: dict[str, tuple[Part, ...]] = {
    "days": (measured.day_rows,),
    "outages": (events.outage_table, events.seen_table),
    "exclusions": (events.window_table,),
    "coverage": (events.slot_table, events.gap_table),
    "latency": (events.latency_table, events.objective_table),
    "history": (account.past_table,),
}
"""The sheets between summary and method, and the tables that stand in them."""


def _stacked(found: Sequence[Speaker], part: Part) -> Table:
    """Return a table of all reports: where there are several, its first columns say of which contract a row is."""
    tables = [part(each) for each in found]
    if len(found) == 1:
        return tables[0]
    rows = [
        (*_which(speaker), *row) for speaker, table in zip(found, tables, strict=True) for row in table.rows
    ]
    columns = [found[0].column(name) for name in ("contract", "customer", "period")]
    return Table(key=tables[0].key, columns=(*columns, *tables[0].columns), rows=tuple(rows))


def _which(speaker: Speaker) -> tuple[Cell, ...]:
    report = speaker.report
    names = (report.title, report.customer_title or report.customer or "", period_name(speaker))
    return tuple(speaker.text(name) for name in names)


def _summary(writer: _Writer, found: Sequence[Speaker]) -> None:
    """Write a row for each contract, and below it the sentences that open each report."""
    if not found:
        writer.sheet("", [])  # a workbook has a sheet
        return
    words = found[0].words
    names = ["contract", "customer", "period"]
    columns = [found[0].column(name) for name in names] + [found[0].column("finding")]
    facts = {fact.key: fact for fact in figures(found[0])}
    kinds = {"claim": "percent", "lowest": "percent", "measured": "percent", "highest": "percent"}
    kinds |= {"coverage": "percent", "down": "duration", "outages": "number", "credit": "money"}
    columns += [Column(title=fact.label, kind=kinds.get(key, "text")) for key, fact in facts.items()]  # type: ignore[arg-type]
    rows = []
    for speaker in found:
        finding = speaker.text(finding_word(speaker))
        rows.append((*_which(speaker), finding, *(fact.value for fact in figures(speaker))))
    notes = [sentence for speaker in found for sentence in _told(speaker)]
    zones = dict.fromkeys(speaker.report.period.zone for speaker in found)
    notes += [words.say("tab.zone", zone=", ".join(zones))]
    table = Table(key="summary", columns=tuple(columns), rows=tuple(rows))
    writer.sheet(words.say("tab.summary"), [table], notes)


def _told(speaker: Speaker) -> Iterator[str]:
    yield f"{speaker.report.title}, {period_name(speaker)}"
    yield from opening(speaker)
    yield ""


def _method(writer: _Writer, found: Sequence[Speaker]) -> None:
    """Write how the figures are computed, what they rest on and come from, and the exact fractions."""
    if not found:
        return
    rows = [
        (*(_which(speaker) if len(found) > 1 else ()), *row)
        for speaker in found
        for section in (basis.method(speaker), basis.assumptions(speaker), basis.provenance(speaker))
        for row in _lines(speaker, section)
    ]
    names = ["contract", "customer", "period"] if len(found) > 1 else []
    columns = [found[0].column(name) for name in (*names, "section", "text")]
    columns += [found[0].column("value", "number"), found[0].column("code", "number")]
    table = Table(key="method", columns=tuple(columns), rows=tuple(rows))
    writer.sheet(found[0].words.say("tab.method"), [table])


def _lines(speaker: Speaker, section: Section) -> Iterator[tuple[Cell, ...]]:
    """Yield a section as rows of heading, text and up to two values."""
    title, blank = speaker.text(section.title), speaker.text("")
    for paragraph in section.paragraphs:
        yield title, speaker.text(paragraph), blank, blank
    for fact in section.facts:
        yield title, speaker.text(fact.label), fact.value, speaker.text(fact.note)
    for table in section.tables:
        for row in table.rows:
            yield (title, *row, *(blank for _ in range(3 - len(row))))
