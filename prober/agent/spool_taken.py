"""What the hub has taken and is still here, by the time that it was taken: it goes in lots, minutes later. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

KEEP_US = 600_000_000  # how long batches stay after the hub took them
STEP_US = 10_000_000  # they go in lots of so long


@dataclass(slots=True)
class _Lot:
    since_us: int
    upto: dict[int, int] = field(default_factory=dict)  # sequence by epoch


class Taken:
    """Up to where each epoch was taken, and when."""

    def __init__(self) -> None:
        self._lots: deque[_Lot] = deque()

    def note(self, epoch: int, sequence: int, now_us: int) -> None:
        """The hub has taken an epoch up to a batch."""
        if not self._lots or now_us - self._lots[-1].since_us >= STEP_US:
            self._lots.append(_Lot(now_us))
        self._lots[-1].upto[epoch] = sequence

    def go_back(self, epoch: int, sequence: int, now_us: int) -> None:
        """It has lost what came after a batch."""
        self.forget(epoch)
        self.note(epoch, sequence, now_us)

    def forget(self, epoch: int) -> None:
        """Nothing of an epoch is here any more."""
        for lot in self._lots:
            lot.upto.pop(epoch, None)

    def due(self, now_us: int, even_new: bool) -> tuple[int, int] | None:
        """Return an epoch, and the batch up to which it may go now; None if nothing may."""
        while self._lots and (even_new or now_us - self._lots[0].since_us >= KEEP_US):
            for epoch, sequence in self._lots[0].upto.items():
                return epoch, sequence
            self._lots.popleft()
        return None

    def gone(self, epoch: int) -> None:
        """What was due of this epoch is gone."""
        self._lots[0].upto.pop(epoch, None)
