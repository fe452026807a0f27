"""How agents and regions fare: one line for each agent or region and family, written when a scrape asks.

Two tables, read by `families`. What is not known, or not of this kind of agent, is absent, never 0. Labels are the
names of the configuration and of enrolled agents; what an agent says of itself is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prober import __version__
from prober.hub.sightings import lag_us, seen_us
from prober.hub.view import AgentView, RegionWatch, View
from prober.wire import ClockState, Health, SpoolState

from .text import Family, counter, gauge, labels, seconds

MAX_LABEL = 64  # characters of what an agent says of itself
_ReadAgent = Callable[[AgentView, int], str | None]
"""Returns the value as it is written, None where there is none; the second argument is the present instant."""


@dataclass(frozen=True, slots=True)
class _OfAgent:
    family: Family
    read: _ReadAgent
    with_region: bool = False


def _gauge(name: str, read: _ReadAgent, text: str) -> _OfAgent:
    return _OfAgent(gauge(name, text), read)


def _counter(name: str, read: _ReadAgent, text: str, *, with_region: bool = False) -> _OfAgent:
    return _OfAgent(counter(name, text), read, with_region)


def _health(read: Callable[[Health], str]) -> _ReadAgent:
    return lambda agent, _now_us: read(agent.health) if agent.health is not None else None


def _clock(read: Callable[[ClockState], str]) -> _ReadAgent:
    return lambda agent, _now_us: read(agent.clock) if agent.clock is not None else None


def _spool(read: Callable[[SpoolState], str | None]) -> _ReadAgent:
    return lambda agent, _now_us: read(agent.spool) if agent.spool is not None else None


def _at(us: int) -> str | None:
    return seconds(us) if us else None


def _lag(agent: AgentView, now_us: int) -> str | None:
    lag = lag_us(agent.complete_us, now_us)
    return None if lag is None else seconds(lag)


INFO = gauge("prober_agent_info", "Which agents serve which region, and the version of their software.")

_AGENT = (
    _gauge("prober_agent_up", lambda agent, _: str(int(agent.up)),
           "Whether the agent runs and has reported; of a remote one, whether its link is open."),
    _gauge("prober_agent_refused", lambda agent, _: str(int(bool(agent.refused))) if agent.remote else None,
           "Whether nothing of a remote agent is taken until a person has acted."),
    _gauge("prober_agent_last_seen_timestamp_seconds", lambda agent, now_us: _at(seen_us(agent, now_us)),
           "When the agent was heard of last, in unix time; now while the link of a remote one is open."),
    _gauge("prober_agent_last_batch_timestamp_seconds", lambda agent, _: _at(agent.last_batch_us),
           "When the agent last delivered, in unix time."),
    _gauge("prober_agent_lag_seconds", _lag,
           "How long ago the instant is up to which all of the agent's results are on record."),
    _gauge("prober_agent_spool_results", _spool(lambda spool: str(spool.results)),
           "Results that waited on the agent's disk when it last delivered."),
    _gauge("prober_agent_spool_bytes", _spool(lambda spool: str(spool.bytes)),
           "Size of what waited on the agent's disk when it last delivered."),
    _gauge("prober_agent_spool_oldest_timestamp_seconds", _spool(lambda spool: _at(spool.oldest_us)),
           "Start of the oldest result that waited on the agent's disk, in unix time; absent when none did."),
    _gauge("prober_agent_spool_failing", _spool(lambda spool: str(int(bool(spool.trouble)))),
           "Whether the agent's disk takes nothing, so that results wait in its memory."),
    _counter("prober_agent_dropped_results_total", _spool(lambda spool: str(spool.dropped_results)),
             "Results that the agent gave up since its spool was made, for want of room or for their age.",
             with_region=True),
    _counter("prober_agent_aside_batches_total", lambda agent, _: str(agent.aside) if agent.remote else None,
             "Batches of a remote agent that were not taken and are kept aside."),
    _gauge("prober_agent_clock_offset_seconds", _clock(lambda clock: seconds(clock.offset_us)),
           "How far the agent's clock is ahead of the hub's."),
    _gauge("prober_agent_clock_error_seconds", _clock(lambda clock: seconds(clock.error_us)),
           "How far off the measured offset of the agent's clock may be."),
    _gauge("prober_agent_loop_lag_seconds", _health(lambda health: seconds(health.worst_lag_us)),
           "Worst lag of the agent's event loop between its last two batches."),
    _gauge("prober_agent_in_flight", _health(lambda health: str(health.in_flight)),
           "Runs that the agent has under way."),
    _gauge("prober_agent_queued", _health(lambda health: str(health.queued)),
           "Runs that are due and wait for room in the agent."),
    _gauge("prober_agent_resident_bytes", _health(lambda health: str(health.resident_bytes)),
           "Resident memory of the agent."),
    _counter("prober_agent_cpu_seconds_total", _health(lambda health: seconds(health.cpu_us)),
             "CPU time of the agent's present life."),
    _counter("prober_agent_clock_steps_total", _health(lambda health: str(health.clock_steps)),
             "Steps of the wall clock that the agent noticed in its present life."),
    _counter("prober_agent_restarts_total", lambda agent, _: str(agent.restarts),
             "Times that the agent died and was started again."),
)  # fmt: skip

_REGION: tuple[tuple[Family, Callable[[RegionWatch], str | None]], ...] = (
    (gauge("prober_region_silent",
           "Whether the region has delivered nothing for longer than its probes may be silent."),
     lambda watch: str(int(watch.silent))),
    (gauge("prober_region_cut_off",
           "Whether none of the region's canaries could be reached when they were asked last."),
     lambda watch: str(int(watch.cut_off))),
    (gauge("prober_region_alone_probes",
           "Probes that the region alone sees failing, for longer than a moment."),
     lambda watch: str(len(watch.alone))),
    (gauge("prober_region_watermark_timestamp_seconds",
           "All of the region's results that began before this are on record, in unix time."),
     lambda watch: _at(watch.complete_us)),
)  # fmt: skip

ALL_SILENT = gauge(
    "prober_agents_all_silent", "Whether no agent at all is heard of: our own trouble, not that of targets."
)
REVISIONS = counter("prober_revisions_total", "Times that late results changed what had been said of states.")


def families(view: View, now_us: int) -> Iterator[tuple[Family, str]]:
    """Yield each family with its lines, which may be none."""
    agents = list(view.agents.values())
    yield INFO, "".join(_info(agent) for agent in agents)
    for of_agent in _AGENT:
        yield of_agent.family, "".join(_agent_line(of_agent, agent, now_us) for agent in agents)
    for family, read in _REGION:
        yield family, "".join(_region_line(family, read(watch), watch) for watch in view.regions.values())
    yield ALL_SILENT, f"{ALL_SILENT.name} {int(view.all_silent_since_us > 0)}\n"
    yield REVISIONS, f"{REVISIONS.name} {view.revisions}\n"


def _info(agent: AgentView) -> str:
    software = agent.software[:MAX_LABEL] if agent.remote else __version__
    own = [labels({"agent": agent.name, "region": region, "software": software}) for region in agent.regions]
    return "".join(f"{INFO.name}{{{each}}} 1\n" for each in own)


def _agent_line(shown: _OfAgent, agent: AgentView, now_us: int) -> str:
    value = shown.read(agent, now_us)
    if value is None:
        return ""
    own = {"agent": agent.name} | ({"region": ",".join(agent.regions)} if shown.with_region else {})
    return f"{shown.family.name}{{{labels(own)}}} {value}\n"


def _region_line(family: Family, value: str | None, watch: RegionWatch) -> str:
    return "" if value is None else f"{family.name}{{{labels({'region': watch.name})}}} {value}\n"
