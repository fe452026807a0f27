"""Announced maintenance as the own API shows it. Units as in `shapes`."""

from __future__ import annotations

from .shapes import Shape


class WindowShape(Shape, frozen=True, kw_only=True):
    """An announced window, one occurrence."""

    key: str
    title: str
    description: str
    services: list[str]
    start_us: int
    end_us: int
    announced_us: int | None  # when customers were told: as stated, else when it was put on record here
    logged_us: int | None  # when it was put on record here; null: not yet
    cancelled_us: int | None
    source: str  # configuration, calendar, cli, api
    calendar: str | None  # the file or host of the calendar that it comes from
    standing: str  # upcoming, active, over, cancelled


class CalendarShape(Shape, frozen=True, kw_only=True):
    """How a calendar of the configuration fares; while it has a problem, the windows known of it stay."""

    calendar: str  # its file, or its host
    services: list[str]
    ok: bool
    problem: str | None
    read_us: int | None  # when it was read last
    tried_us: int | None
    windows: int | None  # null until it was read once


class MaintenanceShape(Shape, frozen=True, kw_only=True):
    """Announced windows by start: at most `limit` of `total`."""

    now_us: int
    total: int
    windows: list[WindowShape]
    calendars: list[CalendarShape]
    problems: list[str]  # of schedules in the configuration


class AnnouncedShape(Shape, frozen=True, kw_only=True):
    """What became of an announcement; each warning names a contract that will not excuse it."""

    window: WindowShape
    new: bool  # false: the same was on record already
    warnings: list[str]


class CancelledShape(Shape, frozen=True, kw_only=True):
    """A window that was taken back before it began."""

    window: WindowShape
