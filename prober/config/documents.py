"""Files of several YAML documents: written for other programs, and read item by item.

Here: numbers that stay as exact as their text, texts of several lines as blocks, documents and their separators. Not
here: what any document means, and files of one document (`foreign`, `sources`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import yaml

from .foreign import Neat, read_file
from .sources import Item, items_of
from .yaml_nodes import compose_all

SEPARATOR = "---\n"


class _Exact(Neat):
    """Writes a Decimal as the number that it is, digit by digit, and several lines as a block."""

    def ignore_aliases(self, data: object) -> bool:
        return True  # other readers need not know anchors


def _decimal(dumper: _Exact, value: Decimal) -> yaml.ScalarNode:
    tag = "int" if value == value.to_integral_value() and "." not in f"{value:f}" else "float"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{tag}", f"{value:f}")


def _text(dumper: _Exact, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Exact.add_representer(Decimal, _decimal)
_Exact.add_representer(str, _text)


def write_documents(documents: Sequence[object], comments: Iterable[str], width: int = 110) -> str:
    """Write plain values as documents of one file, below lines of comment; Decimal values stay exact."""
    texts = (
        yaml.dump(value, Dumper=_Exact, sort_keys=False, default_flow_style=False, allow_unicode=True, width=width)
        for value in documents
    )  # fmt: skip
    return "".join(f"# {line}".rstrip() + "\n" for line in comments) + SEPARATOR.join(texts)


def read_documents(path: Path) -> tuple[list[Item], str]:
    """Return the root of every document of a file, and how the file is called; ConfigError if it cannot be read.

    A document that is a list, as some tools write them, counts as one document an entry.
    """
    foreign = read_file(path)
    return documents_of(foreign.text, foreign.name), foreign.name


def documents_of(text: str, name: str) -> list[Item]:
    """Return the root of every document of a text; ConfigError as above."""
    return [entry for root in items_of(compose_all(text, name), name) for entry in root.each()]
