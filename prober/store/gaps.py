"""A slot has one fate: where a result is on record, no gap says that there is none. Of the writing connection.

Results may come after somebody else accounted for their slot (an agent that took over), and gaps after results.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from .cells import Lane
from .ranges import between, within

MAX_CHECKED = 5_000_000  # slots of one write in which results are looked for: some seconds
NEAR = 16  # gaps that may overlap: told of by agents that took over from each other

GROW = """INSERT INTO gaps VALUES (?, ?, ?, ?) ON CONFLICT(series, first_slot) DO UPDATE
    SET last_slot = max(last_slot, excluded.last_slot)"""

_RESULTS = within("results.cell")


def cut(connection: sqlite3.Connection, taken: Iterable[tuple[int, int]]) -> None:
    """Take (series, slot) out of the gaps that hold them."""
    for series, slot in taken:
        _cut(connection, series, slot, slot)


def cut_results(connection: sqlite3.Connection, lane: Lane, first: int, last: int) -> None:
    """Take the slots with a result out of the gaps of a series, from one slot to another, both included."""
    for low, high in _stretches(results_within(connection, lane, first, last)):
        _cut(connection, lane.series, low, high)


def results_within(connection: sqlite3.Connection, lane: Lane, first: int, last: int) -> Iterator[int]:
    """Yield the slots with a result on record from one to another, both included, in their order."""
    for (cell,) in connection.execute(_RESULTS, between(lane, first, last)):
        yield lane.slot(cell)


def _stretches(slots: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of slots that follow each other."""
    low = high = None
    for slot in slots:
        if low is not None and high is not None and slot != high + 1:
            yield low, high
            low = None
        low, high = (slot if low is None else low), slot
    if low is not None and high is not None:
        yield low, high


def _cut(connection: sqlite3.Connection, series: int, low: int, high: int) -> None:
    found = connection.execute(
        f"""SELECT first_slot, last_slot, reason FROM gaps WHERE series = ? AND first_slot <= ?
        ORDER BY first_slot DESC LIMIT {NEAR}""",
        (series, high),
    ).fetchall()
    for first, last, reason in found:
        if last < low:
            continue
        if first < low:
            connection.execute(
                "UPDATE gaps SET last_slot = ? WHERE series = ? AND first_slot = ?", (low - 1, series, first)
            )
        else:
            connection.execute("DELETE FROM gaps WHERE series = ? AND first_slot = ?", (series, first))
        if high < last:
            connection.execute(GROW, (series, high + 1, last, reason))
