"""The periods of a contract that can be chosen, and those beside one. Pure; `now_us` is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reports.contract import Contract
from reports.periods import Period, before, calendar_named, midnight_us, period_at, period_named

MOST = 36  # periods in the list


@dataclass(frozen=True, slots=True)
class Beside:
    """The names of the periods before and after one; None where there is none to show."""

    earlier: str | None
    later: str | None


def choices(versions: Sequence[Contract], now_us: int) -> list[str]:
    """Return the names of the periods to choose from, the running one first, as far back as the contract holds."""
    newest, first_us = versions[-1], begins_us(versions)
    period = period_at(newest.window, newest.zone, now_us)
    found = [period.label]
    while len(found) < MOST:
        period = before(period, newest.window, newest.zone)
        if first_us is not None and period.end_us <= first_us:
            break
        found.append(period.label)
    return found


def beside(versions: Sequence[Contract], label: str, now_us: int) -> Beside:
    """Return the names of the periods beside one that is named as reports name it."""
    newest, first_us = versions[-1], begins_us(versions)
    period = _named(newest, label)
    if period is None:
        return Beside(None, None)
    earlier = before(period, newest.window, newest.zone)
    if earlier.start_us >= now_us:
        earlier = period_at(newest.window, newest.zone, now_us)
    later = _after(newest, period)
    has_earlier = first_us is None or earlier.end_us > first_us
    return Beside(
        earlier.label if has_earlier else None,
        later.label if later is not None and later.start_us < now_us else None,
    )


def begins_us(versions: Sequence[Contract]) -> int | None:
    """Return from when on there is a contract; None: always."""
    oldest = min(versions, key=lambda version: version.from_day or date.min)
    return midnight_us(oldest.from_day, oldest.zone) if oldest.from_day is not None else None


def _named(contract: Contract, label: str) -> Period | None:
    """Return the period of a name, by the contract's own window or by the calendar."""
    try:
        return period_named(contract.window, contract.zone, label)
    except ValueError:
        pass
    try:
        return calendar_named(label, contract.zone)
    except ValueError:
        return None


def _after(contract: Contract, period: Period) -> Period | None:
    """Return the period that follows; of rolling windows the one that begins where this one ends."""
    if contract.window.unit == "rolling":
        return period_at(contract.window, contract.zone, 2 * period.end_us - period.start_us)
    try:
        inside = period_named(contract.window, contract.zone, period.label)
    except ValueError:  # another unit than the contract's, such as a quarter of a monthly one
        return None
    return period_at(contract.window, contract.zone, inside.end_us)
