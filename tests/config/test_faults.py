"""Every fault of a file, all at once, each with its place, in words for people."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configs import COMPLETE, WEB, faults_of

from prober.config import ConfigError, Fault, load

P = "probes: [{name: web, tcp: {address: 'x:1'}}]\n"
S = P + "services: [{name: shop, probes: [web]}]\n"


def own(resolver: str) -> str:
    """Return a file whose region has a resolver of its own."""
    return f"regions: {{fra: {{local: true, resolver: {resolver}}}}}\n" + P


CONTRACT = "contracts: [{name: c, service: shop, claim: '99.9%', "

BAD = [
    # sections and keys
    ("probs: []\n", ["1:1: probs: unknown key (did you mean 'probes'?)"]),
    ("- a\n", ["probes.yaml: expected a mapping of sections (start with probes:)"]),
    ("probes: {}\n", ["1:9: probes: expected a list"]),
    ("probes: [text]\n", ["1:10: probes.0: expected a mapping of keys to values"]),
    ("log: 5\n", ["1:6: log: expected a mapping of keys to values"]),
    ("probes:\n", ["1:8: probes: is empty; expected a list"]),
    # probes
    ("probes: [{tcp: {address: 'x:1'}}]\n", ["1:10: probes.0.name: required, but missing"]),
    ("probes: [{name: web}]\n", ["1:10: probes.0: no kind of check (add one of"]),
    ("probes: [{name: web, htpp: {url: x}}]\n", ["1:22: probes.0.htpp: unknown key (did you mean 'http'?)"]),
    (
        "probes: [{name: web, tcp: }]\n",
        ["1:27: probes.0.tcp: is empty; expected a mapping of keys to values"],
    ),
    (
        "probes:\n  - name: web\n    tcp: {address: 'x:1'}\n    dns: {name: x.example}\n",
        ["4:5: probes.0.dns: a second kind of check beside tcp (make it a probe of its own)"],
    ),
    (
        "probes: [{name: web, tcp: {adress: 'x:1'}}]\n",
        ["address: required", "1:28: probes.0.tcp.adress: unknown key"],
    ),
    (P + P.replace("probes", "probes", 1), ["2:1: probes: the same key twice (first on line 1)"]),
    (
        "probes:\n  - {name: web, tcp: {address: 'x:1'}}\n  - {name: web, tcp: {address: 'x:1'}}\n",
        ["3:12: probes.1.name: the name 'web' is taken (first on line 2)"],
    ),
    (
        "probes: [{name: Web, tcp: {address: 'x:1'}}]\n",
        ["1:17: probes.0.name: not a name (lower case letters"],
    ),
    (
        WEB.replace("name: web", "name: web, interval: 0s"),
        ["2:27: probes.0.interval: must be at least 100ms"],
    ),
    (
        WEB.replace("name: web", "name: web, interval: 99ms"),
        ["2:27: probes.0.interval: must be at least 100ms"],
    ),
    (WEB.replace("name: web", "name: web, interval: 100ms"), []),
    (
        WEB.replace("name: web", "name: web, interval: 30"),
        ["2:27: probes.0.interval: expected a duration such as 30s"],
    ),
    (WEB.replace("name: web", "name: web, timeout: 0s"), ["2:26: probes.0.timeout: must be at least 1ms"]),
    (
        WEB.replace("name: web", "name: web, recheck: nevr"),
        ["2:26: probes.0.recheck: expected a duration such as 5s, or never"],
    ),
    (
        WEB.replace("name: web", "name: web, recheck: 0s"),
        ["must be at least 500ms (write never to switch rechecks off)"],
    ),
    (
        WEB.replace("name: web", "name: web, confirm: {retries: yes}"),
        ["2:36: probes.0.confirm.retries: expected a whole number"],
    ),
    (WEB.replace("name: web", "name: web, confirm: {retries: 6}"), ["must be at most 5"]),
    (
        WEB.replace("name: web", "name: web, title: 12"),
        ["2:24: probes.0.title: expected text (put it in quotes to make it text)"],
    ),
    (
        "probes:\n  - {name: a, tls: {address: a.example, min_version: 1.3}}\n",
        ["expected '1.0', '1.1', '1.2' or '1.3' (put it in quotes to make it text)"],
    ),
    (
        WEB.replace("name: web", "name: web, schedule: fixd"),
        ["expected 'stratified', 'fixed' or 'round' (did you mean 'fixed'?)"],
    ),
    (
        WEB.replace("name: web", "name: web, regions: [loca]"),
        ["2:27: probes.0.regions.0: no region is named 'loca' (did you mean 'local'?)"],
    ),
    (
        WEB.replace("name: web", "name: web, regions: []"),
        ["the list of regions is empty (write all, or name one)"],
    ),
    (WEB.replace("name: web", "name: web, regions: [local, local]"), ["the region 'local' is named twice"]),
    (
        WEB.replace("name: web", "name: web, down_when: 2"),
        ["2:28: probes.0.down_when: can never be reached: there is 1 region"],
    ),
    (
        WEB.replace("name: web", "name: web, down_when: 2 of 3"),
        ["written for 3 regions, but there is 1 region"],
    ),
    (WEB.replace("name: web", "name: web, down_when: 3 of 2"), ["3 of 2 can never agree"]),
    (
        WEB.replace("name: web", "name: web, down_when: most"),
        ["expected any, majority, all, a count, or a text such as 2 of 3"],
    ),
    (
        WEB.replace("name: web", "name: web, labels: {probe: x}"),
        ["the label 'probe' is taken by Prober's own metrics"],
    ),
    (WEB.replace("name: web", "name: web, down_when: 1 of 1"), []),
    # services
    (P + "services: [{name: s, probes: [web], up_when: 1}]\n", []),
    (
        P + "services: [{name: s, probes: [wbe]}]\n",
        ["2:31: services.0.probes.0: no probe is named 'wbe' (did you mean 'web'?)"],
    ),
    (
        P + "services: [{name: s, probes: [web], up_when: 2}]\n",
        ["2:46: services.0.up_when: can never be reached: there is 1 probe"],
    ),
    (P + "services: [{name: s, probes: []}]\n", ["2:30: services.0.probes: needs at least 1, has 0"]),
    # regions
    ("regions: {fra: {}}\n" + P, ["1:16: regions.fra: neither local nor a token"]),
    (
        "regions: {fra: {local: yes}}\n" + P,
        ["1:24: regions.fra.local: expected true or false (yes, no, on and off are text in YAML 1.2)"],
    ),
    ("regions: {Fra: {local: true}}\n" + P, ["1:11: regions.Fra: not a name"]),
    (
        "regions: {fra: {token: short}}\n" + P,
        ["1:24: regions.fra.token: a token has at least 16 characters (make one"],
    ),
    (
        "regions: {fra: {token_sha256: abc}}\n" + P,
        ["1:31: regions.fra.token_sha256: expected the SHA-256 of a token"],
    ),
    (
        "regions: {fra: {local: true, source_address: here}}\n" + P,
        ["1:46: regions.fra.source_address: expected an IP address"],
    ),
    (
        own("{}"),
        ["1:30: regions.fra.resolver.servers: required, but missing"],
    ),
    (
        own("{servers: []}"),
        ["1:50: regions.fra.resolver.servers: needs at least 1, has 0"],
    ),
    (
        own("{servers: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4]}"),
        ["regions.fra.resolver.servers: takes at most 3, has 4"],
    ),
    (
        own("{servers: [ns.example]}"),
        ["1:51: regions.fra.resolver.servers.0: expected the address of a name server"],
    ),
    (
        own("{servers: ['192.0.2.53:0']}"),
        ["regions.fra.resolver.servers.0: expected the address of a name server"],
    ),
    (
        own("{servers: ['192.0.2.53:65536']}"),
        ["regions.fra.resolver.servers.0: expected the address of a name server"],
    ),
    (
        own("{servers: [53]}"),
        ["regions.fra.resolver.servers.0: expected the address of a name server"],
    ),
    (
        own("{servers: [192.0.2.53], hosts: {192.0.2.1: 192.0.2.1}}"),
        ["expected the name of a host"],
    ),
    (
        own("{servers: [192.0.2.53], hosts: {shop.example: []}}"),
        ['hosts."shop.example": needs at least 1, has 0'],
    ),
    (
        own("{servers: [192.0.2.53], hosts: {shop.example: elsewhere}}"),
        ["expected an IP address"],
    ),
    (
        own("{servers: [192.0.2.53], hosts: {a.example: 192.0.2.1, A.example.: 192.0.2.2}}"),
        ["regions.fra.resolver.hosts: a host is named twice"],
    ),
    (
        own("{servers: [192.0.2.53], timeout: 9ms}"),
        ["regions.fra.resolver.timeout: must be at least 10ms"],
    ),
    (
        own("{servers: [192.0.2.53], attempts: 6}"),
        ["regions.fra.resolver.attempts: must be at most 5"],
    ),
    (
        "regions: {fra: {local: true, canaries: ['udp://x:1']}}\n" + P,
        ["regions.fra.canaries.0: expected a control target"],
    ),
    # contracts, customers, maintenance
    (
        S + CONTRACT.replace("shop", "shpo") + "}]\n",
        ["3:32: contracts.0.service: no service is named 'shpo' (did you mean 'shop'?)"],
    ),
    (S + CONTRACT + "customers: [acme]}]\n", ["contracts.0.customers.0: no customer is named 'acme'"]),
    (
        S + CONTRACT.replace("'99.9%'", "99.9") + "}]\n",
        [
            "3:45: contracts.0.claim: expected a percentage as text, such as 99.95% (write it as text, in quotes)"
        ],
    ),
    (S + CONTRACT.replace("'99.9%'", "'99.9'") + "}]\n", ["such as 99.95% (the % sign is missing)"]),
    (S + CONTRACT.replace("99.9%", "100.1%") + "}]\n", ["a percentage is at most 100%"]),
    (S + CONTRACT.replace("99.9%", "0%") + "}]\n", ["a claim of 0% promises nothing"]),
    (
        S + CONTRACT + "window: mont}]\n",
        [
            "contracts.0.window: expected month, quarter, year, billing day 15, or rolling 30d (did you mean 'month'?)"
        ],
    ),
    (
        S + CONTRACT + "timezone: Europe/Berln}]\n",
        ["contracts.0.timezone: not a time zone (did you mean 'Europe/Berlin'?)"],
    ),
    (S + CONTRACT + "timezone: ../../etc/passwd}]\n", ["contracts.0.timezone: not a time zone"]),
    (S + CONTRACT + "method: minuts}]\n", ["contracts.0.method: not a method (did you mean 'minutes'?)"]),
    (S + CONTRACT + "method: minutes}]\n", ["contracts.0.method: the method minutes needs keys"]),
    (
        S + CONTRACT + "method: {time: {}, requests: {}}}]\n",
        ["contracts.0.method: a method is exactly one of"],
    ),
    (
        S + CONTRACT + "method: {weighted: {by: probes, weights: {wbe: 1}}}}]\n",
        ["weighted.weights.wbe: no probe is named 'wbe'"],
    ),
    (S + CONTRACT + "denominator: perid}]\n", ["contracts.0.denominator: expected period, eligible"]),
    (S + CONTRACT + "hours: 'Mo-Fr 20:00-08:00'}]\n", ["service hours end after they start"]),
    (
        S + CONTRACT + "effective: {from: 2026-02-30}}]\n",
        ["contracts.0.effective.from: expected a date such as"],
    ),
    (
        S + CONTRACT + "effective: {from: 2026-02-01, to: 2026-02-01}}]\n",
        ["contracts.0.effective: to is not after from"],
    ),
    (
        S + CONTRACT + "credits: [{below: '99%', credit: '1%'}, {below: '99%', credit: '2%'}]}]\n",
        ["contracts.0.credits: credit tiers go"],
    ),
    (
        "customers: [{name: a, fee: 1200.00}]\n",
        ["1:28: customers.0.fee: expected an amount as text, such as 1200.00 EUR"],
    ),
    (
        S
        + "maintenance: [{title: x, services: [shp], start: 2026-01-01T00:00:00Z, end: 2026-01-01T00:00:00Z}]\n",
        [
            "maintenance.0: the end is not after the start",
            "maintenance.0.services.0: no service is named 'shp'",
        ],
    ),
    (
        "maintenance: [{title: x, services: [], start: 2026-01-01T00:00:00, end: x}]\n",
        ["services: needs", "start: expected an instant", "end: expected"],
    ),
    # the daemon itself
    ("listen: {public: 8080}\n", ["1:18: listen.public: expected host:port"]),
    ("listen: {public: '::1:8080'}\n", ["an IPv6 address stands in brackets"]),
    (
        "listen: {agents: {address: '0.0.0.0:1'}}\n",
        ["1:18: listen.agents: certificate and key are both needed"],
    ),
    (
        "regions: {a: {token: 0123456789abcdef}, b: {token: [0123456789abcdee, 0123456789abcdef]}}\n",
        ["regions.b.token.1: another region has this token (first on line 1; give each its own)"],
    ),
    (
        "regions: {a: {local: true}, b: {local: true}}\ndefaults: {min_regions: 3}\n"
        "probes: [{name: web, tcp: {address: 'h:1'}}]\n",
        ["2:25: defaults.min_regions: can never be reached: there are 2 regions"],
    ),
    ("store: {url: 'mysql://user:pw@host/db'}\n", ["1:14: store.url: expected sqlite:///FILE"]),
    (
        "blackbox: {allow: ['10.0.0.1/8', 'a b']}\n",
        ["allow.0: the network has host bits set", "allow.1: expected a host pattern"],
    ),
    ("page: {url: 'ftp://x'}\n", ["1:13: page.url: expected an address such as https://status.example"]),
    (
        "log: {level: loud}\n",
        ["1:14: log.level: expected 'debug', 'info', 'warning' or 'error' (not 'loud')"],
    ),
    ("agents: {max_in_flight: 0}\n", ["1:25: agents.max_in_flight: must be at least 1"]),
    ("agents: {max_lag: 0s}\n", ["1:19: agents.max_lag: must be at least 1ms"]),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_a_bad_file_is_answered_with_these_faults_and_no_others(text: str, expected: list[str]) -> None:
    found = faults_of(text, {})
    assert len(found) == len(expected), found
    for line, words in zip(found, expected, strict=True):
        assert words in line


def test_faults_of_shape_and_dangling_names_are_told_together_in_the_order_of_the_file() -> None:
    text = """\
