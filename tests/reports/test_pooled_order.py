"""Pooled regions: where the order of two results is not known, nothing that hangs on it is sure."""

from __future__ import annotations

from support.tracks import Even, contract, era, probe, seen, track, tracks

from reports.evidence import Window
from reports.methods import timeline_of
from reports.timeline import Mark
from reports.track import Fate

S = 1_000_000
T = 60 * S
START = 20_000 * 86_400 * S


def _marks(error_us: int, second_at_us: int, took_us: int = 0) -> list[tuple[float, float, Mark]]:
    """Region a passes at 10 s and 70 s, b fails at `second_at_us`, c fails at 50 s; marks from 10 s to 70 s."""
    slot = START // T
    found = tracks(
        track(
            "a",
            era(
                Even(T, 10 * S),
                [seen(Even(T, 10 * S), slot, took_us=took_us), seen(Even(T, 10 * S), slot + 1)],
                T,
                shot_spans=((START - T, START + 3 * T),),
            ),
        ),
        track(
            "b",
            era(
                Even(T, second_at_us),
                [seen(Even(T, second_at_us), slot, Fate.BAD)],
                T,
                shot_spans=((START - T, START + 3 * T),),
            ),
        ),
        track(
            "c",
            era(
                Even(T, 50 * S),
                [seen(Even(T, 50 * S), slot, Fate.BAD)],
                T,
                shot_spans=((START - T, START + 3 * T),),
            ),
        ),
    )
    terms = contract(probe("a", "b", "c"), quorum="pooled", clock_error_us=error_us)
    spans = timeline_of(terms, found).spans(Window(START + 10 * S, START + 70 * S))
    return [((span.start_us - START) / S, (span.end_us - START) / S, span.mark) for span in spans]


def _sure(marks: list[tuple[float, float, Mark]]) -> float:
    return sum(end - start for start, end, mark in marks if mark is Mark.CORE)


def test_results_in_a_known_order_make_a_sure_core() -> None:
    assert _sure(_marks(0, 20 * S)) == 30


def test_a_pass_that_the_clocks_may_put_after_the_first_failure_leaves_no_core() -> None:
    assert _sure(_marks(500_000, 10 * S + 999_999)) == 0


def test_a_pass_that_no_clock_can_put_after_the_first_failure_leaves_a_core_less_the_clock_error() -> None:
    assert _sure(_marks(500_000, 11 * S)) == 38


def test_a_pass_that_was_still_running_when_the_first_failure_began_leaves_no_core() -> None:
    assert _sure(_marks(0, 20 * S, took_us=10 * S + 1)) == 0
    assert _sure(_marks(0, 20 * S, took_us=10 * S)) == 30
