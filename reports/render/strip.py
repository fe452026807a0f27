"""Drawings of a report as SVG, the same for HTML and PDF: days of a period, and measured against claimed.

Every state has a shape of its own beside its colour. Colours stand as attributes, which a style sheet overrides in
the dark; no text is inside a drawing of days, so that it may shrink. Texts beside and instead are the callers'.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Protocol

from reports.document import ContractReport, Ratio

ROOM = 180  # hundredths of a percent of the axis's drawing, at either end
CELL, HEIGHT = 20, 40  # units of a drawing; a bar is 16 wide
COLOURS = {
    "up": "#2f9e7d",
    "down": "#c4441f",
    "possible": "#b86e00",
    "unknown": "#66727d",
    "excluded": "#66727d",
    "future": "#8a949e",
}
STATES = tuple(COLOURS)
FINDING_COLOURS = {"backed": "#2f9e7d", "broken": "#c4441f", "not_proven": "#b86e00", "no_data": "#66727d"}
_SIGN = ' stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" fill="none"/>'
_MARKS = {
    "backed": '<circle cx="12" cy="12" r="11" fill="{0}"/><path d="M7 12.5L10.5 16L17 8.8"' + _SIGN,
    "broken": '<rect x="1.5" y="1.5" width="21" height="21" rx="3" fill="{0}"/><path d="M8 8L16 16M16 8L8 16"'
    + _SIGN,
    "not_proven": '<path d="M12 0.5L23.5 12L12 23.5L0.5 12Z" fill="{0}"/>'
    '<path d="M9.6 9.6A2.5 2.5 0 1 1 13 12C12.3 12.4 12 12.8 12 13.6M12 16.7V16.8"' + _SIGN,
    "no_data": '<circle cx="12" cy="12" r="10" fill="none" stroke="{0}" stroke-width="1.8" stroke-dasharray="3 2.6"/>'
    '<path d="M8.5 12H15.5" stroke="{0}" stroke-width="2" fill="none"/>',
}
_BAR = '<rect x="2" y="2" width="16" height="36" rx="3" '
_FRAME = '<rect x="2.8" y="2.8" width="14.4" height="34.4" rx="2.4" fill="none" stroke="{0}" '
_HATCHES = "".join(f"M2.7 {y}L17.3 {y - 10}" for y in (15, 22, 29, 36))
_SHAPES = {
    "up": _BAR + 'fill="{0}"/>',
    "down": _BAR
    + 'fill="{0}"/><path d="M6 16L14 24M14 16L6 24" stroke="#fff" stroke-width="2.2" fill="none"/>',
    "possible": _FRAME + 'stroke-width="1.6"/><path d="M10 12L16 28H4Z" fill="{0}"/>',
    "unknown": _FRAME + 'stroke-width="1.6" stroke-dasharray="3 2.6"/>',
    "excluded": _FRAME + 'stroke-width="1"/>'
    f'<path d="{_HATCHES}" stroke="{{0}}" stroke-width="1.4" fill="none"/>',
    "future": '<circle cx="10" cy="20" r="2.6" fill="{0}"/>',
}


class Dated(Protocol):
    """A day, `2026-03-14`, and its state: of the document or of a sheet."""

    @property
    def day(self) -> str: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Row:
    """The days of one calendar month: `2026-03`, as one drawing of `columns` cells."""

    month: str
    columns: int
    svg: str


def rows(days: Sequence[Dated], tips: Mapping[str, str] | None = None) -> list[Row]:
    """Return one drawing for each calendar month, day 1 at the left; `tips` are texts by day to hover over."""
    months: dict[str, list[Dated]] = {}
    for day in days:
        months.setdefault(day.day[:7], []).append(day)
    columns = max((_number(day) for day in days), default=0)
    return [Row(month, columns, _row(found, columns, tips or {})) for month, found in months.items()]


def _number(day: Dated) -> int:
    return int(day.day[8:10])


def _row(days: Sequence[Dated], columns: int, tips: Mapping[str, str]) -> str:
    cells = "".join(_cell(day, tips.get(day.day, "")) for day in days)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="row" viewBox="0 0 {columns * CELL} {HEIGHT}" '
        f'aria-hidden="true">{cells}</svg>'
    )


def _cell(day: Dated, tip: str) -> str:
    title = f"<title>{escape(tip)}</title>" if tip else ""
    place, state = (_number(day) - 1) * CELL, _state(day.state)
    return f'<g transform="translate({place})" class="s-{state}">{title}{shape(state)}</g>'


def _state(state: str) -> str:
    """Return a state that has a shape; one that is new to us is not measured for all we know."""
    return state if state in _SHAPES else "unknown"


def shape(state: str) -> str:
    """Return the shape of a state, in the upper left cell."""
    name = _state(state)
    return _SHAPES[name].format(COLOURS[name])


def key(state: str) -> str:
    """Return the shape of a state as a drawing of its own, for a legend."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="key" viewBox="0 0 {CELL} {HEIGHT}" width="10" height="20" '
        f'aria-hidden="true"><g class="s-{_state(state)}">{shape(state)}</g></svg>'
    )


