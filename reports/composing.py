"""How timelines of probes make up a service and a contract, and what a timeline comes to over a set of intervals.

Shared by the methods that measure time. Not here: where a probe's timeline comes from (`methods`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction

from reports.contract import Contract, ProbeTerms, ServiceTerms
from reports.figures import Figures
from reports.intervals import Intervals, length
from reports.quorum import agree
from reports.timeline import Mark, Timeline

OfProbe = Callable[[ProbeTerms], Timeline]
"""The timeline of a probe, by whatever method."""


def service_of(service: ServiceTerms, of_probe: OfProbe) -> Timeline:
    """Return the timeline of a service that is down where enough of its probes are."""
    return agree([of_probe(probe) for probe in service.probes], service.needed)


def contract_of(contract: Contract, of_probe: OfProbe) -> Timeline:
    """Return the timeline of a contract; several services are all needed."""
    return agree([service_of(service, of_probe) for service in contract.services], 1)


def sums(timeline: Timeline, intervals: Intervals) -> tuple[int, int, int, int, int]:
    """Return the microseconds of each mark, in the order of marks."""
    starts, marks = timeline.starts, timeline.marks
    found = [0, 0, 0, 0, 0]
    for at_us, end_us in intervals:
        index = bisect_right(starts, at_us)
        while index < len(starts) and starts[index] < end_us:
            found[marks[index - 1]] += starts[index] - at_us
            at_us = starts[index]
            index += 1
        found[marks[index - 1]] += end_us - at_us
    return found[0], found[1], found[2], found[3], found[4]


def over_time(timeline: Timeline, eligible: Intervals, total_us: int) -> Figures:
    """Return the figures of measured time, in microseconds, over the eligible part of a period."""
    by_mark = sums(timeline, eligible)
    down = by_mark[Mark.EDGE_DOWN] + by_mark[Mark.CORE]
    return Figures(
        unit="us",
        total=Fraction(total_us),
        span=Fraction(length(eligible)),
        sure=Fraction(by_mark[Mark.CORE]),
        down=Fraction(down),
        possible=Fraction(down + by_mark[Mark.UNKNOWN] + by_mark[Mark.EDGE_UP]),
        unknown=Fraction(by_mark[Mark.UNKNOWN]),
    )
