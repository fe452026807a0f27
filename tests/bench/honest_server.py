"""An HTTP server that answers 20 ms after a request reached this machine, and says how long it really took.

The delay that it reports runs from the kernel's stamp of the request's arrival to the send of the answer, so its own
lateness is in the report and not in the error of who measures it. One epoll loop, one process.
Usage: python honest_server.py PORT
"""

from __future__ import annotations

import heapq
import select
import socket
import struct
import sys
import time

DELAY_NS = 20_000_000
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("@qq")


def main(port: int) -> None:
    """Serve until killed."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(4096)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    open_sockets: dict[int, socket.socket] = {}
    due: list[tuple[int, int, int]] = []
    while True:
        wait = max((due[0][0] - time.time_ns()) / 1e9, 0) if due else -1
        for fd, _ in poll.poll(wait):
            if fd == listener.fileno():
                accept(listener, poll, open_sockets)
            else:
                read(fd, open_sockets, due)
        while due and due[0][0] <= time.time_ns():
            _, fd, arrived_ns = heapq.heappop(due)
            answer(open_sockets.pop(fd), arrived_ns)


def accept(listener: socket.socket, poll: select.epoll, open_sockets: dict[int, socket.socket]) -> None:
    """Take in what waits; stamps are asked for before the request can come."""
    while True:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setblocking(False)
        open_sockets[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN | select.EPOLLONESHOT)


def read(fd: int, open_sockets: dict[int, socket.socket], due: list[tuple[int, int, int]]) -> None:
    """Read a request (it fits one segment) and note when it arrived."""
    sock = open_sockets[fd]
    data, ancillary, _, _ = sock.recvmsg(65536, 64)
    if not data:
        open_sockets.pop(fd).close()
        return
    arrived_ns = time.time_ns()
    for level, kind, stamp in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = TIMESPEC.unpack_from(stamp)
            arrived_ns = seconds * 1_000_000_000 + nanoseconds
    heapq.heappush(due, (arrived_ns + DELAY_NS, fd, arrived_ns))


def answer(sock: socket.socket, arrived_ns: int) -> None:
    """Answer, and say how long it took."""
    delay_us = (time.time_ns() - arrived_ns) // 1000
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Delay-Us: {delay_us:08d}\r\nConnection: close\r\n\r\nok"
    )
    sock.send(head.encode())
    sock.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
