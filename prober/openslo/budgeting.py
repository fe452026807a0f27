"""How a contract's method, window and claim are written in OpenSLO, as nearly as it can; pure.

The nearest words: `requests` is Occurrences. `minutes` and `periods` are Timeslices of a minute, which are good if at
least 1 - threshold of the attempts are. `slices` is RatioTimeslices: the mean of the slices' ratios. So is `time`, over
a state that is up or not: the mean of the minutes' shares of up time is the share of up time. `weighted` is a composite
whose missing parts add up by weight, so its weights are shares of 1. Import compares with these very words to see
whether somebody has changed them since.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from prober.config.contract_methods import Method
from prober.config.contract_terms import Window
from prober.rules.decimals import decimal

from .words import shorthand

Words: TypeAlias = dict[str, Any]  # Any: plain values of a document
Budgeting = Literal["Occurrences", "Timeslices", "RatioTimeslices"]

HIGHEST = Decimal("0.99999999999999")
"""Written for 100%, which OpenSLO cannot say: higher than any claim below it that a contract can have."""
SOME_GOOD = Decimal("0.0001")
"""The share of good attempts that is asked for where one good attempt is enough: no minute has 10,000 of them."""
_FIRST_DAY = date(2020, 1, 1)
_DURATION = re.compile("([1-9][0-9]{0,5})([mhdwMQY])")
_MINUTES = {"m": 1, "h": 60, "d": 1_440, "w": 10_080, "M": 43_200, "Q": 129_600, "Y": 525_600}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
MAX_ROLLING_DAYS = 999


@dataclass(frozen=True, slots=True)
class Form:
    """A budgeting method with what it needs of each objective, and the weights of a composite."""

    method: Budgeting
    slice_target: Decimal | None = None
    slice_window: str | None = None
    weights: tuple[tuple[str, Decimal], ...] = ()

    def objective(self, target: Decimal) -> Words:
        """Return an objective with this target."""
        found: Words = {"target": target}
        if self.slice_target is not None:
            found["timeSliceTarget"] = self.slice_target
        if self.slice_window is not None:
            found["timeSliceWindow"] = self.slice_window
        return found


def form_of(method: Method) -> Form:
    """Return the nearest that OpenSLO has for a method."""
    if method.requests is not None:
        return Form("Occurrences")
    if method.slices is not None:
        return Form("RatioTimeslices", slice_window=shorthand(method.slices.length_us))
    minutes = method.minutes or method.periods
    if minutes is not None:
        target = SOME_GOOD if minutes.threshold == 1 else decimal(1 - minutes.threshold)
        return Form("Timeslices", slice_target=target, slice_window="1m")
    if method.weighted is not None:
        whole = sum(method.weighted.weights.values())
        weights = tuple((name, decimal(weight / whole)) for name, weight in method.weighted.weights.items())
        return Form("RatioTimeslices", slice_window="1m", weights=weights)
    return Form("RatioTimeslices", slice_window="1m")


def target_of(claim: Fraction) -> Decimal:
    """Return the target for a claim, which must be less than 1."""
    return HIGHEST if claim == 1 else decimal(claim)


def time_window(window: Window, zone: str, first: date | None) -> Words:
    """Return the time window: rolling, or aligned to the calendar from the year that the contract begins in."""
    if window.unit == "rolling":
        return {"duration": f"{window.number}d", "isRolling": True}
    durations = {"month": "1M", "billing": "1M", "quarter": "1Q", "year": "1Y"}
    day = window.number if window.unit == "billing" else 1
    start = (first or _FIRST_DAY).replace(month=1, day=day)
    return {
        "duration": durations[window.unit],
        "isRolling": False,
        "calendar": {"startTime": f"{start.isoformat()} 00:00:00", "timeZone": zone},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A time window as it stands in a document; texts are empty where there is nothing."""

    duration: str
    is_rolling: bool
    start: str = ""
    zone: str = ""


