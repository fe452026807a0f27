"""Announced maintenance as the status page shows it: beside a component while it lasts, and what comes next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prober.hub.verdict import service_subject
from prober.hub.view import View
from prober.maintenance.present import current, upcoming

from .components import Component
from .ids import public_id

AHEAD_US = 7 * 86_400_000_000
MAX_SHOWN = 20  # of the windows that come next
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A window that comes next."""

    id: str
    title: str
    description: str
    when: str
    services: str


def under_way(view: View, shown: Sequence[Component], now_us: int) -> Mapping[str, tuple[str, ...]]:
    """Return what is said of each component that is under maintenance, by its key."""
    keys = {component.key for component in shown}
    said: dict[str, list[str]] = {}
    for window in current(view.maintenance, now_us):
        words = f"{window.title}, until {moment_text(window.end_us)}"
        for key in map(service_subject, window.services):
            if key in keys:
                said.setdefault(key, []).append(words)
    return {key: tuple(words) for key, words in said.items()}


def planned(view: View, shown: Sequence[Component], now_us: int) -> tuple[tuple[Planned, ...], int]:
    """Return the windows of the next 7 days, the next one first, and how many more there are."""
    titles = {component.key: component.title for component in shown}
    found = [
        window
        for window in upcoming(view.maintenance, now_us, AHEAD_US)
        if any(service_subject(name) in titles for name in window.services)
    ]
    listed = tuple(
        Planned(
            id=public_id(f"maintenance:{window.key}"),
            title=window.title,
            description=window.description,
            when=span_text(window.start_us, window.end_us),
            services=", ".join(
                titles[service_subject(name)] for name in window.services if service_subject(name) in titles
            ),
        )
        for window in found[:MAX_SHOWN]
    )
    return listed, len(found) - len(listed)


def moment_text(at_us: int) -> str:
    """Return an instant to the minute, such as `7 March 2026, 14:02 UTC`."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def span_text(start_us: int, end_us: int) -> str:
    """Return a span to the minute; the day once where it begins and ends on the same."""
    start = datetime.fromtimestamp(start_us // 1_000_000, UTC)
    if start_us // DAY_US != end_us // DAY_US:
        return f"{moment_text(start_us)} to {moment_text(end_us)}"
    return f"{start.day} {start:%B %Y, %H:%M} to {datetime.fromtimestamp(end_us // 1_000_000, UTC):%H:%M} UTC"
