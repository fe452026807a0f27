"""Hours of the week are read and written alike, and are as long as the zone's clock made them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.plain_contracts import DAY_US, HOUR_US, us

from reports.contract import HoursPart
from reports.hours import hours_text, open_intervals, parse_hours
from reports.intervals import length
from reports.zones import local, midnight_us

WEEK = parse_hours("Mo-Fr 08:00-20:00; Sa 10:00-14:00")
ALWAYS = "Mo-Su 00:00-24:00"
ZONES = (
    "UTC",
    "Africa/Cairo",
    "America/Havana",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
)


@st.composite
def parts(draw: st.DrawFn) -> HoursPart:
    start = draw(st.integers(0, 1439))
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return HoursPart(weekdays, start, draw(st.integers(start + 1, 1440)))


def _hours(text: str, zone: str, day: date) -> float:
    """Return how many hours of one local day lie in the hours of the week."""
    start_us, end_us = midnight_us(day, zone), midnight_us(day + timedelta(days=1), zone)
    return length(open_intervals(parse_hours(text), (), zone, start_us, end_us)) / HOUR_US


def test_hours_are_read():
    assert (HoursPart(frozenset(range(5)), 480, 1200), HoursPart(frozenset({5}), 600, 840)) == WEEK
    assert parse_hours("Mo,We-Fr 00:00-24:00") == (HoursPart(frozenset({0, 2, 3, 4}), 0, 1440),)


def test_a_range_of_days_may_go_over_sunday():
    assert parse_hours("Sa-Mo 08:00-09:00")[0].weekdays == {5, 6, 0}


@pytest.mark.parametrize(
    "text",
    ["", "Mo", "Mo 8:00-9:00", "Mo 08:00-24:01", "Mo 24:00-24:00", "Mon 08:00-09:00", "Mo 08:00-09:00;", "٠"],
)
def test_what_are_no_hours_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"not service hours.*Mo-Fr 08:00-20:00"):
        parse_hours(text)


@pytest.mark.parametrize("text", ["Mo 09:00-09:00", "Mo 22:00-06:00"])
def test_hours_that_end_before_they_begin_are_refused(text):
    with pytest.raises(ValueError, match="two parts"):
        parse_hours(text)


@pytest.mark.parametrize(
    "text", ["Mo-Fr 08:00-20:00; Sa 10:00-14:00", "Mo,Tu 08:00-09:30", "Mo,We-Fr,Su 00:00-24:00"]
)
def test_hours_are_written_as_they_are_read(text):
    assert hours_text(parse_hours(text)) == text


@given(st.lists(parts(), min_size=1, max_size=4).map(tuple))
def test_what_is_written_reads_back(hours):
    assert parse_hours(hours_text(hours)) == hours


def test_a_week_has_its_hours():
    """2026-03-02 is a Monday."""
    found = open_intervals(WEEK, (), "Europe/Berlin", us("2026-03-02"), us("2026-03-09"))
    assert length(found) == (5 * 12 + 4) * HOUR_US
    assert found[0] == (us("2026-03-02 07:00"), us("2026-03-02 19:00"))
    assert found[-1] == (us("2026-03-07 09:00"), us("2026-03-07 13:00"))


def test_holidays_have_no_hours():
    monday = frozenset({date(2026, 3, 2)})
    found = open_intervals(WEEK, monday, "UTC", us("2026-03-02"), us("2026-03-09"))
    assert length(found) == (4 * 12 + 4) * HOUR_US


def test_without_hours_it_is_always_open_but_on_holidays():
    whole = (us("2026-03-02"), us("2026-03-09"))
    assert open_intervals((), (), "UTC", *whole) == (whole,)
    assert open_intervals((), {date(2026, 3, 3)}, "UTC", *whole) == (
        (us("2026-03-02"), us("2026-03-03")),
        (us("2026-03-04"), us("2026-03-09")),
    )


def test_hours_are_cut_to_what_is_asked_for():
    inside = (us("2026-03-02 10:00"), us("2026-03-02 10:00") + 1)
    assert open_intervals(WEEK, (), "UTC", *inside) == (inside,)
    assert open_intervals(WEEK, (), "UTC", us("2026-03-02 20:00"), us("2026-03-03 08:00")) == ()
    assert open_intervals(WEEK, (), "UTC", us("2026-03-02 10:00"), us("2026-03-02 10:00")) == ()


def test_hours_that_overlap_or_touch_count_once():
    hours = parse_hours("Mo 08:00-12:00; Mo 10:00-14:00; Mo 14:00-15:00")
    assert open_intervals(hours, (), "UTC", us("2026-03-02"), us("2026-03-03")) == (
        (us("2026-03-02 08:00"), us("2026-03-02 15:00")),
    )


@pytest.mark.parametrize(
    ("text", "zone", "day", "hours"),
    [
        # forward: 02:00 to 03:00 is skipped
        ("Su 01:00-04:00", "Europe/Berlin", date(2026, 3, 29), 2),
        ("Su 02:30-04:00", "Europe/Berlin", date(2026, 3, 29), 1),
        ("Su 01:00-02:30", "Europe/Berlin", date(2026, 3, 29), 1),
        ("Su 02:10-02:50", "Europe/Berlin", date(2026, 3, 29), 0),
        ("Su 02:00-03:00", "Europe/Berlin", date(2026, 3, 29), 0),
        ("Su 01:00-03:00", "Europe/Berlin", date(2026, 3, 29), 1),
        (ALWAYS, "Europe/Berlin", date(2026, 3, 29), 23),
        # back: 02:00 to 03:00 comes twice
        ("Su 01:00-04:00", "Europe/Berlin", date(2026, 10, 25), 4),
        ("Su 02:30-04:00", "Europe/Berlin", date(2026, 10, 25), 2),
        ("Su 00:00-02:30", "Europe/Berlin", date(2026, 10, 25), 3),
        ("Su 02:30-02:45", "Europe/Berlin", date(2026, 10, 25), 0.5),
        ("Su 02:00-03:00", "Europe/Berlin", date(2026, 10, 25), 2),
        ("Su 01:00-02:00", "Europe/Berlin", date(2026, 10, 25), 1),
        ("Su 03:00-04:00", "Europe/Berlin", date(2026, 10, 25), 1),
        (ALWAYS, "Europe/Berlin", date(2026, 10, 25), 25),
        # by half an hour
        ("Su 01:00-04:00", "Australia/Lord_Howe", date(2026, 4, 5), 3.5),
        ("Su 01:00-04:00", "Australia/Lord_Howe", date(2026, 10, 4), 2.5),
        # midnight skipped, and twice
        ("Fr 00:00-02:00", "Africa/Cairo", date(2026, 4, 24), 1),
        ("Th 22:00-24:00", "Africa/Cairo", date(2026, 4, 23), 2),
        ("Su 00:00-02:00", "America/Havana", date(2026, 11, 1), 3),
        ("Sa 22:00-24:00", "America/Havana", date(2026, 10, 31), 2),
        # a date that never was
        (ALWAYS, "Pacific/Apia", date(2011, 12, 30), 0),
        (ALWAYS, "Pacific/Apia", date(2011, 12, 31), 24),
    ],
)
def test_a_clock_change_within_the_hours_changes_their_length(text, zone, day, hours):
    assert _hours(text, zone, day) == hours


def test_a_time_that_comes_twice_is_in_the_hours_both_times_and_what_lies_between_is_not():
    found = open_intervals(
        parse_hours("Su 02:30-02:45"), (), "Europe/Berlin", us("2026-10-25"), us("2026-10-26")
    )
    assert found == (
        (us("2026-10-25 00:30"), us("2026-10-25 00:45")),
        (us("2026-10-25 01:30"), us("2026-10-25 01:45")),
    )


def test_hours_come_again_with_their_date_when_the_next_one_has_begun():
    """St. John's went back at 00:01 on Sunday: Saturday's last 59 minutes came again."""
    sunday, minute = midnight_us(date(2010, 11, 7), "America/St_Johns"), HOUR_US // 60
    again = (sunday + minute, sunday + 30 * minute)
    hours = parse_hours("Sa 20:00-23:30")
    whole = open_intervals(hours, (), "America/St_Johns", sunday - HOUR_US, sunday + HOUR_US)
    assert whole == ((sunday - HOUR_US, sunday - 30 * minute), again)
    assert open_intervals(hours, (), "America/St_Johns", sunday, sunday + HOUR_US) == (again,)


@given(
    st.lists(parts(), min_size=1, max_size=3),
    st.sampled_from(ZONES),
    st.integers(us("2009-01-01"), us("2030-01-01")),
    st.frozensets(st.integers(-1, 1), max_size=2),
)
@example([HoursPart(frozenset(range(7)), 0, 120)], "Africa/Cairo", us("2026-04-23 23:30"), frozenset())
@example([HoursPart(frozenset(range(7)), 60, 1440)], "Pacific/Apia", us("2011-12-30 12:30"), frozenset())
@example([HoursPart(frozenset(range(7)), 60, 120)], "Europe/Berlin", us("2026-10-25 00:30"), frozenset())
@example([HoursPart(frozenset({5}), 1320, 1440)], "America/St_Johns", us("2010-11-07 02:45"), frozenset())
def test_an_instant_is_open_if_the_clock_shows_one_of_the_hours(hours, zone, at_us, off):
    wall = local(at_us, zone).replace(tzinfo=None)
    holidays = {wall.date() + timedelta(days=number) for number in off}
    found = open_intervals(hours, holidays, zone, at_us, at_us + 1)
    minute = wall.hour * 60 + wall.minute
    assert bool(found) == (
        wall.date() not in holidays
        and any(wall.weekday() in part.weekdays and part.start <= minute < part.end for part in hours)
    )


@given(
    st.lists(parts(), min_size=1, max_size=3),
    st.sampled_from(ZONES),
    st.integers(us("2009-01-01"), us("2030-01-01")),
    st.lists(st.integers(0, 20 * DAY_US), min_size=3, max_size=3).map(sorted),
)
def test_two_halves_have_the_hours_of_the_whole(hours, zone, from_us, cuts):
    start_us, middle_us, end_us = (from_us + cut for cut in cuts)
    whole = length(open_intervals(hours, (), zone, start_us, end_us))
    halves = ((start_us, middle_us), (middle_us, end_us))
    assert whole == sum(length(open_intervals(hours, (), zone, *half)) for half in halves)
