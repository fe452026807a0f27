"""One daemon a store, and one import: advisory locks beside the database file, which the kernel releases at the end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .base import StoreError


class StoreInUse(StoreError):
    """Another process has the lock."""


class LockFile:
    """The file `NAME.lock`, or of another suffix. `words` says what the process does that has it.

    It stays behind when it is released: to remove it would race with the next owner.
    """

    def __init__(
        self,
        store: Path,
        suffix: str = ".lock",
        words: str = "the store {store} is in use by process {owner} (hint: stop it, or set another store.url)",
    ) -> None:
        self._store = store
        self._path = store.with_name(store.name + suffix)
        self._words = words
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock or raise `StoreError`, naming the process that has it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"cannot write beside the store {self._store}: {error.strerror} ({_HINT})"
            ) from None
        try:
            # Not a POSIX record lock: those do not hold against the same process, and are lost by any close().
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreInUse(self._words.format(store=self._store, owner=owner)) from None
        self._descriptor = descriptor
        self._sign(descriptor)

    def release(self) -> None:
        """Let go; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _sign(self, descriptor: int) -> None:
        # The number only serves the message above; on a full disk the lock is as good without it.
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            return


_HINT = "hint: the daemon's user needs to write in that folder"
