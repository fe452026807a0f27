"""A calendar of its own for who works figures out again: Berlin, whose clock goes forward on the last Sunday of March
and back on the last one of October, at 01:00 UTC. Windows of time as lists; instants in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

SECOND = 1_000_000
Window = tuple[int, int]
Windows = list[Window]


def _at(day: date, seconds: int = 0) -> int:
    return ((day - date(1970, 1, 1)).days * 86_400 + seconds) * SECOND


def _last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def berlin(day: date, minute: int = 0) -> int:
    """Return when the clock in Berlin shows so many minutes after midnight; not for hours that are not or twice."""
    local = _at(day, minute * 60)
    summer = (_at(_last_sunday(day.year, 3), 3_600), _at(_last_sunday(day.year, 10), 3_600))
    early = local - 7_200 * SECOND
    return early if summer[0] <= early < summer[1] else local - 3_600 * SECOND


def days_from(first: date, end: date) -> Iterator[date]:
    """Yield the days from one up to another."""
    while first < end:
        yield first
        first += timedelta(days=1)


def joined(windows: Iterable[Window]) -> Windows:
    """Return windows in order, those that touch as one."""
    found: Windows = []
    for start, end in sorted(windows):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def without(windows: Windows, taken: Windows) -> Windows:
    """Return windows less others."""
    for start, end in taken:
        windows = [
            part for a, b in windows for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]
        ]
    return windows


def instant(text: str) -> int:
    """Return an instant written with its offset."""
    since = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def length(windows: Windows) -> int:
    """Return how long they are together."""
    return sum(end - start for start, end in windows)
