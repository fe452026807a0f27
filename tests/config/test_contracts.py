"""The `contracts` section: what can be written, and what is refused with its place and a hint."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configs import faults_of, loaded

from prober.config.contract_terms import Window
from prober.config.contracts import ContractBlock

TWO = """\
regions: {fra: {local: true}, iad: {local: true}, sin: {local: true}}
defaults: {interval: 30s}
probes:
  - {name: web, tcp: {address: "x:1"}}
  - {name: db, tcp: {address: "x:1"}, regions: [fra, iad], down_when: 2, schedule: fixed}
  - {name: job, heartbeat: {token: 0123456789abcdef, period: 1h}}
services:
  - {name: shop, probes: [web, db]}
  - {name: mail, probes: [web]}
  - {name: nightly, probes: [job]}
customers: [{name: acme, fee: "100.00 USD"}, {name: zeta}]
contracts:
"""


def contract(keys: str, claim: str = "99.9%", service: str = "shop") -> str:
    """Return a file with one contract; its keys stand on line 13, after `claim`."""
    return f"{TWO}  - {{name: c, service: {service}, claim: '{claim}', {keys}}}\n"


def weighted(weights: str) -> str:
    """Return a file with a contract about two services."""
    method = f"{{weighted: {{by: services, weights: {{{weights}}}}}}}"
    return TWO + f"  - {{name: c, services: [shop, mail], claim: '99%', method: {method}}}\n"


GOOD = [
    contract("window: billing day 1"),
    contract("window: billing day 31"),
    contract("more_than: true", claim="99.999%"),
    contract("more_than: false", claim="100%"),
    contract("regions: all"),
    contract("regions: [fra, iad]"),
    contract("regions: [iad]", service="mail"),
    contract("regions: [iad]", service="nightly"),
    contract("method: requests"),
    contract("method: {requests: {ignore: [http_status, timeout_headers]}}"),
    contract("method: {slices: {length: 28d}}"),
    contract("method: {slices: {length: 90d}}, window: quarter"),
    contract("method: {slices: {length: 1d}}, window: rolling 1d"),
    contract("method: {weighted: {by: regions, weights: {fra: 1, iad: '0.5'}}}"),
    contract("method: {weighted: {by: regions, weights: {fra: 1}}}, regions: [fra, iad]"),
    contract("method: {weighted: {by: probes, weights: {db: 1}}}"),
    contract("method: {weighted: {by: services, weights: {shop: 1}}}"),
    contract("method: {periods: {minutes: 1440, good_minutes: 1440}}"),
    weighted("shop: 2, mail: '0.5'"),
    contract("credits: [{below: '99.9%', from: '99%', credit: '10%'}, {below: '99%', credit: '100%'}]"),
    contract("credits: [{below: '99.5%', credit: '10%'}]"),
    contract("credits: [{below: '99.9%', days: 3}, {below: '99%', days: 366}]"),
    contract("credit_terms: {multiple: 10}"),
    contract("credit_terms: {multiple: '0.25', cap: '50%', claim_within: 30d, must_be_claimed: true}"),
    contract("customers: [acme, zeta], credit_terms: {multiple: 1, minimum: '1.00 USD'}"),
    contract("customers: [acme], fee: '1 EUR', credit_terms: {multiple: 1, minimum: '1.00 EUR'}"),
    contract("customers: [zeta], credit_terms: {multiple: 1, minimum: '1.00 EUR'}"),
    contract("gap: 30s"),
    contract("gap: 29s", service="mail"),
    contract("gap: 29s, quorum: pooled"),
    contract("gap: 29s, method: requests"),
    contract("clock_error: 1h"),
    contract("latency: [{share: '95%', within: 1ms}, {share: '100%', within: 10m}]"),
    contract("hours: 'Sa 10:00-24:00', effective: {from: 2026-01-03, to: 2026-01-04}"),
    contract("holidays: [2026-01-02], effective: {from: 2026-01-02, to: 2026-01-04}"),
    contract("holidays: [2026-01-02], effective: {from: 2026-01-02}"),
    contract("maintenance: {hours: 'Su 02:00-04:00', evidence: logged}"),
    contract("public: true, promise: always, statistics: weaker, actions: [{on: 2026-01-01, text: done}]"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_can_be_meant_is_taken(text: str) -> None:
    assert faults_of(text) == []


EXCLUSION = "exclusions: [{{title: flood, kind: force_majeure, start: {0}, end: {1}, reason: water{2}}}]"
START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z"

BAD = [
    (contract("window: billing day 32"), ["13:54: contracts.0.window: a billing day is from 1 to 31"]),
    (
        contract("window: billing day 0"),
        ["13:54: contracts.0.window: expected month, quarter, year, billing"],
    ),
    (
        contract("more_than: true", claim="100%"),
        ["13:56: contracts.0.more_than: nothing is more than 100% (leave"],
    ),
    (contract("services: [mail]"), ["13:56: contracts.0.services: service and services exclude each other"]),
    (TWO + "  - {name: c, claim: '99%'}\n", ["13:5: contracts.0: neither service nor services (name what"]),
    (
        TWO + "  - {name: c, services: [shop, mail], claim: '99%'}\n",
        [
            "13:25: contracts.0.services: several services need a method that is weighted by services (weight them"
        ],
    ),
    (
        TWO + "  - {name: c, services: [shpo], claim: '99%'}\n",
        ["services.0: no service is named 'shpo' (did you"],
    ),
    (TWO + "  - {name: c, service: shop}\n", ["13:5: contracts.0.claim: required, but missing"]),
    # regions and weights
    (contract("regions: [mars]", service="nightly"), ["contracts.0.regions.0: no region is named 'mars'"]),
    (contract("regions: [fra, fra]", service="nightly"), ["regions.1: the region 'fra' is named twice"]),
    (
        contract("regions: [sin]"),
        ["13:55: contracts.0.regions: the probe 'db' runs in none of these regions"],
    ),
    (
        contract("regions: [fra, sin]"),
        [
            "13:55: contracts.0.regions: 'db' is down when 2 regions see it, but 1 of its regions count here (give it"
        ],
    ),
    (
        contract("method: {weighted: {by: regions, weights: {fra: 1, sin: 2}}}, regions: [fra, iad]"),
        [
            "13:97: contracts.0.method.weighted.weights.sin: the contract has no region 'sin' (its regions: fra, iad)"
        ],
    ),
    (
        contract("method: {weighted: {by: probes, weights: {job: 1}}}"),
        [
            "13:88: contracts.0.method.weighted.weights.job: the contract has no probe 'job' (its probes: db, web)"
        ],
    ),
    (
        weighted("shop: 1, nightly: 1"),
        ["weights.nightly: the contract has no service 'nightly' (its services: mail, shop)"],
    ),
    (weighted("shop: 0"), ["weights.shop: must be more than zero"]),
    (
        weighted("shop: 0.5"),
        ["weights.shop: expected a number such as 3 or 0.25 (write it as text, in quotes)"],
    ),
    # methods
    (
        contract("method: {requests: {ignore: [http_statis]}}"),
        ["contracts.0.method.requests.ignore.0: not a failure code (did you mean 'http_status'?)"],
    ),
    (
        contract("method: {slices: {length: 1m, ignore: [agent_clock]}}"),
        ["ignore.0: 'agent_clock' is the prober's own trouble (such a run is void, it is never an attempt)"],
    ),
    (
        contract("method: {slices: {length: 28d1s}}"),
        ["13:72: contracts.0.method.slices.length: a slice is longer than the window, month (at most 28d)"],
    ),
    (
        contract("method: {slices: {length: 30d1us}}, window: rolling 30d"),
        ["the window, rolling 30d (at most 30d)"],
    ),
    (
        contract("method: {periods: {minutes: 1441}}"),
        ["13:74: contracts.0.method.periods.minutes: must be at most"],
    ),
    # time
    (
        contract("gap: 29s"),
        [
            "13:51: contracts.0.gap: shorter than the interval of 'db', 30s (all time between two results would be"
        ],
    ),
    (contract("gap: 59m59s", service="nightly"), ["contracts.0.gap: shorter than the interval of 'job', 1h"]),
    (contract("clock_error: 1h1us"), ["13:59: contracts.0.clock_error: must be at most 1h"]),
    (contract("holidays: [2026-02-30]"), ["contracts.0.holidays.0: expected a date such as 2026-01-31"]),
    (contract("hours: ''"), ["13:53: contracts.0.hours: expected service hours such as Mo-Fr 08:00-20:00"]),
    (
        contract("hours: 'Sa 10:00-24:00', effective: {from: 2026-01-04, to: 2026-01-10}"),
        [
            "13:53: contracts.0.hours: no service hours are left while the contract holds (every period would be empty)"
        ],
    ),
    (
        contract("holidays: [2026-01-02, 2026-01-03], effective: {from: 2026-01-02, to: 2026-01-04}"),
        ["13:56: contracts.0.holidays: no service hours are left while the contract holds"],
    ),
    (
        contract("method: requests, denominator: 43200m"),
        [
            "13:77: contracts.0.denominator: a length of time divides no number of attempts"
            " (leave it out with method requests, or count with method time)"
        ],
    ),
    (
        contract("method: {slices: {length: 5m}}, denominator: 24h"),
        ["13:91: contracts.0.denominator: a length of time divides no number of slices"],
    ),
    # what is taken out
    (
        contract(EXCLUSION.format(END, START, "")),
        ["contracts.0.exclusions.0: the end is not after the start"],
    ),
    (
        contract(EXCLUSION.format(START, START, "")),
        ["contracts.0.exclusions.0: the end is not after the start"],
    ),
    (
        contract(EXCLUSION.format(START, END, f", approved: {START}")),
        ["contracts.0.exclusions.0: approved by nobody (name somebody: approved_by)"],
    ),
    (
        contract(EXCLUSION.format(START, END, "").replace("water", "''")),
        ["reason: needs at least 1 characters"],
    ),
    (
        contract("maintenance: {hours: 'Su 04:00-02:00'}"),
        ["maintenance.hours: service hours end after they start"],
    ),
    # credits
    (contract("credits: [{below: '99%'}]"), ["credits.0: a credit tier has credit or days, one of them"]),
    (contract("credits: [{below: '99%', credit: '1%', days: 1}]"), ["has credit or days, one of them"]),
    (
        contract("credits: [{below: '99%', from: '99%', credit: '1%'}]"),
        ["credits.0: from is not below below (below: is the upper edge, 99%)"],
    ),
    (
        contract("credits: [{below: '99%', credit: '1%'}, {below: '98%', days: 1}]"),
        ["13:55: contracts.0.credits: credit tiers give credit or days, all of them the same"],
    ),
    (
        contract("credits: [{below: '99%', credit: '2%'}, {below: '98%', credit: '1%'}]"),
        ["13:55: contracts.0.credits: a lower availability cannot give a smaller credit"],
    ),
    (
        contract("credit_terms: {cap: '50%'}"),
        [
            "13:60: contracts.0.credit_terms: terms for credits, but no credits (write credits, or multiple in here)"
        ],
    ),
    (
        contract("credits: [{below: '99%', credit: '1%'}], credit_terms: {multiple: 2}"),
        ["contracts.0.credit_terms.multiple: credits by a table and by a multiple exclude each other"],
    ),
    (contract("credit_terms: {multiple: 0}"), ["credit_terms.multiple: must be more than zero"]),
    (
        contract("credit_terms: {multiple: 1, claim_within: 36h}"),
        ["claim_within: expected whole days, such as 30d"],
    ),
    (
        contract("credit_terms: {multiple: 1, claim_within: 0s}"),
        ["claim_within: expected whole days, such as 30d"],
    ),
    (
        contract("customers: [zeta, acme], credit_terms: {multiple: 1, minimum: '1.00 EUR'}"),
        ["credit_terms.minimum: in EUR, but the fee is in USD (write it in USD)"],
    ),
    (
        contract("customers: [acme], fee: '1 EUR', credit_terms: {multiple: 1, minimum: '1.00 USD'}"),
        ["credit_terms.minimum: in USD, but the fee is in EUR (write it in EUR)"],
    ),
    # the rest
    (contract("latency: [{share: '0%', within: 1s}]"), ["latency.0.share: a share of 0% promises nothing"]),
    (contract("latency: [{share: '95%', within: 0s}]"), ["latency.0.within: must be at least 1ms"]),
    (contract("actions: [{on: today, text: x}]"), ["actions.0.on: expected a date such as 2026-01-31"]),
    (contract("preset: githib-2021"), ["contracts.0.preset: no such preset (did you mean 'github-2021'?)"]),
    (contract("more_then: true"), ["13:46: contracts.0.more_then: unknown key (did you mean 'more_than'?)"]),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_what_cannot_be_is_refused_where_it_stands(text: str, expected: list[str]) -> None:
    found = faults_of(text)
    assert len(found) == len(expected), found
    for line, words in zip(found, expected, strict=True):
        assert words in line


HOLES = [
    # as a provider published it: 99.0-99.89 %, 95.0-98.99 %, 94.99 % or lower
    (
        "{from: '99.0%', below: '99.89%', credit: '10%'}, {from: '95.0%', below: '98.99%', credit: '20%'}, "
        "{below: '94.99%', credit: '30%'}",
        "credit tiers have a hole: from 98.99 % to 99 %",
    ),
    # more than 99.0 % and less than 99.0 %, written with two digits
    (
        "{from: '99.01%', below: '99.9%', credit: '10%'}, {below: '99.0%', credit: '25%'}",
        "from 99 % to 99.01 %",
    ),
    (
        "{from: '98.9%', below: '99.9%', credit: '10%'}, {below: '99.0%', credit: '25%'}",
        "credit tiers overlap:",
    ),
    ("{from: '99%', below: '99.9%', credit: '10%'}", "nothing is said of less than [99 %, 99.9 %)"),
    ("{from: '99%', below: '99.9%', days: 3}", "nothing is said of less than [99 %, 99.9 %)"),
    ("{below: '99.91%', credit: '10%'}", "credit tiers overlap the claim: [0 %, 99.91 %)"),
]


@pytest.mark.parametrize(("tiers", "words"), HOLES)
def test_a_table_with_a_hole_or_an_overlap_is_refused_and_the_hole_is_named(tiers: str, words: str) -> None:
    (found,) = faults_of(contract(f"credits: [{tiers}]"))
    assert found.startswith("probes.yaml:13:55: contracts.0.credits: ")
    assert words in found


def test_a_fault_does_not_show_what_came_from_outside_the_file() -> None:
    text = contract("credits: [{below: '${EDGE}', credit: '10%'}]")
    (found,) = faults_of(text, {"EDGE": "99.95%"})
    assert "contradicts another key; a value comes from ${EDGE} and is not shown" in found
    assert "99.95" not in found


def test_all_that_is_impossible_is_told_at_once() -> None:
    text = contract("more_than: true, gap: 1s, credit_terms: {cap: '1%'}, regions: [mars]", claim="100%")
    assert [fault.split(": ")[1] for fault in faults_of(text)] == [
        "contracts.0.more_than",
        "contracts.0.gap",
        "contracts.0.credit_terms",
        "contracts.0.regions.0",
    ]


def test_every_key_is_read_exactly() -> None:
    (found,) = loaded(
        contract(
            "window: billing day 15, clock_error: 250ms, holidays: [2026-12-25], "
            "credit_terms: {multiple: '2.5', claim_within: 15d, cap: '25%'}, "
            "method: {slices: {length: 5m, ignore: [http_status]}}"
        )
    ).contracts
    assert found.window == Window("billing", 15)
    assert str(found.window) == "billing day 15"
    assert (found.clock_error_us, found.holidays) == (250_000, (date(2026, 12, 25),))
    assert found.credit_terms is not None
    assert (found.credit_terms.multiple, found.credit_terms.cap) == (Fraction(5, 2), Fraction(1, 4))
    assert found.credit_terms.claim_within_us == 15 * 86_400_000_000
    assert found.method.slices is not None
    assert found.method.slices.ignore == ("http_status",)


KEYS = [field.alias or name for name, field in ContractBlock.model_fields.items()]
INNER = [
    "below",
    "from",
    "credit",
    "days",
    "to",
    "by",
    "weights",
    "weighted",
    "slices",
    "length",
    "multiple",
    "fra",
]
WORDS = [
    "",
    "99%",
    "100%",
    "1d",
    "fra",
    "shop",
    "c",
    "web",
    "acme",
    "github-2021",
    "time",
    "1 EUR",
    "rolling 1d",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "http_status",
    "regions",
    "Mo 08:00-09:00",
]
VALUES = st.recursive(
    st.sampled_from([None, True, 0, 3, *WORDS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_whatever_stands_in_a_contract_is_taken_or_refused(keys: dict[str, object]) -> None:
    block = {"name": "c", "service": "shop", "claim": "99.9%", **keys}
    faults_of(TWO + f"  - {json.dumps(block)}\n  - {json.dumps(block)}\n")
