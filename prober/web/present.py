"""Answers about the present: the daemon itself, probes, services. All from memory."""

from __future__ import annotations

from collections.abc import Collection

from prober import __version__
from prober.config import Region, Service
from prober.config.faults import did_you_mean, quote
from prober.hub.serving import Served
from prober.hub.sightings import awaited, watch_of
from prober.hub.view import ProbeView, RegionView, ServiceView, View
from prober.wire import Kind

from .agent_shapes import agent_shape
from .errors import ApiError
from .routes import Call
from .shapes import (
    FailureShape,
    LastShape,
    ProbeShape,
    ProbesShape,
    RegionInfoShape,
    RegionShape,
    ReloadShape,
    ServiceShape,
    ServicesShape,
    StatusShape,
    StoreShape,
)


def no_such(what: str, name: str, known: Collection[str]) -> ApiError:
    """Return the error for a name that is not configured, with the nearest one that is."""
    return ApiError(404, f"no {what} named {quote(name)}", did_you_mean(name, known))


def kind_name(kind: int) -> str:
    """Return why a run was made, as a word."""
    return Kind(kind).name.lower()


async def status(call: Call) -> StatusShape:
    """Answer how the daemon itself fares."""
    view = call.served.view
    return StatusShape(
        version=__version__,
        now_us=call.now_us,
        started_us=view.started_us,
        uptime_us=max(call.now_us - view.started_us, 0),
        config_digest=view.config.digest,
        probes=len(view.probes),
        services=len(view.services),
        regions=[_region_info(view, region) for region in view.config.regions],
        history_ready=call.served.history.ready,
        reload=reload_shape(call.served),
        store=_store(call.served),
        agents=[agent_shape(agent, call.now_us) for agent in view.agents.values()],
        all_silent_since_us=view.all_silent_since_us or None,
        settled_us=view.settled_us or None,
    )


def _region_info(view: View, region: Region) -> RegionInfoShape:
    watch = watch_of(view, region.name)
    return RegionInfoShape(
        name=region.name, title=region.title, local=region.local, silent=watch.silent, cut_off=watch.cut_off
    )


async def probes(call: Call) -> ProbesShape:
    """Answer with all probes."""
    view = call.served.view
    return ProbesShape(probes=[probe_shape(shown, view, call.now_us) for shown in view.probes.values()])


async def probe(call: Call) -> ProbeShape:
    """Answer with one probe."""
    view = call.served.view
    if call.name not in view.probes:
        raise no_such("probe", call.name, view.probes)
    return probe_shape(view.probes[call.name], view, call.now_us)


async def services(call: Call) -> ServicesShape:
    """Answer with all services."""
    view = call.served.view
    return ServicesShape(services=[_service(shown, view, call.now_us) for shown in view.services.values()])


def reload_shape(served: Served) -> ReloadShape:
    """Return how the last attempt to load the configuration went."""
    last = served.view.reload
    return ReloadShape(
        ok=last.ok, at_us=last.at_us, digest=served.view.config.digest, faults=list(last.faults)
    )


def _store(served: Served) -> StoreShape:
    store = served.view.store
    return StoreShape(
        writable=store.writable,
        problem=store.problem,
        commits=store.commits,
        last_commit_us=store.last_commit_us or None,
        commit_seconds=store.commit_seconds,
        waiting_batches=store.waiting_batches,
    )


def probe_shape(shown: ProbeView, view: View, now_us: int) -> ProbeShape:
    """Return a probe in its shape."""
    probe = shown.probe
    return ProbeShape(
        name=probe.name,
        title=probe.title,
        kind=probe.kind,
        group=probe.group,
        labels=dict(probe.labels),
        target=shown.target,
        interval_us=probe.interval_us,
        timeout_us=probe.timeout_us,
        schedule=probe.schedule,
        down_when=str(probe.down_when),
        quorum=probe.down_when.needed(len(probe.regions)),
        state=shown.state.value,
        since_us=shown.since_us,
        because=shown.because,
        regions=[_region(region) for region in shown.regions.values()],
        settled_us=view.settled_us or None,
        provisional=bool(awaited(view, [shown], now_us)),
    )


def _region(shown: RegionView) -> RegionShape:
    return RegionShape(
        region=shown.region,
        state=shown.state.value,
        since_us=shown.since_us,
        because=shown.because,
        last=last_shape(shown),
        outcomes=dict(shown.outcomes),
        fates=dict(shown.fates),
    )


def last_shape(shown: RegionView) -> LastShape | None:
    """Return the newest result of a probe in a region, in its shape."""
    result = shown.last
    if result is None:
        return None
    failure = result.failure
    return LastShape(
        kind=kind_name(shown.last_kind),
        slot=shown.last_slot,
        late_us=shown.last_late_us,
        outcome=result.outcome.value,
        started_us=result.started_us,
        duration_us=result.duration_us,
        phases_us=result.phases_us,
        failure=None if failure is None else FailureShape(code=failure.code, detail=failure.detail),
    )


def probes_of(view: View, service: Service) -> list[ProbeView]:
    """Return the probes that a service is composed of."""
    return [view.probes[name] for name in service.probes if name in view.probes]


def _service(shown: ServiceView, view: View, now_us: int) -> ServiceShape:
    service = shown.service
    return ServiceShape(
        name=service.name,
        title=service.title,
        description=service.description,
        group=service.group,
        probes=list(service.probes),
        up_when=str(service.up_when),
        needed=service.up_when.needed(len(service.probes)),
        state=shown.state.value,
        since_us=shown.since_us,
        because=shown.because,
        settled_us=view.settled_us or None,
        provisional=bool(awaited(view, probes_of(view, service), now_us)),
    )
