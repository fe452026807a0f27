"""Files that a command makes for other programs: written where they are wanted, never over somebody's own work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .command import CannotGoOn

_HEAD_BYTES = 200


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add `-o FILE` and `--force`."""
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write here (default: standard output)"
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite a file that was not made by this command"
    )


def write_made(text: str, output: Path | None, header: str, *, force: bool) -> None:
    """Write a text that begins with `# ` and its header; CannotGoOn if that would destroy another file."""
    if output is None:
        print(text, end="", flush=True)
        return
    try:
        if not force and output.exists() and not _is_ours(output, header):
            raise CannotGoOn(
                f"{output} exists, and was not made by this command", "name another file, or say --force"
            )
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotGoOn(f"cannot write {output}: {(error.strerror or 'error').lower()}") from None


def _is_ours(path: Path, header: str) -> bool:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES).startswith(f"# {header}".encode())


def tell(notes: Iterable[str]) -> None:
    """Print notes on standard error, one a line."""
    for note in notes:
        print(note, file=sys.stderr)


def known_contracts(wanted: Sequence[str], there: Iterable[str]) -> list[str]:
    """Return the names that were asked for, each once; CannotGoOn if there is no such contract, or none at all."""
    from prober.config.faults import did_you_mean

    names = list(dict.fromkeys(there))
    if not names:
        raise CannotGoOn("the configuration has no contracts", "add a `contracts` section")
    for name in wanted:
        if name not in names:
            raise CannotGoOn(f"no contract is named {name!r}", did_you_mean(name, names))
    return list(dict.fromkeys(wanted))
