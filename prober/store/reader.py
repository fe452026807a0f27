"""Questions of the hub that one statement answers, each a function of a reading connection. Results: `paging.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from .base import (
    AgentRow,
    AsideRow,
    CallRow,
    ChangeRow,
    Detail,
    GapRow,
    ListeningRow,
    Receipt,
    RunRow,
    SeriesRow,
)
from .cells import Lane
from .rows import (
    AGENT_COLUMNS,
    ASIDE_COLUMNS,
    CHANGE_COLUMNS,
    RUN_COLUMNS,
    agent_value,
    aside_value,
    call_value,
    change_value,
    detail_value,
    gap_value,
    listening_value,
    numbers,
    receipt_value,
    run_value,
    series_value,
    unpack,
)
from .writer import Head

RUNS_LIST = 1000  # runs in one list of `runs()`: about 2 ms of CPU
NEVER_US = (1 << 63) - 1
LOWEST = -NEVER_US  # below every number of a run

_RUNS_OF_ALL = f"""
SELECT {RUN_COLUMNS} FROM runs
WHERE (series, number) > (:series, :number) AND last_end_us >= :from_us AND first_us < :to_us
UNION ALL
SELECT {RUN_COLUMNS} FROM heads JOIN tails USING(series)
WHERE series >= :series AND (series > :series OR number > :number)
    AND last_end_us >= :from_us AND first_us < :to_us
ORDER BY series, number LIMIT {RUNS_LIST}"""
# Of each series its own range: a page goes on where the one before ended instead of looking at all of it again.
_RUNS_OF_SOME = f"""
SELECT {RUN_COLUMNS} FROM (SELECT number AS wanted FROM series WHERE number IN (SELECT value FROM json_each(:only)))
    CROSS JOIN runs ON series = wanted AND number > CASE wanted WHEN :series THEN :number ELSE {LOWEST} END
WHERE last_end_us >= :from_us AND first_us < :to_us
UNION ALL
SELECT {RUN_COLUMNS} FROM heads JOIN tails USING(series)
WHERE series IN (SELECT value FROM json_each(:only)) AND (series > :series OR number > :number)
    AND last_end_us >= :from_us AND first_us < :to_us
ORDER BY series, number LIMIT {RUNS_LIST}"""


def lanes(connection: sqlite3.Connection) -> dict[int, Lane]:
    """Return where each series keeps its results."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'origin'").fetchone()
    found = connection.execute("SELECT number, interval_us, lane FROM series").fetchall()
    return {number: Lane(number, interval_us, first, row[0]) for number, interval_us, first in found}


def heads(connection: sqlite3.Connection) -> dict[int, Head]:
    """Return what the writer knows by heart."""
    found = connection.execute(
        """SELECT series, last_slot, first_slot, number, outcome, code, first_us, first_took_us
        FROM heads JOIN tails USING(series)"""
    )
    return {series: (first_slot, last_slot, tuple(run)) for series, last_slot, first_slot, *run in found}


def all_series(connection: sqlite3.Connection) -> list[SeriesRow]:
    """Return every series by number."""
    found = connection.execute(
        "SELECT number, probe, region, interval_us, schedule, regions, created_us FROM series ORDER BY number"
    )
    return [series_value(row) for row in found]


def open_runs(connection: sqlite3.Connection) -> list[RunRow]:
    """Return the newest run of each series that has one."""
    found = connection.execute(
        f"SELECT {RUN_COLUMNS} FROM heads JOIN tails USING(series) WHERE number IS NOT NULL ORDER BY series"
    )
    return [run_value(row) for row in found]


