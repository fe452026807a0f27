"""Made-up worlds for laws of the methods: what was truly down, and what probing on a real grid saw of it.

Everything follows from a few drawn numbers. In the worlds of `steady` no state lasts shorter than the gap and a
result together, which is what the methods assume; in those of `restless` anything goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import strategies as st
from support.tracks import MINUTE, S, Seen, contract, era, probe, service

from prober.agent.grid import Grid
from reports.contract import Contract, ProbeTerms, ServiceTerms
from reports.intervals import Intervals, subtract, union
from reports.track import Era, Fate, Track, Tracks

START_US = 1_790_000_000 * S
"""Where the evidence begins, at the earliest."""
LONG_US = 75 * MINUTE
"""How far it reaches, at the latest."""
CODES = ("connect_refused", "http_status")
REGIONS = ("fra", "iad", "sin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One grid of a probe in a region: from when on, and what was seen on it."""

    grid: Grid
    from_us: int
    first: int
    last: int
    rows: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was true, what was seen, and a service over it."""

    seed: int
    service: ServiceTerms
    stays: dict[tuple[str, str], tuple[Stay, ...]] = field(repr=False)
    truth: dict[tuple[str, str], Intervals] = field(repr=False)
    took_us: int

    @property
    def probes(self) -> tuple[ProbeTerms, ...]:
        return self.service.probes

    def tracks(self, *, close: bool = False, reach: int = 4) -> Tracks:
        """Return the evidence; with `close` single results are at hand too, out to `reach` intervals around trouble."""
        spans: dict[str, Intervals] = {}
        if close:
            for terms in self.probes:
                reach_us = reach * max(
                    s.grid.interval_us for r in terms.regions for s in self.stays[terms.name, r]
                )
                spans[terms.name] = union(
                    (row.start_us - reach_us, row.end_us + reach_us + 1)
                    for region in terms.regions
                    for stay in self.stays[terms.name, region]
                    for row in stay.rows
                    if row.fate is Fate.BAD
                )
        return {
            pair: Track(
                probe=pair[0], region=pair[1], eras=[era_of(stay, spans.get(pair[0], ())) for stay in stays]
            )
            for pair, stays in self.stays.items()
        }


def era_of(stay: Stay, shot_spans: Intervals = ()) -> Era:
    """Return one grid's evidence."""
    return era(
        stay.grid,
        stay.rows,
        stay.grid.interval_us,
        bounds=(stay.first, stay.last),
        schedule=stay.grid.schedule,
        regions=len(stay.grid.regions),
        from_us=stay.from_us,
        shot_spans=shot_spans,
    )


@st.composite
def worlds(draw: st.DrawFn, *, steady: bool, together: bool = False) -> World:
    """Draw a world. `together`: all regions see the same truth, as pooling assumes."""
    seed = draw(st.integers(0, 2**32))
    chance = Random(seed)
    took_us = draw(st.sampled_from([0, 5 * S]))
    probes = [
        probe(
            *REGIONS[: draw(st.integers(1, 3))],
            name=name,
            interval_us=draw(st.sampled_from([20, 30, 45, 60, 90])) * S,
            schedule=draw(st.sampled_from(["stratified", "fixed", "round"])),
        )
        for name in ("web", "db")[: draw(st.integers(1, 2))]
    ]
    probes = [replace(each, needed=draw(st.integers(1, len(each.regions)))) for each in probes]
    trouble = draw(st.sampled_from(["none", "void", "holes", "both"]))
    is_changed, is_young = draw(st.booleans()), draw(st.booleans())
    shortest_us = 3 * 90 * S + took_us if steady else S
    truth, stays = {}, {}
    for terms in probes:
        plan = _Plan(terms, chance, took_us, trouble, is_changed, is_young)
        shared = _phases(chance, shortest_us)
        for region in terms.regions:
            truth[terms.name, region] = shared if together else _phases(chance, shortest_us)
            stays[terms.name, region] = plan.stays(region, truth[terms.name, region])
    return World(
        seed=seed,
        service=service(*probes, needed=draw(st.integers(1, len(probes)))),
        stays=stays,
        truth=truth,
        took_us=took_us,
    )