def minutes_in(duration: str) -> int | None:
    """Return a length of time in minutes, months of 30 days and years of 365; None if it is none."""
    match = _DURATION.fullmatch(duration)
    return int(match[1]) * _MINUTES[match[2]] if match else None


def window_from(written: TimeWindow) -> tuple[Window | None, list[str]]:
    """Return the window that is meant, None for one that contracts cannot have, and what is not as it was written."""
    match = _DURATION.fullmatch(written.duration)
    if match is None:
        return None, [f"{written.duration!r} is no length of time such as 30d or 1M"]
    if written.is_rolling:
        return _rolling(written.duration, match[2])
    months = int(match[1]) * _MONTHS.get(match[2], 0)
    if months in (1, 3, 12):
        return _aligned(months, written.start)
    if written.duration == "1m":
        month, notes = _aligned(1, written.start)
        return month, ["1m is a minute: a month, 1M, is taken to be meant", *notes]
    rolling, notes = _rolling(written.duration, match[2])
    return rolling, [
        f"{written.duration} aligned to the calendar is no window here: it rolls instead",
        *notes,
    ]


def _rolling(duration: str, unit: str) -> tuple[Window | None, list[str]]:
    minutes = minutes_in(duration) or 0
    days = minutes // 1_440
    if minutes % 1_440 or not 1 <= days <= MAX_ROLLING_DAYS:
        return None, [f"a window that rolls has from 1 to {MAX_ROLLING_DAYS} whole days, not {duration}"]
    notes = [f"{duration} that roll are taken for {days} days"] if unit in _MONTHS else []
    return Window("rolling", days), notes


def _aligned(months: int, start: str) -> tuple[Window, list[str]]:
    notes = []
    begins = _instant(start)
    if begins is None:
        begins = datetime(2020, 1, 1)
        notes.append(f"{start!r} is no start such as 2026-01-01 00:00:00: windows begin with the calendar")
    if (begins.hour, begins.minute, begins.second) != (0, 0, 0):
        notes.append("windows begin at midnight here")
    if months == 1:
        return (Window("month") if begins.day == 1 else Window("billing", begins.day)), notes
    if begins.day != 1 or (begins.month - 1) % months:
        notes.append("quarters and years begin with those of the calendar here")
    return Window("quarter" if months == 3 else "year"), notes


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def written_window(words: Words) -> TimeWindow:
    """Return what `time_window` has written."""
    calendar = words.get("calendar", {})
    return TimeWindow(
        duration=words["duration"],
        is_rolling=words["isRolling"],
        start=calendar.get("startTime", ""),
        zone=calendar.get("timeZone", ""),
    )


def method_from(form: Form) -> tuple[Words | str, list[str]]:
    """Return the method that a form means, as a configuration writes it, and what is not as it was written.

    For forms of one objective; composites are `composite`.
    """
    if form.method == "Occurrences":
        sliced = form.slice_target is not None or form.slice_window is not None
        return "requests", ["slices mean nothing to Occurrences"] if sliced else []
    minutes = minutes_in(form.slice_window or "")
    notes = [] if minutes else [f"{form.slice_window or 'nothing'} is no timeSliceWindow: a minute is taken"]
    if form.method == "RatioTimeslices":
        notes.append("what a slice without data counts as is not said: it is unknown here")
        return {"slices": {"length": f"{minutes or 1}m", "empty": "unknown"}}, notes
    if minutes and minutes != 1:
        notes.append(f"slices of {form.slice_window} are judged there, minutes here")
    if form.slice_target is None:
        notes.append("no timeSliceTarget: every attempt of a good minute must be good")
    target = form.slice_target if form.slice_target is not None else Decimal(1)
    return {"minutes": {"threshold": percent(max(1 - Fraction(target), Fraction(0)))}}, notes


def percent(share: Fraction) -> str:
    """Return a share as a percentage that a configuration takes: exact up to 12 decimals, then cut off."""
    scaled = share * 100 * 10**12 // 1
    return f"{Decimal(f'{scaled}e-12').normalize():f}%"
