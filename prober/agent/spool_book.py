"""What the spool holds and where each epoch stands: appended, offered, taken. Runs in the connection's thread.

Rules. A batch goes to disk before anything else is done with it. When the disk does not take it, it waits in memory
behind those before it, so that order and chain hold; every append tries the disk again. What the hub has taken stays
for some minutes: a hub that loses power may have lost what it took last, and says so when it is back. Limits live in
`spool_limits.py`, the meeting with a hub's record in `spool_meeting.py`.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from prober.wire import Sealed, SpoolState

from . import spool_rows as rows
from .keys import AgentKey
from .sealing import Content, Sealer, TooLarge, halves
from .spool_slots import Slots
from .spool_taken import Taken
from .spool_values import Epoch, Row, Sum, total

log = logging.getLogger(__name__)
CHUNK = 64  # rows of one transaction, where there are many
RESERVE = 64  # batches that may be offered before it has to be written again that they were
REMOVED_AT_ONCE = 2000  # rows
_LOSSES = "losses"
_losses_decoder = msgspec.msgpack.Decoder(tuple[int, str])


@dataclass(frozen=True, slots=True)
class Standing:
    """What others may read at any time; replaced as a whole."""

    epoch: int = 0
    waiting: tuple[
        tuple[int, bytes], ...
    ] = ()  # epochs that have something to offer, and whose hub they are for
    state: SpoolState = field(default_factory=lambda: SpoolState(0, 0, 0, 0))
    held: tuple[tuple[str, Sum], ...] = ()  # what waits under other names, and is offered to nobody


class Book:
    """The spool's state. Methods that take `db` run in its thread, one after the other."""

    def __init__(self, agent: str, key: AgentKey, now_us: Callable[[], int]) -> None:
        self.agent = agent
        self.key = key
        self.now_us = now_us
        self.epochs: dict[int, Epoch] = {}
        self.memory: deque[Row] = deque()  # what the disk has not taken, oldest first
        self.waiting = Sum()  # not taken by the hub
        self.kept = Sum()  # taken, but still here
        self.held: dict[str, Sum] = {}  # likewise not taken, of other agents' names
        self.slots = Slots()
        self.lost_results = 0  # given up since the spool was made
        self.lost_why = ""
        self.trouble = ""  # why the disk takes nothing, in words
        self.tails: dict[bytes, tuple[int, bytes]] = {}
        """By hub: the newest epoch, and the hash of its last batch."""
        self.born = 0  # the first epoch that this process may have appended to
        self.floor = 0  # the highest epoch that the hub knows of
        self.standing = Standing()
        self._number = 0  # of the epoch that is appended to
        self._sealer: Sealer | None = None  # None: nothing has been appended to it
        self._dirty: dict[int, Epoch] = {}
        self._taken = Taken()
        self._offering: dict[int, bytes] = {}  # epochs that have something to offer, and their hubs
        self._oldest: tuple[tuple[int, ...], int] = ((), 0)

    # Start and end

    def load(self, db: sqlite3.Connection) -> None:
        """Read where everything stands, and go on in a new epoch. Nothing is written: the disk may be full."""
        self.epochs = {epoch.number: epoch for epoch in rows.epochs(db)}
        for epoch in self.epochs.values():
            self._load_epoch(db, epoch)
        self.slots.load(db)
        losses = rows.meta(db, _LOSSES)
        if losses is not None:
            self.lost_results, self.lost_why = _losses_decoder.decode(losses)
        self._number = self.born = self.new_number()
        self.publish(db)

    def _load_epoch(self, db: sqlite3.Connection, epoch: Epoch) -> None:
        kept = rows.summed(db, epoch.number, 0, epoch.taken)
        waiting = rows.summed(db, epoch.number, epoch.taken, epoch.last)
        self.kept += kept
        self.count(epoch, waiting)
        self._taken.note(epoch.number, epoch.taken, self.now_us())
        if epoch.agent == self.agent and epoch.hash and not epoch.closed:
            self.tails[epoch.hub] = epoch.number, epoch.hash
        self.refresh(epoch)

    def save(self, db: sqlite3.Connection) -> None:
        """Write down everything that would otherwise have to be found out again."""
        self.flush(db)
        self._dirty.update(self.epochs)
        self._commit(db, [], even_slots=True)
        if self.memory:
            lost = total(self.memory)
            log.error(
                "the disk does not take what waits in memory: it is lost",
                extra={"batches": lost.batches, "results": lost.results, "error": self.trouble},
            )

    # Epochs

    def count(self, epoch: Epoch, more: Sum) -> None:
        """Count what waits of an epoch: apart where it is of another agent's name."""
        if epoch.agent == self.agent:
            self.waiting += more
        else:
            self.held[epoch.agent] = self.held.get(epoch.agent, Sum()) + more

    def new_number(self) -> int:
        """Return the number of a new epoch: it rises even when an old copy of the folder is put back."""
        newest = max((*self.epochs, self._number, self.floor))
        return max(newest + 1, self.now_us())

    def begin_epoch(self, even_now: bool = False) -> int:
        """Let what is appended from now on be a chain of its own; one that is empty yet stays, if it is the newest.

        While something waits in memory there is none, unless it has to be (`even_now`): were the hub to take what is
        newer first and the memory then lost, the slots in between would be missed by nobody.
        """
        if self.memory and not even_now:
            return self._number
        if self._number in self.epochs or self._number < max((*self.epochs, self.floor + 1)):
            self._number, self._sealer = self.new_number(), None
        return self._number

    @property
    def is_begun(self) -> bool:
        """Something has been appended to the epoch that is appended to."""
        return self._number in self.epochs

    def new_epoch(self, like: Epoch, retold: int) -> Epoch:
        """Return an epoch beside the one that is appended to, for the same hub as another."""
        number = self.new_number()
        epoch = self.epochs[number] = self._dirty[number] = Epoch(number, self.agent, like.hub, retold=retold)
        return epoch

    def changed(self, epoch: Epoch) -> None:
        """Let the next transaction write where an epoch stands."""
        self._dirty[epoch.number] = epoch
        self.refresh(epoch)

    def forget(self, number: int) -> None:
        """An epoch is no longer there."""
        self._offering.pop(number, None)
        self._dirty.pop(number, None)
        self._taken.forget(number)
        self.epochs.pop(number, None)

    def refresh(self, epoch: Epoch) -> None:
        """See whether an epoch has something to offer."""
        has = epoch.last > epoch.taken or epoch.tells_again is not None
        if has and epoch.agent == self.agent and not epoch.closed:
            self._offering[epoch.number] = epoch.hub
        else:
            self._offering.pop(epoch.number, None)

    def publish(self, db: sqlite3.Connection) -> None:
        """Renew what others read."""
        state = SpoolState(
            batches=self.waiting.batches,
            results=self.waiting.results,
            bytes=self.waiting.bytes,
            oldest_us=self._oldest_us(db),
            dropped_results=self.lost_results,
            dropped_why=self.lost_why,
            trouble=self.trouble,
        )
        before = self.standing.waiting
        same = len(before) == len(self._offering) and all(number in self._offering for number, _ in before)
        waiting = before if same else tuple(sorted(self._offering.items()))
        held = tuple((name, of) for name, of in sorted(self.held.items()) if of.results)
        self.standing = Standing(self._number, waiting, state, held)

    def _oldest_us(self, db: sqlite3.Connection) -> int:
        """Return when the oldest result that waits began; the same question is not asked of the disk again."""
        if not self.waiting.results or not self._offering:
            return 0
        epoch = self.epochs[min(self._offering)]
        if epoch.tells_again is not None and epoch.last == epoch.taken:
            epoch = self.epochs[epoch.tells_again]
        key = (epoch.number, epoch.taken, self.lost_results)
        if self._oldest[0] != key or not self._oldest[1]:
            try:
                found = rows.oldest_start(db, epoch.number, epoch.taken)
            except sqlite3.Error as error:
                self.failed(error)
                found = 0
            in_memory = (row.from_us for row in self.memory if row.epoch == epoch.number and row.from_us)
            self._oldest = key, found or next(in_memory, 0)
        return self._oldest[1]

    # In

    def append(self, db: sqlite3.Connection, content: Content) -> Sealed:
        """Seal and keep; returns the last batch that it made, where it was too large for one."""
        try:
            row = self._seal(content)
        except TooLarge:
            if len(content.records) == 1:
                self.lose(1, "size")
            *before, last = halves(content)
            for piece in before:
                self.append(db, piece)
            return self.append(db, last)
        self.memory.append(row)
        self.waiting += total([row])
        self.refresh(self.epochs[row.epoch])
        self.slots.appended(content)
        self.flush(db)
        return row.sealed

    def _seal(self, content: Content) -> Row:
        epoch = self.epochs.get(self._number)
        if epoch is not None and epoch.hub != content.hub:
            self._number, epoch = self.new_number(), None
        if epoch is None or self._sealer is None:
            previous_epoch, previous = self.tails.get(content.hub, (0, b""))
            epoch = Epoch(self._number, self.agent, content.hub)
            self._sealer = Sealer(self.agent, self.key, epoch.number, 0, previous, previous_epoch)
        row = self.seal_in(epoch, self._sealer, content, self.now_us())
        if epoch.number not in self.epochs:
            self.epochs[epoch.number] = self._dirty[epoch.number] = epoch
        self.tails[content.hub] = epoch.number, row.hash
        return row

    def seal_in(self, epoch: Epoch, sealer: Sealer, content: Content, sealed_us: int) -> Row:
        """Return the next batch of an epoch, which has moved on to it."""
        sealed, hash = sealer.seal(content, self.standing.state)
        epoch.last, epoch.hash = sealed.sequence, hash
        return Row(
            epoch=epoch.number,
            sequence=sealed.sequence,
            first=0,
            results=len(content.records),
            from_us=min((record.result.started_us for record in content.records), default=0),
            sealed_us=sealed_us,
            hash=hash,
            signature=sealed.signature,
            packed=sealed.packed,
        )

    def flush(self, db: sqlite3.Connection) -> None:
        """Bring to disk what waits for it, as far as it goes."""
        while self.memory:
            chunk = list(islice(self.memory, CHUNK))
            if not self._commit(db, chunk):
                return
            for _ in chunk:
                self.memory.popleft()
            self.slots.flushed(chunk[-1], len(chunk), is_all=not self.memory)

    def _commit(self, db: sqlite3.Connection, chunk: Sequence[Row], even_slots: bool = False) -> bool:
        saves_slots = even_slots or self.slots.is_due
        try:
            with rows.transaction(db):
                rows.insert(db, chunk)
                for epoch in self._dirty.values():
                    rows.save_epoch(db, epoch)
                if saves_slots:
                    self.slots.save(db)
        except sqlite3.Error as error:
            self.failed(error)
            return False
        self._dirty.clear()
        if saves_slots:
            self.slots.saved()
        self.works()
        return True

    # Out

    def unsent(self, db: sqlite3.Connection, number: int, after: int, max_bytes: int) -> list[Sealed]:
        """Return what may be offered next, from disk and then from memory."""
        epoch = self.epochs.get(number)
        if epoch is None:
            return []
        after = max(after, epoch.taken)
        try:
            found, is_all = rows.sealed(db, number, after, max_bytes)
        except sqlite3.Error as error:
            self.failed(error)
            return []
        if is_all:
            size = sum(len(one.packed) for one in found)
            for row in self.memory:
                if row.epoch == number and row.sequence > after:
                    size += len(row.packed)
                    if found and size > max_bytes:
                        break
                    found.append(row.sealed)
        if found:
            self._offer(db, epoch, found[-1].sequence)
        return found

    def _offer(self, db: sqlite3.Connection, epoch: Epoch, sequence: int) -> None:
        epoch.offered = max(epoch.offered, sequence)
        if epoch.offered > epoch.reserved:
            epoch.reserved = epoch.offered + RESERVE
            self._dirty[epoch.number] = epoch
            self._commit(db, [])

    # Taken by the hub

    def acknowledged(self, db: sqlite3.Connection, number: int, sequence: int) -> None:
        """Note that the hub has everything of an epoch up to a batch on record."""
        epoch = self.epochs.get(number)
        if epoch is None or sequence <= epoch.taken:
            return
        try:
            self.take(db, epoch, min(sequence, epoch.last))
            self.purge(db)
        except sqlite3.Error as error:
            self.failed(error)

    def take(self, db: sqlite3.Connection, epoch: Epoch, sequence: int) -> None:
        """Move an epoch's border between what waits and what the hub has."""
        taken = rows.summed(db, epoch.number, epoch.taken, sequence)
        gone = [row for row in self.memory if row.epoch == epoch.number and row.sequence <= sequence]
        if gone:
            self.memory = deque(row for row in self.memory if row not in gone)
            self._dirty[epoch.number] = epoch  # the disk will have a hole there: let it be known as taken
        self.waiting -= taken + total(gone)
        self.kept += taken
        epoch.taken = sequence
        epoch.offered = max(epoch.offered, sequence)
        self._taken.note(epoch.number, sequence, self.now_us())
        self.refresh(epoch)

    def give_back(self, epoch: Epoch, sequence: int, kept: Sum) -> None:
        """Move the border back: the hub no longer has what it took after a batch."""
        self.waiting += kept
        self.kept -= kept
        epoch.taken = sequence
        self._taken.go_back(epoch.number, sequence, self.now_us())
        self.changed(epoch)

    def purge(self, db: sqlite3.Connection, even_new: bool = False) -> bool:
        """Remove some of what the hub took long enough ago (or at all); False if there was nothing to remove."""
        due = self._taken.due(self.now_us(), even_new)
        if due is None:
            return False
        number, upto = due
        epoch = self.epochs[number]
        found = rows.heads(db, number, 0, upto, limit=REMOVED_AT_ONCE)
        is_all = len(found) < REMOVED_AT_ONCE
        is_over = is_all and epoch.last == epoch.taken == upto and not self._is_needed(epoch)
        if found or is_over:
            with rows.transaction(db):
                rows.delete(db, number, 0, upto if is_all else found[-1].sequence)
                rows.forget_epoch(db, number) if is_over else rows.save_epoch(db, epoch)
                self.slots.save(db)
            self.slots.saved()
            self.kept -= total(found)
        if is_all:
            self._taken.gone(number)
        if is_over:
            self.forget(number)
        return True

    def _is_needed(self, epoch: Epoch) -> bool:
        is_tail = any(number == epoch.number for number, _ in self.tails.values())
        return is_tail or epoch.number == self._number or epoch.tells_again is not None or epoch.closed

    # Losses and trouble

    def lose(self, results: int, why: str) -> None:
        """Count what was given up; to be saved by the transaction that does it."""
        self.lost_results, self.lost_why = self.lost_results + results, why

    def save_losses(self, db: sqlite3.Connection) -> None:
        """Write that count, within a transaction."""
        rows.save_meta(db, _LOSSES, msgspec.msgpack.encode((self.lost_results, self.lost_why)))

    def failed(self, error: sqlite3.Error) -> None:
        """Note that the disk does not do what it should."""
        if not self.trouble:
            log.warning("the spool's disk fails: batches wait in memory", extra={"error": str(error)})
        self.trouble = str(error)

    def works(self) -> None:
        """Note that the disk takes batches."""
        if self.trouble:
            log.info("the spool's disk takes batches again")
        self.trouble = ""
