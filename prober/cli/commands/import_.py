"""`prober import`: another monitor's configuration, turned into ours, and the way to the other imports.

Each of those is a file beside `prober/cli/parser.py` with an `add(below)`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prober.cli import import_history, import_openslo, import_results
from prober.cli.command import GOOD, NO, CannotGoOn, Command, add_json, print_json

if TYPE_CHECKING:
    from prober.imports.result import Imported

_DESCRIPTION = """\
Bring in what another program has: its configuration or its objectives, as parts
of a probes.yaml, or what it measured.

  prober import gatus config.yaml -o probes.yaml
  prober import uptime-kuma backup.json -o probes.yaml
  prober import blackbox blackbox.yml --targets prometheus.yml -o probes.yaml
  prober import openslo slos.yaml -o contracts.yaml
  prober import history kuma.db -o history.jsonl
  prober import results history.jsonl
"""
_CONFIGURATION = """\
Turn the configuration of another monitor into a probes.yaml. What could not be
carried over is told line by line on standard error; nothing is lost in silence.

Passwords and tokens are not copied: the new file takes them from variables of
the environment, which are listed. --with-secrets copies them all the same.
Exit code 0: everything was carried over; 1: see the lines on standard error.
"""
_FORMATS = {
    "gatus": "turn a configuration of Gatus into ours",
    "uptime-kuma": "turn a backup of Uptime Kuma (JSON) into our configuration",
    "blackbox": "turn modules of blackbox_exporter, and what Prometheus probes with them, into ours",
}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    below = parser.add_subparsers(title="what to import", metavar="WHAT", required=True)
    for name, summary in _FORMATS.items():
        part = below.add_parser(
            name,
            help=summary,
            description=_CONFIGURATION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_configuration(part)
        part.set_defaults(part=_run_configuration, format=name)
    for module in (import_openslo, import_results, import_history):
        module.add(below)


def _add_configuration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the configuration to read")
    parser.add_argument(
        "--targets",
        metavar="FILE",
        type=Path,
        help="with blackbox: the prometheus.yml that names what is probed",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write here (default: standard output)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the file that -o names")
    parser.add_argument(
        "--with-secrets", action="store_true", help="copy passwords and tokens into the new file"
    )
    add_json(parser, "one object")


def _run(arguments: argparse.Namespace) -> int:
    part: Callable[[argparse.Namespace], int] = arguments.part
    return part(arguments)


def _run_configuration(arguments: argparse.Namespace) -> int:
    from prober.cli.faults import told

    if arguments.targets is not None and arguments.format != "blackbox":
        raise CannotGoOn("--targets belongs to blackbox", "leave it out")
    if arguments.output is not None and arguments.output.exists() and not arguments.force:
        raise CannotGoOn(f"{arguments.output} exists already", "name another file, or say --force")
    with told():
        imported = _read(arguments)
    if arguments.json:
        _print_object(arguments, imported)
    else:
        _write(arguments, imported)
        _tell(arguments.file, imported)
    return NO if imported.notes else GOOD


def _read(arguments: argparse.Namespace) -> Imported:
    from prober.imports.read import read_import

    return read_import(
        arguments.format, arguments.file, targets=arguments.targets, copies_secrets=arguments.with_secrets
    )


def _write(arguments: argparse.Namespace, imported: Imported) -> None:
    if arguments.output is None:
        print(imported.text, end="", flush=True)
        return
    try:
        arguments.output.write_text(imported.text, encoding="utf-8")
        arguments.output.chmod(0o600 if arguments.with_secrets else 0o644)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise CannotGoOn(f"cannot write {arguments.output}: {reason}") from None


def _tell(file: Path, imported: Imported) -> None:
    from prober.cli.faults import counted

    for note in imported.notes:
        print(f"{note.file or file}:{note.line}: {note.text}", file=sys.stderr)
    for wanted in imported.wanted:
        where = f"{file}:{wanted.line}"
        print(f"set {wanted.variable} in the environment (its value is at {where})", file=sys.stderr)
    left = (
        f"{counted(len(imported.notes), 'line')} not carried over"
        if imported.notes
        else "nothing left behind"
    )
    print(f"{counted(imported.probes, 'probe')}, {left}", file=sys.stderr)


def _print_object(arguments: argparse.Namespace, imported: Imported) -> None:
    print_json(
        {
            "probes": imported.probes,
            "yaml": imported.text,
            "notes": [
                {"file": note.file or str(arguments.file), "line": note.line, "text": note.text}
                for note in imported.notes
            ],
            "environment": [{"variable": wanted.variable, "line": wanted.line} for wanted in imported.wanted],
        }
    )


COMMAND = Command(
    name="import",
    summary="bring in the configuration of another monitor, or what it measured",
    description=_DESCRIPTION,
    order=60,
    arguments=_arguments,
    run=_run,
)
