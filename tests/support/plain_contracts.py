"""A contract with nothing special about it, instants of a zone by eye, and maintenance windows told in time."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from reports.contract import Contract, MaintenanceWindow, ServiceTerms, Time

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US


def contract(**changes: Any) -> Contract:
    """Return a contract about the service `shop`, changed as told."""
    shop = ServiceTerms(name="shop", title="Shop", probes=(), needed=1)
    terms = {
        "name": "gold",
        "title": "Gold",
        "services": (shop,),
        "claim": Fraction("0.999"),
        "method": Time(),
    }
    return Contract(**(terms | changes))


def us(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """Return the instant at which a zone's clock shows a time, written as 2026-03-01 08:00."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND_US


def window(start_us: int, end_us: int, **changes: Any) -> MaintenanceWindow:
    """Return a window of `shop` that was announced ten days before it begins, and logged then."""
    told_us = start_us - 10 * DAY_US
    terms = {"key": f"{start_us}", "title": "Upgrade", "services": ("shop",), "start_us": start_us}
    terms |= {"end_us": end_us, "announced_us": told_us, "logged_us": told_us}
    return MaintenanceWindow(**(terms | changes))
