"""Instants and durations in words: for details of results that the hub makes itself, and for people who look."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_us: int) -> str:
    """Return an instant as `2026-03-15T14:02:11Z`."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(duration_us: int) -> str:
    """Write how long ago something was, in the largest unit that fits: `3s`, `12m`, `5h`, `40d`."""
    seconds = max(duration_us, 0) // 1_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
