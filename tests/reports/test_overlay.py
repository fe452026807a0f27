"""Timelines of one thing, watched on several grids one after the other, become one."""

from __future__ import annotations

import pytest

from reports.evidence import Stretch, Verdict, Window
from reports.overlay import overlay
from reports.timeline import Mark, Timeline, region_timeline

GAP = 100


def seen(first_us: int, last_us: int) -> Stretch:
    return Stretch(
        first_us=first_us,
        first_end_us=first_us + 1,
        last_us=last_us,
        last_end_us=last_us + 1,
        verdict=Verdict.GOOD,
    )


def known(timeline: Timeline) -> list[tuple[int, int]]:
    spans = timeline.spans(Window(0, 2000))
    return [(span.start_us, span.end_us) for span in spans if span.mark is not Mark.UNKNOWN]


def test_one_timeline_stays_as_it_is() -> None:
    only = region_timeline([seen(10, 90)], GAP)
    assert overlay([only]) is only


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_eras_lie_side_by_side_and_the_time_between_them_is_unknown(order: tuple[int, int]) -> None:
    eras = [region_timeline([seen(10, 90)], GAP), region_timeline([seen(400, 480)], 10)]
    joined = overlay([eras[index] for index in order])
    assert {edge for span in known(joined) for edge in span} == {10, 11, 90, 400, 401, 480}


def test_an_era_that_was_gone_back_to_surrounds_the_other() -> None:
    first = region_timeline([seen(10, 90), seen(800, 880)], GAP)
    second = region_timeline([seen(400, 480)], GAP)
    total = sum(end - start for start, end in known(overlay([first, second])))
    assert total == sum(end - start for each in (first, second) for start, end in known(each))
