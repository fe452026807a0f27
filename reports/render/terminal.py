"""Reports for a terminal of 80 columns: the finding on top, a strip of days, every outage.

Colour only adds to what signs and words say already. `render` gives plain text; `show` draws on a console.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.document import ContractReport
from reports.render.parts import Cell, Section, Sheet, StripDay, Table
from reports.render.sheet import sheet
from reports.render.speaker import Audience
from reports.words import Words

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

WIDTH = 80
DAYS_A_LINE = 31
MOST_COLUMNS = 7  # of a table in 80 columns; wider ones are shown row by row

STYLES = {"good": "green", "bad": "bold red", "unsure": "yellow", "muted": "dim", "": ""}
SIGNS = {"up": "█", "possible": "▓", "down": "▄", "unknown": "░", "excluded": "─", "future": "·"}
PLAIN_SIGNS = {"up": "#", "possible": "%", "down": "x", "unknown": "?", "excluded": "-", "future": "."}
DAY_STYLES = {
    "up": "green",
    "possible": "yellow",
    "down": "bold red",
    "unknown": "magenta",
    "excluded": "blue",
}


def render(reports: Sequence[ContractReport], words: Words, *, audience: Audience) -> bytes:
    """Return the reports as plain text of 80 columns, without colour."""
    from rich.console import Console

    out = io.StringIO()
    screen = Console(file=out, width=WIDTH, color_system=None, markup=False, emoji=False, highlight=False)
    for each in reports:
        show(each, words, screen, audience=audience)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def show(report: ContractReport, words: Words, screen: Console, *, audience: Audience = "provider") -> None:
    """Draw a report on a console, which decides about colour and width."""
    signs = SIGNS if screen.encoding.lower().startswith("utf") else PLAIN_SIGNS
    _head(sheet(report, words, audience), screen, signs)


def _head(page: Sheet, screen: Console, signs: dict[str, str]) -> None:
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.text import Text

    style = STYLES[page.tone]
    screen.print(Text(page.title, "bold"))
    screen.print(Text(page.subtitle, "dim"))
    screen.print(Panel(Text(page.opening[0]), title=Text(page.finding_word, style), border_style=style))
    for sentence in page.opening[1:]:
        screen.print(Text(f"! {sentence}", "yellow"))
    screen.print(_facts(page))
    for section in page.sections:
        screen.print()
        screen.print(Text(section.title, "bold underline"))
        for part in _parts(section, signs):
            screen.print(Padding(part, (0, 0, 0, 2)))
    if page.footer:
        screen.print()
        screen.print(Text(page.footer, "dim"))
    screen.print()


def _facts(page: Sheet) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2))
    for fact in page.figures:
        grid.add_row(Text(fact.label, "dim"), Text(fact.value.text, "bold"), Text(fact.note, "dim"))
    return grid


def _parts(section: Section, signs: dict[str, str]) -> list[RenderableType]:
    from rich.text import Text

    found: list[RenderableType] = [Text(each) for each in section.paragraphs]
    for fact in section.facts:
        note = f" ({fact.note})" if fact.note else ""
        found.append(Text.assemble((f"{fact.label}: ", "dim"), fact.value.text, (note, "dim")))
    found += [_strip(section.strip, signs)] if section.strip else []
    for table in section.tables:
        found += [Text(table.caption, "italic")] if table.caption else []
        found += _records(table) if len(table.columns) > MOST_COLUMNS else [_table(table)]
    return found


def _strip(days: Sequence[StripDay], signs: dict[str, str]) -> RenderableType:
    """Return one sign a day, a line for each 31 of them, and what the signs that occur mean."""
    from rich.text import Text

    text = Text()
    wide = max(len(day.label) for day in days)
    for start in range(0, len(days), DAYS_A_LINE):
        text.append(f"{days[start].label:<{wide}} ", "dim")
        for day in days[start : start + DAYS_A_LINE]:
            text.append(signs.get(day.state, "?"), DAY_STYLES.get(day.state, ""))
        text.append("\n")
    counted = Counter(day.state for day in days)
    words = {day.state: day.word for day in days}
    for state, count in counted.items():
        text.append(signs.get(state, "?"), DAY_STYLES.get(state, ""))
        text.append(f" {words[state]} ({count})  ")
    return text


def _table(table: Table) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for column in table.columns:
        justify = "left" if column.kind in ("text", "instant", "date") else "right"
        grid.add_column(Text(column.title), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in table.rows:
        grid.add_row(*(_text(cell) for cell in row))
    return grid


def _records(table: Table) -> list[RenderableType]:
    """Return each row as a paragraph: the first three cells lead, the others follow with their headings."""
    from rich.padding import Padding
    from rich.text import Text

    found: list[RenderableType] = []
    for row in table.rows:
        found.append(Text("  ").join([_text(row[0]), Text(" – ").join([_text(row[1]), _text(row[2])])]))
        pairs = zip(table.columns[3:], row[3:], strict=True)
        rest = [
            Text.assemble((f"{column.title}: ", "dim"), _text(cell)) for column, cell in pairs if cell.raw
        ]
        found.append(Padding(Text("; ").join(rest), (0, 0, 0, 4)))
    return found


def _text(cell: Cell) -> Text:
    from rich.text import Text

    return Text(cell.text, STYLES[cell.tone])
