"""Calendars of others: rules, exceptions, added, moved and cancelled occurrences, days, zones, and what is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.maintenance import TERMS, ics, spans, us, utc

from prober.maintenance.calendars import CalendarError, Terms, expand_calendar
from prober.maintenance.expand import MAX_OCCURRENCES, Expansion

FROM, TO = us("2026-03-01T00:00:00Z"), us("2026-05-01T00:00:00Z")
WEEKLY = """
UID:weekly@ops
SUMMARY:Patch Sunday
DTSTART;TZID=Europe/Berlin:20260322T023000
DTEND;TZID=Europe/Berlin:20260322T043000
RRULE:FREQ=WEEKLY;BYDAY=SU;UNTIL=20260413T000000Z
"""
THREE = [("2026-03-22 01:30", "2026-03-22 03:30"), ("2026-03-29 01:30", "2026-03-29 03:30")]
FIRST_OF_APRIL = [("2026-04-05 00:30", "2026-04-05 02:30"), ("2026-04-12 00:30", "2026-04-12 02:30")]


def read(
    *events: str, terms: Terms = TERMS, head: str = "", from_us: int = FROM, to_us: int = TO
) -> Expansion:
    """Return what a calendar of some events comes to."""
    return expand_calendar(ics(*events, head=head), terms, from_us, to_us)


def times(*events: str, terms: Terms = TERMS, head: str = "") -> list[tuple[str, str]]:
    """Return the spans of a calendar without problems."""
    found = read(*events, terms=terms, head=head)
    assert found.problems == ()
    return spans(found.windows)


def one(lines: str) -> str:
    """Return an event of some lines."""
    return f"UID:one\nSUMMARY:One\n{lines}"


def test_a_rule_keeps_the_wall_clock_and_the_exact_length() -> None:
    assert times(WEEKLY) == THREE + FIRST_OF_APRIL


def test_excepted_dates_have_no_window() -> None:
    assert times(WEEKLY + "EXDATE;TZID=Europe/Berlin:20260329T023000,20260405T023000") == [
        THREE[0],
        FIRST_OF_APRIL[1],
    ]


def test_added_dates_have_one_even_as_periods() -> None:
    added = (
        "RDATE;TZID=Europe/Berlin:20260401T100000\n"
        "RDATE;VALUE=PERIOD:20260402T100000Z/20260402T101500Z,20260403T100000Z/PT45M"
    )
    assert times(WEEKLY + added) == [
        *THREE,
        ("2026-04-01 08:00", "2026-04-01 10:00"),
        ("2026-04-02 10:00", "2026-04-02 10:15"),
        ("2026-04-03 10:00", "2026-04-03 10:45"),
        *FIRST_OF_APRIL,
    ]


def test_an_occurrence_that_was_moved_takes_the_place_of_the_one_the_rule_makes() -> None:
    moved = """
UID:weekly@ops
SUMMARY:Patch Monday
RECURRENCE-ID;TZID=Europe/Berlin:20260405T023000
DTSTART;TZID=Europe/Berlin:20260406T030000
DTEND;TZID=Europe/Berlin:20260406T033000
"""
    found = read(WEEKLY, moved)
    assert spans(found.windows) == [*THREE, ("2026-04-06 01:00", "2026-04-06 01:30"), FIRST_OF_APRIL[1]]
    assert [window.title for window in found.windows].count("Patch Monday") == 1


def test_a_changed_occurrence_ends_when_it_says_although_clocks_change() -> None:
    changed = """
UID:weekly@ops
SUMMARY:Long
RECURRENCE-ID;TZID=Europe/Berlin:20260329T023000
DTSTART;TZID=Europe/Berlin:20260329T010000
DTEND;TZID=Europe/Berlin:20260329T030000
"""
    assert ("2026-03-29 00:00", "2026-03-29 01:00") in times(WEEKLY, changed)


@pytest.mark.parametrize("status", ["CANCELLED", "TENTATIVE"])
def test_an_occurrence_that_is_cancelled_or_not_settled_is_not_announced(status: str) -> None:
    changed = f"""
