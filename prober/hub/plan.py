"""From a configuration to what the hub runs on: series, grids, policies, assignments. Pure but for building checks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import msgspec

from checks.core.check import KINDS
from checks.core.values import SecretView
from prober import wire
from prober.agent.grid import Grid
from prober.config import Config, Probe, Service
from prober.config.resolve import HUB_REGION
from prober.store.base import SeriesRow

from .verdict import ProbePolicy, ServicePolicy, silence_us

CORE_SHARE = 0.5  # of a core that one agent process may use before the work is split


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose slots and numbers an assignment speaks of: the seed of the schedule and the name of the store."""

    seed: bytes = b""
    hub: bytes = b""


def local_regions(config: Config) -> dict[str, str | None]:
    """Return the regions that this machine runs itself, with their source addresses."""
    return {region.name: region.source_address for region in config.regions if region.local}


def remote_regions(config: Config) -> dict[str, str | None]:
    """Return the regions that agents elsewhere run, with their source addresses. Jobs that call us are in none."""
    return {
        region.name: region.source_address
        for region in config.regions
        if not region.local and region.name != HUB_REGION
    }


def wire_canaries(config: Config, regions: Collection[str]) -> tuple[wire.Canaries, ...]:
    """Return the control targets of some regions."""
    return tuple(
        wire.Canaries(region=region.name, targets=region.canaries)
        for region in config.regions
        if region.name in regions and region.canaries
    )


def wire_resolvers(config: Config, regions: Collection[str] | None = None) -> tuple[wire.Resolver, ...]:
    """Return the resolvers of the regions that have one of their own, as agents use them; None: of the local ones."""
    wanted = local_regions(config) if regions is None else regions
    return tuple(
        wire.Resolver(
            region=region.name,
            servers=tuple(
                (server.host, server.port, ip_address(server.host).version)
                for server in region.resolver.servers
            ),
            hosts=tuple(sorted(region.resolver.hosts.items())),
            timeout_us=region.resolver.timeout_us,
            attempts=region.resolver.attempts,
        )
        for region in config.regions
        if region.name in wanted and region.resolver is not None
    )


def probe_policy(probe: Probe) -> ProbePolicy:
    """Return how a probe's regions agree."""
    return ProbePolicy(
        name=probe.name,
        regions=probe.regions,
        quorum=probe.down_when.needed(len(probe.regions)),
        retries=probe.confirm.retries,
        silence_us=silence_us(probe.interval_us, probe.timeout_us),
        is_told=is_passive(probe),
        quorums=probe.quorums,
        fewest=probe.fewest_regions,
    )


def service_policy(service: Service) -> ServicePolicy:
    """Return how a service is composed."""
    return ServicePolicy(
        name=service.name, probes=service.probes, needed=service.up_when.needed(len(service.probes))
    )


def wanted_series(config: Config, now_us: int) -> list[SeriesRow]:
    """Return the series that a configuration needs; their numbers are the store's to give."""
    return [
        SeriesRow(
            number=0,
            probe=probe.name,
            region=region,
            interval_us=probe.interval_us,
            schedule=probe.schedule,
            regions=probe.regions,
            created_us=now_us,
        )
        for probe in config.probes
        for region in probe.regions
    ]


def grid_of(row: SeriesRow, seed: bytes) -> Grid:
    """Return the grid of a stored series."""
    return Grid(seed, row.probe, row.region, row.regions, row.interval_us, row.schedule)


def is_passive(probe: Probe) -> bool:
    """Say whether a probe is told of by what it watches, so that no agent runs it."""
    return KINDS[probe.kind].passive


def target_of(probe: Probe) -> str:
    """Return what a probe looks at, in words fit to show."""
    return KINDS[probe.kind](probe.options).target


def wire_series(
    config: Config,
    rows: Sequence[SeriesRow],
    resume: Mapping[int, int],
    regions: Mapping[str, str | None] | None = None,
) -> list[wire.Series]:
    """Return the series of regions (with their source addresses), as agents run them; None: of the local ones."""
    probes = {probe.name: probe for probe in config.probes}
    sources = local_regions(config) if regions is None else regions
    options = {
        name: _options(probe)
        for name, probe in probes.items()
        if not is_passive(probe) and not sources.keys().isdisjoint(probe.regions)
    }
    return [
        _wire_series(
            row, probes[row.probe], options[row.probe], sources[row.region], resume.get(row.number, 0)
        )
        for row in rows
        if row.region in sources and row.probe in options
    ]


def assignment(
    config: Config, origin: Origin, series: Sequence[wire.Series], regions: Collection[str]
) -> wire.Assignment:
    """Return what an agent of some regions has to run."""
    is_here = all(region in local_regions(config) for region in regions)
    return wire.Assignment(
        version=wire.VERSION,
        digest=config.digest,
        seed=origin.seed,
        series=tuple(series),
        max_lag_us=config.agents.max_lag_us,
        max_in_flight=config.agents.max_in_flight,
        resolvers=wire_resolvers(config, regions),
        hub=origin.hub,
        canaries=wire_canaries(config, regions),
        max_clock_offset_us=0 if is_here else config.agents.max_clock_offset_us,
    )


def resumed(
    series: Iterable[wire.Series], now_us: int | None, *newest: Mapping[int, int]
) -> list[wire.Series]:
    """Return series that go on after the newest slot of each that has its fate, wherever that is known from.

    What is known from agents elsewhere counts up to now: one with a wrong clock must not hold up those that follow it.
    """
    found = []
    for each in series:
        slot = max(slots.get(each.number, -1) for slots in newest) + 1
        if now_us is not None:
            slot = min(slot, now_us // each.interval_us + 1)
        found.append(msgspec.structs.replace(each, resume_slot=slot) if slot else each)
    return found


def agents_needed(config: Config, series: Sequence[wire.Series]) -> int:
    """Return how many agent processes keep each below half a core, by the kinds' own estimates."""
    costs_us = {probe.name: KINDS[probe.kind].cost_of(probe.options) for probe in config.probes}
    micros_per_second = sum(
        costs_us.get(each.probe, KINDS[each.kind].cost_us) * 1_000_000 / each.interval_us for each in series
    )
    return -(-int(micros_per_second + 1) // int(CORE_SHARE * 1_000_000)) if series else 0


def share_out(series: Sequence[wire.Series], agents: int) -> list[tuple[wire.Series, ...]]:
    """Split series over agents; all regions of a probe stay together, and a probe keeps its agent."""
    shares: list[list[wire.Series]] = [[] for _ in range(agents)]
    for each in series:
        shares[sum(each.probe.encode()) % agents].append(each)
    return [tuple(share) for share in shares]


def _wire_series(
    row: SeriesRow, probe: Probe, options: bytes, source: str | None, resume: int
) -> wire.Series:
    return wire.Series(
        number=row.number,
        probe=row.probe,
        region=row.region,
        kind=probe.kind,
        options=options,
        interval_us=probe.interval_us,
        timeout_us=probe.timeout_us,
        schedule=probe.schedule,
        regions=probe.regions,
        retries=probe.confirm.retries,
        retry_after_us=probe.confirm.after_us,
        recheck_us=probe.recheck_us or 0,
        source_address=source,
        resume_slot=resume,
    )


def _options(probe: Probe) -> bytes:
    plain = probe.options.model_dump(
        mode="json", by_alias=True, exclude_unset=True, context=SecretView.REVEAL
    )
    return msgspec.json.encode(plain)
