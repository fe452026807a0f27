"""A hub, an agent in each of three regions, and targets, each on a host of its own: told, killed, started again.

How they come to be is in `boot.py`; what breaks the paths between them in `faults.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
from support.daemons import ROOT, Daemon

from .layout import AGENTS_PORT, CA_FILE, HUB, INTERVALS_US, QUICK_US, TOKENS
from .namespaces import Network
from .processes import end
from .servers import Servers
from .truth import Span, failures


def now_us() -> int:
    """Return the true time."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class World:
    """One rig; `folder` holds the store, the logs and the spools."""

    network: Network
    folder: Path
    hub: Daemon
    targets: Servers
    probes: tuple[str, ...]
    agents: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    @property
    def quick(self) -> tuple[str, ...]:
        """Return the probes whose states follow within seconds."""
        return tuple(name for name in self.probes if INTERVALS_US[name] <= QUICK_US)

    def failures(self, target: str) -> list[Span]:
        """Return when a target failed, at the longest."""
        return failures(self.targets.log, target, now_us())

    def warnings(self, from_us: int, to_us: int) -> list[str]:
        """Return what the hub's log warned of between two instants."""
        lines = [json.loads(line) for line in self.hub.log.splitlines()]
        warned = [line for line in lines if line["level"] in {"warning", "error"}]
        at_us = [datetime.fromisoformat(line["time"]).timestamp() * 1_000_000 for line in warned]
        return [line["event"] for line, at in zip(warned, at_us, strict=True) if from_us <= at <= to_us]

    def spool(self, region: str) -> Path:
        """Return where a region's agent keeps its spool."""
        return self.folder / f"spool-{region}"

    async def start_agent(self, region: str, environ: Mapping[str, str] | None = None) -> None:
        """Start a region's agent on its host."""
        command = (
            "agent", "--hub", f"https://{HUB}:{AGENTS_PORT}", "--region", region,
            "--ca-file", str(self.folder / CA_FILE), "--spool", str(self.spool(region)),
        )  # fmt: skip
        environ = {"PROBER_AGENT_TOKEN": TOKENS[region], **(environ or {})}
        self.agents[region] = await self._start(region, *command, environ=environ)

    async def stop_agent(self, region: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a region's agent."""
        await end(self.agents.pop(region), number)

    async def start_hub(self) -> None:
        """Start the hub, again or at first, and wait until it answers."""
        config = str(self.folder / "probes.yaml")
        self.hub.process = await self._start("hub", "run", "--config", config, log="daemon.log")
        await self.hub.until(_answers)

    async def kill_hub(self) -> None:
        """End the hub as a power cut would."""
        await end(self.hub.process, signal.SIGKILL)

    async def _start(
        self, host: str, *arguments: str, environ: Mapping[str, str] | None = None, log: str = ""
    ) -> asyncio.subprocess.Process:
        with (self.folder / (log or f"{host}.log")).open("ab") as file:
            return await asyncio.create_subprocess_exec(
                *self.network.command(host, sys.executable, "-m", "prober", *arguments),
                cwd=self.folder,
                env=_environment(environ or {}),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    async def end(self) -> None:
        """End the agents, then the hub."""
        await asyncio.gather(*(end(agent, signal.SIGTERM) for agent in self.agents.values()))
        await end(self.hub.process, signal.SIGTERM)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROBER_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


async def _answers(hub: Daemon) -> bool:
    if hub.process.returncode is not None:
        raise RuntimeError(hub.log)
    with contextlib.suppress(aiohttp.ClientError, OSError):
        return await hub.code("/healthz") == 200
    return False
