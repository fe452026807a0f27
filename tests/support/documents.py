"""What documents tell a reader to type, so that a test can do as they say. Nothing is run here."""

from __future__ import annotations

import re
from pathlib import Path


def section(path: Path, heading: str) -> str:
    """Return what stands under a heading, up to the next one that is no deeper; raises LookupError."""
    text = path.read_text(encoding="utf-8")
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{path.name} has no heading {heading!r}")
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", _without_blocks(rest), re.MULTILINE)
    return rest[: end.start()] if end else rest


def blocks(path: Path, heading: str, language: str = "sh") -> list[str]:
    """Return the code under a heading, one text a block."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(path, heading), re.MULTILINE | re.DOTALL)


def _without_blocks(text: str) -> str:
    """Blank out code, where a comment looks like a heading; what is left keeps its place."""
    return re.sub(r"^```.*?^```$", lambda code: re.sub(r"[^\n]", " ", code[0]), text, flags=re.M | re.S)
