"""`prober import results`: results that were measured elsewhere, from a file into the store."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .command import GOOD, NO, CannotGoOn, add_config, add_json, print_json

if TYPE_CHECKING:
    from prober.imports.results import Tally

_DESCRIPTION = """\
Put results that were measured elsewhere on record, one a line, as JSON or CSV,
packed by gzip or not; FILE may be - for standard input:

  {"probe": "shop-web", "region": "fra", "at": "2026-05-01T12:00:00Z",
   "outcome": "pass", "duration_us": 81250}

Also: "failure" (a code, or {"code", "detail"}) and "kind" (scheduled, retry,
recheck). Reports mark what was imported as imported. What is on record already
is passed over; a line that contradicts it is refused. Refused lines are listed
on standard error, and the others are taken (or none, with --strict).

The daemon may run meanwhile. An import is on record as a whole or not at all.
Exit code 0: every line was taken; 1: some were refused.
"""
_TOLD_EVERY_SECONDS = 0.2
_MAX_SOURCE = 200  # characters


def add(below: Any) -> None:  # Any: argparse does not name the type of its sub-parsers
    """Add the command to those of `prober import`."""
    parser: argparse.ArgumentParser = below.add_parser(
        "results",
        help="put results that were measured elsewhere on record (JSON lines or CSV)",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the results; - for standard input")
    add_config(parser)
    parser.add_argument("--strict", action="store_true", help="take nothing if any line is refused")
    parser.add_argument(
        "--any-name", action="store_true", help="take probes and regions that are not configured, too"
    )
    parser.add_argument(
        "--source",
        metavar="NAME",
        help="what reports call where it came from (default: the name of the file)",
    )
    add_json(parser, "one object")
    parser.set_defaults(part=_run)


def _run(arguments: argparse.Namespace) -> int:
    from prober.imports.lines import Unreadable
    from prober.store.base import StoreError

    source = _source(arguments)
    with _opened(arguments.file) as stream:
        try:
            tally = _import(arguments, stream, source)
        except Unreadable as error:
            raise CannotGoOn(f"cannot read {arguments.file}: {error}", "nothing was taken") from None
        except StoreError as error:
            raise CannotGoOn(str(error)) from None
    if not tally.read:
        raise CannotGoOn(f"there is no result in {arguments.file}", "prober import results --help")
    if arguments.json:
        print_json(_object(source, tally))
    else:
        _tell(arguments.file, tally)
    return NO if tally.refused else GOOD


def _import(arguments: argparse.Namespace, stream: BinaryIO, source: str) -> Tally:
    from prober.cli.faults import load_config
    from prober.imports.results import Names, import_results

    config = load_config(arguments)
    names = Names()
    if not arguments.any_name:
        names = Names(
            probes=[probe.name for probe in config.probes], regions=[region.name for region in config.regions]
        )
    progress = _Progress()
    try:
        return import_results(
            stream,
            config.store_path,
            source=source,
            names=names,
            now_us=time.time_ns() // 1000,
            strict=arguments.strict,
            progress=progress,
        )
    finally:
        progress.end()


class _Progress:
    """A line on a terminal that says how far it is; nothing elsewhere."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._told = time.monotonic()

    def __call__(self, lines: int) -> None:
        now = time.monotonic()
        if self._is_shown and now - self._told >= _TOLD_EVERY_SECONDS:
            self._told = now
            print(f"\r{lines:,} lines read", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line empty."""
        if self._is_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _source(arguments: argparse.Namespace) -> str:
    name: str = arguments.source or ("standard input" if arguments.file == "-" else Path(arguments.file).name)
    if not name.isprintable() or len(name) > _MAX_SOURCE:
        raise CannotGoOn("the name of the source is not printable, or too long", "give it one with --source")
    return name


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise CannotGoOn(f"cannot read {file}: {(error.strerror or 'error').lower()}") from None
        yield stream


def _tell(file: str, tally: Tally) -> None:
    from prober.cli.faults import counted

    for line, reason in tally.refusals:
        print(f"{file}:{line}: {reason}", file=sys.stderr)
    hidden = tally.refused - len(tally.refusals)
    if hidden:
        print(f"... and {counted(hidden, 'refused line')} more", file=sys.stderr)
    if not tally.is_on_record:
        print(f"{counted(tally.refused, 'line')} of {tally.read:,} refused: nothing was taken", flush=True)
        return
    parts = [f"{tally.new:,} new", f"{tally.known:,} on record already", f"{tally.refused:,} refused"]
    print(f"{counted(tally.read, 'result')} read: {', '.join(parts)}", flush=True)


def _object(source: str, tally: Tally) -> dict[str, object]:
    return {
        "source": source,
        "sha256": tally.sha256,
        "read": tally.read,
        "new": tally.new,
        "known": tally.known if tally.is_on_record else 0,
        "refused": tally.refused,
        "on_record": tally.is_on_record,
        "refusals": [{"line": line, "reason": reason} for line, reason in tally.refusals],
    }
