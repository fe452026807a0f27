"""The newest runs of `/probe` and what they said, in memory: the last ones, and failures for longer.

Bounded by number and by size. Pure; not here: pages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

LIMIT = 100  # runs kept, and as many failures beyond them
MAX_TEXT = 65_536  # characters of one run's text


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what was asked, how it went, and the text of `debug=true`. `whole`: nothing of the target is hidden."""

    module: str
    target: str
    success: bool
    at_us: int
    text: str
    void: str | None = None
    whole: bool = True
    number: int = 0  # given by the history


class RunHistory:
    """Keeps the last `limit` runs; a failure that falls out is kept among the last `limit` failures."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._recent: deque[Run] = deque()
        self._failed: deque[Run] = deque(maxlen=limit)
        self._count = 0

    def add(self, run: Run) -> Run:
        """Keep a run and give it a number; a text that is too long is cut."""
        self._count += 1
        cut = run.text if len(run.text) <= MAX_TEXT else run.text[:MAX_TEXT] + "\n... cut\n"
        run = replace(run, number=self._count, text=cut)
        self._recent.append(run)
        if len(self._recent) > self._limit:
            fallen = self._recent.popleft()
            if not fallen.success:
                self._failed.append(fallen)
        return run

    def __iter__(self) -> Iterator[Run]:
        """Yield the newest first."""
        yield from reversed(self._recent)
        yield from reversed(self._failed)

    def by_number(self, number: int) -> Run | None:
        """Return a run by its number."""
        return next((run for run in self if run.number == number), None)

    def newest(self, target: str, module: str | None = None) -> Run | None:
        """Return the newest run against a target, of one module if it is named."""
        return next((run for run in self if run.target == target and module in (None, run.module)), None)
