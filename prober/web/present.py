"""Answers about the present: the daemon itself, probes, services. All from memory."""

from __future__ import annotations

from collections.abc import Collection

from checks.core.result import Result
from prober import __version__
from prober.config.faults import did_you_mean, quote
from prober.hub.serving import Served
from prober.hub.view import AgentView, ProbeView, RegionView, ServiceView
from prober.wire import Kind

from .errors import ApiError
from .routes import Call
from .shapes import (
    AgentShape,
    FailureShape,
    HealthShape,
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
        regions=[
            RegionInfoShape(name=region.name, title=region.title, local=region.local)
            for region in view.config.regions
        ],
        history_ready=call.served.history.ready,
        reload=reload_shape(call.served),
        store=_store(call.served),
        agents=[_agent(agent) for agent in view.agents.values()],
    )


async def probes(call: Call) -> ProbesShape:
    """Answer with all probes."""
    return ProbesShape(probes=[probe_shape(probe) for probe in call.served.view.probes.values()])


async def probe(call: Call) -> ProbeShape:
    """Answer with one probe."""
    known = call.served.view.probes
    if call.name not in known:
        raise no_such("probe", call.name, known)
    return probe_shape(known[call.name])


async def services(call: Call) -> ServicesShape:
    """Answer with all services."""
    return ServicesShape(services=[_service(shown) for shown in call.served.view.services.values()])


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


def _agent(agent: AgentView) -> AgentShape:
    health = agent.health
    return AgentShape(
        name=agent.name,
        regions=list(agent.regions),
        up=agent.up,
        pid=agent.pid or None,
        started_us=agent.started_us or None,
        last_batch_us=agent.last_batch_us or None,
        restarts=agent.restarts,
        health=None
        if health is None
        else HealthShape(
            worst_lag_us=health.worst_lag_us,
            in_flight=health.in_flight,
            queued=health.queued,
            cpu_us=health.cpu_us,
            resident_bytes=health.resident_bytes,
            clock_steps=health.clock_steps,
        ),
    )


def probe_shape(shown: ProbeView) -> ProbeShape:
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
    )


def _region(shown: RegionView) -> RegionShape:
    return RegionShape(
        region=shown.region,
        state=shown.state.value,
        since_us=shown.since_us,
        because=shown.because,
        last=None if shown.last is None else _last(shown, shown.last),
        outcomes=dict(shown.outcomes),
        fates=dict(shown.fates),
    )


def _last(shown: RegionView, result: Result) -> LastShape:
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


def _service(shown: ServiceView) -> ServiceShape:
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
    )
