"""What a local agent has to tell: sealed into numbered, chained batches, and kept until acknowledged.

Nothing lies on disk: the hub's own agents live and go with it. What waits to be sealed is the collector's, carriers
and clocks live elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from prober import wire
from prober.wire import Ack, Batch, ClockEvent, Cutoff, Health

from .collector import MAX_OPEN_RECORDS, MAX_RECORDS, Collector

__all__ = ["MAX_OPEN_RECORDS", "MAX_RECORDS", "MAX_SEALED", "Outbox"]
MAX_SEALED = 8  # batches on their way at once


class Outbox(Collector):
    """`add` what happened; `seal` gives the bytes of the next batch, if there is one to send now."""

    def __init__(self, agent: str, epoch: int) -> None:
        super().__init__()
        self.agent = agent
        self.epoch = epoch
        self._sealed: deque[tuple[int, bytes]] = deque()
        self._sequence = 0
        self._previous = b""

    @property
    def is_delivered(self) -> bool:
        """Everything that was added has been acknowledged."""
        return not self.pending and not self._sealed

    def seal(
        self,
        health: Callable[[], Health],
        even_empty: bool = False,
        cutoffs: Callable[[], tuple[Cutoff, ...]] = tuple,
        clock_events: Callable[[], tuple[ClockEvent, ...]] = tuple,
        complete_us: Callable[[], int] = int,
    ) -> bytes | None:
        """Return the next batch to send, or None: nothing to tell, or too many on their way.

        What goes along with the results is asked for only when there is a batch, so that none of it is lost.
        """
        if len(self._sealed) >= MAX_SEALED or not (self.pending or even_empty):
            return None
        self._sequence += 1
        digest, records, gaps = self.take()
        batch = Batch(
            version=wire.VERSION,
            agent=self.agent,
            epoch=self.epoch,
            sequence=self._sequence,
            previous=self._previous,
            digest=digest,
            records=records,
            gaps=gaps,
            health=health(),
            complete_us=complete_us(),
            clock_events=clock_events(),
            cutoffs=cutoffs(),
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
