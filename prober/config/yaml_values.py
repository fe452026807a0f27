"""Nodes to plain values, with the way back from a value's path to its line and column.

Here: keys, duplicate keys, aliases and their limits, merge keys, references to the environment.
Not here: reading YAML (`yaml_nodes`), and what the values should be (`model`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from .faults import ConfigError, Fault, dotted, quote
from .interpolate import interpolate
from .scalars import core_scalar
from .yaml_nodes import MAX_DEPTH, PLAIN, QUOTED

MAX_VALUES = 1_000_000
"""Values of a document, aliases counted as often as they are used: the limit that stops alias bombs."""

Path = tuple[str | int, ...]
Pairs = list[tuple[yaml.Node, yaml.Node]]

_CORE = "tag:yaml.org,2002:"
_TYPES = {_CORE + "int": int, _CORE + "float": float, _CORE + "bool": bool, _CORE + "null": type(None)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value that is not as it stands in the file came from.

    `name` is the source whose content must not be shown, empty for a default that the file itself gives.
    `typed` is what the text means where a number or a truth value is wanted.
    """

    name: str
    typed: object


class Tree:
    """A document: its plain value, and the place in the file of each path. Collects faults as it is built."""

    def __init__(self, root: yaml.Node, file: str, environ: Mapping[str, str]) -> None:
        self.root = root
        self.file = file
        self.faults: list[Fault] = []
        self._environ = environ
        self._origins: dict[int, Origin] = {}
        self._broken: set[int] = set()
        self._index: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}
        self._count = 0
        self._path: list[str | int] = []
        self._merging: set[int] = set()

    def plain(self) -> object:
        """Return the document as dicts, lists and scalars; faults are collected, ConfigError at a limit."""
        return self._value(self.root)

    def outside(self, node: yaml.Node, name: str, typed: object) -> None:
        """Remember that a node's value does not stand in the file; see `Origin`."""
        self._origins[id(node)] = Origin(name=name, typed=typed)

    def fault(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Add a fault at a path, or at the nearest ancestor that stands in the file."""
        _, key, node = self.walk(path)
        self._add(key if at_key and key is not None else node, message, hint, path)

    def walk(self, path: Path) -> tuple[Path, yaml.Node | None, yaml.Node]:
        """Follow a path as far as it goes: the part followed, the last key's node, the last value's node.

        Parts that no node has are skipped: pydantic puts names of union members between the keys.
        """
        followed: list[str | int] = []
        key: yaml.Node | None = None
        node = self.root
        for part in path:
            if isinstance(node, yaml.MappingNode) and (pair := self._pair(node, str(part))):
                key, node = pair
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                key, node = None, node.value[part]
            else:
                continue
            followed.append(part)
        return tuple(followed), key, node

    def origin(self, path: Path) -> Origin | None:
        """Return where the value at a path came from, if not from the file."""
        return self._origins.get(id(self.walk(path)[2]))

    def outside_below(self, path: Path) -> str:
        """Name a source outside the file that has part in the value at a path, or return nothing."""
        waiting = [self.walk(path)[2]]
        seen: set[int] = set()
        while waiting and self._origins:
            node = waiting.pop()
            if (origin := self._origins.get(id(node))) and origin.name:
                return origin.name
            if id(node) not in seen:
                seen.add(id(node))
                waiting += _children(node)
        return ""

    def is_broken(self, path: Path) -> bool:
        """Tell whether a fault of this value is known already, so that what follows from it is noise."""
        return id(self.walk(path)[2]) in self._broken

    def mark_broken(self, path: Path) -> None:
        """Say that a fault of the value at a path is known, see `is_broken`."""
        self._broken.add(id(self.walk(path)[2]))

    def _pair(self, node: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
        index = self._index.get(id(node))
        if index is None:
            index = {k.value: (k, v) for k, v in reversed(node.value) if isinstance(k, yaml.ScalarNode)}
            self._index[id(node)] = index
        return index.get(key) or index.get(f"{key}_file")

    def _add(self, node: yaml.Node, message: str, hint: str = "", path: Path | None = None) -> None:
        mark = node.start_mark
        where = dotted(self._path if path is None else path)
        file = mark.name if mark.line < 0 else self.file
        self.faults.append(
            Fault(
                file=file, line=mark.line + 1, column=mark.column + 1, path=where, message=message, hint=hint
            )
        )

    def _break(self, node: yaml.Node, message: str, hint: str = "") -> None:
        self._broken.add(id(node))
        self._add(node, message, hint)

    def _value(self, node: yaml.Node) -> object:
        self._count += 1
        if self._count > MAX_VALUES or len(self._path) > MAX_DEPTH:
            self._refuse(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in (QUOTED, PLAIN, _CORE + "map", _CORE + "seq"):
            self._break(node, f"the tag {quote(node.tag)} is not supported", "remove it")
            return None
        return self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)

    def _refuse(self, node: yaml.Node) -> None:
        if len(self._path) > MAX_DEPTH:
            self._path.clear()
            self._add(node, f"nested deeper than {MAX_DEPTH} levels", "an alias inside its own anchor?")
        else:
            self._path.clear()
            self._add(node, f"more than {MAX_VALUES} values", "each use of an alias counts all of its values")
        raise ConfigError(self.faults)

    def _sequence(self, node: yaml.Node) -> list[object]:
        items: list[object] = []
        for number, item in enumerate(node.value):
            self._path.append(number)
            items.append(self._value(item))
            self._path.pop()
        return items

    def _mapping(self, node: yaml.Node) -> dict[str, object]:
        self._merge(node)
        values: dict[str, object] = {}
        first: dict[str, yaml.Node] = {}
        for key, item in node.value:
            name = self._key(key)
            if name is None:
                continue
            self._path.append(name)
            if name in first:
                self._add(key, "the same key twice", f"first on line {first[name].start_mark.line + 1}")
            else:
                first[name] = key
                values[name] = self._value(item)
            self._path.pop()
        return values

    def _key(self, key: yaml.Node) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self._add(key, "a key must be text")
        elif key.tag in (QUOTED, _CORE + "str") or (key.tag == PLAIN and _is_text(key.value)):
            return str(key.value)
        else:
            self._add(key, f"the key {quote(key.value)} is not text", "put it in quotes")
        return None

    def _merge(self, node: yaml.Node) -> None:
        """Replace `<<` by the pairs it brings; own keys win, then the first mapping named."""
        if not any(_is_merge(key) for key, _ in node.value):
            return
        if id(node) in self._merging:
            self._add(node, "a merge key that merges the mapping into itself")
            node.value = [pair for pair in node.value if not _is_merge(pair[0])]
            return
        self._merging.add(id(node))
        own = [pair for pair in node.value if not _is_merge(pair[0])]
        names = {key.value for key, _ in own if isinstance(key, yaml.ScalarNode)}
        brought: Pairs = []
        for source in [item for key, item in node.value if _is_merge(key)]:
            for key, item in self._merged_pairs(source):
                if isinstance(key, yaml.ScalarNode) and key.value not in names:
                    names.add(key.value)
                    brought.append((key, item))
        node.value = own + brought
        self._merging.discard(id(node))

    def _merged_pairs(self, source: yaml.Node) -> Iterable[tuple[yaml.Node, yaml.Node]]:
        for mapping in source.value if isinstance(source, yaml.SequenceNode) else [source]:
            if not isinstance(mapping, yaml.MappingNode):
                self._add(mapping, "<< takes a mapping or a list of mappings")
                continue
            self._merge(mapping)
            self._count += len(mapping.value)
            if self._count > MAX_VALUES:
                self._refuse(mapping)
            yield from mapping.value

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text: str = node.value
        if id(node) in self._origins:
            return text
        if "$" in text and (filled := self._interpolated(node)) is not None:
            return filled
        if node.tag in (QUOTED, _CORE + "str"):
            return text
        try:
            value = core_scalar(text)
        except ValueError as error:
            self._break(node, str(error), "put it in quotes if it is text")
            return None
        if node.tag != PLAIN and type(value) is not _TYPES.get(node.tag):
            self._break(node, f"the tag {quote(node.tag)} does not fit or is not supported", "remove it")
        return value

    def _interpolated(self, node: yaml.ScalarNode) -> str | None:
        """Return the text with its references filled in, or None if it has none."""
        filled = interpolate(node.value, self._environ)
        if filled.malformed:
            self._break(
                node, "a reference that is not like ${NAME} or ${NAME:-default}", "write $$ for a plain $"
            )
        for name in filled.missing:
            hint = f"set it, or give a default: ${{{name}:-default}}"
            self._break(node, f"the environment variable {name} is not set", hint)
        if filled.text == node.value and not filled.used:
            return None
        source = f"${{{filled.used[0]}}}" if filled.used else ""
        self.outside(node, source, filled.text if node.tag != PLAIN else typed(filled.text))
        # The expanded text stays with the node: an alias to it must not be expanded again.
        node.value = filled.text
        return filled.text


def typed(text: str) -> object:
    """Return what a text from outside means where a number or a truth value is wanted."""
    try:
        return core_scalar(text)
    except ValueError:
        return text


def _is_text(text: str) -> bool:
    try:
        return isinstance(core_scalar(text), str)
    except ValueError:
        return False


def _is_merge(key: yaml.Node) -> bool:
    return (
        isinstance(key, yaml.ScalarNode)
        and key.tag in (PLAIN, "tag:yaml.org,2002:merge")
        and key.value == "<<"
    )


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
