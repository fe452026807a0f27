"""A byte stream to a socket in the file system, with the same calls as one over TCP."""

from __future__ import annotations

import errno
import os
import socket

from .clock import monotonic_ns
from .failures import Code, Stop
from .link import Address, Link
from .local import local_trouble
from .reactor import Pause
from .watch import Watch

MAX_PATH_BYTES = 107  # what the kernel takes
TRY_AGAIN_NS = 5_000_000  # there is no event for room in a full queue of connections
_FLAGS = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_CONNECT = {
    errno.ENOENT: (Code.CONNECT_MISSING, "there is no such socket"),
    errno.ENOTDIR: (Code.CONNECT_MISSING, "there is no such socket"),
    errno.ECONNREFUSED: (Code.CONNECT_REFUSED, "nobody listens on it"),
    errno.EPROTOTYPE: (Code.CONNECT_ERROR, "it is not a stream socket"),
}


class UnixLink(Link):
    """A link that has nothing of TCP's."""

    __slots__ = ()

    def _hurry(self) -> None:
        pass


async def connect_unix(watch: Watch, path: str) -> UnixLink:
    """Open a connection; the stage is `connect`. Raises `Stop` with a `connect_` or `agent_` code."""
    watch.place.admit(path)
    watch.enter("connect")
    try:
        sock = socket.socket(socket.AF_UNIX, _FLAGS)
    except OSError as error:
        raise _refusal(error.errno or 0, path) from None
    link = UnixLink(watch, sock, Address(path, 0, 0))
    try:
        while (problem := sock.connect_ex(path)) == errno.EAGAIN:
            await Pause(monotonic_ns() + TRY_AGAIN_NS)
        if problem:
            raise _refusal(problem, path)
    except BaseException:
        link.close()
        raise
    watch.leave()
    return link


def _refusal(problem: int, path: str) -> Stop:
    if trouble := local_trouble(OSError(problem, "")):
        return Stop(trouble[0], f"{path}: {trouble[1]}")
    code, words = _CONNECT.get(problem, (Code.CONNECT_ERROR, os.strerror(problem).lower()))
    return Stop(code, f"{path}: {words}")
