"""Periods to choose from: as far back as a contract holds, never into the future, whatever its window is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from support.maintenance import us
from support.tracks import contract

from prober.web.contract_periods import MOST, Beside, beside, choices
from reports.contract import Contract, WindowRule

NOW_US = us("2026-03-20T12:00:00Z")


def of(window: WindowRule, since: date | None = None) -> list[Contract]:
    return [replace(contract(), window=window, from_day=since)]


def test_periods_are_listed_from_the_running_one_back_to_the_first_day() -> None:
    since = date(2026, 1, 15)
    assert choices(of(WindowRule("month"), since), NOW_US) == ["2026-03", "2026-02", "2026-01"]
    assert choices(of(WindowRule("month"), date(2026, 2, 1)), NOW_US) == ["2026-03", "2026-02"]


def test_a_contract_without_a_first_day_has_a_long_but_bounded_list() -> None:
    assert len(choices(of(WindowRule("month")), NOW_US)) == MOST


@pytest.mark.parametrize(
    ("window", "label", "expected"),
    [
        (WindowRule("month"), "2026-02", Beside("2026-01", "2026-03")),
        (WindowRule("month"), "2026-03", Beside("2026-02", None)),
        (WindowRule("month"), "2031-01", Beside("2026-03", None)),
        (WindowRule("quarter"), "2025-Q4", Beside("2025-Q3", "2026-Q1")),
        (WindowRule("month"), "2025-Q4", Beside("2025-Q3", None)),
        (
            WindowRule("billing", 15),
            "2026-02-15..2026-03-14",
            Beside("2026-01-15..2026-02-14", "2026-03-15..2026-04-14"),
        ),
        (
            WindowRule("rolling", 30),
            "2026-01-19..2026-02-17",
            Beside("2025-12-20..2026-01-18", "2026-02-18..2026-03-19"),
        ),
        (WindowRule("month"), "2026-02-01..2026-02-03", Beside(None, None)),
    ],
)
def test_the_periods_beside_one(window: WindowRule, label: str, expected: Beside) -> None:
    assert beside(of(window), label, NOW_US) == expected


def test_there_is_nothing_before_the_first_day() -> None:
    versions = of(WindowRule("month"), date(2026, 2, 1))
    assert beside(versions, "2026-02", NOW_US) == Beside(None, "2026-03")
