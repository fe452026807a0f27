"""When data reached this machine: the kernel's receive stamp of a message, on the monotonic clock.

Used by every socket of a check (streams and datagrams). Which phase a stamp ends is the caller's affair.
"""

from __future__ import annotations

import socket
import struct

from .clock import monotonic_ns, wall_ns
from .watch import Watch

SO_TIMESTAMPNS = 35
ANCILLARY_BYTES = 64  # room for one stamp in recvmsg
_TIMESPEC = struct.Struct("@qq")


def stamp_arrivals(sock: socket.socket) -> None:
    """Ask the kernel to stamp what this socket receives."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def arrival_ns(watch: Watch, ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the monotonic instant at which a message arrived; the watch learns how long it lay there."""
    now_ns = monotonic_ns()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            arrived_ns: int = seconds * 1_000_000_000 + nanoseconds - (wall_ns() - now_ns)
            # A stamp from before we spoke or after now means that the wall clock was stepped meanwhile.
            if watch.started_ns <= arrived_ns <= now_ns:
                watch.late(now_ns - arrived_ns)
                return arrived_ns
    return now_ns
