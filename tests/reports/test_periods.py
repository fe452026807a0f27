"""Periods are calendar periods of a zone, tile time, and have names that lead back to them."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.plain_contracts import DAY_US, HOUR_US, SECOND_US, contract, us

from reports.contract import WindowRule
from reports.evidence import Window
from reports.periods import (
    Period,
    before,
    calendar_named,
    days_of,
    local_text,
    midnight_us,
    period_at,
    period_between,
    period_named,
    split,
)

MONTH, QUARTER, YEAR = (WindowRule("month"), WindowRule("quarter"), WindowRule("year"))
RULES = (MONTH, QUARTER, YEAR, *(WindowRule("billing", day) for day in (1, 15, 29, 30, 31)))
ZONES = (
    "UTC",
    "Africa/Cairo",
    "America/Asuncion",
    "America/Havana",
    "America/St_Johns",
    "Asia/Beirut",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kwajalein",
)
zones, rules = st.sampled_from(ZONES), st.sampled_from(RULES)
instants = st.integers(0, us("2037-01-01"))


def _seconds(name: str, zone: str) -> int:
    period = calendar_named(name, zone)
    assert (period.end_us - period.start_us) % SECOND_US == 0
    return (period.end_us - period.start_us) // SECOND_US


@pytest.mark.parametrize(
    ("zone", "month", "seconds"),
    [
        ("Europe/Berlin", "2026-03", 743 * 3600),
        ("Europe/Berlin", "2026-10", 745 * 3600),
        ("Europe/Berlin", "2026-07", 744 * 3600),
        ("America/New_York", "2026-03", 2_674_800),
        ("America/New_York", "2026-11", 2_595_600),
        ("Australia/Lord_Howe", "2026-04", 2_593_800),
        ("Australia/Lord_Howe", "2026-10", 2_676_600),
        ("Africa/Cairo", "2026-04", 2_588_400),
        ("UTC", "2026-02", 28 * 86_400),
        ("UTC", "2028-02", 29 * 86_400),
        ("UTC", "2100-02", 28 * 86_400),
        ("UTC", "2028", 366 * 86_400),
        ("UTC", "2026-Q1", 90 * 86_400),
        ("Europe/Berlin", "2026-Q1", 90 * 86_400 - 3600),
        ("Europe/Berlin", "2026", 365 * 86_400),
        ("Pacific/Apia", "2011-12", 30 * 86_400),
    ],
)
def test_a_period_has_the_seconds_that_its_zone_gave_it(zone, month, seconds):
    assert _seconds(month, zone) == seconds


def test_example_9_a_naive_month_would_pass_a_broken_claim():
    march = _seconds("2026-03", "Europe/Berlin")
    assert 1 - Fraction(2676, march) == Fraction(222677, 222900) < Fraction("0.999")
    assert 1 - Fraction(2676, 31 * 86_400) == Fraction(222977, 223200) > Fraction("0.999")


def test_a_month_that_begins_with_a_skipped_midnight_begins_after_the_jump():
    october = calendar_named("2023-10", "America/Asuncion")
    assert local_text(october.start_us, "America/Asuncion") == "2023-10-01T01:00:00-03:00"


def test_a_month_that_begins_with_two_midnights_begins_with_the_first():
    november = calendar_named("2026-11", "America/Havana")
    assert local_text(november.start_us, "America/Havana") == "2026-11-01T00:00:00-04:00"
    assert november.end_us - november.start_us == 30 * DAY_US + HOUR_US


@pytest.mark.parametrize(
    ("rule", "label", "first", "until"),
    [
        (MONTH, "2026-03", "2026-03-01", "2026-04-01"),
        (QUARTER, "2026-Q1", "2026-01-01", "2026-04-01"),
        (YEAR, "2026", "2026-01-01", "2027-01-01"),
        (WindowRule("billing", 1), "2026-03-01..2026-03-31", "2026-03-01", "2026-04-01"),
        (WindowRule("billing", 15), "2026-03-15..2026-04-14", "2026-03-15", "2026-04-15"),
        (WindowRule("billing", 20), "2026-02-20..2026-03-19", "2026-02-20", "2026-03-20"),
        (WindowRule("billing", 31), "2026-02-28..2026-03-30", "2026-02-28", "2026-03-31"),
        (WindowRule("rolling", 30), "2026-02-13..2026-03-14", "2026-02-13", "2026-03-15"),
        (WindowRule("rolling", 1), "2026-03-14..2026-03-14", "2026-03-14", "2026-03-15"),
    ],
)
@pytest.mark.parametrize("at", ["2026-03-15 00:00", "2026-03-15 23:59"])
def test_the_period_of_an_instant(rule, label, first, until, at):
    expected = Period(label, rule.unit, us(first, "Asia/Tokyo"), us(until, "Asia/Tokyo"))
    assert period_at(rule, "Asia/Tokyo", us(at, "Asia/Tokyo")) == expected
    assert expected.window == Window(expected.start_us, expected.end_us)


def test_the_last_instant_of_a_period_is_not_that_of_the_next_one():
    start_us = us("2026-03-15", "Europe/Berlin")
    rule = WindowRule("billing", 15)
    assert period_at(rule, "Europe/Berlin", start_us).start_us == start_us
    assert period_at(rule, "Europe/Berlin", start_us - 1).end_us == start_us


def test_a_billing_day_that_a_month_lacks_is_its_last_one():
    rule = WindowRule("billing", 31)
    starts = [period_named(rule, "UTC", f"2028-{month:02}").start_us for month in range(1, 7)]
    assert starts == [
        us(text)
        for text in ("2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30")
    ]


def test_a_rolling_window_has_whole_local_days_over_a_clock_change():
    found = period_named(WindowRule("rolling", 30), "Europe/Berlin", "2026-04-05")
    assert local_text(found.start_us, "Europe/Berlin") == "2026-03-07T00:00:00+01:00"
    assert local_text(found.end_us, "Europe/Berlin") == "2026-04-06T00:00:00+02:00"
    assert found.end_us - found.start_us == 30 * DAY_US - HOUR_US


def test_a_billing_name_is_the_cycle_that_begins_in_that_month():
    found = period_named(WindowRule("billing", 15), "UTC", "2026-12")
    assert (found.start_us, found.end_us) == (us("2026-12-15"), us("2027-01-15"))


@pytest.mark.parametrize(
    ("rule", "text", "hint"),
    [
        (MONTH, "2026-13", "2026-03"),
        (MONTH, "2026-3", "2026-03"),
        (MONTH, "2026-03-01", "2026-03"),
        (MONTH, "2026-Q1", "2026-03"),
        (MONTH, "٢٠٢٦-٠٣", "2026-03"),
        (MONTH, "1899-12", "2026-03"),
        (MONTH, "9999-12", "2026-03"),
        (QUARTER, "2026-Q5", "2026-Q1"),
        (QUARTER, "2026", "2026-Q1"),
        (YEAR, "last", "2026"),
        (WindowRule("billing", 15), "2026-02-30", "the month that it begins in"),
        (WindowRule("billing", 15), "2026-03-15..2026-04-15", "the month that it begins in"),
        (WindowRule("rolling", 30), "2026-02-30", "its last day"),
        (WindowRule("rolling", 30), "2026-03", "its last day"),
        (WindowRule("rolling", 30), "2026-03-01..2026-03-15", "its last day"),
        (WindowRule("rolling", 30), "9999-12-31", "its last day"),
    ],
)
def test_what_names_no_period_is_refused_with_an_example(rule, text, hint):
    with pytest.raises(ValueError, match=f"names no .*{rule.unit} .*{hint}"):
        period_named(rule, "UTC", text)


def test_a_calendar_name_needs_no_rule():
    assert calendar_named("2026-Q2", "UTC") == period_named(QUARTER, "UTC", "2026-Q2")
    assert calendar_named("2026", "UTC").unit == "year"
    with pytest.raises(ValueError, match="2026-03, 2026-Q1 or 2026"):
        calendar_named("2026-03-01", "UTC")


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        (WindowRule("billing", 0), "1 to 31"),
        (WindowRule("billing", 32), "1 to 31"),
        (WindowRule("rolling", 0), "1 or more"),
    ],
)
def test_a_rule_without_sense_is_refused(rule, hint):
    with pytest.raises(ValueError, match=hint):
        period_at(rule, "UTC", 0)


@given(zones, rules, instants)
@example("Pacific/Apia", WindowRule("billing", 30), us("2011-12-30 10:00"))
@example("America/St_Johns", MONTH, us("2009-11-01 02:45"))
def test_periods_tile_time(zone, rule, at_us):
    period = period_at(rule, zone, at_us)
    assert period.start_us <= at_us < period.end_us
    assert period_at(rule, zone, period.start_us) == period_at(rule, zone, period.end_us - 1) == period
    following = period_at(rule, zone, period.end_us)
    assert following.start_us == period.end_us
    assert before(following, rule, zone) == period


@given(zones, rules, instants)
def test_a_label_is_a_name_of_its_period(zone, rule, at_us):
    period = period_at(rule, zone, at_us)
    assert period_named(rule, zone, period.label) == period


@given(zones, st.integers(1, 400), instants)
@example("Pacific/Apia", 7, us("2011-12-30 10:00"))
def test_rolling_windows_end_at_the_last_midnight_and_follow_each_other(zone, length, at_us):
    rule = WindowRule("rolling", length)
    period = period_at(rule, zone, at_us)
    (day, _, _), *more = days_of(period.end_us, at_us + 1, zone)
    assert more == []
    assert midnight_us(day, zone) == period.end_us <= at_us
    assert period.start_us == midnight_us(day - timedelta(days=length), zone)
    assert before(period, rule, zone).end_us == period.start_us
    assert period_named(rule, zone, period.label) == period


@given(zones, rules, instants)
def test_days_tile_a_period(zone, rule, at_us):
    period = period_at(rule, zone, at_us)
    days = days_of(period.start_us, period.end_us, zone)
    assert sum(end - start for _, start, end in days) == period.end_us - period.start_us
    assert [days[0][1], *(end for _, _, end in days)] == [*(start for _, start, _ in days), period.end_us]
    assert all(midnight_us(day, zone) == start for day, start, _ in days)


def test_a_calendar_period_is_followed_back_whatever_the_rule():
    march = calendar_named("2026-03", "UTC")
    assert before(march, WindowRule("rolling", 30), "UTC") == calendar_named("2026-02", "UTC")
    assert before(calendar_named("2026-Q1", "UTC"), MONTH, "UTC").label == "2025-Q4"


def test_before_a_period_of_dates_comes_the_last_whole_one_of_the_rule():
    dates = period_between(us("2026-03-10"), us("2026-03-12 06:00"), "UTC")
    assert dates.label == "2026-03-10..2026-03-12"
    assert period_between(us("2026-03-10"), us("2026-03-12"), "UTC").label == "2026-03-10..2026-03-11"
    assert before(dates, MONTH, "UTC").label == "2026-02"
    assert before(dates, WindowRule("rolling", 7), "UTC").label == "2026-03-03..2026-03-09"


def test_a_period_of_dates_is_not_empty():
    for end_us in (0, -1):
        with pytest.raises(ValueError, match="swap"):
            period_between(0, end_us, "UTC")


def test_a_change_in_mid_period_splits_it_at_the_midnight_of_the_newer_version():
    old = contract(to_day=date(2026, 3, 16), zone="Europe/Berlin")
    new = contract(from_day=date(2026, 3, 16), zone="Europe/Berlin")
    start_us, end_us = us("2026-03-01", "Europe/Berlin"), us("2026-04-01", "Europe/Berlin")
    change_us = us("2026-03-16", "Europe/Berlin")
    assert split([new, old], start_us, end_us) == [(old, start_us, change_us), (new, change_us, end_us)]
    assert split([new, old], change_us, end_us) == [(new, change_us, end_us)]
    assert split([new, old], start_us, change_us) == [(old, start_us, change_us)]


def test_time_without_a_version_is_left_out():
    old = contract(to_day=date(2026, 3, 10))
    new = contract(from_day=date(2026, 3, 20), to_day=date(2026, 3, 25))
    assert split([old, new], us("2026-03-01"), us("2026-04-01")) == [
        (old, us("2026-03-01"), us("2026-03-10")),
        (new, us("2026-03-20"), us("2026-03-25")),
    ]
    assert split([new], us("2026-05-01"), us("2026-06-01")) == []
    assert split([], us("2026-05-01"), us("2026-06-01")) == []


@pytest.mark.parametrize(("old_zone", "new_zone"), [("UTC", "Asia/Tokyo"), ("Asia/Tokyo", "UTC")])
def test_a_change_of_zone_leaves_no_hole_and_no_overlap(old_zone, new_zone):
    old = contract(to_day=date(2026, 3, 16), zone=old_zone)
    new = contract(from_day=date(2026, 3, 16), zone=new_zone)
    change_us = us("2026-03-16", new_zone)
    assert split([old, new], us("2026-03-01"), us("2026-04-01")) == [
        (old, us("2026-03-01"), change_us),
        (new, change_us, us("2026-04-01")),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {}),
        ({}, {"from_day": date(2026, 3, 1)}),
        ({"to_day": date(2026, 3, 2)}, {"from_day": date(2026, 3, 1)}),
        ({"from_day": date(2026, 3, 1), "to_day": date(2026, 3, 9)}, {"from_day": date(2026, 3, 1)}),
    ],
)
def test_versions_that_share_a_day_are_refused(old, new):
    with pytest.raises(ValueError, match=r"two versions of contract 'gold'.*effective\.to"):
        split([contract(**new), contract(**old)], 0, 1)
