"""Batches as they travel: numbered, chained, signed and packed; and the way back, which the hub goes. Pure.

Also what stands for batches that an agent had to give up: one batch whose gaps say which slots have no result now.
Where sealed batches are kept is the spool's business, whether they follow each other at the hub the hub's.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from prober import wire
from prober.wire import (
    Batch,
    ClockEvent,
    ClockState,
    Cutoff,
    Gap,
    Health,
    Kind,
    Missed,
    Record,
    Sealed,
    SpoolState,
    WireError,
)

from .keys import AgentKey, verify

log = logging.getLogger(__name__)
MAX_BODY = (
    4 * 1024 * 1024
)  # bytes of one encoded batch, on both sides; what an agent seals at once has about one
# Bytes of a packed one: with its signature it is a message that hubs take
MAX_PACKED = 4 * 1024 * 1024 - 4096
LEVEL = 6  # of zlib: 1 takes 6 % more room, 9 saves less than 1 %
MAX_NOTES = 20  # clock events, and cut-offs, that a batch which stands for others takes over: the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one batch has to tell; its place in the chain is the sealer's."""

    digest: str
    hub: bytes
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...]
    health: Health
    complete_us: int = 0
    clock: ClockState | None = None
    clock_events: tuple[ClockEvent, ...] = ()
    cutoffs: tuple[Cutoff, ...] = ()
    leaving: bool = False


class TooLarge(Exception):
    """What there is to tell does not fit into one batch: `halves` does."""


class Sealer:
    """The growing end of one epoch."""

    def __init__(
        self,
        agent: str,
        key: AgentKey,
        epoch: int,
        sequence: int = 0,
        previous: bytes = b"",
        previous_epoch: int = 0,
    ) -> None:
        """`sequence` and `previous` are those of the last batch sealed; of the epoch before while it is 0."""
        self.epoch = epoch
        self.sequence = sequence
        self.previous = previous
        self.previous_epoch = previous_epoch
        self._agent = agent
        self._key = key

    def seal(self, content: Content, spool: SpoolState) -> tuple[Sealed, bytes]:
        """Return the next batch of the chain, and the hash by which the one after it names it.

        Raises `TooLarge`, and then nothing has changed.
        """
        first, last = _starts(content.records)
        body = wire.encode(
            Batch(
                version=wire.VERSION,
                agent=self._agent,
                epoch=self.epoch,
                sequence=self.sequence + 1,
                previous=self.previous,
                digest=content.digest,
                records=content.records,
                gaps=content.gaps,
                health=content.health,
                hub=content.hub,
                from_us=first,
                until_us=last,
                complete_us=content.complete_us,
                previous_epoch=0 if self.sequence else self.previous_epoch,
                clock=content.clock,
                clock_events=content.clock_events,
                spool=spool,
                cutoffs=content.cutoffs,
                leaving=content.leaving,
            )
        )
        if len(body) > MAX_BODY:
            raise TooLarge
        sealed = _pack(self._key, self.epoch, self.sequence + 1, body)
        if len(sealed.packed) > MAX_PACKED:
            raise TooLarge
        self.sequence, self.previous = self.sequence + 1, wire.digest(body)
        return sealed, self.previous


class Stub:
    """Batches in a row that were given up, as one that stands for them; `add` them in order, stubs among them."""

    def __init__(self) -> None:
        self._gaps = _Gaps()
        self._first: tuple[int, bytes, int] | None = None
        """Sequence, previous hash and previous epoch of the first."""
        self._last: Batch | None = None
        self._hash = b""  # by which the batch after names the last
        self._complete_us = 0
        self._events: list[ClockEvent] = []
        self._cutoffs: list[Cutoff] = []

    def add(self, batch: Batch, hash: bytes) -> None:
        """Take the next one; `hash` is what the batch after it names."""
        if self._first is None:
            self._first = batch.first_sequence or batch.sequence, batch.previous, batch.previous_epoch
        self._last, self._hash = batch, hash
        self._complete_us = max(self._complete_us, batch.complete_us)
        self._events = [*self._events, *batch.clock_events][-MAX_NOTES:]
        self._cutoffs = [*self._cutoffs, *batch.cutoffs][-MAX_NOTES:]
        for gap in batch.gaps:
            self._gaps.add(gap)
        for gap in dropped(batch.records):
            self._gaps.add(gap)

    def add_damaged(self, epoch: int, first: int, sequence: int, hash: bytes) -> None:
        """Take the next one, of which nothing can be read any more: nobody will know its slots."""
        health = Health(0, 0, 0, 0, 0, 0) if self._last is None else self._last.health
        before = self._hash  # of the first one the batch before it is not known
        digest, hub = ("", b"") if self._last is None else (self._last.digest, self._last.hub)
        blank = Batch(
            wire.VERSION, "", epoch, sequence, before, digest, (), (), health, hub, first_sequence=first
        )
        self.add(blank, hash)

    @property
    def first_sequence(self) -> int:
        """The first batch that it stands for."""
        return self._first[0] if self._first else 0

    def seal(self, agent: str, key: AgentKey, spool: SpoolState) -> tuple[Sealed, bytes]:
        """Return the batch, and the hash by which the one after it names it."""
        if self._first is None or self._last is None:
            raise ValueError("stands for nothing")
        first, previous, previous_epoch = self._first
        last = self._last
        body = wire.encode(
            Batch(
                version=wire.VERSION,
                agent=agent,
                epoch=last.epoch,
                sequence=last.sequence,
                previous=previous,
                digest=last.digest,
                records=(),
                gaps=self._gaps.merged(),
                health=last.health,
                hub=last.hub,
                complete_us=self._complete_us,
                first_sequence=first,
                stands_for=self._hash,
                previous_epoch=previous_epoch,
                clock=last.clock,
                clock_events=tuple(self._events),
                spool=spool,
                cutoffs=tuple(self._cutoffs),
            )
        )
        return _pack(key, last.epoch, last.sequence, body), self._hash


