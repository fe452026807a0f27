"""Collects what an agent has to tell until it is sealed into a batch, and keeps apart what was measured differently.

Bounded: when nothing is sealed for long, the oldest results are given up and their slots accounted for as dropped,
so that nothing is lost without a trace. Numbering, chaining and delivering are for those who take from it.
"""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from checks.core.result import Outcome
from prober.wire import Gap, Kind, Missed, Record

T = TypeVar("T")
MAX_RECORDS = 2000  # in one batch
MAX_OPEN_RECORDS = 200_000  # not sealed yet; about 60 MB


class Collector:
    """`add` what happened; `take` gives what the next batch can hold."""

    def __init__(self) -> None:
        self.digest = ""  # of the configuration that results are measured under from now on
        self.has_news = False  # something waits that is more than another pass on schedule
        self._records: deque[Record] = deque()
        self._borders: deque[tuple[int, str]] = (
            deque()
        )  # records still to come under an older digest, and which
        self._gaps: deque[Gap] = deque()

    @property
    def pending(self) -> int:
        """Results and gaps not taken yet."""
        return len(self._records) + len(self._gaps)

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

    def take(self) -> tuple[str, tuple[Record, ...], tuple[Gap, ...]]:
        """Return a digest, the oldest results that were measured under it, and gaps."""
        digest, records = self._next_records(MAX_RECORDS)
        gaps = _take(self._gaps, MAX_RECORDS)
        self.has_news = self.has_news and self.pending > 0
        return digest, records, gaps

    def oldest_us(self) -> int:
        """Return when the oldest result began that is not taken yet; 0: none waits."""
        return min((record.result.started_us for record in self._records), default=0)

    def complete_us(self, now_us: int, *open_us: int) -> int:
        """Return up to when nothing is still to come: not in flight or held back (`open_us`: since when), nor here."""
        return min((now_us, *(began_us for began_us in (*open_us, self.oldest_us()) if began_us)))

    def _next_records(self, most: int) -> tuple[str, tuple[Record, ...]]:
        if not self._borders:
            return self.digest, _take(self._records, most)
        count, digest = self._borders.popleft()
        taken = _take(self._records, min(count, most))
        if count > len(taken):
            self._borders.appendleft((count - len(taken), digest))
        return digest, taken


def _take(items: deque[T], most: int) -> tuple[T, ...]:
    return tuple(items.popleft() for _ in range(min(len(items), most)))
