"""Contracts of every sort, as configurations write them: one a method, and many drawn at random from a fixed seed."""

from __future__ import annotations

import random

SHOP = """\
regions: {fra: {local: true}, iad: {local: true}, sin: {local: true}}
defaults: {interval: 30s}
probes:
  - {name: web, tcp: {address: "x:1"}}
  - {name: db, tcp: {address: "x:1"}, interval: 5m, down_when: any}
  - {name: api, tcp: {address: "x:1"}, regions: [fra, iad], down_when: 2}
  - {name: job, heartbeat: {token: 0123456789abcdef, period: 1h}}
services:
  - {name: shop, title: Web shop, group: Commerce, probes: [web, db], up_when: all}
  - {name: mail_out, description: Outgoing mail, probes: [api]}
  - {name: trio, probes: [web, db, api], up_when: 2 of 3}
  - {name: nightly, probes: [job]}
customers: [{name: acme, fee: "100.00 EUR"}, {name: zeta}]
contracts:
"""

METHODS = (
    "time",
    "requests",
    "{requests: {ignore: [http_status, timeout_headers]}}",
    "{minutes: {threshold: '5%', min_attempts: 2}}",
    "{minutes: {threshold: all}}",
    "{periods: {minutes: 10, threshold: '10%', unknown: bridge, good_minutes: 3}}",
    "{periods: {minutes: 1}}",
    "{slices: {length: 5m, empty: skip}}",
    "{slices: {length: 90s, ignore: [http_status]}}",
    "{weighted: {by: regions, weights: {fra: 5, iad: 3, sin: 2}}}",
    "{weighted: {by: probes, weights: {web: 1, db: '0.25'}}}",
    "{weighted: {by: services, weights: {shop: 3, mail_out: '0.5', nightly: 1}}}",
)

CLAIMS = ("99.9%", "99.95%", "100%", "99.999999999%", "50%", "0.5%", "99%")
WINDOWS = ("month", "quarter", "year", "billing day 1", "billing day 31", "rolling 1d", "rolling 7d", "rolling 30d",
           "rolling 31d")  # fmt: skip

MORE = (
    "unknown: skip",
    "gap: 2h",
    "quorum: pooled",
    "regions: [fra, iad]",
    "clock_error: 250ms",
    "statistics: weaker",
    "denominator: eligible",
    "denominator: 43200m",
    "hours: 'Mo-Fr 08:00-20:00; Sa 10:00-14:00', holidays: [2026-01-01, 2026-12-25]",
    "maintenance: {rule: keep, notice: 72h, max_per_month: 4h, hours: 'Su 02:00-06:00', evidence: logged}",
    "exclusions: [{title: flood, kind: force_majeure, start: 2026-01-01T00:00:00Z, end: 2026-01-01T06:00:00.5Z,"
    " reason: 'water: too much', approved_by: Ada, approved: 2026-01-02T00:00:00Z}]",
    "credits: [{below: '0.5%', credit: '10%'}, {below: '0.25%', credit: '25%'}], credit_terms: {cap: '50%',"
    " minimum: '1.00 EUR', claim_within: 30d, must_be_claimed: true}",
    "credits: [{below: '0.4%', days: 3}]",
    "credit_terms: {multiple: '2.5'}",
    "latency: [{share: '95%', within: 800ms}]",
    "fee: '1200.00 EUR'",
    "customers: [acme, zeta]",
    "public: true",
    'promise: "We promise:\\nup, nearly always", title: \'Gold, "for ever" #1\'',
    "actions: [{on: 2026-01-03, text: restarted}]",
    "effective: {from: 2026-01-01}",
    "timezone: Europe/Berlin",
    "timezone: Australia/Lord_Howe",
)


def contract(name: str, claim: str, method: str, more: str = "", service: str = "shop") -> str:
    """Return a contract as a line of the section `contracts`."""
    place = "services: [shop, mail_out, nightly]" if "by: services" in method else f"service: {service}"
    return f"  - {{name: {name}, {place}, claim: '{claim}', method: {method}{', ' if more else ''}{more}}}\n"


EVERY_METHOD = tuple(
    contract("c", claim, method)
    for method, claim in zip(METHODS, (*CLAIMS, *CLAIMS), strict=False)
) + tuple(f"  - {{name: c, service: shop, claim: '99.9%', window: {window}}}\n" for window in WINDOWS) + tuple(
    f"  - {{name: c, service: shop, claim: '99.9%', {more}}}\n" for more in MORE
)  # fmt: skip


def drawn(count: int, seed: int = 5) -> list[str]:
    """Return so many configurations with contracts whose keys are drawn at random, the same every time."""
    dice = random.Random(seed)
    return [
        SHOP + "".join(_drawn(dice, number) for number in range(dice.randint(1, 4))) for _ in range(count)
    ]


def _drawn(dice: random.Random, number: int) -> str:
    method = dice.choice(METHODS)
    wanted = [f"window: {dice.choice(WINDOWS)}", *dice.sample(MORE, dice.randint(0, 5))]
    taken: dict[str, str] = {}
    for keys in wanted:
        heads = _heads(keys)
        if not heads & set(taken) and not _clash(keys, heads, method):
            taken |= dict.fromkeys(heads, keys)
    service = dice.choice(("shop", "trio")) if "by:" not in method else "shop"
    more = ", ".join(dict.fromkeys(taken.values()))
    return contract(f"c{number}_{dice.randint(0, 9)}", dice.choice(CLAIMS), method, more, service)


def _heads(keys: str) -> set[str]:
    """Return the names of the keys of a flow mapping's inside, as far as it matters here."""
    found = {keys.partition(":")[0]}
    found |= {"credit_terms", "credits"} & {
        "credits" if "credits:" in keys else "",
        "credit_terms" if "credit_terms" in keys else "",
    }
    found |= {"title"} if "title: 'Gold" in keys else set()
    found |= {"holidays"} if "holidays" in keys else set()
    return {"credits", *found} if found & {"credit_terms", "credits"} else found


def _clash(keys: str, heads: set[str], method: str) -> bool:
    """Say whether keys cannot stand beside a method: regions that would not count, a length to divide a number by."""
    is_length = "denominator" in heads and "eligible" not in keys
    return ("regions" in heads and "by: regions" in method) or (
        is_length and ("requests" in method or "slices" in method)
    )


def configuration(
    contract: str, down_when: str = "majority", regions: str = "{fra: {local: true}, iad: {local: true}}"
) -> str:
    """Return a file with one probe every 30 s, one service of it, and one contract."""
    if down_when == "1":
        regions = "{fra: {local: true}}"
    return (
        f"regions: {regions}\ndefaults: {{interval: 30s, down_when: {down_when}}}\n"
        'probes: [{name: web, tcp: {address: "x:1"}}]\nservices: [{name: shop, probes: [web]}]\n'
        f"contracts:\n  - {contract}\n"
    )
