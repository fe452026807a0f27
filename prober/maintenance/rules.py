"""How a schedule repeats: an RRULE of RFC 5545, section 3.3.10, read strictly.

Rules of days and longer only: what repeats within the hour is no maintenance window, and takes long to work out.
Not here: working out when (`expand`), calendars of others (`calendars`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

MAX_RULE_CHARACTERS = 500
EXTRA_HINT = "pip install 'uptime-prober[ical]'"

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TOO_FINE = ("SECONDLY", "MINUTELY", "HOURLY")
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")
_WEEKDAY = re.compile(r"([+-]?[1-9][0-9]?)?(MO|TU|WE|TH|FR|SA|SU)")


def quote(text: str) -> str:
    """Show a text of others in an error; imported late, for the child process that reads calendars starts often."""
    from prober.config.faults import quote as quoted

    return quoted(text)


def _hint(name: str, known: tuple[str, ...]) -> str:
    from prober.config.faults import did_you_mean

    return did_you_mean(name, known)


class RuleError(ValueError):
    """A rule that cannot be used: what is wrong, and what to try."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class MissingExtra(RuleError):
    """The libraries of the extra `ical` are not installed."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} needs the extra ical, which is not installed", EXTRA_HINT)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be read: `parts` without UNTIL, and UNTIL as it is written (`20261231`, `...T235900[Z]`)."""

    parts: str
    until: str = ""

    def last(self) -> datetime:
        """Return UNTIL without a zone; midnight for a date. Only where there is one."""
        shape = "%Y%m%dT%H%M%S" if "T" in self.until else "%Y%m%d"
        return datetime.strptime(self.until.removesuffix("Z"), shape)


def read_rule(text: str) -> Rule:
    """Read a rule such as `FREQ=WEEKLY;BYDAY=SU`; RuleError says what is wrong with it."""
    if not text or len(text) > MAX_RULE_CHARACTERS:
        raise RuleError("expected a rule such as FREQ=WEEKLY;BYDAY=SU", "see RFC 5545, section 3.3.10")
    values: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise RuleError(f"{quote(part)} is not KEY=VALUE", "such as FREQ=WEEKLY;BYDAY=SU")
        if name in values:
            raise RuleError(f"{name} is given twice")
        _check(name, value)
        values[name] = value
    _check_together(values)
    until = values.pop("UNTIL", "")
    rule = Rule(";".join(f"{name}={value}" for name, value in values.items()), until)
    try:
        if until:
            rule.last()
    except ValueError:
        raise RuleError(f"UNTIL={until} is no day of the calendar") from None
    return rule


def _check(name: str, value: str) -> None:
    check = _PARTS.get(name)
    if check is None:
        if name == "BYSECOND":
            raise RuleError("BYSECOND is of no use here", "windows begin at whole minutes of the rule")
        raise RuleError(f"no part of a rule is named {quote(name)}", _hint(name, tuple(_PARTS)))
    check(name, value)


def _check_together(values: dict[str, str]) -> None:
    frequency = values.get("FREQ")
    if frequency is None:
        raise RuleError("the rule has no FREQ", "such as FREQ=WEEKLY;BYDAY=SU")
    if "UNTIL" in values and "COUNT" in values:
        raise RuleError("UNTIL and COUNT exclude each other")
    if "BYWEEKNO" in values and frequency != "YEARLY":
        raise RuleError("BYWEEKNO is for FREQ=YEARLY only")
    if "BYYEARDAY" in values and frequency != "YEARLY":
        raise RuleError("BYYEARDAY is for FREQ=YEARLY only")
    if "BYMONTHDAY" in values and frequency == "WEEKLY":
        raise RuleError("BYMONTHDAY is not for FREQ=WEEKLY")
    numbered = any(item[:-2] for item in values.get("BYDAY", "").split(","))
    if numbered and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in values):
        raise RuleError("a number before a weekday is for FREQ=MONTHLY and FREQ=YEARLY only")
    if "BYSETPOS" in values and not any(name.startswith("BY") and name != "BYSETPOS" for name in values):
        raise RuleError("BYSETPOS needs another BY... beside it")


def _frequency(_name: str, value: str) -> None:
    if value in _TOO_FINE:
        raise RuleError(f"FREQ={value} is too fine for maintenance", f"one of {', '.join(_FREQUENCIES)}")
    if value not in _FREQUENCIES:
        raise RuleError(f"no frequency is named {quote(value)}", _hint(value, _FREQUENCIES))


def _until(_name: str, value: str) -> None:
    if not _UNTIL.fullmatch(value):
        raise RuleError("UNTIL is a date or an instant", "such as UNTIL=20261231 or UNTIL=20261231T230000Z")


def _weekdays(name: str, value: str) -> None:
    for item in value.split(","):
        if not (match := _WEEKDAY.fullmatch(item)) or (match[1] and abs(int(match[1])) > 53):
            raise RuleError(f"{name}: {quote(item)} is not a weekday", "such as SU, or 1SU for the first one")


def _week_start(name: str, value: str) -> None:
    if not (match := _WEEKDAY.fullmatch(value)) or match[1]:
        raise RuleError(f"{name} is a weekday", "such as WKST=MO")


def _whole(most: int) -> Callable[[str, str], None]:
    def check(name: str, value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and 1 <= int(value) <= most):
            raise RuleError(f"{name} is a whole number from 1 to {most}")

    return check


def _numbers(least: int, most: int, *, signed: bool = False) -> Callable[[str, str], None]:
    def check(name: str, value: str) -> None:
        for item in value.split(","):
            digits = item.removeprefix("-" if signed and item.startswith("-") else "+" if signed else "")
            if not (digits.isascii() and digits.isdigit() and len(digits) <= 3):
                raise RuleError(f"{name}: {quote(item)} is not a whole number")
            if not least <= int(digits) <= most:
                raise RuleError(f"{name}: {quote(item)} is not from {least} to {most}")

    return check


_PARTS: dict[str, Callable[[str, str], None]] = {
    "FREQ": _frequency,
    "UNTIL": _until,
    "COUNT": _whole(100_000),
    "INTERVAL": _whole(10_000),
    "BYMONTH": _numbers(1, 12),
    "BYMONTHDAY": _numbers(1, 31, signed=True),
    "BYYEARDAY": _numbers(1, 366, signed=True),
    "BYWEEKNO": _numbers(1, 53, signed=True),
    "BYDAY": _weekdays,
    "BYHOUR": _numbers(0, 23),
    "BYMINUTE": _numbers(0, 59),
    "BYSETPOS": _numbers(1, 366, signed=True),
    "WKST": _week_start,
}
