"""Results page by page, newest slot first over any number of series. Functions of a reading connection.

Each series is walked backwards, block by block, or through `troubles` when passes are not wanted; the walks are
merged. Work is bounded: each walk may look into the tables so many times; where one would need more, the page ends
early with the key to go on from.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .base import Detail, Page, ResultQuery, ResultRow, SeriesSlots, StoreError, UnknownKey
from .cells import Lane
from .rows import OUTCOMES, detail_value, unpack

MAX_LIMIT = 1000
MAX_LOOKS = 20_000  # of all walks of a page together: about 0.1 s
MIN_LOOKS = 4  # of each walk, however many there are: a page always gets further than the one before
_NEWEST = 1 << 62
CHUNK = 100  # rows read at once where their number is not bounded by the block

# (-begin of the slot, series, -start; 0 if scheduled): ascending is the order of the page
Place = tuple[int, int, int]
# A place and its row (slot, kind, start, lateness, v); or None: so far was looked, go on from here
Found = tuple[Place, tuple[int, int, int, int, int] | None]


@dataclass(slots=True)
class _Walk:
    """One series of the query, cut to the slots that may have rows."""

    connection: sqlite3.Connection
    lane: Lane
    low: int
    high: int
    before: tuple[int, int]  # slot and start that retries and rechecks must lie before
    wanted: frozenset[int]  # places of outcomes
    looks: int

    def place(self, slot: int, started_us: int) -> Place:
        return -slot * self.lane.interval_us, self.lane.series, -started_us

    def look(self, sql: str, *key: int) -> list[tuple[int, ...]]:
        return self.connection.execute(sql, key).fetchall()


def page(connection: sqlite3.Connection, query: ResultQuery, lanes: Mapping[int, Lane]) -> Page:
    """Return one page; raises `StoreError` for an unusable key, limit or outcome."""
    if not 1 <= query.limit <= MAX_LIMIT:
        raise StoreError(f"a page has 1 to {MAX_LIMIT} results, not {query.limit}")
    after = _parse(query.after)
    walks = list(_walks(connection, query, lanes, after))
    found: list[Found] = []
    # One more than asked for tells whether there is a next page.
    for item in heapq.merge(*(walk for each in walks for walk in (_scheduled(each), _extras(each)))):
        if after is not None and item[0] <= after:
            continue
        found.append(item)
        if item[1] is None or len(found) > query.limit:
            break
    return _page(connection, found, query.limit, lanes)


def _page(connection: sqlite3.Connection, found: list[Found], limit: int, lanes: Mapping[int, Lane]) -> Page:
    after = None
    if found and found[-1][1] is None:
        after = _key(found.pop()[0])
    elif len(found) > limit:
        found.pop()
        after = _key(found[-1][0])
    rows, details, agents = [], [], []
    for (_, series, _), kept in found:
        if kept is not None:
            row, detail = _row(connection, lanes[series], *kept)
            rows.append(row)
            details.append(detail)
            agents.append(detail.agent if detail is not None else _on_shift(connection, series, row.slot))
    return Page(rows=rows, details=details, after=after, agents=agents)


def _walks(
    connection: sqlite3.Connection, query: ResultQuery, lanes: Mapping[int, Lane], after: Place | None
) -> Iterator[_Walk]:
    unknown = query.outcomes - set(OUTCOMES)
    if unknown:
        raise StoreError(f"no outcome is called {min(unknown)!r} (hint: {', '.join(OUTCOMES)})")
    wanted = frozenset(map(OUTCOMES.index, query.outcomes or OUTCOMES))
    looks = MIN_LOOKS + MAX_LOOKS // (2 * len(query.series) or 1)
    for asked in query.series:
        lane = lanes.get(asked.series)
        if lane is not None:
            low, high = _bounds(connection, asked)
            if after is not None:
                high = min(high, -after[0] // lane.interval_us)
            before = min((high + 1, 0), _resume(lane, after))
            yield _Walk(connection, lane, low, high, before, wanted, looks)


def _resume(lane: Lane, after: Place | None) -> tuple[int, int]:
    """Return the slot and start that the walk of a series had come to at a place, itself not included."""
    if after is None:
        return _NEWEST, 0
    slot, rest = divmod(-after[0], lane.interval_us)
    if rest or lane.series > after[1]:
        return slot + 1, 0
    return slot, -after[2] if lane.series == after[1] else -_NEWEST


def _bounds(connection: sqlite3.Connection, asked: SeriesSlots) -> tuple[int, int]:
    """Return the asked slots, cut to those on record."""
    low, high = connection.execute(
        """SELECT min(low), max(high) FROM (
            SELECT first_slot AS low, last_slot AS high FROM heads JOIN tails USING(series) WHERE series = ?1
            UNION ALL SELECT (SELECT min(slot) FROM extras WHERE series = ?1),
                             (SELECT max(slot) FROM extras WHERE series = ?1))""",
        (asked.series,),
    ).fetchone()
    if low is None:
        return 0, -1
    return max(low, asked.from_slot), min(high, asked.to_slot)


def _scheduled(walk: _Walk) -> Iterator[Found]:
    if OUTCOMES.index("pass") in walk.wanted:
        return _by_block(walk)
    return _by_trouble(walk)


def _by_block(walk: _Walk) -> Iterator[Found]:
    lane, slot = walk.lane, walk.high
    sql = "SELECT cell, v FROM results WHERE cell BETWEEN ? AND ? ORDER BY cell DESC"
    for _ in range(walk.looks):
        if slot < walk.low:
            return
        first = max(walk.low, lane.first_slot(lane.block(slot)))
        for cell, v in walk.look(sql, lane.cell(first), lane.cell(slot)):
            if v & 3 in walk.wanted:
                at = lane.slot(cell)
                yield walk.place(at, 0), (at, 0, 0, 0, v)
        slot = first - 1
    yield _before(walk, slot)


def _by_trouble(walk: _Walk) -> Iterator[Found]:
    slot = walk.high
    sql = f"""SELECT slot, v FROM troubles WHERE series = ? AND slot BETWEEN ? AND ?
        ORDER BY slot DESC LIMIT {CHUNK}"""
    for _ in range(walk.looks):
        chunk = walk.look(sql, walk.lane.series, walk.low, slot)
        yield from ((walk.place(at, 0), (at, 0, 0, 0, v)) for at, v in chunk if v & 3 in walk.wanted)
        if len(chunk) < CHUNK:
            return
        slot = chunk[-1][0] - 1
    yield _before(walk, slot)


def _extras(walk: _Walk) -> Iterator[Found]:
    before = walk.before
    sql = f"""SELECT slot, kind, started_us, late_us, v FROM extras
        WHERE series = ? AND slot >= ? AND (slot, started_us) < (?, ?)
        ORDER BY slot DESC, started_us DESC LIMIT {CHUNK}"""
    for _ in range(walk.looks):
        chunk = walk.look(sql, walk.lane.series, walk.low, *before)
        for slot, kind, started_us, late_us, v in chunk:
            if v & 3 in walk.wanted:
                yield walk.place(slot, started_us), (slot, kind, started_us, late_us, v)
        if len(chunk) < CHUNK:
            return
        before = (chunk[-1][0], chunk[-1][2])
    yield walk.place(*before), None


def _before(walk: _Walk, slot: int) -> Found:
    """Return the mark that lies before everything of this slot's instant."""
    return (-slot * walk.lane.interval_us, -1, 0), None


