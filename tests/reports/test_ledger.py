"""Availability of any window, from running sums."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.histories import END_US, GAP_US, histories, votes, windows
from support.raw_rows import Row, stretches_of, totals

from reports.availability import Availability
from reports.evidence import Verdict, Window
from reports.ledger import DAY_US, HOUR_US, Ledger, day_bars, rolling, watermark_us
from reports.quorum import agree
from reports.timeline import DAWN_US, region_timeline

GOOD, BAD = Verdict.GOOD, Verdict.BAD
MINUTE_US = 60_000_000


def _ledger(regions: list[list[Row]], needed: int, gap_us: int = GAP_US) -> Ledger:
    timelines = [region_timeline(stretches_of(rows, gap_us), gap_us) for rows in regions]
    return Ledger.of(agree(timelines, needed))


def _figures(availability: Availability) -> tuple[int, int, int, int]:
    return availability.sure_us, availability.down_us, availability.possible_us, availability.unknown_us


@given(votes(), st.lists(windows(), min_size=1, max_size=4))
def test_the_figures_of_any_window_equal_those_from_raw_rows(vote, asked):
    rows, needed = vote
    ledger = _ledger(rows, needed)
    assert [_figures(ledger.availability(window)) for window in asked] == totals(rows, GAP_US, needed, asked)


@given(votes(), windows())
def test_up_down_and_unknown_make_up_the_window(vote, window):
    figures = _ledger(*vote).availability(window)
    assert figures.up_us + figures.down_us + figures.unknown_us == window.length_us
    assert (
        0 <= figures.sure_us <= figures.down_us <= figures.down_us + figures.unknown_us <= figures.possible_us
    )
    assert min(figures.up_us, figures.unknown_us, window.length_us - figures.possible_us) >= 0


@given(votes(), windows())
def test_lowest_measured_highest_come_in_this_order(vote, window):
    figures = _ledger(*vote).availability(window)
    if figures.has_data:
        assert 0 <= figures.lowest <= figures.measured <= figures.highest <= 1
    else:
        assert (figures.lowest, figures.measured, figures.highest, figures.coverage) == (None, None, None, 0)


@given(votes(), windows(), st.data())
def test_two_halves_joined_equal_the_whole(vote, window, data):
    ledger = _ledger(*vote)
    middle_us = data.draw(st.integers(window.start_us, window.end_us))
    first = ledger.availability(Window(window.start_us, middle_us))
    second = ledger.availability(Window(middle_us, window.end_us))
    assert first.joined(second) == ledger.availability(window)


def test_windows_that_do_not_touch_are_not_joined():
    ledger = Ledger.of(region_timeline([], 1))
    with pytest.raises(ValueError, match="can be joined"):
        ledger.availability(Window(0, 5)).joined(ledger.availability(Window(6, 9)))


@given(votes(), st.data())
def test_an_extended_ledger_equals_one_built_anew(vote, data):
    rows, needed = vote
    now_us = data.draw(st.integers(0, END_US))
    old = [[row for row in region if row.start_us <= now_us] for region in rows]
    touched = [known for known, region in zip(old, rows, strict=True) if len(known) < len(region)]
    usable = [[row.start_us for row in known if row.verdict is not Verdict.VOID] for known in touched]
    cut_us = min((starts[-1] if starts else DAWN_US for starts in usable), default=now_us)
    tails = [region_timeline(stretches_of(region, GAP_US), GAP_US, cut_us) for region in rows]
    assert _ledger(old, needed).extended(agree(tails, needed), cut_us) == _ledger(rows, needed)


@given(histories(), st.integers(-5, END_US + 5))
def test_extending_with_the_same_evidence_changes_nothing(rows, cut_us):
    ledger = _ledger([rows], 1)
    assert ledger.extended(ledger.timeline, cut_us) == ledger


def test_a_probe_without_results_has_no_data():
    figures = rolling(Ledger.of(region_timeline([], 1)), 100 * DAY_US, 90 * DAY_US)
    assert {(each.lowest, each.measured, each.highest, each.coverage) for each in figures.values()} == {
        (None, None, None, 0)
    }


def test_an_empty_window_has_no_data():
    empty = _ledger([[Row(0, 0, GOOD), Row(5, 5, GOOD)]], 1).availability(Window(3, 3))
    assert (empty.measured, empty.coverage, empty.has_data) == (None, 0, False)


def _down_for_two_minutes(at_us: int, until_us: int) -> Ledger:
    looks = range(HOUR_US // 2, until_us + HOUR_US, HOUR_US)
    rows = [Row(start_us, start_us, GOOD) for start_us in looks]
    seen = [(at_us + minutes * MINUTE_US, verdict) for minutes, verdict in ((-1, GOOD), (1, BAD), (3, GOOD))]
    rows += [Row(start_us, start_us, verdict) for start_us, verdict in seen]
    return _ledger([sorted(rows)], 1, gap_us=HOUR_US)


def test_rolling_windows_end_at_the_watermark_and_begin_their_length_before():
    as_of_us = 100 * DAY_US
    figures = rolling(_down_for_two_minutes(99 * DAY_US + MINUTE_US, as_of_us), as_of_us, 90 * DAY_US)
    assert {name: (each.window.length_us, each.down_us) for name, each in figures.items()} == {
        "1h": (HOUR_US, 0),
        "24h": (DAY_US, 2 * MINUTE_US),
        "7d": (7 * DAY_US, 2 * MINUTE_US),
        "30d": (30 * DAY_US, 2 * MINUTE_US),
        "90d": (90 * DAY_US, 2 * MINUTE_US),
        "month": (10 * DAY_US, 2 * MINUTE_US),
    }
    assert figures["24h"].measured == Fraction(1438, 1440)
    assert figures["24h"].coverage == 1


def test_a_month_that_starts_after_the_watermark_is_refused():
    with pytest.raises(ValueError, match="ends before it starts"):
        rolling(Ledger.of(region_timeline([], 1)), 10, 11)


def test_a_month_begins_without_data_at_its_first_instant():
    assert rolling(Ledger.of(region_timeline([], 1)), 10, 10)["month"].measured is None


def test_day_bars_cut_at_midnight_and_at_the_watermark():
    as_of_us = 10 * DAY_US + HOUR_US
    ledger = _down_for_two_minutes(9 * DAY_US - MINUTE_US, as_of_us)
    bars = day_bars(ledger, 4, as_of_us)
    assert [bar.window.start_us for bar in bars] == [7 * DAY_US, 8 * DAY_US, 9 * DAY_US, 10 * DAY_US]
    assert [bar.down_us for bar in bars] == [0, MINUTE_US, MINUTE_US, 0]
    assert bars[-1].window.end_us == as_of_us
    assert [bar.unknown_us for bar in bars] == [0, 0, 0, 0]


def test_days_before_the_first_result_have_no_data():
    bars = day_bars(_down_for_two_minutes(MINUTE_US, DAY_US), 3, DAY_US)
    assert [bar.has_data for bar in bars] == [False, True, False]


@pytest.mark.parametrize(
    ("last_us", "as_of_us"), [(100, 100), (90, 90), (89, 100)], ids=["now", "patience", "too long"]
)
def test_the_watermark_waits_for_results_due_but_not_for_a_silent_series(last_us, as_of_us):
    ledger = _ledger([[Row(last_us - 5, last_us - 5, GOOD), Row(last_us, last_us, GOOD)]], 1)
    silent = Ledger.of(region_timeline([], 1))
    assert ledger.known_until_us == last_us
    assert watermark_us([ledger, silent], now_us=100, patience_us=10) == as_of_us


def test_the_watermark_is_that_of_the_slowest_series_that_still_reports():
    ledgers = [
        _ledger([[Row(last_us - 5, last_us - 5, GOOD), Row(last_us, last_us, GOOD)]], 1)
        for last_us in (20, 94, 97, 101)
    ]
    assert watermark_us(ledgers, now_us=100, patience_us=10) == 94


def test_without_any_data_the_watermark_is_now():
    assert watermark_us([], now_us=100, patience_us=10) == 100
