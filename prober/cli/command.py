"""What a command is, what it says when it cannot go on, and what exit codes mean.

Light on purpose: every command's file imports it, and `prober --help` imports every command's file.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GOOD = 0
NO = 1
"""The answer is "no": a check failed, a claim is broken."""
WRONG_USE = 2
"""Wrong use or configuration; nothing could be answered."""
INTERRUPTED = 130

DAEMON_URL = "http://127.0.0.1:8081"
"""The internal listener of a daemon on this machine, as configured by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: its place in `--help`, its arguments, and what it does."""

    name: str
    summary: str
    description: str
    order: int
    """Commands are listed by this, then by name."""
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    """Returns the exit code; whatever is heavy is imported in here."""


class CannotGoOn(Exception):
    """A command cannot answer: what is wrong, and what to try. Printed as `error:` and `hint:`, exit code 2."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config FILE`."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the configuration (default: $PROBER_CONFIG, else probes.yaml)",
    )


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=f"print {what}, for programs")


def print_json(value: object, *, lines: bool = False) -> None:
    """Print a value as JSON that survives every encoding: indented, or one line a value."""
    print(json.dumps(value, indent=None if lines else 2), flush=True)


def config_file(arguments: argparse.Namespace) -> Path:
    """Return the configuration file that the command line names, else the environment, else `probes.yaml`."""
    from prober.config.settings import config_path

    given: Path | None = arguments.config
    return given if given is not None else config_path(os.environ)
