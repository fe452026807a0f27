"""What a remote agent may tell: of its own region's series, at times that can be, within limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.scripted_agent import new_chain, record

from checks.core.result import Failure, Outcome
from prober.hub.scrutiny import AHEAD_US, DAY_US, MAX_DURATION_US, faults
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
        (lambda: batch([of_result(started_us=-1)]), "began at -1"),
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


def ahead(slots: int, started_us: int) -> Record:
    return record(1, SLOT + slots, started_us)


@pytest.mark.parametrize(("ahead_us", "is_sound"), [(AHEAD_US, True), (AHEAD_US + 1, False)])
def test_a_result_may_begin_a_minute_ahead_of_the_hub_and_no_more(ahead_us: int, is_sound: bool) -> None:
    faulty = found(batch([ahead(1, NOW + ahead_us)]))
    assert (faulty == []) is is_sound
    assert all("clock" in words for words in faulty)


@pytest.mark.parametrize(("slots", "is_sound"), [(4, True), (5, False)])
def test_slots_may_lie_a_minute_and_two_intervals_ahead_and_no_more(slots: int, is_sound: bool) -> None:
    """The slot that begins 5 s before `NOW` is the first of them."""
    for made in (batch([ahead(slots, NOW)]), batch(gaps=(Gap(1, SLOT, SLOT + slots, "late"),))):
        faulty = found(made)
        assert (faulty == []) is is_sound
        assert all("clock" in words for words in faulty)


@pytest.mark.parametrize("created_us", [NOW - 9 * DAY_US, NOW + 9 * DAY_US])
def test_a_gap_begins_at_most_a_day_before_its_series_was_made(created_us: int) -> None:
    """Or before now, for the hub's own clock may have been wrong then."""
    series = {1: replace(row(1, "fra"), created_us=created_us)}
    oldest = -(-(min(created_us, NOW) - DAY_US) // T)
    for first, is_sound in ((oldest, True), (oldest - 1, False)):
        told = faults(batch(gaps=(Gap(1, first, SLOT, "late"),)), "fra-1", "fra", HUB, series, NOW)
        assert (list(told) == []) is is_sound


def test_gaps_of_a_series_tell_of_no_more_slots_than_there_were() -> None:
    series = {1: replace(row(1, "fra"), created_us=NOW - DAY_US)}
    most = 2 * DAY_US // T + 5  # since a day before it was made, and ahead
    for shorter, is_sound in ((1, True), (0, False)):
        gaps = (Gap(1, SLOT - 99, SLOT - shorter, "late"), Gap(1, SLOT - most + 100, SLOT, "late"))
        told = list(faults(batch(gaps=gaps), "fra-1", "fra", HUB, series, NOW))
        assert (told == []) is is_sound


def test_results_of_any_age_are_taken() -> None:
    assert found(batch([record(1, 1, T)], (Gap(1, 0, 0, "dropped"),))) == []
