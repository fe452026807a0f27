"""What another monitor measured, from its SQLite file to results one a line, as `prober import results` takes them.

Here: telling the files apart, and writing. What the tables of each mean: `kuma_history`, `gatus_history`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from prober.store.foreign import ForeignError, ForeignFile

from .gatus_history import gatus_history, is_gatus
from .history_parts import Naming, Told
from .kuma_history import is_kuma, kuma_history
from .lines import Line

DEFAULT_REGION = "imported"
Reader: TypeAlias = Callable[[ForeignFile, str, Naming, Told], Iterator[Line]]
_KINDS: tuple[tuple[str, Callable[[ForeignFile], bool], Reader], ...] = (
    ("Uptime Kuma", is_kuma, kuma_history),
    ("Gatus", is_gatus, gatus_history),
)
_FLUSH = 2000  # lines written at once


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was converted: whose file it was, results by probe, what was left behind, and names that nothing has."""

    origin: str
    results: Mapping[str, int]
    notes: tuple[str, ...]
    unused: tuple[str, ...]


def convert_history(path: Path, out: BinaryIO, *, region: str, given: Mapping[str, str]) -> History:
    """Write the results of a file as JSON lines; raises `ForeignError`, after which what was written is of no use.

    `given` names probes: the old name, as the file has it, to the new one.
    """
    told, naming = Told(), Naming(given)
    with ForeignFile(path) as file:
        origin, read = _kind_of(file, path)
        _write(read(file, region, naming, told), out)
    return History(
        origin=origin,
        results=dict(sorted(told.results.items())),
        notes=tuple(told.everything()),
        unused=tuple(naming.unused()),
    )


def _kind_of(file: ForeignFile, path: Path) -> tuple[str, Reader]:
    for origin, is_one, read in _KINDS:
        if is_one(file):
            return origin, read
    tables = ", ".join(sorted(file.tables)[:5]) or "none"
    raise ForeignError(
        f"{path} is a file of neither Uptime Kuma nor Gatus; its tables: {tables} "
        "(hint: write its results one a line yourself, and use prober import results)"
    )


def _write(lines: Iterator[Line], out: BinaryIO) -> None:
    encoder = msgspec.json.Encoder()
    waiting: list[Line] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == _FLUSH:
            out.write(encoder.encode_lines(waiting))
            waiting.clear()
    out.write(encoder.encode_lines(waiting))
