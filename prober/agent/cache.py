"""The newest assignment on disk, so that an agent starts and goes on while the hub is away.

It has secrets of checks in the clear: the file is its user's alone, and nothing of it is ever in a log or an error.
Reading and writing wait for the disk: not for the event loop's thread.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from prober import wire
from prober.wire import MAX_MESSAGE, Assignment, WireError

from .files import write_private

log = logging.getLogger(__name__)
FILE_NAME = "assignment.cache"
_HEAD = b"prober assignment 1\n"  # then the hash of what follows it
_HASH_BYTES = 32


class Cache:
    """One file in the spool's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def save(self, data: bytes) -> bool:
        """Keep an assignment's message; False, said in the log, if the disk does not take it."""
        try:
            write_private(self._path, _HEAD + hashlib.sha256(data).digest() + data, replace=True)
        except OSError as error:
            log.warning("the assignment cannot be kept on disk", extra={"error": error.strerror})
            return False
        return True

    def load(self) -> Assignment | None:
        """Return what was saved last; None if there is nothing, or nothing that this release can read."""
        try:
            with open(self._path, "rb") as file:
                content = file.read(MAX_MESSAGE + len(_HEAD) + _HASH_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the assignment on disk cannot be read", extra={"error": error.strerror})
            return None
        head, rest = content[: len(_HEAD)], content[len(_HEAD) :]
        hash, data = rest[:_HASH_BYTES], rest[_HASH_BYTES:]
        if head != _HEAD or hashlib.sha256(data).digest() != hash:
            log.warning("the assignment on disk is damaged, or of another release: it is ignored")
            return None
        return _decoded(data)


def _decoded(data: bytes) -> Assignment | None:
    try:
        message = wire.decode(data)
    except WireError:
        message = None  # what is wrong with it might quote it
    if not isinstance(message, Assignment):
        log.warning("the assignment on disk is of another release: it is ignored")
        return None
    return message
