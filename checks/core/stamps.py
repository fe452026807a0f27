"""When data reached this machine: the kernel's receive stamp of a message, on the monotonic clock.

Used by every socket of a check (streams and datagrams). Which phase a stamp ends is the caller's affair.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from .clock import monotonic_ns, wall_ns

if TYPE_CHECKING:
    from .watch import Watch

SO_TIMESTAMPNS = 35
_STAMP = (int(socket.SOL_SOCKET), SO_TIMESTAMPNS)
ANCILLARY_BYTES = 64  # room for one stamp in recvmsg
_TIMESPEC = struct.Struct("@qq")


def stamp_arrivals(sock: socket.socket) -> None:
    """Ask the kernel to stamp what this socket receives."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def keep_stamping() -> socket.socket:
    """Open a socket that only keeps the kernel stamping: close it when no more stamps are wanted.

    Linux begins to stamp a moment after a first socket of the whole system asked, and ends when the last one
    is closed; in between, a packet gets its stamp when it is read. So sockets of single checks are not enough.
    Switching it on and off costs 20 us each time besides.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stamp_arrivals(sock)
    return sock


def arrival_ns(watch: Watch, ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the monotonic instant at which a message arrived; the watch learns how long it lay there."""
    now_ns = monotonic_ns()
    for level, kind, data in ancillary:
        if (level, kind) == _STAMP:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            arrived_ns: int = seconds * 1_000_000_000 + nanoseconds - (wall_ns() - now_ns)
            # A stamp from before we spoke or after now means that the wall clock was stepped meanwhile.
            if watch.started_ns <= arrived_ns <= now_ns:
                watch.late(now_ns - arrived_ns)
                return arrived_ns
    return now_ns
