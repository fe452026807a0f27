"""A contract in short: what is lost is lost for good, and no text flatters what it is cut from."""

from __future__ import annotations

from fractions import Fraction

import pytest
from msgspec.structs import replace
from support.maintenance import us
from support.report_making import number, ratio
from support.report_samples import SAMPLES
from support.tracks import contract

from prober.accounts import glance
from reports.contract import WindowRule
from reports.document import Bounds, ContractReport, Credit, Seconds

EXACT = Bounds(lowest=ratio("99.9"), measured=ratio("99.9"), highest=ratio("99.9"))
NOTHING = Bounds(lowest=None, measured=None, highest=None)


def running(**budget: object) -> ContractReport:
    """Return a running month whose budget has other values."""
    report = SAMPLES["running"]()
    assert report.budget is not None
    return replace(report, budget=replace(report.budget, **budget))


def forecast(highest: str) -> Bounds:
    """Return a forecast by its best figure."""
    return Bounds(lowest=ratio("0"), measured=ratio("50"), highest=ratio(highest))


def test_a_running_claim_is_lost_from_the_instant_on_that_is_told() -> None:
    assert not glance.is_lost(running(lost_since=None, forecast=None))
    assert glance.is_lost(running(lost_since="2026-03-15T12:00:00+01:00"))


@pytest.mark.parametrize(("best", "more_than", "lost"), [
    ("99.95", False, False), ("99.949", False, True), ("99.95", True, True), ("99.951", True, False),
])  # fmt: skip
def test_a_claim_is_lost_too_when_the_best_future_misses_it(best: str, more_than: bool, lost: bool) -> None:
    report = replace(
        running(lost_since=None, forecast=forecast(best)), claim=ratio("99.95"), more_than=more_than
    )
    assert glance.is_lost(report) is lost


def test_a_finished_period_is_lost_if_it_is_broken() -> None:
    assert glance.is_lost(SAMPLES["broken"]())
    assert not glance.is_lost(SAMPLES["not_proven"]())
    assert not glance.is_lost(SAMPLES["no_data"]())


def test_findings_say_whether_the_period_goes_on() -> None:
    assert glance.finding_word(SAMPLES["broken"]()) == "Broken"
    assert glance.finding_word(replace(running(), finding="not_proven")) == "Not proven so far"
    assert glance.finding_word(SAMPLES["no_data"]()) == "No data"


def test_figures_and_bounds_in_words() -> None:
    assert (glance.measured_text(NOTHING), glance.bounds_text(NOTHING)) == ("no data", "")
    assert (glance.measured_text(EXACT), glance.bounds_text(EXACT)) == ("99.9 %", "exact")
    none_seen = replace(EXACT, measured=replace(ratio("100"), text="no down time seen"))
    assert glance.measured_text(none_seen) == "no down time seen"


def test_what_was_used_is_told_up_and_what_is_left_down() -> None:
    spent = Seconds(lowest=number(0), measured=number(61), highest=number(125))
    left = Seconds(lowest=number(3475), measured=number(3539), highest=number(3600))
    found = glance.left_of(running(unit="us", total=number(3600), spent=spent, left=left))
    assert found is not None
    assert found.text == "1.1 of 60 allowed minutes of down time used, 58.9 left, 57.9 of them surely"
    assert found.share == Fraction(3539, 3600)


def test_an_overspent_budget_has_nothing_left() -> None:
    spent = Seconds(lowest=number(90), measured=number(90), highest=number(90))
    left = Seconds(lowest=number(-1), measured=number(-1), highest=number(-1))
    found = glance.left_of(running(unit="attempts", total=number(Fraction(892, 10)), spent=spent, left=left))
    assert found is not None
    assert found.text == "90 of 89.2 allowed failed attempts used, none left"
    assert (found.share, found.is_overspent) == (0, True)
    assert glance.left_of(replace(running(), budget=None)) is None


@pytest.mark.parametrize(("value", "down", "up"), [
    (Fraction(0), "0", "0"), (Fraction(1, 100), "0", "0.1"), (Fraction(999, 100), "9.9", "10"),
    (Fraction(12345), "12,345", "12,345"),
])  # fmt: skip
def test_tenths_are_cut_off_or_taken_up(value: Fraction, down: str, up: str) -> None:
    assert (glance.tenths(value), glance.tenths(value, up=True)) == (down, up)


@pytest.mark.parametrize(("credit", "text"), [
    (Credit(kind="no_terms"), ""),
    (Credit(kind="none"), "none"),
    (Credit(kind="exact", lowest="120.00", highest="120.00", currency="EUR"), "120.00 EUR"),
    (Credit(kind="range", lowest="0.00", highest="120.00", currency="EUR"), "0.00 EUR to 120.00 EUR"),
    (Credit(kind="range", lowest_share=ratio("0"), highest_share=ratio("10")), "0 % to 10 %"),
    (Credit(kind="exact", lowest_days=3, highest_days=3), "3 days"),
])  # fmt: skip
def test_what_is_due_in_words(credit: Credit, text: str) -> None:
    assert glance.credit_text(replace(SAMPLES["broken"](), credit=credit)) == text


def test_an_instant_of_a_document_is_exact() -> None:
    assert glance.instant_us("2026-03-20T12:57:23.380001+01:00") == us("2026-03-20T11:57:23Z") + 380_001


def test_a_period_has_the_name_that_its_contract_gives_it() -> None:
    from dataclasses import replace as changed

    terms = changed(contract(), name="shop", window=WindowRule("quarter"))
    start_us, end_us = us("2026-01-01T00:00:00Z"), us("2026-02-01T00:00:00Z")
    assert glance.period_label([terms], "shop", start_us, end_us) == "2026-Q1"
    assert glance.period_label([terms], "other", start_us, end_us) == "2026-01-01..2026-01-31"
    assert (
        glance.period_label([terms], "shop", start_us, us("2026-05-01T00:00:00Z")) == "2026-01-01..2026-04-30"
    )


def test_imported_history_is_seen_at_a_glance() -> None:
    assert glance.is_imported(SAMPLES["requests"]())
    assert not glance.is_imported(SAMPLES["broken"]())
