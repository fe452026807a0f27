"""What becomes of each epoch when a hub says what it has on record, or refuses a batch for good.

As a rule the two agree and the hub is offered what it does not have. Where a chain cannot go on from what the hub has,
because either side was set back to an older copy of itself or a disk has spoiled something, what waits in that epoch is
told again in a new one, a lot at a time as it is asked for: nothing is lost, and the hub can see that it happened.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from prober.wire import Position, WireError

from . import spool_rows as rows
from .keys import verify
from .sealing import Content, Sealer, TooLarge, content_of, given_up, halves, opened, unpack
from .spool_book import CHUNK, Book
from .spool_values import Epoch, Head, Row, Sum, total

log = logging.getLogger(__name__)
MAX_EPOCH = 2**62  # epochs are instants; what is beyond would leave no room for later ones


@dataclass(frozen=True, slots=True)
class Broken:
    """An epoch that cannot go on from what the hub has of it, and why."""

    epoch: int
    reason: str
    goes_on_in: int  # the epoch that tells again what waited in it; 0: nothing did


def meet(
    book: Book, db: sqlite3.Connection, positions: Sequence[Position], hub: bytes | None
) -> list[Broken]:
    """Go on from what a hub has on record; return where that is not possible."""
    at = {one.epoch: one for one in positions if one.epoch < MAX_EPOCH}
    book.floor = max((book.floor, *at))
    broken = []
    for epoch in sorted(book.epochs.values(), key=lambda one: one.number):
        if epoch.agent == book.agent and not epoch.closed and hub in (None, epoch.hub):
            position = at.get(epoch.number, Position(epoch.number, 0, b""))
            try:
                reason = _meet(book, db, epoch, position)
            except sqlite3.Error as error:
                book.failed(error)  # should the hub not follow then, it refuses what it is offered
                continue
            epoch.offered = epoch.taken  # nothing is on its way: this link has just begun
            if reason:
                broken.append(Broken(epoch.number, reason, _close(book, epoch)))
    if not book.is_begun:
        book.begin_epoch()  # its number has to be beyond all that the hub knows
    return broken


def _meet(book: Book, db: sqlite3.Connection, epoch: Epoch, position: Position) -> str:
    """Move to where the hub is; return why that is not possible, empty if it was."""
    sequence = position.sequence
    if sequence < epoch.taken:
        return _go_back(book, db, epoch, sequence)
    if sequence > epoch.last:
        if epoch.number >= book.born:
            return "the hub has batches of it that are not known here: was this machine set back to an older copy?"
        # The folder was set back: what it knows of that epoch is a part of what the hub has
        sequence = epoch.last
    elif sequence and _hash_at(book, db, epoch, sequence) not in (None, position.hash):
        return f"the hub has another batch {sequence} of it"
    if sequence > epoch.taken:
        book.take(db, epoch, sequence)
    return ""


def _go_back(book: Book, db: sqlite3.Connection, epoch: Epoch, sequence: int) -> str:
    """Offer again what the hub took and lost, if it is still here."""
    kept = rows.heads(db, epoch.number, sequence, epoch.taken)
    whole = _is_whole(kept, sequence, epoch.taken)
    if not whole and not kept and epoch.last == epoch.taken and epoch.number < book.born:
        return ""  # long over
    lost = f"the hub no longer has batches {sequence + 1} to {epoch.taken} of it"
    book.give_back(epoch, sequence, total(kept))
    if whole:
        log.warning(
            "the hub has lost batches that are still here", extra={"epoch": epoch.number, "reason": lost}
        )
        return ""
    return f"{lost}, nor are they all still here"


def _is_whole(found: Sequence[Head], after: int, upto: int) -> bool:
    for head in found:
        if (head.first or head.sequence) != after + 1:
            return False
        after = head.sequence
    return after == upto


def _hash_at(book: Book, db: sqlite3.Connection, epoch: Epoch, sequence: int) -> bytes | None:
    if sequence == epoch.last:
        return epoch.hash or None
    on_disk = rows.read(db, epoch.number, sequence - 1, 1, sequence)
    in_memory = [row for row in book.memory if (row.epoch, row.sequence) == (epoch.number, sequence)]
    return next((row.hash for row in (*on_disk, *in_memory)), None)


def put_aside(book: Book, db: sqlite3.Connection, number: int, sequence: int) -> None:
    """Go on in another epoch after a batch that the hub keeps aside."""
    epoch = book.epochs.get(number)
    if epoch is not None and not epoch.closed and sequence > epoch.taken:
        epoch.aside = sequence
        _close(book, epoch)


def resume_retelling(book: Book, db: sqlite3.Connection, region: str) -> None:
    """Go on telling what waits in closed epochs, after a start; begin to tell what waits under another name."""
    for epoch in list(book.epochs.values()):
        if epoch.agent != book.agent and epoch.last > epoch.taken and _is_ours(book, db, epoch, region):
            _take_over(book, db, epoch)
        if epoch.closed and epoch.agent == book.agent:
            _tell_again(book, epoch)
    book.begin_epoch()


def _is_ours(book: Book, db: sqlite3.Connection, epoch: Epoch, region: str) -> bool:
    """Say whether an epoch is by the same key, for the same region: by the first batch of it that can be read."""
    if rows.meta(db, rows.REGION_OF + epoch.agent) != region.encode():
        return False
    for row in rows.read(db, epoch.number, epoch.taken, CHUNK):
        with contextlib.suppress(WireError):
            return verify(book.key.public, row.signature, unpack(row.packed))
    return False


def _take_over(book: Book, db: sqlite3.Connection, epoch: Epoch) -> None:
    waiting = rows.summed(db, epoch.number, epoch.taken, epoch.last)
    log.info(
        "results of this agent under another name are told again under this one",
        extra={"other": epoch.agent, "results": waiting.results},
    )
    book.count(epoch, Sum() - waiting)
    epoch.agent, epoch.closed = book.agent, True
    book.count(epoch, waiting)
    book.changed(epoch)


def _close(book: Book, epoch: Epoch) -> int:
    """Give up the chain of an epoch; return the one that tells what waits in it, 0 if nothing does."""
    if book.tails.get(epoch.hub, (0, b""))[0] == epoch.number:
        del book.tails[epoch.hub]
    epoch.closed = True
    book.changed(epoch)
    source, epoch.tells_again = epoch.tells_again, None
    if source is not None:  # it was telling something again itself, and has not come to the end
        _tell_again(book, book.epochs[source])
    number = _tell_again(book, epoch)
    book.begin_epoch(even_now=True)
    return number


def _tell_again(book: Book, source: Epoch) -> int:
    if source.last == source.taken:
        return 0
    target = book.new_epoch(source, source.retold + bool(source.aside))
    target.tells_again = source.number
    book.refresh(target)
    return target.number


def retell(book: Book, db: sqlite3.Connection, number: int) -> None:
    """Move a lot of what waits in a closed epoch into the one that tells it again, if that runs short."""
    target = book.epochs.get(number)
    if target is None or target.tells_again is None or target.last - target.taken >= CHUNK:
        return
    source = book.epochs[target.tells_again]
    try:
        found = rows.read(db, source.number, source.taken, CHUNK)
        if found:
            _move(book, db, source, target, found)
        elif not any(row.epoch == source.number for row in book.memory):
            _finish(book, db, source, target)
    except sqlite3.Error as error:
        book.failed(error)


def _finish(book: Book, db: sqlite3.Connection, source: Epoch, target: Epoch) -> None:
    left = rows.summed(db, source.number, 0, source.last)
    with rows.transaction(db):
        rows.delete(db, source.number, 0, source.last)
        rows.forget_epoch(db, source.number)
    book.kept -= left
    book.forget(source.number)
    target.tells_again = None
    book.refresh(target)


def _move(book: Book, db: sqlite3.Connection, source: Epoch, target: Epoch, found: Sequence[Row]) -> None:
    before = target.last, target.hash, source.taken, book.lost_results, book.lost_why
    sealer = Sealer(book.agent, book.key, target.number, target.last, target.hash)
    news: list[Row] = []
    for row in found:
        content = _content(book, source, row)
        if content is not None:
            news += _seal(book, target, sealer, content, row.sealed_us)
    source.taken = found[-1].sequence
    try:
        with rows.transaction(db):
            rows.delete(db, source.number, found[0].sequence, source.taken)
            rows.insert(db, news)
            rows.save_epoch(db, source)
            rows.save_epoch(db, target)
            book.save_losses(db)
    except sqlite3.Error:
        target.last, target.hash, source.taken, book.lost_results, book.lost_why = before
        raise
    book.waiting += total(news) - total(found)
    book.refresh(target)


def _content(book: Book, source: Epoch, row: Row) -> Content | None:
    """Return what to tell again of a batch: all of it, but not for ever if it is the hub that will not have it."""
    batch = opened(row.sealed)
    if batch is None:
        book.lose(row.results, "disk")
        return None
    if row.sequence != source.aside or source.retold == 0:
        return content_of(batch)
    book.lose(row.results, "refused")
    log.error(
        "the hub refuses results: they are given up", extra={"epoch": row.epoch, "results": row.results}
    )
    return given_up(content_of(batch)) if source.retold == 1 else None


def _seal(book: Book, target: Epoch, sealer: Sealer, content: Content, sealed_us: int) -> list[Row]:
    try:
        return [book.seal_in(target, sealer, content, sealed_us)]
    except TooLarge:
        return [row for piece in halves(content) for row in _seal(book, target, sealer, piece, sealed_us)]
