"""Keeps the spool within its size and age: what is oldest is given up, and a batch that says so stands in its place.

Batches that were offered are never given up before the hub has said whether it has them: it would have both. What is
given up goes in lots, so that not every append writes that batch anew. Runs in the connection's thread.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from . import spool_rows as rows
from .sealing import Stub, opened
from .spool_book import Book
from .spool_values import Epoch, Head, Row, total

log = logging.getLogger(__name__)
DAY_US = 86_400_000_000
# Of packed batches that wait for the disk: a quarter of an hour of 33 HTTPS results a second
MEMORY_BYTES = 8 * 1024 * 1024
GIVEN_UP_AT_ONCE = 128  # batches; 35 ms of work
MAX_STUB = 256 * 1024  # bytes packed; beyond that another one begins
AGE_GRACE_US = 600_000_000  # after the start nothing is too old for so long: the hub may be there and take it
# The clock going on by more than this between two appends is no ageing, but a step
MAX_STEP_US = 3_600_000_000
_AGE_PART = 50  # what is within this part of the age limit goes along


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much may wait, and for how long."""

    max_bytes: int = 2 * 1024 * 1024 * 1024
    """Of the file. 72 hours of 1,000 HTTPS probes at 30 s just fit, as each result takes about 250 bytes."""
    max_age_us: int = 7 * DAY_US


class Limiter:
    """Gives up what is beyond the limits. Its clock follows the wall clock, but not when that is stepped."""

    def __init__(self, limits: SpoolLimits, now_us: Callable[[], int]) -> None:
        self._limits = limits
        self._now_us = now_us
        self._seen_us: int | None = None
        self._age_us = 0  # its clock
        self._look_us = 0  # when something can be too old

    def enforce(self, book: Book, db: sqlite3.Connection) -> None:
        """Bring the spool nearer to its limits where it is beyond them; one lot a time, as all wait for it."""
        self._tick()
        self._shorten_memory(book)
        try:
            if book.trouble:  # what the hub has makes room for what waits in memory
                book.purge(db, even_new=True)
            elif not self._shrink(book, db):
                self._clear_out(book, db)
        except sqlite3.Error as error:
            book.failed(error)

    def _tick(self) -> None:
        now_us = self._now_us()
        if self._seen_us is None:
            self._seen_us, self._age_us, self._look_us = now_us, now_us, now_us + AGE_GRACE_US
        if 0 < now_us - self._seen_us <= MAX_STEP_US:
            self._age_us += now_us - self._seen_us
        self._seen_us = now_us

    def _shrink(self, book: Book, db: sqlite3.Connection) -> bool:
        """Remove a lot if there is too much, of what the hub has if possible; True if it did."""
        limit = self._limits.max_bytes
        size = rows.used_bytes(db)
        if size <= limit:
            return False
        if book.kept.batches and book.purge(db, even_new=True):
            return True
        for epoch in sorted(book.epochs.values(), key=lambda one: one.number):
            found = _candidates(db, epoch)
            count = first_of_size(found, size - limit + limit // 20)
            if count:
                _replace(book, db, found[:count], "size")
                return True
        return False

    def _clear_out(self, book: Book, db: sqlite3.Connection) -> None:
        """Give up a lot if something is too old."""
        if self._age_us < self._look_us:
            return
        limit_us = self._limits.max_age_us
        oldest_us = self._age_us
        for epoch in sorted(book.epochs.values(), key=lambda one: one.number):
            found = _candidates(db, epoch)
            first_us = next((head.sealed_us for head in found if not _is_stub(head)), self._age_us)
            if first_us < self._age_us - limit_us:
                count = first_of_age(found, self._age_us - limit_us + limit_us // _AGE_PART)
                _replace(book, db, found[:count], "age")
                return
            oldest_us = min(oldest_us, first_us)
        self._look_us = oldest_us + limit_us + 1

    def _shorten_memory(self, book: Book) -> None:
        memory = list(book.memory)
        size = sum(row.bytes for row in memory)
        if size <= MEMORY_BYTES:
            return
        start, end = _oldest_in_memory(
            memory, lambda number: book.epochs[number].kept_from, size - MEMORY_BYTES + MEMORY_BYTES // 10
        )
        if end > start:
            stub = _stub(book, memory[start:end], "disk")
            book.memory = deque([*memory[:start], stub, *memory[end:]])
            book.waiting += total([stub]) - total(memory[start:end])


def first_of_size(found: Sequence[Head], size: int) -> int:
    """Return how many of these to give up to be rid of so many bytes; 0 if all of them stand for others already."""
    freed = 0
    for count, head in enumerate(found, start=1):
        freed += 0 if _is_stub(head) else head.bytes
        if freed >= size:
            return count
    return len(found) if freed else 0


def first_of_age(found: Sequence[Head], until_us: int) -> int:
    """Return how many of these were sealed before an instant, up to the first that was not."""
    return next((count for count, head in enumerate(found) if head.sealed_us >= until_us), len(found))


def _is_stub(row: Head | Row) -> bool:
    return row.first > 0


def _candidates(db: sqlite3.Connection, epoch: Epoch) -> list[Head]:
    """Return what may be given up next of an epoch, the batch at its front that stands for others among it."""
    found = rows.heads(db, epoch.number, epoch.kept_from, limit=GIVEN_UP_AT_ONCE)
    return found[1:] if found and _is_stub(found[0]) and found[0].bytes > MAX_STUB else found


def _replace(book: Book, db: sqlite3.Connection, lot: Sequence[Head], why: str) -> None:
    epoch, first, last = lot[0].epoch, lot[0].sequence, lot[-1].sequence
    before = book.lost_results, book.lost_why
    stub = _stub(book, rows.read(db, epoch, first - 1, len(lot), last), why)
    try:
        with rows.transaction(db):
            rows.delete(db, epoch, first, last)
            rows.insert(db, [stub])
            book.save_losses(db)
    except sqlite3.Error:
        book.lost_results, book.lost_why = before
        raise
    book.count(book.epochs[epoch], total([stub]) - total(lot))


def _stub(book: Book, lot: Iterable[Row], why: str) -> Row:
    """Return the row that takes the place of others, whose loss is counted."""
    stub, last, results = Stub(), None, 0
    for row in lot:
        last = row
        results += row.results
        batch = opened(row.sealed)
        if batch is not None:
            stub.add(batch, row.hash)
        else:
            stub.add_damaged(row.epoch, row.first, row.sequence, row.hash)
    if last is None:
        raise ValueError("nothing to stand for")
    sealed, hash = stub.seal(book.epochs[last.epoch].agent, book.key, book.standing.state)
    book.lose(results, why)
    log.warning("results were given up", extra={"results": results, "why": why, "epoch": last.epoch})
    return Row(
        epoch=last.epoch,
        sequence=last.sequence,
        first=stub.first_sequence,
        results=0,
        from_us=0,
        sealed_us=last.sealed_us,
        hash=hash,
        signature=sealed.signature,
        packed=sealed.packed,
    )


def _oldest_in_memory(memory: Sequence[Row], kept_from: Callable[[int], int], size: int) -> tuple[int, int]:
    """Return from where to where to give up, of one epoch, to be rid of so many bytes; (0, 0) if nothing may be."""
    start = 0
    while start < len(memory):
        epoch = memory[start].epoch
        end = start
        freed = 0
        while end < len(memory) and memory[end].epoch == epoch and freed < size:
            freed += 0 if _is_stub(memory[end]) else memory[end].bytes
            end += 1
        if freed and memory[start].sequence > kept_from(epoch):
            return start, end
        start += 1
    return 0, 0
