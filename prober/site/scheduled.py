"""Announced maintenance in the shapes of the Statuspage v2 API. Pure.

A window is `scheduled` until it begins, `in_progress` until it ends, then `completed`; one that was cancelled is
`completed` as well, for there is no other word, and its newest update says so. Components keep the state that was
measured: a window stands beside it and never replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from prober.maintenance.present import current, standing, upcoming
from reports.contract import MaintenanceWindow

from .ids import public_id
from .moments import instant

MAX_LISTED = 50
AHEAD_US = 400 * 86_400_000_000

Phase = Literal["scheduled", "in_progress", "completed"]

_WORDS: Mapping[Phase, str] = {
    "scheduled": "Maintenance is scheduled.",
    "in_progress": "Maintenance is under way.",
    "completed": "The maintenance window is over.",
}
_CANCELLED = "This maintenance was cancelled."


class AffectedShape(msgspec.Struct, frozen=True, kw_only=True):
    """A component that an update is about."""

    code: str
    name: str
    old_status: str
    new_status: str


class UpdateShape(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said."""

    id: str
    status: Phase
    body: str
    incident_id: str
    created_at: str
    updated_at: str
    display_at: str
    affected_components: list[AffectedShape] | None = None
    deliver_notifications: bool = False
    custom_tweet: str | None = None
    tweet_id: str | None = None


class MaintenanceShape(msgspec.Struct, frozen=True, kw_only=True):
    """A window; an incident with two instants more."""

    id: str
    name: str
    status: Phase
    created_at: str
    updated_at: str
    monitoring_at: str | None
    resolved_at: str | None
    impact: Literal["maintenance"]
    shortlink: str
    started_at: str
    page_id: str
    incident_updates: list[UpdateShape]
    components: Sequence[object]
    scheduled_for: str
    scheduled_until: str


@dataclass(frozen=True, slots=True)
class Place:
    """The page that windows are shown on, and the shapes of its components by the name of their service."""

    page_id: str
    url: str
    components: Mapping[str, object]


def every(windows: Sequence[MaintenanceWindow], place: Place, now_us: int) -> list[MaintenanceShape]:
    """Return the newest 50 windows, the one that begins last first."""
    newest = sorted(windows, key=lambda window: (-window.start_us, window.key))
    return [_shape(window, place, now_us) for window in newest[:MAX_LISTED]]


def to_come(windows: Sequence[MaintenanceWindow], place: Place, now_us: int) -> list[MaintenanceShape]:
    """Return the next 50 windows, the next one first."""
    found = upcoming(windows, now_us, AHEAD_US)[:MAX_LISTED]
    return [_shape(window, place, now_us) for window in found]


def under_way(windows: Sequence[MaintenanceWindow], place: Place, now_us: int) -> list[MaintenanceShape]:
    """Return the windows under way, at most 50."""
    return [_shape(window, place, now_us) for window in current(windows, now_us)[:MAX_LISTED]]


def _shape(window: MaintenanceWindow, place: Place, now_us: int) -> MaintenanceShape:
    window_id = public_id(f"maintenance:{window.key}")
    updates = _updates(window, window_id, now_us)
    ended_us = window.cancelled_us or (window.end_us if window.end_us <= now_us else None)
    return MaintenanceShape(
        id=window_id,
        name=window.title,
        status=updates[0].status,
        created_at=updates[-1].created_at,
        updated_at=updates[0].updated_at,
        monitoring_at=None,
        resolved_at=None if ended_us is None else instant(ended_us),
        impact="maintenance",
        shortlink=f"{place.url}/#{window_id}",
        started_at=instant(window.start_us),
        page_id=place.page_id,
        incident_updates=updates,
        components=[place.components[name] for name in window.services if name in place.components],
        scheduled_for=instant(window.start_us),
        scheduled_until=instant(window.end_us),
    )


def _updates(window: MaintenanceWindow, window_id: str, now_us: int) -> list[UpdateShape]:
    """Return what was said so far, newest first: announced, begun, over, or cancelled."""
    told_us = window.announced_us if window.announced_us is not None else window.logged_us
    told_us = min(told_us if told_us is not None else window.start_us, now_us)
    words = window.description or _WORDS["scheduled"]
    said: list[tuple[Phase, str, int]] = [("scheduled", words, told_us)]
    stands = standing(window, now_us)
    if window.cancelled_us is not None:
        said.append(("completed", _CANCELLED, window.cancelled_us))
    elif stands != "upcoming":
        said.append(("in_progress", _WORDS["in_progress"], max(window.start_us, told_us)))
        if stands == "over":
            said.append(("completed", _WORDS["completed"], max(window.end_us, told_us)))
    return [_update(window_id, *each) for each in reversed(said)]


def _update(window_id: str, phase: Phase, body: str, at_us: int) -> UpdateShape:
    at = instant(at_us)
    return UpdateShape(
        id=public_id(f"{window_id}:{phase}"),
        status=phase,
        body=body,
        incident_id=window_id,
        created_at=at,
        updated_at=at,
        display_at=at,
    )
