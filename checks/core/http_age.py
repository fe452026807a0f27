"""How old a document is: Last-Modified against the target's own idea of now.

The Date header, which the target's clock wrote as well, is what the age is measured by, so that neither clock's error
counts, plus the time that a cache says it has held the answer (Age). Where there is no Date, our clock has to do.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from typing import TYPE_CHECKING

from pydantic import Field, StrictBool

from .failures import Code
from .quote import quoted
from .schema import Section
from .values import DurationUs, format_duration
from .watch import Watch

if TYPE_CHECKING:
    from .http_response import Response

MAX_DATE = 64  # bytes
_MONTHS = {
    name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_TIME = rb"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_MONTH = rb"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_FORMS = (  # RFC 9110, 5.6.7; the two older ones have to be read still
    re.compile(
        rb"[A-Z][a-z]{2}, (?P<day>[0-9]{1,2}) " + _MONTH + rb" (?P<year>[0-9]{4}) " + _TIME + rb" (GMT|UTC)"
    ),
    re.compile(
        rb"[A-Z][a-z]{5,8}, (?P<day>[0-9]{2})-" + _MONTH + rb"-(?P<year>[0-9]{2}) " + _TIME + rb" GMT"
    ),
    re.compile(rb"[A-Z][a-z]{2} " + _MONTH + rb" (?P<day>[ 0-9][0-9]) " + _TIME + rb" (?P<year>[0-9]{4})"),
)
_YEARS_AHEAD = 50  # a year of two digits that lies further ahead is one of the last century
_SECONDS = re.compile(rb"[0-9]{1,10}")


class MaxAge(Section):
    """How old a document may be."""

    limit_us: DurationUs = Field(alias="limit")
    """Longest time since Last-Modified, measured by the target's own clock (its Date header, plus Age where a cache
    answers; the region's clock if there is no Date). An older document fails with `http_age`."""
    allow_missing: StrictBool = False
    """`true`: a response without Last-Modified is right as well."""

    def judge(self, watch: Watch, response: Response) -> None:
        """Record whether the document is young enough."""
        expected = f"at most {format_duration(self.limit_us)} old"
        said = response.first(b"last-modified")
        if said is None:
            if not self.allow_missing:
                watch.expect("document", expected, "no Last-Modified", False, Code.HTTP_AGE)
            return
        modified_s = parse_date(said)
        if modified_s is None:
            seen = f"a Last-Modified that is no date, {quoted(said)}"
            watch.expect("document", expected, seen, False, Code.HTTP_AGE)
            return
        age_us = max(now_s(response) - modified_s, 0) * 1_000_000
        seen = f"{format_duration(age_us)} old"
        watch.expect("document", expected, seen, age_us <= self.limit_us, Code.HTTP_AGE)


def now_s(response: Response) -> int:
    """Return what time it is by the response, in seconds since the epoch."""
    date_s = parse_date(response.first(b"date") or b"")
    if date_s is None:
        return int(time.time())
    held = (response.first(b"age") or b"").strip()
    return date_s + (int(held) if _SECONDS.fullmatch(held) else 0)


def parse_date(text: bytes) -> int | None:
    """Read a date of HTTP, in any of its three forms, as seconds since the epoch; None if it is none."""
    text = text.strip()
    if len(text) > MAX_DATE:
        return None
    match = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if match is None:
        return None
    year, month, day = int(match["year"]), _MONTHS[match["month"]], int(match["day"])
    if len(match["year"]) == 2:
        this_year = time.gmtime().tm_year
        year += this_year // 100 * 100
        year -= 100 if year > this_year + _YEARS_AHEAD else 0
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    if not (year and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    try:
        seconds = timegm((year, month, day, hour, minute, min(second, 59)))
    except ValueError:  # the 30th of February
        return None
    return seconds if time.gmtime(seconds).tm_mday == day else None
