"""What somebody who looks is told of regions and agents: who was heard of when, what lags, what is missing.

Pure: the view and `now` in, values out. Said here once, so that the API, the pages, the metrics and the terminal
agree. Not here: what decides it (a region is silent, cut off, alone), nor how it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from checks.core.result import Outcome
from prober.config import Region
from prober.config.resolve import HUB_REGION
from prober.wire import ClockState, Missed

from .moments import ago
from .verdict import silence_us
from .view import AgentView, ProbeView, RegionWatch, View

MAX_NAMED = 4  # names in one sentence; more are counted
_NOT_MISSED = frozenset({*(outcome.value for outcome in Outcome), Missed.PAUSED.value})
MAX_QUOTED = 200  # characters of what an agent says of itself


@dataclass(slots=True)
class Tally:
    """What became of the slots of a region since the hub's start, over all of its probes."""

    results: int = 0  # scheduled ones
    void: int = 0
    slots: int = 0  # but for those that were paused on purpose
    missed: int = 0

    @property
    def void_share(self) -> Fraction | None:
        """The share of results that say nothing of their targets; None without results."""
        return Fraction(self.void, self.results) if self.results else None

    @property
    def missed_share(self) -> Fraction | None:
        """The share of slots without a result; None without slots."""
        return Fraction(self.missed, self.slots) if self.slots else None


@dataclass(frozen=True, slots=True)
class Awaited:
    """A region whose results from an instant on are still to come."""

    region: str
    since_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One sentence on what is wrong with our own sight. `is_grave`: a region or an agent tells nothing."""

    region: str  # "": of all regions
    agent: str  # "": of the region as a whole
    words: str
    is_grave: bool


def is_remote(region: Region) -> bool:
    """Say whether agents elsewhere serve a region; the hub itself, which jobs call, is no such place."""
    return not region.local and region.name != HUB_REGION


def watch_of(view: View, region: str) -> RegionWatch:
    """Return what is known of a region as a whole; nothing bad of one that was not looked at yet."""
    return view.regions.get(region) or RegionWatch(name=region)


def agents_of(view: View, region: str) -> list[AgentView]:
    """Return the agents that serve a region."""
    return [agent for agent in view.agents.values() if region in agent.regions]


def agent_standing(agent: AgentView) -> str:
    """Return how an agent fares in a word: refused, up, away (a remote one) or down (a local one)."""
    if agent.refused:
        return "refused"
    return "up" if agent.up else "away" if agent.remote else "down"


def standing_of(region: Region, watch: RegionWatch, agents: Sequence[AgentView]) -> str:
    """Return the gravest that is known of a region in a word: cut_off, silent, no_agent, alone, waiting, or sound.

    `waiting`: none of its agents is there, but not for so long yet that it counts as silent.
    """
    if watch.cut_off:
        return "cut_off"
    if watch.silent:
        return "silent"
    if is_remote(region) and not agents:
        return "no_agent"
    if watch.alone:
        return "alone"
    return "waiting" if agents and not any(agent.up for agent in agents) else "sound"


def seen_us(agent: AgentView, now_us: int) -> int:
    """Return when the agent was heard of last: now while its link is open. 0: never."""
    if agent.remote and agent.up:
        return now_us
    return max(agent.last_batch_us, agent.gone_us)


def lag_us(complete_us: int, now_us: int) -> int | None:
    """Return how far the record is behind; None where it is not known how far it reaches."""
    return max(now_us - complete_us, 0) if complete_us else None


def doubt_us(clock: ClockState) -> int:
    """Return how far a clock can be from the hub's, by what was measured."""
    return abs(clock.offset_us) + clock.error_us


def tallies(view: View) -> dict[str, Tally]:
    """Return what became of the slots of each region of the configuration."""
    counted = {region.name: Tally() for region in view.config.regions}
    for probe in view.probes.values():
        for name, shown in probe.regions.items():
            tally = counted.setdefault(name, Tally())
            results = sum(shown.outcomes.values())
            missed = sum(count for fate, count in shown.fates.items() if fate not in _NOT_MISSED)
            tally.results += results
            tally.void += shown.outcomes.get(Outcome.VOID.value, 0)
            tally.slots += results + missed
            tally.missed += missed
    return counted


def awaited(view: View, probes: Iterable[ProbeView], now_us: int) -> tuple[Awaited, ...]:
    """Return whose results of these probes come later than usual: figures up to now may still change by them.

    A region that was never heard of is not waited for, and nobody is waited for beyond `settled_us`.
    """
    limits_us: dict[str, int] = {}
    for shown in probes:
        limit_us = silence_us(shown.probe.interval_us, shown.probe.timeout_us)
        for name in shown.regions:
            limits_us[name] = min(limits_us.get(name, limit_us), limit_us)
    reached_us = {
        region.name: _reached_us(view, region.name)
        for region in view.config.regions
        if is_remote(region) and region.name in limits_us
    }
    return tuple(
        Awaited(name, max(complete_us, view.settled_us))
        for name, complete_us in reached_us.items()
        if complete_us and now_us - complete_us > limits_us[name]
    )


