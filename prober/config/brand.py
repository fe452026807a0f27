"""The logos of customers: files that the configuration names, looked at when it is loaded and read for reports.

Here: which files are taken. Not here: where a logo stands in a report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .yaml_values import Tree

MAX_LOGO_BYTES = 256 * 1024
_EXPECTED = "not a PNG, JPEG or SVG picture"
_SVG = re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*<svg[\s/>]", re.DOTALL)
# What a picture has no need of, and what could act in a reader's browser or grow without bound.
_ACTIVE = re.compile(rb"<!DOCTYPE|<!ENTITY|<script|<foreignObject|\son[a-z]+\s*=|javascript:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture and its media type."""

    data: bytes = field(repr=False)
    media: str


class LogoError(Exception):
    """A logo cannot be used; the text says why."""


def read_logo(path: Path) -> Logo:
    """Return the picture in a file; LogoError if it is too large or none of the kinds that are taken."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LOGO_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the path of a file"
        raise LogoError(f"cannot read the file: {(reason or 'error').lower()}") from None
    if len(data) > MAX_LOGO_BYTES:
        raise LogoError(f"the file is over {MAX_LOGO_BYTES // 1024} KiB")
    return Logo(data, _media(data))


def _media(data: bytes) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if not _SVG.match(data):
        raise LogoError(_EXPECTED)
    if _ACTIVE.search(data):
        raise LogoError("an SVG with scripts or declarations is not taken")
    return "image/svg+xml"


def check_logos(tree: Tree, document: object, folder: Path) -> None:
    """Look at every logo that customers have; what cannot be used is a fault of the tree."""
    rows = document.get("customers") if isinstance(document, dict) else None
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        brand = row.get("brand") if isinstance(row, dict) else None
        name = brand.get("logo") if isinstance(brand, dict) else None
        if not isinstance(name, str) or not name:
            continue
        try:
            read_logo(folder / name)
        except LogoError as problem:
            tree.fault(("customers", number, "brand", "logo"), str(problem))
