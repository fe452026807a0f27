"""What a `WriteSet` means for the tables: planned as values, then done as one transaction. No waiting here."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from . import gaps
from .base import ChangeRow, GapRow, Receipt, ResultRow, RunRow, StoreError, WriteSet
from .cells import Lane
from .papers import (
    CLOSED_COLUMNS,
    DELIVERY_COLUMNS,
    MAINTENANCE_COLUMNS,
    closed_row,
    delivery_row,
    maintenance_row,
)
from .rows import (
    AGENT_COLUMNS,
    ASIDE_COLUMNS,
    CHANGE_COLUMNS,
    PLACES,
    RUN_COLUMNS,
    Row,
    agent_row,
    aside_row,
    body,
    call_row,
    change_row,
    listening_row,
    run_head,
    run_tail,
)

CALLS_KEPT = 200  # of a probe; the newest success is kept beside them
LISTENING_KEPT = 1000  # rows: one a life of the daemon, or a change of what is called
LATE_KEPT_US = 5000  # a start is known at least this well without a row in `late`
ASIDE_KEPT = 1000  # batches
_PASS = 0

_INTO = {
    # what a slot had is kept beside it, as no evidence of anything, and makes room for what is better
    "seconds": """INSERT OR IGNORE INTO extras
        SELECT ?1, ?2, ?3, 3, 0, v FROM results WHERE cell = ?4 AND v <> ?5""",
    "second_details": """INSERT OR IGNORE INTO extra_details SELECT ?1, ?2, ?3, body FROM details
        WHERE cell = ?4 AND EXISTS (SELECT 1 FROM results WHERE cell = ?4 AND v <> ?5)""",
    "lost_details": "DELETE FROM details WHERE cell = ?",
    "lost_late": "DELETE FROM late WHERE cell = ?",
    "lost_troubles": "DELETE FROM troubles WHERE series = ? AND slot = ?",
    "room": "DELETE FROM results WHERE cell = ?",
    "results": "INSERT OR IGNORE INTO results VALUES (?, ?)",
    "late": "INSERT OR IGNORE INTO late VALUES (?, ?)",
    # only what the result on record says, should one come twice and differ
    "troubles": """INSERT OR IGNORE INTO troubles SELECT ?1, ?2, ?3
        WHERE (SELECT v FROM results WHERE cell = ?4) = ?3""",
    "extras": "INSERT OR IGNORE INTO extras VALUES (?, ?, ?, ?, ?, ?)",
    "details": "INSERT OR IGNORE INTO details VALUES (?, ?)",
    "extra_details": "INSERT OR IGNORE INTO extra_details VALUES (?, ?, ?, ?)",
    "moved": f"INSERT OR REPLACE INTO runs SELECT {RUN_COLUMNS} FROM heads JOIN tails USING(series) WHERE series = ?",
    "dropped_runs": "DELETE FROM runs WHERE series = ? AND number = ?",
    "runs": "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "heads": "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?, ?)",
    "tails": "INSERT OR REPLACE INTO tails VALUES (?, ?, ?, ?, ?, ?)",
    "last_slots": "UPDATE tails SET last_slot = ? WHERE series = ?",
    "gaps": gaps.GROW,
    "withdrawn": """UPDATE changes SET withdrawn = ?
        WHERE subject = ? AND noted_us = ? AND at_us = ? AND after = ? AND before = ? AND withdrawn = 0""",
    "changes": f"INSERT OR IGNORE INTO changes({CHANGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "shifts": "INSERT OR REPLACE INTO shifts VALUES (?, ?, ?)",
    "unmarked": "DELETE FROM marks WHERE probe = ?",
    "marks": """INSERT INTO marks VALUES (?, ?) ON CONFLICT(probe) DO UPDATE
        SET from_us = min(from_us, excluded.from_us)""",
    "agents": f"INSERT OR REPLACE INTO agents({AGENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
    "forgotten": "DELETE FROM agents WHERE name = ?",
    "aside": f"INSERT OR IGNORE INTO aside({ASIDE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
    "old_aside": f"""DELETE FROM aside WHERE number + ? <= (SELECT max(number) FROM aside) - {ASIDE_KEPT}""",
    "receipts": "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?)",
    "calls": "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?)",
    "old_calls": f"""DELETE FROM calls WHERE probe = ?1
        AND at_us < (SELECT at_us FROM calls WHERE probe = ?1 ORDER BY at_us DESC LIMIT 1 OFFSET {CALLS_KEPT - 1})
        AND at_us <> (SELECT ifnull(max(at_us), -1) FROM calls WHERE probe = ?1 AND verb = 'success')""",
    "listening": """INSERT INTO listening VALUES (?, ?, ?) ON CONFLICT(from_us) DO UPDATE
        SET until_us = max(until_us, excluded.until_us)""",
    "maintenance": f"""INSERT INTO maintenance({MAINTENANCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT(key) DO UPDATE SET cancelled_us = ifnull(cancelled_us, excluded.cancelled_us)""",
    "closed": f"INSERT OR IGNORE INTO closed({CLOSED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "deliveries": f"INSERT OR REPLACE INTO deliveries({DELIVERY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
    "old_listening": f"""DELETE FROM listening WHERE from_us < ?1 AND from_us <
        (SELECT from_us FROM listening ORDER BY from_us DESC LIMIT 1 OFFSET {LISTENING_KEPT - 1})""",
}
# Which total a statement adds to, or takes from.
_COUNTED = {
    "results": ("results", 1),
    "room": ("results", -1),
    "details": ("details", 1),
    "lost_details": ("details", -1),
    "extras": ("extras", 1),
    "seconds": ("extras", 1),
    "extra_details": ("extra_details", 1),
    "second_details": ("extra_details", 1),
}


# What is known by heart of a series: first and last slot on record (None: none), and the `run_head` of its open run
# (all None: none). A plain tuple: one is made for every result.
Head: TypeAlias = tuple[int | None, int | None, Row]
NO_RUN: Row = (None, None, None, None, None)
NO_TAIL: Row = (None, None, None, None)
NO_HEAD: Head = (None, None, NO_RUN)


@dataclass(slots=True)
class Plan:
    """Rows for each statement of `_INTO`, and the heads as they are once it is committed."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _INTO})
    heads: dict[int, Head] = field(default_factory=dict)
    late: list[tuple[int, int]] = field(
        default_factory=list
    )  # (series, slot) that a gap may have been told of
    overlaps: list[tuple[Lane, int, int]] = field(
        default_factory=list
    )  # gaps told of slots that may have results


def plan(writes: WriteSet, lanes: Mapping[int, Lane], heads: Mapping[int, Head], now_us: int) -> Plan:
    """Return the rows of a `WriteSet`; raises `StoreError` for a series that was never made."""
    planned = Plan()
    try:
        _plan_better(planned.rows, writes.better, lanes)
        spans = _plan_results(planned.rows, [*writes.results, *writes.better], lanes)
        _plan_details(planned.rows, writes, lanes)
    except KeyError as error:
        raise StoreError(f"a result names {error}, which is no series or outcome of this store") from None
    _plan_gaps(planned, writes.gaps, spans, lanes, heads)
    planned.late = writes.late_slots
    newest = _plan_runs(planned.rows, writes.runs, heads)
    _plan_heads(planned, spans, newest, heads)
    planned.rows["shifts"] = list(writes.shifts)
    planned.rows["unmarked"] = [(probe,) for probe in writes.unmarked]
    planned.rows["marks"] = list(writes.marks)
    planned.rows["dropped_runs"] = list(writes.dropped_runs)
    planned.rows["withdrawn"] = [_withdrawal(change) for change in writes.withdrawn]
    planned.rows["changes"] = [change_row(change) for change in writes.changes]
    planned.rows["receipts"] = [_receipt_row(receipt, now_us) for receipt in writes.receipts]
    _plan_calls(planned.rows, writes)
    _plan_agents(planned.rows, writes)
    _plan_papers(planned.rows, writes)
    return planned


def apply(connection: sqlite3.Connection, planned: Plan) -> None:
    """Commit a plan or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        added = {
            name: connection.executemany(_INTO[name], rows).rowcount
            for name, rows in planned.rows.items()
            if rows
        }
        gaps.cut(connection, planned.late)
        for lane, first, last in planned.overlaps:
            gaps.cut_results(connection, lane, first, last)
        connection.executemany(
            "UPDATE totals SET rows = rows + ? WHERE name = ?",
            [(added[name] * sign, total) for name, (total, sign) in _COUNTED.items() if name in added],
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on some errors, such as a full disk
            connection.execute("ROLLBACK")
        raise


def _plan_results(
    rows: dict[str, list[Row]], results: list[ResultRow], lanes: Mapping[int, Lane]
) -> dict[int, tuple[int, int]]:
    """Add the rows of results; return the lowest and highest scheduled slot of each series."""
    spans: dict[int, tuple[int, int]] = {}
    into = rows["results"]
    for result in results:
        series, slot = result.series, result.slot
        packed = result.duration_us << 2 | PLACES[result.outcome]
        cell = lanes[series].cell(slot)
        if result.kind:
            rows["extras"].append((series, slot, result.started_us, result.kind, result.late_us, packed))
            continue
        into.append((cell, packed))
        if series in spans:
            _widen(spans, series, slot, slot)
        else:
            spans[series] = (slot, slot)
        if not 0 <= result.late_us <= LATE_KEPT_US:
            rows["late"].append((cell, result.late_us))
        if packed & 3 != _PASS:
            rows["troubles"].append((series, slot, packed, cell))
    # Neighbours go to the same page at once; of two with one key the first stays first.
    into.sort(key=itemgetter(0))
    return spans


def _plan_better(rows: dict[str, list[Row]], results: list[ResultRow], lanes: Mapping[int, Lane]) -> None:
    """Add what moves the results aside that slots have; their starts are known to a few milliseconds only."""
    for row in results:
        cell, packed = lanes[row.series].cell(row.slot), row.duration_us << 2 | PLACES[row.outcome]
        key = row.series, row.slot, row.started_us - row.late_us
        rows["seconds"].append((*key, cell, packed))
        rows["second_details"].append((*key, cell, packed))
        rows["lost_troubles"].append((row.series, row.slot))
        for name in ("lost_details", "lost_late", "room"):
            rows[name].append((cell,))


def _plan_gaps(
    planned: Plan,
    told: list[GapRow],
    spans: dict[int, tuple[int, int]],
    lanes: Mapping[int, Lane],
    heads: Mapping[int, Head],
) -> None:
    """Add gaps; of one that is too long to look for results in, only what lies after all that is on record."""
    checked = 0
    for gap in told:
        start = gap.first_slot
        oldest, newest, _ = heads.get(gap.series, NO_HEAD)
        if oldest is not None and newest is not None and gap.series in lanes:
            low, high = max(gap.first_slot, oldest), min(gap.last_slot, newest)
            if low <= high and checked + high - low >= gaps.MAX_CHECKED:
                start = newest + 1
            elif low <= high:
                checked += high - low + 1
                planned.overlaps.append((lanes[gap.series], low, high))
        if start <= gap.last_slot:
            _widen(spans, gap.series, start, gap.last_slot)
            planned.rows["gaps"].append((gap.series, start, gap.last_slot, gap.reason))


def _plan_details(rows: dict[str, list[Row]], writes: WriteSet, lanes: Mapping[int, Lane]) -> None:
    for detail in writes.details:
        if detail.kind:
            key = detail.series, detail.slot, detail.result.started_us
            rows["extra_details"].append((*key, body(detail)))
        else:
            rows["details"].append((lanes[detail.series].cell(detail.slot), body(detail)))


def _plan_runs(
    rows: dict[str, list[Row]], runs: list[RunRow], heads: Mapping[int, Head]
) -> dict[int, RunRow]:
    """Sort runs into closed ones and, returned, the newest of each series, which is the open one."""
    newest: dict[int, RunRow] = {}
    closed: dict[tuple[int, int], RunRow] = {}
    for run in runs:
        known = newest.get(run.series)
        stored = heads.get(run.series, NO_HEAD)[2][0]
        top = known.number if known else stored
        if top is not None and run.number < top:
            closed[run.series, run.number] = run
            continue
        if known and known.number < run.number:
            closed[known.series, known.number] = known
        newest[run.series] = run
        if stored is not None and stored < run.number:
            rows["moved"].append(
                (run.series,)
            )  # into `runs` as it stands; a newer form in `closed` replaces it
    rows["runs"] = [(run.series, *run_head(run), *run_tail(run)) for run in closed.values()]
    return newest


def _plan_calls(rows: dict[str, list[Row]], writes: WriteSet) -> None:
    rows["calls"] = [call_row(call) for call in writes.calls]
    rows["old_calls"] = [(probe,) for probe in dict.fromkeys(call.probe for call in writes.calls)]
    rows["listening"] = [listening_row(row) for row in writes.listening]
    rows["old_listening"] = [(row.from_us,) for row in writes.listening[-1:]]


def _plan_agents(rows: dict[str, list[Row]], writes: WriteSet) -> None:
    rows["agents"] = [agent_row(agent) for agent in writes.agents]
    rows["forgotten"] = [(name,) for name in writes.forgotten]
    rows["aside"] = [aside_row(aside) for aside in writes.aside]
    rows["old_aside"] = [(0,)] if writes.aside else []


def _plan_papers(rows: dict[str, list[Row]], writes: WriteSet) -> None:
    rows["maintenance"] = [maintenance_row(row) for row in writes.maintenance]
    rows["closed"] = [closed_row(row) for row in writes.closed]
    rows["deliveries"] = [delivery_row(row) for row in writes.deliveries]


def _withdrawal(change: ChangeRow) -> Row:
    return change.withdrawn, change.subject, change.noted_us, change.at_us, change.after, change.before


def _plan_heads(
    planned: Plan, spans: dict[int, tuple[int, int]], newest: dict[int, RunRow], heads: Mapping[int, Head]
) -> None:
    to_heads, to_tails = planned.rows["heads"], planned.rows["tails"]
    for series in sorted(spans.keys() | newest.keys()):
        known = heads.get(series)
        first, last, stored = known or NO_HEAD
        if series in spans:
            low, high = spans[series]
            first = low if first is None or low < first else first
            last = high if last is None or high > last else last
        run = newest.get(series)
        head = run_head(run) if run else stored
        planned.heads[series] = now = (first, last, head)
        if known is None or first != known[0] or head != stored:
            to_heads.append((series, first, *head))
        if run or known is None:
            to_tails.append((series, last, *(run_tail(run) if run else NO_TAIL)))
        elif now != known:
            planned.rows["last_slots"].append((last, series))


def _widen(spans: dict[int, tuple[int, int]], series: int, first: int, last: int) -> None:
    low, high = spans.get(series, (first, last))
    spans[series] = min(low, first), max(high, last)


def _receipt_row(receipt: Receipt, now_us: int) -> Row:
    return receipt.agent, receipt.epoch, receipt.sequence, receipt.hash, now_us
