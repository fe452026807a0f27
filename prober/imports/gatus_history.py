"""Gatus's SQLite file: each row of `endpoint_results` is one run of an endpoint.

A result is dated by its end, in UTC; `duration` is in nano-seconds, and 0 where the run failed before it was known.
Gatus retries nothing. What of an endpoint is kept only as sums of an hour (`endpoint_uptimes`) holds no results.
"""

from __future__ import annotations

from collections.abc import Iterator

from prober.store.foreign import ForeignFile

from .history_parts import Naming, Told, cause, earlier, instant, microseconds
from .lines import Line

_SEPARATOR = "|~|"  # between the errors of a result
_NANOSECONDS = 1000  # in a micro-second


def is_gatus(file: ForeignFile) -> bool:
    """Whether a file is one of Gatus."""
    return file.has("endpoints", "endpoint_id", "endpoint_name", "endpoint_group") and file.has(
        "endpoint_results", "endpoint_id", "success", "errors", "duration", "timestamp"
    )


def gatus_history(file: ForeignFile, region: str, naming: Naming, told: Told) -> Iterator[Line]:
    """Yield every result of every endpoint, in the order that they were stored."""
    names = _names(file, naming)
    conditions = _broken_conditions(file)
    _tell_sums(file, told)
    for number, endpoint, success, errors, duration, timestamp, suite in file.rows(_results(file)):
        if suite is not None:
            told.skipped["results of steps of suites, which no single probe stands for"] += 1
            continue
        if endpoint not in names:
            told.skipped["results of endpoints that no longer exist"] += 1
            continue
        end = instant(timestamp)
        if end is None or success not in (0, 1):
            told.skipped["results whose time or outcome cannot be read"] += 1
            continue
        took_us = microseconds(duration, units=_NANOSECONDS)
        words = [each for each in str(errors or "").split(_SEPARATOR) if each] + conditions.get(number, [])
        told.results[names[endpoint]] += 1
        yield Line(
            probe=names[endpoint],
            region=region,
            at=earlier(end, took_us),
            outcome="pass" if success else "fail",
            duration_us=took_us,
            failure=cause("; ".join(words)) if words and not success else None,
        )


def _results(file: ForeignFile) -> str:
    suite = "suite_result_id" if file.has("endpoint_results", "suite_result_id") else "NULL"
    return f"""SELECT endpoint_result_id, endpoint_id, success, errors, duration, timestamp, {suite}
        FROM endpoint_results ORDER BY endpoint_result_id"""


def _names(file: ForeignFile, naming: Naming) -> dict[object, str]:
    found = file.rows("SELECT endpoint_id, endpoint_name, endpoint_group FROM endpoints ORDER BY endpoint_id")
    names: dict[object, str] = {}
    for number, title, group in found:
        names[number] = naming.name(str(title or ""), f"{group}/{title}", otherwise="endpoint")
    return names


def _broken_conditions(file: ForeignFile) -> dict[object, list[str]]:
    """Return the conditions that did not hold, by result."""
    found: dict[object, list[str]] = {}
    if file.has("endpoint_result_conditions", "endpoint_result_id", "condition", "success"):
        sql = "SELECT endpoint_result_id, condition FROM endpoint_result_conditions WHERE success = 0"
        for number, condition in file.rows(sql):
            found.setdefault(number, []).append(str(condition))
    return found


def _tell_sums(file: ForeignFile, told: Told) -> None:
    for table, words in (
        (
            "endpoint_uptimes",
            "sums of hours, which hold no single results, so that what is older cannot be carried over",
        ),
        ("suite_results", "results of suites, which no single probe stands for"),
    ):
        if table in file.tables:
            (count,) = next(file.rows(f"SELECT count(*) FROM {table}"))
            if count:
                told.skipped[words] += count
