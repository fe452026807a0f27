"""WEIGHTED: down time of each region, probe or service, by weight. The weights of time, never of percentages.

A region as a member is the services composed from what was seen from it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

from reports.composing import contract_of, over_time
from reports.contract import Contract, ProbeTerms, ServiceTerms, Weighted
from reports.figures import Figures
from reports.intervals import Interval, Intervals
from reports.methods.time import probe_timeline, region_track, service_timeline
from reports.quorum import agree
from reports.timeline import Timeline, Trace
from reports.track import Tracks


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return the weighted sums of all members; see `methods.figures`."""
    parts = [
        _times(over_time(member, eligible, total_us), weight) for member, weight in _members(contract, tracks)
    ]
    return Figures(
        unit="us",
        total=sum((part.total for part in parts), Fraction(0)),
        span=sum((part.span for part in parts), Fraction(0)),
        sure=sum((part.sure for part in parts), Fraction(0)),
        down=sum((part.down for part in parts), Fraction(0)),
        possible=sum((part.possible for part in parts), Fraction(0)),
        unknown=sum((part.unknown for part in parts), Fraction(0)),
    )


def timeline(contract: Contract, tracks: Tracks, within: Interval | None = None) -> Timeline:
    """Return the verdict over time with all of the members needed."""
    return agree([member for member, _ in _members(contract, tracks)], 1)


def _members(contract: Contract, tracks: Tracks) -> list[tuple[Timeline, Fraction]]:
    method = contract.method
    assert isinstance(method, Weighted)
    of_member = _BY[method.by](contract, tracks)
    return [(of_member(name), weight) for name, weight in method.weights]


def _times(figures: Figures, weight: Fraction) -> Figures:
    return Figures(
        unit=figures.unit,
        total=figures.total * weight,
        span=figures.span * weight,
        sure=figures.sure * weight,
        down=figures.down * weight,
        possible=figures.possible * weight,
        unknown=figures.unknown * weight,
    )


def _regions(contract: Contract, tracks: Tracks) -> Callable[[str], Timeline]:
    return partial(_region, contract, tracks)


def _region(contract: Contract, tracks: Tracks, region: str) -> Timeline:
    """Return the services as seen from one region; probes that do not run there are no part of them."""
    services = [
        replace(service, probes=probes, needed=min(service.needed, len(probes)))
        for service in contract.services
        if (probes := tuple(probe for probe in service.probes if region in probe.regions))
    ]
    if not services:
        return Trace().timeline()

    def of_probe(probe: ProbeTerms) -> Timeline:
        track = tracks.get((probe.name, region))
        return region_track(contract, track) if track else Trace().timeline()

    return contract_of(replace(contract, services=tuple(services)), of_probe)


def _probes(contract: Contract, tracks: Tracks) -> Callable[[str], Timeline]:
    terms = {probe.name: probe for probe in contract.probes()}
    return lambda name: probe_timeline(contract, terms[name], tracks)


def _services(contract: Contract, tracks: Tracks) -> Callable[[str], Timeline]:
    terms: dict[str, ServiceTerms] = {service.name: service for service in contract.services}
    return lambda name: service_timeline(contract, terms[name], tracks)


_BY = {"regions": _regions, "probes": _probes, "services": _services}
