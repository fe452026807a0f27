"""Running the command line as its users do: another process, its exit code, what it prints. No daemon lives here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment of 80 columns without what a developer may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROBER_")}
    for name in ("FORCE_COLOR", "NO_COLOR", "PYTHONIOENCODING"):
        kept.pop(name, None)
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONUTF8": "1", **(more or {})}


def prober(*arguments: str, folder: Path = ROOT, environ: Mapping[str, str] | None = None) -> Said:
    """Run `prober` to its end."""
    done = subprocess.run(
        (sys.executable, "-m", "prober", *arguments),
        cwd=folder,
        env=environment(environ),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


async def prober_beside(
    *arguments: str, folder: Path = ROOT, environ: Mapping[str, str] | None = None
) -> Said:
    """Run `prober` to its end while the loop of this process serves it."""
    return await asyncio.to_thread(prober, *arguments, folder=folder, environ=environ)
