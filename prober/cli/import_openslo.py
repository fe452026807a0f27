"""`prober import openslo`: service level objectives of others, turned into contracts of ours."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command import GOOD, NO, add_json, print_json
from .made_file import add_output, write_made

if TYPE_CHECKING:
    from prober.openslo.result import Exchanged

_DESCRIPTION = """\
Turn documents of OpenSLO v1 into the contracts and services of a probes.yaml.

What prober export openslo wrote comes back as the same contracts. Documents of
others say which queries they rest on, and no probe of ours: each indicator gets
a stand-in of its name. What could not be carried over is told line by line on
standard error. Exit code 0: everything was carried over; 1: see there.
"""


def add(below: Any) -> None:  # Any: argparse does not name the type of its sub-parsers
    """Add the command to those of `prober import`."""
    parser: argparse.ArgumentParser = below.add_parser(
        "openslo",
        help="turn service level objectives (OpenSLO v1) into contracts of ours",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the documents, YAML or JSON")
    add_output(parser)
    add_json(parser, "one object")
    parser.set_defaults(part=_run)


def _run(arguments: argparse.Namespace) -> int:
    from prober.openslo.read import read_openslo
    from prober.openslo.result import HEADER, finish

    from .faults import told

    with told():
        exchanged = finish(read_openslo(arguments.file))
    if arguments.json:
        _print_object(arguments.file, exchanged)
    else:
        write_made(exchanged.text, arguments.output, HEADER, force=arguments.force)
        _tell(arguments.file, exchanged)
    return NO if exchanged.notes else GOOD


def _tell(file: Path, exchanged: Exchanged) -> None:
    from .faults import counted

    for note in exchanged.notes:
        print(f"{file}:{note.line}: {note.text}", file=sys.stderr)
    lines = counted(len(exchanged.notes), "line")
    left = f"{lines} not carried over" if exchanged.notes else "nothing left behind"
    print(f"{counted(exchanged.contracts, 'contract')}, {left}", file=sys.stderr)


def _print_object(file: Path, exchanged: Exchanged) -> None:
    print_json(
        {
            "contracts": exchanged.contracts,
            "yaml": exchanged.text,
            "notes": [{"file": str(file), "line": note.line, "text": note.text} for note in exchanged.notes],
        }
    )
