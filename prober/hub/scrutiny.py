"""Whether what a batch of a remote agent tells can be: its series, slots, stamps and sizes. Pure.

A token opens one region, so a batch tells of series of that region and nothing else. Beyond that an agent is believed
about what it saw; what is looked at here keeps one that is broken, or not ours, from harming the record of others.
Where a batch stands in its chain is `chains.py`'s business.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from prober.store.base import SeriesRow
from prober.wire import Batch, Gap, Kind, Record

MAX_PHASES = 40  # of one result
MAX_NAME = 100  # characters of a phase's name
MAX_DIGEST = 64  # characters
MAX_DURATION_US = 86_400_000_000
# Agents go by the hub's time once they know it: what lies further ahead of it is of a time that nobody has seen.
AHEAD_US = 60_000_000
AHEAD_INTERVALS = 2  # on top of it: how far ahead a slot may be that has its fate
DAY_US = 86_400_000_000  # before a series was made: nobody can have missed older slots of it
STRAY_US = (
    3_600_000_000  # on top of two intervals: how far a run may lie from its slot, whatever its clock did
)
MAX_NUMBER = 2**53  # of whatever is counted: exact in every format it is shown in
_WORD = re.compile(r"[a-z0-9_]{1,48}")
_KINDS = frozenset(Kind) - {Kind.SECOND}


def faults(
    batch: Batch, agent: str, region: str, hub: bytes, series: Mapping[int, SeriesRow], now_us: int
) -> Iterator[str]:
    """Yield what cannot be; nothing for a sound batch. `series` are all that this store ever gave out."""
    if batch.agent != agent:
        yield "tells of another agent"
    if batch.hub != hub:
        yield "was measured for another hub's store"
    if len(batch.digest) > MAX_DIGEST:
        yield f"is too large: over {MAX_DIGEST} signs of digest"
    for record in batch.records:
        yield from _of_record(record, region, series.get(record.series), now_us)
    told: Counter[int] = Counter()
    for gap in batch.gaps:
        told[gap.series] += gap.last - gap.first + 1
        yield from _of_gap(gap, region, series.get(gap.series), now_us, told[gap.series])


def _of_record(record: Record, region: str, row: SeriesRow | None, now_us: int) -> Iterator[str]:
    if row is None or row.region != region:
        yield _not_its_own(record.series, region, row)
        return
    result = record.result
    ahead_us = (
        max(result.started_us, record.slot * row.interval_us - AHEAD_INTERVALS * row.interval_us) - now_us
    )
    if result.started_us < 0:
        yield f"has a result that began at {result.started_us}"
    elif not _is_near(record.slot, result.started_us, row.interval_us):
        yield f"has a result of slot {record.slot} that began at {result.started_us}, far from it"
    elif ahead_us > AHEAD_US:
        yield _of_wrong_clock("result", record.slot, ahead_us)
    if record.kind not in _KINDS or abs(record.late_us) > MAX_NUMBER:
        yield f"has a result of kind {record.kind}, {record.late_us} us late"
    if not (0 <= result.duration_us <= MAX_DURATION_US and abs(result.lag_us) <= MAX_NUMBER):
        yield f"has a result that took {result.duration_us} us"
    if len(result.phases_us) > MAX_PHASES or not all(map(_is_phase, result.phases_us.items())):
        yield "has a result with phases that are none"
    if not all(_WORD.fullmatch(failure.code) for failure in result.failures):
        yield "has a failure with a code that is none"


def _of_gap(gap: Gap, region: str, row: SeriesRow | None, now_us: int, told: int) -> Iterator[str]:
    """Yield what cannot be of a gap; `told` are the slots of its series that the batch tells of up to here."""
    if row is None or row.region != region:
        yield _not_its_own(gap.series, region, row)
        return
    # The hub's own clock may have been ahead when the series was made.
    oldest_us = min(row.created_us, now_us) - DAY_US
    newest_us = now_us + AHEAD_US + AHEAD_INTERVALS * row.interval_us
    if not 0 <= gap.first <= gap.last < MAX_NUMBER:
        yield f"has a gap from slot {gap.first} to {gap.last}"
    elif gap.last * row.interval_us > newest_us:
        yield _of_wrong_clock("gap", gap.last, gap.last * row.interval_us - now_us)
    elif gap.first * row.interval_us < oldest_us:
        yield f"has a gap from slot {gap.first} on, long before its series {gap.series} was made"
    elif told > (newest_us - max(oldest_us, 0)) // row.interval_us + 1:
        yield f"tells of more missed slots of series {gap.series} than there were"
    elif not _WORD.fullmatch(gap.reason):
        yield "has a gap with a reason that is none"


def _of_wrong_clock(what: str, slot: int, ahead_us: int) -> str:
    return f"has a {what} of slot {slot}, {ahead_us / 1e6:.0f} s ahead of the hub's clock: the agent's clock is wrong"


def _not_its_own(number: int, region: str, row: SeriesRow | None) -> str:
    if row is None:
        return f"tells of series {number}, which there never was"
    return f"tells of series {number}, which is of region {row.region} and not of {region}"


def _is_near(slot: int, started_us: int, interval_us: int) -> bool:
    return abs(started_us - slot * interval_us) <= 2 * interval_us + STRAY_US


def _is_phase(phase: tuple[str, int]) -> bool:
    name, took_us = phase
    return len(name) <= MAX_NAME and 0 <= took_us <= MAX_DURATION_US
