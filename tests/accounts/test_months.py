"""Months of services: worked out once, kept while nothing can have changed them, and anew when something may have."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from support.maintenance import us
from support.months import CONTRACTS, NOW_US, months
from support.store_values import change
from support.tracks import contract

from prober.accounts.months import (
    HOUR_US,
    RECENT_US,
    RUNNING_US,
    Month,
    Months,
    is_due,
    periods,
    public_past,
)
from prober.accounts.months import _Kept as Kept
from prober.accounts.plans import Wanted
from prober.accounts.terms import watched
from prober.store.base import WriteSet
from reports import telling
from reports.document import Bounds, Number, Past, Ratio

NOTHING = Bounds(lowest=None, measured=None, highest=None)
STAMP = (0, 0, 0)
PUBLIC = """\
contracts:
  - {name: shop, service: shop, claim: "99.9%", public: true}
"""


def kept(at_us: int, *, running: bool = False, stamp: tuple[int, ...] = STAMP) -> Kept:
    """Return a month that was worked out at an instant."""
    month = Month(
        label="2026-01",
        bounds=NOTHING,
        coverage=Ratio(num=0, den=1, text="0"),
        down_seconds=Number(num=0, den=1),
        is_running=running,
    )
    return Kept(month, at_us, stamp)


def test_twelve_calendar_months_of_utc_end_with_the_running_one() -> None:
    found = periods(us("2026-03-31T23:59:59Z"))
    assert (len(found), found[0].label, found[-1].label) == (12, "2025-04", "2026-03")
    assert found[-1].end_us == us("2026-04-01T00:00:00Z")


@pytest.mark.parametrize(
    ("age_us", "ended_us", "running", "changed", "due"),
    [
        (RUNNING_US - 1, 0, True, False, False),
        (RUNNING_US, 0, True, False, True),
        (HOUR_US - 1, RECENT_US - 1, False, True, False),
        (HOUR_US, RECENT_US - 1, False, False, True),
        (HOUR_US, RECENT_US, False, False, False),
        (HOUR_US - 1, RECENT_US, False, True, False),
        (HOUR_US, RECENT_US, False, True, True),
    ],
)
def test_when_a_month_is_worked_out_anew(
    age_us: int, ended_us: int, running: bool, changed: bool, due: bool
) -> None:
    (january,) = [period for period in periods(NOW_US) if period.label == "2026-01"]
    now_us = january.end_us + ended_us
    stamp = (1, 0, 0) if changed else STAMP
    assert is_due(kept(now_us - age_us, running=running), january, stamp, now_us) is due
    assert is_due(None, january, STAMP, now_us)


async def test_a_month_has_the_figures_of_a_report_over_it(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=PUBLIC) as made:
        found = Months(lambda: made.office.accounts, made.store, made.now_us)
        await found.round()
        shown = found.of_service(watched(made.config)["shop"], NOW_US)
        (report,) = await made.office.reports(Wanted(contracts=("shop",), period="2026-01"))
    january = shown[9]
    assert january is not None
    for bound in ("lowest", "measured", "highest"):
        mine, theirs = getattr(january.bounds, bound), getattr(report.availability, bound)
        assert Fraction(mine.num, mine.den) == Fraction(theirs.num, theirs.den)
    assert [past.label for past in found.of_contract("shop")][-2:] == ["2026-01", "2026-02"]
    assert found.ready.is_set()


async def test_late_results_are_taken_in_after_an_hour(tmp_path: Path) -> None:
    """A month that ended long ago is left alone until the past has another revision."""
    async with months(tmp_path, contracts=PUBLIC) as made:
        found = Months(lambda: made.office.accounts, made.store, made.now_us)
        await found.round()
        before = found.of_service(watched(made.config)["shop"], NOW_US)
        made.clock[0] += HOUR_US
        await found.round()
        same = found.of_service(watched(made.config)["shop"], NOW_US)
        await made.store.write(WriteSet(changes=[replace(change("probe:web"), revision=1)]))
        made.clock[0] += HOUR_US
        await found.round()
        after = found.of_service(watched(made.config)["shop"], NOW_US)
    assert same[9] is before[9]
    assert after[9] is not before[9]
    assert after[9] == before[9]


async def test_what_is_no_longer_configured_is_forgotten(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        accounts = [made.office.accounts]
        found = Months(lambda: accounts[0], made.store, made.now_us)
        await found.round()
        assert found.of_contract("shop-gold")
        made.office.reload(replace(made.config, services=(), contracts=(), probes=()))
        accounts[0] = made.office.accounts
        await found.round()
    assert found.of_contract("shop-gold") == ()
    assert found.of_service(watched(made.config)["shop"], NOW_US) == [None] * 12


async def test_nothing_is_worked_out_until_somebody_asks(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=CONTRACTS) as made:
        found = Months(lambda: made.office.accounts, made.store, made.now_us)
        task = asyncio.create_task(found.run())
        await asyncio.sleep(0)
        assert not found.ready.is_set()
        found.wake()
        async with asyncio.timeout(20):
            await found.ready.wait()
        task.cancel()
        await asyncio.wait([task])
    assert found.at_us == NOW_US


def test_periods_under_a_version_that_was_not_public_are_left_out() -> None:
    from datetime import date

    first = replace(contract(), public=False, to_day=date(2026, 2, 1))
    second = replace(contract(), public=True, from_day=date(2026, 2, 1))
    past = [
        Past(
            label=month,
            from_=f"{month}-01T00:00:00+00:00",
            to="",
            finding=None,
            availability=NOTHING,
            claim=telling.exact(Fraction(1)),
        )
        for month in ("2026-01", "2026-02")
    ]
    assert [each.label for each in public_past(past, [first, second])] == ["2026-02"]
    assert public_past(past, [replace(second, from_day=date(2026, 3, 1))]) == []
