"""Schedules as windows: the wall clock of a zone, exact lengths, both sides of every boundary."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maintenance import DAY_US, HOUR_US, block, spans, us, utc

from prober.maintenance.expand import MAX_OCCURRENCES, Expansion, expand, key_of

WEEKLY = (
    "title: Patches, start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00, "
    "timezone: Europe/Berlin, repeat: FREQ=WEEKLY;BYDAY=SU"
)
START, END = us("2026-03-22T02:30:00+01:00"), us("2026-03-22T04:30:00+01:00")


def windows(text: str, from_: str, to: str) -> list[tuple[str, str]]:
    """Return the spans of a block's windows in a span of time."""
    found = expand((block(text),), us(from_), us(to))
    assert found.problems == ()
    return spans(found.windows)


def test_a_weekly_window_keeps_its_wall_clock_when_clocks_change() -> None:
    # 29 March has no 02:30: RFC 5545 reads it with the offset before the gap, 01:30 UTC.
    assert windows(WEEKLY, "2026-03-21T00:00:00Z", "2026-04-06T00:00:00Z") == [
        ("2026-03-22 01:30", "2026-03-22 03:30"),
        ("2026-03-29 01:30", "2026-03-29 03:30"),
        ("2026-04-05 00:30", "2026-04-05 02:30"),
    ]


