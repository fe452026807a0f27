"""How regions agree, and how probes make up a service."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from support.histories import END_US, GAP_US, votes
from support.raw_rows import stretches_of

from reports.evidence import Window
from reports.quorum import agree, probes_needed, regions_needed
from reports.timeline import Mark, Timeline, Trace, region_timeline


@pytest.mark.parametrize(
    ("rule", "regions", "needed"),
    [
        ("any", 3, 1),
        ("majority", 1, 1),
        ("majority", 2, 2),
        ("majority", 3, 2),
        ("majority", 4, 3),
        ("all", 3, 3),
        (2, 3, 2),
        (3, 3, 3),
    ],
)
def test_a_quorum_rule_says_how_many_regions_must_fail(rule, regions, needed):
    assert regions_needed(rule, regions) == needed


@pytest.mark.parametrize("rule", [0, 4, "most", "any "])
def test_a_quorum_that_cannot_be_is_refused_with_a_hint(rule):
    with pytest.raises(ValueError, match=r"\(use "):
        regions_needed(rule, 3)


@pytest.mark.parametrize(
    ("rule", "probes", "needed"),
    [("all", 3, 1), ("any", 3, 3), ("2 of 3", 3, 2), ("3 of 3", 3, 1), ("1 of 3", 3, 3), (2, 4, 3)],
)
def test_a_service_is_down_when_too_few_of_its_probes_are_up(rule, probes, needed):
    assert probes_needed(rule, probes) == needed


@pytest.mark.parametrize("rule", ["2 of 4", "0 of 3", "4 of 3", "some", 0, 4])
def test_a_composition_that_cannot_be_is_refused_with_a_hint(rule):
    with pytest.raises(ValueError, match=r"\(use "):
        probes_needed(rule, 3)


def test_one_offline_region_of_three_makes_no_unknown_time_alone_but_makes_a_single_failure_ambiguous():
    assert _agreed("UUUU", "UUCC", "....", needed=2) == "UU.."


def test_two_sure_failures_make_a_sure_outage_whatever_the_third_says():
    assert _agreed("CCCC", "CCCC", "U.eE", needed=2) == "CCCC"


def test_at_most_as_sure_as_its_weakest_needed_region():
    assert _agreed("CCCC", "CEeU", needed=2) == "CEeU"


def test_a_region_without_any_data_counts_as_unknown():
    assert _agreed("UC", "", needed=1) == ".C"


@pytest.mark.parametrize("needed", [0, 3])
def test_more_or_fewer_than_there_are_cannot_agree(needed):
    with pytest.raises(ValueError, match="use 1 to 2"):
        agree([_drawn("U"), _drawn("U")], needed)


@given(votes())
def test_each_of_the_three_figures_is_a_count_of_regions_at_every_instant(vote):
    rows, needed = vote
    timelines = [region_timeline(stretches_of(region, GAP_US), GAP_US) for region in rows]
    columns = zip(*(_marks(timeline) for timeline in timelines), strict=True)
    for agreed, marks in zip(_marks(agree(timelines, needed)), columns, strict=True):
        sure = sum(mark is Mark.CORE for mark in marks)
        down = sum(mark in (Mark.CORE, Mark.EDGE_DOWN) for mark in marks)
        unknown = sum(mark is Mark.UNKNOWN for mark in marks)
        possible = sum(mark is not Mark.UP for mark in marks)
        assert (agreed is Mark.CORE) == (sure >= needed)
        assert (agreed in (Mark.CORE, Mark.EDGE_DOWN)) == (down >= needed)
        assert (agreed in (Mark.UP, Mark.EDGE_UP)) == (down + unknown < needed)
        assert (agreed is not Mark.UP) == (possible >= needed)


@given(votes())
def test_agreed_marks_change_at_each_of_their_starts(vote):
    rows, needed = vote
    timeline = agree([region_timeline(stretches_of(region, GAP_US), GAP_US) for region in rows], needed)
    assert all(before < after for before, after in pairwise(timeline.starts))
    assert all(before != after for before, after in pairwise(timeline.marks))
    assert {timeline.marks[0], timeline.marks[-1]} == {Mark.UNKNOWN}


_SIGNS = {"U": Mark.UP, "e": Mark.EDGE_UP, ".": Mark.UNKNOWN, "E": Mark.EDGE_DOWN, "C": Mark.CORE}


def _drawn(signs: str) -> Timeline:
    """Return the timeline drawn by one sign a microsecond, from 0 on."""
    trace = Trace()
    for at_us, sign in enumerate(signs + "."):
        trace.put(at_us, _SIGNS[sign])
    return trace.timeline()


def _agreed(*drawings: str, needed: int) -> str:
    names = {mark: sign for sign, mark in _SIGNS.items()}
    timeline = agree([_drawn(drawing) for drawing in drawings], needed)
    return "".join(names[mark] for mark in _marks(timeline, len(drawings[0])))


def _marks(timeline: Timeline, until_us: int = END_US) -> list[Mark]:
    spans = timeline.spans(Window(0, until_us))
    return [span.mark for span in spans for _ in range(span.end_us - span.start_us)]
