"""How long an agent waits before it tries the hub again: growing, and never in step with other agents.

Pure: how long the last link lasted comes in, a pause goes out. Waiting is the uplink's business.
"""

from __future__ import annotations

from random import Random

FIRST_SECONDS = 1.0  # the longest that the first pause can be; drawn from its upper half, as all are
LONGEST_SECONDS = 30.0
LASTING_SECONDS = 60.0  # about so long between two tries when a person has to act first
SPREAD = 0.25  # of that, either way
STEADY_SECONDS = 10.0  # a link that lasted so long was a good one: the next pause is short again


class Backoff:
    """Doubles from try to try; a thousand agents that lost one hub at once come back spread out."""

    def __init__(self, random: Random | None = None) -> None:
        """`random` is the process's own unless a test wants to know what comes."""
        self._random = random or Random()
        self._step_seconds = FIRST_SECONDS

    def pause(self, lasted_seconds: float = 0.0) -> float:
        """Return how many seconds to wait after a link that lasted so long (0: there was none)."""
        if lasted_seconds >= STEADY_SECONDS:
            self._step_seconds = FIRST_SECONDS
        step, self._step_seconds = self._step_seconds, min(2 * self._step_seconds, LONGEST_SECONDS)
        return self._random.uniform(step / 2, step)

    def lasting_pause(self) -> float:
        """Return how many seconds to wait where only a person can mend what is wrong."""
        return self._random.uniform(LASTING_SECONDS * (1 - SPREAD), LASTING_SECONDS * (1 + SPREAD))