def mark(finding: str) -> str:
    """Return the sign of a finding: a disc with a tick, a square with a cross, a rhombus with a question, a ring."""
    name = finding if finding in _MARKS else "no_data"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="mark" viewBox="0 0 24 24" width="24" height="24" '
        f'aria-hidden="true"><g class="f-{name}">{_MARKS[name].format(FINDING_COLOURS[name])}</g></svg>'
    )


def states(days: Sequence[Dated]) -> list[str]:
    """Return the states that occur, in the order of the legend."""
    found = {_state(day.state) for day in days}
    return [state for state in STATES if state in found]


@dataclass(frozen=True, slots=True)
class Scale:
    """Places on an axis, in hundredths of a percent of its length; its ends as ratios."""

    left: Fraction
    right: Fraction
    claim: int
    lowest: int
    measured: int
    highest: int

    def at(self, place: int) -> str:
        """Return a place as a percentage of a drawing, with room at both ends for signs that stand there."""
        return _percent(ROOM + place * (10_000 - 2 * ROOM) // 10_000)

    def wide(self, length: int) -> str:
        """Return a length on the axis as a percentage of a drawing."""
        return _percent(length * (10_000 - 2 * ROOM) // 10_000)


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}%"


def scale(report: ContractReport) -> Scale | None:
    """Return where the claim and the bounds lie between a round figure below them and 100 %; None without data."""
    bounds, claim = report.availability, _exact(report.claim)
    if bounds.lowest is None or bounds.measured is None or bounds.highest is None:
        return None
    found = [claim, *(_exact(one) for one in (bounds.lowest, bounds.measured, bounds.highest))]
    left = 1 - _round_up((1 - min(found)) * Fraction(9, 8))
    places = [int((one - left) / (1 - left) * 10_000) for one in found]
    return Scale(left, Fraction(1), *places)


def _round_up(length: Fraction) -> Fraction:
    """Return the next of 1, 2 and 5 times a power of ten, at most 1: an end of the axis with few digits."""
    step = Fraction(1, 10**9)
    for factor in itertools.cycle((Fraction(2), Fraction(5, 2), Fraction(2))):
        if step >= min(length, Fraction(1)):
            return min(step, Fraction(1))
        step *= factor
    raise AssertionError  # the cycle has no end


def _exact(ratio: Ratio) -> Fraction:
    return Fraction(ratio.num, ratio.den)


_LEAST = 60  # hundredths of a percent: a range thinner than this would not be seen


def scale_svg(places: Scale, finding: str, size: tuple[str, str] = ("100%", "34")) -> str:
    """Return the axis with what meets the claim, the range of the bounds, the measured figure and the claim."""
    at, length = places.at, places.wide
    start, wide = places.lowest, max(places.highest - places.lowest, _LEAST)
    start = min(start, 10_000 - wide)
    inner = '<svg x="{}" y="17" overflow="visible" width="1" height="1">{}</svg>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="axis" width="{size[0]}" height="{size[1]}" '
        'aria-hidden="true">'
        f'<rect class="a-miss" x="{at(0)}" y="14" width="{length(10_000)}" height="6" rx="3" fill="#e3e7ea"/>'
        f'<rect class="a-meet" x="{at(places.claim)}" y="14" width="{length(10_000 - places.claim)}" height="6" '
        'fill="#a9d8c8"/>'
        f'<rect class="a-range f-{finding}" x="{at(start)}" y="9" width="{length(wide)}" height="16" rx="3" '
        f'fill="{FINDING_COLOURS.get(finding, COLOURS["unknown"])}"/>'
        + inner.format(
            at(places.measured),
            '<path class="a-here" d="M0 -8L8 0L0 8L-8 0Z" fill="#fff" stroke="#1c2329" stroke-width="2"/>',
        )
        + inner.format(
            at(places.claim),
            '<path class="a-claim" d="M0 -17V17" stroke="#1c2329" stroke-width="2"/>'
            '<path class="a-flag" d="M0 -17H-10L-7 -13L-10 -9H0Z" fill="#1c2329"/>',
        )
        + "</svg>"
    )
