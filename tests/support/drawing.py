"""Drawing what the terminal shows into a text, at a width and encoding of choice."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def paper(width: int = 80, encoding: str = "utf-8") -> Console:
    """Return a console that writes nowhere visible."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False, color_system=None)


def drawn(shown: RenderableType, width: int = 80) -> list[str]:
    """Return the lines of what is shown, without the blanks at their ends."""
    console = paper(width)
    with console.capture() as capture:
        console.print(shown)
    return [line.rstrip() for line in capture.get().splitlines()]
