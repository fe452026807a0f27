"""What a remote agent may tell: of its own region's series, at times that can be, within limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from support.scripted_agent import new_chain, record

from checks.core.result import Failure, Outcome
from prober.hub.scrutiny import AHEAD_US, MAX_DURATION_US, faults
from prober.store.base import SeriesRow
from prober.wire import Batch, Gap, Record

S = 1_000_000
T = 30 * S
SLOT = 59_000_000
NOW = SLOT * T + 5 * S
HUB = b"store"


def row(number: int, region: str) -> SeriesRow:
    return SeriesRow(
        number=number, probe="web", region=region, interval_us=T, schedule="stratified", regions=("fra", "iad"),
        created_us=1,
    )  # fmt: skip


SERIES = {1: row(1, "fra"), 2: row(2, "iad")}


def batch(records: list[Record] | None = None, gaps: tuple[Gap, ...] = (), **changes: Any) -> Batch:
    chain = new_chain()
    chain.hub = HUB
    return chain.batch(records if records is not None else [sound()], gaps, **changes)


def sound(**changes: Any) -> Record:
    return msgspec.structs.replace(record(1, SLOT, SLOT * T), **changes)


def of_result(**changes: Any) -> Record:
    one = record(1, SLOT, SLOT * T, Outcome.FAIL)
    return msgspec.structs.replace(one, result=msgspec.structs.replace(one.result, **changes))


def found(made: Batch) -> list[str]:
    return list(faults(made, "fra-1", "fra", HUB, SERIES, NOW))


def test_a_sound_batch_has_no_fault() -> None:
    gaps = (Gap(1, 0, SLOT, "agent_off"), Gap(1, SLOT, SLOT, "a_reason_of_the_next_release"))
    assert found(batch([sound(), of_result()], gaps)) == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: batch(agent="fra-2"), "tells of another agent"),
        (lambda: batch(hub=b"other"), "was measured for another hub's store"),
        (lambda: batch(hub=b""), "was measured for another hub's store"),
        (lambda: batch(digest="d" * 65), "is too large"),
        (lambda: batch([sound(series=2)]), "series 2, which is of region iad and not of fra"),
        (lambda: batch([sound(series=3)]), "series 3, which there never was"),
        (lambda: batch(gaps=(Gap(2, 1, 2, "late"),)), "series 2, which is of region iad"),
        (lambda: batch(gaps=(Gap(1, 2, 1, "late"),)), "a gap from slot 2 to 1"),
        (lambda: batch(gaps=(Gap(1, -1, 1, "late"),)), "a gap from slot -1 to 1"),
        (lambda: batch(gaps=(Gap(1, 1, 2**62, "late"),)), "a gap from slot 1"),
        (lambda: batch(gaps=(Gap(1, 1, 1, "<b>"),)), "a reason that is none"),
        (lambda: batch([sound(kind=3)]), "of kind 3"),
        (lambda: batch([sound(late_us=2**60)]), "late"),
        (lambda: batch([sound(slot=2**62)]), "far from it"),
        (lambda: batch([sound(slot=SLOT + 200)]), "far from it"),
        (lambda: batch([of_result(started_us=-1)]), "over an hour from now"),
        (lambda: batch([of_result(duration_us=-1)]), "that took -1 us"),
        (lambda: batch([of_result(duration_us=MAX_DURATION_US + 1)]), "that took"),
        (lambda: batch([of_result(lag_us=2**60)]), "that took"),
        (lambda: batch([of_result(phases_us={"connect": -1})]), "phases that are none"),
        (lambda: batch([of_result(phases_us={"x" * 101: 1})]), "phases that are none"),
        (lambda: batch([of_result(phases_us={str(n): 1 for n in range(41)})]), "phases that are none"),
        (lambda: batch([of_result(failures=(Failure("no such\ncode", ""),))]), "a code that is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(made: Callable[[], Batch], words: str) -> None:
    assert words in found(made())[0]


@pytest.mark.parametrize(("ahead_us", "is_sound"), [(AHEAD_US, True), (AHEAD_US + 1, False)])
def test_a_result_may_be_an_hour_ahead_of_the_hub_and_no_more(ahead_us: int, is_sound: bool) -> None:
    started_us = NOW + ahead_us
    assert (found(batch([record(1, started_us // T, started_us)])) == []) is is_sound


@pytest.mark.parametrize(
    ("last", "is_sound"), [((NOW + AHEAD_US) // T, True), ((NOW + AHEAD_US) // T + 1, False)]
)
def test_a_gap_may_reach_an_hour_ahead_of_the_hub_and_no_more(last: int, is_sound: bool) -> None:
    assert (found(batch(gaps=(Gap(1, SLOT, last, "late"),))) == []) is is_sound


def test_results_of_any_age_are_taken() -> None:
    assert found(batch([record(1, 1, T)], (Gap(1, 0, 0, "dropped"),))) == []
