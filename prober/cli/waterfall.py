"""One run as a person reads it: a waterfall of phases, what was seen, every expectation with its verdict.

Phases follow one another, so a bar begins where the one before it ends. A phase that was not reached is not drawn. Of a
run in several steps each step has its own phases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checks.core.quote import printable
from checks.core.result import Expectation, Fact, Result
from checks.core.watch import MAX_DETAIL

from .screen import OUTCOME_STYLES, Signs, signs_for, took

_BAR = 36  # columns
_NAME = 18  # columns of a step's name
_COLUMNS: tuple[JustifyMethod, ...] = ("left", "left", "right", "right")
MAX_VALUE = 400  # characters of one fact
_INSTANTS = frozenset({"not_before", "not_after", "chain_expires", "expires", "registered", "this_update",
                       "next_update", "revoked_at"})  # fmt: skip
"""Facts that are seconds since the epoch."""


def waterfall(name: str, kind: str, result: Result, screen: Console) -> RenderableType:
    """Return everything that a run saw."""
    signs = signs_for(screen)
    style = OUTCOME_STYLES[result.outcome]
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(ratio=1, overflow="fold")
    head.add_column(justify="right", no_wrap=True)
    head.add_row(
        Text.assemble((name, "bold"), (f"  {kind}", "dim")),
        Text.assemble((result.outcome.upper(), style), f"  {took(result.duration_us)}"),
    )
    parts = [
        _phases(result, signs, style),
        _facts(result.facts),
        _expectations(result, signs),
        _failures(result),
    ]
    return Group(head, *(Padding(part, (0, 0, 0, 2), expand=False) for part in parts if part.row_count))


def _phases(result: Result, signs: Signs, style: str) -> Table:
    table = Table.grid(padding=(0, 2))
    for justify in _COLUMNS:
        table.add_column(justify=justify, no_wrap=True)
    steps = _steps(result.facts)
    if result.phases_us:
        note = "" if steps else _note(result.facts)
        table.add_row("", Text(note, "dim"), Text("from", "dim"), Text("took", "dim"))
    if steps:
        _add_steps(table, steps, result.duration_us, signs)
    else:
        _add_bars(table, result.phases_us, (0, result.duration_us), signs)
    if len(result.phases_us) > 1:
        table.add_row(Text("total", "bold"), "", "", Text(took(result.duration_us), style))
    return table


def _add_bars(table: Table, phases_us: Mapping[str, int], scale_us: tuple[int, int], signs: Signs) -> None:
    """Add a row a phase; the scale is where the first begins and how long the whole run is."""
    begin_us, total_us = scale_us
    for name, took_us in phases_us.items():
        bar = _bar(begin_us, took_us, total_us, signs)
        table.add_row(name, Text(bar, "cyan"), Text(f"+{took(begin_us)}", "dim"), took(took_us))
        begin_us += took_us


def _steps(facts: Mapping[str, Fact]) -> list[dict[str, Any]]:  # Any: facts
    """Return the steps of a run that was made in steps, else nothing."""
    steps = facts.get("steps")
    if not isinstance(steps, list):
        return []
    return [step for step in steps if isinstance(step, dict) and isinstance(step.get("phases_us"), dict)]


def _add_steps(table: Table, steps: list[dict[str, Any]], total_us: int, signs: Signs) -> None:
    """Add a heading for each step, its phases below it; each begins where the one before ended."""
    begin_us = 0
    for step in steps:
        took_us = step["duration_us"]
        table.add_row(
            Text(_cut(printable(str(step["name"]), MAX_VALUE), _NAME, signs), "bold"),
            Text(_cut(_page(step), _BAR, signs), OUTCOME_STYLES.get(step["outcome"], "")),
            Text(f"+{took(begin_us)}", "dim"),
            Text(took(took_us), "bold"),
        )
        phases_us = {f"  {name}": length_us for name, length_us in step["phases_us"].items()}
        _add_bars(table, phases_us, (begin_us, total_us), signs)
        begin_us += took_us


def _page(step: Mapping[str, Any]) -> str:
    """Say what a step came to: the status, and the URL without its host."""
    url, redirects = step.get("url"), step.get("redirects")
    words = [str(step["status"])] if "status" in step else []
    if isinstance(url, str):
        words.append("/" + printable(url, MAX_VALUE).partition("://")[2].partition("/")[2])
    if redirects:
        words.insert(1, f"({redirects + 1} requests)")
    return " ".join(words)


def _cut(text: str, width: int, signs: Signs) -> str:
    return text if len(text) <= width else text[: width - len(signs.more)] + signs.more


def _note(facts: Mapping[str, Fact]) -> str:
    """Say what the bars cannot show: a phase of a run that followed redirects is the sum of all its requests."""
    redirects = facts.get("redirects")
    return f"sums of {redirects + 1} requests" if isinstance(redirects, int) and redirects else ""


def _bar(begin_us: int, took_us: int, total_us: int, signs: Signs) -> str:
    """Place a bar on the scale of the whole run; what is too short for a column is a point."""
    begin = begin_us * _BAR // max(total_us, 1)
    end = (begin_us + took_us) * _BAR // max(total_us, 1)
    bar = signs.bar * (end - begin) or signs.point
    return (" " * min(begin, _BAR - 1) + bar).ljust(_BAR)


def _facts(facts: Mapping[str, Fact]) -> Table:
    table = _pairs()
    shown = {name: fact for name, fact in facts.items() if name != "steps"} if _steps(facts) else facts
    for name, value in _flat(shown):
        table.add_row(Text(printable(name), "dim"), Text(printable(value, MAX_VALUE)))
    return table


def _flat(facts: Mapping[str, Fact], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            yield from ((f"{above}{name}.{number}", _words(each)) for number, each in enumerate(value))
        elif name in _INSTANTS and isinstance(value, int):
            yield above + name, _moment(value)
        else:
            yield above + name, _words(value)


def _moment(seconds: int) -> str:
    """Return seconds since the epoch as a person reads them; what no calendar has stays a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _words(value: Fact) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {text}" for key, text in _flat(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_words(each) for each in value) or "none"
    return "none" if value is None else str(value)


def _expectations(result: Result, signs: Signs) -> Table:
    table = _pairs()
    codes = {failure.detail: failure.code for failure in result.failures}
    for each in result.expectations:
        if each.held:
            verdict = Text.assemble(
                (each.what, "bold"), f": expected {each.expected}, ", (f"got {each.seen}", "green")
            )
            table.add_row(Text(signs.held, "green"), verdict)
        else:
            style = OUTCOME_STYLES[result.outcome]
            code = codes.get(_detail(each), "")
            verdict = Text.assemble((_detail(each), style), (f"  {code}" if code else "", "dim"))
            table.add_row(Text(signs.missed, style), verdict)
    return table


def _failures(result: Result) -> Table:
    """List what went wrong beside the expectations; the first of all is the gravest."""
    table = _pairs()
    style = OUTCOME_STYLES[result.outcome]
    said = {_detail(each) for each in result.expectations}
    for failure in result.failures:
        if failure.detail not in said:
            table.add_row(Text(failure.code, style), Text(failure.detail, style))
    return table


def _detail(each: Expectation) -> str:
    """Return what the failure of an expectation says; failures are matched to expectations by it."""
    return f"{each.what}: expected {each.expected}, got {each.seen}"[:MAX_DETAIL]


def _pairs() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table
