"""Agents as the API shows them, from what the hub knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from prober.hub.sightings import agent_standing, lag_us, seen_us
from prober.hub.view import AgentView
from prober.wire import ClockEvent, ClockState, Health, SpoolState

from .shapes import AgentShape, ClockEventShape, ClockShape, HealthShape, SpoolShape


def agent_shape(agent: AgentView, now_us: int) -> AgentShape:
    """Return an agent in its shape."""
    return AgentShape(
        name=agent.name,
        regions=list(agent.regions),
        remote=agent.remote,
        standing=agent_standing(agent),
        up=agent.up,
        pid=agent.pid or None,
        software=agent.software or None,
        wire_version=agent.wire_version or None,
        fingerprint=agent.fingerprint or None,
        enrolled_us=agent.enrolled_us or None,
        started_us=agent.started_us or None,
        connected_us=agent.connected_us or None,
        gone_us=agent.gone_us or None,
        seen_us=seen_us(agent, now_us) or None,
        last_batch_us=agent.last_batch_us or None,
        complete_us=agent.complete_us or None,
        lag_us=lag_us(agent.complete_us, now_us),
        restarts=agent.restarts,
        series=agent.series,
        batches=agent.batches,
        results=agent.results,
        aside=agent.aside,
        refused=agent.refused or None,
        health=None if agent.health is None else _health(agent.health),
        clock=None if agent.clock is None else _clock(agent.clock),
        clock_events=[_event(event) for event in newest_first(agent.clock_events)],
        spool=None if agent.spool is None else _spool(agent.spool),
    )


def newest_first(events: Iterable[ClockEvent]) -> list[ClockEvent]:
    """Return what happened to a clock, the newest first."""
    return sorted(events, key=lambda event: event.at_us, reverse=True)


def _health(health: Health) -> HealthShape:
    return HealthShape(
        worst_lag_us=health.worst_lag_us,
        in_flight=health.in_flight,
        queued=health.queued,
        cpu_us=health.cpu_us,
        resident_bytes=health.resident_bytes,
        clock_steps=health.clock_steps,
    )


def _clock(clock: ClockState) -> ClockShape:
    return ClockShape(offset_us=clock.offset_us, error_us=clock.error_us, measured_us=clock.measured_us)


def _event(event: ClockEvent) -> ClockEventShape:
    return ClockEventShape(kind=event.kind, at_us=event.at_us, by_us=event.by_us)


def _spool(spool: SpoolState) -> SpoolShape:
    return SpoolShape(
        batches=spool.batches,
        results=spool.results,
        bytes=spool.bytes,
        oldest_us=spool.oldest_us or None,
        dropped_results=spool.dropped_results,
        dropped_why=spool.dropped_why or None,
        trouble=spool.trouble or None,
    )
