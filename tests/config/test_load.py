"""What a sound configuration becomes: defaults merged, names filled in, exact values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from support.configs import COMPLETE, ENVIRON, WEB, loaded

from checks.core.check import KINDS
from prober.config import Confirm, load
from prober.config.config import Resolver
from prober.config.contract_terms import Denominator, Money, Window
from prober.config.terms import Address, Quorum


def test_the_complete_example_loads_with_its_exact_values() -> None:
    config = loaded(COMPLETE)
    assert [region.name for region in config.regions] == ["fra", "iad"]
    assert [probe.kind for probe in config.probes] == ["http", "tcp", "tcp", "dns"]
    assert all(isinstance(probe.options, KINDS[probe.kind].options_type) for probe in config.probes)
    contract = config.contracts[0]
    assert contract.claim == Fraction(9995, 10000)
    assert (contract.window, contract.denominator, contract.gap_us) == (
        Window("month"),
        Denominator("period"),
        120_000_000,
    )
    assert [(tier.below, tier.credit) for tier in contract.credits] == [
        (Fraction(9995, 10000), Fraction(1, 10)),
        (Fraction(99, 100), Fraction(1, 4)),
    ]
    assert contract.effective.from_day == date(2026, 1, 1)
    assert config.customers[0].fee == Money(Decimal("1200.00"), "EUR")
    # 2026-12-06T01:00:00Z
    assert config.maintenance[0].start_us == 1_796_518_800_000_000
    assert str(config.listen.agents.address if config.listen.agents else "") == "0.0.0.0:8443"


def test_a_probe_without_words_gets_the_built_in_defaults() -> None:
    probe = loaded(WEB).probes[0]
    assert (probe.title, probe.interval_us, probe.timeout_us) == ("web", 30_000_000, 10_000_000)
    assert (probe.regions, probe.schedule, probe.recheck_us) == (("local",), "stratified", 5_000_000)
    assert (probe.confirm, probe.down_when) == (Confirm(retries=1, after_us=2_000_000), Quorum("majority"))
    assert (probe.group, probe.labels) == (None, {})


def test_without_regions_there_is_one_local_region() -> None:
    region = loaded(WEB).regions[0]
    assert (region.name, region.local, region.token_sha256) == ("local", True, ())
    assert region.resolver is None


RESOLVER = """
regions:
  fra:
    local: true
    resolver: {servers: [192.0.2.53, "192.0.2.54:5353", "2001:db8::1", ], hosts: {Shop.example.: 192.0.2.7}}
"""


def test_a_region_may_have_its_own_name_servers() -> None:
    resolver = loaded(RESOLVER + WEB).regions[0].resolver
    assert resolver == Resolver(
        servers=(Address("192.0.2.53", 53), Address("192.0.2.54", 5353), Address("2001:db8::1", 53)),
        hosts={"shop.example": ("192.0.2.7",)},
        timeout_us=5_000_000,
        attempts=2,
    )


@pytest.mark.parametrize(
    ("before", "after"), [("192.0.2.53,", "192.0.2.55,"), ("5353", "5354"), ("192.0.2.7}", "192.0.2.8}")]
)
def test_a_change_of_name_servers_changes_the_digest(before: str, after: str) -> None:
    assert RESOLVER.count(before) == 1
    assert loaded(RESOLVER.replace(before, after) + WEB).digest != loaded(RESOLVER + WEB).digest


def test_the_probe_wins_over_defaults_and_defaults_over_built_in_key_by_key() -> None:
    config = loaded(
        """
regions: {a: {local: true}, b: {local: true}, c: {local: true}}
defaults: {interval: 1m, timeout: 20s, regions: [a, b], confirm: {retries: 3}, recheck: never, schedule: round}
probes:
  - {name: one, tcp: {address: "x:1"}, interval: 5s, confirm: {after: 7s}, recheck: 1s}
  - {name: two, tcp: {address: "x:1"}, regions: all, schedule: fixed, down_when: 2 of 3, labels: {team: web}}
"""
    )
    one, two = config.probes
    assert (one.interval_us, one.timeout_us, one.regions) == (5_000_000, 20_000_000, ("a", "b"))
    assert (one.confirm, one.recheck_us, one.schedule) == (
        Confirm(retries=3, after_us=7_000_000),
        1_000_000,
        "round",
    )
    assert (two.interval_us, two.regions, two.schedule) == (60_000_000, ("a", "b", "c"), "fixed")
    assert (two.confirm.after_us, two.recheck_us, two.labels) == (2_000_000, None, {"team": "web"})
    assert two.down_when.needed(3) == 2


@pytest.mark.parametrize(("rule", "needed"), [("any", 1), ("majority", 3), ("all", 4), ("2", 2)])
def test_a_quorum_says_how_many_are_needed(rule: str, needed: int) -> None:
    regions = "regions: {a: {local: true}, b: {local: true}, c: {local: true}, d: {local: true}}\n"
    probe = loaded(f"{regions}defaults: {{down_when: {rule}}}\n{WEB}").probes[0]
    assert probe.down_when.needed(4) == needed


def test_a_timeout_longer_than_the_interval_is_allowed() -> None:
    text = "probes: [{name: a, tcp: {address: 'x:1'}, interval: 1s, timeout: 5s}]"
    assert loaded(text).probes[0].timeout_us == 5_000_000


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("requests", "requests"),
        ('{minutes: {threshold: "5%", min_attempts: 1}}', "minutes"),
        ("{periods: {minutes: 10}}", "periods"),
        ("{slices: {length: 5m, empty: zero}}", "slices"),
        ('{weighted: {by: regions, weights: {fra: 3, iad: "0.5"}}}', "weighted"),
        ("{time: {}}", "time"),
    ],
)
def test_every_method_of_the_contract_is_understood(method: str, name: str) -> None:
    contract = loaded(COMPLETE.replace("method: time", f"method: {method}")).contracts[0]
    assert contract.method.name == name


def test_relative_files_start_where_the_configuration_lies(tmp_path: Path) -> None:
    path = tmp_path / "probes.yaml"
    path.write_text(WEB)
    config = load(path, {})
    assert config.store_path == tmp_path / "prober.db"
    path.write_text(WEB + "store: {url: 'sqlite:////var/lib/x.db'}\n")
    assert load(path, {}).store_path == Path("/var/lib/x.db")


def test_values_cannot_be_changed_after_loading() -> None:
    config = loaded(COMPLETE, ENVIRON)
    with pytest.raises(AttributeError):
        config.probes[0].interval_us = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        config.contracts[0].claim = Fraction(1)  # type: ignore[misc]


def test_a_kind_that_asks_a_registry_keeps_its_own_pace_unless_the_probe_says_otherwise() -> None:
    text = """
defaults: {interval: 30s, recheck: 5s}
probes:
  - {name: slow, domain: {name: shop.example}}
  - {name: fast, interval: 1h, recheck: 1m, domain: {name: shop.example}}
  - {name: web, http: {url: "http://shop.example"}}
"""
    slow, fast, web = loaded(text).probes
    assert (slow.interval_us, slow.recheck_us, slow.confirm.after_us) == (6 * 3_600_000_000, None, 60_000_000)
    assert (fast.interval_us, fast.recheck_us) == (3_600_000_000, 60_000_000)
    assert (web.interval_us, web.recheck_us) == (30_000_000, 5_000_000)
