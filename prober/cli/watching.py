"""A screen that renews itself each second until Ctrl-C. What is fetched and drawn is the business of each command."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .command import CannotGoOn

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH_SECONDS = 1.0
T = TypeVar("T")


def watch(
    fetch: Callable[[int | None], T],
    draw: Callable[[T, int | None, str], RenderableType],
    rows_of: Callable[[int], int],
) -> None:
    """Refresh until Ctrl-C. A daemon that was there once and stops answering is waited for.

    `fetch` and `draw` are told how many rows fit, None where there is no end; `draw` also why nothing came, or "".
    """
    from rich.live import Live

    from .screen import console

    screen = console()

    def rows() -> int | None:
        return rows_of(screen.height) if screen.is_terminal else None

    found, lost = fetch(rows()), ""
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
        try:
            while True:
                shown = draw(found, rows(), lost)
                if screen.is_terminal:
                    live.update(shown, refresh=True)
                else:
                    screen.print(shown)
                time.sleep(REFRESH_SECONDS)
                try:
                    found, lost = fetch(rows()), ""
                except CannotGoOn as trouble:
                    lost = str(trouble)
        except KeyboardInterrupt:
            return
