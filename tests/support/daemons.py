"""The real daemon as a process: started, asked over its internal listener, killed, restarted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from support.ports import free_port

WAIT_SECONDS = 25.0
POLL_SECONDS = 0.05
ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Daemon:
    """A running daemon; `folder` holds its probes.yaml, its store and its log."""

    folder: Path
    process: asyncio.subprocess.Process
    public: str
    internal: str
    session: aiohttp.ClientSession

    @property
    def log(self) -> str:
        """What it wrote to its standard error so far, over all its lives in this folder."""
        return (self.folder / "daemon.log").read_text()

    async def get(self, path: str) -> Any:  # Any: JSON
        """Return the JSON of an internal path."""
        async with self.session.get(self.internal + path) as answer:
            return await answer.json(content_type=None)

    async def text(self, url: str) -> str:
        """Return the text at a full URL."""
        async with self.session.get(url) as answer:
            return await answer.text()

    async def code(self, path: str) -> int:
        """Return the HTTP status of an internal path."""
        async with self.session.get(self.internal + path) as answer:
            return answer.status

    async def probe(self, name: str) -> Any:  # Any: JSON
        """Return one probe as the API shows it."""
        return await self.get(f"/api/v1/probes/{name}")

    async def results(self, query: str = "limit=1000") -> list[Any]:  # Any: JSON
        """Return results, newest first."""
        found: list[Any] = (await self.get(f"/api/v1/results?{query}"))["results"]
        return found

    async def until(self, holds: Callable[[Daemon], Awaitable[bool]]) -> None:
        """Wait until something holds; raises TimeoutError with the log."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not await holds(self):  # noqa: ASYNC110  # another process: it can only be asked
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise TimeoutError(self.log) from None

    async def agents(self) -> list[int]:
        """Return the agents' process ids."""
        return [agent["pid"] for agent in (await self.get("/api/v1/status"))["agents"]]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def daemon(folder: Path, configuration: str, agents: str = "", **environ: str) -> AsyncIterator[Daemon]:
    """Run the daemon in a folder until the end of the block; `configuration` comes without `listen`.

    `agents` is what `listen.agents` holds: without it no agent from elsewhere is taken.
    """
    public, internal = free_port(), free_port()
    more = f", agents: {{{agents}}}" if agents else ""
    listen = f'listen: {{public: "127.0.0.1:{public}", internal: "127.0.0.1:{internal}"{more}}}\n'
    (folder / "probes.yaml").write_text(configuration + listen)
    with (folder / "daemon.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prober", "run", "--config", str(folder / "probes.yaml"),
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environ}, stderr=log, stdout=log,
        )  # fmt: skip
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        running = Daemon(
            folder, process, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}", session
        )
        try:
            await running.until(_answers)
            yield running
        finally:
            if process.returncode is None:
                await running.stop()


async def _answers(running: Daemon) -> bool:
    if running.process.returncode is not None:
        raise RuntimeError(running.log)
    with contextlib.suppress(aiohttp.ClientError, OSError):
        return await running.code("/healthz") == 200
    return False


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
