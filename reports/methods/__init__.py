"""The figures of a contract, by the method it names: one method a file, found by the class of its options.

Every method runs one formula three times: with all that is unknown taken as down, as measured, and taken as up.
"""

from __future__ import annotations

from collections.abc import Callable

from reports.contract import Contract, Method, Minutes, Periods, Requests, Slices, Time, Weighted
from reports.figures import Figures
from reports.intervals import Interval, Intervals
from reports.methods import minutes, periods, requests, slices, time, weighted
from reports.methods.time import probe_timeline, region_track, service_timeline
from reports.timeline import Timeline
from reports.track import Tracks

__all__ = ["figures", "probe_timeline", "region_track", "service_timeline", "timeline_of"]

_FIGURES: dict[type[Method], Callable[[Contract, Tracks, Intervals, int, int, int], Figures]] = {
    Time: time.figures,
    Minutes: minutes.figures,
    Periods: periods.figures,
    Requests: requests.figures,
    Slices: slices.figures,
    Weighted: weighted.figures,
}
_TIMELINES: dict[type[Method], Callable[[Contract, Tracks, Interval | None], Timeline]] = {
    Minutes: minutes.timeline,
    Periods: periods.timeline,
    Weighted: weighted.timeline,
}


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return the figures of [start_us, end_us): its eligible part is `eligible`, N of time `total_us`.

    Tracks may reach beyond the period, and should: what began before and what ended after decides at its edges.
    """
    return _FIGURES[type(contract.method)](contract, tracks, eligible, total_us, start_us, end_us)


def timeline_of(contract: Contract, tracks: Tracks, within: Interval | None = None) -> Timeline:
    """Return the contract's verdict over time, for outages, days and the budget.

    Methods that count attempts have that of `time`; a weighted one takes all members as needed. With `within` only
    marks in that interval are right, which saves minutes from being looked at that nobody asked for.
    """
    return _TIMELINES.get(type(contract.method), time.timeline)(contract, tracks, within)
