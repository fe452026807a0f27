"""What an agent makes of an assignment: series go on after what has its fate, and what it cannot run is left out."""

from __future__ import annotations

import logging

import pytest
from support.remote_agents import assignment, series

from prober.agent.adopting import is_of_region, resumed, runnable
from prober.wire import Series


@pytest.mark.parametrize(
    ("resume_slot", "known", "cached", "expected"),
    [
        (10, None, False, 10),  # only the hub knows
        (10, 8, False, 10),  # the hub has all that is in the spool
        (10, 9, False, 10),
        (10, 10, False, 11),  # the spool has one more
        (10, 50, False, 51),
        (0, None, False, 0),
        (10, None, True, 0),  # a cached one is old: nothing is claimed of the time since
        (10, 50, True, 51),
        (10, 5, True, 6),
    ],
)
def test_a_series_goes_on_after_the_last_slot_that_has_its_fate(
    resume_slot: int, known: int | None, cached: bool, expected: int
) -> None:
    given = assignment(series(1, 80, resume_slot=resume_slot))
    slots = {} if known is None else {1: known, 2: 999}
    assert resumed(given, slots, cached=cached).series[0].resume_slot == expected


def test_what_cannot_be_prepared_is_left_out_and_named_without_a_word_of_its_options(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def prepare(one: Series) -> str:
        if one.number == 2:
            raise ValueError("the password s3cret is wrong")
        return f"check {one.number}"

    given = assignment(series(1, 80), series(2, 80), series(3, 80))
    left, held = runnable(given, prepare)
    assert [one.number for one in left.series] == [1, 3]
    assert held == ["check 1", "check 3"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert vars(record)["probes"] == ["p2 (tcp, ValueError)"]
    assert "s3cret" not in str(vars(record))


def test_an_assignment_is_of_a_region_when_all_its_series_are() -> None:
    assert is_of_region(assignment(), "fra")
    assert is_of_region(assignment(series(1, 80)), "fra")
    assert not is_of_region(assignment(series(1, 80)), "iad")