def test_a_start_that_comes_twice_is_the_first_and_the_length_is_exact() -> None:
    # 25 October: 02:30 comes at 00:30 and at 01:30 UTC.
    assert windows(WEEKLY, "2026-10-18T03:00:00Z", "2026-11-01T03:00:00Z") == [
        ("2026-10-25 00:30", "2026-10-25 02:30"),
        ("2026-11-01 01:30", "2026-11-01 03:30"),
    ]


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "UTC"])
def test_every_occurrence_is_as_long_as_the_first(zone: str) -> None:
    text = f"title: x, start: 2026-01-04T00:30:00Z, end: 2026-01-04T05:00:00Z, timezone: {zone}, repeat: FREQ=DAILY"
    found = expand((block(text),), us("2026-01-01T00:00:00Z"), us("2027-01-01T00:00:00Z")).windows
    assert {window.end_us - window.start_us for window in found} == {9 * HOUR_US // 2}
    assert len(found) == 362


def test_a_window_is_in_a_span_that_it_overlaps_by_a_microsecond() -> None:
    one = (block(WEEKLY),)
    assert spans(expand(one, END - 1, END).windows) == [(utc(START), utc(END))]
    assert expand(one, END, END + 1).windows == ()
    assert spans(expand(one, START, START + 1).windows) == [(utc(START), utc(END))]
    assert expand(one, START - 1, START).windows == ()


def test_a_single_window_needs_no_rule_and_has_the_same_bounds() -> None:
    one = (block("title: x, start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00"),)
    assert spans(expand(one, END - 1, END).windows) == [(utc(START), utc(END))]
    assert expand(one, END, END + 1).windows == expand(one, START - 1, START).windows == ()


def test_days_that_are_excepted_have_no_window() -> None:
    text = f"{WEEKLY}, except: [2026-03-29, 2026-04-05]"
    assert [start for start, _ in windows(text, "2026-03-22T00:00:00Z", "2026-04-13T00:00:00Z")] == [
        "2026-03-22 01:30",
        "2026-04-12 00:30",
    ]


@pytest.mark.parametrize(
    ("until", "count"), [("2026-04-04", 2), ("2026-04-05", 3), ("2026-04-11", 3), ("2026-04-12", 4)]
)
def test_until_is_the_last_day_on_which_it_begins(until: str, count: int) -> None:
    assert len(windows(f"{WEEKLY}, until: {until}", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")) == count


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("20260405", 3),
        ("20260404", 2),
        ("20260405T003000Z", 3),
        ("20260405T002959Z", 2),
        ("20260405T023000", 3),
        ("20260405T022959", 2),
    ],
)
def test_until_of_the_rule_includes_its_instant(until: str, count: int) -> None:
    text = f"{WEEKLY};UNTIL={until}"
    assert len(windows(text, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")) == count


def test_count_counts_from_the_first_and_exceptions_use_it_up() -> None:
    text = f"{WEEKLY};COUNT=3, except: [2026-03-29]"
    assert len(windows(text, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")) == 2


def test_the_fifth_sunday_comes_only_where_there_is_one() -> None:
    text = "title: x, start: 2026-03-29T10:00:00Z, end: 2026-03-29T11:00:00Z, repeat: FREQ=MONTHLY;BYDAY=5SU"
    found = windows(text, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert [start[:10] for start, _ in found] == ["2026-03-29", "2026-05-31", "2026-08-30", "2026-11-29"]


def test_a_key_hangs_on_times_and_services_not_on_words() -> None:
    one = block("title: x, start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00")
    keys = {
        expand((each,), START, END).windows[0].key
        for each in (one, one.model_copy(update={"title": "y", "description": "z"}))
    }
    assert keys == {key_of("configuration", "", START, END, ["shop"])}
    assert key_of("configuration", "", START, END, ["shop"]) != key_of("cli", "", START, END, ["shop"])
    assert key_of("cli", "", START, END, ["a", "b"]) == key_of("cli", "", START, END, ["b", "a"])


def test_a_date_as_a_rule_makes_the_same_keys_as_single_dates() -> None:
    ruled = expand((block(WEEKLY),), START, START + 8 * DAY_US).windows
    singles = [
        block("title: a, start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00"),
        block("title: a, start: 2026-03-29T01:30:00Z, end: 2026-03-29T03:30:00Z"),
    ]
    assert [window.key for window in ruled] == [
        window.key for window in expand(singles, START, START + 8 * DAY_US).windows
    ]


def test_two_works_at_one_time_are_two_windows_and_the_same_twice_is_one() -> None:
    one = block("title: x, start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00")
    other = one.model_copy(update={"title": "y"})
    found = expand((one, other, one, other), START, END).windows
    assert sorted(window.title for window in found) == ["x", "y"]
    assert len({window.key for window in found}) == 2


def test_what_makes_too_many_windows_is_cut_and_told() -> None:
    text = "title: Often, start: 2026-01-01T00:00:00Z, end: 2026-01-01T00:10:00Z, repeat: FREQ=DAILY"
    found = expand((block(text),), us("2026-01-01T00:00:00Z"), us("2046-01-01T00:00:00Z"))
    assert len(found.windows) == MAX_OCCURRENCES
    assert found.problems == ("Often: more than 5,000 windows; only the first 5,000 are known",)


def test_nothing_is_there_before_the_first_one() -> None:
    assert expand((block(WEEKLY),), 0, START) == Expansion()


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(min_value=0, max_value=400 * DAY_US), min_size=2, max_size=2, unique=True),
    rule=st.sampled_from(["FREQ=DAILY;INTERVAL=5", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYDAY=4SU"]),
    hours=st.integers(min_value=1, max_value=90),
)
def test_two_spans_side_by_side_have_the_windows_of_the_whole(cuts: list[int], rule: str, hours: int) -> None:
    one = block(WEEKLY.replace("FREQ=WEEKLY;BYDAY=SU", rule))
    one = one.model_copy(update={"end_us": START + hours * HOUR_US})
    middle, end = (START - 20 * DAY_US + each for each in sorted(cuts))
    first, second = (expand((one,), *span).windows for span in ((0, middle), (middle, end)))
    assert {*first, *second} == set(expand((one,), 0, end).windows)
    assert all(window.start_us < middle < window.end_us for window in {*first} & {*second})


def test_windows_carry_what_the_block_says() -> None:
    text = (
        "title: x, description: All of it, announced: 2026-03-01T00:00:00Z, "
        "start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00"
    )
    (found,) = expand((block(text),), START, END).windows
    assert (found.title, found.description, found.services) == ("x", "All of it", ("shop",))
    assert (found.announced_us, found.logged_us, found.source) == (
        us("2026-03-01T00:00:00Z"), None, "configuration",
    )  # fmt: skip
    assert replace(found, key="").cancelled_us is None


def test_the_first_start_is_the_instant_that_was_written_even_when_its_hour_comes_twice() -> None:
    text = (
        "title: x, start: 2026-10-25T02:30:00+01:00, end: 2026-10-25T03:30:00+01:00, timezone: Europe/Berlin, "
        "repeat: FREQ=DAILY;COUNT=2"
    )
    assert windows(text, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z") == [
        ("2026-10-25 01:30", "2026-10-25 02:30"),
        ("2026-10-26 01:30", "2026-10-26 02:30"),
    ]
