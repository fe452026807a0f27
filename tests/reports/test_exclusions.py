"""What a contract takes out: the terms of maintenance on both sides of each boundary, agreed exclusions, and N."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from support.plain_contracts import HOUR_US, contract, us, window

from reports.contract import Contract, DenominatorRule, Exclusion, MaintenanceTerms, ServiceTerms
from reports.exclusions import Ruling, denominator_us, eligible, rule_on
from reports.hours import parse_hours
from reports.intervals import length

MINUTE_US = HOUR_US // 60
APRIL = (us("2026-04-01"), us("2026-05-01"))
START = us("2026-04-10 02:00")


def _with(**terms: Any) -> Contract:
    return contract(maintenance=MaintenanceTerms(**terms))


def _hours_of(at: str, hours: float, **changes: Any):
    start_us = us(at)
    return window(start_us, start_us + int(hours * HOUR_US), **changes)


def _told(ruling: Ruling) -> tuple[str, float]:
    return ruling.reason, length(ruling.counted) / HOUR_US


def _rulings(terms: Contract, *windows, period=APRIL) -> list[tuple[str, float]]:
    return [_told(ruling) for ruling in rule_on(terms, windows, *period)]


def _exclusion(**changes: Any) -> Exclusion:
    start_us = us("2026-04-10 02:00")
    terms = {
        "title": "Flood",
        "kind": "force_majeure",
        "start_us": start_us,
        "end_us": start_us + 2 * HOUR_US,
    }
    return Exclusion(**(terms | {"reason": "The river rose", "approved_by": "A. Smith"} | changes))


def _figure(terms: Contract, rulings: tuple[Ruling, ...], down_us: int, period: tuple[int, int]) -> Fraction:
    return 1 - Fraction(down_us, denominator_us(terms, eligible(terms, rulings, *period), *period))


@pytest.mark.parametrize(
    ("rule", "figure", "is_met"),
    [("keep", Fraction(43157, 43200), True), ("shrink", Fraction(42557, 42600), False)],
)
def test_example_7_maintenance_kept_in_the_whole_or_not(rule, figure, is_met):
    terms = _with(rule=rule, notice_us=72 * HOUR_US)
    rulings = rule_on(terms, [_hours_of("2026-04-10 02:00", 10)], *APRIL)
    assert _figure(terms, rulings, 43 * MINUTE_US, APRIL) == figure
    assert (figure >= terms.claim) is is_met


def test_example_10_a_whole_that_is_fixed_by_contract():
    fixed = contract(denominator=DenominatorRule("fixed", 43_200 * MINUTE_US))
    march = (us("2026-03-01"), us("2026-04-01"))
    assert _figure(fixed, (), 44 * MINUTE_US, march) == Fraction(10789, 10800) < fixed.claim
    assert _figure(contract(), (), 44 * MINUTE_US, march) == Fraction(11149, 11160) > fixed.claim


@pytest.mark.parametrize(("rule", "hours"), [("shrink", 710), ("keep", 720)])
def test_the_rule_period_leaves_in_the_whole_what_is_kept(rule, hours):
    terms = _with(rule=rule)
    parts = eligible(terms, rule_on(terms, [_hours_of("2026-04-10 02:00", 10)], *APRIL), *APRIL)
    assert denominator_us(terms, parts, *APRIL) == hours * HOUR_US
    of_eligible = replace(terms, denominator=DenominatorRule("eligible"))
    assert denominator_us(of_eligible, parts, *APRIL) == length(parts.intervals) == 710 * HOUR_US


def test_without_terms_for_it_no_maintenance_is_excused():
    assert _rulings(contract(), _hours_of("2026-04-10 02:00", 2)) == [("not_agreed", 0)]


@pytest.mark.parametrize(
    ("announced_us", "told"),
    [
        (START - 72 * HOUR_US, ("counted", 2)),
        (START - 72 * HOUR_US + 1, ("late_notice", 0)),
        (None, ("no_notice", 0)),
    ],
)
def test_notice_is_given_in_time_up_to_its_last_microsecond(announced_us, told):
    announced = _hours_of("2026-04-10 02:00", 2, announced_us=announced_us, logged_us=0)
    assert _rulings(_with(notice_us=72 * HOUR_US), announced) == [told]


@pytest.mark.parametrize(("announced_us", "reason"), [(START, "counted"), (START + 1, "late_notice")])
def test_without_a_time_of_notice_it_is_announced_before_it_begins(announced_us, reason):
    announced = _hours_of("2026-04-10 02:00", 2, announced_us=announced_us)
    assert _rulings(_with(), announced)[0][0] == reason


@pytest.mark.parametrize(
    ("announced_us", "logged_us", "reason"),
    [
        (0, START - 72 * HOUR_US, "counted"),
        (0, START - 72 * HOUR_US + 1, "late_notice"),
        (0, None, "no_notice"),
        (START - 72 * HOUR_US + 1, 0, "late_notice"),
        (None, 0, "no_notice"),
    ],
)
def test_notice_by_the_log_counts_from_when_it_was_on_record_and_told(announced_us, logged_us, reason):
    announced = _hours_of("2026-04-10 02:00", 2, announced_us=announced_us, logged_us=logged_us)
    assert _rulings(_with(notice_us=72 * HOUR_US, evidence="logged"), announced)[0][0] == reason


def test_notice_as_stated_needs_no_log():
    announced = _hours_of("2026-04-10 02:00", 2, logged_us=None)
    assert _rulings(_with(notice_us=72 * HOUR_US), announced) == [("counted", 2)]


@pytest.mark.parametrize(
    ("after_us", "told"),
    [
        (-1, ("cancelled", 0)),
        (0, ("cancelled", 0)),
        (HOUR_US, ("partly_cancelled", 1)),
        (2 * HOUR_US, ("counted", 2)),
    ],
)
def test_a_window_counts_until_it_was_called_off(after_us, told):
    assert _rulings(_with(), _hours_of("2026-04-10 02:00", 2, cancelled_us=START + after_us)) == [told]


def test_windows_of_other_services_are_not_mentioned():
    assert _rulings(_with(), _hours_of("2026-04-10 02:00", 2, services=("mail",))) == []
    assert _rulings(_with(), _hours_of("2026-04-10 02:00", 2, services=("mail", "shop"))) == [("counted", 2)]


def test_a_window_about_some_of_several_services_is_not_taken_out_of_all():
    shop, mail = (ServiceTerms(name=name, title=name, probes=(), needed=1) for name in ("shop", "mail"))
    both = replace(_with(), services=(shop, mail))
    assert _rulings(both, _hours_of("2026-04-10 02:00", 2)) == [("some_services", 0)]
    assert _rulings(both, _hours_of("2026-04-10 02:00", 2, services=("mail", "shop"))) == [("counted", 2)]
    assert _rulings(replace(both, services=(shop,)), _hours_of("2026-04-10 02:00", 2)) == [("counted", 2)]


@pytest.mark.parametrize(
    ("at", "hours", "told"),
    [
        ("2026-04-12 02:00", 2, ("counted", 2)),
        ("2026-04-12 01:00", 2, ("partly_hours", 1)),
        ("2026-04-12 05:00", 2, ("partly_hours", 1)),
        ("2026-04-12 06:00", 2, ("outside_hours", 0)),
        ("2026-04-13 02:00", 2, ("outside_hours", 0)),
    ],
)
def test_maintenance_is_excused_in_its_hours_of_the_week(at, hours, told):
    """2026-04-12 is a Sunday."""
    assert _rulings(_with(hours=parse_hours("Su 02:00-06:00")), _hours_of(at, hours)) == [told]


def test_maintenance_outside_service_hours_takes_nothing_out_and_uses_up_no_cap():
    """2026-04-10 is a Friday."""
    terms = replace(_with(max_per_month_us=HOUR_US), hours=parse_hours("Mo-Fr 08:00-20:00"))
    night, evening = _hours_of("2026-04-10 02:00", 2), _hours_of("2026-04-10 19:00", 4)
    assert _rulings(terms, night, evening) == [("outside_service_hours", 0), ("counted", 1)]


@pytest.mark.parametrize(
    ("cap_hours", "told"),
    [
        (6, [("counted", 3), ("counted", 3)]),
        (5, [("counted", 3), ("partly_cap", 2)]),
        (3, [("counted", 3), ("cap_used", 0)]),
        (0, [("cap_used", 0), ("cap_used", 0)]),
    ],
)
def test_the_earliest_windows_use_up_the_cap_of_a_month(cap_hours, told):
    windows = [_hours_of("2026-04-20 02:00", 3, key="a"), _hours_of("2026-04-10 02:00", 3, key="b")]
    assert _rulings(_with(max_per_month_us=cap_hours * HOUR_US), *windows) == told


def test_beyond_the_cap_the_rest_of_a_window_is_not_excused():
    (ruling,) = rule_on(_with(max_per_month_us=HOUR_US), [_hours_of("2026-04-10 02:00", 3)], *APRIL)
    assert ruling.counted == ((START, START + HOUR_US),)


def test_a_window_over_the_end_of_a_month_uses_the_caps_of_both():
    """Three hours in April, two in May, at most two a month."""
    over = _hours_of("2026-04-30 21:00", 5)
    terms = _with(max_per_month_us=2 * HOUR_US)
    assert _rulings(terms, over) == [("partly_cap", 2)]
    assert _rulings(terms, over, period=(us("2026-05-01"), us("2026-06-01"))) == [("counted", 2)]


def test_months_of_a_cap_are_those_of_the_contracts_zone():
    late = [_hours_of("2026-04-30 14:00", 1), _hours_of("2026-04-30 15:00", 1)]
    terms = _with(max_per_month_us=HOUR_US)
    assert _rulings(terms, *late) == [("counted", 1), ("cap_used", 0)]
    assert _rulings(replace(terms, zone="Asia/Tokyo"), *late) == [("counted", 1), ("counted", 1)]


def test_windows_before_the_period_use_up_the_cap_of_the_year_and_of_its_month():
    earlier = _hours_of("2026-02-10 02:00", 3)
    terms = _with(max_per_year_us=4 * HOUR_US)
    assert _rulings(terms, earlier, _hours_of("2026-04-10 02:00", 3)) == [("partly_cap", 1)]
    last_year = _hours_of("2025-12-31 20:00", 4)
    assert _rulings(terms, last_year, _hours_of("2026-04-10 02:00", 3)) == [("counted", 3)]
    second_half = (us("2026-04-15"), us("2026-05-01"))
    monthly = _with(max_per_month_us=4 * HOUR_US)
    windows = (_hours_of("2026-04-10 02:00", 3), _hours_of("2026-04-20 02:00", 3))
    assert _rulings(monthly, *windows, period=second_half) == [("partly_cap", 1)]


def test_windows_that_do_not_count_use_up_no_cap():
    terms = _with(notice_us=72 * HOUR_US, max_per_month_us=2 * HOUR_US)
    late = _hours_of("2026-04-05 02:00", 2, announced_us=us("2026-04-05"))
    cancelled = _hours_of("2026-04-06 02:00", 2, cancelled_us=us("2026-04-06"))
    other = _hours_of("2026-04-07 02:00", 2, services=("mail",))
    assert _rulings(terms, late, cancelled, other, _hours_of("2026-04-10 02:00", 2)) == [
        ("late_notice", 0),
        ("cancelled", 0),
        ("counted", 2),
    ]


def test_windows_that_overlap_use_the_cap_once_for_what_they_share():
    windows = [_hours_of("2026-04-10 00:00", 3), _hours_of("2026-04-10 02:00", 4)]
    terms = _with(max_per_month_us=4 * HOUR_US)
    rulings = rule_on(terms, windows, *APRIL)
    assert [_told(ruling) for ruling in rulings] == [("counted", 3), ("partly_cap", 2)]
    parts = eligible(terms, rulings, *APRIL)
    assert parts.shrink == ((us("2026-04-10 00:00"), us("2026-04-10 04:00")),)


def test_what_runs_over_the_announced_end_counts():
    terms = _with()
    parts = eligible(terms, rule_on(terms, [_hours_of("2026-04-10 02:00", 2)], *APRIL), *APRIL)
    assert parts.shrink == ((START, START + 2 * HOUR_US),)


@pytest.mark.parametrize(
    ("at", "count"),
    [("2026-03-31 22:00", 0), ("2026-03-31 23:00", 1), ("2026-04-30 23:00", 1), ("2026-05-01 00:00", 0)],
)
def test_windows_that_only_touch_the_edge_are_of_another_period(at, count):
    assert len(_rulings(_with(), _hours_of(at, 2))) == count


def test_rulings_come_in_order_of_time_with_what_they_rest_on():
    windows = [_hours_of("2026-04-20 02:00", 2, title="Second"), _hours_of("2026-04-10 01:00", 1)]
    terms = replace(_with(rule="keep"), exclusions=(_exclusion(),))
    first, flood, second = rule_on(terms, windows, *APRIL)
    assert (first.title, first.kind, first.rule, second.title) == ("Upgrade", "maintenance", "keep", "Second")
    assert (first.announced_us, first.logged_us) == (windows[1].announced_us, windows[1].logged_us)
    assert flood == Ruling(
        title="Flood",
        kind="force_majeure",
        start_us=START,
        end_us=START + 2 * HOUR_US,
        counted=((START, START + 2 * HOUR_US),),
        reason="counted",
        rule="shrink",
        approved_by="A. Smith",
        text="The river rose",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"approved_by": ""}, "not_approved"),
        ({"approved_by": "  "}, "not_approved"),
        ({"reason": " "}, "no_reason"),
        ({"end_us": START}, None),
    ],
)
def test_an_exclusion_that_nobody_approved_or_explained_takes_nothing_out(changes, reason):
    terms = contract(exclusions=(_exclusion(**changes),))
    assert [each[0] for each in _rulings(terms)] == ([reason] if reason else [])
    assert [each[1] for each in _rulings(terms)] == ([0] if reason else [])


def test_an_agreed_exclusion_needs_no_terms_for_maintenance_and_uses_none_of_its_caps():
    terms = replace(_with(max_per_month_us=HOUR_US), exclusions=(_exclusion(),))
    assert _rulings(terms, _hours_of("2026-04-20 02:00", 1)) == [("counted", 2), ("counted", 1)]
    assert _rulings(contract(exclusions=(_exclusion(),))) == [("counted", 2)]


def test_an_exclusion_outside_service_hours_takes_nothing_out():
    terms = contract(exclusions=(_exclusion(),), hours=parse_hours("Mo-Fr 08:00-20:00"))
    assert _rulings(terms) == [("outside_service_hours", 0)]


def test_time_that_both_rules_excuse_is_out_of_the_whole():
    terms = replace(_with(rule="keep"), exclusions=(_exclusion(),))
    parts = eligible(terms, rule_on(terms, [_hours_of("2026-04-10 03:00", 2)], *APRIL), *APRIL)
    assert parts.shrink == ((START, START + 2 * HOUR_US),)
    assert parts.keep == ((START + 2 * HOUR_US, START + 3 * HOUR_US),)


def test_holidays_are_outside_the_hours_of_service():
    terms = contract(hours=parse_hours("Mo-Fr 08:00-20:00"), holidays=frozenset({date(2026, 4, 3)}))
    parts = eligible(terms, (), *APRIL)
    assert length(parts.intervals) == 21 * 12 * HOUR_US
    assert denominator_us(terms, parts, *APRIL) == length(parts.intervals)


def test_part_of_a_period_takes_rulings_of_the_whole_up_to_its_end():
    terms = _with()
    rulings = rule_on(terms, [_hours_of("2026-04-10 02:00", 2)], *APRIL)
    reach_us = START + HOUR_US
    parts = eligible(terms, rulings, APRIL[0], reach_us)
    assert parts.shrink == ((START, reach_us),)
    assert parts.intervals == ((APRIL[0], START),)
