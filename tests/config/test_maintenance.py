"""Maintenance in the configuration: windows, rules and calendars; what cannot be together, at its place in the file."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.commands import ROOT, environment
from support.configs import faults_of
from support.maintenance import HEAD, block

FIRST = "title: x, start: 2026-03-22T02:30:00+01:00, end: 2026-03-22T04:30:00+01:00"
WEEKLY = f"{FIRST}, timezone: Europe/Berlin, repeat: FREQ=WEEKLY;BYDAY=SU"


def faults(text: str) -> list[str]:
    """Return the faults of one block, without the file's name."""
    rows = HEAD + f"maintenance:\n  - {{services: [shop], {text}}}\n"
    return [fault.partition(":")[2] for fault in faults_of(rows)]


@pytest.mark.parametrize(
    "text",
    [
        FIRST,
        WEEKLY,
        f"{WEEKLY}, until: 2026-12-31, except: [2026-04-05]",
        "calendar: ops.ics",
        "calendar: /etc/ops.ics, match: shop, refresh: 5m, trust_stamps: true, timezone: Europe/Berlin",
        "calendar: 'https://calendar.example/private/ops.ics?token=x', title: Work, description: What we do",
        "calendar: 'http://127.0.0.1:8000/ops.ics'",
    ],
)
def test_a_sound_block_is_taken(text: str) -> None:
    assert block(text).services == ("shop",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"{FIRST}, repeat: FREQ=WEKLY", "repeat: no frequency is named 'WEKLY' (did you mean 'WEEKLY'?)"),
        (f"{FIRST}, repeat: FREQ=HOURLY", "repeat: FREQ=HOURLY is too fine for maintenance (one of DAILY,"),
        (f"{FIRST}, repeat: FREQ=WEEKLY, timezone: Europe/Berln", "timezone: not a time zone (did you mean"),
        (f"{FIRST}, repeat: FREQ=WEEKLY, until: soon", "until: expected a date such as"),
        (f"{FIRST}, repeat: FREQ=WEEKLY, except: [2026-02-30]", "except.0: expected a date such as"),
        (
            f"{FIRST}, repeat: FREQ=WEEKLY;BYDAY=MO",
            "0: the rule does not begin with the start, Sunday 2026-03-22",
        ),
        (f"{FIRST}, repeat: FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "0: the rule does not begin with the start"),
        (f"{FIRST}, until: 2026-12-31", "0: until is of no use without repeat"),
        (f"{FIRST}, timezone: UTC", "0: timezone is of no use without repeat"),
        (f"{FIRST}, match: x", "0: match is for a calendar only"),
        (f"{FIRST}, calendar: ops.ics", "0: start is not for a calendar (its events say when)"),
        ("title: x", "0: start and end required, but missing (or a calendar)"),
        (FIRST.replace("title: x, ", ""), "0: title required, but missing"),
        (FIRST.replace("04:30", "02:30"), "0: the end is not after the start"),
        (FIRST.replace("end: 2026", "end: 2028"), "0: a window is at most 366 days long"),
        ("calendar: 'http://calendar.example/ops.ics'", "calendar: a calendar is read over https only"),
        ("calendar: 'ftp://calendar.example/ops.ics'", "calendar: not an address of a calendar"),
        ("calendar: 'https://me:secret@calendar.example/'", "calendar: an address without user and fragment"),
        ("calendar: ops.ics, refresh: 10s", "refresh: "),
        (
            f"{FIRST}, repeat: 'FREQ=DAILY;BYHOUR=1,3,4,5,6,7,8,9,10,11,12,13,14;BYMINUTE=30'",
            "0: more than 5,000",
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(text: str, fault: str) -> None:
    (found,) = faults(text)
    line, _, rest = found.partition(":")
    assert line == "8"
    assert rest.partition(": maintenance.")[2].removeprefix("0.").startswith(fault)
    assert "secret" not in found


def test_a_rule_with_many_times_a_day_is_taken_up_to_the_limit() -> None:
    hours = ",".join(map(str, range(2, 14)))
    assert block(f"{FIRST}, timezone: Europe/Berlin, repeat: 'FREQ=DAILY;BYHOUR={hours};BYMINUTE=30'").repeat


WITHOUT = """
import importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"dateutil", "icalendar", "recurring_ical_events"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hide())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {"dateutil", "icalendar"} else find(name)
from support.configs import faults_of
from support.maintenance import HEAD
import sys
print(faults_of(HEAD + sys.argv[1]))
"""


@pytest.mark.parametrize(("text", "key"), [(WEEKLY, "repeat"), ("calendar: ops.ics", "calendar")])
def test_without_the_extra_the_key_that_needs_it_is_named(text: str, key: str) -> None:
    rows = f"maintenance:\n  - {{services: [shop], {text}}}\n"
    said = _without_extra(rows)
    assert f"{key} needs the extra ical, which is not installed (pip install 'uptime-prober[ical]')" in said
    assert _without_extra(f"maintenance:\n  - {{services: [shop], {FIRST}}}\n") == "[]\n"


def _without_extra(rows: str) -> str:
    done = subprocess.run(
        (sys.executable, "-c", WITHOUT, rows),
        cwd=ROOT,
        env=environment({"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout
