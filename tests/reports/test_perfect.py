"""What a perfect period leaves in doubt, against the methods themselves on grids of agents where every run passed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from support.tracks import MINUTE, S, contract, era, probe, results, track, tracks, whole

from prober.agent.grid import Grid
from reports.contract import Contract, Method, Minutes, Periods, ProbeTerms, Slices, Time, Weighted
from reports.perfect import perfect
from reports.track import Track

SLOTS = 3_000
ALL = Fraction(1)


def _passed(terms: ProbeTerms, region: str, gap_us: int) -> Track:
    """Return a region that ran each slot at once and passed."""
    grid = Grid(b"seed", terms.name, region, terms.regions, terms.interval_us, terms.schedule)
    seen = results(grid, 0, SLOTS)
    regions, interval_us = len(terms.regions), terms.interval_us
    return track(
        region,
        era(grid, seen, interval_us, schedule=terms.schedule, regions=regions, break_us=gap_us),
        probe=terms.name,
    )


def _lost(terms: Contract) -> float:
    """Return the share that the method's lowest figure lacks in a period of many slots.

    Intervals that do not divide a minute meet it in every phase within the period; others keep the one they have.
    """
    seen = [
        _passed(each, region, terms.gap_of(each.interval_us))
        for each in terms.probes()
        for region in each.regions
    ]
    slowest_us = min(each.interval_us for each in terms.probes())
    lowest = whole(terms, tracks(*seen), 10 * MINUTE, (SLOTS - 10) * slowest_us).lowest
    assert lowest is not None
    return float(1 - lowest)


def _three(schedule: str = "stratified", needed: int = 2, seconds: int = 60, name: str = "web") -> ProbeTerms:
    return probe("a", "b", "c", needed=needed, schedule=schedule, interval_us=seconds * S, name=name)


def _one(schedule: str = "stratified", seconds: int = 60, name: str = "web") -> ProbeTerms:
    return probe("a", schedule=schedule, interval_us=seconds * S, name=name)


WEIGHTS = (("a", Fraction(2)), ("b", Fraction(1)), ("c", Fraction(1)))


@pytest.mark.parametrize(
    ("method", "probes", "more"),
    [
        (Time(), [_one()], {"gap_us": 90 * S}),
        (Time(), [_three()], {"gap_us": 70 * S}),
        (Time(), [_three("round")], {"gap_us": 100 * S}),
        (Time(), [_three("fixed")], {"gap_us": 60 * S}),
        (Time(), [_three()], {"gap_us": 30 * S, "quorum": "pooled"}),
        (Time(), [_one(), _one(name="db")], {"gap_us": 90 * S}),
        (Time(), [_three()], {}),
        (Weighted(by="regions", weights=WEIGHTS), [_three()], {"gap_us": 90 * S}),
        (Minutes(threshold=ALL), [_one(seconds=61)], {}),
        (Minutes(threshold=ALL), [_three(seconds=61)], {}),
        (Minutes(threshold=ALL), [_three(seconds=61, needed=1)], {}),
        (Minutes(threshold=ALL), [_three("round", seconds=61)], {}),
        (Minutes(threshold=ALL), [_three("fixed", seconds=91)], {}),
        (Minutes(threshold=ALL), [_three(seconds=19, needed=1)], {}),
        (Minutes(threshold=ALL, min_attempts=2), [_three(seconds=61)], {"quorum": "pooled"}),
        (Minutes(threshold=ALL, min_attempts=2), [_one(seconds=41)], {}),
        (Periods(minutes=2), [_one(seconds=91)], {}),
        (Periods(minutes=2), [_one(seconds=61)], {}),
        (Slices(length_us=60 * S, empty="unknown"), [_one(seconds=61)], {}),
        (Slices(length_us=60 * S, empty="unknown"), [_three(seconds=181)], {}),
        (Slices(length_us=60 * S), [_three(seconds=181)], {}),
    ],
)
def test_the_expected_loss_is_what_the_method_makes_of_perfect_runs(
    method: Method, probes: list[ProbeTerms], more: dict[str, object]
):
    terms = contract(*probes, method=method, **more)
    expected = float(perfect(terms).share)
    lost = _lost(terms)
    assert lost == pytest.approx(expected, abs=0.025)
    assert lost == 0 or expected > 0
