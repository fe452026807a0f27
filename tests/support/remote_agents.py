"""A real `prober agent` as a process, and assignments to give it. The hub it talks to is in fake_hub.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.agents import SEED, tcp_series
from support.commands import ROOT, environment
from support.fake_hub import TOKEN, FakeHub, fake_hub
from support.tcp_peer import TcpPeer, banner, tcp_peer

from prober import wire
from prober.wire import Assignment, Series

WAIT_SECONDS = 25.0
STORE = b"store-of-the-hub"


def assignment(*series: Series, digest: str = "d1", hub: bytes = STORE) -> Assignment:
    """Return what a hub says when these are to be run."""
    return Assignment(
        version=wire.VERSION, digest=digest, seed=SEED, series=series, max_lag_us=1_000_000, max_in_flight=500, hub=hub
    )  # fmt: skip


def series(number: int, port: int, **changes: object) -> Series:
    """Return a series of the region fra that connects to a port of loopback, ten times a second."""
    return tcp_series(number, port, region="fra", regions=("fra",), **changes)


@dataclass(slots=True)
class AgentProcess:
    """A running agent; `folder` holds its spool and its log."""

    folder: Path
    process: asyncio.subprocess.Process

    @property
    def log(self) -> str:
        """What it wrote, over all its lives in this folder."""
        return (self.folder / "agent.log").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:  # Any: JSON
        """The lines of its log."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def told(self, words: str) -> list[dict[str, Any]]:
        """Return the lines of its log that begin with these words."""
        return [event for event in self.events if event["event"].startswith(words)]

    @property
    def command_line(self) -> str:
        """What `ps` shows of it."""
        return Path(f"/proc/{self.process.pid}/cmdline").read_text().replace("\0", " ")

    async def ended(self) -> int:
        """Wait for its end; returns the exit status."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()


@contextlib.asynccontextmanager
async def agent(
    folder: Path,
    hub: FakeHub | str,
    *arguments: str,
    region: str = "fra",
    token: str | None = TOKEN,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[AgentProcess]:
    """Run `prober agent` until the end of the block."""
    url = hub if isinstance(hub, str) else hub.url
    given = {**({"PROBER_AGENT_TOKEN": token} if token is not None else {}), **(environ or {})}
    with (folder / "agent.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prober", "agent", "--hub", url, "--region", region,
            "--spool", str(folder / "spool"), *arguments,
            cwd=ROOT, env=environment(given), stdout=log, stderr=log,
        )  # fmt: skip
    running = AgentProcess(folder, process)
    try:
        yield running
    finally:
        if process.returncode is None:
            await running.stop(signal.SIGKILL)


@contextlib.asynccontextmanager
async def watched(count: int = 2, **turned: object) -> AsyncIterator[tuple[FakeHub, TcpPeer]]:
    """Run something to look at, and a hub that lets it be looked at."""
    async with tcp_peer(banner(b"hello\r\n")) as peer, fake_hub(**turned) as hub:  # type: ignore[arg-type]
        hub.assignment = assignment(*(series(number, peer.port) for number in range(1, count + 1)))
        yield hub, peer


def more(hub: FakeHub, count: int) -> Callable[[], bool]:
    """Say whether so many more results of series 1 have come than there are now."""
    wanted = len(hub.slots(1)) + count
    return lambda: len(hub.slots(1)) >= wanted
