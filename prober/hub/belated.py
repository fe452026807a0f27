"""What is told of changes that are known late: nothing of what is over, only what still stands when they pause.

An agent that could not deliver tells of minutes ago, in order and fast: an outage that began and ended in them is on
record, and no news. Decides, does no I/O; `voice.py` asks it before it says a change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .verdict import Change

LATE_US = 15_000_000  # a change that was noted longer ago than this is not news by itself
PAUSE_US = 3_000_000  # without another one of its subject, and what stands is told


@dataclass(slots=True)
class _Held:
    first: Change
    last: Change
    at_us: int


class Belated:
    """Holds late changes of each subject until they pause."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def news(self, changes: Iterable[Change], now_us: int) -> list[Change]:
        """Return the changes that are to be told now; call it about once a second without any, too."""
        told: list[Change] = []
        for change in changes:
            held = self._held.get(change.subject)
            if change.noted_us < now_us - LATE_US:
                self._hold(change, held, now_us)
            elif held is None:
                told.append(change)
            else:
                del self._held[change.subject]
                told += _difference(held.first, change)
        for subject, held in list(self._held.items()):
            if held.at_us + PAUSE_US <= now_us:
                del self._held[subject]
                told += _difference(held.first, held.last)
        return told

    def _hold(self, change: Change, held: _Held | None, now_us: int) -> None:
        self._held[change.subject] = _Held(held.first if held is not None else change, change, now_us)


def _difference(first: Change, last: Change) -> list[Change]:
    """Return what became of a subject all in all; nothing if it stands as before."""
    return [] if first.before is last.after else [replace(last, before=first.before)]
