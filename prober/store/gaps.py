"""A slot has one fate: where a result is on record, no gap says that there is none. Of the writing connection.

Results may come after somebody else accounted for their slot (an agent that took over), and gaps after results.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from .cells import Lane

NEAR = 16  # gaps that may overlap: told of by agents that took over from each other

GROW = """INSERT INTO gaps VALUES (?, ?, ?, ?) ON CONFLICT(series, first_slot) DO UPDATE
    SET last_slot = max(last_slot, excluded.last_slot)"""


def cut(connection: sqlite3.Connection, taken: Iterable[tuple[int, int]]) -> None:
    """Take (series, slot) out of the gaps that hold them."""
    for series, slot in taken:
        found = connection.execute(
            f"""SELECT first_slot, last_slot, reason FROM gaps WHERE series = ? AND first_slot <= ?
            ORDER BY first_slot DESC LIMIT {NEAR}""",
            (series, slot),
        ).fetchall()
        for first, last, reason in found:
            if last >= slot:
                _split(connection, series, slot, first, last, reason)


def results_within(
    connection: sqlite3.Connection, lane: Lane, first: int, last: int
) -> Iterator[tuple[int, int]]:
    """Yield (series, slot) of the results on record from one slot to another, both included."""
    slot = first
    while slot <= last:
        next_slot = lane.first_slot(lane.block(slot) + 1)
        cells = (lane.cell(slot), lane.cell(min(next_slot - 1, last)))
        for (cell,) in connection.execute(
            "SELECT cell FROM results WHERE cell BETWEEN ? AND ?", cells
        ).fetchall():
            yield lane.series, lane.slot(cell)
        slot = next_slot


def _split(
    connection: sqlite3.Connection, series: int, slot: int, first: int, last: int, reason: str
) -> None:
    if first < slot:
        connection.execute(
            "UPDATE gaps SET last_slot = ? WHERE series = ? AND first_slot = ?", (slot - 1, series, first)
        )
    else:
        connection.execute("DELETE FROM gaps WHERE series = ? AND first_slot = ?", (series, first))
    if slot < last:
        connection.execute(GROW, (series, slot + 1, last, reason))
