"""The past in memory: evidence per series, from it figures per region, probe and service, built when asked for.

Holds runs of equal outcome only, so it costs in proportion to changes. Read once from the store after a start, then
extended by what is committed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from checks.core.result import Outcome
from prober.store.base import RunRow, SeriesRow
from reports.availability import Availability
from reports.evidence import Stretch, Stretches, Verdict, Window
from reports.ledger import Ledger, day_bars, rolling
from reports.outages import Outage, outages
from reports.overlay import overlay
from reports.quorum import agree
from reports.timeline import Timeline, region_timeline

from .series import GAP_INTERVALS, SeriesState
from .verdict import ProbePolicy, ServicePolicy, probe_subject

KEPT_DAYS = 92  # the longest window and a little
_VERDICTS = {
    Outcome.PASS.value: Verdict.GOOD,
    Outcome.WARN.value: Verdict.GOOD,
    Outcome.FAIL.value: Verdict.BAD,
    Outcome.VOID.value: Verdict.VOID,
}


@dataclass(slots=True)
class _Era:
    """What was seen on one grid, and the longest gap between results that is no hole on it."""

    gap_us: int
    closed: Stretches = field(default_factory=Stretches)


Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Evidence:
    """One probe in one region: closed runs by series, and the series that is running now."""

    eras: dict[int, _Era] = field(default_factory=dict)
    running: SeriesState | None = None

    def era(self, row: SeriesRow) -> _Era:
        """Return the era of a series, made when it is new."""
        return self.eras.setdefault(row.number, _Era(GAP_INTERVALS * row.interval_us))

    def run(self, state: SeriesState) -> None:
        """Go over to a series: what was seen on another grid stays seen."""
        before = self.running
        if before is not None and before.row.number != state.row.number and before.run is not None:
            self.close(before.row, before.run)
        self.running = state
        self.era(state.row)

    def close(self, row: SeriesRow, run: RunRow) -> None:
        """Take in a closed run; one that was read from the store already is not taken twice."""
        closed = self.era(row).closed
        if not closed or run.first_us > closed[-1].last_us:
            closed.append(stretch_of(run))

    def stamp(self) -> Stamp:
        """Return what changes whenever there is anything new."""
        run = self.running.run if self.running is not None else None
        count = sum(len(era.closed) for era in self.eras.values())
        return (count, run.number, run.count) if run is not None else (count, 0, 0)

    def timeline(self) -> Timeline:
        """Mark all of time."""
        open_run = self.running.run if self.running is not None else None
        timelines = []
        for number, era in self.eras.items():
            is_open = open_run is not None and open_run.series == number
            stretches = (
                era.closed.plus(stretch_of(open_run)) if is_open and open_run is not None else era.closed
            )
            timelines.append(region_timeline(stretches, era.gap_us))
        return overlay(timelines)


@dataclass(slots=True)
class _Cached:
    stamps: tuple[Stamp, ...]
    ledger: Ledger


def stretch_of(run: RunRow) -> Stretch:
    """Return a run as the reports' evidence."""
    return Stretch(
        first_us=run.first_us,
        first_end_us=run.first_end_us,
        last_us=run.last_us,
        last_end_us=max(run.last_end_us, run.last_us),
        verdict=_VERDICTS[run.outcome],
        longest_gap_us=run.longest_gap_us,
    )


def add_run(stretches: Stretches, run: RunRow) -> None:
    """Add a run to the evidence it belongs to."""
    last = (run.last_us, max(run.last_end_us, run.last_us))
    stretches.add((run.first_us, run.first_end_us), last, _VERDICTS[run.outcome], run.longest_gap_us)


