"""Laws of exclusions over drawn contracts and windows: the four parts tile the period, and no cap is exceeded."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from support.plain_contracts import DAY_US, HOUR_US, contract, us, window

from reports.contract import (
    Contract,
    DenominatorRule,
    Exclusion,
    MaintenanceTerms,
    MaintenanceWindow,
    WindowRule,
)
from reports.exclusions import denominator_us, eligible, rule_on
from reports.hours import parse_hours
from reports.intervals import intersect, length, union
from reports.periods import calendar_named, period_at

YEAR_US = us("2026-01-01")
HALF_HOUR_US = HOUR_US // 2
ZONES = ("UTC", "Africa/Cairo", "Australia/Lord_Howe", "Europe/Berlin")
HOURS = ("", "Mo-Fr 08:00-20:00", "Mo-Su 00:00-24:00", "Sa,Su 01:00-05:00; We 22:00-24:00")

hours = st.sampled_from(HOURS).map(lambda text: parse_hours(text) if text else ())
caps = st.none() | st.integers(0, 40).map(lambda count: count * HALF_HOUR_US)
starts = st.integers(0, 364 * 48).map(lambda count: YEAR_US + count * HALF_HOUR_US)
lengths = st.integers(1, 200).map(lambda count: count * HALF_HOUR_US)
periods = st.sampled_from(["2026-03", "2026-04", "2026-10", "2026-Q1", "2026"])


@st.composite
def windows(draw: st.DrawFn) -> MaintenanceWindow:
    start_us = draw(starts)
    notice_us = draw(st.none() | st.integers(0, 6).map(lambda count: start_us - count * DAY_US))
    return window(
        start_us,
        start_us + draw(lengths),
        key=str(draw(st.integers(0, 99))),
        announced_us=notice_us,
        services=draw(st.sampled_from([("shop",), ("mail",), ("mail", "shop")])),
        cancelled_us=draw(st.none() | st.just(start_us + HOUR_US)),
    )


@st.composite
def exclusions(draw: st.DrawFn) -> Exclusion:
    start_us = draw(starts)
    return Exclusion(
        title="Flood",
        kind="force_majeure",
        start_us=start_us,
        end_us=start_us + draw(lengths),
        reason="The river rose",
        approved_by=draw(st.sampled_from(["", "A. Smith"])),
        rule=draw(st.sampled_from(["shrink", "keep"])),
    )


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    terms = MaintenanceTerms(
        rule=draw(st.sampled_from(["shrink", "keep"])),
        notice_us=draw(st.integers(0, 4)) * DAY_US,
        max_per_month_us=draw(caps),
        max_per_year_us=draw(caps),
        hours=draw(hours),
    )
    return contract(
        zone=draw(st.sampled_from(ZONES)),
        hours=draw(hours),
        holidays=draw(st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=3)),
        maintenance=draw(st.none() | st.just(terms)),
        exclusions=tuple(draw(st.lists(exclusions(), max_size=3))),
        denominator=draw(st.sampled_from([DenominatorRule("period"), DenominatorRule("eligible")])),
    )


maintenance = st.lists(windows(), max_size=8)


@given(contracts(), maintenance, periods)
def test_four_parts_tile_the_period(terms, asked, name):
    period = calendar_named(name, terms.zone)
    found = eligible(
        terms, rule_on(terms, asked, period.start_us, period.end_us), period.start_us, period.end_us
    )
    parts = (found.intervals, found.outside_hours, found.shrink, found.keep)
    pieces = sorted(piece for part in parts for piece in part)
    assert pieces[0][0] == period.start_us
    assert pieces[-1][1] == period.end_us
    assert all(one[1] == other[0] for one, other in pairwise(pieces))


@given(contracts(), maintenance, periods)
def test_the_whole_is_the_eligible_time_and_what_the_rules_keep_in_it(terms, asked, name):
    edges = calendar_named(name, terms.zone).start_us, calendar_named(name, terms.zone).end_us
    found = eligible(terms, rule_on(terms, asked, *edges), *edges)
    kept = length(found.keep) if terms.denominator.rule == "period" else 0
    assert denominator_us(terms, found, *edges) == length(found.intervals) + kept


@given(contracts(), maintenance, periods)
def test_what_is_counted_lies_in_its_window_in_the_period_and_in_service_hours(terms, asked, name):
    edges = calendar_named(name, terms.zone).start_us, calendar_named(name, terms.zone).end_us
    outside = eligible(terms, (), *edges).outside_hours
    for ruling in rule_on(terms, asked, *edges):
        assert intersect(ruling.counted, ((ruling.start_us, ruling.end_us),)) == ruling.counted
        assert intersect(ruling.counted, (edges,)) == ruling.counted
        assert intersect(ruling.counted, outside) == ()
        assert bool(ruling.counted) == (ruling.reason == "counted" or ruling.reason.startswith("partly_"))


@given(contracts(), maintenance)
def test_no_month_and_no_year_has_more_maintenance_than_its_cap(terms, asked):
    year = calendar_named("2026", terms.zone)
    rulings = rule_on(terms, asked, year.start_us, year.end_us)
    counted = union(each for one in rulings if one.kind == "maintenance" for each in one.counted)
    used: dict[str, int] = defaultdict(int)
    for rule in (WindowRule("month"), WindowRule("year")):
        at_us = year.start_us
        while at_us < year.end_us:
            period = period_at(rule, terms.zone, at_us)
            used[rule.unit] = max(
                used[rule.unit], length(intersect(counted, ((period.start_us, period.end_us),)))
            )
            at_us = period.end_us
    rules = terms.maintenance or MaintenanceTerms()
    for cap_us, most_us in ((rules.max_per_month_us, used["month"]), (rules.max_per_year_us, used["year"])):
        assert cap_us is None or most_us <= cap_us


@given(contracts(), maintenance, st.randoms())
def test_the_order_in_which_windows_come_changes_nothing_that_is_taken_out(terms, asked, random):
    year = calendar_named("2026", terms.zone)
    shuffled = random.sample(asked, len(asked))
    edges = year.start_us, year.end_us
    assert eligible(terms, rule_on(terms, asked, *edges), *edges) == eligible(
        terms, rule_on(terms, shuffled, *edges), *edges
    )


@given(contracts(), maintenance)
def test_the_months_of_a_year_take_out_what_the_year_does(terms, asked):
    """A report of a month sees the same windows excused as one of its year: caps are no matter of the period."""
    year = calendar_named("2026", terms.zone)
    whole = eligible(terms, rule_on(terms, asked, year.start_us, year.end_us), year.start_us, year.end_us)
    months = [calendar_named(f"2026-{month:02}", terms.zone) for month in range(1, 13)]
    parts = [
        eligible(terms, rule_on(terms, asked, each.start_us, each.end_us), each.start_us, each.end_us)
        for each in months
    ]
    assert whole.intervals == union(piece for part in parts for piece in part.intervals)
    assert whole.shrink == union(piece for part in parts for piece in part.shrink)
    assert whole.keep == union(piece for part in parts for piece in part.keep)
