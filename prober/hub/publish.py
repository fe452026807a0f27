"""Brings what was committed into the view, the history and the metrics. Runs after the commit, never before."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from prober.config import Config
from prober.store.base import RunRow
from prober.wire import Gap, Kind, Record

from .fold import Fold
from .history import MemoryHistory
from .plan import target_of
from .reviser import Revised
from .series import SeriesState
from .standing import Standing
from .verdict import Change, State
from .view import ProbeView, RegionView, ServiceView, View
from .voice import Voice

log = logging.getLogger(__name__)


class Exposing(Protocol):
    """What keeps the metrics; see prober/metrics."""

    def restructure(self, view: View) -> None: ...
    def take(self, series_number: int, record: Record) -> None: ...
    def gap(self, series_number: int, gap: Gap) -> None: ...
    def state(self, subject: str, state: State) -> None: ...


class Publisher:
    """Keeps view, history and metrics in step with the store."""

    def __init__(self, view: View, history: MemoryHistory, exposition: Exposing) -> None:
        self.view = view
        self._history = history
        self._exposition = exposition
        self._series: Mapping[int, SeriesState] = {}
        self._regions: dict[int, RegionView] = {}
        self._fold = Fold([], [])
        self.voice = Voice()

    def configure(self, config: Config, series: Mapping[int, SeriesState], fold: Fold) -> None:
        """Show another configuration; counters and last results of series that stay are kept."""
        before = {
            region.series: region for probe in self.view.probes.values() for region in probe.regions.values()
        }
        self._series, self._fold = series, fold
        self.view.config = config
        self.view.probes = {
            probe.name: ProbeView(probe=probe, target=target_of(probe)) for probe in config.probes
        }
        self.view.services = {service.name: ServiceView(service=service) for service in config.services}
        for number, state in series.items():
            region = before.get(number) or RegionView(series=number, region=state.row.region)
            self.view.probes[state.row.probe].regions[state.row.region] = region
        self._regions = {
            region.series: region for probe in self.view.probes.values() for region in probe.regions.values()
        }
        self._copy_standings(fold)
        self.view.version += 1
        self._exposition.restructure(self.view)

    def committed(
        self,
        records: list[Record],
        gaps: list[Gap],
        changes: list[Change],
        closed: list[RunRow],
        late: Sequence[Record] = (),
    ) -> None:
        """Take in what is now on record; what came `late` is counted and is not the newest of anything."""
        self._history.committed(closed, self._series)
        for record in late:
            self._count_result(record)
        for record in records:
            self._show_result(record)
        for gap in gaps:
            self._show_gap(gap)
        for change in changes:
            self._show_change(change)
        for name in {_probe_of(change.subject) for change in changes}:
            self._refresh_reason(name)
        self.voice.say(records, changes, self._series)
        self.view.version += 1

    def revised(self, revised: Revised, revision: int) -> list[Change]:
        """Take in what late results changed about the past; what it changes about the present is told and returned."""
        for number, runs in revised.runs.items():
            self._history.revise(revised.rows[number], runs)
        changes = list(self._stand_otherwise(revised))
        for change in changes:
            self._show_change(change)
        for name in revised.probes:
            self._refresh_reason(name)
        self.voice.say((), changes, self._series)
        if revised.writes.withdrawn or revised.writes.changes:
            log.info(
                "late results changed what is said of the past",
                extra={
                    "revision": revision,
                    "since_us": revised.from_us,
                    "probes": len(revised.probes),
                    "withdrawn": len(revised.writes.withdrawn),
                    "changes": len(revised.writes.changes),
                },
            )
        self.view.revisions = revision
        self.view.version += 1
        return changes

    def _stand_otherwise(self, revised: Revised) -> Iterator[Change]:
        """Yield what is shown as standing otherwise than it does now."""
        for subject in revised.fold.subjects:
            shown, standing = self._shown(subject), self._fold.standing(subject)
            if shown is None or standing is None:
                continue
            if shown.state is not standing.state:
                yield Change(
                    subject=subject,
                    before=shown.state,
                    after=standing.state,
                    at_us=standing.since_us,
                    noted_us=revised.fold.clock_us,
                    because=standing.because,
                )
            _copy(standing, shown)

    def _show_result(self, record: Record) -> None:
        region = self._regions.get(record.series)
        if region is None:
            return
        region.last = record.result
        region.last_kind, region.last_slot, region.last_late_us = record.kind, record.slot, record.late_us
        self._count_result(record)

    def _count_result(self, record: Record) -> None:
        region = self._regions.get(record.series)
        if region is None:
            return
        if record.kind == Kind.SCHEDULED:
            outcome = record.result.outcome.value
            region.outcomes[outcome] = region.outcomes.get(outcome, 0) + 1
            region.fates[outcome] = region.fates.get(outcome, 0) + 1
        self._exposition.take(record.series, record)

    def _show_gap(self, gap: Gap) -> None:
        region = self._regions.get(gap.series)
        if region is not None:
            region.fates[gap.reason] = region.fates.get(gap.reason, 0) + gap.last - gap.first + 1
            self._exposition.gap(gap.series, gap)

    def _show_change(self, change: Change) -> None:
        shown = self._shown(change.subject)
        if shown is not None:
            shown.state, shown.since_us, shown.because = change.after, change.at_us, change.because
            self._exposition.state(change.subject, change.after)

    def _shown(self, subject: str) -> RegionView | ProbeView | ServiceView | None:
        kind, _, name = subject.partition(":")
        if kind == "region":
            probe, _, region = name.rpartition("@")
            return self.view.probes[probe].regions.get(region) if probe in self.view.probes else None
        return self.view.probes.get(name) if kind == "probe" else self.view.services.get(name)

    def _refresh_reason(self, name: str) -> None:
        """A probe's reason changes with its regions even where its state does not."""
        if name in self.view.probes:
            self.view.probes[name].because = self._fold.probe(name).because
            for service in self.view.services.values():
                if name in service.service.probes:
                    service.because = self._fold.service(service.service.name).because

    def _copy_standings(self, fold: Fold) -> None:
        for name, probe in self.view.probes.items():
            _copy(fold.probe(name), probe)
            for region_name, region in probe.regions.items():
                _copy(fold.region(name, region_name), region)
        for name, service in self.view.services.items():
            _copy(fold.service(name), service)


def _probe_of(subject: str) -> str:
    kind, _, name = subject.partition(":")
    return name.rpartition("@")[0] if kind == "region" else name


def _copy(standing: Standing, shown: RegionView | ProbeView | ServiceView) -> None:
    shown.state, shown.since_us, shown.because = standing.state, standing.since_us, standing.because
