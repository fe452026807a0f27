"""The demo's contracts: what was promised about the stand-ins, to whom, and last month's maintenance. Text only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .bygone import last_month

_PROMISES = """\
customers:
  - name: acme
    title: Acme GmbH
    fee: "1200.00 EUR"
    language: de
    brand: {{name: Example Hosting, colour: "#0f766e", footer: "Example Hosting AG, Basel"}}
  - {{name: hoshi, title: 星商事株式会社, fee: "90000 JPY", language: zh}}
contracts:
  - name: shop-gold
    title: Shop Gold
    service: shop
    customers: [acme]
    claim: "99.9%"
    maintenance: {{rule: shrink, notice: 72h, max_per_month: 4h}}
    credits: [{{below: "99.9%", credit: "10%"}}, {{below: "99.0%", credit: "25%"}}]
    credit_terms: {{claim_within: 30d, must_be_claimed: true}}
    latency: [{{share: "95%", within: 400ms}}]
    public: true
    promise: At least 99.9 % in each calendar month, announced maintenance aside.
    effective: {{from: {first}}}
  - name: checkout-platinum
    title: Checkout Platinum
    service: checkout
    customers: [acme, hoshi]
    claim: "99.95%"
    credits: [{{below: "99.95%", credit: "10%"}}, {{below: "99.5%", credit: "30%"}}]
    credit_terms: {{claim_within: 30d, must_be_claimed: true}}
    promise: At least 99.95 % in each calendar month.
    effective: {{from: {first}}}
    actions: [{{on: {done}, text: Certificates are renewed 30 days before they expire.}}]
  - name: api-silver
    title: API Silver
    service: api
    customers: [hoshi]
    claim: "99.95%"
    method: time
    public: true
    promise: At least 99.95 % in each calendar month.
    effective: {{from: {first}}}
maintenance:
  - title: Database upgrade
    services: [shop]
    start: {start}
    end: {end}
    announced: {announced}
"""


def promises(now_us: int) -> str:
    """Return the sections `customers`, `contracts` and `maintenance`, for the month before this instant."""
    begin = datetime.fromtimestamp(last_month(now_us)[0] // 1_000_000, UTC)
    work = begin + timedelta(days=15, hours=1)
    return _PROMISES.format(
        first=begin.date().isoformat(),
        done=(begin + timedelta(days=6)).date().isoformat(),
        start=work.isoformat(),
        end=(work + timedelta(hours=1, minutes=30)).isoformat(),
        announced=(begin + timedelta(days=5, hours=9)).isoformat(),
    )
