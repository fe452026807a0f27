"""docs/method.md as tests read it: its sections, tables, blocks of code, and the results of its worked example."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from support.tracks import MINUTE, Even, S, Seen, era, track, tracks

from reports.track import Fate, Track, Tracks

PATH = Path(__file__).resolve().parents[2] / "docs" / "method.md"
DAY_BEGIN = datetime(2026, 3, 2, 10, tzinfo=UTC)
BEGIN_US = int(DAY_BEGIN.timestamp()) * S
LENGTH_US = 15 * MINUTE
AROUND = 10  # slots before and after the listed ones, which the example calls good
GOOD_US, BAD_US = 500_000, 2 * S
Row = dict[str, str]
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def text() -> str:
    """Return the whole document."""
    return PATH.read_text(encoding="utf-8")


def section(number: int) -> str:
    """Return one numbered section."""
    parts = re.split(r"^## (?=\d+\. )", text(), flags=re.MULTILINE)
    (found,) = (part for part in parts if part.startswith(f"{number}. "))
    return found


def code(number: int, language: str) -> str:
    """Return the block of code of a section in a language."""
    (found,) = re.findall(rf"^ *```{language}\n(.*?)^ *```", section(number), re.MULTILINE | re.DOTALL)
    indent = len(found) - len(found.lstrip(" "))
    return "".join(line[indent:] or "\n" for line in found.splitlines(keepends=True))


def table(number: int, *columns: str) -> list[Row]:
    """Return the rows of the table of a section whose head begins with these columns."""
    lines = iter(section(number).splitlines())
    for line in lines:
        if line.startswith("| ") and tuple(_cells(line)[: len(columns)]) == columns:
            head = _cells(line)
            next(lines)
            return [dict(zip(head, cells, strict=True)) for cells in _rows(lines)]
    raise AssertionError(f"section {number} has no table {columns}")


def _rows(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        if not line.startswith("| "):
            return
        yield _cells(line)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def by_hand(expression: str) -> Fraction:
    """Return the value of a sum as one would write it down: whole numbers, decimals, + - * / and brackets."""
    return _value(ast.parse(expression, mode="eval").body, expression)


def _value(node: ast.expr, source: str) -> Fraction:
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, source), _value(node.right, source))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, source)
    # The digits as they are written: never by way of a float.
    return Fraction(ast.get_source_segment(source, node) or "")


def at_us(clock: str) -> int:
    """Return the instant of a time of the example's day, such as 10:06:55.000001."""
    hours, minutes, *seconds = clock.split(":")
    since = Fraction((int(hours) - DAY_BEGIN.hour) * 3600 + int(minutes) * 60) + Fraction(
        seconds[0] if seconds else 0
    )
    return BEGIN_US + int(since * S)


def results() -> dict[str, list[Seen]]:
    """Return the results that the example lists, by region; the slots beside them are good."""
    listed = table(20, "slot")
    found: dict[str, list[Seen]] = {}
    for column in list(listed[0])[1:]:
        region, _, offset = column.partition(" :")
        grid = Even(MINUTE, int(offset) * S)
        first = grid.slot_at(at_us(listed[0]["slot"]) + int(offset) * S)
        cells = dict.fromkeys(range(first - AROUND, first + len(listed) + AROUND), "good")
        cells |= {first + place: row[column] for place, row in enumerate(listed)}
        rows = (_result(grid, slot, cell) for slot, cell in cells.items())
        found[region] = [row for row in rows if row is not None]
    for row in table(20, "further run"):
        assert row["was"] == "good"
        found[row["region"]].append(Seen(at_us(row["starts"]), at_us(row["ends"]), Fate.GOOD))
    return found


def _result(grid: Even, slot: int, cell: str) -> Seen | None:
    """Return what a cell says: `good`, `good 0.9 s`, `FAIL`, `void`; None for `missed`."""
    word, *took = cell.split()
    if word == "missed":
        return None
    fate = {"good": Fate.GOOD, "FAIL": Fate.BAD, "void": Fate.UNKNOWN}[word]
    usual_us = BAD_US if fate is Fate.BAD else GOOD_US
    length_us = int(Fraction(took[0]) * S) if took else usual_us
    return Seen(grid.due_us(slot), grid.due_us(slot) + length_us, fate, slot)


def evidence() -> Tracks:
    """Return the example's results as tracks, single results at hand."""
    return tracks(*(_track(region, rows) for region, rows in results().items()))


def _track(region: str, rows: list[Seen]) -> Track:
    offset_us = next(row.start_us for row in rows if row.slot is not None) % MINUTE
    spans = [(min(rows).start_us, max(rows).start_us + 1)]
    found = era(Even(MINUTE, offset_us), rows, MINUTE, regions=3, shot_spans=spans)
    return track(region, found)
