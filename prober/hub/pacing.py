"""How fast an agent is listened to: buckets that fill at an even pace. Pure. Who is too fast waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """So much a second in the long run, and at most `burst` at once."""

    per_second: float
    burst: float


class Bucket:
    """What is left of one pace. Time is an argument, in seconds that never go back."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._left = pace.burst
        self._at_seconds = 0.0

    def take(self, amount: float, now_seconds: float) -> float:
        """Take an amount, whether it is there or not; returns the seconds until it would have been."""
        self._fill(now_seconds)
        self._left -= amount
        return max(-self._left / self._pace.per_second, 0.0)

    def has(self, amount: float, now_seconds: float) -> bool:
        """Take an amount if it is there; False, and nothing is taken, if not."""
        self._fill(now_seconds)
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def _fill(self, now_seconds: float) -> None:
        if self._at_seconds:
            passed = max(now_seconds - self._at_seconds, 0.0)
            self._left = min(self._left + passed * self._pace.per_second, self._pace.burst)
        self._at_seconds = now_seconds
