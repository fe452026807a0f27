"""The formats of rules: a table, and the text of a file with its notes on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prober.config.documents import write_documents

from . import prometheus, pyrra, sloth
from .objective import Objective

_Maker = Callable[[Sequence[Objective]], tuple[list[object], list[str]]]
FORMATS: Mapping[str, _Maker] = {
    "prometheus": prometheus.documents,
    "sloth": sloth.documents,
    "pyrra": pyrra.documents,
}
HEADER = "Made by prober rules"
"""How every file of ours begins, behind its `# `."""


@dataclass(frozen=True, slots=True)
class Made:
    """The text of a file, and what its rules do not say as the contracts do."""

    text: str
    notes: tuple[str, ...]


def made(format_name: str, objectives: Sequence[Objective], notes: Sequence[str] = ()) -> Made:
    """Return the file of some objectives; the notes stand as comments on its top, too."""
    found, more = FORMATS[format_name](objectives)
    own = [f"{objective.name}: {note}" for objective in objectives for note in objective.notes]
    every = tuple(dict.fromkeys((*notes, *own, *more)))
    top = [f"{HEADER} --format {format_name}: make it again rather than edit it.", *every]
    return Made(write_documents(found, top), every)
