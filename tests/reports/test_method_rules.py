"""The rules of single methods, each on a small case worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby

import pytest
from support.tracks import (
    MINUTE,
    Even,
    S,
    Seen,
    contract,
    era,
    probe,
    results,
    seen,
    service,
    track,
    tracks,
    whole,
)

from reports.contract import Contract, Minutes, Periods, Slices, Weighted
from reports.evidence import Window
from reports.figures import Figures
from reports.intervals import length
from reports.methods import figures, probe_timeline, region_track, service_timeline, timeline_of
from reports.methods.minutes import Rule
from reports.methods.periods import runs_of
from reports.pooling import pooled_timeline
from reports.timeline import Mark, Timeline, Trace
from reports.track import Fate, Track, Tracks

HOUR = 60 * MINUTE
LETTERS = {"u": Mark.UP, "e": Mark.EDGE_UP, "?": Mark.UNKNOWN, "d": Mark.EDGE_DOWN, "D": Mark.CORE}
BY_MARK = {mark: letter for letter, mark in LETTERS.items()}


def _drawn(text: str) -> Timeline:
    """Return a timeline of minutes from minute 0 on, a letter each; unknown before and after."""
    trace = Trace()
    for minute, letter in enumerate(text):
        trace.put(minute * MINUTE, LETTERS[letter])
    trace.put(len(text) * MINUTE, Mark.UNKNOWN)
    return trace.timeline()


def _text(timeline: Timeline, minutes: int) -> str:
    spans = timeline.spans(Window(0, minutes * MINUTE))
    return "".join(BY_MARK[span.mark] * ((span.end_us - span.start_us) // MINUTE) for span in spans)


@pytest.mark.parametrize(
    ("counts", "threshold", "least", "mark"),
    [
        ((0, 2, 0), "1", 1, Mark.CORE),
        ((1, 1, 0), "1", 1, Mark.UP),
        ((0, 1, 1), "1", 1, Mark.EDGE_DOWN),
        ((1, 0, 1), "1", 1, Mark.UP),  # not all can have failed
        ((0, 0, 2), "1", 1, Mark.UNKNOWN),
        ((0, 0, 0), "1", 1, Mark.UNKNOWN),
        ((19, 1, 0), "0.05", 1, Mark.UP),  # exactly the threshold is not above it
        ((18, 1, 0), "0.05", 1, Mark.CORE),
        ((19, 0, 2), "0.05", 1, Mark.EDGE_UP),
        ((1, 0, 0), "0.05", 2, Mark.UNKNOWN),
        ((1, 0, 1), "0.05", 2, Mark.UNKNOWN),
        ((0, 1, 1), "0.05", 2, Mark.CORE),  # half of them failed, whatever the other one did
        ((99, 0, 1), "0.05", 100, Mark.UP),
    ],
)
def test_the_verdict_on_a_minute(counts, threshold, least, mark):
    assert Rule(Fraction(threshold), least).mark(*counts) == mark


@pytest.mark.parametrize(
    ("minutes", "method", "expected"),
    [
        ("uuDDDuuuuu", Periods(minutes=3), "uuDDDuuuuu"),
        ("uuDDDuuuuu", Periods(minutes=4), "uuuuuuuuuu"),
        ("uuDDDuDuuu", Periods(minutes=3, good_minutes=2), "uuDDDDDuuu"),
        ("uuDDDuuDuu", Periods(minutes=3, good_minutes=2), "uuDDDuuuuu"),
        ("uuDuDDDuuu", Periods(minutes=3, good_minutes=2), "uuuuDDDuuu"),
        ("uDD?DDuuuu", Periods(minutes=3, unknown="break"), "uee?eeuuuu"),
        ("uDD?DDuuuu", Periods(minutes=3, unknown="bridge"), "udd?dduuuu"),
        ("uDD?DDuuuu", Periods(minutes=3, unknown="worst"), "uddddduuuu"),
        ("uDDD?DDDuu", Periods(minutes=3, unknown="break"), "uDDD?DDDuu"),
        ("uuDDD?Duuu", Periods(minutes=3, unknown="break", good_minutes=2), "uuDDDDDuuu"),
        ("udDDduuuuu", Periods(minutes=4), "udddduuuuu"),
        ("ueDDeuuuuu", Periods(minutes=4), "ueeeeuuuuu"),
        (
            "uDDDuuuuuu",
            Periods(minutes=3, good_minutes=2),
            "eDDDuuuuuu",
        ),  # if it was down all the time before
        ("uu?uu??uuu", Periods(minutes=2), "uuuuu??uuu"),
        ("uu?uu??uuu", Periods(minutes=2, unknown="worst"), "uuuuu??uuu"),
    ],
)
def test_which_runs_of_minutes_count(minutes, method, expected):
    assert _text(runs_of(_drawn(minutes), method), len(minutes)) == expected


def _month(*regions: Track, needed: int = 1, interval_us: int = MINUTE, **terms) -> tuple[Contract, Tracks]:
    each = probe(*(one.region for one in regions), needed=needed, interval_us=interval_us)
    return contract(each, **terms), tracks(*regions)


def _region(name: str = "fra", interval_us: int = MINUTE, last: int = 70, **odd) -> Track:
    grid = Even(interval_us)
    return track(name, era(grid, results(grid, -10, last, **odd), interval_us))


def test_a_run_is_qualified_on_its_full_length_and_only_then_cut_to_the_period():
    terms, found = _month(_region(bad=range(54, 66)), method=Periods(minutes=10))
    assert [whole(terms, found, *part).down for part in ((0, HOUR), (HOUR, 2 * HOUR))] == [6 * MINUTE] * 2
    terms, found = _month(_region(bad=range(56, 65)), method=Periods(minutes=10))
    assert [whole(terms, found, *part).down for part in ((0, HOUR), (HOUR, 2 * HOUR))] == [0, 0]


def test_an_excluded_part_of_a_down_minute_is_not_counted():
    terms, found = _month(_region(bad=[10]), method=Minutes(threshold=Fraction(1)))
    sums = whole(terms, found, 0, HOUR, (10 * MINUTE + 20 * S, 30 * MINUTE))
    assert (sums.down, sums.total) == (20 * S, HOUR - 20 * MINUTE + 20 * S)


def test_minutes_of_several_regions_are_voted_on_or_pooled():
    regions = [_region("a", bad=[10, 11]), _region("b", bad=[11]), _region("c")]
    rule = Minutes(threshold=Fraction("0.5"))
    terms, found = _month(*regions, needed=2, method=rule)
    assert whole(terms, found, 0, HOUR).down == MINUTE
    terms, found = _month(*regions, needed=1, method=Minutes(threshold=Fraction(1, 3)), quorum="pooled")
    assert whole(terms, found, 0, HOUR).down == MINUTE  # 1 of 3 is not above a third
    terms, found = _month(*regions, needed=3, method=Minutes(threshold=Fraction(1, 4)), quorum="pooled")
    assert whole(terms, found, 0, HOUR).down == 2 * MINUTE


def _slices(empty: str, found: Track, *excluded: tuple[int, int], length_us: int = 10 * MINUTE) -> Figures:
    terms, evidence = _month(found, method=Slices(length_us=length_us, empty=empty))
    return whole(terms, evidence, 0, HOUR, *excluded)


@pytest.mark.parametrize(
    ("empty", "total", "possible", "unknown"), [("zero", 12, 0, 0), ("skip", 6, 0, 0), ("unknown", 12, 6, 6)]
)
def test_slices_without_any_attempt(empty, total, possible, unknown):
    """Two slices of 5 min for each look of every 10 min: the second of each pair is empty."""
    found = _slices(empty, _region(interval_us=10 * MINUTE), length_us=5 * MINUTE)
    assert (found.total, found.possible, found.unknown) == (total, possible, unknown)
    assert found.measured == 1


def test_slices_of_unknown_attempts_only_are_unknown_whatever_is_said_of_empty_ones():
    for empty in ("zero", "skip", "unknown"):
        found = _slices(empty, _region(missed=range(10, 20), bad=[5]))
        assert (found.total, found.unknown) == (6, 1)
        assert (found.sure, found.down, found.possible) == (
            Fraction(1, 10),
            Fraction(1, 10),
            Fraction(11, 10),
        )
        assert found.measured == 1 - Fraction(1, 50)


def test_a_slice_that_is_cut_keeps_the_attempts_that_remain():
    found = _slices("zero", _region(bad=[5]), (0, 4 * MINUTE))
    assert (found.total, found.down) == (6, Fraction(1, 6))


def test_a_slice_with_no_eligible_time_is_none():
    found = _slices("zero", _region(bad=[5]), (0, 10 * MINUTE))
    assert (found.total, found.down) == (5, 0)


def test_slices_beside_what_was_imported_are_empty_where_it_has_no_attempt():
    slow, fast = Even(10 * MINUTE), Even(MINUTE)
    listed = era(slow, results(slow, 0, 3), 10 * MINUTE, imported=True)
    own = era(fast, results(fast, 40, 70), MINUTE, from_us=40 * MINUTE)
    found = _slices("skip", track("fra", listed, own), length_us=5 * MINUTE)
    assert (found.total, found.unknown) == (12 - 4, 0)


def test_several_services_of_one_contract_are_all_needed():
    found = tracks(_region(bad=[10, 11]), track("fra", *_region(bad=[20]).eras, probe="db"))
    parts = (service(probe("fra"), name="web"), service(probe("fra", name="db"), name="db"))
    assert whole(contract(*parts), found, 0, HOUR).down == 3 * MINUTE


def test_weighted_probes_and_services_count_each_by_its_own_quorum():
    regions = [_region("a", bad=range(10, 20)), _region("b")]
    found = tracks(*regions, *(track(each.region, *each.eras, probe="db") for each in regions))
    web, db = probe("a", "b", needed=1), probe("a", "b", needed=2, name="db")
    for by, parts in (
        ("probes", (service(web, db),)),
        ("services", (service(web, name="web"), service(db, name="db"))),
    ):
        method = Weighted(by=by, weights=(("web", Fraction(3)), ("db", Fraction(1, 2))))
        sums = whole(contract(*parts, method=method), found, 0, HOUR)
        assert (sums.total, sums.span) == (HOUR * Fraction(7, 2), HOUR * Fraction(7, 2))
        assert sums.down == 3 * 10 * MINUTE


def test_a_weighted_region_is_the_services_as_seen_from_it_alone():
    """All probes must fail; one of them does not run from b, where it is no part of the service."""
    parts = service(probe("a", "b", name="x"), probe("a", "b", name="y"), probe("a", name="z"), needed=3)
    found = tracks(
        *(track("a", *_region("a", bad=range(10, 15)).eras, probe=name) for name in "xyz"),
        track("b", *_region("b", bad=range(20, 30)).eras, probe="x"),
        track("b", *_region("b", bad=range(25, 35)).eras, probe="y"),
    )
    for region, minutes in (("a", 5), ("b", 5), ("c", None)):
        method = Weighted(by="regions", weights=((region, Fraction(2)),))
        sums = whole(contract(parts, method=method), found, 0, HOUR)
        assert sums.down == 2 * MINUTE * (minutes or 0)
        assert sums.has_data == (minutes is not None)


def test_a_weighted_contract_is_down_over_time_where_any_member_is():
    method = Weighted(by="regions", weights=(("a", Fraction(3)), ("b", Fraction(1))))
    terms, found = _month(
        _region("a", bad=range(10, 20)), _region("b", bad=range(40, 45)), needed=2, method=method
    )
    spans = timeline_of(terms, found).spans(Window(0, HOUR))
    down = [span for span in spans if span.mark >= Mark.EDGE_DOWN]
    assert sum(span.end_us - span.start_us for span in down) == 15 * MINUTE


def test_edges_are_widened_by_the_clock_error_on_either_side():
    sums = []
    for error_us in (0, 5 * S, 400 * S):
        terms, found = _month(_region(bad=[20, 21, 22]), clock_error_us=error_us)
        sums.append(whole(terms, found, 0, HOUR))
    assert [each.sure for each in sums] == [120 * S, 110 * S, 0]
    assert [each.possible for each in sums[:2]] == [240 * S, 250 * S]
    assert [each.down for each in sums] == [180 * S] * 3


def test_imported_time_gives_way_to_what_was_measured():
    grid = Even(MINUTE)
    listed = era(grid, results(grid, 0, 60, bad=range(20, 40)), MINUTE, imported=True, from_us=0)
    own = era(grid, results(grid, 30, 70), MINUTE, from_us=30 * MINUTE)
    for eras in ((listed, own), (own, listed)):
        terms, found = _month(track("fra", *eras))
        assert whole(terms, found, 0, HOUR).down == 10 * MINUTE + 30 * S


def test_the_gap_of_each_grid_is_twice_its_interval():
    slow, fast = Even(10 * MINUTE), Even(MINUTE)
    first = era(slow, results(slow, -3, 3), 10 * MINUTE)
    then = era(fast, results(fast, 30, 70, missed=range(50, 53)), MINUTE, from_us=30 * MINUTE)
    terms, found = _month(track("fra", first, then))
    assert whole(terms, found, 0, HOUR).unknown == 4 * MINUTE


# Pooled sequences.

GRIDS = {"a": Even(MINUTE), "b": Even(MINUTE, 20 * S), "c": Even(MINUTE, 40 * S)}


def _pooled(rows: dict[str, list[Seen]], spans: Iterable[tuple[int, int]] = ()) -> Timeline:
    eras = [era(GRIDS[name], each, MINUTE, shot_spans=tuple(spans)) for name, each in rows.items()]
    return pooled_timeline(eras, 2 * MINUTE, 10 * S)


def _marked(timeline: Timeline) -> dict[Mark, int]:
    spans = sorted(timeline.spans(Window(0, HOUR)), key=lambda span: span.mark)
    return {
        mark: length((span.start_us, span.end_us) for span in each)
        for mark, each in groupby(spans, key=lambda span: span.mark)
    }


def test_pooled_regions_that_passed_are_one_run():
    rows = {name: results(grid, -5, 65) for name, grid in GRIDS.items()}
    assert _marked(_pooled(rows)) == {Mark.UP: HOUR}


def test_a_pooled_sequence_has_a_gap_only_where_no_region_looked():
    rows = {name: results(grid, -5, 65, missed=range(10, 20)) for name, grid in GRIDS.items()}
    rows["a"] = results(GRIDS["a"], -5, 65, missed=range(10, 15))
    assert _marked(_pooled(rows))[Mark.UNKNOWN] == 15 * MINUTE - (9 * MINUTE + 40 * S)


def test_pooled_runs_of_opposite_verdict_that_overlap_are_unknown_without_single_results():
    rows = {name: results(grid, -5, 65) for name, grid in GRIDS.items()}
    rows["a"] = results(GRIDS["a"], -5, 65, bad=[20, 21])
    far = _marked(_pooled(rows))
    assert far.keys().isdisjoint({Mark.EDGE_DOWN, Mark.CORE})
    assert far[Mark.UNKNOWN] >= 5 * MINUTE
    near = _marked(_pooled(rows, [(10 * MINUTE, 30 * MINUTE)]))
    assert near == {Mark.UP: HOUR - 80 * S, Mark.EDGE_UP: 40 * S, Mark.EDGE_DOWN: 40 * S}


def test_passed_runs_that_end_nobody_knows_where_beside_a_failure_prove_nothing_within_the_gap():
    rows = {name: results(grid, -5, 65) for name, grid in GRIDS.items()}
    rows["b"] = results(GRIDS["b"], -5, 65, bad=[20])
    begin_us, end_us = 20 * MINUTE + 19 * S, 20 * MINUTE + 21 * S  # holds the failure alone
    found = _pooled(rows, [(begin_us, end_us)])
    up = [(span.start_us, span.end_us) for span in found.spans(Window(0, HOUR)) if span.mark is Mark.UP]
    assert up == [(0, begin_us - 2 * MINUTE), (end_us + 2 * MINUTE + 10 * S, HOUR)]


def test_a_pooled_outage_that_every_region_saw_needs_no_single_results():
    rows = {name: results(grid, -5, 65, bad=range(20, 30)) for name, grid in GRIDS.items()}
    assert _marked(_pooled(rows)) == _marked(_pooled(rows, [(0, HOUR)]))
    assert _marked(_pooled(rows))[Mark.CORE] == 9 * MINUTE + 40 * S


def test_a_retry_in_another_region_sharpens_the_edge_of_a_pooled_outage():
    rows = {name: results(grid, -5, 65, bad=range(20, 30)) for name, grid in GRIDS.items()}
    recheck = Seen(19 * MINUTE + 55 * S, 19 * MINUTE + 55 * S, Fate.BAD)
    rows["b"].append(recheck)
    found = _pooled(rows, [(15 * MINUTE, 35 * MINUTE)])
    assert _marked(found)[Mark.CORE] == 9 * MINUTE + 45 * S


def test_of_pooled_grids_in_force_at_one_instant_the_closer_one_is_believed_whatever_the_order_of_regions():
    close = era(Even(30 * S), results(Even(30 * S), -5, 130), 30 * S)
    one = track("a", *_region("a", bad=[20, 21, 22]).eras)
    for regions in ((one, track("b", close)), (track("b", close), one)):
        terms, found = _month(*regions, quorum="pooled")
        assert whole(terms, found, 0, HOUR).possible == 0


# What callers ask for.


def test_a_period_that_nobody_measured_has_no_figures_and_no_verdict_for_any_of_its_time():
    terms, _ = _month(_region())
    found = figures(terms, {}, ((0, HOUR),), HOUR, 0, HOUR)
    assert (found.lowest, found.measured, found.highest, found.coverage) == (None, None, None, 0)
    assert [span.mark for span in timeline_of(terms, {}).spans(Window(0, HOUR))] == [Mark.UNKNOWN]


def test_a_period_with_no_eligible_time_has_no_figures():
    terms, found = _month(_region())
    sums = figures(terms, found, (), HOUR, 0, HOUR)
    assert (sums.has_data, sums.span) == (False, 0)


def test_timelines_of_region_probe_and_service_are_to_be_had_on_their_own():
    one = service(probe("a", "b", needed=2), probe("a", name="db"), needed=1)
    terms = contract(one)
    rows = [seen(Even(MINUTE), slot, Fate.BAD if 10 <= slot < 15 else Fate.GOOD) for slot in range(-5, 66)]
    found = tracks(
        track("a", era(Even(MINUTE), rows, MINUTE)),
        _region("b"),
        track("a", era(Even(MINUTE), rows, MINUTE), probe="db"),
    )
    lost = [
        _marked(region_track(terms, found["web", "a"])),
        _marked(probe_timeline(terms, one.probes[0], found)),
        _marked(service_timeline(terms, one, found)),
    ]
    assert [each.get(Mark.CORE, 0) for each in lost] == [4 * MINUTE, 0, 4 * MINUTE]
