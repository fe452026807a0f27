"""Windows at an instant, for pages and tables: which are under way, which come next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from reports.contract import MaintenanceWindow

Standing = Literal["upcoming", "active", "over", "cancelled"]


def standing(window: MaintenanceWindow, now_us: int) -> Standing:
    """Return where a window stands."""
    if window.cancelled_us is not None:
        return "cancelled"
    if now_us < window.start_us:
        return "upcoming"
    return "active" if now_us < window.end_us else "over"


def current(
    windows: Iterable[MaintenanceWindow], now_us: int, services: Collection[str] | None = None
) -> tuple[MaintenanceWindow, ...]:
    """Return the windows under way, of some services or all, the one that ends last first."""
    found = [
        window
        for window in windows
        if standing(window, now_us) == "active" and (services is None or touches(window, services))
    ]
    return tuple(sorted(found, key=lambda window: (-window.end_us, window.key)))


def upcoming(
    windows: Iterable[MaintenanceWindow], now_us: int, within_us: int
) -> tuple[MaintenanceWindow, ...]:
    """Return the windows that begin within so long from now, the next one first."""
    found = [
        window
        for window in windows
        if standing(window, now_us) == "upcoming" and window.start_us <= now_us + within_us
    ]
    return tuple(sorted(found, key=lambda window: (window.start_us, window.end_us, window.key)))


def touches(window: MaintenanceWindow, services: Collection[str]) -> bool:
    """Say whether a window touches one of some services."""
    return not set(window.services).isdisjoint(services)
