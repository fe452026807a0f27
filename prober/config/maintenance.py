"""The `maintenance` section: a window, a window that repeats, or a calendar that somebody else keeps.

Here: the shape, and what cannot be together. Not here: working out the windows (`prober.maintenance`).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator

from checks.core.schema import Section
from checks.core.values import DurationUs, at_least, at_most

from .contract_terms import Day, InstantUs, Zone
from .terms import Prose, Title, wrong

MAX_MEMBERS = 1_000
MAX_EXCEPTIONS = 1_000
MAX_WINDOW_US = 366 * 86_400_000_000

_OF_A_WINDOW = ("start", "end", "announced", "repeat")
_OF_A_RULE = ("until", "except")
_OF_A_CALENDAR = ("match", "refresh", "trust_stamps")


def _rule(text: str) -> str:
    from prober.maintenance.rules import read_rule

    _told(lambda: read_rule(text))
    return text


def _told(act: Callable[[], object]) -> None:
    """Do something; what is wrong with a schedule is told as a fault at this place of the file."""
    from prober.maintenance.rules import (
        RuleError,  # that package builds on this one: imported when it is needed
    )

    try:
        act()
    except RuleError as problem:
        raise wrong(str(problem), problem.hint) from None


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _calendar(text: str) -> str:
    if not text.isprintable() or len(text) > 2_000:
        raise wrong("expected a file, or an address such as https://calendar.example/ops.ics")
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("https", "http"):
        raise wrong("not an address of a calendar", "a file, or https://...")
    if parts.scheme == "http" and not _is_near(host):
        raise wrong("a calendar is read over https only", "anybody on the way could change what is announced")
    if "@" in parts.netloc or parts.fragment:
        raise wrong("an address without user and fragment is expected")
    return text


class MaintenanceBlock(Section):
    """A planned interruption. It is probed as usual; contracts say whether it is excused."""

    title: Title | None = None
    """What is done; for a calendar, what is shown of events without a summary."""
    description: Prose | None = None
    """A sentence or two for the status page."""
    services: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    """The services that it touches."""
    start_us: InstantUs | None = Field(default=None, alias="start")
    """When it begins; of a window that repeats, when it begins for the first time."""
    end_us: InstantUs | None = Field(default=None, alias="end")
    """When it ends; what runs over is not excused."""
    announced_us: InstantUs | None = Field(default=None, alias="announced")
    """When customers were told; contracts ask for notice. If absent, when the daemon first knew of it."""
    repeat: Annotated[str, AfterValidator(_rule)] | None = None
    """How it repeats, as an RRULE of RFC 5545 such as `FREQ=WEEKLY;BYDAY=SU`. Needs the extra `ical`."""
    timezone: Zone = "UTC"
    """The zone on whose wall clock it repeats; of a calendar, the zone of times that name none."""
    until_day: Day | None = Field(default=None, alias="until")
    """The last day on which it begins."""
    except_days: Annotated[tuple[Day, ...], Field(max_length=MAX_EXCEPTIONS)] = Field(
        default=(), alias="except"
    )
    """Days on which it does not begin."""
    calendar: Annotated[str, StringConstraints(min_length=1), AfterValidator(_calendar)] | None = Field(
        default=None, repr=False
    )
    """An iCalendar file, relative to this file, or its https address. Needs the extra `ical`."""
    match: Title | None = None
    """Only events with this text in their summary or among their categories; upper and lower case are alike."""
    refresh_us: Annotated[DurationUs, at_least("1m"), at_most("7d")] = Field(
        default=900_000_000, alias="refresh"
    )
    """How often the calendar is read anew."""
    trust_stamps: StrictBool = False
    """Whether the calendar's own stamps say when an event was announced; else when it was first seen here."""

    @property
    def span_us(self) -> tuple[int, int]:
        """Start and end of the first window; ValueError for a calendar, which has none of its own."""
        if self.start_us is None or self.end_us is None:
            raise ValueError("a calendar has no start and end of its own")
        return self.start_us, self.end_us

    @model_validator(mode="after")
    def _whole(self) -> MaintenanceBlock:
        given = {type(self).model_fields[name].alias or name for name in self.model_fields_set}
        if self.calendar is not None:
            _refuse(given, (*_OF_A_WINDOW, *_OF_A_RULE), "is not for a calendar", "its events say when")
            _with_extra("calendar")
            return self
        _refuse(given, _OF_A_CALENDAR, "is for a calendar only")
        if self.repeat is None:
            _refuse(given, (*_OF_A_RULE, "timezone"), "is of no use without repeat")
        missing = [name for name in ("title", "start", "end") if _value(self, name) is None]
        if missing:
            hint = "or a calendar" if missing[0] != "title" else ""
            raise wrong(f"{' and '.join(missing)} required, but missing", hint)
        self._check_times()
        return self

    def _check_times(self) -> None:
        start_us, end_us = self.span_us
        if end_us <= start_us:
            raise wrong("the end is not after the start")
        if end_us - start_us > MAX_WINDOW_US:
            raise wrong("a window is at most 366 days long")
        if self.repeat is not None:
            _with_extra("repeat")
            _check_schedule(self)


def _value(block: MaintenanceBlock, key: str) -> object:
    return {"title": block.title, "start": block.start_us, "end": block.end_us}[key]


def _refuse(given: set[str], keys: tuple[str, ...], why: str, hint: str = "") -> None:
    for key in keys:
        if key in given:
            raise wrong(f"{key} {why}", hint)


def _with_extra(key: str) -> None:
    from prober.maintenance.extra import need_extra

    _told(lambda: need_extra(key))


def _check_schedule(block: MaintenanceBlock) -> None:
    from prober.maintenance.expand import check_schedule

    _told(lambda: check_schedule(block))
