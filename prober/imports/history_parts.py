"""What reading another monitor's history needs whatever the monitor: names, causes, instants, and what to tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite

from checks.core.failures import Code

from .draft import slug
from .lines import MAX_DURATION_US, Reason
from .results import FOREIGN, MAX_DETAIL


@dataclass(slots=True)
class Told:
    """What was found while reading: results by the name of their probe, and what was left behind."""

    results: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason -> rows that were left out for it."""

    def everything(self) -> list[str]:
        """Return the notes and what was left out, in the order that it was found."""
        return [*self.notes, *(f"{words}: {count:,}" for words, count in self.skipped.items())]


class Naming:
    """Gives probes their names as the import of the configuration does, or as the user said."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._taken: set[str] = set()
        self._used: set[str] = set()

    def name(self, title: str, *aliases: str, otherwise: str = "probe") -> str:
        """Return the name of what has this title; `aliases` are other words for it that the user may have used."""
        plain = slug(title) or otherwise
        for each in (title, *aliases, plain):
            if each in self._given:
                self._used.add(each)
                return self._given[each]
        name, number = plain, 2
        while name in self._taken:
            name, number = f"{plain}-{number}", number + 1
        self._taken.add(name)
        return name

    def unused(self) -> list[str]:
        """Return what the user gave names to and nobody asked for."""
        return sorted(set(self._given) - self._used)


# Words of Node, Go and the monitors themselves that leave no doubt; what may mean several things is left as it is.
_CAUSES: tuple[tuple[str, Code], ...] = (
    ("ECONNREFUSED", Code.CONNECT_REFUSED),
    ("connection refused", Code.CONNECT_REFUSED),
    ("ENOTFOUND", Code.RESOLVE_NXDOMAIN),
    ("no such host", Code.RESOLVE_NXDOMAIN),
    ("EHOSTUNREACH", Code.CONNECT_UNREACHABLE),
    ("ENETUNREACH", Code.CONNECT_UNREACHABLE),
    ("no route to host", Code.CONNECT_UNREACHABLE),
    ("network is unreachable", Code.CONNECT_UNREACHABLE),
    ("ECONNRESET", Code.CONNECTION_RESET),
    ("connection reset by peer", Code.CONNECTION_RESET),
    ("connect ETIMEDOUT", Code.CONNECT_TIMEOUT),
    ("Request failed with status code", Code.HTTP_STATUS),
    ("[STATUS]", Code.HTTP_STATUS),
    ("[BODY]", Code.BODY_MISMATCH),
    ("[RESPONSE_TIME]", Code.TOO_SLOW),
    ("[CERTIFICATE_EXPIRATION]", Code.TLS_EXPIRING),
    ("signed by unknown authority", Code.TLS_UNTRUSTED),
    ("self-signed certificate", Code.TLS_SELF_SIGNED),
    ("self signed certificate", Code.TLS_SELF_SIGNED),
)


def cause(text: str) -> Reason:
    """Return the reason of a failure that the other monitor told in words."""
    shown = " ".join(text.split())[:MAX_DETAIL]
    code = next((code.value for words, code in _CAUSES if words in text), FOREIGN)
    return Reason(code=code, detail=shown)


_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s*(Z|UTC|[+-]\d\d:?\d\d)?(?: UTC| m=\S+)*",
    re.ASCII,
)


def instant(text: object) -> datetime | None:
    """Return the instant of a text such as `2026-05-01 12:00:00.5 +0000 UTC`, in UTC where it names no zone.

    Digits beyond micro-seconds are cut off. None: it is none.
    """
    found = _INSTANT.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z", "UTC") else zone
    try:
        at = datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{zone}")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def microseconds(value: object, unit_us: int = 1, units: int = 1) -> int:
    """Return a duration of a cell in micro-seconds, `units` of the cell being `unit_us`; 0 where it has none."""
    if not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return 0
    return min(int(value * unit_us) // units, MAX_DURATION_US)


def earlier(at: datetime, duration_us: int) -> datetime:
    """Return the start of what ended at an instant."""
    return at - timedelta(microseconds=duration_us)
