"""`${NAME}`, `${NAME:-default}` and `$$` in a text.

Here: one text and an environment to a new text. Not here: where texts come from, and hiding what came out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\$\{[^}]{0,20}\}?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A text with its references replaced; one that has `used` variables is not shown to anybody."""

    text: str
    used: tuple[str, ...]
    missing: tuple[str, ...]
    malformed: bool


def interpolate(text: str, environ: Mapping[str, str]) -> Filled:
    """Replace every reference once; what a variable holds is not looked into again.

    As in a shell, a default also stands in for a variable that is set to nothing.
    """
    used: list[str] = []
    missing: list[str] = []
    malformed = False

    def replace(match: re.Match[str]) -> str:
        nonlocal malformed
        name, default, wrong = match.groups()
        malformed = malformed or wrong is not None
        if name is None:
            return "$"
        value = environ.get(name)
        if value or (value is not None and default is None):
            used.append(name)
            return value
        if default is None:
            missing.append(name)
        return default or ""

    filled = _REFERENCE.sub(replace, text)
    return Filled(text=filled, used=tuple(used), missing=tuple(missing), malformed=malformed)
