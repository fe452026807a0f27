"""Configurations for tests: the complete example, and loading a text in one call."""

from __future__ import annotations

from collections.abc import Mapping

from prober.config import Config, ConfigError, load_text

ENVIRON = {"IAD_TOKEN": "correct-horse-battery-staple"}

COMPLETE = """\
regions:
  fra: {title: Frankfurt, local: true, source_address: "192.0.2.10", canaries: ["tcp://192.0.2.1:53"]}
  iad: {title: Virginia, token: "${IAD_TOKEN}"}
defaults: {interval: 30s, timeout: 10s, regions: all, down_when: majority, confirm: {retries: 1, after: 2s}}
probes:
  - name: shop-web
    title: Web shop
    http:
      url: https://shop.example/health
      expect: {status: 2xx, body: {contains: ok}, json: {"$.status": ok}, within: 3s, warn_within: 800ms,
               certificate_days: 14}
  - name: shop-db
    tcp: {address: "db.example:5432"}
  - name: mail
    tcp:
      address: "mail.example:25"
      dialogue: [{expect: "^220 "}, {send: "EHLO prober\\r\\n"}, {expect: "^250[ -]"}, {send: "STARTTLS\\r\\n"},
                 {expect: "^220 "}, {starttls: true}]
  - name: shop-dns
    dns: {name: shop.example, type: A, server: "192.0.2.53", expect: {any: ["203.0.113.7"]}}
services:
  - {name: shop, title: Web shop, group: Commerce, probes: [shop-web, shop-db], up_when: all}
contracts:
  - name: shop-gold
    service: shop
    customers: [acme]
    claim: "99.95%"
    window: month
    timezone: Europe/Berlin
    method: time
    denominator: period
    unknown: bounds
    gap: 2m
    quorum: regional
    hours: "Mo-Fr 08:00-20:00"
    maintenance: {rule: shrink, notice: 72h, max_per_month: 4h}
    credits: [{below: "99.95%", credit: "10%"}, {below: "99.0%", credit: "25%"}]
    effective: {from: 2026-01-01}
customers:
  - {name: acme, title: Acme GmbH, fee: "1200.00 EUR"}
maintenance:
  - {title: Database upgrade, services: [shop], start: 2026-12-06T02:00:00+01:00, end: 2026-12-06T04:00:00+01:00,
     announced: 2026-12-01T09:00:00+01:00}
blackbox: {file: blackbox.yml, allow: ["*.example", "198.51.100.0/24"], private: false}
store: {url: "sqlite:///prober.db"}
listen:
  public: "127.0.0.1:8080"
  internal: "127.0.0.1:8081"
  agents: {address: "0.0.0.0:8443", certificate: hub.pem, key: hub.key}
"""
"""Every section of the design, with the environment variable IAD_TOKEN."""

WEB = "probes:\n  - {name: web, tcp: {address: 'web.example:80'}}\n"
"""The smallest useful configuration."""


def loaded(text: str, environ: Mapping[str, str] | None = None) -> Config:
    """Load a text as if it stood in probes.yaml."""
    return load_text(text, "probes.yaml", ENVIRON if environ is None else environ)


def faults_of(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the faults of a text as they are printed; none if it loads."""
    try:
        loaded(text, environ)
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []
