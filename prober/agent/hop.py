"""Runs what may hang in a thread of its own, which nobody waits for at the end: a resolver, a file on a dead share.

asyncio waits for its own threads when a process ends, and has no limit for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Hops:
    """At most one thread for each function with its arguments: who asks again shares the answer that is awaited."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Future[Any]] = {}  # Any: each has the type of its function's answer

    async def call(self, function: Callable[..., T], *args: Hashable) -> T:
        """Return what a function returns. Whoever is cancelled leaves it running; deadlines are the caller's."""
        key = function, args
        future = self._running.get(key)
        if future is None:
            future = Future()
            future.set_running_or_notify_cancel()  # from here on no caller that gives up can cancel it
            thread = threading.Thread(target=self._run, args=(key, future, function, args), daemon=True)
            self._running[key] = future
            try:
                thread.start()
            except RuntimeError:
                del self._running[key]
                raise
        found: T = await asyncio.wrap_future(future)
        return found

    def _run(
        self, key: Hashable, future: Future[T], function: Callable[..., T], args: tuple[Hashable, ...]
    ) -> None:
        try:
            result = function(*args)
        except BaseException as error:
            self._running.pop(key, None)
            future.set_exception(error)
        else:
            self._running.pop(key, None)
            future.set_result(result)
