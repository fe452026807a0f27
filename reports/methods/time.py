"""TIME: the share of time that the service was down, from marks over all of time.

A region's marks come from its runs; regions agree, probes make up the service, and what is left is a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from reports.composing import contract_of, over_time, service_of
from reports.contract import Contract, ProbeTerms, ServiceTerms
from reports.figures import Figures
from reports.intervals import Interval, Intervals
from reports.overlay import overlay
from reports.pooling import pooled_timeline
from reports.quorum import agree
from reports.timeline import Mark, Timeline, Trace, region_timeline
from reports.track import Era, Track, Tracks

_HALOS = {Mark.CORE: int(Mark.EDGE_DOWN), Mark.UP: int(Mark.EDGE_UP)}


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return down time over the whole; see `methods.figures`."""
    return over_time(timeline(contract, tracks), eligible, total_us)


def timeline(contract: Contract, tracks: Tracks, within: Interval | None = None) -> Timeline:
    """Return the verdict over time; a contract that is weighted by members has all of its services needed."""
    return contract_of(contract, partial(_probe, contract, tracks))


def service_timeline(contract: Contract, service: ServiceTerms, tracks: Tracks) -> Timeline:
    """Return the timeline of one service under the contract's rules."""
    return service_of(service, partial(_probe, contract, tracks))


def probe_timeline(contract: Contract, probe: ProbeTerms, tracks: Tracks) -> Timeline:
    """Return the timeline of one probe: its regions by their quorum, or pooled, as the contract says."""
    found = [tracks[probe.name, region] for region in probe.regions if (probe.name, region) in tracks]
    if contract.quorum == "pooled":
        return _pooled(contract, probe, found)
    missing = len(probe.regions) - len(found)
    regions = [region_track(contract, track) for track in found]
    return agree([*regions, *[Trace().timeline()] * missing], probe.needed)


def region_track(contract: Contract, track: Track) -> Timeline:
    """Return the timeline of one probe in one region, over all of its eras."""
    eras = [region_timeline(era.stretches, contract.gap_of(era.interval_us)) for era in _in_order(track.eras)]
    return widened(overlay(eras), contract.clock_error_us) if eras else Trace().timeline()


def widened(timeline: Timeline, error_us: int) -> Timeline:
    """Return the timeline with all that is sure drawn in by the clock error on either side."""
    if not error_us:
        return timeline
    trace = Trace()
    for (at_us, end_us), mark in zip(pairwise(timeline.starts[1:]), timeline.marks[1:], strict=False):
        halo = _HALOS.get(Mark(mark))
        trace.put(at_us, mark if halo is None else halo)
        if halo is not None and at_us + error_us < end_us - error_us:
            trace.put(at_us + error_us, mark)
            trace.put(end_us - error_us, halo)
    if len(timeline.starts) > 1:
        trace.put(timeline.starts[-1], timeline.marks[-1])
    return trace.timeline()


def _probe(contract: Contract, tracks: Tracks, probe: ProbeTerms) -> Timeline:
    return probe_timeline(contract, probe, tracks)


def _pooled(contract: Contract, probe: ProbeTerms, tracks: Sequence[Track]) -> Timeline:
    """Pool the eras of equal gap, and lay the sequences over each other by when they came into force."""
    groups: dict[tuple[bool, int], list[Era]] = {}
    for era in _in_order([era for track in tracks for era in track.eras]):
        groups.setdefault((era.imported, contract.gap_of(era.interval_us)), []).append(era)
    sequences = [
        pooled_timeline(eras, gap_us, probe.timeout_us, contract.clock_error_us)
        for (_, gap_us), eras in groups.items()
    ]
    return widened(overlay(sequences), contract.clock_error_us) if sequences else Trace().timeline()


def _in_order(eras: Sequence[Era]) -> list[Era]:
    """Return eras so that the one to be believed comes later.

    What was imported comes first, then by coming into force; of those of one instant the closer grid is believed.
    """
    return sorted(eras, key=lambda era: (not era.imported, era.from_us, -era.interval_us))
