"""How often something may be done, by key: buckets that fill at an even pace. Bounded memory; time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second in the long run, and at most `burst` at once."""

    per_second: float
    burst: int


class Limiter:
    """Buckets of one rate. With more keys than it keeps, the one that was asked for longest ago starts anew."""

    def __init__(self, rate: Rate, max_keys: int) -> None:
        self._rate = rate
        self._max_keys = max_keys
        self._buckets: OrderedDict[object, tuple[float, float]] = (
            OrderedDict()
        )  # what is left, and when that was

    def __len__(self) -> int:
        return len(self._buckets)

    def allows(self, key: object, now_seconds: float) -> bool:
        """Take one from the key's bucket; False when it is empty."""
        left, seen_seconds = self._buckets.pop(key, (float(self._rate.burst), now_seconds))
        passed = max(now_seconds - seen_seconds, 0.0)
        left = min(left + passed * self._rate.per_second, float(self._rate.burst))
        is_allowed = left >= 1.0
        self._buckets[key] = (left - 1.0 if is_allowed else left, now_seconds)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return is_allowed
