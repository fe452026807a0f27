"""Collects what an agent has to tell, seals it into numbered, chained batches, and keeps them until acknowledged.

Bounded: when the hub takes nothing for long, the oldest unsealed results are given up and their slots accounted for
as dropped, so that nothing is lost without a trace. Carriers and clocks live elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from checks.core.result import Outcome
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
        self.digest = ""  # of the configuration that results are measured under from now on
        self._records: deque[Record] = deque()
        self._borders: deque[tuple[int, str]] = (
            deque()
        )  # records still to come under an older digest, and which
        self._gaps: deque[Gap] = deque()
        self._sealed: deque[tuple[int, bytes]] = deque()
        self._sequence = 0
        self._previous = b""
        self.has_news = False  # something waits that is more than another pass on schedule

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
            self.has_news = True
            return
        if item.kind != Kind.SCHEDULED or item.result.outcome is not Outcome.PASS:
            self.has_news = True
        self._records.append(item)
        if len(self._records) > MAX_OPEN_RECORDS:
            _, (lost,) = self._next_records(1)
            if lost.kind == Kind.SCHEDULED:
                self._gaps.append(Gap(lost.series, lost.slot, lost.slot, Missed.DROPPED.value))

    def under(self, digest: str) -> None:
        """Go over to another configuration: what is added from now on was measured under it."""
        waiting = len(self._records) - sum(count for count, _ in self._borders)
        if waiting and digest != self.digest:
            self._borders.append((waiting, self.digest))
        self.digest = digest

    def seal(self, health: Callable[[], Health], even_empty: bool = False) -> bytes | None:
        """Return the next batch to send, or None: nothing to tell, or too many on their way."""
        if len(self._sealed) >= MAX_SEALED or not (self.pending or even_empty):
            return None
        self._sequence += 1
        digest, records = self._next_records(MAX_RECORDS)
        batch = Batch(
            version=wire.VERSION,
            agent=self.agent,
            epoch=self.epoch,
            sequence=self._sequence,
            previous=self._previous,
            digest=digest,
            records=records,
            gaps=_take(self._gaps, MAX_RECORDS),
            health=health(),
        )
        self.has_news = self.has_news and self.pending > 0
        data = wire.encode(batch)
        self._previous = wire.digest(data)
        self._sealed.append((self._sequence, data))
        return data

    def _next_records(self, most: int) -> tuple[str, tuple[Record, ...]]:
        """Take the oldest records that were measured under one configuration, and its digest."""
        if not self._borders:
            return self.digest, _take(self._records, most)
        count, digest = self._borders.popleft()
        taken = _take(self._records, min(count, most))
        if count > len(taken):
            self._borders.appendleft((count - len(taken), digest))
        return digest, taken

    def acknowledged(self, ack: Ack) -> None:
        """Forget batches up to the acknowledged one; an ack for another life of this agent is ignored."""
        if ack.epoch != self.epoch:
            return
        while self._sealed and self._sealed[0][0] <= ack.sequence:
            self._sealed.popleft()


def _take(items: deque[T], most: int) -> tuple[T, ...]:
    return tuple(items.popleft() for _ in range(min(len(items), most)))
