"""The real checks, as the demo configures them, against each act: the failure that the page will show."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from checks.core.check import KINDS, Place, Result, run_once
from checks.core.reactor import Reactor
from prober.config import Probe, load_text
from prober.demo import stand_ins
from prober.demo.script import ACTS, FRANKFURT, Act, Mode, Service

SILENCE_US = 300_000

SEEN = {
    (Service.CATALOGUE, Mode.WRONG_CONTENT): "body_mismatch",
    (Service.SHOP_WEB, Mode.SLOW): "slow",
    (Service.SHOP_WEB, Mode.ERROR): "http_status",
    (Service.MIRROR_ASIA, Mode.RESET): "connection_reset",
    (Service.CHECKOUT, Mode.EXPIRED): "tls_expired",
    (Service.SHOP_CACHE, Mode.REFUSING): "connect_refused",
    (Service.SHOP_CACHE, Mode.SILENT): "dialogue_timeout",
    (Service.MAIL, Mode.ERROR): "dialogue_mismatch",
    (Service.MAIL, Mode.SILENT): "dialogue_timeout",
    (Service.NAMES, Mode.NXDOMAIN): "dns_nxdomain",
    (Service.NAMES, Mode.SERVFAIL): "dns_servfail",
}


async def _look(folder: Path, service: Service, elapsed_s: int, source: str, mode: Mode) -> Result:
    clock = iter([0])
    async with stand_ins(folder, lambda: next(clock, elapsed_s * 1_000_000_000)) as demo:
        config = load_text(demo.configuration, str(folder / "probes.yaml"), {})
        (probe,) = (probe for probe in config.probes if probe.name == service)
        reactor = Reactor(asyncio.get_running_loop())
        try:
            return await _run(probe, reactor, source, SILENCE_US if mode is Mode.SILENT else probe.timeout_us)
        finally:
            reactor.close()


async def _run(probe: Probe, reactor: Reactor, source: str, timeout_us: int) -> Result:
    # The stand-ins share this process, so a lag of its own is expected and must not void the run.
    place = Place(reactor=reactor, timeout_us=timeout_us, source_address=source, max_lag_ns=10**10)
    return await run_once(KINDS[probe.kind](probe.options), place)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.service}-{act.mode}")
async def test_an_act_shows_as_its_own_failure(act: Act, tmp_path: Path) -> None:
    result = await _look(tmp_path, act.service, act.start_s, act.only or FRANKFURT, act.mode)
    assert result.failure is not None
    assert result.failure.code == SEEN[act.service, act.mode]
    assert result.outcome == ("warn" if act.mode is Mode.SLOW else "fail")


@pytest.mark.parametrize("service", Service)
async def test_without_an_act_every_check_passes(service: Service, tmp_path: Path) -> None:
    result = await _look(tmp_path, service, 0, FRANKFURT, Mode.GOOD)
    assert (result.outcome, result.failure) == ("pass", None)
