"""The targets' own process: small HTTP servers that fail when told to, and write down when they were told.

Run as `python target_process.py LOG NAME=ADDRESS:PORT ...` on the targets' host. A line `NAME MODE` on standard input
sets one server's mode; the line that goes to the append-only log is also printed: from `told_us` to `done_us` the
server was on its way from one mode to the other. Stands alone, so that what is true does not hang on the project.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
ERROR = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
READ_SECONDS = 10.0
MODES = ("ok", "error", "silent", "closed")  # closed: nobody listens


class Target:
    """One server on one address."""

    def __init__(self, address: str, port: int) -> None:
        self._place = (address, port)
        self.mode = "ok"
        self._turned = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def set_mode(self, mode: str) -> None:
        """Behave in another way from now on."""
        if mode not in MODES:
            raise ValueError(mode)
        self.mode = mode
        self._turned.set()
        self._turned = asyncio.Event()
        if mode == "closed" and self._server is not None:
            self._server.close()
            self._server = None
        elif mode != "closed" and self._server is None:
            self._server = await asyncio.start_server(
                self._serve, *self._place, reuse_address=True, backlog=200
            )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                await reader.readuntil(b"\r\n\r\n")
                while self.mode == "silent":  # whoever still waits when that ends is answered
                    await self._turned.wait()
                writer.write(ERROR if self.mode == "error" else OK)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def obey(targets: dict[str, Target], log: Path) -> None:
    """Follow the orders on standard input until it ends."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := (await orders.readline()).decode().split():
        name, mode = order
        told_us = time.time_ns() // 1000
        await targets[name].set_mode(mode)
        done_us = time.time_ns() // 1000
        line = json.dumps({"target": name, "mode": mode, "told_us": told_us, "done_us": done_us})
        with log.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)


async def main(log: str, *places: str) -> None:
    """Serve until standard input ends."""
    targets = {}
    for place in places:
        name, _, address = place.partition("=")
        host, _, port = address.rpartition(":")
        targets[name] = Target(host, int(port))
        await targets[name].set_mode("ok")
    print("ready", flush=True)
    await obey(targets, Path(log))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
