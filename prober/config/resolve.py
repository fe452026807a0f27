"""From the model of the file to the values of the daemon: defaults merged, names filled in.

Here: which of probe, `defaults` and built-in wins. Not here: validation; what arrives here is sound.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TypeVar

from checks.core.check import KINDS
from checks.heartbeat import HeartbeatOptions
from prober.agent.grid import AT_END

from .config import Config, Confirm, Probe, Region, Resolver, Service
from .digest import digest_of
from .model import Document
from .probes import BUILT_IN, NEVER_US, SELDOM, ConfirmBlock, DefaultsBlock, ProbeFields
from .regions import RegionBlock, ResolverBlock
from .services import ServiceBlock
from .terms import Quorum

DEFAULT_REGION = "local"
HUB_REGION = "hub"
"""Where probes are that call us: the hub itself, which no agent runs."""
ONE = Quorum("any")
_T = TypeVar("_T")


def resolve(document: Document, folder: Path) -> Config:
    """Return the configuration that a sound document means, with its digest."""
    regions = tuple(_region(name, block) for name, block in document.regions.items()) or (_only_region(),)
    names = region_names(document)
    probes = tuple(resolve_probe(block, document.defaults, names) for block in document.probe_blocks)
    if any(KINDS[probe.kind].passive for probe in probes):
        regions += (_region(HUB_REGION, RegionBlock.model_construct(title="Hub")),)
    config = Config(
        regions=regions,
        probes=probes,
        services=tuple(_service(block) for block in document.services),
        contracts=document.contracts,
        customers=document.customers,
        maintenance=document.maintenance,
        blackbox=document.blackbox,
        store=document.store,
        listen=document.listen,
        page=document.page,
        agents=document.agents,
        log=document.log,
        folder=folder,
        reports=document.reports,
        mail=document.mail,
    )
    return dataclasses.replace(config, digest=digest_of(config))


def region_names(document: Document) -> tuple[str, ...]:
    """Return the regions that agents run in, in the order of the file."""
    return tuple(document.regions) or (DEFAULT_REGION,)


def _region(name: str, block: RegionBlock) -> Region:
    return Region(
        name=name,
        title=block.title or name,
        local=block.local,
        source_address=block.source_address,
        canaries=block.canaries,
        token_sha256=block.token_hashes(),
        resolver=_resolver(block.resolver) if block.resolver is not None else None,
        agents=block.agents,
    )


def _resolver(block: ResolverBlock) -> Resolver:
    return Resolver(
        servers=tuple(block.servers),
        hosts={name: tuple(addresses) for name, addresses in block.hosts.items()},
        timeout_us=block.timeout_us,
        attempts=block.attempts,
    )


def _only_region() -> Region:
    return _region(DEFAULT_REGION, RegionBlock(title="Local", local=True))


def resolve_probe(block: ProbeFields, defaults: DefaultsBlock, all_regions: tuple[str, ...]) -> Probe:
    """Return the probe that a block with a kind of check means; its names may dangle."""
    layers: tuple[DefaultsBlock, ...] = (block, defaults, BUILT_IN)
    kind = next(kind for kind in KINDS if getattr(block, kind, None) is not None)
    options = getattr(block, kind)
    if isinstance(options, HeartbeatOptions):
        return _told(block, kind, options)
    if KINDS[kind].seldom:
        layers = (block, SELDOM, defaults, BUILT_IN)
    recheck_us = _first(*(layer.recheck_us for layer in layers))
    return Probe(
        name=block.name,
        title=block.title or block.name,
        kind=kind,
        options=options,
        interval_us=_first(*(layer.interval_us for layer in layers)),
        timeout_us=_first(*(layer.timeout_us for layer in layers)),
        regions=_first(*(layer.regions for layer in layers)) or all_regions,
        schedule=_first(*(layer.schedule for layer in layers)),
        confirm=_confirm([layer.confirm for layer in layers if layer.confirm]),
        recheck_us=None if recheck_us == NEVER_US else recheck_us,
        down_when=_first(*(layer.down_when for layer in layers)),
        group=block.group,
        labels=block.labels,
        min_regions=next((layer.min_regions for layer in layers if layer.min_regions is not None), None),
    )


def _told(block: ProbeFields, kind: str, options: HeartbeatOptions) -> Probe:
    """Return a probe whose job calls us: nothing of how checks are run holds for it."""
    return Probe(
        name=block.name,
        title=block.title or block.name,
        kind=kind,
        options=options,
        interval_us=options.period_us,
        timeout_us=options.grace_us,
        regions=(HUB_REGION,),
        schedule=AT_END,
        confirm=Confirm(retries=0, after_us=0),
        recheck_us=None,
        down_when=ONE,
        group=block.group,
        labels=block.labels,
    )


def _confirm(layers: list[ConfirmBlock]) -> Confirm:
    return Confirm(
        retries=_first(*(layer.retries for layer in layers)),
        after_us=_first(*(layer.after_us for layer in layers)),
    )


def _service(block: ServiceBlock) -> Service:
    return Service(
        name=block.name,
        title=block.title or block.name,
        description=block.description,
        group=block.group,
        probes=block.probes,
        up_when=block.up_when,
    )


def _first(*layers: _T | None) -> _T:
    """Return the first value that was given; the last layer always gives one."""
    return next(value for value in layers if value is not None)
