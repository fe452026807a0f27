"""Answers about regions and agents: how they fare, what was kept aside of their batches; and forgetting one's key."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from ipaddress import ip_address

from prober.config import Region
from prober.config.faults import did_you_mean, quote
from prober.hub.sightings import Tally, agents_of, lag_us, standing_of, tallies, troubles, watch_of
from prober.hub.view import RegionView, View
from prober.store.base import AsideRow

from . import params
from .agent_shapes import agent_shape
from .errors import ApiError
from .past import LIMIT, ROWS
from .present import last_shape
from .reload import refuse_strangers
from .routes import Call
from .shapes_past import ratio_shape
from .shapes_regions import (
    AsideBatchShape,
    AsideShape,
    ForgottenShape,
    RegionProbeShape,
    RegionsShape,
    ShareShape,
    TroubleShape,
    WatchShape,
)

FORGET_SECONDS = 25.0
AGENT = params.text("agent", "the agent's name", required=True)


async def regions(call: Call) -> RegionsShape:
    """Answer how every region and its agents fare."""
    view, now_us = call.served.view, call.now_us
    counted = tallies(view)
    return RegionsShape(
        now_us=now_us,
        all_silent_since_us=view.all_silent_since_us or None,
        settled_us=view.settled_us or None,
        revisions=view.revisions,
        troubles=[
            TroubleShape(
                region=trouble.region or None,
                agent=trouble.agent or None,
                words=trouble.words,
                grave=trouble.is_grave,
            )
            for trouble in troubles(view, now_us)
        ],
        regions=[_region(view, region, counted[region.name], now_us) for region in view.config.regions],
    )


def _region(view: View, region: Region, tally: Tally, now_us: int) -> WatchShape:
    watch = watch_of(view, region.name)
    return WatchShape(
        name=region.name,
        title=region.title,
        local=region.local,
        mode=region.agents,
        standing=standing_of(region, watch, agents_of(view, region.name)),
        agents=[agent_shape(agent, now_us) for agent in agents_of(view, region.name)],
        watermark_us=watch.complete_us or None,
        lag_us=lag_us(watch.complete_us, now_us),
        silent=watch.silent,
        cut_off=watch.cut_off,
        asked_us=watch.asked_us or None,
        evidence=list(watch.evidence),
        alone=list(watch.alone),
        alone_since_us=watch.alone_since_us or None,
        void=_share(tally.void, tally.results, tally.void_share),
        missed=_share(tally.missed, tally.slots, tally.missed_share),
        probes=[
            _seen(probe, of_probe.regions[region.name])
            for probe, of_probe in view.probes.items()
            if region.name in of_probe.regions
        ],
    )


def _seen(probe: str, shown: RegionView) -> RegionProbeShape:
    return RegionProbeShape(
        probe=probe,
        state=shown.state.value,
        since_us=shown.since_us,
        because=shown.because,
        last=last_shape(shown),
    )


def _share(count: int, total: int, ratio: Fraction | None) -> ShareShape:
    return ShareShape(count=count, total=total, ratio=None if ratio is None else ratio_shape(ratio))


async def aside(call: Call) -> AsideShape:
    """Answer with the newest batches that were kept aside."""
    rows = await call.served.store.aside(call.query.get(ROWS) or LIMIT)
    return AsideShape(batches=[_batch(row) for row in rows])


def _batch(row: AsideRow) -> AsideBatchShape:
    return AsideBatchShape(
        agent=row.agent,
        region=row.region,
        epoch=row.epoch,
        sequence=row.sequence,
        noted_us=row.noted_us,
        reason=row.reason,
        bytes=len(row.data),
    )


async def forget(call: Call) -> ForgottenShape:
    """Forget the pinned key of an agent: whoever comes next by its name, with a token of its region, is taken in."""
    refuse_strangers(call.request, call.served.view)
    refuse_others(call.request.remote)
    name, forget_agent = call.query.need(AGENT), call.served.forget_agent
    if forget_agent is None:
        raise ApiError(
            404, "no agent comes from elsewhere here", "see listen.agents in docs/configuration.md"
        )
    try:
        async with asyncio.timeout(FORGET_SECONDS):
            was_known = await forget_agent(name)
    except TimeoutError:
        raise ApiError(503, f"not forgotten within {FORGET_SECONDS:g} s", "the log says more") from None
    if not was_known:
        remote = [agent.name for agent in call.served.view.agents.values() if agent.remote]
        raise ApiError(404, f"no agent named {quote(name)} has a pinned key", did_you_mean(name, remote))
    return ForgottenShape(agent=name, forgotten=True)


def refuse_others(remote: str | None) -> None:
    """Raise ApiError 403 unless it was asked for on the daemon's own machine: it weakens whom the daemon trusts."""
    if not _is_loopback(remote or ""):
        raise ApiError(403, f"{quote(remote or 'somebody')} is another machine", "ask on the daemon's own")


def _is_loopback(remote: str) -> bool:
    try:
        address = ip_address(remote.removeprefix("::ffff:"))  # how a socket of both families shows IPv4
    except ValueError:
        return False
    return address.is_loopback
