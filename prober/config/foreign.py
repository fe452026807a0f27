"""Configuration files of other programs, read as strictly as our own and told of in the same way.

Here: YAML as Go's reader takes it (no variables, a plain scalar is whatever its place wants), a model, faults.
Not here: any model of such a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .faults import ConfigError, Fault
from .messages import report
from .yaml_nodes import MAX_FILE_BYTES, PLAIN, compose, decode
from .yaml_values import Tree

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_WIDTH, _SHORT_LIST = 80, 50  # columns
M = TypeVar("M", bound=BaseModel)


class Plain(str):
    """A scalar without quotes: text, number or truth value, as its place wants it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A file as it was read, its digest, and where it lies."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class _Tree(Tree):
    """A tree in which `${1}` is just text and plain scalars keep how they were written."""

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text: str = node.value
        if node.tag == PLAIN:
            return None if text in _NOTHING else Plain(text)
        return text


def read_file(path: Path) -> Foreign:
    """Read a file; ConfigError if it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        message = f"cannot read the file: {(error.strerror or 'error').lower()}"
        raise ConfigError([_whole(str(path), message)]) from None
    return Foreign(str(path), decode(data, str(path)))


def parse(foreign: Foreign, model: type[M], context: Mapping[str, object] | None = None) -> M:
    """Return the model of a file; ConfigError with every fault. Relative paths are the model's affair."""
    tree = _Tree(compose(foreign.text, foreign.name), foreign.name, {})
    plain = tree.plain()
    if not isinstance(plain, dict):
        raise ConfigError([*tree.faults, _whole(foreign.name, "expected a mapping of sections")])
    try:
        found = model.model_validate(plain, context=dict(context or {}))
    except ValidationError as error:
        report(error, tree, model)
        raise ConfigError(tree.faults) from None
    if tree.faults:
        raise ConfigError(tree.faults)
    return found


def to_yaml(value: object) -> str:
    """Write plain values as YAML, keys in their order."""
    text: str = yaml.safe_dump(
        value, sort_keys=False, default_flow_style=False, allow_unicode=True, width=4096
    )
    return text


class Neat(yaml.SafeDumper):
    """Indents what stands in a list, and keeps short lists of plain values on one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    def represent_sequence(
        self, tag: str, sequence: Iterable[Any], flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        items = list(sequence)
        is_plain = all(isinstance(item, str | int | float) for item in items)
        is_short = sum(len(str(item)) + 2 for item in items) <= _SHORT_LIST
        return super().represent_sequence(tag, items, flow_style=is_plain and is_short)


def neat_yaml(value: object) -> str:
    """Write plain values as a person would who has 80 columns."""
    text: str = yaml.dump(
        value, Dumper=Neat, sort_keys=False, default_flow_style=False, allow_unicode=True, width=_WIDTH
    )
    return text


def _whole(file: str, message: str, hint: str = "") -> Fault:
    return Fault(file=file, line=0, column=0, path="", message=message, hint=hint)
