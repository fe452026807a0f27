"""`prober demo`: the daemon on stand-in services that fail on a script."""

from __future__ import annotations

import argparse

from prober.cli.command import Command
from prober.cli.faults import started


def _arguments(parser: argparse.ArgumentParser) -> None:
    """Take none."""


def _run(_: argparse.Namespace) -> int:
    from prober.demo.daemon import main

    with started():
        return main()


COMMAND = Command(
    name="demo",
    summary="run the daemon on stand-in services that fail on a script",
    description="Run the real daemon on built-in stand-ins, seen from three regions. Needs no network, "
    "leaves nothing behind; Ctrl-C stops it.",
    order=20,
    arguments=_arguments,
    run=_run,
)
