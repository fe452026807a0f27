"""From a configuration to series, assignments and shares."""

from __future__ import annotations

import msgspec
import pytest
from support.configs import loaded

from checks.core.check import KINDS
from prober import wire
from prober.hub.plan import (
    Origin,
    agents_needed,
    assignment,
    local_regions,
    remote_regions,
    resumed,
    share_out,
    wanted_series,
    wire_resolvers,
    wire_series,
)
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


CANARIES = TEXT.replace("fra: {", 'fra: {canaries: ["tcp://192.0.2.1:53"], ').replace(
    "iad: {", 'iad: {canaries: ["tcp://192.0.2.2:53"], '
)


def test_agents_are_told_the_store_and_their_own_regions_canaries_and_only_those_elsewhere_a_clock_limit() -> (
    None
):
    config, origin = loaded(CANARIES), Origin(seed=b"s", hub=b"h")
    here = assignment(config, origin, (), local_regions(config))
    there = assignment(config, origin, (), remote_regions(config))
    assert [(each.region, each.targets) for each in here.canaries] == [("fra", ("tcp://192.0.2.1:53",))]
    assert [each.region for each in there.canaries] == ["iad"]
    assert (here.max_clock_offset_us, there.max_clock_offset_us) == (0, 2_000_000)
    assert (here.hub, here.seed, here.digest) == (b"h", b"s", config.digest)


def test_jobs_that_call_are_of_no_region_that_an_agent_runs() -> None:
    text = TEXT + "  - {name: backup, heartbeat: {token: 0123456789abcdef, period: 1h}}\n"
    assert list(remote_regions(loaded(text))) == ["iad"]


def test_series_of_other_regions_are_made_with_their_own_address() -> None:
    config = loaded(TEXT.replace("iad: {", 'iad: {source_address: "192.0.2.7", '))
    assert [
        (each.region, each.source_address) for each in wire_series(config, rows(), {}, remote_regions(config))
    ] == [("iad", "192.0.2.7")]


def test_a_series_goes_on_after_the_newest_slot_that_is_known_from_anywhere() -> None:
    first, second = (
        msgspec.structs.replace(each, number=number)
        for number, each in enumerate(heavy(2, 30_000_000), start=1)
    )
    found = resumed((first, second), None, {1: 7}, {1: 9, 3: 4})
    assert [each.resume_slot for each in found] == [10, 0]


@pytest.mark.parametrize(("now_slot", "expected"), [(8, 9), (9, 10), (10, 10)])
def test_what_lies_ahead_of_now_holds_nobody_up(now_slot: int, expected: int) -> None:
    (one,) = (msgspec.structs.replace(each, number=1) for each in heavy(1, 30_000_000))
    now_us = now_slot * one.interval_us + one.interval_us - 1
    for newest in (({1: 9}, {}), ({}, {1: 9})):
        assert [each.resume_slot for each in resumed((one,), now_us, *newest)] == [expected]


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
