"""YAML text to nodes that know their line and column.

Here: decoding, the parser (libyaml where it is there, else pure Python), limits, syntax faults in words.
Not here: what a scalar means, keys, aliases and merging (`yaml_values`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import TypeVar

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from .faults import ConfigError, Fault

MAX_FILE_BYTES = 10_000_000
MAX_DOCUMENTS = 20_000
MAX_DEPTH = 64  # levels; a real configuration has under ten, and a parser's stack is not endless
PLAIN, QUOTED = "?", "!"  # tags given to scalars: meaning still open, and text for sure

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS = {
    "mapping values are not allowed in this context": (
        "a second ': ' on one line",
        "put text with ': ' in quotes",
    ),
    "mapping values are not allowed here": ("a second ': ' on one line", "put text with ': ' in quotes"),
    "found undefined alias": ("an alias that no anchor defines", "the anchor must come first"),
    "found unexpected end of stream": ("a quote that never closes", ""),
    "but found another document": ("a second document in the file", "remove the --- line"),
    "found duplicate anchor": ("the same anchor twice", ""),
    "did not find expected key": ("a key was expected", "check the indentation"),
    "did not find expected '-' indicator": ("a list item was expected", "check the indentation"),
    "could not find expected ':'": ("a ':' was expected after the key", ""),
    # libyaml's scanner has a limit of its own, and may look ahead past ours.
    "exceeded maximum nesting depth": (f"nested deeper than {MAX_DEPTH} levels", ""),
}

_T = TypeVar("_T")


class _TooDeep(Exception):
    """Raised out of the composer when nesting passes `MAX_DEPTH`; carries where."""

    def __init__(self, mark: yaml.Mark) -> None:
        super().__init__()
        self.mark = mark


class _Hooks:
    """What both composers ask of a resolver: tags without meaning, and a chance to count depth."""

    depth = 0

    def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH and parent is not None:
            raise _TooDeep(parent.start_mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def check_resolver_prefix(self, *ignored: object) -> bool:
        return False

    def resolve(self, kind: type[yaml.Node], value: object, implicit: object) -> str:
        return PLAIN if isinstance(implicit, tuple) and implicit[0] else QUOTED


class PureLoader(_Hooks, Reader, Scanner, Parser, Composer):
    """The composer without libyaml; same nodes, slower."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)


try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml
    Loader: type = PureLoader
else:

    class FastLoader(_Hooks, CParser):
        """The composer of libyaml."""

    Loader = FastLoader


def decode(data: bytes, file: str) -> str:
    """Decode a file's bytes; ConfigError if they are too many or not UTF-8."""
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(
            [_fault(file, 0, 0, "the file is over 10 MB", "nothing that large was written by hand")]
        )
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8", "replace"))
        raise ConfigError([_fault(file, line, column, "not UTF-8 text", "save the file as UTF-8")]) from None


def compose(text: str, file: str, loader: type = Loader) -> yaml.Node:
    """Return the root node of the only document; ConfigError for anything that is not YAML."""
    node: yaml.Node | None = _composed(text, file, lambda: loader(text).get_single_node())
    if node is None:
        raise ConfigError([_fault(file, 1, 1, "the file is empty", "start with probes:")])
    return node


def compose_all(text: str, file: str, loader: type = Loader) -> list[yaml.Node]:
    """Return the root nodes of all documents that hold anything; ConfigError for anything that is not YAML."""

    def read() -> list[yaml.Node]:
        parser, found = loader(text), []
        while parser.check_node():
            found.append(parser.get_node())
            if len(found) > MAX_DOCUMENTS:
                raise ConfigError([_fault(file, 0, 0, f"more than {MAX_DOCUMENTS:,} documents")])
        return found

    return [node for node in _composed(text, file, read) if node.tag != PLAIN or node.value]


def _composed(text: str, file: str, read: Callable[[], _T]) -> _T:
    if len(text) > MAX_FILE_BYTES:
        raise ConfigError(
            [_fault(file, 0, 0, "the file is over 10 MB", "nothing that large was written by hand")]
        )
    if unprintable := _UNPRINTABLE.search(text):
        line, column = _place(text[: unprintable.start()])
        raise ConfigError(
            [_fault(file, line, column, "a control character", "remove it, or write it as an escape")]
        )
    try:
        return read()
    except _TooDeep as deep:
        message = f"nested deeper than {MAX_DEPTH} levels"
        raise ConfigError([_fault(file, deep.mark.line + 1, deep.mark.column + 1, message)]) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(text, file, error)]) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError([_fault(file, 1, 1, f"not YAML: {type(error).__name__}")]) from None


def _syntax(text: str, file: str, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    here = lines[line][column:] if line < len(lines) else ""
    if "cannot start any token" in (error.problem or "") and here.startswith(("\t", "@", "`", "%")):
        tab = here.startswith("\t")
        words = (
            ("a tab in the indentation", "use spaces")
            if tab
            else (f"text cannot start with {here[0]}", "quote it")
        )
    else:
        problem = error.problem or error.context or "syntax error"
        said = (problem, error.context or "")
        known = (words for start, words in _WORDS.items() if any(text.startswith(start) for text in said))
        words = next(known, (f"not YAML: {problem}", ""))
    return _fault(file, line + 1, column + 1, *words)


def _place(before: str) -> tuple[int, int]:
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", before)
    return len(lines), len(lines[-1]) + 1


def _fault(file: str, line: int, column: int, message: str, hint: str = "") -> Fault:
    return Fault(file=file, line=line, column=column, path="", message=message, hint=hint)
