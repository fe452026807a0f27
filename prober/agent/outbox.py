"""Collects what an agent has to tell, seals it into numbered, chained batches, and keeps them until acknowledged.

Bounded: when the hub takes nothing for long, the oldest unsealed results are given up and their slots accounted for
as dropped, so that nothing is lost without a trace. Carriers and clocks live elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from prober import wire
from prober.wire import Ack, Batch, Gap, Health, Kind, Missed, Record

T = TypeVar("T")
MAX_RECORDS = 2000  # in one batch
MAX_OPEN_RECORDS = 200_000  # not sealed yet; about 60 MB
MAX_SEALED = 8  # batches on their way at once


class Outbox:
    """`add` what happened; `seal` gives the bytes of the next batch, if there is one to send now."""

    def __init__(self, agent: str, epoch: int) -> None:
        self.agent = agent
        self.epoch = epoch
        self._records: deque[Record] = deque()
        self._gaps: deque[Gap] = deque()
        self._sealed: deque[tuple[int, bytes]] = deque()
        self._sequence = 0
        self._previous = b""

    @property
    def pending(self) -> int:
        """Results and gaps not sealed yet."""
        return len(self._records) + len(self._gaps)

    @property
    def is_delivered(self) -> bool:
        """Everything that was added has been acknowledged."""
        return not self.pending and not self._sealed

    def add(self, item: Record | Gap) -> None:
        """Take one result or gap; gives up the oldest when there is no room."""
        if isinstance(item, Gap):
            self._gaps.append(item)
            return
        self._records.append(item)
        if len(self._records) > MAX_OPEN_RECORDS:
            lost = self._records.popleft()
            if lost.kind == Kind.SCHEDULED:
                self._gaps.append(Gap(lost.series, lost.slot, lost.slot, Missed.DROPPED.value))

    def seal(self, digest: str, health: Callable[[], Health], even_empty: bool = False) -> bytes | None:
        """Return the next batch to send, or None: nothing to tell, or too many on their way."""
        if len(self._sealed) >= MAX_SEALED or not (self.pending or even_empty):
            return None
        self._sequence += 1
        batch = Batch(
            version=wire.VERSION,
            agent=self.agent,
            epoch=self.epoch,
            sequence=self._sequence,
            previous=self._previous,
            digest=digest,
            records=_take(self._records),
            gaps=_take(self._gaps),
            health=health(),
        )
        data = wire.encode(batch)
        self._previous = wire.digest(data)
        self._sealed.append((self._sequence, data))
        return data

    def acknowledged(self, ack: Ack) -> None:
        """Forget batches up to the acknowledged one; an ack for another life of this agent is ignored."""
        if ack.epoch != self.epoch:
            return
        while self._sealed and self._sealed[0][0] <= ack.sequence:
            self._sealed.popleft()


def _take(items: deque[T]) -> tuple[T, ...]:
    return tuple(items.popleft() for _ in range(min(len(items), MAX_RECORDS)))
