"""Tracks for tests of reports: from single results to eras with runs, oddities, holes and shots, and contracts on top.

An `Even` grid is enough where instants matter; any object with `due_us` and `slot_at` will do, such as a real grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from reports.contract import Contract, Method, ProbeTerms, ServiceTerms, Time
from reports.evidence import Stretches, Verdict
from reports.figures import Figures
from reports.intervals import length
from reports.methods import figures
from reports.track import Era, Fate, Hole, Oddity, Shot, Track, Tracks

S = 1_000_000
MINUTE = 60 * S
DAY = 86_400 * S
MONTH = 30 * DAY
_VERDICTS = {Fate.GOOD: Verdict.GOOD, Fate.BAD: Verdict.BAD, Fate.UNKNOWN: Verdict.VOID}


class Slots(Protocol):
    """When slots are due."""

    def due_us(self, slot: int, /) -> int: ...
    def slot_at(self, at_us: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Even:
    """Slot k is due at k x interval + offset."""

    interval_us: int
    offset_us: int = 0

    def due_us(self, slot: int) -> int:
        return slot * self.interval_us + self.offset_us

    def slot_at(self, at_us: int) -> int:
        return (at_us - self.offset_us) // self.interval_us


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """One result; `slot` None: a retry or recheck. UNKNOWN is void."""

    start_us: int
    end_us: int
    fate: Fate = Fate.GOOD
    slot: int | None = None
    code: str = "connect_refused"


def seen(grid: Slots, slot: int, fate: Fate = Fate.GOOD, took_us: int = 0, late_us: int = 0) -> Seen:
    """Return the scheduled result of a slot."""
    start_us = grid.due_us(slot) + late_us
    return Seen(start_us, start_us + took_us, fate, slot)


def results(
    grid: Slots,
    first: int,
    last: int,
    *,
    bad: Iterable[int] = (),
    void: Iterable[int] = (),
    missed: Iterable[int] = (),
) -> list[Seen]:
    """Return the results of slots first to last, all passed but those named."""
    fates = dict.fromkeys(bad, Fate.BAD) | dict.fromkeys(void, Fate.UNKNOWN)
    lost = set(missed)
    return [
        seen(grid, slot, fates.get(slot, Fate.GOOD)) for slot in range(first, last + 1) if slot not in lost
    ]


def era(
    grid: Slots,
    found: Iterable[Seen],
    interval_us: int,
    *,
    bounds: tuple[int, int] | None = None,
    schedule: str = "fixed",
    regions: int = 1,
    from_us: int = 0,
    imported: bool = False,
    holes: Sequence[Hole] | None = None,
    break_us: int | None = None,
    shot_spans: Sequence[tuple[int, int]] = (),
) -> Era:
    """Return an era from its results. Slots of the record (`bounds`, or first to last seen) without one are holes."""
    rows = sorted(found)
    slots = {row.slot: row for row in rows if row.slot is not None}
    first, last = bounds or (min(slots, default=0), max(slots, default=-1))
    return Era(
        interval_us=interval_us,
        schedule=schedule,
        regions=regions,
        stretches=stretches(rows, break_us or 2 * interval_us),
        first_slot=first,
        last_slot=last,
        due_us=grid.due_us,
        slot_at=grid.slot_at,
        oddities=tuple(
            Oddity(slot, row.fate, row.code if row.fate is Fate.BAD else "")
            for slot, row in sorted(slots.items())
            if row.fate is not Fate.GOOD
        ),
        holes=_holes(slots.keys(), first, last) if holes is None else holes,
        from_us=from_us,
        imported=imported,
        shots=tuple(
            Shot(row.start_us, row.end_us, row.fate)
            for row in rows
            if row.fate is not Fate.UNKNOWN and any(a <= row.start_us < b for a, b in shot_spans)
        ),
        shot_spans=shot_spans,
    )


def stretches(rows: Iterable[Seen], break_us: int) -> Stretches:
    """Return results in order of time as runs of equal verdict, broken where two starts lie further apart."""
    found = Stretches()
    run: list[Seen] = []
    longest = 0
    for row in [*rows, None]:
        spacing = row.start_us - run[-1].start_us if row and run else 0
        if run and (row is None or row.fate is not run[-1].fate or spacing > break_us):
            ends = (run[0].start_us, run[0].end_us), (run[-1].start_us, run[-1].end_us)
            found.add(*ends, _VERDICTS[run[0].fate], longest)
            run, longest = [], 0
        elif run:
            longest = max(longest, spacing)
        if row:
            run.append(row)
    return found


def _holes(seen_slots: Iterable[int], first: int, last: int) -> tuple[Hole, ...]:
    found: list[Hole] = []
    for slot in sorted(set(range(first, last + 1)) - set(seen_slots)):
        if found and found[-1].last == slot - 1:
            found[-1] = Hole(found[-1].first, slot, found[-1].reason)
        else:
            found.append(Hole(slot, slot, "late"))
    return tuple(found)


def track(region: str, *eras: Era, probe: str = "web") -> Track:
    """Return a track."""
    return Track(probe=probe, region=region, eras=eras)


def tracks(*each: Track) -> Tracks:
    """Return tracks by probe and region."""
    return {(one.probe, one.region): one for one in each}


def probe(
    *regions: str, needed: int = 1, interval_us: int = MINUTE, name: str = "web", **more: Any
) -> ProbeTerms:
    """Return a probe's terms."""
    return ProbeTerms(
        name=name,
        title=name,
        regions=regions,
        needed=needed,
        interval_us=interval_us,
        schedule=more.pop("schedule", "fixed"),
        **more,
    )


def service(*probes: ProbeTerms, needed: int = 1, name: str = "shop") -> ServiceTerms:
    """Return a service's terms; by default all of its probes are needed."""
    return ServiceTerms(name=name, title=name, probes=probes, needed=needed)


def contract(*parts: ProbeTerms | ServiceTerms, method: Method | None = None, **more: Any) -> Contract:
    """Return a contract over services, or over one service of these probes."""
    services = tuple(part for part in parts if isinstance(part, ServiceTerms))
    probes = tuple(part for part in parts if isinstance(part, ProbeTerms))
    return Contract(
        name="gold",
        title="Gold",
        services=services or (service(*probes),),
        claim=more.pop("claim", Fraction("0.999")),
        method=method or Time(),
        **more,
    )


def whole(terms: Contract, found: Tracks, start_us: int, end_us: int, *excluded: tuple[int, int]) -> Figures:
    """Return the figures of a period, all of it eligible but what is excluded; N is what is eligible."""
    from reports.intervals import subtract

    eligible = subtract([(start_us, end_us)], excluded)
    return figures(terms, found, eligible, length(eligible), start_us, end_us)
