"""RRULEs are read strictly: what is wrong is said, with what to try."""

from __future__ import annotations

import pytest

from prober.maintenance.rules import RuleError, read_rule


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=WEEKLY;BYDAY=SU",
        "RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=12",
        "freq=daily;interval=3",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;WKST=MO",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    ],
)
def test_a_sound_rule_is_taken(text: str) -> None:
    assert read_rule(text).parts == text.upper().removeprefix("RRULE:")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a rule"),
        ("weekly", "'WEEKLY' is not KEY=VALUE"),
        ("BYDAY=SU", "the rule has no FREQ"),
        ("FREQ=WEKLY", "no frequency is named 'WEKLY'"),
        ("FREQ=HOURLY", "FREQ=HOURLY is too fine for maintenance"),
        ("FREQ=SECONDLY", "FREQ=SECONDLY is too fine for maintenance"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
        ("FREQ=DAILY;BYDAYS=SU", "no part of a rule is named 'BYDAYS'"),
        ("FREQ=DAILY;BYSECOND=1", "BYSECOND is of no use here"),
        ("FREQ=WEEKLY;BYDAY=SUN", "BYDAY: 'SUN' is not a weekday"),
        ("FREQ=WEEKLY;BYDAY=1SU", "a number before a weekday is for FREQ=MONTHLY and FREQ=YEARLY only"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY is not for FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO is for FREQ=YEARLY only"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is a whole number from 1 to 10000"),
        ("FREQ=DAILY;COUNT=-1", "COUNT is a whole number from 1 to 100000"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH: '13' is not from 1 to 12"),
        ("FREQ=DAILY;BYMONTHDAY=x", "BYMONTHDAY: 'X' is not a whole number"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs another BY... beside it"),
        ("FREQ=DAILY;UNTIL=20261301", "UNTIL=20261301 is no day of the calendar"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL is a date or an instant"),
        ("FREQ=DAILY;UNTIL=20261201;COUNT=2", "UNTIL and COUNT exclude each other"),
        ("FREQ=DAILY;" + "X" * 500, "expected a rule"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    with pytest.raises(RuleError) as told:
        read_rule(text)
    assert str(told.value).startswith(problem)
