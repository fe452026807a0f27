"""Documents of OpenSLO v1 as they were read: by kind and name, with what our own annotations say.

What is never read is told at the end with its line. Not here: what the documents mean (`read`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from prober.config.faults import ConfigError, Fault, quote
from prober.config.sources import Item
from prober.imports.draft import Draft

from .words import MADE, PREFIX, VERSION

KINDS = ("DataSource", "SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service")
_HINTS = {
    "openslo/v1alpha": "write it as openslo/v1: timeWindows became timeWindow, ratioMetrics an SLI of its own",
}


@dataclass(slots=True)
class Document:
    """One document, or what an SLO holds in place of one."""

    kind: str
    item: Item
    name: str
    title: str
    marks: dict[str, object]
    """Our own annotations, without their prefix."""
    mark_lines: dict[str, int]

    @property
    def spec(self) -> Item | None:
        """What it says."""
        return self.item.get("spec")

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.item.line

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(slots=True)
class Library:
    """Every document of a file."""

    draft: Draft
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)

    def of(self, kind: str) -> Iterator[Document]:
        """Yield the documents of a kind, in the order of the file."""
        return (document for (each, _), document in self.documents.items() if each == kind)

    def get(self, kind: str, name: str) -> Document | None:
        """Return a document, None if the file has no such one."""
        return self.documents.get((kind, name))


def library(roots: Sequence[Item], file: str, draft: Draft) -> Library:
    """Sort the documents of a file; ConfigError for another version of OpenSLO, or no SLO at all."""
    found = Library(draft)
    for root in roots:
        version = _text(root, "apiVersion")
        if version.startswith(("openslo/", "openslo.com/")) and version != VERSION:
            raise _fault(
                file,
                root.line,
                f"{version} is not read, only {VERSION}",
                _HINTS.get(version, "convert it first"),
            )
        if version == VERSION:
            _add(found, root)
        else:
            draft.drop(root, f"no document of {VERSION}: left out")
    if not any(True for _ in found.of("SLO")):
        raise _fault(file, 0, f"no SLO in it: it is no file of {VERSION}", "each has kind: SLO")
    return found


def _add(found: Library, root: Item) -> None:
    document = document_of(_text(root, "kind"), root, found.draft)
    if document.kind not in KINDS:
        found.draft.drop(root, f"the kind {quote(document.kind)} is not of {VERSION}: left out")
    elif (document.kind, document.name) in found.documents:
        found.draft.drop(root, f"{document} is here twice: the first one is taken")
    else:
        found.documents[document.kind, document.name] = document
        if MADE.removeprefix(PREFIX) in document.marks:
            root.drop()  # it follows from the others, and is made again from them


def document_of(kind: str, item: Item, draft: Draft) -> Document:
    """Return a document with its name, title and annotations read."""
    meta = item.get("metadata")
    marks: dict[str, object] = {}
    lines: dict[str, int] = {}
    annotations = meta.get("annotations") if meta is not None else None
    for key, value in annotations.items() if annotations is not None else ():
        if key.startswith(PREFIX):
            own = key.removeprefix(PREFIX)
            lines[own] = value.line
            try:
                marks[own] = json.loads(value.text)
            except (ValueError, RecursionError):
                draft.note(value, f"the annotation {quote(key)} holds no JSON: it is not used")
    return Document(
        kind=kind,
        item=item,
        name=_text(meta, "name"),
        title=_text(meta, "displayName"),
        marks=marks,
        mark_lines=lines,
    )


def _text(item: Item | None, key: str) -> str:
    found = item.get(key) if item is not None else None
    return found.text if found is not None else ""


def _fault(file: str, line: int, message: str, hint: str) -> ConfigError:
    return ConfigError(
        [Fault(file=file, line=line, column=1 if line else 0, path="", message=message, hint=hint)]
    )
