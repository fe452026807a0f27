"""Availability as the public reads it: a figure, its bounds, its coverage, and a bar for each day. Pure.

Nothing is rounded up, "100 %" stands only where no down time is possible, and what was not measured is grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction

from markupsafe import Markup, escape

from reports.availability import Availability
from reports.ratio import NO_DATA, percent_text

DAYS = 90
WINDOW = "90d"
BAR_WIDTH, BAR_STEP, BAR_HEIGHT = 7, 10, 34  # in the drawing's own units
LITTLE = Fraction(1, 10)  # below this coverage the figure says little, and says so first
BADLY = Fraction(95, 100)  # a day measured below this is drawn as a bad one
_NONE_SEEN = "No downtime measured"
NOT_IMPORTED = "imported history is not in this figure"
NOT_LOADED = "the past is still being read"


@dataclass(frozen=True, slots=True)
class Figure:
    """The main figure, and the small print below it."""

    main: str
    small: str
    has_data: bool


def figure(windows: Mapping[str, Availability], is_ready: bool) -> Figure:
    """Return the figure of 90 days."""
    found = windows.get(WINDOW)
    if not is_ready:
        return Figure(NO_DATA, NOT_LOADED, False)
    if found is None or not found.has_data or found.lowest is None or found.highest is None:
        return Figure(NO_DATA, f"nothing was measured in {DAYS} days", False)
    bounds = _bounds(found.lowest, found.highest)
    if found.coverage < LITTLE:
        length = duration_text(found.up_us + found.down_us)
        return Figure(_main(found), f"only {length} of {DAYS} days measured · {bounds}", True)
    return Figure(
        _main(found), f"over {DAYS} days · {bounds} · {percent_text(found.coverage)} % measured", True
    )


def short_figure(windows: Mapping[str, Availability], is_ready: bool) -> Figure:
    """Return the same figure for narrow places: a number, or words."""
    found = windows.get(WINDOW)
    if not is_ready or found is None or not found.has_data:
        return Figure(NO_DATA, "", False)
    if found.measured == 1 and found.possible_us:
        return Figure(_NONE_SEEN.lower(), "", True)
    share = "" if found.coverage >= LITTLE else " of what was measured"
    return Figure(f"{percent_text(found.measured)} %{share}", "", True)


def with_note(found: Figure) -> Figure:
    """Return a figure that says what it leaves out, for what has imported history in these days."""
    return replace(found, small=f"{found.small} · {NOT_IMPORTED}")


def _main(found: Availability) -> str:
    if found.measured == 1 and found.possible_us:
        return _NONE_SEEN
    return f"{percent_text(found.measured)} % {'available' if found.coverage >= LITTLE else 'of what was measured'}"


def _bounds(lowest: Fraction, highest: Fraction) -> str:
    if lowest == highest:
        return "exact"
    if highest == 1:
        return f"at least {percent_text(lowest)} %"
    if percent_text(lowest) == percent_text(highest):
        return "exact to 0.001 %"
    return f"between {percent_text(lowest)} and {percent_text(highest)} %"


def bars(days: Sequence[Availability]) -> Markup:
    """Return the days as one drawing, the newest at the right; shapes differ, not colours alone."""
    missing = DAYS - len(days)
    drawn = [
        f'<path class="n" d="M{_left(place)} 23h{BAR_WIDTH}v11h-{BAR_WIDTH}z"/>' for place in range(missing)
    ]
    drawn += [_bar(missing + place, day) for place, day in enumerate(days)]
    width = DAYS * BAR_STEP - (BAR_STEP - BAR_WIDTH)
    label = escape(_summary(days))
    return Markup(
        f'<svg class="bars" viewBox="0 0 {width} {BAR_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{"".join(drawn)}</svg>'
    )


def _left(place: int) -> int:
    return place * BAR_STEP


def _bar(place: int, day: Availability) -> str:
    """Not measured: short. Up: full. Some down time: full with a foot of another colour. Much: tall."""
    left, title = _left(place), f"<title>{escape(day_text(day))}</title>"
    if not day.has_data:
        return f'<path class="n" d="M{left} 23h{BAR_WIDTH}v11h-{BAR_WIDTH}z">{title}</path>'
    if not day.down_us:
        return f'<path class="u" d="M{left} 4h{BAR_WIDTH}v30h-{BAR_WIDTH}z">{title}</path>'
    if day.measured is not None and day.measured < BADLY:
        return f'<path class="d" d="M{left} 0h{BAR_WIDTH}v34h-{BAR_WIDTH}z">{title}</path>'
    return (
        f'<g>{title}<path class="u" d="M{left} 4h{BAR_WIDTH}v16h-{BAR_WIDTH}z"/>'
        f'<path class="p" d="M{left} 22h{BAR_WIDTH}v12h-{BAR_WIDTH}z"/></g>'
    )


def day_text(day: Availability) -> str:
    """Return one day in words."""
    at = datetime.fromtimestamp(day.window.start_us // 1_000_000, UTC)
    name = f"{at.day} {at:%B %Y}"
    if not day.has_data:
        return f"{name}: {NO_DATA}"
    down = f"down {duration_text(day.down_us)}" if day.down_us else "no downtime measured"
    return f"{name}: {down}, {percent_text(day.coverage)} % of the day measured"


def duration_text(length_us: int) -> str:
    """Return a length in the two largest units that fit; what is under a second as such."""
    seconds = length_us // 1_000_000
    if not seconds:
        return "under 1 s"
    for large, small, size in (("d", "h", 86_400), ("h", "min", 3_600), ("min", "s", 60)):
        if seconds >= size:
            rest = seconds % size // {"h": 3_600, "min": 60, "s": 1}[small]
            return f"{seconds // size} {large} {rest} {small}" if rest else f"{seconds // size} {large}"
    return f"{seconds} s"


def _summary(days: Sequence[Availability]) -> str:
    measured = [day for day in days if day.has_data]
    if not measured:
        return f"{DAYS} days: {NO_DATA}"
    bad = sum(1 for day in measured if day.down_us)
    gone = DAYS - len(measured)
    said = f"{DAYS} days: downtime on {bad}, none measured on {len(measured) - bad}"
    return f"{said}, {NO_DATA} on {gone}" if gone else said
