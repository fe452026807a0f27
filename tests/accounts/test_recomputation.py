"""A quarter worked out again from what the API exports, by code that shares nothing: equal to the fraction."""

from __future__ import annotations

from datetime import date

import pytest
from support.lawyer import DAY, MINUTE
from support.lawyer_calendar import berlin
from support.quarter_contracts import EVERY, PERIODS, lawyer, same_coverage, same_fractions, world

INTERVALS = (600, 540, 720)
"""Seconds: of one probe before and after a change in the middle of the quarter, and of another one."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "period"), EVERY)
def test_somebody_else_gets_the_same_fractions_from_the_export(name: str, period: str) -> None:
    grids, told, known = world(INTERVALS)
    own = lawyer(grids, name, period, known)
    same_fractions(own, told[period][name])
    same_coverage(own, told[period][name])


def test_the_march_of_berlin_has_743_hours() -> None:
    hours = [(berlin(end) - berlin(first)) / (60 * MINUTE) for first, end in PERIODS.values()]
    assert hours == [2_159, 743]
    assert berlin(date(2025, 3, 31)) - berlin(date(2025, 3, 30)) == DAY - 60 * MINUTE
