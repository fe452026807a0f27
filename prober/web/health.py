"""Whether the process lives, and whether it measures and stores. The reasons are one pure function."""

from __future__ import annotations

from collections.abc import Iterator

from prober.hub.view import AgentView, View

from .routes import Answer, Call
from .shapes import AliveShape, ReadyShape

SILENT_INTERVALS = 3  # of the shortest interval of its probes, an agent may be silent
SILENT_GRACE_US = 15_000_000  # on top: delivery, commit, a start


async def healthz(_call: Call) -> AliveShape:
    """Answer that the process lives; the answer itself is the proof."""
    return AliveShape(alive=True)


async def readyz(call: Call) -> ReadyShape | Answer:
    """Answer whether results are measured and stored, 503 with every reason why not."""
    reasons = list(reasons_against(call.served.view, call.now_us))
    shape = ReadyShape(ready=not reasons, reasons=reasons)
    return shape if shape.ready else Answer(503, shape)


def reasons_against(view: View, now_us: int) -> Iterator[str]:
    """Yield what keeps the daemon from being ready."""
    if not view.store.writable:
        yield f"the store cannot be written: {view.store.problem or 'no reason is known'}"
    if view.probes and not view.agents:
        yield "no agent has reported yet"
    if view.all_silent_since_us:
        yield f"no agent has been heard of for {(now_us - view.all_silent_since_us) // 1_000_000} s"
        return
    for agent in view.agents.values():
        if not agent.remote:  # one that is away spools what it measures, and the others see on
            yield from _agent(view, agent, now_us)


def _agent(view: View, agent: AgentView, now_us: int) -> Iterator[str]:
    limit_us = _silence_us(view, agent)
    if not agent.up:
        yield f"agent {agent.name} is not running"
    elif limit_us is None:
        return
    elif not agent.last_batch_us and now_us - agent.started_us > limit_us:
        yield f"agent {agent.name} has not reported since it was started"
    elif agent.last_batch_us and now_us - max(agent.last_batch_us, agent.started_us) > limit_us:
        seconds = (now_us - agent.last_batch_us) // 1_000_000
        yield f"agent {agent.name} has not reported for {seconds} s"


def _silence_us(view: View, agent: AgentView) -> int | None:
    """Return how long an agent may be silent; None when it has nothing to measure."""
    waits = [
        SILENT_INTERVALS * shown.probe.interval_us + shown.probe.timeout_us
        for shown in view.probes.values()
        if not agent.regions or set(agent.regions) & set(shown.regions)
    ]
    return min(waits) + SILENT_GRACE_US if waits else None
