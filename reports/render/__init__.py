"""The formats a report can have, by name: one module each, imported only when it is asked for.

Adding a format is one entry here and one module with a `render(reports, words, *, audience)` that returns the bytes
of a file, or several files by name where one cannot hold it all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol

from reports.document import ContractReport
from reports.words import Words

Rendered = bytes | dict[str, bytes]


class MissingExtra(Exception):
    """A format needs a package that is not installed; the hint says how to get it."""

    def __init__(self, format_name: str, extra: str) -> None:
        self.hint = f"pip install 'uptime-prober[{extra}]'"
        super().__init__(
            f"the format {format_name} needs a package that is not installed (hint: {self.hint})"
        )


class Renderer(Protocol):
    """Makes a file, or several by name, of one or more reports."""

    def __call__(
        self, reports: Sequence[ContractReport], words: Words, *, audience: Literal["customer", "provider"]
    ) -> Rendered:
        """Return the bytes; raises `MissingExtra`."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the end of its files' names, its media type, and the module that makes it."""

    suffix: str
    media_type: str
    module: str

    @property
    def render(self) -> Renderer:
        """Return the function that makes it; its module is imported now."""
        found: Renderer = import_module(f"reports.render.{self.module}").render
        return found


FORMATS: Mapping[str, Format] = {
    "json": Format(".json", "application/json", "json_format"),
    "html": Format(".html", "text/html; charset=utf-8", "html"),
    "pdf": Format(".pdf", "application/pdf", "pdf"),
    "csv": Format(".csv", "text/csv; charset=utf-8", "csv_format"),
    "xlsx": Format(".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "md": Format(".md", "text/markdown; charset=utf-8", "markdown"),
    "terminal": Format(".txt", "text/plain; charset=utf-8", "terminal"),
}
"""Every format by the name that people ask for it."""
