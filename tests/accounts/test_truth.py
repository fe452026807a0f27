"""Laws of whole reports over drawn worlds in a real store: the truth lies within the bounds, and the parts add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scripted import HOUR_US, MINUTE_US, S
from support.stored_worlds import LONG_US, START_US, World, reports_of, worlds

from prober.accounts.plans import Wanted
from reports.document import ContractReport, Number, Seconds

pytestmark = pytest.mark.slow
BY_TIME = ("name: time", "name: narrow, gap: {narrow}s", "name: clock, clock_error: 2s")
MAINTENANCE = """
maintenance:
  - {title: One, services: [shop], start: 2026-03-15T03:00:00Z, end: 2026-03-15T05:00:00Z,
     announced: 2026-03-01T00:00:00Z}
  - {title: Two, services: [shop], start: 2026-03-15T09:30:00Z, end: 2026-03-15T09:50:00Z,
     announced: 2026-03-15T09:00:00Z}
"""
OF_ALL_KINDS = (
    "name: time",
    "name: pooled, quorum: pooled",
    "name: hours, hours: 'Su 04:00-11:00', timezone: Asia/Kathmandu, denominator: eligible",
    "name: excused, maintenance: {rule: shrink, notice: 24h}",
    "name: kept, maintenance: {rule: keep, notice: 24h, max_per_month: 40m}",
    "name: minutes, method: {minutes: {threshold: '50%', min_attempts: 1}}",
    "name: periods, method: {periods: {minutes: 10}}",
    "name: requests, method: requests",
    "name: slices, method: {slices: {length: 7m}}",
    "name: weighted, method: {weighted: {by: regions, weights: {fra: 3}}}",
)


def exact(number: Number) -> Fraction:
    return Fraction(number.num, number.den)


def ends_of(period: Wanted) -> tuple[int, int]:
    """Return the ends of what is asked."""
    return period.from_us or 0, period.to_us or 0


@st.composite
def periods(draw: st.DrawFn, unit_us: int = S) -> Wanted:
    """Draw a period, which may begin before the evidence and end after it."""
    start_us = START_US + draw(st.integers(-HOUR_US // unit_us, LONG_US // 2 // unit_us)) * unit_us
    length_us = draw(st.integers(1, (LONG_US // 2 + HOUR_US) // unit_us)) * unit_us
    return Wanted(from_us=start_us, to_us=start_us + length_us, past=0, latency=False)


@settings(max_examples=25)
@given(worlds(), periods())
def test_the_true_down_time_lies_within_the_bounds(world: World, period: Wanted) -> None:
    contracts = [text.format(narrow=world.interval_s * 3 // 2) for text in BY_TIME]
    true_us = world.true_us(*ends_of(period))
    for report in reports_of(world, contracts, period)[0]:
        within(report, true_us)


@settings(max_examples=15)
@given(worlds(together=True), periods())
def test_the_true_down_time_lies_within_the_bounds_of_pooled_regions(world: World, period: Wanted) -> None:
    true_us = world.true_us(*ends_of(period))
    contracts = ["name: pooled, quorum: pooled", f"name: narrow, quorum: pooled, gap: {world.interval_s}s"]
    for report in reports_of(world, contracts, period)[0]:
        within(report, true_us)


def within(report: ContractReport, true_us: int) -> None:
    down = report.down_seconds
    assert exact(down.lowest) * S <= true_us <= exact(down.highest) * S, report.contract
    assert exact(down.lowest) <= exact(down.measured)
    assert exact(down.measured) + exact(report.coverage.unknown_seconds) <= exact(down.highest)


@settings(max_examples=15)
@given(worlds(), periods())
def test_the_parts_of_every_report_add_up(world: World, period: Wanted) -> None:
    for report in reports_of(world, OF_ALL_KINDS, period, more=MAINTENANCE)[0]:
        adds_up(report)


def adds_up(report: ContractReport) -> None:
    coverage, excluded = report.coverage, report.excluded
    eligible = exact(report.eligible_seconds)
    # up + down + unknown + excluded = window
    assert eligible + exact(excluded.seconds) + exact(excluded.outside_hours_seconds) == report.period.seconds
    assert exact(coverage.measured_seconds) + exact(coverage.unknown_seconds) == eligible
    assert exact(report.down_seconds.measured) <= exact(coverage.measured_seconds)
    assert sum(day.seconds for day in report.days) == report.period.seconds
    for end in ("lowest", "measured", "highest"):
        of_days = [exact(getattr(day.down_seconds, end)) for day in report.days]
        assert sum(of_days) == exact(getattr(report.down_seconds, end))
    assert sum(exact(day.unknown_seconds) for day in report.days) == exact(coverage.unknown_seconds)
    out = exact(excluded.seconds) + exact(excluded.outside_hours_seconds)
    assert sum(exact(day.excluded_seconds) for day in report.days) == out
    assert report.outages_total == len(report.outages)
    assert sum(exact(each.counted_seconds) for each in report.outages) == exact(report.down_seconds.measured)
    assert sum(exact(each.seconds.measured) for each in report.outages) >= exact(report.down_seconds.measured)
    slots = coverage.slots
    assert slots.good + slots.bad + slots.void + sum(slots.missed.values()) == slots.total


@settings(max_examples=12)
@given(worlds(), periods(MINUTE_US), st.floats(0, 1))
def test_two_halves_make_the_whole(world: World, whole: Wanted, share: float) -> None:
    from_us, to_us = ends_of(whole)
    cut_us = from_us + int((to_us - from_us) * share) // MINUTE_US * MINUTE_US
    ends = [(from_us, cut_us), (cut_us, to_us), (from_us, to_us)]
    asked = [Wanted(from_us=a, to_us=b, past=0, latency=False) for a, b in ends if a < b]
    contracts = ["name: time", "name: pooled, quorum: pooled", *OF_ALL_KINDS[5:8]]
    *halves, all_of_it = reports_of(world, contracts, *asked)
    for place, report in enumerate(all_of_it):
        parts = [half[place] for half in halves]
        assert added([part.down_seconds for part in parts]) == added([report.down_seconds])
        unknown = sum(exact(part.coverage.unknown_seconds) for part in parts)
        assert unknown == exact(report.coverage.unknown_seconds)
        assert sum(part.coverage.slots.total for part in parts) == report.coverage.slots.total
        if report.attempts is not None:
            assert added([part.attempts for part in parts if part.attempts]) == added([report.attempts])


def added(parts: list[Seconds]) -> list[Fraction]:
    ends = ("lowest", "measured", "highest")
    return [sum((exact(getattr(part, end)) for part in parts), Fraction(0)) for end in ends]
