"""What judges the regions' scenarios finds what it looks for: false down time, lost and doubled slots, true outages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from e2e.regions.records import Fates, Records
from e2e.regions.truth import Span, down_spans, failures, false_us
from e2e.regions.watch import wrongly_down

from prober.agent.grid import Grid

SECOND_US = 1_000_000
GRID = Grid(bytes(32), "web", "fra", ("fra",), SECOND_US)
KEY = ("web", "fra")


def change(at: int, after: str, withdrawn: int = 0) -> dict[str, object]:
    """Return a change of state at a second."""
    return {"at_us": at * SECOND_US, "after": after, "withdrawn": withdrawn}


def seconds(*spans: tuple[float, float]) -> list[Span]:
    """Return spans given in seconds."""
    return [Span(int(begin * SECOND_US), int(end * SECOND_US)) for begin, end in spans]


def test_failures_reach_from_being_told_to_fail_to_having_recovered(tmp_path: Path) -> None:
    log = tmp_path / "truth"
    orders = [
        ("web", "error", 10, 11),
        ("api", "error", 12, 13),
        ("web", "silent", 14, 15),
        ("web", "ok", 16, 17),
    ]
    lines = [dict(zip(("target", "mode", "told_us", "done_us"), order, strict=True)) for order in orders]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert failures(log, "web", 99) == [Span(10, 17)]
    assert failures(log, "api", 99) == [Span(12, 99)]  # it still fails
    assert failures(tmp_path / "none", "web", 99) == []


def test_down_time_is_that_of_the_changes_that_stand() -> None:
    changes = [
        change(5, "up"),
        change(2, "down"),
        change(3, "down", withdrawn=1),
        change(8, "down"),
        change(1, "up"),
    ]
    assert down_spans(changes, 9 * SECOND_US) == seconds((2, 5), (8, 9))
    assert down_spans(changes, 9 * SECOND_US, 6 * SECOND_US) == seconds((8, 9))
    assert down_spans([], 9) == []


@pytest.mark.parametrize(
    ("down", "true", "wrong"),
    [
        (seconds((2, 4)), [], 2.0),
        (seconds((2, 4)), seconds((2, 4)), 0.0),
        (seconds((1.5, 5)), seconds((2, 4)), 0.0),  # half a second early, one late: as allowed
        (seconds((1, 5)), seconds((2, 4)), 0.5),
        (seconds((2, 6)), seconds((2, 4)), 1.0),
        (seconds((2, 4), (8, 9)), seconds((2, 4)), 1.0),
    ],
)
def test_false_down_time_is_what_lies_outside_of_true_failures(
    down: list[Span], true: list[Span], wrong: float
) -> None:
    assert false_us(down, true, SECOND_US // 2, SECOND_US) == wrong * SECOND_US


def test_down_that_is_shown_without_a_failure_is_found() -> None:
    true = seconds((2, 4))
    shown = [(at * SECOND_US, "down") for at in range(1, 7)]
    assert wrongly_down(shown, true, SECOND_US) == [SECOND_US, 6 * SECOND_US]
    assert wrongly_down([(SECOND_US, "unknown")], [], 0) == []


def result(slot: int, kind: str = "scheduled") -> dict[str, object]:
    """Return a result of the one probe."""
    return {"probe": "web", "region": "fra", "slot": slot, "kind": kind, "outcome": "pass"}


async def test_a_slot_without_a_fate_and_one_with_two_are_found() -> None:
    fates = Fates()
    for row in (result(1), result(2), result(2), result(4), result(5, "recheck"), result(6)):
        fates.add_result(row)
    for first, last in ((6, 6), (7, 8), (8, 8)):
        fates.add_gap(
            {"probe": "web", "region": "fra", "first_slot": first, "last_slot": last, "reason": "late"}
        )
    records = Records(None, {KEY: GRID})  # type: ignore[arg-type]  # the fates are given
    found = await records.unaccounted(GRID.start_us(1), GRID.start_us(9), fates)
    assert [fault.split(" ", 1)[1] for fault in found] == [
        "slot 2: ['pass', 'pass']", "slot 3: nothing", "slot 5: nothing",
        "slot 6: ['pass', 'late']", "slot 8: ['late', 'late']",
    ]  # fmt: skip
