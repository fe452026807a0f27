"""Instants in words, for the details of results that the hub makes itself."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_us: int) -> str:
    """Return an instant as `2026-03-15T14:02:11Z`."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
