"""The clock on the wall of an IANA zone, as instants: midnights, local days, and times that a change skips or repeats.

Every instant is integer microseconds since the epoch, UTC; lengths are elapsed time, so a local day may have 23, 24.5
or 25 hours. Not here: months, quarters and other periods (`periods`), nor service hours (`hours`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from reports.intervals import Interval

FIRST_YEAR, LAST_YEAR = 1900, 9998
"""Years that periods are named in: few zones were laid down before, and every period needs a day after its last."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_MIDNIGHT = datetime.min.time()
_MINUTE_US = 60_000_000
_STEP_US = 120 * _MINUTE_US  # no zone changed its clock twice within two hours
_FARTHEST_US = 16 * 60 * _MINUTE_US  # no clock was ever further from UTC


@lru_cache(maxsize=1024)
def _info(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, LookupError):
        raise ValueError(f"not a time zone: {zone!r} (use a name such as Europe/Berlin)") from None


def local(at_us: int, zone: str) -> datetime:
    """Return what the clock shows at an instant; ValueError beyond the years that a date can have."""
    try:
        return (_EPOCH + timedelta(microseconds=at_us)).astimezone(_info(zone))
    except OverflowError:
        raise ValueError(f"no date has the instant {at_us} (is it in microseconds?)") from None


@lru_cache(maxsize=8192)
def local_text(at_us: int, zone: str) -> str:
    """Write an instant in RFC 3339 with the zone's offset; a fraction of a second only if there is one."""
    moment = local(at_us, zone)
    offset = moment.utcoffset() or timedelta()
    # RFC 3339 knows no offset with seconds (Monrovia had one until 1972).
    return (moment.astimezone(UTC) if offset % timedelta(minutes=1) else moment).isoformat()


def earliest_us(wall: datetime, zone: str) -> int:
    """Return the first instant at which the clock shows `wall` (without zone), or that follows the jump over it."""
    as_utc = _unzoned_us(wall)
    # The two meanings that PEP 495 gives a wall time.
    by_old_offset, by_new_offset = (as_utc - _offset_us(wall.replace(fold=fold), zone) for fold in (0, 1))
    if by_old_offset <= by_new_offset:
        return by_old_offset
    # Skipped: the jump lies between the two, and is where the clock first shows more than `wall`.
    between = range(by_new_offset, by_old_offset)
    return by_new_offset + bisect_left(between, as_utc, key=lambda at_us: _unzoned_us(local(at_us, zone)))


def times_of(day: date, start: int, end: int, zone: str) -> Iterator[Interval]:
    """Yield the time in which the clock shows a date and from `start` up to `end`, in minutes after its midnight.

    What the clock never shows has no time, what it shows twice is twice there: one interval each, in order.
    """
    midnight = _unzoned_us(datetime.combine(day, _MIDNIGHT))
    for first_us, until_us, ahead_us in _clock_around(day, zone):
        begin_us = max(first_us, midnight + start * _MINUTE_US - ahead_us)
        end_us = min(until_us, midnight + end * _MINUTE_US - ahead_us)
        if begin_us < end_us:
            yield begin_us, end_us


@lru_cache(maxsize=4096)
def _clock_around(day: date, zone: str) -> tuple[tuple[int, int, int], ...]:
    """Return all time in which the clock may show a date as (start, end, how far it is ahead of UTC)."""
    midnight = _unzoned_us(datetime.combine(day, _MIDNIGHT))
    steps = range(midnight - _FARTHEST_US, midnight + _DAY // _MICROSECOND + _FARTHEST_US + 1, _STEP_US)
    changes = [
        _change_us(before_us, after_us, zone)
        for before_us, after_us in pairwise(steps)
        if _ahead_us(before_us, zone) != _ahead_us(after_us, zone)
    ]
    return tuple((a, b, _ahead_us(a, zone)) for a, b in pairwise([steps[0], *changes, steps[-1]]))


def _change_us(before_us: int, after_us: int, zone: str) -> int:
    """Return when the clock was changed between two instants."""
    was_us = _ahead_us(before_us, zone)
    return before_us + bisect_left(
        range(before_us, after_us), True, key=lambda at_us: _ahead_us(at_us, zone) != was_us
    )


def _ahead_us(at_us: int, zone: str) -> int:
    return (local(at_us, zone).utcoffset() or timedelta()) // _MICROSECOND


def _unzoned_us(wall: datetime) -> int:
    return (wall.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def _offset_us(wall: datetime, zone: str) -> int:
    return (wall.replace(tzinfo=_info(zone)).utcoffset() or timedelta()) // _MICROSECOND


@lru_cache(
    maxsize=4096
)  # a report asks for the same days again and again, 1,000 contracts for those of a month
def midnight_us(day: date, zone: str) -> int:
    """Return the first instant of a local date.

    If its midnight is skipped, that is the first instant after the jump; if it occurs twice, the earlier one. A date
    that a zone never had (Apia, 2011-12-30) begins, and ends, with the next one: it is empty.
    """
    return earliest_us(datetime.combine(day, _MIDNIGHT), zone)


def day_at(at_us: int, zone: str) -> date:
    """Return the local date whose time, from its first instant to that of the next date, holds an instant.

    It differs from the date on the clock where that goes back over midnight after the new day has begun.
    """
    day = local(at_us, zone).date()
    while midnight_us(day + _DAY, zone) <= at_us:
        day += _DAY
    return day


def days_of(start_us: int, end_us: int, zone: str) -> list[tuple[date, int, int]]:
    """Return the local days of [start, end) as (date, start, end), cut to it; dates without time are left out."""
    found: list[tuple[date, int, int]] = []
    day, at_us = day_at(start_us, zone), start_us
    while at_us < end_us:
        next_us = min(midnight_us(day + _DAY, zone), end_us)
        if at_us < next_us:
            found.append((day, at_us, next_us))
        day, at_us = day + _DAY, next_us
    return found


@lru_cache(maxsize=1024)
def tzdata_version(zone: str = "UTC", places: tuple[str, ...] = TZPATH) -> str:
    """Return the version of the time zone data that a zone's rules come from, and where it is from.

    Such as "2026a (system)", "2026b (package)", or "unknown (system)". The system's data comes first, the `tzdata`
    package serves what it lacks: with a system that leaves out old names, two zones can have different versions.
    """
    _info(zone)
    for place in map(Path, places):
        if (place / zone).is_file():
            return f"{_version_in(place)} (system)"
    return f"{import_module('tzdata').IANA_VERSION} (package)"


def _version_in(place: Path) -> str:
    """Read it where the makers of systems put it: on Linux in the first line of the rules, on macOS and BSD alone."""
    for name, before in (("tzdata.zi", "# version "), ("+VERSION", ""), ("version", "")):
        try:
            with (place / name).open(encoding="ascii", errors="replace") as file:
                line = file.readline(100).strip()
        except OSError:
            continue
        if line.startswith(before):
            return line.removeprefix(before) or "unknown"
    return "unknown"
