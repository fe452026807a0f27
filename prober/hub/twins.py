"""Lets the best evidence of a slot go first where several agents of one region run every probe.

They begin a slot at the same instant, so what they saw arrives within a moment. The first result of a slot that is
judged is the slot's; so a result that is no pass waits, with its batch, until the other agents have told of that
slot too, or for a short while. Nothing is held back from the record for longer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection

from checks.core.result import Outcome
from prober.wire import Batch, Kind

WAIT_SECONDS = 2.0  # for the others; results come within about a second of each other
_RANKS = {Outcome.PASS: 0, Outcome.WARN: 0, Outcome.FAIL: 1, Outcome.VOID: 2}


class Twins:
    """One per hub: `meet` before a batch is handed on, for agents of regions whose agents run all probes each."""

    def __init__(self) -> None:
        self._told: defaultdict[int, dict[str, tuple[int, int]]] = defaultdict(
            dict
        )  # series: agent: slot, rank
        self._waiting: set[str] = set()
        self._gone: set[str] = set()
        self._changed = asyncio.Event()

    async def meet(self, agent: str, others: Collection[str], batch: Batch) -> None:
        """Return when a batch may be judged: at once if it holds passes only, or nobody else is there."""
        self._note(agent, batch)
        doubtful = [
            (record.series, record.slot, rank)
            for record in batch.records
            if record.kind == Kind.SCHEDULED and (rank := _RANKS[record.result.outcome])
        ]
        if not doubtful or not others:
            return
        self._waiting.add(agent)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not all(self._may_go(*one, others) for one in doubtful):
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

    def _note(self, agent: str, batch: Batch) -> None:
        self._gone.discard(agent)
        for record in batch.records:
            if record.kind == Kind.SCHEDULED:
                self._told[record.series][agent] = record.slot, _RANKS[record.result.outcome]
        for gap in batch.gaps:
            if gap.last > self._told[gap.series].get(agent, (-1, 0))[0]:
                self._told[gap.series][agent] = gap.last, len(_RANKS)
        self._changed.set()

    def _may_go(self, series: int, slot: int, rank: int, others: Collection[str]) -> bool:
        """Say whether every other agent has told of a slot, and none that saw better still waits itself."""
        told = self._told[series]
        for other in set(others) - self._gone:
            other_slot, other_rank = told.get(other, (-1, 0))
            if other_slot < slot or (other_slot == slot and other_rank < rank and other in self._waiting):
                return False
        return True
