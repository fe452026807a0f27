"""Schedules of the configuration as windows, one an occurrence. Pure: a block and a span of time in, windows out.

A repeated window keeps its start on the wall clock of its zone and its exact length (RFC 5545, section 3.8.5.3):
on the days on which clocks change it ends an hour off on the wall clock and is neither longer nor shorter. A start
that the zone skips is read with the offset before the gap, one that comes twice is the first (section 3.3.5).
Not here: calendars of others (`calendars`), what is on record (`book`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reports.contract import MaintenanceWindow

from .extra import need_extra
from .rules import Rule, RuleError, read_rule

if TYPE_CHECKING:
    from prober.config.services import MaintenanceBlock

MAX_OCCURRENCES = 5_000  # of one schedule in the span that was asked for
CONFIGURATION = "configuration"
KEY_LENGTH = 12  # hexadecimal digits of a window's key
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CYCLE_YEARS = 400  # after which dates fall on the same weekdays again
_LAST_YEARS = 9_600  # the libraries end in 9999: what cannot happen is given up after 400 years at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """Windows in order of their starts, and what is wrong with the schedule, in words."""

    windows: tuple[MaintenanceWindow, ...] = ()
    problems: tuple[str, ...] = ()


def instant_us(at: datetime) -> int:
    """Return an instant with a zone as micro-seconds since the epoch."""
    return (at.astimezone(UTC) - _EPOCH) // _MICROSECOND


def local_time(at_us: int, zone: ZoneInfo) -> datetime:
    """Return an instant as a wall clock of a zone shows it, with the zone."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def key_of(source: str, uid: str, start_us: int, end_us: int, services: Iterable[str]) -> str:
    """Return the key of a window: the same for the same times, services and origin, whatever its title."""
    parts = [source, uid, start_us, end_us, sorted(services)]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def key_again(key: str, times: int) -> str:
    """Return the key of a window that was cancelled so many times and is announced anew; 0: the key itself."""
    return hashlib.sha256(f"{key} {times}".encode()).hexdigest()[:KEY_LENGTH] if times else key


def expand(blocks: Sequence[MaintenanceBlock], from_us: int, to_us: int) -> Expansion:
    """Return the windows of all blocks but calendars that overlap [from_us, to_us), each key once."""
    windows: dict[str, MaintenanceWindow] = {}
    problems: list[str] = []
    for block in blocks:
        if block.calendar is not None:
            continue
        try:
            found = tuple(islice(_windows(block, from_us, to_us), MAX_OCCURRENCES + 1))
        except RuleError as problem:
            problems.append(f"{block.title}: {problem}")
            continue
        if len(found) > MAX_OCCURRENCES:
            problems.append(f"{block.title}: {too_many()}")
        for window in found[:MAX_OCCURRENCES]:
            _add(windows, window)
    return Expansion(windows=in_order(windows.values()), problems=tuple(problems))


def too_many() -> str:
    """Return what is said of a schedule with too many windows."""
    return f"more than {MAX_OCCURRENCES:,} windows; only the first {MAX_OCCURRENCES:,} are known"


def in_order(windows: Iterable[MaintenanceWindow]) -> tuple[MaintenanceWindow, ...]:
    """Return windows by start, then end, then key."""
    return tuple(sorted(windows, key=lambda window: (window.start_us, window.end_us, window.key)))


def _add(windows: dict[str, MaintenanceWindow], window: MaintenanceWindow) -> None:
    """Add a window; a second one of the same times and services, which has another title, gets a key of its own."""
    times = 0
    while (key := key_again(window.key, times)) in windows:
        if windows[key].title == window.title:
            return
        times -= 1  # numbers of their own: those above 0 are for what was cancelled
    windows[key] = _with_key(window, key)


def _with_key(window: MaintenanceWindow, key: str) -> MaintenanceWindow:
    return window if key == window.key else replace(window, key=key)


def _windows(block: MaintenanceBlock, from_us: int, to_us: int) -> Iterator[MaintenanceWindow]:
    first_us, first_end_us = block.span_us
    length_us = first_end_us - first_us
    for start_us in _starts(block, from_us - length_us, to_us):
        end_us = start_us + length_us
        if end_us > from_us:
            yield MaintenanceWindow(
                key=key_of(CONFIGURATION, "", start_us, end_us, block.services),
                title=block.title or "",
                services=block.services,
                start_us=start_us,
                end_us=end_us,
                announced_us=block.announced_us,
                source=CONFIGURATION,
                description=block.description or "",
            )


def _starts(block: MaintenanceBlock, from_us: int, to_us: int) -> Iterator[int]:
    """Yield the starts before `to_us`; those long before `from_us` are left out."""
    first_us, _ = block.span_us
    if block.repeat is None:
        if first_us < to_us:
            yield first_us
        return
    zone = ZoneInfo(block.timezone)
    rule = read_rule(block.repeat)
    first = local_time(first_us, zone).replace(tzinfo=None)
    excepted, until = frozenset(block.except_days), block.until_day
    for at in _repeated(rule, first):
        start_us = instant_us(at.replace(tzinfo=zone)) if at != first else first_us
        day = at.date()
        if start_us >= to_us or _is_over(rule, at, start_us) or (until is not None and day > until):
            return
        if start_us > from_us and day not in excepted:
            yield start_us


def _is_over(rule: Rule, at: datetime, start_us: int) -> bool:
    """Say whether UNTIL is past: as an instant, or as a local date or time, which is included."""
    if not rule.until:
        return False
    last = rule.last()
    if rule.until.endswith("Z"):
        return start_us > instant_us(last.replace(tzinfo=UTC))
    return at > last if "T" in rule.until else at.date() > last.date()


def _repeated(rule: Rule, first: datetime) -> Iterator[datetime]:
    need_extra("repeat")
    from dateutil.rrule import rrulestr

    try:
        yield from rrulestr(rule.parts, dtstart=first)
    except (ValueError, TypeError) as error:
        raise RuleError(f"the rule cannot be used: {error}") from None


def check_schedule(block: MaintenanceBlock) -> None:
    """Raise RuleError for a repeated block whose start its rule does not make, or with too many windows."""
    if block.repeat is None:
        return
    start_us, _ = block.span_us
    if start_us % 1_000_000:
        raise RuleError("what repeats begins at a whole second")
    first = local_time(start_us, ZoneInfo(block.timezone)).replace(tzinfo=None)
    later = first.replace(year=_last_cycle(first.year))
    if next(_repeated(read_rule(block.repeat), later), None) != later:
        day = f"{first:%A} {first:%Y-%m-%d} {first:%H:%M}"
        raise RuleError(f"the rule does not begin with the start, {day} in {block.timezone}", "move start")
    horizon_us = start_us + 400 * 86_400 * 1_000_000
    if expand((block,), start_us, horizon_us).problems:
        raise RuleError(f"more than {MAX_OCCURRENCES:,} windows in 400 days")


def _last_cycle(year: int) -> int:
    """Return the last year on record of time that has the same calendar."""
    return year + (_LAST_YEARS + _CYCLE_YEARS - 1 - year) // _CYCLE_YEARS * _CYCLE_YEARS
