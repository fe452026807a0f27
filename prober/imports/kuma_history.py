"""Uptime Kuma's SQLite file (`kuma.db`, versions 1 and 2): each row of `heartbeat` is one run of a monitor.

A beat is dated by its start, in UTC. PENDING is a failed run that is tried again after the retry interval instead of
the usual one: the beat that follows it is a retry, whatever its status; it was itself scheduled unless it follows one.
MAINTENANCE is a beat at which nothing was measured. `duration` is the time since the beat before, not that of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from prober.store.foreign import ForeignFile

from .history_parts import Naming, Told, cause, instant, microseconds
from .lines import Line, Reason
from .results import FOREIGN

_DOWN, _UP, _PENDING, _MAINTENANCE = range(4)
_Outcome: TypeAlias = Literal["pass", "fail", "void"]
_OUTCOMES: Mapping[object, _Outcome] = {_DOWN: "fail", _UP: "pass", _PENDING: "fail", _MAINTENANCE: "void"}
_NOT_MEASURED = Reason(code=FOREIGN, detail="under maintenance in Uptime Kuma: nothing was measured")
_MADE_UP = {"group": "takes the states of others", "manual": "was set by hand"}
_BEATS = """SELECT monitor_id, status, time, ping, msg FROM heartbeat ORDER BY monitor_id, time, id"""


def is_kuma(file: ForeignFile) -> bool:
    """Whether a file is one of Uptime Kuma."""
    return file.has("monitor", "id", "name") and file.has(
        "heartbeat", "monitor_id", "status", "time", "ping", "msg"
    )


def kuma_history(file: ForeignFile, region: str, naming: Naming, told: Told) -> Iterator[Line]:
    """Yield every beat that was measured, by monitor and time."""
    names = _names(file, naming, told)
    _tell_sums(file, told)
    before: object = None
    status_before: object = None
    for monitor, status, time, ping, words in file.rows(_BEATS):
        is_retry = monitor == before and status_before == _PENDING
        before, status_before = monitor, status
        if monitor not in names:
            told.skipped["beats of monitors that no longer exist"] += 1
            continue
        name = names[monitor]
        if name is None:
            continue
        line = _line(name, region, status, time, ping, str(words or ""), is_retry)
        if line is None:
            told.skipped["beats whose time or status cannot be read"] += 1
            continue
        told.results[name] += 1
        yield line


def _line(
    name: str, region: str, status: object, time: object, ping: object, words: str, is_retry: bool
) -> Line | None:
    at, outcome = instant(time), _OUTCOMES.get(status)
    if at is None or outcome is None:
        return None
    failure = {"pass": None, "fail": cause(words) if words else None, "void": _NOT_MEASURED}[outcome]
    return Line(
        probe=name,
        region=region,
        at=at,
        outcome=outcome,
        duration_us=0 if outcome == "void" else microseconds(ping, 1000),
        failure=failure,
        kind="retry" if is_retry else "scheduled",
    )


def _names(file: ForeignFile, naming: Naming, told: Told) -> dict[object, str | None]:
    """Return the probe of each monitor; None for those that measure nothing themselves."""
    kind = "type" if file.has("monitor", "type") else "''"
    names: dict[object, str | None] = {}
    for number, title, of_type in file.rows(f"SELECT id, name, {kind} FROM monitor ORDER BY id"):
        if of_type in _MADE_UP:
            names[number] = None
            told.notes.append(f"monitor {number} ({title}): {_MADE_UP[of_type]}, and is left out")
        else:
            names[number] = naming.name(str(title or ""), str(number), otherwise=f"monitor-{number}")
    return names


def _tell_sums(file: ForeignFile, told: Told) -> None:
    for table, words in (
        (
            "stat_daily",
            "sums of days, which hold no single results, so that what is older cannot be carried over",
        ),
        ("maintenance", "announced maintenances, to be written under `maintenance` in the configuration"),
        ("incident", "incidents, which people wrote"),
    ):
        if table in file.tables:
            (count,) = next(file.rows(f"SELECT count(*) FROM {table}"))
            if count:
                told.skipped[words] += count
