"""Files of reports in a folder: whole or not at all. Blocking; to be called in a thread.

A delivery never takes the place of other files; what somebody asks for by hand does.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

FILE_MODE = 0o640  # reports are for their readers
ANY_MODE = 0o666  # as the umask of who asks for it allows
_UNLINKED = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)  # what knows no links says


class NotPut(Exception):
    """A file could not be put into a folder; the text says why."""


def put(folder: Path, name: str, data: bytes, mark: str) -> Path:
    """Put a file into a folder, which is made if it alone is missing; return its path. Raises NotPut.

    A file of the same bytes is the same file. Another one of that name is left as it is: ours gets the `mark` into its
    name, and one that bears it is ours already. A crash leaves no half file, at most a hidden one that the next
    attempt writes anew.
    """
    try:
        folder.mkdir(exist_ok=True)
        return _put(folder, name, data, mark)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the path of a folder"
        raise NotPut(f"{folder}: {(reason or 'error').lower()}") from None


def replace(folder: Path, name: str, data: bytes) -> Path:
    """Put a file into a folder in place of one of that name, which stays as it is if that fails. Raises OSError."""
    path, hidden = folder / name, folder / f".{name}.{os.getpid()}.part"
    try:
        _write(hidden, data, ANY_MODE)
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
    return path


def _put(folder: Path, name: str, data: bytes, mark: str) -> Path:
    stem, dot, suffix = name.partition(".")
    path, other = folder / name, folder / f"{stem}-{mark}{dot}{suffix}"
    if _holds(path, data):
        return path
    if other.exists():
        return other
    hidden = folder / f".{stem}-{mark}{dot}{suffix}.part"
    _write(hidden, data)
    try:
        try:
            return _give(hidden, path)
        except FileExistsError:
            return _give(hidden, other)
    finally:
        hidden.unlink(missing_ok=True)
        _sync(folder)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _give(hidden: Path, path: Path) -> Path:
    """Give a file its name if nobody has it. Raises FileExistsError."""
    try:
        os.link(hidden, path)
    except OSError as error:
        if error.errno not in _UNLINKED:
            raise
        if (
            path.exists()
        ):  # between this look and the move another one could come, which nobody else puts there
            raise FileExistsError(path) from None
        hidden.rename(path)
    return path


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # not every file system can; the file itself is on disk
    finally:
        os.close(descriptor)
