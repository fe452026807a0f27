"""Which remote agent runs which series now, region by region. Pure: who is there comes in, what each runs goes out.

Not here: when an agent is thought to live and how probes are shared (`shares.py`), and telling them (`remotes.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from prober import wire
from prober.config import Config
from prober.store.base import SeriesRow

from .plan import remote_regions, wire_series
from .shares import Presence, grace_us, is_living, share_of


@dataclass(slots=True)
class _Region:
    is_shared: bool
    series: dict[str, list[wire.Series]] = field(default_factory=dict)  # by probe
    grace_us: int = 0


class Duties:
    """The work of the remote regions of one configuration."""

    def __init__(self) -> None:
        self._regions: dict[str, _Region] = {}
        self._living: dict[str, tuple[str, ...]] | None = (
            None  # agents by region, as work was shared out last
        )
        self._shares: dict[str, tuple[wire.Series, ...]] = {}
        self._runners: dict[int, list[str]] = {}  # agents by series

    def adopt(self, config: Config, rows: Sequence[SeriesRow]) -> None:
        """Take a configuration."""
        sources = remote_regions(config)
        by_region: defaultdict[str, defaultdict[str, list[wire.Series]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for each in wire_series(config, rows, {}, sources):
            by_region[each.region][each.probe].append(each)
        self._regions = {
            region.name: _Region(
                is_shared=region.agents == "share",
                series=dict(by_region[region.name]),
                grace_us=grace_us(
                    each.interval_us for found in by_region[region.name].values() for each in found
                ),
            )
            for region in config.regions
            if region.name in sources
        }
        self._living = None

    def share_out(
        self, agents: Iterable[tuple[str, Presence]], now_us: int
    ) -> dict[str, tuple[wire.Series, ...]]:
        """Return what each agent has to run, given who there is and in which region; no entry: it runs nothing."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for name, presence in agents:
            region = self._regions.get(name)
            if region is not None and is_living(presence, region.grace_us, now_us):
                found[name].add(presence.name)
        # Where nobody lives nobody takes over: then whoever was there last keeps the work, linked or not.
        living = (self._living or {}) | {name: tuple(sorted(there)) for name, there in found.items()}
        if living != self._living:  # sharing is worth some milliseconds, and this is asked often
            self._living = living
            self._share()
        return self._shares

    def is_shared(self, region: str) -> bool:
        """Say whether the agents of a region share its probes; a region that is not known has nothing to share."""
        return region not in self._regions or self._regions[region].is_shared

    def runners(self, numbers: Collection[int]) -> dict[str, list[int]]:
        """Return which of these series each agent runs."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number in sorted(numbers):
            for agent in self._runners.get(number, ()):
                found[agent].append(number)
        return dict(found)

    def _share(self) -> None:
        self._shares = {}
        runners: defaultdict[int, list[str]] = defaultdict(list)
        for name, agents in (self._living or {}).items():
            self._shares |= _shares(self._regions[name], agents)
        for agent, series in self._shares.items():
            for each in series:
                runners[each.number].append(agent)
        self._runners = dict(runners)


def _shares(region: _Region, agents: Sequence[str]) -> dict[str, tuple[wire.Series, ...]]:
    probes = (
        share_of(agents, region.series)
        if region.is_shared
        else {agent: list(region.series) for agent in agents}
    )
    return {
        agent: tuple(each for probe in own for each in region.series[probe]) for agent, own in probes.items()
    }
