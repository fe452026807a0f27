"""What `prober --help` costs, beside `python -c pass`, in CPU time of whole processes.

Run as `PYTHONPATH=.:tests python tests/bench/bench_start.py`; exits 1 when the target is missed. The commands take
turns, figures are medians. `schema` and `check` show what the rest of the program costs to load.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from support.commands import ROOT, environment
from support.ports import held_port

ROUNDS = 15
TARGET_SECONDS = 0.3


def cpu_seconds(command: Sequence[str]) -> float:
    """Run a process to its end and return its user and system time."""
    before = os.times()
    subprocess.run(
        (sys.executable, *command),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> int:
    """Measure and print; 1 when `--help` misses its target."""
    with held_port() as held:
        commands = {
            "python -c pass": ("-c", "pass"),
            "prober --help": ("-m", "prober", "--help"),
            "prober schema": ("-m", "prober", "schema"),
            "prober check (refused)": ("-m", "prober", "check", f"tcp://127.0.0.1:{held.getsockname()[1]}"),
        }
        for command in commands.values():
            cpu_seconds(command)  # byte code is written, files are in memory
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                taken[name].append(cpu_seconds(command))
    for name, seconds in taken.items():
        print(f"{name:24} {median(seconds) * 1e3:6.0f} ms CPU (worst {max(seconds) * 1e3:.0f})")
    helped = median(taken["prober --help"])
    print(
        f"target for prober --help: {TARGET_SECONDS * 1e3:.0f} ms, {'met' if helped < TARGET_SECONDS else 'MISSED'}"
    )
    return int(helped >= TARGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