class MemoryHistory:
    """Figures over time; see `serving.History`."""

    def __init__(self) -> None:
        self.ready = False
        self._evidence: dict[tuple[str, str], _Evidence] = {}
        self._probes: dict[str, ProbePolicy] = {}
        self._services: dict[str, ServicePolicy] = {}
        self._cache: dict[str, _Cached] = {}

    def configure(
        self,
        probes: Sequence[ProbePolicy],
        services: Sequence[ServicePolicy],
        series: Mapping[int, SeriesState],
    ) -> None:
        """Set what subjects there are; evidence of what stays is kept."""
        self._probes = {policy.name: policy for policy in probes}
        self._services = {policy.name: policy for policy in services}
        self._cache.clear()
        for state in series.values():
            self._evidence.setdefault((state.row.probe, state.row.region), _Evidence()).run(state)

    def load(self, past: Mapping[int, Stretches], rows: Mapping[int, SeriesRow]) -> None:
        """Put closed runs of the past, by series, before what was committed since; sorted here, overlaps are cut."""
        for number, stretches in past.items():
            row = rows[number]
            era = self._evidence.setdefault((row.probe, row.region), _Evidence()).era(row)
            for stretch in era.closed:
                stretches.append(stretch)
            era.closed = in_order(stretches)
        self._cache.clear()

    def committed(self, closed: Sequence[RunRow], series: Mapping[int, SeriesState]) -> None:
        """Take in runs that were closed."""
        for run in closed:
            state = series.get(run.series)
            if state is not None:
                self._evidence[state.row.probe, state.row.region].close(state.row, run)

    def revise(self, row: SeriesRow, runs: Sequence[RunRow]) -> None:
        """Put the runs of one series since the first of these in the place of what was known; the open one is left out.

        In order of time, without overlaps.
        """
        evidence = self._evidence.get((row.probe, row.region))
        if evidence is None or not runs:
            return
        running = evidence.running
        open_run = running.run if running is not None and running.row.number == row.number else None
        era, kept_us = evidence.era(row), runs[0].first_us
        closed = Stretches([stretch for stretch in era.closed if stretch.last_us < kept_us])
        for run in runs:
            if open_run is None or run.number != open_run.number:
                add_run(closed, run)
        era.closed = closed
        self._cache.clear()

    def rolling(self, subject: str, now_us: int) -> Mapping[str, Availability]:
        """Return availability by window; empty when unknown or not ready."""
        ledger = self._ledger(subject) if self.ready else None
        if ledger is None:
            return {}
        as_of_us = self._as_of_us(subject, ledger, now_us)
        return rolling(ledger, as_of_us, _month_start_us(as_of_us))

    def days(self, subject: str, count: int, now_us: int) -> Sequence[Availability]:
        """Return one Availability per UTC day, oldest first."""
        ledger = self._ledger(subject) if self.ready else None
        return () if ledger is None else day_bars(ledger, count, self._as_of_us(subject, ledger, now_us))

    def outages(self, subject: str, from_us: int, to_us: int) -> Sequence[Outage]:
        """Return the measured outages in a window."""
        ledger = self._ledger(subject) if self.ready else None
        return () if ledger is None else outages(ledger.timeline, Window(from_us, to_us))

    def forget_before(self, at_us: int) -> None:
        """Drop closed runs that ended before an instant."""
        for evidence in self._evidence.values():
            for era in evidence.eras.values():
                keep = bisect_left(era.closed, at_us, key=lambda stretch: stretch.last_us)
                era.closed = era.closed[keep:]
        self._cache.clear()

    def _as_of_us(self, subject: str, ledger: Ledger, now_us: int) -> int:
        """Judge only time whose results are in: up to the newest evidence, unless that is old."""
        until_us = ledger.known_until_us
        if until_us is None:
            return now_us
        patience_us = max((self._probes[name].silence_us for name in self._probes_of(subject)), default=0)
        return until_us if now_us - patience_us <= until_us <= now_us else now_us

    def _probes_of(self, subject: str) -> tuple[str, ...]:
        kind, _, name = subject.partition(":")
        if kind == "service":
            return self._services[name].probes
        return (name.rpartition("@")[0] if kind == "region" else name,)

    def _ledger(self, subject: str) -> Ledger | None:
        evidence = self._evidence_of(subject)
        if not evidence:
            return None
        stamps = tuple(each.stamp() for each in evidence)
        cached = self._cache.get(subject)
        if cached is None or cached.stamps != stamps:
            cached = self._cache[subject] = _Cached(stamps, Ledger.of(self._timeline(subject)))
        return cached.ledger

    def _evidence_of(self, subject: str) -> list[_Evidence]:
        """Return everything that the figures of a subject rest on; nothing for one that is not known."""
        kind, _, name = subject.partition(":")
        if kind == "region":
            probe, _, region = name.rpartition("@")
            known = probe in self._probes and region in self._probes[probe].regions
            return [self._evidence[probe, region]] if known else []
        names = {"probe": (name,), "service": self._services[name].probes if name in self._services else ()}
        probes = [self._probes[each] for each in names.get(kind, ()) if each in self._probes]
        return [self._evidence[probe.name, region] for probe in probes for region in probe.regions]

    def _timeline(self, subject: str) -> Timeline:
        kind, _, name = subject.partition(":")
        if kind == "service":
            policy = self._services[name]
            timelines = [self._probe_timeline(probe) for probe in policy.probes]
            return agree(timelines, len(timelines) - policy.needed + 1)
        if kind == "probe":
            probe_policy = self._probes[name]
            regions = [self._evidence[name, region].timeline() for region in probe_policy.regions]
            return agree(regions, probe_policy.quorum)
        probe, _, region = name.rpartition("@")
        return self._evidence[probe, region].timeline()

    def _probe_timeline(self, name: str) -> Timeline:
        ledger = self._ledger(probe_subject(name))
        assert ledger is not None  # a service's probes are known
        return ledger.timeline


def in_order(stretches: Stretches) -> Stretches:
    """Return stretches sorted by time; what overlaps an earlier one is left out."""
    if all(before[2] < after[0] for before, after in pairwise(stretches.rows())):
        return stretches
    kept: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda stretch: (stretch.first_us, stretch.last_us)):
        if not kept or stretch.first_us > kept[-1].last_us:
            kept.append(stretch)
    return Stretches(kept)


def _month_start_us(at_us: int) -> int:
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return int(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000
