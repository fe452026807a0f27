"""Regular expressions of modules over bytes from a target, and templates filled from a match.

An expression sees text where the bytes are UTF-8, else each byte as a sign of its own, so that what was captured goes
back exactly as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from checks.core.patterns import Match, Pattern, compiled, compiled_bytes

_REFERENCE = re.compile(rb"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)  # our own expression, not a configured one
_compiled = lru_cache(maxsize=1024)(compiled)
_compiled_bytes = lru_cache(maxsize=1024)(compiled_bytes)


class Found:
    """One match: its groups as bytes."""

    __slots__ = ("_groups", "_names")

    def __init__(self, groups: tuple[bytes, ...], names: Mapping[bytes, int]) -> None:
        self._groups = groups
        self._names = names

    def filled(self, template: str) -> bytes:
        """Return the template with `$1`, `${1}`, `$name` and `${name}` filled in, `$$` for `$`.

        A reference to nothing is empty; a name reaches as far as letters, digits and underscores do.
        """
        return _REFERENCE.sub(self._value, template.encode())

    def _value(self, reference: re.Match[bytes]) -> bytes:
        name = reference[1] or reference[2]
        if name is None:
            return b"$"
        number = int(name) if name.isdigit() else self._names.get(name, -1)
        return self._groups[number] if 0 <= number < len(self._groups) else b""


def search(pattern: str, data: bytes) -> Found | None:
    """Return the first match anywhere in the bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _found_bytes(_compiled_bytes(pattern).search(data))
    return _found(_compiled(pattern).search(text))


def search_text(pattern: str, text: str) -> bool:
    """Say whether the expression is found in the text."""
    return _compiled(pattern).search(text) is not None


def _found(match: Match[str] | None) -> Found | None:
    if match is None:
        return None
    groups = tuple((each or "").encode() for each in (match.group(), *match.groups()))
    return Found(groups, {name.encode(): number for name, number in _names(match.re).items()})


def _found_bytes(match: Match[bytes] | None) -> Found | None:
    if match is None:
        return None
    return Found(tuple(each or b"" for each in (match.group(), *match.groups())), dict(match.re.groupindex))


def _names(pattern: Pattern[str]) -> Mapping[str, int]:
    return pattern.groupindex
