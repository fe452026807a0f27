"""A quarter worked out again from what the API exports, by code that shares nothing: equal to the fraction."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from support.lawyer import DAY, MINUTE, Known
from support.lawyer_calendar import berlin
from support.lawyer_rows import Grid, grids_of
from support.quarter import export, make, reports
from support.quarter_contracts import CASES, PERIODS, configured, lawyer, same_coverage, same_fractions

Reports = dict[str, dict[str, dict[str, Any]]]


@cache
def world() -> tuple[list[Grid], Reports, Known]:
    """Return the export of a made-up quarter, and what was reported of each period; made once."""

    async def run() -> tuple[list[Grid], Reports, Known]:
        with TemporaryDirectory() as folder:
            path = await make(Path(folder), configured())
            told = {period: await reports(path, period, CASES[period]) for period in PERIODS}
            return grids_of(await export(path)), told, {}

    return asyncio.run(run())


EVERY = [(name, period) for period, names in CASES.items() for name in names]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "period"), EVERY)
def test_somebody_else_gets_the_same_fractions_from_the_export(name: str, period: str) -> None:
    grids, told, known = world()
    own = lawyer(grids, name, period, known)
    same_fractions(own, told[period][name])
    same_coverage(own, told[period][name])


def test_the_march_of_berlin_has_743_hours() -> None:
    hours = [(berlin(end) - berlin(first)) / (60 * MINUTE) for first, end in PERIODS.values()]
    assert hours == [2_159, 743]
    assert berlin(date(2025, 3, 31)) - berlin(date(2025, 3, 30)) == DAY - 60 * MINUTE
