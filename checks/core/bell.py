"""Runs of one process waiting for one another: the reactor's counterpart of a condition.

No order is kept and no state either: who wakes looks for itself whether what it waited for is there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Generic, TypeVar

from .reactor import outside

T = TypeVar("T")


class Bell(Generic[T]):
    """Wakes every run that waits, and tells them something. A run that ends or is cancelled just stops waiting."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[T]] = []

    async def wait(self) -> T:
        """Wait for the next ring and return what was told; the run's deadline ends the wait."""
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        try:
            return await outside(told)
        finally:
            with suppress(ValueError):  # the ring has taken it out
                self._waiting.remove(told)

    def ring(self, told: T) -> None:
        """Wake all who wait now; safe from a `finally` on any way out, a closed loop included."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done() and not future.get_loop().is_closed():
                future.set_result(told)
