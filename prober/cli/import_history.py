"""`prober import history`: what another monitor measured, from its database to results one a line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .command import GOOD, NO, CannotGoOn, add_json, print_json

if TYPE_CHECKING:
    from prober.imports.history import History

_DESCRIPTION = """\
Write what Uptime Kuma (kuma.db) or Gatus measured as results, one a line, as
`prober import results` takes them. The database is only read; that of a running
monitor may be given, or a copy of it together with its -wal file.

  prober import history kuma.db --region fra -o history.jsonl
  prober import results history.jsonl

Probes get the names that `prober import uptime-kuma` and `gatus` give them;
--map "Old name=new-name" gives another, and may be repeated. What could not be
carried over is told on standard error.
Exit code 0: everything was carried over; 1: see the lines on standard error.
"""


def add(below: Any) -> None:  # Any: argparse does not name the type of its sub-parsers
    """Add the command to those of `prober import`."""
    parser: argparse.ArgumentParser = below.add_parser(
        "history",
        help="write what Uptime Kuma or Gatus measured as results, one a line",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the SQLite database of the other monitor")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write here (default: standard output)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the file that -o names")
    parser.add_argument(
        "--region",
        metavar="NAME",
        default="imported",
        help="the region it was measured from (default: imported)",
    )
    parser.add_argument(
        "--map",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="name a probe otherwise; may be repeated",
    )
    add_json(parser, "one object on what was written, not the results,")
    parser.set_defaults(part=_run)


def _run(arguments: argparse.Namespace) -> int:
    from prober.imports.history import convert_history
    from prober.store.foreign import ForeignError

    if arguments.json and arguments.output is None:
        raise CannotGoOn("--json needs -o: standard output cannot take both", "name a file with -o")
    given = _given(arguments.map)
    try:
        with _written(arguments) as out:
            history = convert_history(arguments.file, out, region=arguments.region, given=given)
    except ForeignError as error:
        raise CannotGoOn(str(error)) from None
    if arguments.json:
        print_json(_object(history))
    else:
        _tell(history)
    return NO if history.notes or history.unused else GOOD


def _given(pairs: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        old, sign, new = pair.rpartition("=")
        if not (sign and old and new):
            raise CannotGoOn(f"--map {pair} names no two names", '--map "Old name=new-name"')
        given[old] = new
    return given


@contextmanager
def _written(arguments: argparse.Namespace) -> Iterator[BinaryIO]:
    """Yield where to write. A file appears under its name only when it is whole."""
    output: Path | None = arguments.output
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.exists() and not arguments.force:
        raise CannotGoOn(f"{output} exists already", "name another file, or say --force")
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as stream:
            yield stream
        os.replace(part, output)
    except OSError as error:
        raise CannotGoOn(f"cannot write {output}: {(error.strerror or 'error').lower()}") from None
    finally:
        part.unlink(missing_ok=True)


def _tell(history: History) -> None:
    from prober.cli.faults import counted

    for note in history.notes:
        print(note, file=sys.stderr)
    for name in history.unused:
        print(f"--map {name}: nothing there has this name", file=sys.stderr)
    for name, count in history.results.items():
        print(f"{name}: {counted(count, 'result')}", file=sys.stderr)
    total = sum(history.results.values())
    probes = counted(len(history.results), "probe")
    print(f"{counted(total, 'result')} of {probes} from {history.origin}", file=sys.stderr)


def _object(history: History) -> dict[str, object]:
    return {
        "origin": history.origin,
        "results": dict(history.results),
        "notes": list(history.notes),
        "unused": list(history.unused),
    }
