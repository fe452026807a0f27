"""Midnights, days and texts of zones, with the odd days that real zones had; rules as of tzdata 2025b and later."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.plain_contracts import DAY_US, HOUR_US, us

from reports.zones import (
    day_at,
    days_of,
    earliest_us,
    local,
    local_text,
    midnight_us,
    times_of,
    tzdata_version,
)

MINUTE_US = HOUR_US // 60

# Each with something odd in it: jumps at midnight or over it, half hours, 45 minutes, repeated and lost dates.
ODD_ZONES = (
    "UTC",
    "Africa/Cairo",
    "Africa/Monrovia",
    "America/Asuncion",
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
)
zones = st.sampled_from(ODD_ZONES)
days = st.dates(date(1970, 1, 2), date(2037, 12, 30))


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T01:00:00+03:00"),
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-29T01:00:00+03:00"),
        ("America/Asuncion", date(2023, 10, 1), "2023-10-01T01:00:00-03:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T01:00:00-02:00"),
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T00:30:00-04:00"),
    ],
)
def test_a_skipped_midnight_is_the_first_instant_after_the_jump(zone, day, first):
    at_us = midnight_us(day, zone)
    assert local_text(at_us, zone) == first
    assert local(at_us - 1, zone).date() == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "day", "first", "hours"),
    [
        ("America/Havana", date(2026, 11, 1), "2026-11-01T00:00:00-04:00", 25),
        ("Atlantic/Azores", date(2026, 10, 25), "2026-10-25T00:00:00+00:00", 25),
    ],
)
def test_of_two_midnights_the_earlier_one_begins_the_day(zone, day, first, hours):
    at_us = midnight_us(day, zone)
    assert local_text(at_us, zone) == first
    assert local(at_us + HOUR_US, zone).replace(tzinfo=None) == datetime(day.year, day.month, day.day)
    assert midnight_us(day + timedelta(days=1), zone) - at_us == hours * HOUR_US


def test_a_clock_that_goes_back_over_midnight_begins_the_day_once():
    """St. John's went back at one minute past midnight: 23:01 to 00:00 came again, after the new day had begun."""
    sunday = midnight_us(date(2010, 11, 7), "America/St_Johns")
    assert local_text(sunday, "America/St_Johns") == "2010-11-07T00:00:00-02:30"
    again = sunday + MINUTE_US
    assert local_text(again, "America/St_Johns") == "2010-11-06T23:01:00-03:30"
    assert day_at(sunday - 1, "America/St_Johns") == date(2010, 11, 6)
    assert day_at(again, "America/St_Johns") == date(2010, 11, 7)


def test_a_midnight_that_the_clock_goes_back_from_is_the_one_it_gets_to():
    """Sao Paulo went back at midnight: Saturday had 25 hours, and Sunday began when the clock came by again."""
    saturday, sunday = (midnight_us(date(2019, 2, day), "America/Sao_Paulo") for day in (16, 17))
    assert sunday - saturday == 25 * HOUR_US
    assert local_text(sunday, "America/Sao_Paulo") == "2019-02-17T00:00:00-03:00"


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Apia", date(2011, 12, 30)), ("Pacific/Kwajalein", date(1993, 8, 21))]
)
def test_a_date_that_never_was_is_empty_and_no_day(zone, day):
    after = day + timedelta(days=1)
    assert midnight_us(day, zone) == midnight_us(after, zone)
    around = days_of(
        midnight_us(day - timedelta(days=1), zone), midnight_us(after + timedelta(days=1), zone), zone
    )
    assert [each[0] for each in around] == [day - timedelta(days=1), after]
    assert day_at(midnight_us(day, zone), zone) == after


def test_a_date_that_came_twice_is_one_long_day():
    """Kwajalein went back 23 hours in 1969."""
    first, after = (midnight_us(day, "Pacific/Kwajalein") for day in (date(1969, 9, 30), date(1969, 10, 1)))
    assert after - first == 47 * HOUR_US


def test_a_repeated_time_has_a_first_instant():
    assert earliest_us(datetime(2026, 10, 25, 2, 30), "Europe/Berlin") == us("2026-10-25 00:30")


def test_a_skipped_time_is_the_instant_of_the_jump():
    assert earliest_us(datetime(2026, 3, 29, 2, 30), "Europe/Berlin") == us("2026-03-29 01:00")


