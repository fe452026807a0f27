"""How far the agent's wall clock is ahead of the hub's, measured as NTP does: four stamps of one exchange.

Pure. The exchanges are those that deliver batches anyway; who asks when is the uplink's business, what an offset
means for results is decided elsewhere.
"""

from __future__ import annotations

from collections import deque

from prober.wire import ClockState

SAMPLES = 16  # the newest that are looked at
FRESH_US = 10 * 60 * 1_000_000  # an older one has drifted: it is used only where there is no younger one


class HubOffset:
    """Measured offsets, of which the best is told: of the fresh ones the one with the smallest error."""

    def __init__(self) -> None:
        self._samples: deque[ClockState] = deque(maxlen=SAMPLES)

    def measured(self, asked_us: int, received_us: int, sent_us: int, now_us: int) -> None:
        """Take the stamps of one exchange: asked and heard by the agent's clock, received and sent by the hub's.

        Stamps that cannot be (a clock was set in between, a hub that gives none) are passed over.
        """
        round_trip_us = (now_us - asked_us) - (sent_us - received_us)
        if not 0 < received_us <= sent_us or round_trip_us < 0:
            return
        offset_us = ((asked_us - received_us) + (now_us - sent_us)) // 2
        self._samples.append(ClockState(offset_us, (round_trip_us + 1) // 2, now_us))

    def state(self, now_us: int) -> ClockState | None:
        """Return the best that is known now; None when nothing was measured since the start or the last step."""
        fresh = [each for each in self._samples if now_us - each.measured_us <= FRESH_US]
        if fresh:
            return min(fresh, key=lambda each: (each.error_us, -each.measured_us))
        # A hub away for days leaves the last that was known, which says itself how old it is.
        return self._samples[-1] if self._samples else None

    def forget(self) -> None:
        """The agent's clock was stepped: what was measured before says nothing of it now."""
        self._samples.clear()
