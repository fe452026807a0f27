"""What tables and waterfalls share: the console, signs for terminals with and without Unicode, durations in words.

Colour goes to terminals only, and not under NO_COLOR; that is the console library's doing.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

OUTCOME_STYLES = {"pass": "bold green", "warn": "bold yellow", "fail": "bold red", "void": "bold magenta"}
STATE_STYLES = {"up": "green", "degraded": "yellow", "down": "bold red", "unknown": "magenta"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The signs that are drawn."""

    held: str
    missed: str
    bar: str
    point: str
    more: str


_UNICODE = Signs(held="✓", missed="✗", bar="█", point="▏", more="…")
_ASCII = Signs(held="+", missed="x", bar="#", point="|", more="...")


def console() -> Console:
    """Return a console on standard output that takes text as it is: no markup, no emoji, no guessed colours."""
    return Console(markup=False, emoji=False, highlight=False)


def signs_for(screen: Console) -> Signs:
    """Return the signs that this console's encoding has."""
    return _UNICODE if screen.encoding.lower().startswith("utf") else _ASCII


def took(duration_us: int) -> str:
    """Write micro-seconds as people read them: `0.42 ms`, `12.3 ms`, `1.25 s`."""
    if duration_us < 9_995:
        return f"{duration_us / 1e3:.2f} ms"
    return f"{duration_us / 1e3:.1f} ms" if duration_us < 999_950 else f"{duration_us / 1e6:.2f} s"
