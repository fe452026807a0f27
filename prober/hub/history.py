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
from prober.store.base import RunRow
from reports.availability import Availability
from reports.evidence import Stretch, Stretches, Verdict, Window
from reports.ledger import DAY_US, Ledger, day_bars, rolling
from reports.outages import Outage, outages
from reports.quorum import agree
from reports.timeline import Timeline, region_timeline

from .judge import GAP_INTERVALS, SeriesState
from .verdict import ProbePolicy, ServicePolicy, probe_subject, region_subject, service_subject

KEPT_DAYS = 92  # the longest window and a little
_VERDICTS = {
    Outcome.PASS.value: Verdict.GOOD,
    Outcome.WARN.value: Verdict.GOOD,
    Outcome.FAIL.value: Verdict.BAD,
    Outcome.VOID.value: Verdict.VOID,
}


@dataclass(slots=True)
class _Evidence:
    """One probe in one region: closed runs of all its series, and the series that is running now."""

    closed: Stretches = field(default_factory=Stretches)
    running: SeriesState | None = None
    gap_us: int = 0

    def stretches(self) -> Stretches:
        run = self.running.run if self.running is not None else None
        return self.closed.plus(stretch_of(run)) if run is not None else self.closed

    def close(self, run: RunRow) -> None:
        """Take in a closed run; one that was read from the store already is not taken twice."""
        stretch = stretch_of(run)
        if not self.closed or stretch.first_us > self.closed[-1].last_us:
            self.closed.append(stretch)

    def timeline(self, since_us: int) -> Timeline:
        return region_timeline(self.stretches(), self.gap_us, since_us)


@dataclass(slots=True)
class _Cached:
    version: int
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
        self._version = 0

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
            evidence = self._evidence.setdefault((state.row.probe, state.row.region), _Evidence())
            if evidence.running is not None and evidence.running.row.number != state.row.number:
                if evidence.running.run is not None:  # another grid from now on; what was seen stays seen
                    evidence.close(evidence.running.run)
                evidence.gap_us = 0
            evidence.running = state
            evidence.gap_us = max(GAP_INTERVALS * state.row.interval_us, evidence.gap_us)
        self._version += 1

    def load(self, past: Mapping[tuple[str, str], Stretches]) -> None:
        """Put closed runs of the past before what was committed since; sorted here, overlaps are cut."""
        for key, stretches in past.items():
            evidence = self._evidence.setdefault(key, _Evidence())
            for stretch in evidence.closed:
                stretches.append(stretch)
            evidence.closed = _in_order(stretches)
        self._cache.clear()
        self._version += 1

    def committed(self, closed: Sequence[RunRow], series: Mapping[int, SeriesState]) -> None:
        """Take in runs that were closed; anything committed makes kept figures old."""
        self._version += 1
        for run in closed:
            state = series.get(run.series)
            if state is not None:
                self._evidence[state.row.probe, state.row.region].close(run)

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
            keep = bisect_left(evidence.closed, at_us, key=lambda stretch: stretch.last_us)
            evidence.closed = evidence.closed[keep:]
        self._cache.clear()
        self._version += 1

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
        cached = self._cache.get(subject)
        if cached is not None and cached.version == self._version:
            return cached.ledger
        timeline = self._timeline(subject)
        if timeline is None:
            return None
        ledger = Ledger.of(timeline)
        self._cache[subject] = _Cached(self._version, ledger)
        return ledger

    def _timeline(self, subject: str) -> Timeline | None:
        kind, _, name = subject.partition(":")
        if kind == "service" and name in self._services:
            policy = self._services[name]
            timelines = [self._probe_timeline(probe) for probe in policy.probes]
            return agree(timelines, len(timelines) - policy.needed + 1)
        if kind == "probe" and name in self._probes:
            return self._probe_timeline(name)
        probe, _, region = name.rpartition("@")
        if kind == "region" and (probe, region) in self._evidence and probe in self._probes:
            return self._evidence[probe, region].timeline(_DAWN)
        return None

    def _probe_timeline(self, name: str) -> Timeline:
        ledger = self._cache.get(probe_subject(name))
        if ledger is not None and ledger.version == self._version:
            return ledger.ledger.timeline
        policy = self._probes[name]
        regions = [self._evidence[name, region].timeline(_DAWN) for region in policy.regions]
        return agree(regions, policy.quorum)


_DAWN = -(2**63) + 1


def _in_order(stretches: Stretches) -> Stretches:
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


__all__ = ["DAY_US", "MemoryHistory", "add_run", "region_subject", "service_subject", "stretch_of"]
