"""What `prober maintenance` needs of the daemon's answers; keys that it does not know are passed over.

Units as in `answers`.
"""

from __future__ import annotations

from .answers import Answer


class PlannedAnswer(Answer, frozen=True, kw_only=True):
    """An announced window."""

    key: str
    title: str
    services: list[str]
    start_us: int
    end_us: int
    announced_us: int | None
    cancelled_us: int | None
    source: str
    calendar: str | None
    standing: str
    logged_us: int | None = None


class CalendarAnswer(Answer, frozen=True, kw_only=True):
    """How a calendar fares."""

    calendar: str
    ok: bool
    problem: str | None


class MaintenanceAnswer(Answer, frozen=True, kw_only=True):
    """Announced windows."""

    now_us: int
    total: int
    windows: list[PlannedAnswer]
    calendars: list[CalendarAnswer]
    problems: list[str]


class AnnouncedAnswer(Answer, frozen=True, kw_only=True):
    """What became of an announcement."""

    window: PlannedAnswer
    new: bool
    warnings: list[str]


class CancelledAnswer(Answer, frozen=True, kw_only=True):
    """A window that was taken back."""

    window: PlannedAnswer