def _reached_us(view: View, region: str) -> int:
    """Return up to when a region's results are on record: after a start, as long ago as its agents were seen."""
    gone_us = (agent.gone_us for agent in agents_of(view, region) if agent.remote)
    return watch_of(view, region).complete_us or max(gone_us, default=0)


def troubles(view: View, now_us: int) -> list[Trouble]:
    """Return what is wrong with our sight, the gravest first: all agents silent at once is one event, not many."""
    found = list(_all_troubles(view, now_us))
    return sorted(found, key=lambda trouble: not trouble.is_grave)


def _all_troubles(view: View, now_us: int) -> Iterator[Trouble]:
    silent_us = view.all_silent_since_us
    if silent_us:
        words = (
            f"no agent has been heard of for {ago(now_us - silent_us)}: nothing is known of what is watched"
        )
        yield Trouble(region="", agent="", words=words, is_grave=True)
    for region in view.config.regions:
        watch, agents = watch_of(view, region.name), agents_of(view, region.name)
        yield from _of_region(view, region, watch, agents, now_us, is_told=bool(silent_us))
    for agent in view.agents.values():
        is_told = bool(silent_us) or any(watch_of(view, name).silent for name in agent.regions)
        yield from _of_agent(view, agent, now_us, is_told=is_told)


def _of_region(
    view: View,
    region: Region,
    watch: RegionWatch,
    agents: Sequence[AgentView],
    now_us: int,
    *,
    is_told: bool,
) -> Iterator[Trouble]:
    if watch.silent and not is_told:
        why = _why_silent(_reached_us(view, region.name), agents, now_us)
        yield _grave(region.name, f"region {region.name} is silent: {why}")
    elif standing_of(region, watch, agents) == "no_agent" and not is_told:
        words = f"no agent of region {region.name} is known"
        yield Trouble(region=region.name, agent="", words=words, is_grave=False)
    if watch.cut_off:
        asked = f" when asked {ago(now_us - watch.asked_us)} ago" if watch.asked_us else ""
        evidence = f": {_listed(watch.evidence)}" if watch.evidence else ""
        words = f"region {region.name} is cut off: none of its canaries could be reached{asked}{evidence}"
        yield _grave(region.name, words)
    if watch.alone:
        since = f" for {ago(now_us - watch.alone_since_us)}" if watch.alone_since_us else ""
        words = f"region {region.name} is alone in seeing a failure{since}: {_listed(watch.alone)}"
        yield Trouble(region=region.name, agent="", words=words, is_grave=False)


def _why_silent(reached_us: int, agents: Sequence[AgentView], now_us: int) -> str:
    if not agents:
        return "no agent of it is known"
    if reached_us:
        return f"its results reach up to {ago(now_us - reached_us)} ago"
    return "none of its agents has delivered anything"


def _of_agent(view: View, agent: AgentView, now_us: int, *, is_told: bool) -> Iterator[Trouble]:
    region = agent.regions[0] if agent.regions else ""
    who = f"agent {agent.name} ({', '.join(agent.regions)})"
    if agent.refused:
        words = f"nothing of {who} is taken: {agent.refused[:MAX_QUOTED]}"
        yield Trouble(region=region, agent=agent.name, words=words, is_grave=True)
    elif not agent.up and not is_told:
        words = f"{who} {_why_away(agent, now_us)}"
        yield Trouble(region=region, agent=agent.name, words=words, is_grave=False)
    for words in _doubts(view, agent, who):
        yield Trouble(region=region, agent=agent.name, words=words, is_grave=False)


def _why_away(agent: AgentView, now_us: int) -> str:
    if not agent.remote:
        return f"is not running; restarted {agent.restarts:,} times"
    seen = seen_us(agent, now_us)
    return f"has not been connected for {ago(now_us - seen)}" if seen else "is not connected"


def _doubts(view: View, agent: AgentView, who: str) -> Iterator[str]:
    limit_us = view.config.agents.max_clock_offset_us
    if agent.up and agent.clock is not None and doubt_us(agent.clock) > limit_us:
        yield f"the clock of {who} may be {doubt_us(agent.clock) / 1e6:.1f} s off: its results are void"
    if agent.up and agent.spool is not None and agent.spool.trouble:
        yield f"the disk of {who} takes nothing, results wait in its memory: {agent.spool.trouble[:MAX_QUOTED]}"
    if agent.aside:
        yield f"{agent.aside:,} batches of {who} are kept aside, see /api/v1/aside"


def _grave(region: str, words: str) -> Trouble:
    return Trouble(region=region, agent="", words=words, is_grave=True)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(name[:MAX_QUOTED] for name in names[:MAX_NAMED])
    more = len(names) - MAX_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown
