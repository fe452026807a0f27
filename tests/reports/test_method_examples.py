"""Worked examples of the method by the engine of contracts: exact figures computed by hand, a test each.

A 30-day month of 2,592,000 s, results of no length, one look a minute unless said otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from fractions import Fraction

import pytest
from support.tracks import (
    DAY,
    MINUTE,
    MONTH,
    Even,
    S,
    contract,
    era,
    probe,
    results,
    track,
    tracks,
)

from reports.contract import Minutes, Periods, Requests, Slices, Weighted
from reports.figures import Figures, Finding
from reports.intervals import subtract
from reports.methods import figures
from reports.track import Track

N = 2_592_000


def _region(
    name: str = "fra",
    *,
    bad: Iterable[int] = (),
    missed: Iterable[int] = (),
    every: int = 60,
    offset: int = 0,
    **more,
) -> Track:
    """Return a region that looks each `every` seconds, before and after the month too; `bad` in seconds."""
    grid = Even(every * S, offset * S)
    slots = [[(at - offset) // every for at in each] for each in (bad, missed)]
    rows = results(grid, -2, N // every + 2, bad=slots[0], missed=slots[1])
    return track(name, era(grid, rows, every * S, from_us=-MONTH, **more))


def _month(*regions: Track, needed: int = 1, every: int = 60, total_us: int = MONTH, **terms) -> Figures:
    each = probe(*(region.region for region in regions), needed=needed, interval_us=every * S)
    return figures(contract(each, **terms), tracks(*regions), ((0, MONTH),), total_us, 0, MONTH)


def _bounds(found: Figures) -> tuple[Fraction, Fraction]:
    return found.sure / S, found.possible / S


def _findings(found: Figures, *claims: str) -> list[str]:
    return [found.finding(Fraction(claim)).value for claim in claims]


def test_example_1_three_failures_in_a_row():
    found = _month(_region(bad=[660, 720, 780]))
    assert _bounds(found) == (120, 240)
    assert (found.lowest, found.highest) == (Fraction(10799, 10800), Fraction(21599, 21600))
    assert (found.down, found.unknown, found.coverage) == (180 * S, 0, 1)
    assert _findings(found, "0.9999", "0.99995", "0.99999") == ["backed", "not_proven", "broken"]


def test_example_2_a_gap_of_five_minutes():
    found = _month(_region(missed=[1020, 1080, 1140, 1200]), gap_us=120 * S)
    assert (found.unknown, found.possible) == (300 * S, 300 * S)
    assert (found.lowest, found.measured, found.highest) == (Fraction(8639, 8640), 1, 1)
    assert _findings(found, "0.9999", "0.999") == ["not_proven", "backed"]


def test_example_3_six_failures_in_a_row():
    found = _month(_region(bad=range(600, 960, 60)))
    assert _bounds(found) == (300, 420)
    assert (found.lowest, found.highest) == (Fraction(43193, 43200), Fraction(8639, 8640))
    assert _findings(found, "0.9999", "0.9995") == ["broken", "backed"]


@pytest.mark.parametrize(
    ("failures", "bounds", "finding", "lowest", "highest"),
    [
        (53, (2496, 2592), "backed", Fraction(999, 1000), 1 - Fraction(2496, N)),
        (54, (2544, 2640), "not_proven", 1 - Fraction(2640, N), 1 - Fraction(2544, N)),
        (55, (2592, 2688), "not_proven", 1 - Fraction(2688, N), Fraction(999, 1000)),
        (56, (2640, 2736), "broken", 1 - Fraction(2736, N), 1 - Fraction(2640, N)),
    ],
)
def test_example_4_on_the_edges_of_the_budget(failures, bounds, finding, lowest, highest):
    found = _month(_region(bad=range(4800, 4800 + 48 * failures, 48), every=48), every=48)
    assert _bounds(found) == bounds
    assert (found.lowest, found.highest) == (lowest, highest)
    assert _findings(found, "0.999") == [finding]


def _staggered(**more) -> list[Track]:
    return [
        _region("a", bad=[120, 180], **more),
        _region("b", bad=[140], offset=20, **more),
        _region("c", bad=[100, 160], offset=40, **more),
    ]


def test_example_5_three_staggered_regions_two_must_agree():
    assert _bounds(_month(*_staggered(), needed=2)) == (40, 160)


@pytest.mark.parametrize("spans", [((-1000 * S, 1000 * S),), ((-20 * S, 300 * S),)])
def test_example_5_pooled_as_one_sequence(spans):
    assert _bounds(_month(*_staggered(shot_spans=spans), needed=2, quorum="pooled")) == (80, 120)


def test_example_6_an_offline_region_alone_proves_nothing_against_the_service():
    found = _month(_region("a"), _region("b"), track("c"), needed=2)
    assert _bounds(found) == (0, 0)
    assert (found.lowest, found.coverage) == (1, 1)
    assert _findings(found, "0.9999") == ["backed"]


@pytest.mark.parametrize(
    ("failing", "possible", "finding"), [([660], 120, "backed"), (range(660, 900, 60), 300, "not_proven")]
)
def test_example_6_an_offline_region_makes_a_single_failing_one_ambiguous(failing, possible, finding):
    found = _month(_region("a", bad=failing), _region("b"), track("c"), needed=2)
    assert _bounds(found) == (0, possible)
    assert _findings(found, "0.9999") == [finding]


def test_example_6_with_the_third_region_online_one_failing_region_is_no_outage():
    assert _bounds(_month(_region("a", bad=[660]), _region("b"), _region("c"), needed=2)) == (0, 0)


def _maintained(total_us: int) -> Figures:
    """Return the figures with 600 min of approved maintenance, down in it too, and 43 min down outside it."""
    window = (10 * DAY, 10 * DAY + 600 * MINUTE)
    down = [*range(20 * 86_400, 20 * 86_400 + 43 * 60, 60), *range(864_000 + 6000, 864_000 + 6600, 60)]
    terms = contract(probe("fra"), method=Minutes(threshold=Fraction(1)))
    eligible = subtract([(0, MONTH)], [window])
    return figures(terms, tracks(_region(bad=down)), eligible, total_us, 0, MONTH)


def test_example_7_maintenance_that_is_kept_in_the_whole():
    found = _maintained(MONTH)
    assert found.lowest == found.highest == Fraction(43157, 43200)
    assert _findings(found, "0.999") == ["backed"]


def test_example_7_maintenance_that_shrinks_the_whole():
    found = _maintained(MONTH - 600 * MINUTE)
    assert found.lowest == found.highest == Fraction(42557, 42600)
    assert _findings(found, "0.999") == ["broken"]


HALF = 30  # seconds: two attempts a minute
RUN = range(30_000, 30_600, HALF)
BAD_HALVES = [6_030, 12_000, 12_030, *RUN]


@pytest.mark.parametrize(
    ("method", "availability"),
    [
        (Minutes(threshold=Fraction(1)), Fraction(43189, 43200)),
        (Minutes(threshold=Fraction("0.05")), Fraction(3599, 3600)),
        (Periods(minutes=5), Fraction(4319, 4320)),
        (Periods(minutes=10), Fraction(4319, 4320)),
        (Periods(minutes=11), Fraction(1)),
        (Requests(), Fraction(86377, 86400)),
        (Slices(length_us=300 * S), Fraction(86377, 86400)),
    ],
)
def test_example_8_one_month_by_every_method_that_counts(method, availability):
    found = _month(_region(bad=BAD_HALVES, every=HALF), every=HALF, method=method)
    assert found.lowest == found.measured == found.highest == availability
    assert found.coverage == 1


class _Listed:
    """Slots due at given instants."""

    def __init__(self, times: list[int]) -> None:
        self.times = times

    def due_us(self, slot: int) -> int:
        if 0 <= slot < len(self.times):
            return self.times[slot]
        return -DAY if slot < 0 else 2 * MONTH

    def slot_at(self, at_us: int) -> int:
        return bisect_left(self.times, at_us)


@pytest.mark.parametrize(
    ("method", "availability"),
    [(Requests(), Fraction(86377, 86382)), (Slices(length_us=300 * S), Fraction(86377, 86400))],
)
def test_example_8_weighing_by_requests_hides_an_outage_in_which_traffic_stops(method, availability):
    times = [at for at in range(0, N, HALF) if at not in RUN or at % 300 == 0]
    grid = _Listed([at * S for at in times])
    bad = [place for place, at in enumerate(times) if at in set(BAD_HALVES)]
    rows = results(grid, 0, len(times) - 1, bad=bad)
    found = _month(track("fra", era(grid, rows, HALF * S, imported=True)), every=HALF, method=method)
    assert len(times) == 86382
    assert found.measured == availability
    assert found.unknown <= 18  # what was to be expected meanwhile is not hidden


@pytest.mark.parametrize(
    ("lost", "total", "availability", "finding"),
    [
        (Fraction("8.5"), 8640, Fraction(17263, 17280), "backed"),
        (Fraction("8.5"), 8640 - 288, Fraction(16687, 16704), "broken"),
        (Fraction("8.5") + 288, 8640, Fraction(16687, 17280), "broken"),
    ],
    ids=["zero", "skip", "down"],
)
def test_example_11_empty_slices_on_given_sums(lost, total, availability, finding):
    found = Figures(
        unit="slices", total=Fraction(total), span=Fraction(total), sure=lost, down=lost, possible=lost,
        unknown=Fraction(0),
    )  # fmt: skip
    assert found.lowest == found.measured == found.highest == availability
    assert found.finding(Fraction("0.999")) is Finding(finding)


def test_example_13_weighted_regions():
    method = Weighted(by="regions", weights=(("a", Fraction(5)), ("b", Fraction(3)), ("c", Fraction(2))))
    found = _month(
        _region("a"), _region("b", bad=range(6000, 9600, 60)), _region("c"), needed=2, method=method
    )
    assert found.total == 10 * MONTH
    assert found.down == 3 * 3600 * S
    assert found.measured == Fraction(2399, 2400)
    assert (found.lowest, found.highest) == (1 - Fraction(3 * 3660, 10 * N), 1 - Fraction(3 * 3540, 10 * N))


def test_example_14_sixty_minutes_of_a_month():
    found = _month(_region(bad=range(6000, 9600, 60)), method=Minutes(threshold=Fraction("0.05")))
    assert found.lowest == found.highest == Fraction(719, 720)
    assert _findings(found, "0.999") == ["broken"]
