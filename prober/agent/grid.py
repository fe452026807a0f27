"""When slots are due: an absolute grid per probe, drawn from keyed hashes, the same on every machine.

Slot k of a probe covers [k x interval + phase, (k+1) x interval + phase). Within it `stratified` gives each region
a share of its own, in an order permuted anew for every slot, and one random instant of that share; `fixed` puts the
regions at even, constant offsets; `round` puts all regions at one common random instant. (`end` is for what nobody
runs: a slot of it is judged when it is over.) The random instants are
what makes the count of failures an unbiased measure of down time. Pure: no clock, no state. `grid_version` is part of
every hash, for the due instants of stored slots are computed by this file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from struct import Struct
from typing import Final

AT_END: Final = "end"
"""The schedule of what tells us of itself: its slots are judged at their last instant. Not for configurations."""

_GRID_VERSION = b"prober grid 1"
_WORDS = 8  # 64 bit words in one digest
_EIGHT = Struct("<8Q")


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of one probe in one region; `regions` in the order of the configuration, `region` among them."""

    seed: bytes
    probe: str
    region: str
    regions: tuple[str, ...]
    interval_us: int
    schedule: str = "stratified"
    _name: bytes = field(init=False, repr=False)
    _tail: bytes = field(init=False, repr=False)
    _index: int = field(init=False, repr=False)
    phase_us: int = field(init=False)

    def __post_init__(self) -> None:
        if self.interval_us <= 0:
            raise ValueError("the interval must be longer than nothing")
        name = _GRID_VERSION + b"\0" + self.probe.encode()
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_tail", b"\0" + self.region.encode())
        object.__setattr__(self, "_index", self.regions.index(self.region))
        object.__setattr__(self, "phase_us", _word(self.seed, name + b"\0phase") % self.interval_us)

    def start_us(self, slot: int) -> int:
        """Return the first instant of a slot."""
        return slot * self.interval_us + self.phase_us

    def slot_at(self, at_us: int) -> int:
        """Return the slot that an instant lies in."""
        return (at_us - self.phase_us) // self.interval_us

    def due_us(self, slot: int) -> int:
        """Return the instant at which this region's run of the slot begins."""
        return self.start_us(slot) + _OFFSETS[self.schedule](self, slot)

    def first_due(self, from_us: int) -> int:
        """Return the first slot that is due at or after an instant."""
        slot = self.slot_at(from_us)
        return slot if self.due_us(slot) >= from_us else slot + 1

    def _stratified(self, slot: int) -> int:
        count = len(self.regions)
        rank = self._rank(slot, count)
        begin_us, end_us = rank * self.interval_us // count, (rank + 1) * self.interval_us // count
        draw = _word(self.seed, b"%b\0draw%d%b" % (self._name, slot, self._tail))
        return begin_us + (draw * (end_us - begin_us) >> 64)

    def _rank(self, slot: int, count: int) -> int:
        if count == 1:
            return 0
        words: tuple[int, ...] = ()
        for block in range(-(-count // _WORDS)):
            words += _words(self.seed, self._name + b"\0order%d.%d" % (slot, block))
        mine = words[self._index]
        rank = words[: self._index].count(mine)  # of equal ones the earlier comes first
        for word in words[:count]:
            rank += word < mine
        return rank

    def _fixed(self, _slot: int) -> int:
        return self._index * self.interval_us // len(self.regions)

    def _end(self, _slot: int) -> int:
        return self.interval_us - 1

    def _round(self, slot: int) -> int:
        draw = _word(self.seed, self._name + b"\0round%d" % slot)
        return draw * self.interval_us >> 64


_OFFSETS = {
    "stratified": Grid._stratified,
    "fixed": Grid._fixed,
    "round": Grid._round,
    AT_END: Grid._end,
}


def _word(seed: bytes, message: bytes) -> int:
    """Return the first of the digest's words."""
    return int.from_bytes(blake2b(message, key=seed).digest()[:8], "little")


def _words(seed: bytes, message: bytes) -> tuple[int, ...]:
    return _EIGHT.unpack(blake2b(message, key=seed).digest())
