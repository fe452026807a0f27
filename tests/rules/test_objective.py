"""Budgets, alarms and indicators of contracts, exact, and what is said about them in words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configs import loaded
from support.contracts_drawn import SHOP, configuration, contract

from prober.rules.decimals import decimal, length, text
from prober.rules.objective import DAY_US, HOUR_US, Objective, alarms_for, objectives

NOW_US = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z


def only(keys: str, **more: Any) -> Objective:
    """Return the objective of a contract about one probe in two regions."""
    (found,), _ = objectives(
        loaded(configuration(f"{{name: gold, service: shop, {keys}}}", **more)), [], NOW_US
    )
    return found


def of_shop(line: str) -> Objective:
    (found,), _ = objectives(loaded(SHOP + line), [], NOW_US)
    return found


@given(st.fractions(min_value=0, max_value=100, max_denominator=10**12))
def test_a_decimal_is_exact_where_it_can_be_and_never_too_high(value: Fraction) -> None:
    found = Fraction(text(value))
    assert found <= value < found + max(value, Fraction(1, 10**12)) / 10**14
    assert "e" not in text(value).lower()
    places = value.denominator
    while places % 2 == 0 or places % 5 == 0:
        places //= 2 if places % 2 == 0 else 5
    assert places != 1 or found == value


def test_thresholds_are_what_they_say() -> None:
    """Binary floating point would make 0.0009999999999999432 of 1 - 0.9999999..."""
    assert [text(Fraction(share)) for share in ("0.0144", "0.9990", "0.000000000001", "30", "0")] == [
        "0.0144", "0.999", "0.000000000001", "30", "0",
    ]  # fmt: skip
    assert str(decimal(Fraction("99.95"))) == "99.95"
    assert [length(us) for us in (300_000_000, HOUR_US, 3 * DAY_US, 90_000_000)] == ["5m", "1h", "3d", "90s"]


def test_a_month_has_the_usual_factors() -> None:
    alarms, notes = alarms_for(Fraction(1, 1000), 30 * DAY_US)
    assert [(alarm.severity, length(alarm.long_us), length(alarm.short_us)) for alarm in alarms] == [
        ("page", "1h", "5m"), ("page", "6h", "30m"), ("ticket", "1d", "2h"), ("ticket", "3d", "6h"),
    ]  # fmt: skip
    assert [text(alarm.factor) for alarm in alarms] == ["14.4", "6", "3", "1"]
    assert [text(alarm.threshold) for alarm in alarms] == ["0.0144", "0.006", "0.003", "0.001"]
    assert notes == []


@pytest.mark.parametrize(
    ("window", "factors"),
    [
        ("quarter", ["43.2", "18", "9", "3"]),
        ("year", ["175.2", "73", "36.5", "12.1666666666666"]),
        ("billing day 31", ["14.4", "6", "3", "1"]),
        ("rolling 28d", ["13.44", "5.6", "2.8", "1"]),
        ("rolling 7d", ["3.36", "1.4", "1", "1"]),
        ("rolling 1d", ["1", "1", "1"]),
    ],
)
def test_factors_follow_the_window_and_none_is_slower_than_evenly(window: str, factors: list[str]) -> None:
    found = only(f"claim: '99.9%', window: {window}")
    assert [text(alarm.factor) for alarm in found.alarms] == factors


def test_an_alarm_that_no_outage_could_set_off_is_left_out_and_told() -> None:
    found = only("claim: '95%', window: quarter")
    assert [length(alarm.long_us) for alarm in found.alarms] == ["6h", "1d", "3d"]
    assert len(only("claim: '95%'").alarms) == 4
    assert all(alarm.threshold < 1 for alarm in found.alarms)
    assert "no alarm over 1h and 5m: a total outage burns less than 43.2 times too fast" in found.notes
    at_the_edge, _ = alarms_for(Fraction(10, 144), 30 * DAY_US)  # 14.4 of it is 1: all that there is
    just_below, _ = alarms_for(Fraction(10, 145), 30 * DAY_US)
    assert (len(at_the_edge), len(just_below)) == (3, 4)


def test_two_failed_results_are_asked_for_unless_regions_must_agree() -> None:
    assert not only("claim: '99.9%'", down_when="2").needs_failures
    assert only("claim: '99.9%'", down_when="any").needs_failures
    assert only("claim: '99.9%', method: requests", down_when="2").needs_failures
    weights = "method: {weighted: {by: regions, weights: {fra: 1, iad: 1}}}"
    assert only(f"claim: '99.9%', {weights}", down_when="2").needs_failures


def test_an_alarm_whose_short_window_holds_one_run_is_named() -> None:
    found = of_shop(contract("c", "99.9%", "requests", service="nightly"))
    assert [note for note in found.notes if "cannot come" in note] == [
        f"the alarm over {name} cannot come: two runs that fail do not fit into the short one"
        for name in ("1h and 5m", "6h and 30m")
    ]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ("method: time", "state"),
        ("method: {minutes: {threshold: '5%'}}", "state"),
        ("method: {periods: {minutes: 10}}", "state"),
        ("method: requests", "attempts"),
        ("method: {slices: {length: 5m}}", "attempts"),
        ("method: time, quorum: pooled", "attempts"),
        ("method: time, regions: [fra]", "attempts"),
        ("method: {minutes: {threshold: '5%'}}, quorum: pooled", "minutes"),
        ("method: {weighted: {by: regions, weights: {fra: 1}}}", "state"),
        ("method: {weighted: {by: probes, weights: {web: 1}}}", "state"),
        ("method: {weighted: {by: probes, weights: {web: 1}}}, quorum: pooled", "attempts"),
    ],
)
def test_what_stands_for_a_figure_follows_its_method(keys: str, kind: str) -> None:
    found = only(f"claim: '99.9%', {keys}")
    assert found.indicator.kind == kind
    series = "prober_results_total" if kind != "state" else "_up{"
    assert series in found.indicator.bad("1h") + found.indicator.total("1h")


def test_only_the_regions_that_count_are_counted() -> None:
    found = only("claim: '99.9%', regions: [fra], method: requests").indicator
    assert (
        found.bad("1h") == 'sum(increase(prober_results_total{probe="web",region="fra",outcome="fail"}[1h]))'
    )
    every = only("claim: '99.9%', method: requests").indicator
    assert (
        every.total("1h") == 'sum(increase(prober_results_total{probe="web",outcome=~"pass|warn|fail"}[1h]))'
    )


def test_weights_stand_before_their_parts() -> None:
    found = of_shop(
        contract("c", "99%", "{weighted: {by: services, weights: {shop: 3, mail_out: '0.5', nightly: 1}}}")
    )
    assert found.indicator.total("1h") == (
        'sum(3 * count_over_time(prober_service_up{service="shop"}[1h])'
        ' or 0.5 * count_over_time(prober_service_up{service="mail_out"}[1h])'
        ' or count_over_time(prober_service_up{service="nightly"}[1h]))'
    )  # fmt: skip
    assert found.service == "shop+mail_out+nightly"


def test_what_no_rule_can_say_is_told() -> None:
    notes = " | ".join(
        only(
            "claim: '99.9%', method: {periods: {minutes: 10, min_attempts: 3}}, unknown: skip,"
            " hours: 'Mo-Fr 08:00-20:00', maintenance: {notice: 72h}, denominator: 43200m,"
            " latency: [{share: '95%', within: 1s}], exclusions: [{title: a, kind: other,"
            " start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00:00Z, reason: b}]"
        ).notes
    )
    for words in (
        "fewer than 3 attempts", "fewer than 10 down minutes", "maintenance is not taken out", "excluded by agreement",
        "service hours", "not of 30d", "rule for it, skip", "how fast runs are",
    ):  # fmt: skip
        assert words in notes


def test_rules_are_made_of_the_version_of_today_in_the_contract_s_zone() -> None:
    """At 2026-02-25T06:13:20Z it is the 25th in Kiritimati as well as in UTC, but the 24th in Honolulu."""
    text_of = (
        SHOP
        + "  - {name: a, service: shop, claim: '99%', effective: {to: 2026-02-25}, timezone: Pacific/Honolulu}\n"
        + "  - {name: a, service: shop, claim: '98%', effective: {from: 2026-02-25}, timezone: Pacific/Honolulu}\n"
        + "  - {name: b, service: shop, claim: '97%', effective: {to: 2026-02-25}}\n"
        + "  - {name: b, service: shop, claim: '96%', effective: {from: 2026-02-25, to: 2026-03-01}}\n"
        + "  - {name: d, service: shop, claim: '95%', effective: {to: 2026-02-25}}\n"
    )
    found, notes = objectives(loaded(text_of), [], NOW_US)
    assert [(each.name, text(each.contract.claim)) for each in found] == [("a", "0.99"), ("b", "0.96")]
    assert notes == [
        "a: another version holds from 2026-02-25: make the rules again then",
        "b: it ends on 2026-03-01: make the rules again then",
        "d: no version is in force today: it is left out",
    ]
    assert [each.name for each in objectives(loaded(text_of), ["b"], NOW_US)[0]] == ["b"]
