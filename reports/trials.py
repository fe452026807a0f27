"""How many independent trials the schedule gave, and how many failed: what the statistical line counts.

`stratified`: every attempt at a random instant is a trial, over all regions: it estimates what the regions see pooled.
`round`: all regions look at one random instant, so a round is one trial of the quorum. A fixed grid gives none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.contract import Contract, ProbeTerms
from reports.counting import Tally
from reports.intervals import Intervals
from reports.track import Era, Fate, Tracks


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """`count` trials of which `bad` failed, `unknown` ones beside them, or why there is nothing to count."""

    schedule: str
    count: int = 0
    bad: int = 0
    unknown: int = 0
    why_not: str | None = None


def trials(
    contract: Contract, tracks: Tracks, eligible: Intervals, tallies: Mapping[tuple[str, str], Tally]
) -> Trials:
    """Return the trials of the eligible part of a period, in which `tallies` were counted by probe and region."""
    probes = contract.probes()
    schedules = {probe.schedule for probe in probes}
    schedule = probes[0].schedule if len(schedules) == 1 else ""
    why_not = _why_not(contract, tracks, schedules)
    if why_not is not None:
        return Trials(schedule=schedule, why_not=why_not)
    if schedule == "round":
        count, bad, unknown = _rounds(probes[0], tracks, eligible)
    else:
        count, bad, unknown = _attempts(probes[0], tallies)
    why_not = None if count else "no_trials"
    return Trials(schedule=schedule, count=count, bad=bad, unknown=unknown, why_not=why_not)


def _why_not(contract: Contract, tracks: Tracks, schedules: set[str]) -> str | None:
    if contract.statistics == "off":
        return "off"
    if len(contract.probes()) > 1:
        return "composed"
    if schedules.isdisjoint({"stratified", "round"}):
        return "fixed_schedule"
    names = {probe.name for probe in contract.probes()}
    eras = [era for (probe, _), track in tracks.items() if probe in names for era in track.eras]
    if any(era.imported for era in eras):
        return "imported"
    places = {pair for pair, track in tracks.items() if pair[0] in names and track.eras}
    changed = any(era.schedule not in schedules for era in eras)
    # Rounds are counted across regions by their number, which means something on one grid only.
    if changed or (schedules == {"round"} and len(eras) != len(places)):
        return "mixed"
    intervals = {era.interval_us for era in eras}
    return "mixed" if schedules == {"round"} and len(intervals) > 1 else None


def _attempts(probe: ProbeTerms, tallies: Mapping[tuple[str, str], Tally]) -> tuple[int, int, int]:
    found = (tallies.get((probe.name, region), Tally()) for region in probe.regions)
    whole = sum(found, start=Tally())
    return whole.good + whole.bad, whole.bad, whole.unknown


def _rounds(probe: ProbeTerms, tracks: Tracks, eligible: Intervals) -> tuple[int, int, int]:
    """Count rounds by the quorum; one that unknown regions could decide otherwise is unknown."""
    eras = [
        era for region in probe.regions if (track := tracks.get((probe.name, region))) for era in track.eras
    ]
    return _rounds_of(eras, len(probe.regions), probe.needed, eligible) if eras else (0, 0, 0)


def _rounds_of(eras: Sequence[Era], regions: int, needed: int, eligible: Intervals) -> tuple[int, int, int]:
    rounds = bad = unknown = 0
    for start_us, end_us in eligible:
        # All on one grid, and every round of the time that counts is one: those without a record are unknown.
        low, high = eras[0].first_due(start_us), eras[0].first_due(end_us) - 1
        failed: Counter[int] = Counter()
        lost: Counter[int] = Counter()
        for era in eras:
            _count(era, low, high, failed, lost)
        silent = regions - len(eras)
        odd = sorted(failed.keys() | lost.keys())
        undecided = sum(1 for slot in odd if failed[slot] < needed <= failed[slot] + lost[slot] + silent)
        if silent >= needed:
            undecided = high - low + 1 - sum(1 for slot in odd if failed[slot] >= needed)
        rounds += max(high - low + 1 - undecided, 0)
        unknown += undecided
        bad += sum(1 for slot in odd if failed[slot] >= needed)
    return rounds, bad, unknown


def _count(era: Era, low: int, high: int, failed: Counter[int], lost: Counter[int]) -> None:
    for oddity in era.oddities:
        if low <= oddity.slot <= high:
            (failed if oddity.fate is Fate.BAD else lost)[oddity.slot] += 1
    for hole in era.holes:
        lost.update(range(max(hole.first, low), min(hole.last, high) + 1))
    lost.update(range(low, min(era.first_slot - 1, high) + 1))
    lost.update(range(max(era.last_slot + 1, low), high + 1))
