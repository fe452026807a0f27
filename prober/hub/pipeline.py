"""Takes batches, commits them, and only then tells: acknowledgement, views, metrics.

One worker, one transaction at a time: whatever waits when it looks goes into the next commit. A store that cannot be
written (full disk) holds the commit back and is tried again with a growing pause; agents keep what is not
acknowledged, so measuring goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from prober import wire
from prober.store.base import CallRow, ListeningRow, Receipt, RunRow, Store, StoreBusy
from prober.wire import Ack, Batch, Gap, Record

from .judge import Judge, Judged
from .verdict import Change
from .view import StoreView

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0  # how often silence is looked for when nothing comes
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0  # between attempts to write
MAX_BATCHES_A_COMMIT = 50
MAX_CHAINS = 1000  # lives of agents remembered, the oldest are forgotten
# After the store could not be written, agents deliver what they kept: until that is in, silence means nothing.
CATCH_UP_SECONDS = 10.0


class Published(Protocol):
    """Who is told after a commit; must be quick and must not fail."""

    def committed(
        self, records: list[Record], gaps: list[Gap], changes: list[Change], closed: list[RunRow]
    ) -> None:
        """Take in what is now on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the hub itself has to put on record beside a batch: calls of jobs, and when they could come."""

    calls: tuple[CallRow, ...]
    listening: tuple[ListeningRow, ...]


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    digest: bytes
    done: asyncio.Future[None]
    heard: Heard | None = None


class Refused(Exception):
    """The batch cannot be taken: a hole in the sequence or a wrong chain."""


class Pipeline:
    """`take` returns the acknowledgement once the batch is on record."""

    def __init__(
        self, store: Store, judge: Judge, published: Published, view: StoreView, now_us: Callable[[], int]
    ) -> None:
        self.judge = judge
        self._store = store
        self._published = published
        self._view = view
        self._now_us = now_us
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._chains: dict[tuple[str, int], Receipt] = {}
        self._closing = False
        self._writing = asyncio.Lock()
        self._silence_counts_from = 0.0

    async def take(self, batch: Batch, data: bytes, heard: Heard | None = None) -> Ack:
        """Take a batch (and the bytes it came as); one on record already is acknowledged and not counted twice.

        What was `heard` of jobs is written in the same transaction as the results that came of it.
        """
        ack = Ack(batch.epoch, batch.sequence)
        chain = self._chains.get((batch.agent, batch.epoch))
        digest = wire.digest(data)
        if chain is not None and batch.sequence <= chain.sequence:
            return ack
        expected = (chain.sequence + 1, chain.hash) if chain is not None else (1, b"")
        if (batch.sequence, batch.previous) != expected:
            raise Refused(f"batch {batch.sequence} of {batch.agent} does not follow batch {expected[0] - 1}")
        self._chains[batch.agent, batch.epoch] = Receipt(
            agent=batch.agent, epoch=batch.epoch, sequence=batch.sequence, hash=digest
        )
        if len(self._chains) > MAX_CHAINS:
            del self._chains[next(iter(self._chains))]
        waiting = _Waiting(batch, digest, asyncio.get_running_loop().create_future(), heard)
        self._queue.append(waiting)
        self._view.waiting_batches = len(self._queue)
        self._wake.set()
        await waiting.done
        return ack

    async def restore(self) -> None:
        """Read the receipts of batches that are on record."""
        self._chains = {(receipt.agent, receipt.epoch): receipt for receipt in await self._store.receipts()}

    async def run(self) -> None:
        """Commit what comes until `close`; then commit what is left."""
        while not (self._closing and not self._queue):
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._commit_waiting()

    def close(self) -> None:
        """Let `run` return once the queue is empty."""
        self._closing = True
        self._wake.set()

    async def settle(self) -> None:
        """Judge everything anew (after a start or a new configuration) and commit what changed."""
        judged = Judged()
        self.judge.settle(self._now_us(), judged)
        await self._commit(judged)

    async def _commit_waiting(self) -> None:
        taken = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCHES_A_COMMIT))]
        judged = Judged()
        for waiting in taken:
            self.judge.take(waiting.batch, waiting.digest, judged)
            if waiting.heard is not None:
                judged.writes.calls += waiting.heard.calls
                judged.writes.listening += waiting.heard.listening
        if not self._queue and time.monotonic() >= self._silence_counts_from:
            self.judge.advance(self._now_us(), judged)
        if taken or judged.changes:
            await self._commit(judged)
        for waiting in taken:
            if not waiting.done.done():
                waiting.done.set_result(None)
        self._view.waiting_batches = len(self._queue)
        if self._queue:
            self._wake.set()

    async def _commit(self, judged: Judged) -> None:
        async with self._writing:
            began = time.perf_counter()
            await self._write(judged)
            self._view.commits += 1
            self._view.commit_seconds += time.perf_counter() - began
            self._view.last_commit_us = self._now_us()
        try:
            self._published.committed(judged.records, judged.gaps, judged.changes, judged.closed_runs)
        except Exception:  # what is on record stays on record; a page that is behind is the lesser evil
            log.exception("showing what was committed failed")

    async def _write(self, judged: Judged) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._store.write(judged.writes)
            except StoreBusy as problem:
                self._cannot_write(str(problem))
                if self._closing:
                    raise
                await asyncio.sleep(pause)
                self._silence_counts_from = time.monotonic() + CATCH_UP_SECONDS
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self._can_write()
                return

    def _cannot_write(self, problem: str) -> None:
        if self._view.writable:
            log.error("results cannot be stored; measuring goes on", extra={"problem": problem})
        self._view.writable, self._view.problem = False, problem

    def _can_write(self) -> None:
        if not self._view.writable:
            log.warning("results are stored again")
        self._view.writable, self._view.problem = True, None
