"""Files that only the agent's user may read, written whole or not at all: its key, its cached assignment."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from .errors import AgentError, reason

FOLDER_HINT = "the agent's user needs to write there, and some free space; --spool names another folder"
_NO_LINKS = {
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
}  # what filesystems without hard links say


def private_folder(folder: Path) -> None:
    """Make the agent's folder if there is none; raises `AgentError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise AgentError(f"{folder} is not a folder", "--spool names the folder where results wait") from None
    except OSError as error:
        raise AgentError(f"cannot make the spool's folder {folder}: {reason(error)}", FOLDER_HINT) from None


def write_private(path: Path, data: bytes, *, replace: bool) -> bool:
    """Write a file with mode 0600 that appears complete, and on disk; False if it exists and is not to be replaced.

    A crash leaves the file as it was, and at most a temporary one beside it that nobody reads.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # has mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if replace:
            os.replace(name, path)
        elif not _appear(name, path):
            return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
    _sync_folder(path.parent)
    return True


def _appear(name: str, path: Path) -> bool:
    try:
        os.link(name, path)  # of two processes that start together one wins, and both then read the same
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.rename(name, path)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
