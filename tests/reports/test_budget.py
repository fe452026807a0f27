"""The error budget: exact amounts, the very instant it is lost, burn rates and what the period's end can bring."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.histories import END_US, GAP_US, histories
from support.raw_rows import Row, stretches_of

from reports.budget import (
    PAIRS,
    Burn,
    Pair,
    Spread,
    budget,
    burn_rate,
    burns,
    forecast,
    lost_since_attempt,
    lost_since_us,
    pairs_for,
)
from reports.evidence import Verdict, Window
from reports.figures import Figures, Finding
from reports.intervals import Intervals, subtract
from reports.ledger import DAY_US, HOUR_US, Ledger
from reports.timeline import Timeline, region_timeline

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
MONTH_US = 30 * DAY_US
MONTH: Intervals = ((0, MONTH_US),)
FOUR_NINES = Fraction("0.9999")


def _figures(sure: int, down: int, possible: int, unknown: int = 0, total: int = MONTH_US) -> Figures:
    numbers = (sure, down, possible, unknown)
    return Figures(
        unit="us",
        total=Fraction(total),
        span=Fraction(total),
        **dict(zip(("sure", "down", "possible", "unknown"), map(Fraction, numbers), strict=True)),
    )


def _looked(bad: range, every_s: int = 60, until_s: int = 20_000, begin_s: int = -60) -> Timeline:
    """Return what a region saw that looked each `every_s`, with failures at the instants of `bad`."""
    step = every_s * SECOND_US
    rows = [
        Row(at, at, Verdict.BAD if at // SECOND_US in bad else Verdict.GOOD)
        for at in range(begin_s * SECOND_US, until_s * SECOND_US + step + 1, step)
    ]
    return region_timeline(stretches_of(rows, 2 * step), 2 * step)


@pytest.mark.parametrize(
    ("days", "allowed"), [(28, Fraction(6048, 25)), (30, Fraction(1296, 5)), (31, Fraction(6696, 25))]
)
def test_four_nines_of_a_month_allow_about_four_minutes(days: int, allowed: Fraction):
    found = budget(_figures(0, 0, 0, total=days * DAY_US), FOUR_NINES)
    assert found.total == allowed * SECOND_US
    assert found.left == Spread(found.total, found.total, found.total)


def test_what_is_left_for_sure_is_what_possible_down_time_leaves():
    found = budget(_figures(120 * SECOND_US, 180 * SECOND_US, 300 * SECOND_US), FOUR_NINES)
    seconds = [value / SECOND_US for value in (found.left.lowest, found.left.measured, found.left.highest)]
    assert seconds == [Fraction(-204, 5), Fraction(396, 5), Fraction(696, 5)]
    assert found.spent == Spread(*map(Fraction, (120 * SECOND_US, 180 * SECOND_US, 300 * SECOND_US)))


def test_the_budget_of_a_running_month_is_that_of_the_whole():
    assert budget(_figures(0, 0, 0, total=DAY_US), FOUR_NINES, Fraction(MONTH_US)).total == Fraction(
        1296 * SECOND_US, 5
    )


@pytest.mark.parametrize(
    ("failures", "finding"),
    [(53, Finding.BACKED), (54, Finding.NOT_PROVEN), (55, Finding.NOT_PROVEN), (56, Finding.BROKEN)],
)
def test_example_4_the_edges_of_a_budget_of_2592_seconds(failures: int, finding: Finding):
    """Failures in a row each 48 s against 99.9 %: the budget is lost exactly where the finding is BROKEN."""
    timeline = _looked(
        range(48_000, 48_000 + 48 * failures), every_s=48, until_s=MONTH_US // SECOND_US, begin_s=-48
    )
    part = Ledger.of(timeline).availability(Window(0, MONTH_US))
    assert (part.sure_us, part.possible_us) == (
        (failures - 1) * 48 * SECOND_US,
        (failures + 1) * 48 * SECOND_US,
    )
    figures = _figures(part.sure_us, part.down_us, part.possible_us)
    assert figures.finding(Fraction("0.999")) is finding
    left = budget(figures, Fraction("0.999")).left
    assert (left.lowest >= 0, left.highest < 0) == (finding is Finding.BACKED, finding is Finding.BROKEN)
    lost = lost_since_us(timeline, MONTH, Fraction(2_592 * SECOND_US))
    assert lost == ((48_000 + 2_592) * SECOND_US + 1 if finding is Finding.BROKEN else None)


def test_a_claim_that_must_be_exceeded_is_lost_with_the_whole_budget():
    timeline = _looked(range(48_000, 48_000 + 48 * 55), every_s=48, until_s=60_000, begin_s=-48)
    assert lost_since_us(timeline, MONTH, Fraction(2_592 * SECOND_US), True) == (48_000 + 2_592) * SECOND_US


def test_excluded_time_does_not_use_up_the_budget():
    timeline = _looked(range(6_000, 12_000))
    excluded: Intervals = ((7_000 * SECOND_US, 8_000 * SECOND_US),)
    allowed = Fraction(2_000 * SECOND_US)
    assert lost_since_us(timeline, MONTH, allowed) == 8_000 * SECOND_US + 1
    assert lost_since_us(timeline, subtract(MONTH, excluded), allowed) == 9_000 * SECOND_US + 1


def test_a_claim_of_everything_is_lost_with_the_first_sure_microsecond():
    assert lost_since_us(_looked(range(6_000, 6_100)), MONTH, Fraction(0)) == 6_000 * SECOND_US + 1
    assert lost_since_us(_looked(range(0)), MONTH, Fraction(0)) is None
    assert lost_since_us(_looked(range(0)), MONTH, Fraction(0), True) == 0


@given(histories(), st.fractions(0, 40), st.booleans())
def test_the_claim_is_lost_at_the_first_instant_that_proves_it(
    rows: list[Row], allowed: Fraction, strict: bool
):
    ledger = Ledger.of(region_timeline(stretches_of(rows, GAP_US), GAP_US))
    lost = lost_since_us(ledger.timeline, ((0, END_US),), allowed, strict)

    def is_lost(at_us: int) -> bool:
        sure_us = ledger.availability(Window(0, at_us)).sure_us
        return sure_us >= allowed if strict else sure_us > allowed

    assert next((at for at in range(END_US + 1) if is_lost(at)), None) == lost


def test_a_budget_of_attempts_is_lost_with_the_attempt_that_exceeds_it():
    assert lost_since_attempt([5, 7, 9], Fraction(5, 2)) == 9
    assert lost_since_attempt([5, 7], Fraction(5, 2)) is None
    assert [lost_since_attempt([5, 7, 9], Fraction(2), strict) for strict in (False, True)] == [9, 7]
    assert lost_since_attempt([5], Fraction(0), True) == 5


def test_the_usual_pairs_burn_14_4_6_3_and_1():
    assert [(pair.long_us, pair.short_us, pair.factor) for pair in PAIRS] == [
        (HOUR_US, 5 * MINUTE_US, Fraction("14.4")),
        (6 * HOUR_US, 30 * MINUTE_US, Fraction(6)),
        (24 * HOUR_US, 2 * HOUR_US, Fraction(3)),
        (72 * HOUR_US, 6 * HOUR_US, Fraction(1)),
    ]
    assert [pair.factor for pair in pairs_for(28 * DAY_US)] == [
        Fraction(336, 25),
        Fraction(28, 5),
        Fraction(14, 5),
        Fraction(14, 15),
    ]


@pytest.mark.parametrize(("claim", "rate"), [("0.999", Fraction(50, 3)), ("0.9999", Fraction(500, 3))])
def test_one_failed_minute_of_an_hour_burns_fast(claim: str, rate: Fraction):
    """(1/60) / (1 - c): 16.7 at 99.9 %, 166.7 at 99.99 %."""
    ledger = Ledger.of(_looked(range(7_200, 7_260)))
    assert burn_rate(ledger, MONTH, Fraction(claim), Window(5_400 * SECOND_US, 9_000 * SECOND_US)) == rate


def test_burning_at_1_spends_the_budget_exactly_in_the_period():
    ledger = Ledger.of(_looked(range(6_000, 6_000 + 2_592), until_s=MONTH_US // SECOND_US))
    down_us = ledger.availability(Window(0, MONTH_US)).down_us
    assert burn_rate(ledger, MONTH, 1 - Fraction(down_us, MONTH_US), Window(0, MONTH_US)) == 1


def test_both_windows_must_exceed_their_factor():
    ledger = Ledger.of(_looked(range(7_200, 7_260)))  # measured down from 7,170 to 7,230
    at_once = burns(ledger, MONTH, Fraction("0.999"), 7_230 * SECOND_US)[0]
    later = burns(ledger, MONTH, Fraction("0.999"), 7_600 * SECOND_US)[0]
    assert (at_once.long_rate, at_once.short_rate, at_once.firing) == (Fraction(50, 3), Fraction(200), True)
    assert (later.long_rate, later.short_rate, later.firing) == (Fraction(50, 3), Fraction(0), False)
    edge = Burn(Pair(2, 1, Fraction(6)), Fraction(6), Fraction(7))
    assert not edge.firing


def test_what_is_not_measured_has_no_rate():
    ledger = Ledger.of(_looked(range(0), until_s=3_600))
    at_us = 7_600 * SECOND_US
    found = burns(ledger, MONTH, Fraction("0.999"), at_us)
    assert (found[0].short_rate, found[0].firing, found[3].long_rate) == (None, False, Fraction(0))
    assert burns(ledger, (), Fraction("0.999"), HOUR_US)[0].long_rate is None


def test_a_claim_of_everything_has_no_rate():
    ledger = Ledger.of(_looked(range(7_200, 7_260)))
    assert [
        (burn.long_rate, burn.firing) for burn in burns(ledger, MONTH, Fraction(1), 7_230 * SECOND_US)
    ] == [(None, False)] * 4


def test_excluded_time_burns_nothing():
    ledger = Ledger.of(_looked(range(7_200, 7_260)))
    counted = subtract(MONTH, ((7_200 * SECOND_US, 9_000 * SECOND_US),))
    rate = burn_rate(ledger, counted, Fraction("0.999"), Window(5_400 * SECOND_US, 9_000 * SECOND_US))
    assert rate == Fraction(30, 1_800) * 1_000


def test_a_forecast_takes_the_rest_as_down_and_as_up():
    figures = _figures(100, 150, 300, 50, total=1_000)
    assert forecast(figures, 9_000) == (Fraction(7, 100), Fraction(99, 100))
    assert forecast(figures, 0) == (figures.lowest, figures.highest)


def test_a_forecast_divides_by_the_contracts_fixed_length():
    figures = _figures(100, 150, 300, 50, total=1_000)
    assert forecast(figures, 500, Fraction(2_000)) == (Fraction(12, 20), Fraction(19, 20))
    assert forecast(figures, 5_000, Fraction(2_000)) == (Fraction(0), Fraction(19, 20))


def test_a_period_that_has_not_begun_may_end_anyhow_and_one_of_no_length_has_no_end():
    nothing = _figures(0, 0, 0, total=0)
    assert forecast(nothing, 1_000) == (Fraction(0), Fraction(1))
    assert forecast(nothing, 0) is None


@given(histories(), st.integers(1, END_US), st.fractions(Fraction(1, 2), 1))
def test_a_claim_is_lost_beyond_repair_exactly_when_the_best_end_misses_it(
    rows: list[Row], at_us: int, claim: Fraction
):
    ledger = Ledger.of(region_timeline(stretches_of(rows, GAP_US), GAP_US))
    part = ledger.availability(Window(0, at_us))
    figures = _figures(part.sure_us, part.down_us, part.possible_us, part.unknown_us, total=at_us)
    found = forecast(figures, END_US - at_us)
    lost = lost_since_us(ledger.timeline, ((0, END_US),), (1 - claim) * END_US)
    assert found is not None
    assert (found[1] < claim) == (lost is not None and lost <= at_us)