probes:
  - {name: web, tcp: {address: 'x:1'}, interval: 0s, tiemout: 5s}
  - {name: web, tcp: {address: 'x:1'}, regions: [mars]}
services:
  - {name: shop, probes: [wbe], colour: red}
listen: {public: nowhere}
"""
    assert [fault.split(": ")[1] for fault in faults_of(text)] == [
        "probes.0.interval",
        "probes.0.tiemout",
        "probes.1.name",
        "probes.1.regions.0",
        "services.0.probes.0",
        "services.0.colour",
        "listen.public",
    ]


def test_a_fault_in_what_an_alias_brings_points_at_the_anchor() -> None:
    text = "defaults: &d {interval: 0s}\nprobes:\n  - {<<: *d, name: web, tcp: {address: 'x:1'}}\n"
    assert faults_of(text) == [
        "probes.yaml:1:25: defaults.interval: must be at least 100ms",
        "probes.yaml:1:25: probes.0.interval: must be at least 100ms",
    ]


def test_a_fault_prints_its_place_its_path_and_its_hint() -> None:
    fault = Fault(file="f", line=3, column=7, path="a.b", message="wrong", hint="try c")
    assert str(fault) == "f:3:7: a.b: wrong (try c)"
    assert str(Fault(file="f", line=0, column=0, path="", message="wrong")) == "f: wrong"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing.yaml: cannot read the file: no such file.*--config"):
        load(tmp_path / "nothing.yaml", {})
    with pytest.raises(ConfigError, match="cannot read the file: is a directory"):
        load(tmp_path, {})


def test_the_complete_example_has_no_fault() -> None:
    assert faults_of(COMPLETE) == []
