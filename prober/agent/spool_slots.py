"""Which slots have their fate, by what is or was in the spool: saved now and then, the rest read from the batches.

What waits in memory is counted apart: were it saved, and the memory lost, those slots would be run by nobody and missed
by nobody. Runs in the connection's thread, but for `of`.
"""

from __future__ import annotations

import sqlite3

import msgspec

from . import spool_rows as rows
from .accounted import Accounted
from .sealing import Content, opened
from .spool_values import Row

SAVE_AFTER = 64  # batches; after a crash so many are read again
_NAME = "slots"
_decoder = msgspec.msgpack.Decoder(tuple[int, int, bytes])


class Slots:
    """The highest slot of each series that was appended, as a scheduled result or in a gap."""

    def __init__(self) -> None:
        self._on_disk = Accounted()
        self._in_memory = Accounted()
        self._upto = (0, 0)  # epoch and sequence of the last batch that `_on_disk` knows
        self._unsaved = 0  # batches

    def load(self, db: sqlite3.Connection) -> None:
        """Read what was saved, and the batches that came after."""
        saved = rows.meta(db, _NAME)
        if saved is not None:
            epoch, sequence, slots = _decoder.decode(saved)
            self._upto, self._on_disk = (epoch, sequence), Accounted.read(slots)
        for row in rows.since(db, *self._upto):
            if (batch := opened(row.sealed)) is not None:
                self._on_disk.add(batch.hub, batch.records, batch.gaps)
            self._upto, self._unsaved = (row.epoch, row.sequence), self._unsaved + 1

    def appended(self, content: Content) -> None:
        """Take note of what was sealed and waits for the disk."""
        self._in_memory.add(content.hub, content.records, content.gaps)

    def flushed(self, last: Row, count: int, is_all: bool) -> None:
        """So many batches went to disk, up to this one; `is_all`: nothing waits for it any more."""
        self._unsaved += count
        if is_all:
            self._on_disk.take(self._in_memory)
            self._in_memory = Accounted()
            self._upto = max(self._upto, (last.epoch, last.sequence))

    @property
    def is_due(self) -> bool:
        """Enough has come since they were saved."""
        return self._unsaved >= SAVE_AFTER

    def save(self, db: sqlite3.Connection) -> None:
        """Write them, within a transaction."""
        rows.save_meta(db, _NAME, msgspec.msgpack.encode((*self._upto, bytes(self._on_disk))))

    def saved(self) -> None:
        """That transaction was committed."""
        self._unsaved = 0

    def of(self, hub: bytes | None) -> dict[int, int]:
        """Return the slots by series."""
        found = self._on_disk.of(hub)
        for series, slot in self._in_memory.of(hub).items():
            found[series] = max(slot, found.get(series, slot))
        return found
