"""Hours of the week, such as "Mo-Fr 08:00-20:00; Sa 10:00-14:00": read, written, and turned into instants of a zone.

They are times on the wall: an instant is in them if the clock shows one of them then, so on a day with a clock change
they are longer or shorter in elapsed time. Not here: what is excused in them (`exclusions`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

from reports.contract import HoursPart
from reports.intervals import Interval, Intervals, intersect, union
from reports.zones import day_at, times_of

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_NAMED = f"(?:{'|'.join(_DAYS)})"
_RANGE = f"{_NAMED}(?:-{_NAMED})?"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_PART = re.compile(f"({_RANGE}(?:,{_RANGE})*) ({_CLOCK})-({_CLOCK}|24:00)")
_DAY = timedelta(days=1)
_WHOLE_DAY = 1440  # minutes
_ALWAYS = (HoursPart(frozenset(range(7)), 0, _WHOLE_DAY),)
_SHORTEST_RANGE = 3  # days in a row that are written as a range


def parse_hours(text: str) -> tuple[HoursPart, ...]:
    """Read hours of the week; ValueError with a hint. A range of days may go over Sunday: "Fr-Mo"."""
    return tuple(_part(part.strip()) for part in text.split(";"))


def _part(text: str) -> HoursPart:
    match = _PART.fullmatch(text)
    if match is None:
        raise ValueError(f"not service hours: {text!r} (write them like Mo-Fr 08:00-20:00; Sa 10:00-14:00)")
    start, end = _minutes(match[2]), _minutes(match[3])
    if start >= end:
        raise ValueError(f"{text!r} ends before it begins (write hours over midnight as two parts)")
    return HoursPart(frozenset(day for days in match[1].split(",") for day in _weekdays(days)), start, end)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _weekdays(days: str) -> list[int]:
    first, last = _DAYS.index(days[:2]), _DAYS.index(days[-2:])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def hours_text(parts: Sequence[HoursPart]) -> str:
    """Write hours of the week as they are read."""
    return "; ".join(f"{_days_text(part.weekdays)} {_clock(part.start)}-{_clock(part.end)}" for part in parts)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days_text(weekdays: Collection[int]) -> str:
    runs: list[list[int]] = []
    for day in sorted(weekdays):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(text for run in runs for text in _run_texts(run))


def _run_texts(run: list[int]) -> list[str]:
    if len(run) >= _SHORTEST_RANGE:
        return [f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}"]
    return [_DAYS[day] for day in run]


def open_intervals(
    parts: Sequence[HoursPart], holidays: Collection[date], zone: str, start_us: int, end_us: int
) -> Intervals:
    """Return the time of [start, end) that lies in the hours; without parts all of it, less the holidays.

    An instant is in the hours if the date and the time that the clock shows then are: what is skipped has no time,
    what is repeated counts both times. 24:00 is the end of the date. Holidays, as local dates, have no hours.
    """
    if start_us >= end_us:
        return ()
    if not parts and not holidays:
        return ((start_us, end_us),)
    # From the day before on: the clock may go back to it when the next one has begun.
    first, last = day_at(start_us, zone) - _DAY, day_at(end_us - 1, zone)
    dates = (first + number * _DAY for number in range((last - first).days + 1))
    whole = (
        hours for day in dates if day not in holidays for hours in _hours_of(day, parts or _ALWAYS, zone)
    )
    return intersect(union(whole), ((start_us, end_us),))


def _hours_of(day: date, parts: Sequence[HoursPart], zone: str) -> Iterator[Interval]:
    for part in parts:
        if day.weekday() in part.weekdays:
            yield from times_of(day, part.start, part.end, zone)
