"""Tells the service manager how the daemon fares (sd_notify): ready, alive, reloading, stopping."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends datagrams to NOTIFY_SOCKET; does nothing where there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        pid = environ.get("WATCHDOG_PID", str(os.getpid()))
        micros = environ.get("WATCHDOG_USEC", "0")
        mine = pid == str(os.getpid()) and micros.isdigit()
        self.watchdog_seconds = int(micros) / 1e6 if mine else 0.0

    def tell(self, *lines: str) -> None:
        """Send state lines such as READY=1; a manager that does not listen is no fault of ours."""
        if not self._address:
            return
        # A leading @ names a socket in the abstract namespace.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            with suppress(OSError):
                sock.sendto("\n".join(lines).encode(), address)
