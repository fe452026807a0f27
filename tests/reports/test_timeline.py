"""What one region's results say about every instant."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.histories import END_US, GAP_US, histories, windows
from support.raw_rows import Row, one, stretches_of

from reports.evidence import EvidenceError, Stretch, Verdict, Window
from reports.timeline import Mark, Span, region_spans, region_timeline

GOOD, BAD, VOID = Verdict.GOOD, Verdict.BAD, Verdict.VOID
EVERYTHING = Window(0, END_US)


def _spans(*rows: tuple[int, int, Verdict], gap_us: int = 10) -> list[tuple[int, int, str]]:
    spans = region_spans(stretches_of([Row(*row) for row in rows], gap_us), gap_us, Window(0, 100))
    return [(span.start_us, span.end_us, span.mark.name) for span in spans]


def test_an_outage_has_a_core_and_edges_from_the_starts_and_ends_of_its_results():
    spans = _spans(
        (10, 12, GOOD), (20, 22, GOOD), (30, 33, BAD), (40, 43, BAD), (50, 53, GOOD), (60, 61, GOOD)
    )
    assert spans == [
        (0, 10, "UNKNOWN"),
        (10, 12, "EDGE_UP"),
        (12, 20, "UP"),
        (20, 25, "EDGE_UP"),  # since the last good result began
        (25, 33, "EDGE_DOWN"),  # measured from halfway to the first failed one on
        (33, 40, "CORE"),  # from its end to the start of the last failed one
        (40, 45, "EDGE_DOWN"),  # measured until halfway to the first good one
        (45, 53, "EDGE_UP"),  # until that one ended
        (53, 60, "UP"),
        (60, 100, "UNKNOWN"),
    ]


def test_a_single_failure_has_no_core():
    spans = _spans((10, 12, GOOD), (20, 22, BAD), (30, 32, GOOD))
    assert spans == [
        (0, 10, "UNKNOWN"),
        (10, 15, "EDGE_UP"),
        (15, 25, "EDGE_DOWN"),
        (25, 30, "EDGE_UP"),
        (30, 100, "UNKNOWN"),
    ]


def test_an_odd_microsecond_between_two_verdicts_belongs_to_the_later_half():
    assert _spans((10, 10, GOOD), (13, 13, BAD), (18, 18, GOOD))[1:-1] == [
        (10, 11, "EDGE_UP"),
        (11, 15, "EDGE_DOWN"),
        (15, 18, "EDGE_UP"),
    ]


def test_next_to_unknown_time_an_outage_is_measured_from_and_to_its_own_results():
    spans = _spans((10, 10, GOOD), (21, 21, BAD), (31, 31, BAD), (42, 42, GOOD))
    assert spans == [(0, 21, "UNKNOWN"), (21, 31, "CORE"), (31, 100, "UNKNOWN")]


def test_a_spacing_of_exactly_the_gap_is_trusted():
    assert _spans((10, 10, GOOD), (20, 20, GOOD))[1] == (10, 20, "UP")


def test_a_spacing_over_the_gap_is_unknown_from_start_to_start():
    assert _spans((10, 10, GOOD), (21, 21, GOOD)) == [(0, 100, "UNKNOWN")]


def test_void_results_are_no_evidence_and_do_not_break_good_ones_within_the_gap():
    assert _spans((10, 10, GOOD), (15, 15, VOID), (20, 20, GOOD))[1] == (10, 20, "UP")


def test_a_void_result_does_not_bridge_a_gap():
    assert _spans((10, 10, GOOD), (18, 18, VOID), (26, 26, GOOD)) == [(0, 100, "UNKNOWN")]


def test_a_run_broken_in_two_stretches_has_one_core():
    stretches = [one(Row(10, 12, BAD)), one(Row(18, 20, BAD)), one(Row(26, 28, BAD))]
    marks = [(span.start_us, span.end_us, span.mark) for span in region_spans(stretches, 10, Window(10, 26))]
    assert marks == [(10, 12, Mark.EDGE_DOWN), (12, 26, Mark.CORE)]


def test_a_stretch_with_a_hole_over_the_gap_is_unknown_inside_and_counts_at_its_ends():
    holed = Stretch(first_us=10, first_end_us=11, last_us=50, last_end_us=51, verdict=GOOD, longest_gap_us=11)
    spans = region_spans([holed, one(Row(55, 56, GOOD))], 10, Window(10, 60))
    assert [(span.start_us, span.end_us, span.mark) for span in spans] == [
        (10, 50, Mark.UNKNOWN),
        (50, 51, Mark.EDGE_UP),
        (51, 55, Mark.UP),
        (55, 60, Mark.UNKNOWN),
    ]


def test_no_evidence_is_unknown_throughout():
    assert region_spans([], 10, Window(3, 9)) == (Span(3, 9, Mark.UNKNOWN),)


def test_overlapping_stretches_are_refused():
    with pytest.raises(EvidenceError, match="overlap at 15"):
        region_timeline(
            [
                Stretch(
                    first_us=10, first_end_us=10, last_us=20, last_end_us=20, verdict=GOOD, longest_gap_us=5
                ),
                one(Row(15, 15, BAD)),
            ],
            10,
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"first_us": 10, "first_end_us": 9, "last_us": 10, "last_end_us": 10},
        {"first_us": 10, "first_end_us": 10, "last_us": 20, "last_end_us": 19},
        {"first_us": 10, "first_end_us": 10, "last_us": 20, "last_end_us": 20, "longest_gap_us": 11},
        {"first_us": 10, "first_end_us": 10, "last_us": 20, "last_end_us": 20, "longest_gap_us": -1},
        {"first_us": 10, "first_end_us": 10, "last_us": 9, "last_end_us": 10},
    ],
)
def test_a_stretch_that_contradicts_itself_is_refused(fields):
    with pytest.raises(EvidenceError):
        Stretch(verdict=GOOD, **fields)


@given(histories(), windows())
def test_spans_tile_the_window_exactly_and_neighbours_differ(rows, window):
    spans = region_spans(stretches_of(rows, GAP_US), GAP_US, window)
    edges = [window.start_us, *(span.end_us for span in spans)]
    assert [span.start_us for span in spans] == edges[:-1]
    assert edges[-1] == window.end_us
    assert all(span.start_us < span.end_us for span in spans)
    assert all(before.mark is not after.mark for before, after in pairwise(spans))


@given(histories())
def test_each_instant_is_marked_as_its_neighbouring_results_say(rows):
    marks = _marks(stretches_of(rows, GAP_US), GAP_US)
    assert marks == [_mark_at(rows, at_us) for at_us in range(END_US)]


@given(histories(), st.integers(1, GAP_US))
def test_it_does_not_matter_where_the_writer_of_runs_breaks_them(rows, break_us):
    assert _marks(stretches_of(rows, break_us), GAP_US) == _marks(stretches_of(rows, GAP_US), GAP_US)


@given(histories())
@example([Row(1, 1, GOOD), Row(8, 8, GOOD), Row(9, 10, GOOD), Row(10, 10, VOID), Row(11, 11, GOOD)])
@example([Row(1, 1, BAD), Row(8, 8, BAD), Row(9, 10, BAD), Row(10, 10, VOID), Row(11, 11, BAD)])
def test_runs_with_holes_only_widen_the_bounds(rows):
    rows = _in_turn(rows)
    for coarse, exact in zip(
        _marks(stretches_of(rows, END_US), GAP_US), _marks(stretches_of(rows, GAP_US), GAP_US), strict=True
    ):
        # what went before the last result of a holed run is lost, so that one alone proves less than it could
        assert coarse in (exact, Mark.UNKNOWN, _EDGE_OF.get(exact))


def _in_turn(rows: list[Row]) -> list[Row]:
    """Let each result end before the next one starts, as those of one runner do."""
    cut = [row._replace(end_us=min(row.end_us, after.start_us)) for row, after in pairwise(rows)]
    return cut + rows[-1:]


_EDGE_OF = {Mark.UP: Mark.EDGE_UP, Mark.CORE: Mark.EDGE_DOWN}


def test_a_tail_that_begins_in_a_void_result_knows_the_good_one_before_it():
    stretches = [one(Row(10, 10, GOOD)), one(Row(15, 15, VOID)), one(Row(20, 20, GOOD))]
    assert list(region_timeline(stretches, 10, 17).spans(Window(17, 20))) == [Span(17, 20, Mark.UP)]


def test_a_tail_that_begins_in_the_midst_of_an_outage_stays_in_its_core():
    stretches = stretches_of([Row(at_us, at_us + 8, BAD) for at_us in (10, 20, 30)], 5)
    assert list(region_timeline(stretches, 10, 21).spans(Window(21, 30))) == [Span(21, 30, Mark.CORE)]


@settings(max_examples=300)
@given(histories(), st.integers(-5, END_US))
def test_a_tail_equals_the_whole_from_its_cut_on(rows, since_us):
    stretches = stretches_of(rows, GAP_US)
    window = Window(since_us, END_US + 5)
    whole = region_timeline(stretches, GAP_US)
    assert list(region_timeline(stretches, GAP_US, since_us).spans(window)) == list(whole.spans(window))


def _marks(stretches: list[Stretch], gap_us: int) -> list[Mark]:
    spans = region_spans(stretches, gap_us, EVERYTHING)
    return [span.mark for span in spans for _ in range(span.end_us - span.start_us)]


def _mark_at(rows: list[Row], at_us: int) -> Mark:
    """Judge one instant by the two usable results around it, from the definition and nothing else."""
    usable = [row for row in rows if row.verdict is not VOID]
    index = bisect_right([row.start_us for row in usable], at_us)
    if index in (0, len(usable)) or usable[index].start_us - usable[index - 1].start_us > GAP_US:
        return Mark.UNKNOWN
    before, after = usable[index - 1], usable[index]
    first = index - 1
    while (
        first and usable[first - 1].verdict is before.verdict and _is_near(usable[first - 1], usable[first])
    ):
        first -= 1
    is_proven = after.verdict is before.verdict and usable[first].end_us <= at_us
    if is_proven:
        return Mark.CORE if before.verdict is BAD else Mark.UP
    nearer = before if at_us < (before.start_us + after.start_us) // 2 else after
    return Mark.EDGE_DOWN if nearer.verdict is BAD else Mark.EDGE_UP


def _is_near(before: Row, after: Row) -> bool:
    return after.start_us - before.start_us <= GAP_US
