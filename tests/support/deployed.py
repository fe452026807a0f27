"""Programs run from the deployment files: as processes of their own, contained as the units and the image contain them.

What the files say comes from the files; here is how a process is held, what it may write, and what it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.commands import environment

STOP_SECONDS = 15.0
PROBER = (sys.executable, "-m", "prober")
# Nothing can be written but the one folder, and no capability is left.
_CONTAINED = """
mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd "$1" && shift &&
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
"""


def can_contain() -> bool:
    """Say whether this process may give others a root that is read-only."""
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-o", "remount,bind,ro", "/"], capture_output=True, check=False
    )
    return done.returncode == 0


def contained(writable: Path, *command: str) -> tuple[str, ...]:
    """Return a command that runs another on a read-only root, without a capability, with one folder to write in."""
    return "unshare", "--mount", "sh", "-ec", _CONTAINED, "sh", str(writable), *command


@dataclass(frozen=True, slots=True)
class Held:
    """A running program and its log."""

    process: asyncio.subprocess.Process
    path: Path

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self.path.read_text(encoding="utf-8")

    def reload(self) -> None:
        """Let it read its configuration anew."""
        self.process.send_signal(signal.SIGHUP)

    async def stop(self) -> int:
        """End it; returns its exit status."""
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def held(
    log: Path, *command: str, folder: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Held]:
    """Run a program until the end of the block."""
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment(environ), stdout=file, stderr=file
        )
    running = Held(process, log)
    try:
        yield running
    finally:
        await running.stop()
