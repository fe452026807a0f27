"""One run as a person reads it: a waterfall of phases, what was seen, every expectation with its verdict.

Phases follow one another, so a bar begins where the one before it ends. A phase that was not reached is not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checks.core.quote import printable
from checks.core.result import Expectation, Fact, Result
from checks.core.watch import MAX_DETAIL

from .screen import OUTCOME_STYLES, Signs, signs_for, took

_BAR = 36  # columns
_COLUMNS: tuple[JustifyMethod, ...] = ("left", "left", "right", "right")
MAX_VALUE = 400  # characters of one fact


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
    if result.phases_us:
        table.add_row("", Text(_note(result.facts), "dim"), Text("from", "dim"), Text("took", "dim"))
    begin_us = 0
    for name, took_us in result.phases_us.items():
        bar = _bar(begin_us, took_us, result.duration_us, signs)
        table.add_row(name, Text(bar, "cyan"), Text(f"+{took(begin_us)}", "dim"), took(took_us))
        begin_us += took_us
    if len(result.phases_us) > 1:
        table.add_row(Text("total", "bold"), "", "", Text(took(result.duration_us), style))
    return table


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
    for name, value in _flat(facts):
        table.add_row(Text(printable(name), "dim"), Text(printable(value, MAX_VALUE)))
    return table


def _flat(facts: Mapping[str, Fact], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, _words(value)


def _words(value: Fact) -> str:
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
