"""REQUESTS: good attempts over all attempts, of all probes and regions of the contract.

Scheduled attempts only: retries and rechecks are none, and neither are failures of the classes that are ignored.
"""

from __future__ import annotations

from fractions import Fraction

from reports.contract import Contract, Requests
from reports.counting import Tally, probe_lanes, tally_lanes
from reports.figures import Figures
from reports.intervals import Intervals
from reports.track import Tracks


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return the attempts due in the eligible part of the period; see `methods.figures`."""
    method = contract.method
    assert isinstance(method, Requests)
    found = Tally()
    for probe in contract.probes():
        for region in probe.regions:
            found += tally_lanes(probe_lanes(probe, tracks, region), eligible, method.ignored)
    return Figures(
        unit="attempts",
        total=Fraction(found.total),
        span=Fraction(found.total),
        sure=Fraction(found.bad),
        down=Fraction(found.bad),
        possible=Fraction(found.bad + found.unknown),
        unknown=Fraction(found.unknown),
    )