def last_slots(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the highest slot on record of each series that has one."""
    found = connection.execute("SELECT series, last_slot FROM tails WHERE last_slot IS NOT NULL")
    return dict(found.fetchall())


def runs(
    connection: sqlite3.Connection,
    from_us: int,
    to_us: int | None,
    only: Sequence[int] | None,
    after: tuple[int, int],
) -> list[RunRow]:
    """Return the next runs after a (series, number) that end at or after an instant and begin before another."""
    place = {
        "series": after[0],
        "number": after[1],
        "from_us": from_us,
        "to_us": NEVER_US if to_us is None else to_us,
    }
    if only is None:
        found = connection.execute(_RUNS_OF_ALL, place)
    else:
        left = [number for number in only if number >= after[0]]
        found = connection.execute(_RUNS_OF_SOME, place | {"only": numbers(left)})
    return [run_value(row) for row in found]


def changes(connection: sqlite3.Connection, subject: str | None, limit: int) -> list[ChangeRow]:
    """Return the changes noted last first."""
    where = "" if subject is None else "WHERE subject = :subject"
    sql = f"SELECT {CHANGE_COLUMNS} FROM changes {where} ORDER BY number DESC LIMIT :limit"
    found = connection.execute(sql, {"subject": subject, "limit": limit})
    return [change_value(row) for row in found]


def last_changes(connection: sqlite3.Connection) -> dict[str, ChangeRow]:
    """Return each subject's newest change that stands."""
    found = connection.execute(
        f"""SELECT {CHANGE_COLUMNS} FROM changes WHERE number IN (
            SELECT (SELECT number FROM changes AS of_one WHERE of_one.subject = one.subject AND withdrawn = 0
                    ORDER BY at_us DESC, number DESC LIMIT 1)
            FROM (SELECT DISTINCT subject FROM changes WHERE withdrawn = 0) AS one)
        ORDER BY number"""
    )
    return {change.subject: change for change in map(change_value, found)}


_STATES = f"""
SELECT {CHANGE_COLUMNS}, number FROM changes
WHERE subject = :subject AND withdrawn = 0 AND at_us >= :from_us
UNION ALL
SELECT * FROM (SELECT {CHANGE_COLUMNS}, number FROM changes
    WHERE subject = :subject AND withdrawn = 0 AND at_us < :from_us ORDER BY at_us DESC, number DESC LIMIT 1)
ORDER BY at_us, number"""


def states(connection: sqlite3.Connection, subjects: Sequence[str], from_us: int) -> list[ChangeRow]:
    """Return what stands of some subjects since an instant, and what stood there, oldest first."""
    found: list[tuple[int, int, ChangeRow]] = []
    for subject in subjects:
        rows = connection.execute(_STATES, {"subject": subject, "from_us": from_us})
        found += [(row[0], row[-1], change_value(row[:-1])) for row in rows]
    return [change for _, _, change in sorted(found, key=lambda each: each[:2])]


def evidence(
    connection: sqlite3.Connection, series: int, spans: Sequence[tuple[int, int]], limit: int, lane: Lane
) -> list[Detail]:
    """Return the first failed results of a series within each span, oldest first."""
    found: list[Detail] = []
    for from_us, to_us in spans:
        within = [
            detail
            for detail in _failed(connection, series, from_us, to_us, limit, lane)
            if from_us <= detail.result.started_us <= to_us
        ]
        found += sorted(within, key=lambda detail: detail.result.started_us)[:limit]
    return found


def _failed(
    connection: sqlite3.Connection, series: int, from_us: int, to_us: int, limit: int, lane: Lane
) -> list[Detail]:
    # Slots begin up to an interval after their multiple, so one more at either end; each may hold one too early.
    low, high = from_us // lane.interval_us - 1, to_us // lane.interval_us + 1
    extras = connection.execute(
        """SELECT slot, body FROM extra_details JOIN extras USING(series, slot, started_us)
        WHERE series = ? AND slot BETWEEN ? AND ? AND started_us BETWEEN ? AND ? AND v & 3 = 2 AND kind <> 3
        ORDER BY slot, started_us LIMIT ?""",
        (series, low, high, from_us, to_us, limit),
    ).fetchall()
    slots = connection.execute(
        """SELECT slot FROM troubles WHERE series = ? AND slot BETWEEN ? AND ? AND v & 3 = 2
        ORDER BY slot LIMIT ?""",
        (series, low, high, limit + 2),
    ).fetchall()
    rows = [
        (slot, body)
        for (slot,) in slots
        for (body,) in connection.execute("SELECT body FROM details WHERE cell = ?", (lane.cell(slot),))
    ]
    return [detail_value(series, slot, body) for slot, body in (*extras, *rows)]


def taken(
    connection: sqlite3.Connection, slots: Sequence[tuple[int, int]], lanes: Mapping[int, Lane]
) -> dict[tuple[int, int], str]:
    """Return the outcome on record of these (series, slot)."""
    found: dict[tuple[int, int], str] = {}
    for series, slot in slots:
        if series in lanes:
            cell = (lanes[series].cell(slot),)
            row = connection.execute("SELECT v FROM results WHERE cell = ?", cell).fetchone()
            if row is not None:
                found[series, slot] = unpack(row[0])[1]
    return found


def agents(connection: sqlite3.Connection) -> list[AgentRow]:
    """Return the remote agents by name."""
    return [
        agent_value(row) for row in connection.execute(f"SELECT {AGENT_COLUMNS} FROM agents ORDER BY name")
    ]


def aside(connection: sqlite3.Connection, limit: int, data: bool) -> list[AsideRow]:
    """Return the batches kept aside, newest first, with their bytes or without."""
    columns = ASIDE_COLUMNS if data else ASIDE_COLUMNS.removesuffix("data") + "x''"
    found = connection.execute(f"SELECT {columns} FROM aside ORDER BY number DESC LIMIT ?", (limit,))
    return [aside_value(row) for row in found]


def marks(connection: sqlite3.Connection) -> dict[str, int]:
    """Return from when the past of probes has yet to be worked out."""
    return dict(connection.execute("SELECT probe, from_us FROM marks").fetchall())


def revision(connection: sqlite3.Connection) -> int:
    """Return the newest revision of the past."""
    found = connection.execute("SELECT max(max(revision), max(withdrawn)) FROM changes").fetchone()
    return int(found[0] or 0)


def store_id(connection: sqlite3.Connection) -> bytes:
    """Return what names this store."""
    return bytes.fromhex(connection.execute("SELECT value FROM meta WHERE name = 'store'").fetchone()[0])


def receipts(connection: sqlite3.Connection, since_us: int) -> list[Receipt]:
    """Return the receipts written at or after an instant."""
    found = connection.execute(
        "SELECT agent, epoch, sequence, hash FROM receipts WHERE noted_us >= ? ORDER BY agent, epoch",
        (since_us,),
    )
    return [receipt_value(row) for row in found]


def gaps(connection: sqlite3.Connection, series: Sequence[int], limit: int) -> list[GapRow]:
    """Return the gaps of some series, those that end last first."""
    found = connection.execute(
        """SELECT gaps.series, first_slot, last_slot, reason FROM gaps JOIN series ON series.number = gaps.series
        WHERE gaps.series IN (SELECT value FROM json_each(?))
        ORDER BY last_slot * interval_us DESC, gaps.series, first_slot DESC LIMIT ?""",
        (numbers(series), limit),
    )
    return [gap_value(row) for row in found]


def calls(connection: sqlite3.Connection, probe: str) -> list[CallRow]:
    """Return the calls of a probe, oldest first."""
    found = connection.execute(
        "SELECT probe, at_us, verb, exit_code, output FROM calls WHERE probe = ? ORDER BY at_us", (probe,)
    )
    return [call_value(row) for row in found]


def listening(connection: sqlite3.Connection) -> list[ListeningRow]:
    """Return when calls could reach us, oldest first."""
    found = connection.execute("SELECT from_us, until_us, probes FROM listening ORDER BY from_us")
    return [listening_value(row) for row in found]


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return rows by table; those of the large tables come from counters."""
    found: dict[str, int] = dict(connection.execute("SELECT name, rows FROM totals").fetchall())
    for table in ("series", "runs", "gaps", "changes", "receipts", "closed"):
        found[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    found["imported"] = connection.execute("SELECT ifnull(sum(rows), 0) FROM pieces").fetchone()[0]
    found["runs"] += connection.execute("SELECT count(*) FROM heads WHERE number IS NOT NULL").fetchone()[0]
    return found
