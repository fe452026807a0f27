"""Worked examples of the method: a 30-day month, results of no length, exact figures computed by hand.

Each one is a month of results with the given ones replaced; the figures are those of the whole month.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

import pytest
from support.raw_rows import Row, stretches_of

from reports.availability import Availability
from reports.evidence import Verdict, Window
from reports.ledger import Ledger
from reports.quorum import agree
from reports.timeline import Timeline, region_timeline

SECOND_US = 1_000_000
MONTH_SECONDS = 2_592_000
MONTH = Window(0, MONTH_SECONDS * SECOND_US)


def _region(
    *, bad: Collection[int] = (), missed: Collection[int] = (), every: int = 60, offset: int = 0
) -> Timeline:
    """Return a region that looks each `every` seconds, before and after the month too."""
    rows = [
        Row(at * SECOND_US, at * SECOND_US, Verdict.BAD if at in bad else Verdict.GOOD)
        for at in range(offset - every, MONTH_SECONDS + every + 1, every)
        if at not in missed
    ]
    return region_timeline(stretches_of(rows, 2 * every * SECOND_US), 2 * every * SECOND_US)


def _month(timeline: Timeline) -> Availability:
    return Ledger.of(timeline).availability(MONTH)


def _bounds(figures: Availability) -> tuple[int, int]:
    """Return the sure and the possible down time in whole seconds."""
    assert figures.sure_us % SECOND_US == figures.possible_us % SECOND_US == 0
    return figures.sure_us // SECOND_US, figures.possible_us // SECOND_US


def _finding(figures: Availability, claim: str) -> str:
    assert figures.lowest is not None
    assert figures.highest is not None
    if figures.lowest >= Fraction(claim):
        return "backed"
    return "broken" if figures.highest < Fraction(claim) else "not proven"


def test_example_1_three_failures_in_a_row():
    figures = _month(_region(bad={660, 720, 780}))
    assert _bounds(figures) == (120, 240)
    assert (figures.lowest, figures.highest) == (Fraction(10799, 10800), Fraction(21599, 21600))
    assert figures.measured == 1 - Fraction(180, MONTH_SECONDS)
    assert figures.coverage == 1
    assert [_finding(figures, claim) for claim in ("0.9999", "0.99995", "0.99999")] == [
        "backed",
        "not proven",
        "broken",
    ]


def test_example_2_a_gap_of_five_minutes():
    figures = _month(_region(missed={1020, 1080, 1140, 1200}))
    assert _bounds(figures) == (0, 300)
    assert figures.unknown_us == 300 * SECOND_US
    assert (figures.lowest, figures.measured, figures.highest) == (Fraction(8639, 8640), 1, 1)
    assert figures.coverage == Fraction(8639, 8640)
    assert [_finding(figures, claim) for claim in ("0.9999", "0.999")] == ["not proven", "backed"]


def test_example_3_six_failures_in_a_row():
    figures = _month(_region(bad=range(600, 960, 60)))
    assert _bounds(figures) == (300, 420)
    assert (figures.lowest, figures.highest) == (Fraction(43193, 43200), Fraction(8639, 8640))
    assert [_finding(figures, claim) for claim in ("0.9999", "0.9995")] == ["broken", "backed"]


@pytest.mark.parametrize(
    ("failures", "bounds", "finding"),
    [
        (53, (2496, 2592), "backed"),
        (54, (2544, 2640), "not proven"),
        (55, (2592, 2688), "not proven"),
        (56, (2640, 2736), "broken"),
    ],
)
def test_example_4_on_the_edges_of_the_budget(failures, bounds, finding):
    figures = _month(_region(bad=range(4800, 4800 + 48 * failures, 48), every=48))
    assert _bounds(figures) == bounds
    assert _finding(figures, "0.999") == finding


def test_example_5_three_staggered_regions_two_must_agree():
    regions = [
        _region(bad={120, 180}),
        _region(bad={140}, offset=20),
        _region(bad={100, 160}, offset=40),
    ]
    assert _bounds(_month(agree(regions, 2))) == (40, 160)


def test_example_5_pooled_as_one_sequence():
    assert _bounds(_month(_region(bad=range(100, 181, 20), every=20))) == (80, 120)


def test_example_6_an_offline_region_alone_proves_nothing_against_the_service():
    offline = region_timeline([], 1)
    figures = _month(agree([_region(), _region(), offline], 2))
    assert _bounds(figures) == (0, 0)
    assert (figures.lowest, figures.coverage) == (1, 1)


@pytest.mark.parametrize(
    ("failing", "bounds", "finding"),
    [({660}, (0, 120), "backed"), (set(range(660, 900, 60)), (0, 300), "not proven")],
)
def test_example_6_an_offline_region_makes_a_single_failing_one_ambiguous(failing, bounds, finding):
    offline = region_timeline([], 1)
    figures = _month(agree([_region(bad=failing), _region(), offline], 2))
    assert _bounds(figures) == bounds
    assert figures.unknown_us == len(failing) * 60 * SECOND_US
    assert _finding(figures, "0.9999") == finding


def test_example_6_with_the_third_region_online_one_failing_region_is_no_outage():
    assert _bounds(_month(agree([_region(bad={660}), _region(), _region()], 2))) == (0, 0)
