"""Announced maintenance as a table of 80 columns. Pure: an answer in, something to print out."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from checks.core.quote import printable

from .answers_maintenance import MaintenanceAnswer, PlannedAnswer

SECOND_US = 1_000_000
STATED_US = 60 * SECOND_US
MAX_TROUBLES = 12
_STYLES = {"active": "bold yellow", "upcoming": "", "over": "dim", "cancelled": "dim strike"}
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def maintenance_board(answer: MaintenanceAnswer) -> RenderableType:
    """Return the table, with what is wrong above it."""
    parts: list[RenderableType] = [Text(text, "bold red") for text in _troubles(answer)[:MAX_TROUBLES]]
    if not answer.windows:
        return Group(*parts, Text("no maintenance is announced", "dim"))
    parts.append(_table(answer))
    hidden = answer.total - len(answer.windows)
    if hidden > 0:
        parts.append(Text(f"and {hidden:,} more; --json shows up to 1,000", "dim"))
    parts.append(Text("times are UTC; notice: how long before its start it was announced", "dim"))
    return Group(*parts)


def _troubles(answer: MaintenanceAnswer) -> list[str]:
    calendars = [
        f"! calendar {each.calendar}: {each.problem}" for each in answer.calendars if each.problem is not None
    ]
    return [printable(text, 400) for text in (*calendars, *(f"! {text}" for text in answer.problems))]


def _table(answer: MaintenanceAnswer) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in ("key", "begins", "lasts", "notice", "is"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for window in answer.windows:
        style = _STYLES.get(window.standing, "")
        what = Text(printable(window.title, 200))
        what.append(f"\n{printable(', '.join(window.services), 400)}{_origin(window)}", "dim")
        if is_stated(window):
            what.append(f"\nas stated; on record since {at_text(window.logged_us or 0)}", "yellow")
        table.add_row(
            window.key,
            at_text(window.start_us),
            length_text(window.end_us - window.start_us),
            notice_text(window),
            Text(window.standing, style),
            what,
        )
    return table


def _origin(window: PlannedAnswer) -> str:
    if window.source == "calendar":
        return f" (calendar {printable(window.calendar, 60)})" if window.calendar else " (calendar)"
    return "" if window.source == "configuration" else f" (by {printable(window.source, 20)})"


def is_stated(window: PlannedAnswer) -> bool:
    """Say whether the announcement is older than its record by more than a minute: somebody says so, no more."""
    if window.announced_us is None or window.logged_us is None:
        return False
    return window.logged_us - window.announced_us > STATED_US


def at_text(at_us: int) -> str:
    """Write an instant to the minute, in UTC."""
    return f"{datetime.fromtimestamp(at_us // SECOND_US, UTC):%Y-%m-%d %H:%M}"


def notice_text(window: PlannedAnswer) -> str:
    """Write how long before its start a window was announced; `none` if it was not before."""
    if window.announced_us is None or window.announced_us >= window.start_us:
        return "none"
    return length_text(window.start_us - window.announced_us)


def length_text(length_us: int) -> str:
    """Write a length in its two largest units, rounded down: `2d4h`, `1h30m`, `45s`."""
    seconds = length_us // SECOND_US
    for place, (unit, size) in enumerate(_UNITS):
        if seconds >= size:
            below, least = _UNITS[place + 1] if place + 1 < len(_UNITS) else ("", 1)
            rest = seconds % size // least if below else 0
            return f"{seconds // size}{unit}" + (f"{rest}{below}" if rest else "")
    return "<1s"
