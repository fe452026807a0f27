"""What an import has found so far: probes as a file would hold them, and notes on what was left behind.

Pure. One format's reading is one file beside this one; the result is checked and written by `result.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from checks.core.values import format_duration
from checks.heartbeat import MAX_TOKEN_CHARACTERS, MIN_TOKEN_CHARACTERS
from prober.config.sources import Item

MAX_NAME = 63
_TOKEN = re.compile(f"[A-Za-z0-9_-]{{{MIN_TOKEN_CHARACTERS},{MAX_TOKEN_CHARACTERS}}}")
Raw: TypeAlias = dict[str, Any]  # Any: options as a file would hold them


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that could not be carried over as it was, and the line that says it.

    `file` is empty for the file that is imported, else a second one that was read beside it.
    """

    line: int
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret that the new file takes from the environment; the line is where its value stands in the old one."""

    variable: str
    line: int


@dataclass(slots=True)
class Draft:
    """Grows while a file is read. `copies_secrets`: write passwords into the new file instead of references."""

    copies_secrets: bool = False
    expands: bool = False  # `${NAME}` in the old file means a variable there, too
    probes: list[Raw] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)  # where each probe came from
    notes: list[Note] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)

    def note(self, item: Item | int, text: str) -> None:
        """Say that something was left behind."""
        self.notes.append(Note(item if isinstance(item, int) else item.line, text))

    def drop(self, item: Item | None, text: str) -> None:
        """Say so, and be done with everything below the item; nothing for no item."""
        if item is not None:
            item.drop()
            self.note(item, text)

    def add(self, line: int, title: str, kind: str, options: Raw, **more: Any) -> str:
        """Add a probe under a name made from its title; return the name. Empty options are left out."""
        name = self._unused(slug(title) or kind)
        self.lines[name] = line
        probe: Raw = {"name": name}
        if title != name:
            probe["title"] = self.plain(title[:200])
        probe |= {key: value for key, value in more.items() if value not in (None, {}, [], "")}
        told = without_empty(options)
        if "expect" in told:
            told["expect"] = told.pop("expect")  # what is asked comes before what is expected
        self.probes.append({**probe, kind: told})
        return name

    def plain(self, text: str) -> str:
        """Return a text of the old file for the new one, where `$` begins a reference."""
        return text if self.expands else text.replace("$", "$$")

    def secret(self, item: Item, owner: str, what: str) -> str:
        """Return what the new file shall hold for a secret: a reference to the environment, or the secret itself."""
        text = item.text
        if self.copies_secrets or (self.expands and "${" in text):
            return self.plain(text)
        return self.reference(item.line, owner, what)

    def token(self, item: Item, owner: str) -> str:
        """Return what the new file shall hold for a heartbeat's token, which here has a least length."""
        text = item.text
        if (self.expands and "${" in text) or _TOKEN.fullmatch(text):
            return self.secret(item, owner, "token")
        self.note(item, f"{owner}: its token is no usable one here: make another with openssl rand -hex 32")
        return self.reference(item.line, owner, "token")

    def reference(self, line: int, owner: str, what: str, *, shared: bool = False) -> str:
        """Return a reference to a variable of the environment, which the user is told to set.

        `shared`: the one of the same owner and place is meant again.
        """
        variable = re.sub("[^A-Z0-9]+", "_", f"{owner}_{what}".upper()).strip("_")
        variable = variable if variable[:1].isalpha() else f"PROBE_{variable}"
        if shared and Wanted(variable, line) in self.wanted:
            return f"${{{variable}}}"
        known = {each.variable for each in self.wanted}
        variable = next(each for each in _numbered(variable, "_") if each not in known)
        self.wanted.append(Wanted(variable, line))
        return f"${{{variable}}}"

    def _unused(self, name: str) -> str:
        return next(each for each in _numbered(name[: MAX_NAME - 5], "-") if each not in self.lines)


def slug(title: str) -> str:
    """Return a title as a name: lower case letters, digits, `-` and `_`."""
    return re.sub("[^a-z0-9_]+", "-", title.lower()).strip("-_")[: MAX_NAME - 5]


def without_empty(options: Raw) -> Raw:
    """Leave out what is empty, at every level; False and 0 stay."""
    kept = {
        key: without_empty(value) if isinstance(value, dict) and key != "headers" else value
        for key, value in options.items()
    }
    return {
        key: value for key, value in kept.items() if value not in (None, "") and value not in ({}, [], ())
    }


def seconds(number: float) -> str:
    """Return seconds as a duration of ours."""
    return format_duration(round(number * 1_000_000))


def unread(draft: Draft, items: Iterable[Item], words: str) -> None:
    """Note every value that nobody has read."""
    for item in items:
        for left in item.unread():
            draft.note(left, f"{left.path}: {words}")


def _numbered(name: str, sign: str) -> Iterable[str]:
    yield name
    yield from (f"{name}{sign}{number}" for number in range(2, 100_000))
