"""The list of outages in a window."""

from __future__ import annotations

from hypothesis import given
from support.histories import GAP_US, votes, windows
from support.raw_rows import Row, stretches_of

from reports.evidence import Verdict, Window
from reports.ledger import Ledger
from reports.outages import Outage, outages
from reports.quorum import agree
from reports.timeline import Timeline, region_timeline

VERDICTS = {"+": Verdict.GOOD, "-": Verdict.BAD}


def _timeline(drawing: str) -> Timeline:
    """Return what results of no length at 0, 10, 20, ... say; a space is a missed one."""
    rows = [Row(10 * k, 10 * k, VERDICTS[sign]) for k, sign in enumerate(drawing) if sign != " "]
    return region_timeline(stretches_of(rows, 10), 10)


def test_an_outage_has_a_measured_time_a_core_and_a_bracket():
    assert outages(_timeline("++---++"), Window(0, 60)) == [
        Outage(Window(15, 45), (Window(20, 40),), Window(10, 50))
    ]


def test_two_outages_with_up_time_between_them_have_brackets_of_their_own():
    found = outages(_timeline("+-++-+"), Window(0, 50))
    assert [(each.measured, each.bracket, each.sure_us) for each in found] == [
        (Window(5, 15), Window(0, 20), 0),
        (Window(35, 45), Window(30, 50), 0),
    ]


def test_a_bracket_reaches_over_adjoining_unknown_time():
    assert [each.bracket for each in outages(_timeline("++-- ++"), Window(0, 60))] == [Window(10, 50)]


def test_an_outage_that_goes_on_is_cut_to_the_window():
    assert outages(_timeline("+-----+"), Window(20, 40)) == [
        Outage(Window(20, 40), (Window(20, 40),), Window(20, 40))
    ]


def test_a_gap_alone_is_no_outage():
    assert outages(_timeline("++  ++"), Window(0, 60)) == []


@given(votes(), windows())
def test_outages_add_up_to_the_figures_of_the_window(vote, window):
    rows, needed = vote
    timeline = agree([region_timeline(stretches_of(each, GAP_US), GAP_US) for each in rows], needed)
    found, figures = outages(timeline, window), Ledger.of(timeline).availability(window)
    assert sum(each.measured.length_us for each in found) == figures.down_us
    assert sum(each.sure_us for each in found) == figures.sure_us
    brackets = {(each.bracket.start_us, each.bracket.end_us) for each in found}
    assert sum(end_us - start_us for start_us, end_us in brackets) <= figures.possible_us
    for each in found:
        assert each.bracket.start_us <= each.measured.start_us < each.measured.end_us <= each.bracket.end_us
