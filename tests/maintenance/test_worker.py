"""Calendars are worked out in a child process: the same windows, and an end to what would never end."""

from __future__ import annotations

import time

import pytest
from support.maintenance import TERMS, ics, us

from prober.maintenance.calendars import CalendarError, expand_calendar
from prober.maintenance.worker import work_out

FROM, TO = us("2026-03-01T00:00:00Z"), us("2026-05-01T00:00:00Z")
EVENT = "UID:x\nSUMMARY:Überholung\nDTSTART:20260322T013000Z\nDURATION:PT2H\nRRULE:FREQ=WEEKLY\nCATEGORIES:a"


async def test_the_child_says_what_the_function_says() -> None:
    data = ics(EVENT, "UID:y\nDTSTART:20260322T013000Z\nRRULE:FREQ=HOURLY")
    found = await work_out(data, TERMS, FROM, TO)
    assert found == expand_calendar(data, TERMS, FROM, TO)
    assert (len(found.windows), len(found.problems)) == (6, 1)


async def test_what_is_no_calendar_is_said() -> None:
    with pytest.raises(CalendarError, match="holds no calendar"):
        await work_out(b"", TERMS, FROM, TO)


async def test_a_calendar_that_takes_for_ever_is_given_up() -> None:
    never = "DTSTART:20260322T013000Z\nDURATION:PT2H\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    data = ics(*(f"UID:{number}\n{never}" for number in range(60)))
    began = time.monotonic()
    with pytest.raises(CalendarError, match="takes too long"):
        await work_out(data, TERMS, FROM, TO, deadline_seconds=2.0)
    assert time.monotonic() - began < 20
