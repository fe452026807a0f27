"""What reports read of a time: trouble, holes, single results, durations. Functions of a reading connection.

Each costs in proportion to what it returns (warnings, which lie among the troubles, and gaps that lie near count in);
none reads a plain pass that was not asked for.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence

from .base import GapRow, ResultRow, TroubleRow
from .cells import CELL, Lane
from .gaps import NEAR
from .ranges import between, within
from .rows import OUTCOMES, gap_value, numbers, unpack

TROUBLES_LIST = 5000  # troubles in one list: about 10 ms of CPU
DURATIONS_SLOTS = 20_000  # slots that one question reads durations of: about 25 ms of CPU
_NO_SLOT = -(1 << 62)
_LATEST_US = 1 << 62

# A slot is due within two intervals after slot x interval.
_TROUBLES = f"""
SELECT number, slot, v, (SELECT late_us FROM late WHERE cell = {CELL}) FROM series CROSS JOIN troubles
WHERE number IN (SELECT value FROM json_each(:series)) AND troubles.series = number
    AND slot BETWEEN max(:from_us / interval_us - 2, CASE number WHEN :after THEN :slot + 1 ELSE {_NO_SLOT} END)
        AND (:to_us - 1) / interval_us
    AND v & 3 >= 2
ORDER BY number, slot LIMIT {TROUBLES_LIST}"""
# Few gaps overlap, and those by gaps that begin near: how far back to look for one that reaches into the time.
_HOLES = f"""
SELECT number, first_slot, last_slot, reason FROM series CROSS JOIN gaps
WHERE number IN (SELECT value FROM json_each(:series)) AND gaps.series = number
    AND first_slot BETWEEN
        ifnull((SELECT first_slot FROM gaps AS before WHERE before.series = number
            AND before.first_slot < :from_us / interval_us - 2 ORDER BY first_slot DESC LIMIT 1 OFFSET {NEAR - 1}),
            {_NO_SLOT})
        AND (:to_us - 1) / interval_us
    AND last_slot >= :from_us / interval_us - 2
ORDER BY number, first_slot"""
_SHOTS = within("results.cell, v, late_us", "LEFT JOIN late ON late.cell = results.cell")
_EXTRAS = """SELECT slot, kind, started_us, late_us, v FROM extras
    WHERE series = ? AND slot BETWEEN ? AND ? AND kind <> 3 ORDER BY slot, started_us"""
_DURATIONS = within("v >> 2") + " AND v & 3 <= 1"


def slot_bounds(connection: sqlite3.Connection) -> dict[int, tuple[int, int]]:
    """Return the first and last slot on record of each series that has one."""
    found = connection.execute(
        """SELECT series, first_slot, last_slot FROM heads JOIN tails USING(series)
        WHERE first_slot IS NOT NULL AND last_slot IS NOT NULL"""
    )
    return {series: (first, last) for series, first, last in found}


def troubles(
    connection: sqlite3.Connection, series: Sequence[int], from_us: int, to_us: int, after: tuple[int, int]
) -> list[TroubleRow]:
    """Return the next fails and voids after a (series, slot), of series that are sorted."""
    left = [number for number in series if number >= after[0]]
    place = {"series": numbers(left), "after": after[0], "slot": after[1]}
    found = connection.execute(_TROUBLES, place | _time(from_us, to_us))
    return [
        TroubleRow(series=number, slot=slot, outcome=OUTCOMES[v & 3], late_us=late_us or 0)
        for number, slot, v, late_us in found
    ]


def holes(connection: sqlite3.Connection, series: Sequence[int], from_us: int, to_us: int) -> list[GapRow]:
    """Return the gaps of a time by series then slot, none of them over another."""
    found = connection.execute(_HOLES, {"series": numbers(series)} | _time(from_us, to_us))
    return list(_apart(map(gap_value, found)))


def _apart(gaps: Iterator[GapRow]) -> Iterator[GapRow]:
    series, end = None, 0
    for gap in gaps:
        if gap.series != series:
            series, end = gap.series, gap.first_slot
        if gap.last_slot < end:
            continue
        first = max(gap.first_slot, end)
        end = gap.last_slot + 1
        yield (
            gap
            if first == gap.first_slot
            else GapRow(series=gap.series, first_slot=first, last_slot=gap.last_slot, reason=gap.reason)
        )


def shots(connection: sqlite3.Connection, lane: Lane, spans: Sequence[tuple[int, int]]) -> list[ResultRow]:
    """Return every result that is evidence with slots in these spans, once each, by slot then start."""
    found: list[ResultRow] = []
    bounds = bounds_of(connection, lane.series)
    for first, last in _merged(spans):
        rows = _extras(connection, lane.series, first, last)
        low, high = max(first, bounds[0]), min(last, bounds[1])
        if low <= high:
            rows += _scheduled(connection, lane, low, high)
        found += sorted(rows, key=lambda row: (row.slot, row.kind > 0, row.started_us))
    return found


def _scheduled(connection: sqlite3.Connection, lane: Lane, first: int, last: int) -> list[ResultRow]:
    found = connection.execute(_SHOTS, between(lane, first, last))
    return [_row(lane.series, lane.slot(cell), 0, 0, late or 0, v) for cell, v, late in found]


def _extras(connection: sqlite3.Connection, series: int, first: int, last: int) -> list[ResultRow]:
    return [_row(series, *values) for values in connection.execute(_EXTRAS, (series, first, last))]


def _row(series: int, slot: int, kind: int, started_us: int, late_us: int, v: int) -> ResultRow:
    duration_us, outcome = unpack(v)
    return ResultRow(
        series=series,
        slot=slot,
        kind=kind,
        late_us=late_us,
        started_us=started_us,
        duration_us=duration_us,
        outcome=outcome,
    )


def durations(connection: sqlite3.Connection, lane: Lane, first: int, last: int) -> array[int]:
    """Return the durations of the scheduled passes and warnings from one slot to another, both included."""
    found = connection.execute(_DURATIONS, between(lane, first, last))
    return array("q", (value for (value,) in found))


def bounds_of(connection: sqlite3.Connection, series: int) -> tuple[int, int]:
    """Return the first and last slot on record of one series; the last before the first if it has none."""
    found = connection.execute(
        "SELECT first_slot, last_slot FROM heads JOIN tails USING(series) WHERE series = ?", (series,)
    ).fetchone()
    return (0, -1) if found is None or found[0] is None else (found[0], found[1])


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans in order, those that touch as one."""
    low = high = None
    for first, last in sorted(span for span in spans if span[0] <= span[1]):
        if low is None or high is None or first > high + 1:
            if low is not None and high is not None:
                yield low, high
            low, high = first, last
        else:
            high = max(high, last)
    if low is not None and high is not None:
        yield low, high


def _time(from_us: int, to_us: int) -> dict[str, int]:
    """Return the ends of a time; before the epoch lies nothing, and division there would round the other way."""
    return {"from_us": max(from_us, 0), "to_us": min(max(to_us, 1), _LATEST_US)}