@given(days, zones)
def test_times_of_days_tile_time(day, zone):
    """Every instant has one date and one time on the clock, before and after every change of it."""
    dates = [day + timedelta(days=number) for number in range(-2, 3)]
    found = sorted(
        interval
        for each in dates
        for bounds in ((0, 157), (157, 1440))
        for interval in times_of(each, *bounds, zone)
    )
    around = [
        each for each in found if each[1] > midnight_us(day, zone) and each[0] < midnight_us(dates[3], zone)
    ]
    assert all(before[1] == after[0] for before, after in pairwise(around))
    for start_us, end_us in around:
        assert all(local(at_us, zone).date() in dates for at_us in (start_us, end_us - 1))


def test_a_date_that_came_twice_has_its_times_twice():
    """Kwajalein went back 23 hours in 1969."""
    found = list(times_of(date(1969, 9, 30), 8 * 60, 9 * 60, "Pacific/Kwajalein"))
    assert [end_us - start_us for start_us, end_us in found] == [HOUR_US, HOUR_US]
    assert found[1][0] - found[0][0] == 23 * HOUR_US


@pytest.mark.parametrize(
    ("at_us", "zone", "text"),
    [
        (us("2026-03-28 23:00"), "Europe/Berlin", "2026-03-29T00:00:00+01:00"),
        (us("2026-03-29 01:00"), "Europe/Berlin", "2026-03-29T03:00:00+02:00"),
        (us("2026-03-29 01:00") - 1, "Europe/Berlin", "2026-03-29T01:59:59.999999+01:00"),
        (500_000, "UTC", "1970-01-01T00:00:00.500000+00:00"),
        (0, "America/St_Johns", "1969-12-31T20:30:00-03:30"),
        # 44 minutes and 30 seconds behind: RFC 3339 has no way to say that.
        (0, "Africa/Monrovia", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_an_instant_is_written_with_the_offset_it_has(at_us, zone, text):
    assert local_text(at_us, zone) == text


@given(zones, days)
def test_a_day_begins_where_the_clock_first_shows_it(zone, day):
    """Checked on the clock, minute by minute: nothing of the day before its first instant, something right at it."""
    at_us = midnight_us(day, zone)
    wall = datetime.combine(day, datetime.min.time())
    assert local(at_us, zone).replace(tzinfo=None) >= wall
    assert all(local(at_us - 1 - back * MINUTE_US, zone).replace(tzinfo=None) < wall for back in range(180))


@given(zones, st.integers(0, us("2037-12-30")))
@example("America/St_Johns", us("2010-11-07 02:45"))
@example("Pacific/Apia", us("2011-12-30 10:00"))
def test_an_instant_lies_in_its_day(zone, at_us):
    day = day_at(at_us, zone)
    assert midnight_us(day, zone) <= at_us < midnight_us(day + timedelta(days=1), zone)


@given(zones, st.integers(0, us("2037-06-01")), st.integers(0, 40 * DAY_US))
def test_days_tile_the_window_they_are_cut_from(zone, start_us, length_us):
    cut = days_of(start_us, start_us + length_us, zone)
    assert sum(end - start for _, start, end in cut) == length_us
    edges = [start_us, *(end for _, _, end in cut)]
    assert [start for _, start, _ in cut] == edges[:-1]
    assert all(start < end for _, start, end in cut)
    assert [day for day, _, _ in cut] == sorted({day for day, _, _ in cut})


def test_an_unknown_zone_is_refused_with_a_hint():
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(ValueError, match=r"not a time zone.*use a name such as"):
            midnight_us(date(2026, 1, 1), name)


def test_an_instant_beyond_all_dates_is_refused_with_a_hint():
    with pytest.raises(ValueError, match="is it in microseconds"):
        local_text(10**20, "UTC")


def test_the_rules_version_is_that_of_the_place_they_come_from(tmp_path: Path):
    (tmp_path / "UTC").write_bytes(b"")
    (tmp_path / "tzdata.zi").write_text("# version 2031c\n# more\n", encoding="ascii")
    places = (str(tmp_path / "absent"), str(tmp_path))
    assert tzdata_version("UTC", places) == "2031c (system)"
    assert tzdata_version("Europe/Berlin", places).endswith(" (package)")
    assert tzdata_version("UTC", (str(tmp_path / "absent"),)).endswith(" (package)")


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [("+VERSION", "2031a\n", "2031a"), ("version", "2031b", "2031b"), ("readme", "2031c", "unknown")],
)
def test_the_systems_version_is_read_where_it_stands(tmp_path: Path, name, text, version):
    (tmp_path / "UTC").write_bytes(b"")
    (tmp_path / name).write_text(text, encoding="ascii")
    assert tzdata_version("UTC", (str(tmp_path),)) == f"{version} (system)"


def test_the_version_in_use_is_named():
    assert tzdata_version().endswith((" (system)", " (package)"))
    assert tzdata_version()[:2] == "20"