UID:weekly@ops
RECURRENCE-ID;TZID=Europe/Berlin:20260405T023000
DTSTART;TZID=Europe/Berlin:20260405T023000
DTEND;TZID=Europe/Berlin:20260405T043000
STATUS:{status}
"""
    assert times(WEEKLY, changed) == [*THREE, FIRST_OF_APRIL[1]]


def test_an_event_that_is_cancelled_as_a_whole_is_gone() -> None:
    assert times(WEEKLY + "STATUS:CANCELLED") == []
    assert len(times(WEEKLY + "STATUS:CONFIRMED")) == 4


def test_a_day_runs_from_midnight_to_midnight_in_the_zone_of_the_block() -> None:
    event = one("DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330")
    assert times(event) == [("2026-03-27 23:00", "2026-03-29 22:00")]  # 47 hours: clocks change
    assert times(one("DTSTART;VALUE=DATE:20260328")) == [("2026-03-27 23:00", "2026-03-28 23:00")]
    utc_terms = replace(TERMS, zone="UTC")
    assert times(event, terms=utc_terms) == [("2026-03-28 00:00", "2026-03-30 00:00")]


def test_days_that_repeat_are_days_of_the_calendar() -> None:
    event = one("DTSTART;VALUE=DATE:20260328\nRRULE:FREQ=DAILY;COUNT=2")
    assert times(event) == [
        ("2026-03-27 23:00", "2026-03-28 23:00"),
        ("2026-03-28 23:00", "2026-03-29 22:00"),
    ]


def test_times_without_a_zone_are_read_in_the_zone_of_the_block() -> None:
    event = one("DTSTART:20260322T023000\nDTEND:20260322T043000\nRRULE:FREQ=WEEKLY;COUNT=3")
    assert times(event) == [*THREE, FIRST_OF_APRIL[0]]
    assert times(event, head="X-WR-TIMEZONE:Asia/Tokyo\n") == [*THREE, FIRST_OF_APRIL[0]]


def test_times_of_utc_stay_so() -> None:
    event = one("DTSTART:20260322T013000Z\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=2")
    assert times(event) == THREE


def test_a_duration_of_days_is_of_the_calendar_and_one_of_hours_is_exact() -> None:
    start = "DTSTART;TZID=Europe/Berlin:20260327T120000\nRRULE:FREQ=DAILY;COUNT=2\n"
    assert times(one(start + "DURATION:P1D"))[1] == ("2026-03-28 11:00", "2026-03-29 10:00")
    assert times(one(start + "DURATION:PT25H"))[1] == ("2026-03-28 11:00", "2026-03-29 12:00")


def test_zones_that_a_calendar_brings_along_and_those_of_windows_are_known() -> None:
    event = one("DTSTART;TZID=W. Europe Standard Time:20260322T023000\nDURATION:PT2H")
    assert times(event) == THREE[:1]
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    event = one("DTSTART;TZID=Office:20260322T070000\nDURATION:PT2H")
    assert times(event, head=zone) == THREE[:1]


def test_a_zone_that_nobody_knows_is_told_and_the_others_stay() -> None:
    found = read(one("DTSTART;TZID=Nowhere/Odd:20260322T023000\nDURATION:PT2H"), WEEKLY)
    assert found.problems == ("the event 'One': no time zone is named 'Nowhere/Odd'",)
    assert len(found.windows) == 4


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (one("DTSTART:20260322T023000\nRRULE:FREQ=SECONDLY"), "the event 'One': FREQ=SECONDLY is too fine"),
        (one("DTSTART:20260322T023000\nRRULE:FREQ=DAILY;BYDAY=1MO"), "the event 'One': a number before"),
        ("SUMMARY:x\nDTSTART:20260322T023000", "the event 'x' has no UID"),
        ("UID:x\nSUMMARY:y", "the event 'y' has no DTSTART"),
        ("UID:x\nDTSTART:soon", "an event without a summary cannot be worked out"),
    ],
)
def test_what_is_wrong_with_one_event_is_told_and_the_others_stay(event: str, problem: str) -> None:
    found = read(event, WEEKLY)
    assert len(found.windows) == 4
    assert [text for text in found.problems if text.startswith(problem)], found.problems


def test_an_event_without_length_is_no_window() -> None:
    assert times(one("DTSTART:20260322T023000Z")) == []
    found = read(one("DTSTART:20260322T023000Z\nDTEND:20260322T013000Z"))
    assert (found.windows, found.problems) == ((), ("the event 'One': it ends before it begins",))


@pytest.mark.parametrize(("match", "count"), [("patch", 4), ("PATCH SUN", 4), ("database", 4), ("mail", 0)])
def test_match_looks_at_summary_and_categories_whatever_the_case(match: str, count: int) -> None:
    terms = replace(TERMS, match=match)
    assert len(times(WEEKLY + "CATEGORIES:Infra,Database", terms=terms)) == count


def test_a_window_is_in_the_span_that_it_overlaps_by_a_microsecond() -> None:
    event = one("DTSTART:20260322T013000Z\nDTEND:20260322T033000Z")
    start, end = us("2026-03-22T01:30:00Z"), us("2026-03-22T03:30:00Z")
    assert [len(read(event, from_us=a, to_us=b).windows) for a, b in
            ((end - 1, end), (end, end + 1), (start, start + 1), (start - 1, start))] == [1, 0, 1, 0]  # fmt: skip


def test_stamps_say_when_it_was_announced_only_if_they_are_trusted() -> None:
    event = one("DTSTART:20260322T013000Z\nDURATION:PT2H\nCREATED:20260301T080000Z\n")
    changed = event + "LAST-MODIFIED:20260310T080000Z\n"
    trusted = replace(TERMS, trust_stamps=True)
    assert [read(each).windows[0].announced_us for each in (event, changed)] == [None, None]
    assert [utc(read(each, terms=trusted).windows[0].announced_us or 0) for each in (event, changed)] == [
        "2026-03-01 08:00",
        "2026-03-10 08:00",  # what it says now was not said before
    ]
    bare = one("DTSTART:20260322T013000Z\nDURATION:PT2H\n")
    assert read(bare, terms=trusted).windows[0].announced_us is None


def test_what_people_see_is_the_summary_in_one_line_and_never_the_description() -> None:
    times_of = "DTSTART:20260322T013000Z\nDURATION:PT2H"
    event = f"UID:x\nSUMMARY:Patch\\n  the   shop\nDESCRIPTION:password is hunter2\n{times_of}"
    (window,) = read(event, terms=replace(TERMS, description="Ask us")).windows
    assert (window.title, window.description) == ("Patch the shop", "Ask us")
    bare = "UID:x\nDTSTART:20260322T013000Z\nDURATION:PT2H"
    assert read(bare).windows[0].title == "Maintenance"
    assert read(bare, terms=replace(TERMS, title="Network")).windows[0].title == "Network"
    assert (
        len(
            read("UID:x\nSUMMARY:" + "x" * 900 + "\nDTSTART:20260322T013000Z\nDURATION:PT2H").windows[0].title
        )
        == 200
    )


def test_keys_stay_while_an_event_stays_and_change_with_its_times() -> None:
    keys = [
        [window.key for window in read(text).windows] for text in (WEEKLY, WEEKLY.replace("Patch", "Fix"))
    ]
    assert keys[0] == keys[1]
    later = [window.key for window in read(WEEKLY.replace("T043000", "T044500")).windows]
    assert set(later).isdisjoint(keys[0])


def test_a_calendar_with_too_many_windows_is_cut_and_told() -> None:
    event = one("DTSTART:20200101T000000Z\nDURATION:PT10M\nRRULE:FREQ=DAILY")
    found = expand_calendar(ics(event), TERMS, us("2020-01-01T00:00:00Z"), us("2040-01-01T00:00:00Z"))
    assert len(found.windows) == MAX_OCCURRENCES
    assert found.problems == ("more than 5,000 windows; only the first 5,000 are known",)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "holds no calendar"),
        (b"<html>log in</html>", "cannot be read as iCalendar"),
        (b"\xff\xfe\x00binary", "cannot be read as iCalendar"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\n", "holds no calendar"),
    ],
)
def test_what_is_no_calendar_is_said(data: bytes, problem: str) -> None:
    with pytest.raises(CalendarError, match=problem):
        expand_calendar(data, TERMS, FROM, TO)


def test_an_empty_calendar_has_no_windows() -> None:
    assert read() == Expansion()
