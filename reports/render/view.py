"""From the sheet to what pages draw: HTML and PDF show the same view, each by a template of its own.

Here: wide tables are folded so that they fit a page, long ones move to the end, and drawings are added. Plain values
that can be written as JSON; drawings are SVG texts made by us. Not here: words and order of chapters (`sheet`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from reports.document import ContractReport, Past
from reports.render import strip
from reports.render.parts import Cell, Column, Fact, Kind, Section, Sheet, Table
from reports.render.sheet import sheet
from reports.render.speaker import Audience
from reports.words import Words

NUMERIC = frozenset({"number", "percent", "money", "duration"})
SMALL_PRINT = ("method", "assumptions", "provenance")
LATE = {"seen": 15, "history": 0}
"""Tables of details that go to the end if they have more rows: the chapter itself shows their gist."""
FOLDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "outages": (
        ("number",),
        ("start", "end"),
        ("as_measured", "sure", "possible_length", "counted"),
        ("cause", "codes", "incident", "detail", "results"),
        ("regions",),
    ),
    "windows": (
        ("title",),
        ("start", "end", "announced"),
        ("is_counted", "counted", "down_inside"),
        ("reason", "kind", "approved_by", "approved"),
    ),
}
"""Columns that share one, by their names in the catalogue; the first gives the heading. Others keep their own."""
JOINED = frozenset({"measured", "outages", "maintenance", "coverage", "latency", "credit", "budget"})
"""Sections whose sentences make one paragraph."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a cell; the label only where the column's heading does not say it."""

    text: str
    label: str = ""
    tone: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A heading of a column, and what the first lines of its cells are."""

    title: str
    kind: Kind
    numeric: bool
    """Whether the column is of numbers alone, for alignment."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table that fits: rows of cells, each of one or more lines."""

    key: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[tuple[Line, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Legend:
    """A shape and what it means."""

    svg: str
    word: str


@dataclass(frozen=True, slots=True)
class Days:
    """The strip: drawings by month with their names, and the text that says the same."""

    rows: tuple[strip.Row, ...]
    names: tuple[str, ...]
    legend: tuple[Legend, ...]
    alt: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An earlier period: its name, its finding as a sign and a word, and the figure."""

    label: str
    finding: str
    word: str
    figure: str
    svg: str


@dataclass(frozen=True, slots=True)
class Item:
    """A label, its value and a remark."""

    key: str
    label: str
    value: Line
    note: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section of the sheet, as it is drawn."""

    key: str
    title: str
    paragraphs: tuple[str, ...]
    items: tuple[Item, ...]
    days: Days | None
    marks: tuple[Mark, ...]
    grids: tuple[Grid, ...]
    small: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """Measured against claimed: what to draw, the names of its ends, and the text that says the same."""

    scale: strip.Scale
    left: str
    right: str
    alt: str


@dataclass(frozen=True, slots=True)
class View:
    """A whole report as pages draw it."""

    title: str
    subtitle: str
    language: str
    contract: str
    finding: str
    finding_word: str
    mark: str
    opening: tuple[str, ...]
    axis: Axis | None
    figures: tuple[Item, ...]
    tiles: tuple[Item, ...]
    chapters: tuple[Chapter, ...]
    footer: str
    edition: str
    digest: str
    made: str
    labels: dict[str, str]


def view(report: ContractReport, words: Words, audience: Audience = "customer") -> View:
    """Return what to draw of a report."""
    made = sheet(report, words, audience)
    items = {fact.key: _item(fact) for fact in made.figures}
    figures = tuple(items.pop(key) for key in ("claim", "lowest", "measured", "highest") if key in items)
    return View(
        title=made.title,
        subtitle=made.subtitle,
        language=made.language,
        contract=report.contract,
        finding=made.finding,
        finding_word=made.finding_word,
        mark=strip.mark(made.finding),
        opening=made.opening,
        axis=_axis(report, words, figures),
        figures=figures,
        tiles=tuple(items.values()),
        chapters=tuple(_chapters(made, report, words)),
        footer=made.footer,
        edition=_fact(made, "edition"),
        digest=report.provenance.digest or "",
        made=made.made,
        labels=made.labels,
    )


def _fact(made: Sheet, key: str) -> str:
    found = made.section("provenance")
    return next((each.value.text for each in found.facts if each.key == key), "") if found else ""


def _axis(report: ContractReport, words: Words, figures: Iterable[Item]) -> Axis | None:
    places = strip.scale(report)
    if places is None:
        return None
    alt = words.say("format.list").join(f"{each.label}: {each.value.text}" for each in figures)
    left = words.fraction(places.left * 100, decimals(places.left * 100))
    return Axis(places, words.say("format.percent", number=left), words.percent("100"), alt)


def decimals(value: Fraction) -> int:
    """Return with how many decimals a value that has an end is written in full."""
    digits = 0
    while (value * 10**digits).denominator > 1:
        digits += 1
    return digits


def _chapters(made: Sheet, report: ContractReport, words: Words) -> Iterator[Chapter]:
    late: list[tuple[str, Grid]] = []
    for section in made.sections:
        grids = [_grid(table, words) for table in section.tables]
        late += [
            (each.caption or words.say(f"section.all_{each.key}"), each) for each in grids if _is_late(each)
        ]
        yield Chapter(
            key=section.key,
            title=section.title,
            paragraphs=_paragraphs(section, words),
            items=tuple(_item(fact) for fact in section.facts),
            days=_days(section, words),
            marks=tuple(_mark(past, words) for past in report.past) if section.key == "history" else (),
            grids=tuple(each for each in grids if not _is_late(each)),
            small=section.key in SMALL_PRINT,
        )
    for title, grid in late:
        yield Chapter(f"late-{grid.key}", title, (), (), None, (), (replace(grid, caption=""),), True)


def _paragraphs(section: Section, words: Words) -> tuple[str, ...]:
    if section.key in JOINED and section.paragraphs:
        return (words.say("format.gap").join(section.paragraphs),)
    return section.paragraphs


def _is_late(grid: Grid) -> bool:
    return len(grid.rows) > LATE.get(grid.key, len(grid.rows))


def _item(fact: Fact) -> Item:
    return Item(fact.key, fact.label, _line(fact.value), fact.note)


def _line(cell: Cell, label: str = "") -> Line:
    return Line(cell.text, label, cell.tone, cell.link)


def _mark(past: Past, words: Words) -> Mark:
    finding = past.finding or "no_data"
    name = words.period(past.label, past.from_, past.to)
    figure = words.ratio(past.availability.measured) if past.finding else ""
    return Mark(name, finding, words.code("finding", finding), figure, strip.mark(finding))


def _days(section: Section, words: Words) -> Days | None:
    if not section.strip:
        return None
    rows = tuple(strip.rows(section.strip, {day.day: day.text for day in section.strip}))
    found = {day.state: day.word for day in reversed(section.strip)}
    legend = tuple(Legend(strip.key(state), found.get(state, state)) for state in strip.states(section.strip))
    names = tuple(words.period(row.month, "", "") for row in rows) if len(rows) > 1 else ("",)
    return Days(rows, names, legend, f"{section.title}: {' '.join(section.paragraphs)}")


def _grid(table: Table, words: Words) -> Grid:
    """Return a table with the columns folded that share one, and without lengths that are zero throughout."""
    groups = [group for group in _groups(table, words) if not _is_idle(table, group)]
    return Grid(
        key=table.key,
        caption=table.caption,
        heads=tuple(_head(table.columns[group[0]], len(group)) for group in groups),
        rows=tuple(tuple(_box(table, row, group) for group in groups) for row in table.rows),
    )


def _groups(table: Table, words: Words) -> list[list[int]]:
    """Return the places of the columns that share one, in the order of the page."""
    titles = [column.title for column in table.columns]
    found = []
    for names in FOLDED.get(table.key, ()):
        wanted = [words.say(f"column.{name}") for name in names if words.has(f"column.{name}")]
        found.append([titles.index(title) for title in wanted if title in titles])
    seen = {place for group in found for place in group}
    return [group for group in found if group] + [
        [place] for place in range(len(titles)) if place not in seen
    ]


def _is_idle(table: Table, group: list[int]) -> bool:
    """Whether a column of days says nothing: no day has any excluded or unknown time."""
    columns = [table.columns[place] for place in group]
    return table.key == "days" and all(
        column.kind == "duration" and all(row[place].raw == 0 for row in table.rows)
        for column, place in zip(columns, group, strict=True)
    )


def _head(column: Column, lines: int) -> Head:
    return Head(column.title, column.kind, column.kind in NUMERIC and lines == 1)


def _box(table: Table, row: tuple[Cell, ...], group: list[int]) -> tuple[Line, ...]:
    first, *rest = group
    lines = [_line(row[place], table.columns[place].title) for place in rest if _tells(row[place])]
    return (_line(row[first]), *lines)


def _tells(cell: Cell) -> bool:
    """Whether a further line has something to say: what is not there needs none."""
    return bool(cell.text) and cell.raw is not None
