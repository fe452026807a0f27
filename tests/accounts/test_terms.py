"""From the configuration to the contracts that figures are made of: exact values, quorums, digests."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from support.configs import COMPLETE, ENVIRON, loaded

from prober.accounts.plans import by_name
from prober.accounts.terms import contracts_of, customers_of
from prober.config import load_text
from reports import contract as terms
from reports.contract import Contract

BASE = """\
regions: {fra: {local: true}, iad: {local: true}, sin: {local: true}}
defaults: {interval: 30s}
probes:
  - {name: web, title: Web shop, tcp: {address: "x:1"}}
  - {name: db, tcp: {address: "x:1"}, interval: 1m, down_when: any, schedule: fixed, timeout: 3s}
  - {name: api, tcp: {address: "x:1"}, regions: [fra, iad], down_when: 2}
  - {name: job, heartbeat: {token: 0123456789abcdef, period: 1h}}
services:
  - {name: shop, title: Shop, probes: [web, db, api], up_when: 2 of 3}
  - {name: nightly, probes: [job]}
customers: [{name: acme, title: Acme GmbH, fee: "100.00 EUR"}, {name: zeta}]
contracts:
"""


def only(keys: str, base: str = BASE) -> Contract:
    """Return the contract `gold` of a file with these keys."""
    (found,) = contracts_of(loaded(f"{base}  - {{name: gold, {keys}}}\n"))
    return found


def test_the_contract_of_the_design_is_read_with_its_exact_values() -> None:
    (found,) = contracts_of(loaded(COMPLETE, ENVIRON))
    assert (found.name, found.title, found.customers) == ("shop-gold", "shop-gold", ("acme",))
    assert (found.claim, found.method, found.zone) == (Fraction(9995, 10000), terms.Time(), "Europe/Berlin")
    assert (found.window, found.denominator) == (terms.WindowRule("month"), terms.DenominatorRule("period"))
    assert found.gap_us == 120_000_000
    assert found.hours == (terms.HoursPart(frozenset(range(5)), 480, 1200),)
    assert found.maintenance == terms.MaintenanceTerms(
        rule="shrink", notice_us=72 * 3_600_000_000, max_per_month_us=4 * 3_600_000_000
    )
    assert found.credits == terms.CreditTerms(
        tiers=(
            terms.CreditTier(below=Fraction(9995, 10000), credit=Fraction(1, 10)),
            terms.CreditTier(below=Fraction(99, 100), credit=Fraction(1, 4)),
        )
    )
    assert (found.from_day, found.to_day) == (date(2026, 1, 1), None)
    assert (found.services[0].name, found.services[0].needed) == ("shop", 1)
    assert len(found.digest) == 64


def test_quorums_are_counted_over_the_regions_of_the_contract() -> None:
    (service,) = only("service: shop, claim: '99%'").services
    assert (service.title, service.needed) == ("Shop", 2)
    web, db, api = service.probes
    assert (web.title, web.regions, web.needed, web.schedule) == (
        "Web shop",
        ("fra", "iad", "sin"),
        2,
        "stratified",
    )
    assert (db.needed, db.interval_us, db.schedule, db.timeout_us) == (1, 60_000_000, "fixed", 3_000_000)
    assert (api.regions, api.needed) == (("fra", "iad"), 2)
    web, db, api = only("service: shop, claim: '99%', regions: [iad, fra]").services[0].probes
    assert (web.regions, web.needed) == (("fra", "iad"), 2)
    assert (db.needed, api.needed) == (1, 2)


@pytest.mark.parametrize(("rule", "needed"), [("all", 1), ("any", 3), ("1", 3), ("2 of 3", 2), ("3", 1)])
def test_a_service_is_down_when_one_probe_more_is_down_than_it_can_do_without(rule: str, needed: int) -> None:
    base = BASE.replace("up_when: 2 of 3", f"up_when: {rule}")
    assert only("service: shop, claim: '99%'", base).services[0].needed == needed


def test_a_job_is_seen_by_the_hub_whatever_regions_count() -> None:
    (job,) = only("service: nightly, claim: '99%', regions: [sin]").probes()
    assert (job.regions, job.needed, job.schedule, job.interval_us) == (("hub",), 1, "end", 3_600_000_000)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("requests", terms.Requests()),
        ("{requests: {ignore: [http_status]}}", terms.Requests(ignored=frozenset({"http_status"}))),
        (
            "{minutes: {threshold: '5%', min_attempts: 2}}",
            terms.Minutes(threshold=Fraction(1, 20), min_attempts=2),
        ),
        ("{periods: {minutes: 10, good_minutes: 3}}", terms.Periods(minutes=10, good_minutes=3)),
        ("{slices: {length: 5m, empty: skip}}", terms.Slices(length_us=300_000_000, empty="skip")),
        (
            "{weighted: {by: probes, weights: {web: 1, db: '0.5', api: 2}}}",
            terms.Weighted(
                by="probes", weights=(("web", Fraction(1)), ("db", Fraction(1, 2)), ("api", Fraction(2)))
            ),
        ),
    ],
)
def test_every_method_comes_through(method: str, value: object) -> None:
    assert only(f"service: shop, claim: '99%', method: {method}").method == value


def test_terms_that_few_contracts_have_come_through() -> None:
    found = only(
        "service: shop, claim: '99%', more_than: true, window: rolling 7d, denominator: 43200m, clock_error: 1s, "
        "holidays: [2026-12-25], fee: '5.00 USD', public: true, promise: Always., statistics: 'off', "
        "latency: [{share: '95%', within: 800ms}], actions: [{on: 2026-02-01, text: New disk.}], "
        "exclusions: [{title: t, kind: customer, start: 1970-01-01T00:00:01Z, end: 1970-01-01T00:00:02Z, reason: r}], "
        "credit_terms: {multiple: '0.1', cap: '50%', minimum: '1.00 USD', claim_within: 30d, must_be_claimed: true}"
    )
    assert (found.more_than, found.window, found.clock_error_us) == (
        True,
        terms.WindowRule("rolling", 7),
        1_000_000,
    )
    assert found.denominator == terms.DenominatorRule("fixed", 2_592_000_000_000)
    assert (found.holidays, found.fee) == (
        frozenset({date(2026, 12, 25)}),
        terms.Money(Decimal("5.00"), "USD"),
    )
    assert (found.public, found.promise, found.statistics) == (True, "Always.", "off")
    assert found.latency == (terms.LatencyObjective(share=Fraction(19, 20), within_us=800_000),)
    assert found.actions == (terms.Action(date(2026, 2, 1), "New disk."),)
    (exclusion,) = found.exclusions
    assert (exclusion.start_us, exclusion.end_us, exclusion.approved_by, exclusion.approved_us) == (
        1_000_000,
        2_000_000,
        "",
        None,
    )
    assert found.credits == terms.CreditTerms(
        multiple=Fraction(1, 10),
        cap=Fraction(1, 2),
        minimum=Decimal("1.00"),
        claim_within_days=30,
        must_be_claimed=True,
    )


def test_days_of_service_are_kept_apart_from_shares() -> None:
    found = only("service: shop, claim: '99%', credits: [{below: '99%', days: 3}, {below: '95%', days: 7}]")
    assert found.credits == terms.CreditTerms(
        days_of_service=((Fraction(99, 100), 3), (Fraction(95, 100), 7))
    )


def test_versions_come_in_the_order_of_their_time() -> None:
    rows = "".join(
        f"  - {{name: {name}, service: shop, claim: '99%', effective: {{{span}}}}}\n"
        for name, span in [
            ("gold", "from: 2026-07-01"),
            ("other", ""),
            ("gold", "to: 2026-01-01"),
            ("gold", "from: 2026-01-01, to: 2026-07-01"),
        ]
    )
    found = contracts_of(loaded(BASE + rows))
    assert [contract.name for contract in found] == ["gold", "other", "gold", "gold"]
    assert [version.from_day for version in by_name(found)["gold"]] == [
        None,
        date(2026, 1, 1),
        date(2026, 7, 1),
    ]


def test_customers_come_with_their_brand_and_a_logo_that_is_gone_is_left_out(tmp_path: Path) -> None:
    picture = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    (tmp_path / "logo.svg").write_bytes(picture)
    text = "customers: [{name: acme, brand: {name: Hosting AG, logo: logo.svg, colour: '#1A6B3C'}}, {name: zeta}]\n"
    config = load_text(text, str(tmp_path / "probes.yaml"), {})
    acme, zeta = customers_of(config).values()
    assert (acme.title, acme.brand.name, acme.brand.colour) == ("acme", "Hosting AG", "#1a6b3c")
    assert acme.brand.logo == "data:image/svg+xml;base64," + base64.b64encode(picture).decode()
    assert (zeta.brand.name, zeta.brand.logo) == ("", None)
    (tmp_path / "logo.svg").unlink()
    assert customers_of(config)["acme"].brand.logo is None
