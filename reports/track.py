"""What was seen of one probe from one region: runs over time, and the fate of every scheduled slot.

Values only. An era is what was seen on one grid; a change of interval, schedule or regions begins another, and what
was imported is an era of its own. Not here: what it means (`timeline`, `methods`), nor reading it from a store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from reports.evidence import Stretches


class Fate(IntEnum):
    """What became of a scheduled slot."""

    GOOD = 0
    BAD = 1
    UNKNOWN = 2
    """Void or missed: one attempt whose outcome nobody knows."""


class Oddity(msgspec.Struct, frozen=True, gc=False):
    """A scheduled slot that is on record and did not pass: BAD with its failure code, or UNKNOWN (void)."""

    slot: int
    fate: Fate
    code: str = ""


class Hole(msgspec.Struct, frozen=True, gc=False):
    """Scheduled slots without a result, both ends included, and why."""

    first: int
    last: int
    reason: str


class Shot(msgspec.Struct, frozen=True, gc=False):
    """One result as an interval [start_us, end_us]; scheduled, retry or recheck, GOOD or BAD."""

    start_us: int
    end_us: int
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """What was seen on one grid.

    Slots `first_slot` to `last_slot` are accounted for: each is an oddity, in a hole, or passed. `due_us` gives the
    instant of a slot and never falls as slots rise; `slot_at` the slot whose share of time holds an instant (so the
    slots due in [a, b) are found by looking from `slot_at(a)` and `slot_at(b)` on). `from_us` is when the era came
    into force; it ends where the next one of its track begins.
    """

    interval_us: int
    schedule: str
    regions: int
    stretches: Stretches
    """Runs of equal verdict in order of time, retries and rechecks included."""
    first_slot: int
    last_slot: int
    due_us: Callable[[int], int] = field(repr=False, compare=False)
    slot_at: Callable[[int], int] = field(repr=False, compare=False)
    oddities: Sequence[Oddity] = ()
    """By slot."""
    holes: Sequence[Hole] = ()
    """By slot, not overlapping."""
    from_us: int = 0
    imported: bool = False
    shots: Sequence[Shot] = ()
    """Every single result within `shot_spans`, by start; asked for where one by one matters (pooled sequences)."""
    shot_spans: Sequence[tuple[int, int]] = ()
    series: int = 0
    """The store's number, to follow a figure to its results."""
    took_us: Sequence[int] = field(default=(), repr=False, compare=False)
    """Of what was imported, how long the run of each slot took, from `first_slot` on."""

    def first_due(self, from_us: int) -> int:
        """Return the first slot that is due at or after an instant."""
        slot = self.slot_at(from_us)
        while self.due_us(slot - 1) >= from_us:
            slot -= 1
        while self.due_us(slot) < from_us:
            slot += 1
        return slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One probe in one region: its eras by the instant they came into force."""

    probe: str
    region: str
    eras: Sequence[Era] = ()


Tracks = dict[tuple[str, str], Track]
"""(probe, region) -> what was seen; a missing one was never seen."""
