"""The process of the targets, or of the canaries, as the scenarios hold it: started, told to fail, ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .layout import HTTP_PORT
from .namespaces import Network
from .processes import end

TARGET_PROCESS = Path(__file__).with_name("target_process.py")
START_SECONDS = 20.0
ORDER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Servers:
    """A running process with its servers, and the log of what they were told."""

    process: asyncio.subprocess.Process
    log: Path

    async def tell(self, name: str, mode: str) -> None:
        """Let a server behave in another way; returns when it does."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name} {mode}\n".encode())
        async with asyncio.timeout(ORDER_SECONDS):
            await self.process.stdout.readline()


@contextlib.asynccontextmanager
async def servers(hosts: Network, host: str, log: Path, names: Mapping[str, str]) -> AsyncIterator[Servers]:
    """Serve on a host until the end of the block; `names` by address."""
    places = [f"{name}={address}:{HTTP_PORT}" for address, name in names.items()]
    process = await asyncio.create_subprocess_exec(
        *hosts.command(host, sys.executable, str(TARGET_PROCESS), str(log), *places),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"the process of the {host} did not start")
        yield Servers(process, log)
    finally:
        await end(process, signal.SIGTERM)
