"""Regions that are persistently alone in failing: a warning about the region, not about what is watched.

A region is alone at a probe while it is DOWN there, no other region is, and at least one other is UP; a region that
is UNKNOWN is no witness and is passed over. A warning begins when a region has been alone for long in a stretch, at
one probe or another, or in several short stretches within an hour, and ends when neither holds any more. A stretch
counts as one of those once, when it is over, and only if nobody agreed: the first seconds and the last ones of an
outage that all see leave one region alone too.

How to feed it: `configure` at the start (after standings are restored) and after each change of configuration, with
`fold.region`; `note` after every commit with its changes in their order, and about once a second without any. Each
gives the warnings that began or ended, for one line each (`voice.py`); `alone` is what `RegionWatch` shows. What was
counted before a restart is forgotten with it. Pure.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prober.config import Probe

from .standing import Standing
from .verdict import Change, State

LONG_US, LONG_INTERVALS = 300_000_000, 5  # whichever is longer
EPISODES, WITHIN_US = 3, 3_600_000_000  # so many short stretches that ended within this time
MAX_EPISODES = 100  # of a region that are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Lonely:
    """A region that is warned of: alone at these probes, the first time at `since_us`, in so many stretches."""

    region: str
    probes: tuple[str, ...]
    since_us: int
    episodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A warning that `begun`, or that ended: then `lonely` is what was warned of."""

    begun: bool
    at_us: int
    lonely: Lonely


@dataclass(slots=True)
class _Probe:
    long_us: int
    states: dict[str, State]
    alone: str | None = None
    own: bool = False  # it became alone by failing, not by the others' recovery


@dataclass(slots=True)
class _Stretch:
    """A time in which a region is alone somewhere all along."""

    since_us: int
    long_us: int
    probes: set[str] = field(default_factory=set)
    now: set[str] = field(default_factory=set)
    counts: bool = False  # at some probe it failed and recovered while no other region did


@dataclass(slots=True)
class _Region:
    stretch: _Stretch | None = None
    episodes: deque[tuple[int, _Stretch]] = field(default_factory=lambda: deque(maxlen=MAX_EPISODES))
    warned: Lonely | None = None


class Lone:
    """Who is alone where, and who is warned of."""

    def __init__(self) -> None:
        self._probes: dict[str, _Probe] = {}
        self._regions: defaultdict[str, _Region] = defaultdict(_Region)

    def configure(
        self, probes: Iterable[Probe], standing: Callable[[str, str], Standing], now_us: int
    ) -> list[Warned]:
        """Take a configuration and how every region stands; stretches of probes that stay go on."""
        before, self._probes = self._probes, {}
        for probe in probes:
            standings = {region: standing(probe.name, region) for region in probe.regions}
            made = _probe(probe, {region: each.state for region, each in standings.items()})
            self._probes[probe.name] = made
            self._adopt(probe.name, made, before.pop(probe.name, None), standings.values(), now_us)
        for name, gone in before.items():
            self._end(name, gone, now_us, own=False)
        return self._judge(now_us)

    def note(self, changes: Iterable[Change], now_us: int) -> list[Warned]:
        """Take in what changed and let time pass."""
        for change in changes:
            kind, _, subject = change.subject.partition(":")
            name, _, region = subject.rpartition("@")
            probe = self._probes.get(name)
            if kind == "region" and probe is not None and region in probe.states:
                probe.states[region] = change.after
                self._turn(name, probe, region, change.at_us)
        return self._judge(now_us)

    def alone(self, region: str) -> Lonely | None:
        """Return what is warned of a region, if anything is."""
        return self._regions[region].warned if region in self._regions else None

    def _turn(self, name: str, probe: _Probe, turned: str, at_us: int) -> None:
        alone = _alone(probe.states)
        if alone == probe.alone:
            return
        self._end(name, probe, at_us, own=turned == probe.alone)
        if alone is not None:
            self._begin(name, probe, alone, at_us, own=turned == alone)

    def _adopt(
        self, name: str, probe: _Probe, before: _Probe | None, standings: Iterable[Standing], now_us: int
    ) -> None:
        alone = _alone(probe.states)
        if before is not None and before.alone is not None:
            if before.alone == alone:
                probe.alone, probe.own = alone, before.own
                return
            self._end(name, before, now_us, own=False)
        if alone is not None:
            self._begin(name, probe, alone, max(each.since_us for each in standings), own=False)

    def _begin(self, name: str, probe: _Probe, region: str, at_us: int, *, own: bool) -> None:
        probe.alone, probe.own = region, own
        known = self._regions[region]
        stretch = known.stretch = known.stretch or _Stretch(at_us, probe.long_us)
        stretch.since_us, stretch.long_us = min(stretch.since_us, at_us), min(stretch.long_us, probe.long_us)
        stretch.probes.add(name)
        stretch.now.add(name)

    def _end(self, name: str, probe: _Probe, at_us: int, *, own: bool) -> None:
        known = self._regions.get(probe.alone) if probe.alone is not None else None
        if known is not None and (stretch := known.stretch) is not None:
            stretch.counts = stretch.counts or (own and probe.own)
            stretch.now.discard(name)
            if not stretch.now:
                known.stretch = None
                if stretch.counts:
                    known.episodes.append((max(at_us, stretch.since_us), stretch))
        probe.alone = None

    def _judge(self, now_us: int) -> list[Warned]:
        found: list[Warned] = []
        for region, known in list(self._regions.items()):
            while known.episodes and now_us - known.episodes[0][0] > WITHIN_US:
                known.episodes.popleft()
            before, known.warned = known.warned, _lonely(region, known, now_us)
            told = known.warned or before
            if told is not None and (before is None or known.warned is None):
                found.append(Warned(begun=before is None, at_us=now_us, lonely=told))
            if known == _Region():
                del self._regions[region]
        return found


def _probe(probe: Probe, states: dict[str, State]) -> _Probe:
    return _Probe(max(LONG_US, LONG_INTERVALS * probe.interval_us), states)


def _alone(states: dict[str, State]) -> str | None:
    failing = [region for region, state in states.items() if state is State.DOWN]
    return failing[0] if len(failing) == 1 and State.UP in states.values() else None


def _lonely(region: str, known: _Region, now_us: int) -> Lonely | None:
    """Return what is to be warned of a region, if anything."""
    stretch = known.stretch
    told: list[_Stretch] = []
    if len(known.episodes) >= EPISODES:
        told += [episode for _, episode in known.episodes]
    if stretch is not None and (told or now_us - stretch.since_us >= stretch.long_us):
        told.append(stretch)
    if not told:
        return None
    return Lonely(
        region=region,
        probes=tuple(sorted(set().union(*(each.probes for each in told)))),
        since_us=min(each.since_us for each in told),
        episodes=len(told),
    )
