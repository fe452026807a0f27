"""Faults of a configuration, and how they are said to the operator.

Here: the fault as a value, the exception that carries all of them, quoting and suggesting names.
Not here: finding faults.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

MAX_QUOTED = 60  # characters of an operator's value shown in a fault
MAX_HINTS = 200  # faults that get a suggestion; each costs a comparison with every known name
MAX_SUGGESTED_FROM = 5_000  # names compared with one unknown name; more would cost seconds
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a configuration. Line and column count from 1; 0 if there is no line."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return `file:line:column: path: what is wrong (hint)`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = [place, *([self.path] if self.path else []), self.message]
        return ": ".join(parts) + (f" ({self.hint})" if self.hint else "")


class ConfigError(Exception):
    """A configuration cannot be used; `faults` holds every reason, in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(
            sorted(set(faults), key=lambda fault: (fault.file, fault.line, fault.column, str(fault)))
        )
        super().__init__("\n".join(map(str, self.faults)))


def quote(text: str) -> str:
    """Show a name or value of the operator, short and printable."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[:MAX_QUOTED])
    return f"'{shown}'" + ("..." if len(text) > MAX_QUOTED else "")


def without_credentials(text: str) -> str:
    """Blank the user and password of every URL in a message."""
    return _CREDENTIALS.sub("//***@", text)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a hint that names the nearest known name, or lists the few known ones, or nothing."""
    if len(known) <= MAX_SUGGESTED_FROM and len(name) <= MAX_QUOTED:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        if nearest:
            return f"did you mean {quote(nearest[0])}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 8 else ""


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as `probes.1.http.json."$.status"`; parts that are not plain names are quoted."""
    return ".".join(str(part) if re.fullmatch(r"[\w-]+", str(part)) else f'"{part}"' for part in path)
