"""Instants as the Statuspage API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(at_us: int) -> str:
    """Return an instant with milliseconds and Z."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_us % 1_000_000 // 1000:03}Z"
