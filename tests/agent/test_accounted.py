"""The highest slot of each series is known, of one hub, within a limit, and is written and read back."""

from __future__ import annotations

import pytest
from support.spooling import HUB, record

from prober.agent import accounted
from prober.agent.accounted import Accounted
from prober.wire import Gap, Kind


def test_slots_rise_by_scheduled_results_and_gaps_and_never_fall() -> None:
    made = Accounted()
    made.add(
        HUB,
        [record(1, 5), record(1, 4), record(2, 9, Kind.RECHECK)],
        [Gap(1, 6, 8, "late"), Gap(3, 2, 2, "late")],
    )
    made.add(HUB, [record(1, 7)], [])
    assert made.of(HUB) == made.of(None) == {1: 8, 3: 2}
    assert Accounted.read(bytes(made)).of(HUB) == {1: 8, 3: 2}


def test_another_hubs_numbers_are_another_matter() -> None:
    made, newer = Accounted(), Accounted()
    made.add(HUB, [record(1, 5)], [])
    assert made.of(b"other") == {}
    newer.add(b"other", [record(1, 2)], [])
    made.take(newer)
    assert (made.of(HUB), made.of(b"other")) == ({}, {1: 2})
    made.take(Accounted())
    assert made.of(b"other") == {1: 2}


def test_those_are_forgotten_that_told_nothing_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounted, "MAX_SERIES", 3)
    made = Accounted()
    for series in (1, 2, 3, 1, 4):
        made.add(HUB, [record(series, 5)], [])
    assert set(made.of(HUB)) == {3, 1, 4}


def test_of_what_cannot_be_read_nothing_is_known() -> None:
    assert Accounted.read(b"").of(None) == Accounted.read(b"\xc1noise").of(None) == {}
