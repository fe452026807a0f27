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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from prober import wire
from prober.store.base import (
    AgentRow,
    AsideRow,
    CallRow,
    ClosedRow,
    DeliveryRow,
    ListeningRow,
    MaintenanceRow,
    Receipt,
    RunRow,
    Store,
    StoreBusy,
    StoreError,
)
from prober.wire import Ack, Batch, Gap, Record

from .chains import Chains, Fate
from .judge import Judge, Judged
from .reviser import Revised, Reviser
from .verdict import Change
from .view import StoreView

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0  # how often silence is looked for when nothing comes
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0  # between attempts to write
MAX_BATCHES_A_COMMIT = 50
MAX_ASIDE = 50  # of the batches kept aside that are looked at after a start; each may have megabytes
# After the store could not be written, agents deliver what they kept: until that is in, silence means nothing.
CATCH_UP_SECONDS = 10.0
AHEAD_US = 2_000_000  # what is stamped further ahead of the hub lets no time pass


class Published(Protocol):
    """Who is told after a commit; must be quick and must not fail."""

    def committed(
        self,
        records: list[Record],
        gaps: list[Gap],
        changes: list[Change],
        closed: list[RunRow],
        late: Sequence[Record] = (),
    ) -> None:
        """Take in what is now on record; `late` results are older than others of their series."""

    def revised(self, revised: Revised, revision: int) -> list[Change]:
        """Take in what late results changed about the past; returns what that changes about the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the hub itself has to put on record beside a batch: calls of jobs, and when they could come."""

    calls: tuple[CallRow, ...]
    listening: tuple[ListeningRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What the hub has to put on record beside results: about agents, maintenance, and closed reports."""

    agents: tuple[AgentRow, ...] = ()
    forgotten: tuple[str, ...] = ()
    aside: tuple[AsideRow, ...] = ()
    maintenance: tuple[MaintenanceRow, ...] = ()
    closed: tuple[ClosedRow, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()


@dataclass(slots=True)
class _Waiting:
    done: asyncio.Future[None]
    batch: Batch | None = None
    receipt: Receipt | None = None  # of the batch
    heard: Heard | None = None
    noted: Noted | None = None

    def add_to(self, judge: Judge, judged: Judged, slots: Mapping[tuple[int, int], str]) -> None:
        writes = judged.writes
        if self.batch is not None and self.receipt is not None:
            judge.take(self.batch, self.receipt.hash, judged, slots)
        if self.heard is not None:
            writes.calls += self.heard.calls
            writes.listening += self.heard.listening
        if self.noted is not None:
            # Who is forgotten and comes again at once is known again: a write forgets last.
            known = {row.name for row in self.noted.agents}
            writes.forgotten = [name for name in writes.forgotten if name not in known]
            writes.agents += self.noted.agents
            writes.forgotten += self.noted.forgotten
            writes.aside += self.noted.aside
            writes.maintenance += self.noted.maintenance
            writes.closed += self.noted.closed
            writes.deliveries += self.noted.deliveries


class Refused(Exception):
    """The batch cannot be taken: it does not follow those on record."""


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
        # Told after each commit, when all of it is shown; must be quick.
        self.after_commit: Callable[[Judged], None] = lambda _judged: None
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self.chains = Chains()
        self._pending: dict[tuple[str, int], asyncio.Future[None]] = {}  # the newest one of each epoch
        self._closing = False
        self._writing = asyncio.Lock()
        self.judging = asyncio.Lock()  # held while the judge decides; another configuration waits for it
        self._silence_counts_from = 0.0
        self.reviser = Reviser(store, judge, now_us)

    async def take(self, batch: Batch, data: bytes, heard: Heard | None = None) -> Ack:
        """Take a batch (and the bytes it came as); one on record already is acknowledged and not counted twice.

        What was `heard` of jobs is written in the same transaction as the results that came of it.
        """
        digest = wire.digest(data)
        verdict = self.chains.judge(batch, digest)
        if verdict.fate is Fate.BROKEN:
            raise Refused(f"batch {batch.sequence} of {batch.agent} {verdict.reason}")
        if verdict.fate is Fate.NEXT:
            await asyncio.shield(self.accept(batch, digest, heard))
        elif (pending := self.pending(batch)) is not None:
            await asyncio.shield(pending)
        return Ack(batch.epoch, batch.sequence)

    def accept(self, batch: Batch, digest: bytes, heard: Heard | None = None) -> asyncio.Future[None]:
        """Take a batch that `chains` judged to be the next one; the future ends when it is on record.

        Whoever waits for it does so behind a shield: others may wait for the same.
        """
        done = self._put(batch=batch, receipt=self.chains.advance(batch, digest), heard=heard)
        self._pending[batch.agent, batch.epoch] = done
        return done

    def pending(self, batch: Batch) -> asyncio.Future[None] | None:
        """Return what ends when all that was taken of a batch's epoch is on record; None: it is. Wait behind a shield.

        A batch that comes again may be on its way there still, and must not be acknowledged before.
        """
        return self._pending.get((batch.agent, batch.epoch))

    def note(self, noted: Noted) -> asyncio.Future[None]:
        """Put something on record that is no batch; the future ends when it is. Wait behind a shield."""
        return self._put(noted=noted)

    async def restore(self) -> None:
        """Read the receipts of batches that are on record."""
        aside = await self._store.aside(MAX_ASIDE, data=False)
        self.chains.restore(await self._store.receipts(), [(row.agent, row.epoch) for row in reversed(aside)])

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
        async with self.judging:
            self.judge.fold.horizon_us = self._now_us() + AHEAD_US
            for waiting in taken:
                waiting.add_to(self.judge, judged, await self._slots_of(waiting.batch))
            if not self._queue and time.monotonic() >= self._silence_counts_from:
                self.judge.advance(self._now_us(), judged)
            self.judge.mark(judged)
        if taken or judged.changes:
            await self._commit(judged)
        for waiting in taken:
            self._is_on_record(waiting)
        self._view.waiting_batches = len(self._queue)
        if self._queue:
            self._wake.set()
        elif self.reviser.due and not self._closing:
            await self._revise()

    async def _slots_of(self, batch: Batch | None) -> Mapping[tuple[int, int], str]:
        """Return what is on record of the slots that a batch tells of late; asked again until the store answers."""
        unsure = self.judge.unsure(batch) if batch is not None else []
        while unsure:
            try:
                return await self._store.taken(unsure)
            except StoreError as problem:
                self._cannot_write(str(problem))
                if self._closing:
                    raise
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
        return {}

    async def _revise(self) -> None:
        """Work out the past anew where late results came in: between commits, so that nothing moves meanwhile.

        Whatever goes wrong leaves the past as it is, to be looked at again later: the present does not hang on it.
        """
        try:
            async with self.judging:
                revised = await self.reviser.look_back()
                await self._commit(Judged(writes=revised.writes))
                self.reviser.adopt(revised)
            changes = self._published.revised(revised, self.reviser.revision)
            self.after_commit(Judged(changes=changes))
        except Exception as problem:
            self.reviser.failed()
            expected = isinstance(problem, StoreError)
            log.error(
                "the past cannot be worked out anew yet",
                extra={"problem": str(problem)},
                exc_info=None if expected else problem,
            )
            if self._closing and expected:
                raise

    def _put(
        self,
        batch: Batch | None = None,
        receipt: Receipt | None = None,
        heard: Heard | None = None,
        noted: Noted | None = None,
    ) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(done, batch, receipt, heard, noted))
        self._view.waiting_batches = len(self._queue)
        self._wake.set()
        return done

    def _is_on_record(self, waiting: _Waiting) -> None:
        receipt = waiting.receipt
        if receipt is not None:
            self.chains.on_record(receipt)
            if self._pending.get((receipt.agent, receipt.epoch)) is waiting.done:
                del self._pending[receipt.agent, receipt.epoch]
        if not waiting.done.done():
            waiting.done.set_result(None)

    async def _commit(self, judged: Judged) -> None:
        async with self._writing:
            began = time.perf_counter()
            await self._write(judged)
            self._view.commits += 1
            self._view.commit_seconds += time.perf_counter() - began
            self._view.last_commit_us = self._now_us()
        try:
            self._published.committed(
                judged.records, judged.gaps, judged.changes, judged.closed_runs, judged.late
            )
            self.after_commit(judged)
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
