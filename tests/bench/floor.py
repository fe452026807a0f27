"""The floor of the benchmarks: the bare exchange of each kind in Python, blocking, with nothing around it.

What this costs at a rate, no check in Python can undercut at that rate: the system calls, the wake-up for each start,
caches gone cold in between. Measured in this very process, one exchange after another.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

from rig import Targets

SECONDS = 1.0
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_QUERY = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1"
_BYTES = 65536


def bare(kind: str, where: Targets) -> Callable[[], None]:
    """Return the exchange of a kind: `http`, `https`, `tcp` or `dns`."""
    if kind == "https":
        context = ssl.create_default_context(cafile=str(where.ca_file))
        return lambda: _fetch_by_tls(context, where.https)
    if kind == "dns":
        return lambda: _ask(where.dns)
    return lambda: (_connect if kind == "tcp" else _fetch)(where.http)


def cpu_us(exchange: Callable[[], None], rate: int) -> float:
    """Return the CPU of one exchange in micro-seconds, at `rate` a second; 0: one right after the other."""
    end = time.monotonic() + SECONDS
    due, count, before = time.monotonic(), 0, time.process_time_ns()
    while due < end:
        if rate:
            time.sleep(max(due - time.monotonic(), 0))
        exchange()
        count += 1
        due = due + 1 / rate if rate else time.monotonic()
    return (time.process_time_ns() - before) / count / 1000


def _connect(port: int) -> None:
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", port))


def _fetch(port: int) -> None:
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", port))
        sock.send(_REQUEST)
        sock.recv(_BYTES)


def _fetch_by_tls(context: ssl.SSLContext, port: int) -> None:
    with socket.socket() as plain:
        plain.connect(("127.0.0.1", port))
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.send(_REQUEST)
            sock.recv(_BYTES)


def _ask(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.connect(("127.0.0.1", port))
        sock.send(_QUERY)
        sock.recv(_BYTES)
