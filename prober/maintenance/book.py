"""The book: windows known now, what is declared and what is on record merged, each key once. Pure.

What is declared is the configuration and the calendars as they are now; what is on record is every window that was
ever known here, with the instant at which it was put there. A window that has begun is never taken out: one that is
no longer declared before it begins is cancelled, one whose times change is cancelled and another is announced.
Not here: when somebody looks (`keeper`), how contracts excuse it (`reports`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from prober.config import Config
from prober.store.base import MaintenanceRow
from reports.contract import MaintenanceWindow

from .expand import expand, in_order, key_again

DAY_US = 86_400_000_000
HORIZON_US = 400 * DAY_US  # how far ahead, and how far back, what is declared is put on record
MAX_AGAIN = 1_000  # times that the same window is cancelled and announced anew
BY_HAND = frozenset({"cli", "api"})

Rows = Mapping[str, MaintenanceRow]


@dataclass(frozen=True, slots=True)
class Book:
    """Windows by start. `windows` is what reports ask."""

    entries: tuple[MaintenanceWindow, ...] = ()

    def windows(
        self, from_us: int, to_us: int, services: Collection[str] | None = None
    ) -> tuple[MaintenanceWindow, ...]:
        """Return the windows that overlap [from_us, to_us), of some services or all, cancelled ones included."""
        return tuple(
            window
            for window in self.entries
            if window.start_us < to_us
            and window.end_us > from_us
            and (services is None or not set(services).isdisjoint(window.services))
        )

    def find(self, key: str) -> MaintenanceWindow | None:
        """Return the window of a key."""
        return next((window for window in self.entries if window.key == key), None)


def merge(declared: Iterable[MaintenanceWindow], rows: Rows) -> Book:
    """Return the book of what is declared and what is on record."""
    found = {key: _recorded(row) for key, row in rows.items()}
    for window in declared:
        key = standing_key(window.key, rows)
        row = rows.get(key)
        found[key] = replace(window, key=key) if row is None else _declared(replace(window, key=key), row)
    return Book(in_order(found.values()))


def book_for(config: Config, rows: Iterable[MaintenanceRow], from_us: int, to_us: int) -> Book:
    """Return the book as somebody without a daemon sees it: the configuration in this span, and the record.

    Calendars are in it as far as a daemon put them on record.
    """
    return merge(expand(config.maintenance, from_us, to_us).windows, {row.key: row for row in rows})


def standing_key(key: str, rows: Rows) -> str:
    """Return the key under which a declared window stands: one that was cancelled is announced anew under another."""
    for times in range(MAX_AGAIN):
        again = key_again(key, times)
        row = rows.get(again)
        if row is None or row.cancelled_us is None:
            return again
    return key


def reconcile(
    declared: Sequence[MaintenanceWindow], rows: Rows, is_sure: Callable[[str], bool], now_us: int
) -> list[MaintenanceRow]:
    """Return what has to go on record at an instant: windows that are new, and those that are declared no more.

    `is_sure(source)` says whether all that a source declares is known: what merely could not be read stands.
    """
    standing = {standing_key(window.key, rows): window for window in declared}
    new = [row_of(replace(window, key=key), now_us) for key, window in standing.items() if key not in rows]
    gone = [
        replace(row, cancelled_us=now_us)
        for key, row in rows.items()
        if key not in standing and _can_go(row, now_us) and row.source not in BY_HAND and is_sure(row.source)
    ]
    return new + gone


def _can_go(row: MaintenanceRow, now_us: int) -> bool:
    return row.cancelled_us is None and now_us < row.start_us < now_us + HORIZON_US


def row_of(window: MaintenanceWindow, now_us: int) -> MaintenanceRow:
    """Return a window as it goes on record at an instant."""
    return MaintenanceRow(
        key=window.key,
        title=window.title,
        description=window.description,
        services=window.services,
        start_us=window.start_us,
        end_us=window.end_us,
        announced_us=window.announced_us,
        noted_us=now_us,
        source=window.source,
    )


def _recorded(row: MaintenanceRow) -> MaintenanceWindow:
    return MaintenanceWindow(
        key=row.key,
        title=row.title,
        services=row.services,
        start_us=row.start_us,
        end_us=row.end_us,
        announced_us=_announced(row.source, row.announced_us, row),
        logged_us=row.noted_us,
        source=row.source,
        cancelled_us=row.cancelled_us,
        description=row.description,
    )


def _declared(window: MaintenanceWindow, row: MaintenanceRow) -> MaintenanceWindow:
    """Return a declared window with what the record adds: words are as they are now, instants as they were noted."""
    stated = window.announced_us if window.announced_us is not None else row.announced_us
    announced_us = _announced(window.source, stated, row)
    return replace(window, announced_us=announced_us, logged_us=row.noted_us, cancelled_us=row.cancelled_us)


def _announced(source: str, stated_us: int | None, row: MaintenanceRow) -> int:
    """Return when it was announced: as stated, else when it was noted; a calendar's stamp never makes it later."""
    if stated_us is None:
        return row.noted_us
    if source.startswith("calendar:"):
        return min(stated_us, row.noted_us, row.announced_us or row.noted_us)
    return stated_us
