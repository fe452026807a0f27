"""Measured down time is fair: over many outages it comes out as long as they truly were, rechecks or none.

A simulation without a clock: a seeded plan of outages, looked at as a region on a stratified schedule looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from support.raw_rows import Row, stretches_of

from reports.evidence import Verdict, Window
from reports.ledger import Ledger
from reports.timeline import region_timeline

SECOND_US = 1_000_000
INTERVAL_US = 30 * SECOND_US
GAP_US = 2 * INTERVAL_US
OUTAGE_US = 60 * SECOND_US
CYCLE_US = 600 * SECOND_US
OUTAGES = 1_000
RETRY_US = 2 * SECOND_US
RECHECK_US = 5 * SECOND_US
TOOK_US = 50_000


class _Target:
    """Something that is down for a minute at a random place of each cycle."""

    def __init__(self, random: Random) -> None:
        self._starts = [
            cycle * CYCLE_US + random.randrange(CYCLE_US // 4, CYCLE_US // 2) for cycle in range(OUTAGES)
        ]

    def look(self, at_us: int) -> Row:
        start_us = self._starts[min(at_us // CYCLE_US, OUTAGES - 1)]
        is_down = start_us <= at_us < start_us + OUTAGE_US
        return Row(at_us, at_us + TOOK_US, Verdict.BAD if is_down else Verdict.GOOD)


def _scheduled(random: Random, share: int) -> Iterator[int]:
    """Yield an instant of each slot, at random in a random one of its `share` equal parts."""
    for slot in range(OUTAGES * CYCLE_US // INTERVAL_US + 1):
        part_us = INTERVAL_US // share
        yield slot * INTERVAL_US + random.randrange(share) * part_us + random.randrange(part_us)


def _reruns(target: _Target, at_us: int, until_us: int) -> Iterator[Row]:
    """Yield a rerun at `at_us`, then rechecks, until one passes or the next scheduled run is due."""
    while at_us < until_us:
        row = target.look(at_us)
        yield row
        if row.verdict is Verdict.GOOD:
            return
        at_us = row.end_us + RECHECK_US


def _rows(random: Random, share: int, rechecks: bool) -> list[Row]:
    target, rows = _Target(random), []
    instants = list(_scheduled(random, share))
    for at_us, next_us in zip(instants, [*instants[1:], instants[-1]], strict=True):
        was_good = not rows or rows[-1].verdict is Verdict.GOOD
        rows.append(target.look(at_us))
        if rechecks and rows[-1].verdict is Verdict.BAD:
            pause_us = RETRY_US if was_good else RECHECK_US
            rows += _reruns(target, rows[-1].end_us + pause_us, next_us)
    return rows


@pytest.mark.parametrize("share", [1, 3], ids=["one region", "one of three"])
@pytest.mark.parametrize("rechecks", [True, False], ids=["with rechecks", "without"])
def test_outages_of_a_minute_are_measured_as_long_as_they_were(share, rechecks):
    rows = _rows(Random(f"{share}"), share, rechecks)
    figures = Ledger.of(region_timeline(stretches_of(rows, GAP_US), GAP_US)).availability(
        Window(0, OUTAGES * CYCLE_US)
    )
    assert figures.down_us == pytest.approx(OUTAGES * OUTAGE_US, rel=0.03)
    assert figures.sure_us < OUTAGES * OUTAGE_US < figures.possible_us