class _Gaps:
    """Slots without a result, as few ranges as they make."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[int, str], list[list[int]]] = {}

    def add(self, gap: Gap) -> None:
        ranges = self._ranges.setdefault((gap.series, gap.reason), [])
        if ranges and ranges[-1][0] <= gap.first <= ranges[-1][1] + 1:  # the usual case: slots come in order
            ranges[-1][1] = max(ranges[-1][1], gap.last)
        else:
            ranges.append([gap.first, gap.last])

    def merged(self) -> tuple[Gap, ...]:
        found = []
        for (series, reason), ranges in self._ranges.items():
            joined: list[list[int]] = []
            for first, last in sorted(ranges):
                if joined and first <= joined[-1][1] + 1:
                    joined[-1][1] = max(joined[-1][1], last)
                else:
                    joined.append([first, last])
            found += [Gap(series, first, last, reason) for first, last in joined]
        return tuple(sorted(found, key=lambda gap: (gap.series, gap.first)))


def dropped(records: Iterable[Record]) -> list[Gap]:
    """Return the slots of results that were given up; runs that were not scheduled have none of their own."""
    return [
        Gap(one.series, one.slot, one.slot, Missed.DROPPED.value)
        for one in records
        if one.kind == Kind.SCHEDULED
    ]


def content_of(batch: Batch) -> Content:
    """Return what a batch tells, to be told in another place of the chain: later, when nobody is leaving."""
    return Content(
        digest=batch.digest,
        hub=batch.hub,
        records=batch.records,
        gaps=batch.gaps,
        health=batch.health,
        complete_us=batch.complete_us,
        clock=batch.clock,
        clock_events=batch.clock_events,
        cutoffs=batch.cutoffs,
    )


def given_up(content: Content) -> Content:
    """Return what is left to tell when the results are given up: that their slots have none."""
    return replace(content, records=(), gaps=(*content.gaps, *dropped(content.records)))


def halves(content: Content) -> tuple[Content, ...]:
    """Return what is too large for one batch in two pieces; one result that is too large alone is given up.

    Only the last piece has the rest of what is to be told, and says up to when it is all.
    """
    records = content.records
    if len(records) < 2:
        return (given_up(content),)
    middle = len(records) // 2
    first = Content(
        digest=content.digest, hub=content.hub, records=records[:middle], gaps=(), health=content.health
    )
    return first, replace(content, records=records[middle:])


def open_sealed(sealed: Sealed, public: bytes, max_bytes: int = MAX_BODY) -> tuple[Batch, bytes]:
    """Return a batch and its encoded message, if its agent signed it; raises `WireError` with the reason.

    What is packed is unpacked up to a limit only: few bytes can stand for any number of them.
    """
    body = unpack(sealed.packed, max_bytes)
    if not verify(public, sealed.signature, body):
        raise WireError("the signature of the batch is not by the key of its agent")
    batch = decode_batch(body)
    if (batch.epoch, batch.sequence) != (sealed.epoch, sealed.sequence):
        raise WireError(
            f"a batch that says it is {batch.epoch}/{batch.sequence} came as {sealed.epoch}/{sealed.sequence}"
        )
    return batch, body


def decode_batch(body: bytes) -> Batch:
    """Return the batch of an encoded message; raises `WireError` for anything else."""
    try:
        message = wire.decode(body)
    except RecursionError:
        raise WireError("the batch is nested too deeply") from None
    except wire.UnknownMessage as error:
        raise WireError(f"no batch is in it: {error}") from None
    if not isinstance(message, Batch):
        raise WireError(f"no batch is in it, but a message {body[:1]!r}")
    return message


def opened(sealed: Sealed) -> Batch | None:
    """Return the agent's own batch; None, said in the log, if the disk has spoiled it."""
    try:
        return decode_batch(unpack(sealed.packed))
    except WireError as error:
        place = {"epoch": sealed.epoch, "sequence": sealed.sequence}
        log.error("a batch in the spool is damaged", extra={**place, "error": str(error)})
        return None


def unpacks_within(packed: bytes, limit: int) -> bool:
    """Say whether what was packed is no longer than a limit, at the cost of that much."""
    try:
        return len(zlib.decompressobj().decompress(packed, limit + 1)) <= limit
    except zlib.error:
        return True  # damaged, which costs no more


def unpack(packed: bytes, max_bytes: int = MAX_BODY) -> bytes:
    """Return what was packed by zlib; raises `WireError` if it is damaged, cut short, or more than the limit."""
    unpacker = zlib.decompressobj()
    try:
        body = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error:
        raise WireError("the batch cannot be unpacked: it is damaged") from None
    if len(body) > max_bytes:
        raise WireError(f"the batch has more than {max_bytes} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise WireError("the batch cannot be unpacked: it is cut short, or something follows it")
    return body


def _pack(key: AgentKey, epoch: int, sequence: int, body: bytes) -> Sealed:
    return Sealed(epoch, sequence, zlib.compress(body, LEVEL), key.sign(body))


def _starts(records: tuple[Record, ...]) -> tuple[int, int]:
    starts = [one.result.started_us for one in records]
    return (min(starts), max(starts)) if starts else (0, 0)
