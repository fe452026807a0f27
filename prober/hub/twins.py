"""Lets the best evidence of a slot go first where several agents of one region run every probe.

They begin a slot at the same instant, so what they saw arrives within a moment. The first result of a slot that is
judged is the slot's; so a result that is no pass waits, with its batch, until the other agents have told of that
slot too, or for a short while. Nothing is held back from the record for longer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from checks.core.result import Outcome
from prober.store.base import SeriesRow
from prober.wire import Batch, Kind

WAIT_SECONDS = 2.0  # for the others; results come within about a second of each other
# Who has told of nothing newer than this before a slot runs its series no more, or cannot deliver what it saw.
RECENT_SLOTS, RECENT_US = 3, 60_000_000  # whichever is longer
_RANKS = {Outcome.PASS: 0, Outcome.WARN: 0, Outcome.FAIL: 1, Outcome.VOID: 2}


@dataclass(frozen=True, slots=True)
class _Doubt:
    series: int
    slot: int
    rank: int
    recent: int  # the slot from which on one has to have told of the series to be waited for


class Twins:
    """One per hub: `meet` before a batch is handed on, for agents of regions whose agents run all probes each."""

    def __init__(self) -> None:
        self._told: defaultdict[int, dict[str, tuple[int, int]]] = defaultdict(
            dict
        )  # series: agent: slot, rank
        self._waiting: set[str] = set()
        self._gone: set[str] = set()
        self._changed = asyncio.Event()

    async def meet(
        self, agent: str, others: Collection[str], batch: Batch, rows: Mapping[int, SeriesRow]
    ) -> None:
        """Return when a batch may be judged: at once if it holds passes only, or nobody else tells of its slots."""
        self._note(agent, batch, rows)
        doubtful = [
            _Doubt(record.series, record.slot, rank, record.slot - _recent_slots(rows[record.series]))
            for record in batch.records
            if record.kind == Kind.SCHEDULED
            and record.series in rows
            and (rank := _RANKS[record.result.outcome])
        ]
        if not doubtful or not others:
            return
        self._waiting.add(agent)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not all(self._may_go(one, others) for one in doubtful):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(agent)
            self._changed.set()

    def forget(self, agent: str) -> None:
        """Forget an agent whose link has ended: nobody waits for it."""
        self._gone.add(agent)
        for told in self._told.values():
            told.pop(agent, None)
        self._changed.set()

    def _note(self, agent: str, batch: Batch, rows: Mapping[int, SeriesRow]) -> None:
        self._gone.discard(agent)
        for record in batch.records:
            if record.kind == Kind.SCHEDULED and record.series in rows:
                self._told[record.series][agent] = record.slot, _RANKS[record.result.outcome]
        for gap in batch.gaps:
            if gap.series in rows and gap.last > self._told[gap.series].get(agent, (-1, 0))[0]:
                self._told[gap.series][agent] = gap.last, len(_RANKS)
        self._changed.set()

    def _may_go(self, doubt: _Doubt, others: Collection[str]) -> bool:
        """Say whether every other agent that runs a series told of a slot, and none that saw better waits itself."""
        told = self._told[doubt.series]
        for other in set(others) - self._gone:
            slot, rank = told.get(other, (-1, 0))
            if doubt.recent <= slot < doubt.slot:
                return False
            if slot == doubt.slot and rank < doubt.rank and other in self._waiting:
                return False
        return True


def _recent_slots(row: SeriesRow) -> int:
    return max(RECENT_SLOTS, RECENT_US // row.interval_us)
