"""A wrong wall clock for one process, by libfaketime; the monotonic clock, and all other processes, stay true."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.daemons import ROOT

# libfaketime takes every timer descriptor for one on the wall clock; the C library's own function knows better.
TRUE_TIMERS = """\
import ctypes
class CDLL(ctypes.CDLL):
    def __init__(self, name, *arguments, **named):
        super().__init__(name or "libc.so.6", *arguments, **named)
ctypes.CDLL = CDLL
"""


def library() -> Path:
    """Return where libfaketime is; skip when it is missing."""
    found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if found is None:
        pytest.skip("missing component: faketime (hint: make e2e as root on Debian installs it)")
    return found


def shifted(folder: Path, seconds: int) -> dict[str, str]:
    """Return the environment of a process whose wall clock is so far ahead; its files are in the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(TRUE_TIMERS)
    step(folder, seconds)
    return {
        "PYTHONPATH": f"{folder}:{ROOT}",
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


def step(folder: Path, seconds: int) -> None:
    """Set the wall clock of the process whose files are in the folder so far from the true one, in one instant."""
    fresh = folder / "clock.new"
    fresh.write_text(f"{seconds:+d}\n")
    fresh.rename(folder / "clock")
