"""Asks the listeners over a real connection: a made-up `Served` behind a free port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from support.served import NOW_US, Scene

from prober.site import public_app
from prober.web import internal_app
from prober.web.listener import serve

DEADLINE = aiohttp.ClientTimeout(total=20)


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, read to its end; the body as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        import json

        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Asker:
    """A client of one listener."""

    session: aiohttp.ClientSession
    url: str

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Heard:
        """Send a request; header names are written with _ for -."""
        sent = {"Accept-Encoding": "identity"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = self.url.rstrip("/") + path
        async with self.session.request(method, url, headers=sent, allow_redirects=False) as answer:
            return Heard(answer.status, answer.headers, await answer.read())


@contextlib.asynccontextmanager
async def internal(scene: Scene, clock: Callable[[], int] = lambda: NOW_US) -> AsyncIterator[Asker]:
    """Serve a scene on the internal listener."""
    listener = await serve(internal_app(scene.served(), clock), "127.0.0.1", 0)
    async with _asker(listener.url) as asker:
        yield asker
    await listener.close()


@contextlib.asynccontextmanager
async def public(scene: Scene, clock: Callable[[], int] = lambda: NOW_US) -> AsyncIterator[Asker]:
    """Serve a scene on the public listener."""
    listener = await serve(public_app(scene.served(), clock), "127.0.0.1", 0)
    async with _asker(listener.url) as asker:
        yield asker
    await listener.close()


@contextlib.asynccontextmanager
async def _asker(url: str) -> AsyncIterator[Asker]:
    async with aiohttp.ClientSession(timeout=DEADLINE, auto_decompress=False) as session:
        yield Asker(session, url)
