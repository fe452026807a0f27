"""Which batch goes to the hub next on one link: a window of unanswered batches for each epoch, the newest epoch first.

Pure: epochs, acknowledgements and instants come in, what to read and to send goes out. New results never wait
for old ones, old ones go alongside, oldest first, and a hub that answers slowly is not flooded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from prober.wire import Sealed

from .backoff import Backoff

WINDOW = 8  # batches of one epoch that may be on their way unanswered
AGAIN_SECONDS = 1.0  # after an epoch that has something to offer had nothing to read (a disk that fails)


class Lane:
    """One epoch on one link."""

    __slots__ = ("backoff", "fetching", "flight", "more", "not_before", "read", "ready")

    def __init__(self) -> None:
        self.ready: deque[Sealed] = deque()
        self.flight: deque[tuple[int, int]] = deque()  # sequence, and when it was sent by the agent's clock
        self.read = 0  # the last sequence that was fetched
        self.more = True  # there may be something after it
        self.fetching = False
        self.not_before = 0.0  # monotonic
        self.backoff = Backoff()

    def is_open(self, now: float) -> bool:
        """Say whether something may be sent, or has to be fetched for it."""
        has_work = bool(self.ready) or self.more or not self.flight
        return has_work and len(self.flight) < WINDOW and now >= self.not_before


class Deliveries:
    """All lanes of one link; a new link begins with a new one of these."""

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}
        self._not_before = 0.0
        self._backoff = Backoff()

    def next_epoch(self, current: int, waiting: Iterable[int], now: float) -> int | None:
        """Return the epoch to go on with, None when nothing may go.

        `waiting` are the epochs that have something to offer, oldest first, and `current` is the one that grows; what
        is known of others is forgotten.
        """
        epochs = list(waiting)
        for gone in self._lanes.keys() - {*epochs, current}:
            del self._lanes[gone]
        if now < self._not_before:
            return None
        newest_first = sorted(epochs, key=lambda epoch: epoch != current)
        return next((epoch for epoch in newest_first if self._lane(epoch).is_open(now)), None)

    def next_batch(self, epoch: int, now_us: int) -> Sealed | None:
        """Return the batch to send now, counted as on its way; None: more has to be fetched first."""
        lane = self._lane(epoch)
        if not lane.ready:
            return None
        sealed = lane.ready.popleft()
        lane.flight.append((sealed.sequence, now_us))
        return sealed

    def fetch(self, epoch: int) -> int:
        """Return after which sequence to fetch batches; `fetched` is called next, for the same epoch."""
        lane = self._lane(epoch)
        lane.fetching, lane.more = True, False
        return lane.read

    def fetched(self, epoch: int, batches: Sequence[Sealed], now: float) -> None:
        """Take what the spool had, in order; nothing when there is no more."""
        lane = self._lane(epoch)
        if not lane.fetching:
            return  # put off meanwhile: it is fetched from further back
        lane.fetching = False
        if batches:
            lane.ready.extend(batches)
            lane.read = batches[-1].sequence
            lane.more = True  # whether it stopped at a limit or at the end, the next fetch tells
        elif not lane.flight and not lane.more:
            lane.not_before = now + AGAIN_SECONDS

    def appended(self, epoch: int) -> None:
        """There is more of an epoch than there was."""
        self._lane(epoch).more = True

    def acknowledged(self, epoch: int, sequence: int) -> int | None:
        """Batches up to this one are on record; returns when it was sent, None if not on this link."""
        lane = self._lane(epoch)
        sent_us = None
        while lane.flight and lane.flight[0][0] <= sequence:
            last, at_us = lane.flight.popleft()
            sent_us = at_us if last == sequence else None
        while lane.ready and lane.ready[0].sequence <= sequence:
            lane.ready.popleft()
        if sent_us is not None:
            lane.backoff, self._backoff = Backoff(), Backoff()
        return sent_us

    def is_awaited(self, epoch: int, sequence: int) -> bool:
        """Say whether an answer to this batch is waited for. To what was sent after a refused one, none is."""
        return any(each == sequence for each, _ in self._lane(epoch).flight)

    def put_off(self, epoch: int, sequence: int, now: float) -> float:
        """The hub cannot take this batch now: it, and what follows, is sent again later. Returns the pause."""
        lane = self._lane(epoch)
        pause = lane.backoff.pause()
        lane.not_before = now + pause
        lane.flight.clear()
        lane.ready.clear()
        lane.fetching, lane.more, lane.read = False, True, sequence - 1
        return pause

    def put_aside(self, epoch: int, now: float) -> float:
        """The hub keeps a batch of this epoch aside: nothing more of it goes out, and the rest after a pause.

        The pause grows while nothing is taken: a hub that refuses everything must not have it all at once.
        """
        self._lanes.pop(epoch, None)
        pause = self._backoff.pause()
        self._not_before = now + pause
        return pause

    def next_due(self, now: float) -> float | None:
        """Return in how many seconds something that waits for its time may go on, None when nothing does."""
        instants = [self._not_before, *(lane.not_before for lane in self._lanes.values())]
        return min((at - now for at in instants if at > now), default=None)

    def in_flight(self) -> int:
        """Return how many batches wait for their answer."""
        return sum(len(lane.flight) for lane in self._lanes.values())

    def _lane(self, epoch: int) -> Lane:
        return self._lanes.setdefault(epoch, Lane())
