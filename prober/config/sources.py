"""Files of other programs read item by item, each item knowing its line and whether anyone has read it.

For converting a configuration whose shape is only partly known: what was never read can be told at the end, so that
nothing is lost in silence. JSON is read as the YAML it is. Not here: strict models of such files (`foreign`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from .faults import ConfigError, Fault
from .foreign import read_file
from .scalars import core_scalar
from .yaml_nodes import PLAIN, compose

MAX_ITEMS = 200_000
"""Values of a file, those behind aliases counted each time: the limit that stops alias bombs."""
_MERGE = "<<"


class Item:
    """One value of a file. Reading a scalar, or `drop`, takes note that it is dealt with."""

    __slots__ = ("_node", "_seen", "path")

    def __init__(self, node: yaml.Node, path: str, seen: set[int]) -> None:
        self._node = node
        self._seen = seen
        self.path = path

    @property
    def line(self) -> int:
        """Where it stands, from 1."""
        return int(self._node.start_mark.line) + 1

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_scalar(self) -> bool:
        """Whether it is one value."""
        return isinstance(self._node, yaml.ScalarNode)

    def get(self, key: str) -> Item | None:
        """Return what stands at a key, or None where there is nothing or a null."""
        found = dict(self.items()).get(key)
        if found is not None and found.is_scalar and found.glimpse() is None:
            return None
        return found

    def items(self) -> Iterator[tuple[str, Item]]:
        """Yield keys and values of a mapping, those merged in (`<<`) first; nothing for anything else."""
        if not isinstance(self._node, yaml.MappingNode):
            return
        for key, value in self._node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == _MERGE:
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    yield from Item(merged, self.path, self._seen).items()
        for key, value in self._node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != _MERGE:
                yield key.value, Item(value, f"{self.path}.{key.value}".lstrip("."), self._seen)

    def each(self) -> list[Item]:
        """Return the items of a list, or this very one where a single value stands for a list."""
        if isinstance(self._node, yaml.SequenceNode):
            return [
                Item(node, f"{self.path}[{number}]", self._seen)
                for number, node in enumerate(self._node.value)
            ]
        return [self]

    @property
    def typed(self) -> object:
        """The value of a scalar as YAML 1.2 has it (text, number, truth value, None); None for anything else."""
        self._seen.add(id(self._node))
        return self.glimpse()

    def glimpse(self) -> object:
        """Return the same without taking note."""
        if not isinstance(self._node, yaml.ScalarNode):
            return None
        text: str = self._node.value
        try:
            return core_scalar(text) if self._node.tag == PLAIN else text
        except ValueError:  # a number that nobody holds
            return text

    @property
    def text(self) -> str:
        """The value of a scalar as it is written; empty for anything else."""
        self._seen.add(id(self._node))
        return self._node.value if isinstance(self._node, yaml.ScalarNode) else ""

    def texts(self) -> dict[str, str]:
        """Return a mapping of scalars as texts."""
        return {key: value.text for key, value in self.items() if value.is_scalar}

    def drop(self) -> None:
        """Take note that this and all below it is dealt with."""
        waiting = [self._node]
        while waiting:
            node = waiting.pop()
            if id(node) in self._seen and not isinstance(node, yaml.ScalarNode):
                continue
            self._seen.add(id(node))
            waiting += _children(node)

    def unread(self) -> Iterator[Item]:
        """Yield every scalar at or below this that nobody has read, and every empty list or mapping."""
        if id(self._node) in self._seen:
            return
        if isinstance(self._node, yaml.MappingNode):
            for _, item in self.items():
                yield from item.unread()
        elif isinstance(self._node, yaml.SequenceNode):
            for item in self.each():
                yield from item.unread()
        elif self.glimpse() is not None:
            yield self


def read_source(path: Path) -> Item:
    """Read a YAML or JSON file; ConfigError with the place if it is neither, or too large."""
    foreign = read_file(path)
    return source(foreign.text, foreign.name)


def source(text: str, name: str) -> Item:
    """Return the root of a text; ConfigError as above."""
    return items_of([compose(text, name)], name)[0]


def items_of(roots: list[yaml.Node], name: str) -> list[Item]:
    """Return the documents of one file; ConfigError if together they hold too much."""
    _count(roots, name)
    return [Item(root, "", set()) for root in roots]


def _count(roots: list[yaml.Node], name: str) -> None:
    waiting, count = list(roots), 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MAX_ITEMS:
            message = f"more than {MAX_ITEMS} values, those behind aliases counted each time"
            raise ConfigError([Fault(file=name, line=0, column=0, path="", message=message, hint="")])
        waiting += _children(node)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
