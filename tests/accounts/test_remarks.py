"""What `prober validate` warns of: allowed in a contract, and unwise. In codes, and in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from support.configs import loaded

from prober.accounts.remarks import Remark, counted_us, remarks
from prober.accounts.terms import contracts_of
from prober.cli.remarks import NEEDS, REASONS, WORDS, lines, told
from reports.contract import WindowRule
from reports.provable import Provable

BASE = """\
regions: {fra: {local: true}, iad: {local: true}}
probes: [{name: web, tcp: {address: "x:1"}, interval: 1s}, {name: db, tcp: {address: "x:1"}, interval: 500ms}]
services: [{name: shop, probes: [web, db]}]
contracts:
"""


def said(keys: str) -> list[str]:
    """Return the codes for a contract with a claim of 99 % and these keys."""
    found = remarks(contracts_of(loaded(f"{BASE}  - {{name: gold, service: shop, claim: '99%', {keys}}}\n")))
    return [remark.text for remark in found if not remark.is_risk]


def words(text: str, needs: tuple[str, ...] = (), from_day: date | None = None) -> list[str]:
    """Return the lines of a remark about `gold`."""
    return list(lines(Remark(contract="gold", from_day=from_day, text=text, needs=needs)))


def test_a_contract_that_can_be_proven_is_not_remarked_on() -> None:
    assert said("gap: 2s") == []


def test_a_gap_that_is_shorter_than_an_interval_is_remarked_on_by_probe() -> None:
    text = BASE.replace("interval: 1s", "interval: 1001ms")
    keys = "name: gold, service: shop, claim: '1%', gap: 1s"
    found = remarks(contracts_of(loaded(f"{text}  - {{{keys}}}\n")))[0]
    assert found.text == "gap_below_interval gap_us=1000000 probe=web interval_us=1001000"
    assert words(found.text) == [
        "gold: gap 1s is shorter than the interval of web, 1s1ms: time between its results is mostly unknown"
    ]


@pytest.mark.parametrize(
    ("weights", "missing"),
    [
        ("by: regions, weights: {fra: 1, iad: 1}", []),
        ("by: regions, weights: {fra: 1}", ["unweighted of=regions name=iad"]),
        ("by: probes, weights: {db: 1}", ["unweighted of=probes name=web"]),
        ("by: services, weights: {shop: 1}", []),
    ],
)
def test_what_has_no_weight_is_named(weights: str, missing: list[str]) -> None:
    assert said(f"method: {{weighted: {{{weights}}}}}") == missing


@pytest.mark.parametrize(
    ("credits", "codes"),
    [
        ("[{below: '99%', credit: '1%'}]", []),
        ("[{below: '98.9%', credit: '1%'}]", ["credits_below_claim below=98.9% claim=99%"]),
        ("[{below: '98.9%', days: 1}]", ["credits_below_claim below=98.9% claim=99%"]),
    ],
)
def test_credits_that_begin_below_the_claim_are_remarked_on(credits: str, codes: list[str]) -> None:
    assert said(f"credits: {credits}") == codes


def test_a_claim_that_a_perfect_period_would_not_prove_is_told_with_reasons_and_what_would_help() -> None:
    text = BASE.replace("interval: 1s", "interval: 5m")
    contract = "  - {name: gold, service: shop, claim: '99%', method: {minutes: {threshold: all}}}\n"
    found = [remark for remark in remarks(contracts_of(loaded(text + contract))) if not remark.is_risk]
    (remark,) = found
    assert remark.text.startswith("cannot_be_backed claim=99% best=")
    first, why, help_ = lines(remark)
    best = remark.text.rpartition("=")[2]
    assert first == f"gold: the claim of 99% cannot be backed, not even in a perfect period: {best} at best"
    assert why.startswith("web runs every 5m, and each minute needs 1: ")
    assert help_ == "what would help: interval: 30s for web"


def test_a_claim_that_only_the_statistical_line_cannot_back_says_so() -> None:
    text = (
        "regions: {fra: {local: true}, iad: {local: true}}\n"
        "probes: [{name: web, tcp: {address: 'x:1'}, interval: 5m}]\n"
        "services: [{name: shop, probes: [web]}]\n"
        "contracts: [{name: gold, service: shop, claim: '99.99%', statistics: weaker}]\n"
    )
    first = remarks(contracts_of(loaded(text)))[0]
    assert first.text == "cannot_be_backed_by_statistics claim=99.99%"
    assert list(lines(first))[1].startswith("the statistical line has 17280 runs and takes ")


def test_a_remark_names_the_version_and_an_unknown_code_stands_for_itself() -> None:
    found = words("unweighted of=regions name=iad", ("buy more=2",), date(2026, 7, 1))
    assert found == [
        "gold (from 2026-07-01): iad has no weight among the regions: it does not count",
        "what would help: buy (more: 2)",
    ]
    assert words("unweighted of=regions") == ["gold: unweighted (of: regions)"]


def test_lengths_that_are_limits_are_rounded_down_and_others_are_exact() -> None:
    assert words("x interval_us=60000001 budget_us=173999999 gap_us=60000001") == [
        "gold: x (interval_us: 1m, budget_us: 2m53s, gap_us: 1m1us)"
    ]
    assert words("x interval_us=59999999") == ["gold: x (interval_us: 59s999ms999us)"]


def test_every_reason_need_and_risk_has_words() -> None:
    said = str(Provable.__doc__)
    codes = set(re.findall(r"^      (\w+) ", said, re.MULTILINE))
    assert codes == set(REASONS)
    assert set(NEEDS) <= set(re.findall(r"\w+", said))
    assert {"sure_outage_above_budget", "one_region_unproves", "one_region_hides_outages"} <= set(WORDS)


def test_many_remarks_of_a_kind_are_cut_short() -> None:
    probes = ", ".join(f"{{name: p{number}, tcp: {{address: 'x:1'}}}}" for number in range(6))
    names = ", ".join(f"p{number}" for number in range(6))
    weights = "{weighted: {by: probes, weights: {p0: 1}}}"
    text = (
        f"probes: [{probes}]\nservices: [{{name: shop, probes: [{names}]}}]\n"
        f"contracts: [{{name: gold, service: shop, claim: '90%', method: {weights}}}]\n"
    )
    found = [
        (first, more) for first, more in told(remarks(contracts_of(loaded(text)))) if first.startswith("warn")
    ]
    assert [first.split()[2] for first, _ in found] == ["p1", "p2", "p3"]
    assert [more for _, more in found] == [[], [], ["and 2 more like it"]]


@pytest.mark.parametrize(
    ("window", "days"),
    [
        (WindowRule("month"), 30),
        (WindowRule("billing", 31), 30),
        (WindowRule("quarter"), 90),
        (WindowRule("year"), 365),
        (WindowRule("rolling", 7), 7),
    ],
)
def test_a_window_has_a_usual_length(window: WindowRule, days: int) -> None:
    (contract,) = contracts_of(loaded(f"{BASE}  - {{name: gold, service: shop, claim: '99%'}}\n"))
    assert counted_us(replace(contract, window=window)) == days * 86_400_000_000


@pytest.mark.parametrize(
    ("hours", "minutes"), [("Mo 00:00-24:00", 1440), ("Mo 08:00-10:00; Mo,Tu 09:00-11:00", 180 + 120)]
)
def test_closed_hours_do_not_count(hours: str, minutes: int) -> None:
    keys = f"claim: '99%', window: rolling 7d, hours: '{hours}'"
    (contract,) = contracts_of(loaded(f"{BASE}  - {{name: gold, service: shop, {keys}}}\n"))
    assert counted_us(contract) == minutes * 60_000_000
