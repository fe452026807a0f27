"""`prober rules`: alert rules of other programs, made from contracts, over our own metrics."""

from __future__ import annotations

import argparse

from prober.cli.command import GOOD, Command, add_config
from prober.cli.made_file import add_output, known_contracts, tell, write_made

_DESCRIPTION = """\
Write recording rules and burn-rate alerts for contracts, over the metrics of
the daemon.

  prober rules -o /etc/prometheus/rules/contracts.yml
  prober rules --contract shop-gold --format sloth

An alert needs a long and a short window to burn the error budget too fast, and
two failed results unless several regions must agree. What a contract says and
no rule can stands as comments on top and on standard error.
"""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--contract", metavar="NAME", action="append", default=[], help="this contract; may be repeated"
    )
    parser.add_argument(
        "--format",
        choices=("prometheus", "sloth", "pyrra"),
        default="prometheus",
        help="whose rules to write (default: prometheus)",
    )
    add_output(parser)
    add_config(parser)


def _run(arguments: argparse.Namespace) -> int:
    import time

    from prober.cli.faults import load_config
    from prober.rules.formats import HEADER, made
    from prober.rules.objective import objectives

    config = load_config(arguments)
    names = known_contracts(arguments.contract, (block.name for block in config.contracts))
    found, notes = objectives(config, names, time.time_ns() // 1000)
    rules = made(arguments.format, found, notes)
    write_made(rules.text, arguments.output, HEADER, force=arguments.force)
    tell(rules.notes)
    return GOOD


COMMAND = Command(
    name="rules",
    summary="write alert rules for contracts: Prometheus, Sloth or Pyrra",
    description=_DESCRIPTION,
    order=62,
    arguments=_arguments,
    run=_run,
)
