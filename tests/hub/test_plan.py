"""From a configuration to series, assignments and shares."""

from __future__ import annotations

import msgspec
import pytest
from support.configs import loaded

from checks.core.check import KINDS
from prober import wire
from prober.hub.plan import agents_needed, share_out, wanted_series, wire_resolvers, wire_series
from prober.store.base import SeriesRow

TEXT = """
regions: {fra: {local: true, source_address: "127.0.0.11"}, iad: {token: 0123456789abcdef-2}}
probes:
  - name: web
    http: {url: "http://127.0.0.1:9/", auth: {basic: {username: u, password: s3cret-word}}}
    recheck: never
"""


def rows() -> list[SeriesRow]:
    wanted = wanted_series(loaded(TEXT), now_us=7)
    return [
        SeriesRow(**{name: getattr(row, name) for name in SeriesRow.__slots__} | {"number": number})
        for number, row in enumerate(wanted, start=1)
    ]


def test_this_machine_runs_its_own_regions_only() -> None:
    series = wire_series(loaded(TEXT), rows(), {1: 42})
    assert [(each.number, each.region, each.source_address, each.resume_slot) for each in series] == [
        (1, "fra", "127.0.0.11", 42)
    ]
    assert series[0].regions == ("fra", "iad")
    assert series[0].recheck_us == 0


def test_agents_get_secrets_and_build_the_same_options_from_them() -> None:
    config = loaded(TEXT)
    (series,) = wire_series(config, rows(), {})
    assert b"s3cret-word" in series.options
    assert KINDS["http"].options_type.model_validate_json(series.options) == config.probes[0].options


def test_agents_get_the_name_servers_of_local_regions_only() -> None:
    own = 'resolver: {servers: ["127.0.0.1:5353", "::1"], hosts: {b: 192.0.2.2, a: [192.0.2.1, "::2"]}, attempts: 1}'
    text = TEXT.replace('"127.0.0.11"', f'"127.0.0.11", {own}').replace("-2}", f"-2, {own}}}")
    resolvers = wire_resolvers(loaded(text))
    assert resolvers == (
        wire.Resolver(
            region="fra",
            servers=(("127.0.0.1", 5353, 4), ("::1", 53, 6)),
            hosts=(("a", ("192.0.2.1", "::2")), ("b", ("192.0.2.2",))),
            timeout_us=5_000_000,
            attempts=1,
        ),
    )
    assert wire_resolvers(loaded(TEXT)) == ()


def heavy(number: int, interval_us: int) -> list[wire.Series]:
    (one,) = wire_series(loaded(TEXT), rows(), {})
    return [
        msgspec.structs.replace(one, number=each, probe=f"p{each}", interval_us=interval_us)
        for each in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 100])
def test_one_agent_is_enough_for_little(number: int) -> None:
    assert agents_needed(loaded(TEXT), heavy(number, 30_000_000)) == min(number, 1)


def test_more_agents_are_started_where_one_would_pass_half_a_core() -> None:
    micros = KINDS["http"].cost_us
    half_a_core = heavy(500_000 // micros, 1_000_000)
    assert agents_needed(loaded(TEXT), half_a_core) == 1
    assert agents_needed(loaded(TEXT), half_a_core * 3) == 3


def test_a_flow_costs_as_much_as_its_steps() -> None:
    text = "probes: [{name: p0, flow: {steps: [{name: a, url: 'http://a.test/'}, {name: b, url: /b}]}}]\n"
    every_us = 1_000_000 * KINDS["flow"].cost_us // 400_000  # one request in it takes less than half a core
    (one,) = heavy(1, every_us)
    assert agents_needed(loaded(TEXT), [one]) == 1
    assert agents_needed(loaded(text), [msgspec.structs.replace(one, kind="flow")]) == 2


def test_shares_hold_every_series_once_and_a_probe_keeps_its_agent() -> None:
    series = heavy(50, 1_000_000)
    shares = share_out(series, 3)
    assert sorted(each.number for share in shares for each in share) == list(range(50))
    assert share_out(series[:20], 3)[0] == tuple(each for each in shares[0] if each.number < 20)
    assert all(shares)
