"""One report at a time: what costs seconds waits for its turn, whoever would wait too long is told so.

What was made is kept for a moment, for pages are looked at again. Not here: what is made in a turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from aiohttp import web

from .errors import ApiError

T = TypeVar("T")
TURN_SECONDS = 60.0  # from asking to the answer, waiting included
MAX_WAITING = 10  # more are refused at once
MAX_KEPT = 16  # of what was made; some hundred kilobytes each


class Turns:
    """Keeps the turn until the work is over, even if nobody waits for it any more: it cannot be stopped half way."""

    def __init__(self, seconds: float = TURN_SECONDS, max_waiting: int = MAX_WAITING) -> None:
        self._seconds = seconds
        self._max_waiting = max_waiting
        self._waiting = 0
        self._turn = asyncio.Semaphore(1)
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()  # Any: what each piece of work returns

    async def kept(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what was made for a key, made now if need be; the key says all that it depends on."""
        if key not in self._kept:
            made = await self.take(work)
            self._kept[key] = made
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        found: T = self._kept[key]
        return found

    async def take(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work returns; ApiError 503 if its turn and its end do not come in time."""
        if self._waiting >= self._max_waiting:
            raise ApiError(503, f"{self._waiting} reports are asked for already", "try again in a minute")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._turn.acquire()
                task = asyncio.ensure_future(work())
                task.add_done_callback(self._over)
                return await asyncio.shield(task)
        except TimeoutError:
            hint = "ask for fewer contracts or a shorter period, or use `prober report`"
            raise ApiError(503, f"no report within {self._seconds:g} s", hint) from None
        finally:
            self._waiting -= 1

    def _over(self, task: asyncio.Future[T]) -> None:
        self._turn.release()
        if not task.cancelled():
            task.exception()  # told to whoever waits; nobody may


TURNS = web.AppKey("turns", Turns)
