"""`prober export`: contracts in the formats of other programs."""

from __future__ import annotations

import argparse

from prober.cli.command import GOOD, Command, add_config
from prober.cli.made_file import add_output, known_contracts, tell, write_made

_DESCRIPTION = """\
Write contracts as other programs read them.

  prober export openslo -o slos.yaml
  prober export openslo --contract shop-gold

openslo: documents of OpenSLO v1. What it has no word for stands whole in
annotations, so that prober import openslo gives the same contracts again.
"""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("format", choices=("openslo",), metavar="openslo", help="the format")
    parser.add_argument(
        "--contract", metavar="NAME", action="append", default=[], help="this contract; may be repeated"
    )
    add_output(parser)
    add_config(parser)


def _run(arguments: argparse.Namespace) -> int:
    from prober.cli.faults import load_config
    from prober.config.documents import write_documents
    from prober.openslo.export import HEADER, comments, export, remarks

    config = load_config(arguments)
    names = known_contracts(arguments.contract, (block.name for block in config.contracts))
    notes = remarks(config, names)
    text = write_documents(export(config, names), comments(notes))
    write_made(text, arguments.output, HEADER, force=arguments.force)
    tell(notes)
    return GOOD


COMMAND = Command(
    name="export",
    summary="write contracts for other programs: OpenSLO",
    description=_DESCRIPTION,
    order=63,
    arguments=_arguments,
    run=_run,
)