def _phases(chance: Random, shortest_us: int) -> Intervals:
    """Return when it was down; neither down nor up for `shortest_us` or less."""
    at_us = START_US - LONG_US + chance.randrange(LONG_US)
    found = []
    while at_us < START_US + 2 * LONG_US:
        down_us = shortest_us + 1 + chance.randrange(chance.choice([30 * S, 900 * S]))
        found.append((at_us, at_us + down_us))
        at_us += down_us + shortest_us + 1 + chance.randrange(chance.choice([60 * S, 1800 * S]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a probe was run."""

    terms: ProbeTerms
    chance: Random
    took_us: int
    trouble: str
    is_changed: bool
    is_young: bool

    def stays(self, region: str, down: Intervals) -> tuple[Stay, ...]:
        chance = self.chance
        begin_us = START_US + (chance.randrange(LONG_US // 2) if self.is_young else 0)
        end_us = START_US + LONG_US - chance.randrange(LONG_US // 4)
        if not self.is_changed:
            return (self._stay(region, down, self.terms.interval_us, begin_us, end_us),)
        change_us = START_US + LONG_US // 2 + 7 * S
        before = chance.choice([30 * S, self.terms.interval_us])
        return (
            self._stay(region, down, before, begin_us, change_us - chance.randrange(200 * S)),
            self._stay(
                region, down, self.terms.interval_us + 10 * S, change_us, end_us, chance.randrange(200 * S)
            ),
        )

    def _stay(
        self, region: str, down: Intervals, interval_us: int, from_us: int, end_us: int, delay_us: int = 0
    ) -> Stay:
        grid = Grid(b"\7" * 32, self.terms.name, region, self.terms.regions, interval_us, self.terms.schedule)
        first, last = grid.first_due(from_us + delay_us), grid.first_due(end_us) - 1
        rows: list[Seen] = []
        lost = 0
        for slot in range(first, last + 1):
            lost = self._lost(lost)
            due_us = grid.due_us(slot)
            room_us = grid.due_us(slot + 1) - due_us
            start_us = due_us + self.chance.choice([0, 0, self.chance.randrange(max(room_us // 2, 1))])
            if lost or (rows and start_us <= rows[-1].end_us):
                continue
            rows.append(self._look(slot, start_us, down))
        return Stay(grid=grid, from_us=from_us, first=first, last=last, rows=tuple(rows))

    def _lost(self, lost: int) -> int:
        if lost or self.trouble not in ("holes", "both"):
            return max(lost - 1, 0)
        return self.chance.choice([1, 2, 3, 30]) if self.chance.random() < 0.04 else 0

    def _look(self, slot: int, start_us: int, down: Intervals) -> Seen:
        end_us = start_us + (self.chance.randrange(self.took_us) if self.took_us else 0)
        at_us = self.chance.randint(start_us, end_us)
        fate = Fate.BAD if any(a <= at_us < b for a, b in down) else Fate.GOOD
        if self.trouble in ("void", "both") and self.chance.random() < 0.06:
            fate = Fate.UNKNOWN
        return Seen(start_us, end_us, fate, slot, self.chance.choice(CODES))


@st.composite
def periods(draw: st.DrawFn) -> tuple[int, int]:
    """Draw a period that may begin before the evidence and end after it."""
    start_us = START_US + draw(st.integers(-20 * 60, 40 * 60)) * S
    return start_us, start_us + draw(st.integers(1, 60 * 60)) * S


@st.composite
def eligibles(draw: st.DrawFn, period: tuple[int, int]) -> Intervals:
    """Draw the eligible part of a period: all of it, or less some windows."""
    start_us, end_us = period
    points = sorted(draw(st.lists(st.integers(start_us, end_us), max_size=4)))
    windows = [(a, b) for a, b in zip(points[::2], points[1::2], strict=False) if a < b]
    return subtract([period], union(windows))


def on(world: World, **terms: Any) -> Contract:
    """Return a contract over a world's service."""
    return contract(world.service, **terms)
