"""Databases as Uptime Kuma and Gatus leave them: their tables, column by column, and rows as they write them.

Of tables that no import reads only those are made that tell the files apart or have to be told of.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

# Uptime Kuma 1.x: `monitor` and `heartbeat` with the columns of its last version that ran on SQLite alone.
_KUMA_1 = """
CREATE TABLE "monitor"(
    [id] INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, [name] VARCHAR(150), [active] BOOLEAN DEFAULT 1 NOT NULL,
    [user_id] INTEGER, [interval] INTEGER DEFAULT 20 NOT NULL, [url] TEXT, [type] VARCHAR(20),
    [weight] INTEGER DEFAULT 2000, [hostname] VARCHAR(255), [port] INTEGER,
    [created_date] DATETIME DEFAULT (DATETIME('now')) NOT NULL, [keyword] VARCHAR(255),
    [maxretries] INTEGER NOT NULL DEFAULT 0, [ignore_tls] BOOLEAN DEFAULT 0 NOT NULL,
    [upside_down] BOOLEAN DEFAULT 0 NOT NULL, [maxredirects] INTEGER DEFAULT 10 NOT NULL,
    [accepted_statuscodes_json] TEXT DEFAULT '["200-299"]' NOT NULL, [retry_interval] INTEGER DEFAULT 0 NOT NULL,
    [push_token] VARCHAR(20) DEFAULT NULL, [parent] INTEGER DEFAULT NULL);
CREATE TABLE "heartbeat"(
    [id] INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, [important] BOOLEAN DEFAULT 0 NOT NULL,
    [monitor_id] INTEGER NOT NULL REFERENCES [monitor]([id]) ON DELETE CASCADE ON UPDATE CASCADE,
    [status] SMALLINT NOT NULL, [msg] TEXT, [time] DATETIME NOT NULL, [ping] INTEGER,
    [duration] INTEGER NOT NULL DEFAULT 0, [down_count] INTEGER NOT NULL DEFAULT 0);
CREATE INDEX monitor_time_index ON heartbeat(monitor_id, time);
CREATE TABLE [maintenance](
    [id] INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, [title] VARCHAR(150) NOT NULL, [description] TEXT NOT NULL,
    [active] BOOLEAN DEFAULT 1 NOT NULL, [strategy] VARCHAR(50) DEFAULT 'single' NOT NULL,
    [start_date] DATETIME, [end_date] DATETIME);
CREATE TABLE incident(
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, title VARCHAR(255) NOT NULL, content TEXT NOT NULL,
    style VARCHAR(30) DEFAULT 'warning' NOT NULL, created_date DATETIME DEFAULT (DATETIME('now')) NOT NULL);
"""
# Uptime Kuma 2 migrates that file: two columns more, and tables of sums.
_KUMA_2 = (
    _KUMA_1
    + """
ALTER TABLE heartbeat ADD COLUMN end_time DATETIME NULL DEFAULT NULL;
ALTER TABLE heartbeat ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heartbeat ADD COLUMN response TEXT;
CREATE TABLE stat_minutely(id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, monitor_id INTEGER NOT NULL,
    timestamp INTEGER NOT NULL, ping FLOAT NOT NULL, up SMALLINT NOT NULL, down SMALLINT NOT NULL);
CREATE TABLE stat_daily(id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, monitor_id INTEGER NOT NULL,
    timestamp INTEGER NOT NULL, ping FLOAT NOT NULL, up SMALLINT NOT NULL, down SMALLINT NOT NULL);
"""
)
_GATUS_OLD = """
CREATE TABLE endpoints(endpoint_id INTEGER PRIMARY KEY, endpoint_key TEXT UNIQUE, endpoint_name TEXT,
    endpoint_group TEXT, UNIQUE(endpoint_name, endpoint_group));
CREATE TABLE endpoint_results(endpoint_result_id INTEGER PRIMARY KEY,
    endpoint_id INTEGER REFERENCES endpoints(endpoint_id) ON DELETE CASCADE, success INTEGER, errors TEXT,
    connected INTEGER, status INTEGER, dns_rcode TEXT, certificate_expiration INTEGER, domain_expiration INTEGER,
    hostname TEXT, ip TEXT, duration INTEGER, timestamp TIMESTAMP);
CREATE TABLE endpoint_result_conditions(endpoint_result_condition_id INTEGER PRIMARY KEY,
    endpoint_result_id INTEGER REFERENCES endpoint_results(endpoint_result_id) ON DELETE CASCADE, condition TEXT,
    success INTEGER);
CREATE TABLE endpoint_uptimes(endpoint_uptime_id INTEGER PRIMARY KEY,
    endpoint_id INTEGER REFERENCES endpoints(endpoint_id) ON DELETE CASCADE, hour_unix_timestamp INTEGER,
    total_executions INTEGER, successful_executions INTEGER, total_response_time INTEGER,
    UNIQUE(endpoint_id, hour_unix_timestamp));
"""
_GATUS_SUITES = """
CREATE TABLE suites(suite_id INTEGER PRIMARY KEY, suite_key TEXT UNIQUE, suite_name TEXT NOT NULL,
    suite_group TEXT NOT NULL, UNIQUE(suite_name, suite_group));
CREATE TABLE suite_results(suite_result_id INTEGER PRIMARY KEY,
    suite_id INTEGER NOT NULL REFERENCES suites(suite_id) ON DELETE CASCADE, success INTEGER NOT NULL,
    errors TEXT NOT NULL, duration INTEGER NOT NULL, timestamp TIMESTAMP NOT NULL);
ALTER TABLE endpoint_results ADD suite_result_id INTEGER REFERENCES suite_results(suite_result_id) ON DELETE CASCADE;
"""
Beat = tuple[int, int, str, float | None, str]
"""Monitor, status, time, ping in milli-seconds, message."""
Run = tuple[int, int, str, int, str]
"""Endpoint, success, errors, duration in nano-seconds, timestamp."""


def kuma(
    path: Path, monitors: Sequence[tuple[int, str, str]], beats: Sequence[Beat], version: int = 1
) -> sqlite3.Connection:
    """Make a `kuma.db` with monitors (number, name, type); return the connection, in write-ahead logging."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(_KUMA_1 if version == 1 else _KUMA_2)
    connection.executemany("INSERT INTO monitor(id, name, type) VALUES (?, ?, ?)", monitors)
    connection.executemany(
        "INSERT INTO heartbeat(monitor_id, status, time, ping, msg) VALUES (?, ?, ?, ?, ?)", beats
    )
    return connection


def gatus(
    path: Path, endpoints: Sequence[tuple[int, str, str]], runs: Sequence[Run], *, suites: bool = True
) -> sqlite3.Connection:
    """Make a file of Gatus with endpoints (number, name, group); return the connection."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(_GATUS_OLD + (_GATUS_SUITES if suites else ""))
    connection.executemany(
        "INSERT INTO endpoints VALUES (?1, ?3 || '_' || ?2, ?2, ?3)",
        endpoints,
    )
    connection.executemany(
        """INSERT INTO endpoint_results(endpoint_id, success, errors, connected, status, dns_rcode,
            certificate_expiration, domain_expiration, hostname, ip, duration, timestamp)
        VALUES (?, ?, ?, 1, 200, '', 0, 0, 'shop.example', '', ?, ?)""",
        runs,
    )
    return connection
