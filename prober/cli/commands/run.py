"""`prober run`: the daemon, hub plus its own regions."""

from __future__ import annotations

import argparse

from prober.cli.command import Command, add_config, config_file
from prober.cli.faults import started


def _run(arguments: argparse.Namespace) -> int:
    from prober.daemon import main

    with started():
        return main(config_file(arguments))


COMMAND = Command(
    name="run",
    summary="run the daemon: hub plus its own regions",
    description="Run the daemon on a configuration until SIGTERM or Ctrl-C. SIGHUP takes in a changed file.",
    order=10,
    arguments=add_config,
    run=_run,
)
