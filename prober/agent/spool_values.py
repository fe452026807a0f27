"""The values that the spool's modules speak of: batches in their places, epochs, and how much some batches are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prober.wire import Sealed

OVERHEAD = 200  # bytes that a batch takes on disk beside its packed message


@dataclass(frozen=True, slots=True)
class Head:
    """A row without what it carries."""

    epoch: int
    sequence: int
    first: int  # where those begin that it stands for; 0: it stands for itself only
    results: int
    bytes: int
    from_us: int  # start of its first result; 0: it has none
    sealed_us: int


@dataclass(frozen=True, slots=True)
class Row:
    """A sealed batch with its place."""

    epoch: int
    sequence: int
    first: int
    results: int
    from_us: int
    sealed_us: int
    hash: bytes  # by which the batch after it names it
    signature: bytes
    packed: bytes

    @property
    def bytes(self) -> int:
        """What it takes of the spool."""
        return len(self.packed) + OVERHEAD

    @property
    def sealed(self) -> Sealed:
        """The batch as it travels."""
        return Sealed(self.epoch, self.sequence, self.packed, self.signature)


@dataclass(slots=True)
class Epoch:
    """One chain: how far it was sealed, taken by the hub and offered to it."""

    number: int
    agent: str
    hub: bytes
    last: int = 0
    hash: bytes = b""  # of the last; empty: not known
    taken: int = 0
    offered: int = 0  # the hub may have them on record: they are not given up until it says that it has not
    retold: int = 0  # how often what it tells was told before, in epochs that the hub could not follow
    closed: bool = False  # the hub cannot follow it: what waits in it is told again in another
    aside: int = 0  # of a closed one: the batch that the hub keeps aside; 0: none
    tells_again: int | None = None  # the closed epoch of which this one tells what waits in it
    reserved: int = 0  # `offered` as it is on disk: ahead, so that it need not be written each time

    @property
    def kept_from(self) -> int:
        """The last batch that must not be given up."""
        return max(self.taken, self.offered)


@dataclass(frozen=True, slots=True)
class Sum:
    """How much some rows are."""

    batches: int = 0
    results: int = 0
    bytes: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.batches + other.batches, self.results + other.results, self.bytes + other.bytes)

    def __sub__(self, other: Sum) -> Sum:
        return Sum(self.batches - other.batches, self.results - other.results, self.bytes - other.bytes)


def total(rows: Iterable[Row | Head]) -> Sum:
    """Return how much these rows are."""
    batches = results = size = 0
    for row in rows:
        batches, results, size = batches + 1, results + row.results, size + row.bytes
    return Sum(batches, results, size)
