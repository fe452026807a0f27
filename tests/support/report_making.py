"""Makes report documents that hang together: from outages and gaps to days, bounds, coverage and budget.

A small sum of its own, only for method `time` with the whole period below the line: what is printed can be
followed by hand, and no format is tested on figures that contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.document import (
    Bounds,
    Budget,
    Coverage,
    Day,
    Number,
    Outage,
    OutageRegion,
    Ratio,
    Seconds,
    Slots,
)
from reports.ratio import percent_text


def number(value: Fraction | int) -> Number:
    """Return an exact rational as the document writes it."""
    exact = Fraction(value)
    return Number(num=exact.numerator, den=exact.denominator)


def ratio(value: Fraction | str, claim: Fraction | None = None) -> Ratio:
    """Return a ratio of 0 to 1 as the document writes it; a text is a percentage."""
    exact = Fraction(value) / 100 if isinstance(value, str) else value
    text = value if isinstance(value, str) else percent_text(exact, claim)
    return Ratio(num=exact.numerator, den=exact.denominator, text=text)


@dataclass(frozen=True)
class Span:
    """Whole seconds [start, end) of the POSIX scale."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Return the length."""
        return self.end - self.start

    def within(self, other: Span) -> int:
        """Return the seconds that both cover."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True)
class Trouble:
    """An outage as measured, with its core and bracket `blur` seconds inside and outside."""

    at: str
    """Local wall time, `2026-03-05T14:03:10`."""
    seconds: int
    blur: int = 30
    codes: Sequence[str] = ("connect_refused",)
    detail: str = ""
    incident: str | None = None

    def span(self, zone: str, wider: int = 0) -> Span:
        """Return what it covers, moved out by `wider` seconds on either side (in if negative)."""
        start = moment(self.at, zone)
        end = start + self.seconds + wider
        return Span(min(start - wider, end), end)


def moment(text: str, zone: str) -> int:
    """Return the instant of a local wall time, in seconds of the POSIX scale."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def stamp(seconds: int, zone: str) -> str:
    """Return an instant as RFC 3339 with the offset of a zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone)).isoformat()


@dataclass(frozen=True)
class Story:
    """What happened in a period."""

    zone: str
    start: str
    end: str
    claim: str
    troubles: Sequence[Trouble] = ()
    gaps: Sequence[tuple[str, int]] = ()
    """Local start and seconds of what nobody measured."""
    as_of: str | None = None
    """A running period: the figures reach up to here."""
    probes: Sequence[str] = ("shop-web",)
    regions: Sequence[str] = ("fra", "iad", "sin")
    interval: int = 30

    @property
    def period(self) -> Span:
        """Return the whole of it."""
        return Span(moment(self.start, self.zone), moment(self.end, self.zone))

    @property
    def reach(self) -> Span:
        """Return what the figures are of: the period, or what is over of it."""
        return Span(self.period.start, moment(self.as_of or self.end, self.zone))

    @property
    def promised(self) -> Fraction:
        """Return the claim as a ratio."""
        return Fraction(self.claim) / 100

    def unknown(self) -> list[Span]:
        """Return what was not measured."""
        starts = [(moment(at, self.zone), seconds) for at, seconds in self.gaps]
        return [Span(start, start + seconds) for start, seconds in starts]

    def down(self, inside: Span) -> Seconds:
        """Return the down time inside a span; the possible one has what is unknown in it."""
        sums = [
            sum(each.span(self.zone, side * each.blur).within(inside) for each in self.troubles)
            for side in (-1, 0, 1)
        ]
        blank = sum(each.within(inside) for each in self.unknown())
        return Seconds(lowest=number(sums[0]), measured=number(sums[1]), highest=number(sums[2] + blank))

    def bounds(self) -> Bounds:
        """Return the three figures, or none without data."""
        down, whole = self.down(self.reach), self.reach.seconds
        blank = sum(each.within(self.reach) for each in self.unknown())
        if blank == whole:
            return Bounds(lowest=None, measured=None, highest=None)
        lowest, highest = 1 - Fraction(down.highest.num, whole), 1 - Fraction(down.lowest.num, whole)
        measured = 1 - Fraction(down.measured.num, whole - blank)
        return Bounds(
            lowest=ratio(lowest, self.promised),
            measured=ratio(measured, self.promised),
            highest=ratio(highest, self.promised),
        )

    def finding(self) -> str:
        """Return what the bounds say of the claim."""
        found = self.bounds()
        if found.lowest is None or found.highest is None:
            return "not_proven"
        if Fraction(found.lowest.num, found.lowest.den) >= self.promised:
            return "backed"
        return "broken" if Fraction(found.highest.num, found.highest.den) < self.promised else "not_proven"

    def days(self) -> list[Day]:
        """Return every local day of the period."""
        found = []
        day = datetime.fromisoformat(self.start)
        while day < datetime.fromisoformat(self.end):
            after = day + timedelta(days=1)
            found.append(self._day(day, after))
            day = after
        return found

    def _day(self, day: datetime, after: datetime) -> Day:
        span = Span(moment(day.isoformat(), self.zone), moment(after.isoformat(), self.zone))
        down = self.down(span)
        blank = sum(each.within(span) for each in self.unknown())
        future = span.start >= self.reach.end
        state = "down" if down.measured.num else "unknown" if blank else "up"
        return Day(
            day=day.date().isoformat(),
            from_=stamp(span.start, self.zone),
            to=stamp(span.end, self.zone),
            seconds=span.seconds,
            down_seconds=down,
            unknown_seconds=number(blank),
            excluded_seconds=number(0),
            state="future" if future else state,
        )

    def outages(self) -> list[Outage]:
        """Return every outage with what each region saw of it."""
        return [self._outage(place, each) for place, each in enumerate(self.troubles, 1)]

    def _outage(self, place: int, trouble: Trouble) -> Outage:
        span, outer = trouble.span(self.zone), trouble.span(self.zone, trouble.blur)
        core = trouble.span(self.zone, -trouble.blur)
        runs = max(1, trouble.seconds // self.interval)
        seen = [
            OutageRegion(probe=self.probes[0], region=region, failed=runs, codes=list(trouble.codes))
            for region in self.regions
        ]
        lengths = (number(core.seconds), number(span.seconds), number(outer.seconds))
        return Outage(
            number=place,
            from_=stamp(span.start, self.zone),
            to=stamp(span.end, self.zone),
            seconds=Seconds(lowest=lengths[0], measured=lengths[1], highest=lengths[2]),
            bracket_from=stamp(outer.start, self.zone),
            bracket_to=stamp(outer.end, self.zone),
            counted_seconds=number(span.seconds),
            probes=[self.probes[0]],
            regions=seen,
            codes=list(trouble.codes),
            detail=trouble.detail,
            results=f"/api/v1/results?probe={self.probes[0]}&from={outer.start}&to={outer.end}",
            incident=trouble.incident,
        )

    def coverage(self) -> Coverage:
        """Return what was measured, and the fate of the slots."""
        blank, whole = sum(each.within(self.reach) for each in self.unknown()), self.reach.seconds
        scale = len(self.regions) * len(self.probes)
        total, missed = whole // self.interval * scale, -(-blank // self.interval) * scale
        bad = sum(max(1, each.seconds // self.interval) for each in self.troubles) * len(self.regions)
        gaps = [
            {"from": stamp(each.start, self.zone), "to": stamp(each.end, self.zone), "seconds": each.seconds}
            for each in self.unknown()
        ]
        return Coverage(
            ratio=ratio(Fraction(whole - blank, whole)),
            measured_seconds=number(whole - blank),
            unknown_seconds=number(blank),
            slots=Slots(
                total=total,
                good=total - missed - bad,
                bad=bad,
                void=0,
                missed={"agent_off": missed} if missed else {},
            ),
            gaps=gaps,
        )

    def budget(self) -> Budget:
        """Return the error budget in seconds."""
        total = (1 - self.promised) * self.period.seconds
        down = self.down(self.reach)
        left = [total - each.num for each in (down.highest, down.measured, down.lowest)]
        return Budget(
            unit="seconds",
            total=number(total),
            spent=down,
            left=Seconds(lowest=number(left[0]), measured=number(left[1]), highest=number(left[2])),
        )

    def but(self, **changes: object) -> Story:
        """Return the story with other values."""
        return replace(self, **changes)  # type: ignore[arg-type] # the names are those of the fields
