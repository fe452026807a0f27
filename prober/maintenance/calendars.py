"""Calendars of others (iCalendar, RFC 5545) as windows: rules, exceptions, added, moved and cancelled occurrences.

Pure: bytes and a span of time in, windows out. The text comes from elsewhere and the libraries have no bound on time,
so the daemon asks a child process (`worker`). Of an event, its summary is shown to the public, its description never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from reports.contract import MaintenanceWindow

from .expand import MAX_OCCURRENCES, Expansion, in_order, instant_us, key_of, local_time, too_many
from .extra import need_extra
from .rules import RuleError, quote, read_rule

MAX_TITLE = 200
MAX_PROBLEMS = 20
UNTITLED = "Maintenance"
_MARGIN = timedelta(days=2)  # local times differ from UTC by less, and are compared without their zones
_IS_NOT_ANNOUNCED = frozenset({"CANCELLED", "TENTATIVE"})
_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")

_Event = Any  # a component of icalendar: a mapping of names to its own kinds of values
_Time = date | datetime


class CalendarError(Exception):
    """The text is no calendar; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the configuration says of a calendar."""

    source: str
    services: tuple[str, ...]
    zone: str
    title: str | None = None
    description: str = ""
    match: str | None = None
    trust_stamps: bool = False


def expand_calendar(data: bytes, terms: Terms, from_us: int, to_us: int) -> Expansion:
    """Return the windows of a calendar that overlap [from_us, to_us); CalendarError if it cannot be read.

    What is wrong with single events is told, and the others stay.
    """
    need_extra("calendar")
    problems: list[str] = []
    windows: dict[str, MaintenanceWindow] = {}
    for events in _by_uid(_events(data), problems).values():
        found = tuple(islice(_windows(events, terms, from_us, to_us, problems), MAX_OCCURRENCES + 1))
        windows.update({window.key: window for window in found})
        if len(windows) > MAX_OCCURRENCES:
            problems.append(too_many())
            break
    kept = in_order(windows.values())[:MAX_OCCURRENCES]
    return Expansion(windows=kept, problems=tuple(problems[:MAX_PROBLEMS]))


def _events(data: bytes) -> Iterator[_Event]:
    from icalendar import Calendar

    try:
        found = Calendar.from_ical(data.removeprefix(b"\xef\xbb\xbf"), multiple=True)
        calendars = [part for part in found if part.name == "VCALENDAR"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalendarError("cannot be read as iCalendar") from error
    if not calendars:
        raise CalendarError("holds no calendar")
    for calendar in calendars:
        yield from calendar.walk("VEVENT")


def _by_uid(events: Iterable[_Event], problems: list[str]) -> Mapping[str, list[_Event]]:
    groups: dict[str, list[_Event]] = {}
    for event in events:
        uid = str(event.get("UID") or "")
        if not uid or event.get("DTSTART") is None:
            problems.append(f"{_named(event)} has no {'UID' if not uid else 'DTSTART'}")
            continue
        groups.setdefault(uid, []).append(event)
    return groups


def _windows(
    events: Sequence[_Event], terms: Terms, from_us: int, to_us: int, problems: list[str]
) -> Iterator[MaintenanceWindow]:
    """Yield the windows of one event with all of its changed occurrences."""
    try:
        for event in events:
            _check(event)
        series = _Series(events, ZoneInfo(terms.zone))
        for occurrence in _occurrences(events, from_us, to_us):
            start_us, end_us = series.span(occurrence)
            if not _is_meant(occurrence, terms) or end_us <= from_us or start_us >= to_us:
                continue
            if end_us > start_us:
                yield _window(occurrence, terms, start_us, end_us)
    except RuleError as problem:
        problems.append(f"{_named(events[0])}: {problem}")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        problems.append(f"{_named(events[0])} cannot be worked out: {type(error).__name__}")


def _check(event: _Event) -> None:
    for rule in _listed(event.get("RRULE")):
        read_rule(rule.to_ical().decode())
    for name in _TIMES:
        for value in _listed(event.get(name)):
            zone = value.params.get("TZID") if hasattr(value, "params") else None
            times = [each.dt for each in value.dts] if hasattr(value, "dts") else [value.dt]
            if zone and any(isinstance(at, datetime) and at.tzinfo is None for at in times):
                raise RuleError(f"no time zone is named {quote(str(zone))}")


def _listed(value: Any) -> list[Any]:  # Any: what icalendar holds, one or several
    return [] if value is None else value if isinstance(value, list) else [value]


def _occurrences(events: Sequence[_Event], from_us: int, to_us: int) -> Iterable[_Event]:
    from icalendar import Calendar
    from recurring_ical_events import of  # type: ignore[import-untyped]  # it comes without types

    calendar = Calendar()  # without the time zone of the whole: what floats is read in the block's zone
    for event in events:
        calendar.add_component(event)
    utc = ZoneInfo("UTC")
    start, end = (local_time(at_us, utc).replace(tzinfo=None) for at_us in (from_us, to_us))
    found: Iterable[_Event] = of(calendar).between(start - _MARGIN, end + _MARGIN)
    return found


class _Series:
    """An event, and which of its occurrences were changed one by one."""

    def __init__(self, events: Sequence[_Event], zone: ZoneInfo) -> None:
        self._zone = zone
        for event in events:
            if event.get("DTEND") is not None and self._us(event["DTEND"].dt) < self._us(event["DTSTART"].dt):
                raise RuleError("it ends before it begins")
        changed = [event for event in events if event.get("RECURRENCE-ID") is not None]
        self._changed = frozenset(self._us(event["RECURRENCE-ID"].dt) for event in changed)
        core = next((event for event in events if event.get("RECURRENCE-ID") is None), None)
        self._naive, self._exact_us = self._length(core) if core is not None else (None, 0)

    def span(self, occurrence: _Event) -> tuple[int, int]:
        """Return start and end of an occurrence; what the rule made is exactly as long as the first one."""
        start, end = occurrence["DTSTART"].dt, occurrence["DTEND"].dt
        start_us = self._us(start)
        is_made = self._us(occurrence["RECURRENCE-ID"].dt) not in self._changed
        if is_made and self._naive is not None and _naive(end) - _naive(start) == self._naive:
            return start_us, start_us + self._exact_us
        return start_us, self._us(end)

    def _length(self, core: _Event) -> tuple[timedelta | None, int]:
        """Return the first one's length by its wall clock and exactly; None where days are meant."""
        start, end, duration = core["DTSTART"].dt, core.get("DTEND"), core.get("DURATION")
        if not isinstance(start, datetime) or (end is None and duration is None):
            return None, 0
        if end is None:  # days of a DURATION are days of the calendar (RFC 5545, section 3.3.6)
            lasts: timedelta = duration.dt
            return (lasts, lasts // timedelta(microseconds=1)) if lasts % timedelta(days=1) else (None, 0)
        return _naive(end.dt) - _naive(start), self._us(end.dt) - self._us(start)

    def _us(self, at: _Time) -> int:
        """Return an instant; a day begins, and a time without a zone is read, in the zone of the block."""
        if not isinstance(at, datetime):
            return instant_us(datetime.combine(at, time(), self._zone))
        return instant_us(at if at.tzinfo is not None else at.replace(tzinfo=self._zone))


def _naive(at: _Time) -> datetime:
    return at.replace(tzinfo=None) if isinstance(at, datetime) else datetime.combine(at, time())


def _is_meant(event: _Event, terms: Terms) -> bool:
    """Say whether an occurrence is announced, and one of those that the block asks for."""
    if str(event.get("STATUS") or "").upper() in _IS_NOT_ANNOUNCED:
        return False
    if terms.match is None:
        return True
    categories = [str(each) for part in _listed(event.get("CATEGORIES")) for each in part.cats]
    sought = terms.match.casefold()
    return any(sought in text.casefold() for text in (str(event.get("SUMMARY") or ""), *categories))


def _window(event: _Event, terms: Terms, start_us: int, end_us: int) -> MaintenanceWindow:
    return MaintenanceWindow(
        key=key_of(terms.source, str(event["UID"]), start_us, end_us, terms.services),
        title=_shown(event.get("SUMMARY")) or terms.title or UNTITLED,
        services=terms.services,
        start_us=start_us,
        end_us=end_us,
        announced_us=_stamp(event) if terms.trust_stamps else None,
        source=terms.source,
        description=terms.description,
    )


def _stamp(event: _Event) -> int | None:
    """Return since when the event reads as it does: made, or changed since; None where it does not say."""
    values = [event[name].dt for name in ("CREATED", "LAST-MODIFIED") if event.get(name) is not None]
    stamps = [at if at.tzinfo is not None else at.replace(tzinfo=UTC) for at in values]
    return instant_us(max(stamps)) if stamps else None


def _named(event: _Event) -> str:
    summary = _shown(event.get("SUMMARY"))
    return f"the event {quote(summary)}" if summary else "an event without a summary"


def _shown(text: object) -> str:
    """Return a text in one line of printable signs, not longer than a title."""
    words = "".join(sign if sign.isprintable() else " " for sign in str(text or "")).split()
    return " ".join(words)[:MAX_TITLE].strip()
