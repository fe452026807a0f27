"""Shows what a target sent: short, printable, without control characters, never as markup."""

from __future__ import annotations

MAX_SHOWN = 80  # characters


def printable(data: bytes | str, limit: int = MAX_SHOWN) -> str:
    """Return the first characters, escaped where they do not print; an ellipsis says that more came."""
    shown, more = _shown(data, limit)
    return shown + ("..." if more else "")


def quoted(data: bytes | str, limit: int = MAX_SHOWN) -> str:
    """Return the first characters in double quotes, escaped; an ellipsis says that more came."""
    shown, more = _shown(data, limit)
    return f'"{shown}"' + ("..." if more else "")


def _shown(data: bytes | str, limit: int) -> tuple[str, bool]:
    text = data[: limit * 4].decode("utf-8", "replace") if isinstance(data, bytes) else data
    shown = text[:limit]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)
    return shown, len(text) > limit or len(data) > limit * 4
