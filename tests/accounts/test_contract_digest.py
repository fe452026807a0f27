"""The digest of a contract: another for every change of a term, the same for everything else."""

from __future__ import annotations

import pytest
from support.configs import loaded

from prober.accounts.terms import contracts_of

TEXT = """\
regions: {fra: {title: Frankfurt, local: true}, iad: {local: true}, sin: {local: true}}
defaults: {interval: 30s, timeout: 10s}
probes:
  - {name: web, title: Web, tcp: {address: "x:1"}}
  - {name: db, tcp: {address: "x:1"}}
  - {name: other, tcp: {address: "x:1"}, interval: 1m}
services:
  - {name: shop, title: Shop, probes: [web, db]}
  - {name: rest, probes: [other]}
customers: [{name: acme, fee: "10.00 EUR"}, {name: zeta}]
contracts:
  - name: gold
    title: Gold
    service: shop
    customers: [acme, zeta]
    claim: "99.95%"
    gap: 1m
    timezone: Europe/Berlin
    method: {slices: {length: 5m, ignore: [http_status, too_slow]}}
    maintenance: {notice: 72h}
    holidays: [2026-01-01, 2026-12-25]
    credits: [{below: "99.95%", credit: "10%"}, {below: "99%", credit: "25%"}]
    effective: {from: 2026-01-01}
    actions: [{on: 2026-02-01, text: New disk.}]
"""


def digest(text: str) -> str:
    """Return the digest of the one contract in a file."""
    (found,) = contracts_of(loaded(text))
    return found.digest


TERMS = [
    ("name: gold", "name: golden"),
    ("service: shop\n", "service: rest\n"),
    ("customers: [acme, zeta]", "customers: [acme, zeta]\n    regions: [fra, iad]"),
    ('claim: "99.95%"', 'claim: "99.96%"'),
    ('claim: "99.95%"', 'claim: "99.95%"\n    more_than: true'),
    ("gap: 1m", "gap: 61s"),
    ("gap: 1m", "gap: 1m\n    clock_error: 1us"),
    ("gap: 1m", "gap: 1m\n    promise: Always."),
    ("gap: 1m", "gap: 1m\n    fee: 1.00 EUR"),
    ("Europe/Berlin", "Europe/Paris"),
    ("length: 5m", "length: 6m"),
    ("[http_status, too_slow]", "[http_status]"),
    ("notice: 72h", "notice: 71h"),
    ("notice: 72h", "notice: 72h, evidence: logged"),
    ("2026-12-25", "2026-12-26"),
    ('{below: "99%", credit: "25%"}', '{below: "99%", credit: "26%"}'),
    ("from: 2026-01-01", "from: 2026-01-02"),
    # what its services are
    ("{interval: 30s", "{interval: 31s"),
    ('{name: db, tcp: {address: "x:1"}}', '{name: db, tcp: {address: "x:1"}, down_when: any}'),
    ('{name: db, tcp: {address: "x:1"}}', '{name: db, tcp: {address: "x:1"}, schedule: fixed}'),
    ('{name: db, tcp: {address: "x:1"}}', '{name: db, tcp: {address: "x:1"}, regions: [fra, iad]}'),
    ("probes: [web, db]", "probes: [web]"),
    ("probes: [web, db]", "probes: [web, db], up_when: any"),
]

NO_TERMS = [
    ("title: Gold", "title: Golden"),
    ("title: Gold", "title: Gold\n    window: month\n    public: true\n    unknown: bounds"),
    ("New disk.", "Newer disk."),
    ("gap: 1m", "gap: 60s"),
    ('claim: "99.95%"', 'claim: "99.950%"'),
    ("service: shop\n", "services: [shop]\n"),
    ("customers: [acme, zeta]", "customers: [zeta, acme]"),
    ("customers: [acme, zeta]", "customers: [acme]"),
    ("from: 2026-01-01", "from: 2026-01-01, to: 2026-07-01"),
    ("customers: [acme, zeta]", "customers: [acme, zeta]\n    regions: [sin, iad, fra]"),
    ("[http_status, too_slow]", "[too_slow, http_status]"),
    ("[2026-01-01, 2026-12-25]", "[2026-12-25, 2026-01-01]"),
    ("probes: [web, db]", "probes: [db, web]"),
    ("title: Shop", "title: The shop"),
    ("title: Web", "title: The web"),
    ("title: Frankfurt", "title: Francfort"),
    ("interval: 1m}", "interval: 2m}"),
    ("10.00 EUR", "11.00 EUR"),
]


@pytest.mark.parametrize(("before", "after"), TERMS)
def test_a_change_of_a_term_changes_it(before: str, after: str) -> None:
    assert TEXT.count(before) == 1
    assert digest(TEXT.replace(before, after)) != digest(TEXT)


@pytest.mark.parametrize(("before", "after"), NO_TERMS)
def test_a_change_of_anything_else_does_not(before: str, after: str) -> None:
    assert TEXT.count(before) == 1
    assert digest(TEXT.replace(before, after)) == digest(TEXT)


def test_a_presets_terms_written_by_hand_are_the_same_terms() -> None:
    base = (
        "probes: [{name: web, tcp: {address: 'x:1'}}]\nservices: [{name: shop, probes: [web]}]\ncontracts:\n"
    )
    hand = "claim: '99.9%', window: rolling 30d, method: {slices: {length: 5m, empty: zero}}"
    with_preset = digest(f"{base}  - {{name: c, service: shop, preset: cloudflare-r2-2025}}\n")
    assert with_preset == digest(f"{base}  - {{name: c, service: shop, {hand}}}\n")
