"""Announced interruptions, closed reports, and where they were sent: rows and questions. No writing here."""

from __future__ import annotations

import json
import sqlite3
import zlib

from .base import ClosedRow, DeliveryRow, MaintenanceRow, StoreError
from .rows import Row

DELIVERIES_SHOWN = 10_000
MAINTENANCE_COLUMNS = (
    "key, title, description, services, start_us, end_us, announced_us, noted_us, source, cancelled_us"
)
CLOSED_COLUMNS = "contract, customer, from_us, to_us, revision, made_us, digest, supersedes, reason, body"
DELIVERY_COLUMNS = "target, digest, at_us, attempts, state, error"

_CLOSED = f"""
SELECT {CLOSED_COLUMNS.removesuffix("body")} {{body}} FROM closed {{where}}
ORDER BY contract, customer, from_us, to_us, revision"""


def maintenance_row(row: MaintenanceRow) -> Row:
    """Return a maintenance in the order of `MAINTENANCE_COLUMNS`."""
    services = json.dumps(row.services)
    times = row.start_us, row.end_us, row.announced_us, row.noted_us
    return row.key, row.title, row.description, services, *times, row.source, row.cancelled_us


def maintenance_value(row: Row) -> MaintenanceRow:
    """Return the maintenance of a row in the order of `MAINTENANCE_COLUMNS`."""
    key, title, description, services, start_us, end_us, announced_us, noted_us, source, cancelled_us = row
    return MaintenanceRow(
        key=key,
        title=title,
        description=description,
        services=tuple(json.loads(services)),
        start_us=start_us,
        end_us=end_us,
        announced_us=announced_us,
        noted_us=noted_us,
        source=source,
        cancelled_us=cancelled_us,
    )


def closed_row(row: ClosedRow) -> Row:
    """Return a closed report in the order of `CLOSED_COLUMNS`, its body packed."""
    key = row.contract, row.customer, row.from_us, row.to_us, row.revision
    return *key, row.made_us, row.digest, row.supersedes, row.reason, zlib.compress(row.body)


def closed_value(row: Row) -> ClosedRow:
    """Return the closed report of a row in the order of `CLOSED_COLUMNS`; an empty body was not asked for."""
    contract, customer, from_us, to_us, revision, made_us, digest, supersedes, reason, body = row
    try:
        text = zlib.decompress(body) if body else b""
    except zlib.error as error:
        raise StoreError(f"the closed report {digest} cannot be read: {error}") from None
    return ClosedRow(
        contract=contract,
        customer=customer,
        from_us=from_us,
        to_us=to_us,
        revision=revision,
        made_us=made_us,
        digest=digest,
        supersedes=supersedes,
        reason=reason,
        body=text,
    )


def delivery_row(row: DeliveryRow) -> Row:
    """Return a delivery in the order of `DELIVERY_COLUMNS`."""
    return row.target, row.digest, row.at_us, row.attempts, row.state, row.error


def delivery_value(row: Row) -> DeliveryRow:
    """Return the delivery of a row in the order of `DELIVERY_COLUMNS`."""
    target, digest, at_us, attempts, state, error = row
    return DeliveryRow(target=target, digest=digest, at_us=at_us, attempts=attempts, state=state, error=error)


def maintenance(connection: sqlite3.Connection) -> list[MaintenanceRow]:
    """Return every maintenance by start, then key."""
    found = connection.execute(f"SELECT {MAINTENANCE_COLUMNS} FROM maintenance ORDER BY start_us, key")
    return [maintenance_value(row) for row in found]


def closed(
    connection: sqlite3.Connection, contract: str | None, from_us: int | None, body: bool
) -> list[ClosedRow]:
    """Return closed reports by contract, customer, period and revision; bodies are not read unless asked for."""
    asked = {"contract": contract, "from_us": from_us}
    wanted = [f"{name} = :{name}" for name, value in asked.items() if value is not None]
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    found = connection.execute(_CLOSED.format(body="body" if body else "x''", where=where), asked)
    return [closed_value(row) for row in found]


def closed_by_digest(connection: sqlite3.Connection, digest: str) -> ClosedRow | None:
    """Return one closed report with its body."""
    found = connection.execute(
        f"SELECT {CLOSED_COLUMNS} FROM closed WHERE digest = ? ORDER BY number LIMIT 1", (digest,)
    ).fetchone()
    return closed_value(found) if found else None


def deliveries(connection: sqlite3.Connection) -> list[DeliveryRow]:
    """Return the newest deliveries, oldest first."""
    found = connection.execute(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries ORDER BY at_us DESC, target DESC, digest DESC LIMIT ?",
        (DELIVERIES_SHOWN,),
    ).fetchall()
    return [delivery_value(row) for row in reversed(found)]