def _row(
    connection: sqlite3.Connection, lane: Lane, slot: int, kind: int, started_us: int, late_us: int, v: int
) -> tuple[ResultRow, Detail | None]:
    if kind:
        key = lane.series, slot, started_us
        sql = "SELECT body FROM extra_details WHERE series = ? AND slot = ? AND started_us = ?"
        kept = connection.execute(sql, key).fetchone()
    else:
        cell = (lane.cell(slot),)
        kept = connection.execute("SELECT body FROM details WHERE cell = ?", cell).fetchone()
        late = connection.execute("SELECT late_us FROM late WHERE cell = ?", cell).fetchone()
        late_us = late[0] if late else 0
    duration_us, outcome = unpack(v)
    row = ResultRow(
        series=lane.series,
        slot=slot,
        kind=kind,
        late_us=late_us,
        started_us=started_us,
        duration_us=duration_us,
        outcome=outcome,
    )
    return row, detail_value(lane.series, slot, kept[0]) if kept else None


def _on_shift(connection: sqlite3.Connection, series: int, slot: int) -> str:
    """Return who ran a series when a slot was due."""
    found = connection.execute(
        "SELECT agent FROM shifts WHERE series = ? AND slot <= ? ORDER BY slot DESC LIMIT 1", (series, slot)
    ).fetchone()
    return str(found[0]) if found else ""


def _key(place: Place) -> str:
    return ".".join(map(str, place))


def _parse(key: str | None) -> Place | None:
    if key is None:
        return None
    try:
        begin, series, started = map(int, key.split("."))
    except ValueError:
        raise UnknownKey(
            f"{key[:40]!r} is not a page's key (hint: take `after` of the page before)"
        ) from None
    return begin, series, started
