"""`/ping/TOKEN`, `/ping/TOKEN/start`, `/fail`, `/0` to `/255`: where jobs call. On both listeners, in any method.

Every path below `/ping/` ends here, so that a token never reaches an error, a log or a page. A known token is
answered `ok` once the call is on record. Guessing is limited by client; who knows a token is not held up by it, and
has limits of his own.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from prober.hub.rhythm import Verb
from prober.hub.serving import Desk

from .rates import Limiter, Rate

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 10_240  # of what a job sends along; the rest is not read
BODY_SECONDS = 2.0  # how long it is waited for; the call counts with what came
CALLS = Rate(per_second=5, burst=60)  # of one job
ALL_CALLS = Rate(per_second=500, burst=2_000)
GUESSES = Rate(per_second=2, burst=30)  # unknown tokens from one address
ALL_GUESSES = Rate(per_second=100, burst=500)
MAX_KEYS = 20_000  # jobs, or addresses that guess
_PATH = re.compile(r"/ping/([A-Za-z0-9_-]{1,128})(?:/(start|fail|[0-9]{1,3}))?/?")


@dataclass(frozen=True, slots=True)
class Said:
    """What a path says: whose call it is, and what it means."""

    token: str
    verb: Verb
    exit_code: int | None = None


def read_path(path: str) -> Said | None:
    """Return what a path says; None for one that says nothing."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    token, word = match.groups()
    if word is None:
        return Said(token, Verb.SUCCESS)
    if not word.isdigit():
        return Said(token, Verb(word))
    code = int(word)
    if code > 255:
        return None
    return Said(token, Verb.FAIL if code else Verb.SUCCESS, code)


class Ping:
    """Answers jobs. `clock` gives seconds that never go back."""

    def __init__(self, desk: Desk | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._clock = clock
        self._calls, self._all_calls = Limiter(CALLS, MAX_KEYS), Limiter(ALL_CALLS, 1)
        self._guesses, self._all_guesses = Limiter(GUESSES, MAX_KEYS), Limiter(ALL_GUESSES, 1)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a call; nothing that goes wrong leaves here, for its path is a secret."""
        try:
            return await self._answer(request)
        except (ConnectionError, web.HTTPException):
            return _text(400, "bad request")
        except Exception as error:
            log.error("a call of a job failed", extra={"problem": type(error).__name__})
            return _text(500, "an error of our own")

    async def _answer(self, request: web.Request) -> web.Response:
        said = read_path(request.path)
        desk = self._desk
        caller = desk.find(said.token) if desk is not None and said is not None else None
        if desk is None or said is None or caller is None:
            return self._unknown(request)
        if request.method not in caller.methods:
            return _text(405, "method not allowed", Allow=", ".join(caller.methods))
        now = self._clock()
        if not self._calls.allows(caller.probe, now):
            return _text(429, "too many calls of this job", Retry_After="1")
        if not self._all_calls.allows("", now):
            desk.refused()
            return _text(429, "too many calls", Retry_After="1")
        output = await _body(request)
        if await desk.take(caller, said.verb, said.exit_code, output):
            return _text(200, "ok")
        return _text(503, "not on record, call again", Retry_After="2")

    def _unknown(self, request: web.Request) -> web.Response:
        now = self._clock()
        # The client first: one that guesses without end uses up nobody else's.
        if self._guesses.allows(request.remote, now) and self._all_guesses.allows("", now):
            return _text(404, "not found")
        return _text(429, "too many calls", Retry_After="1")


def add_ping(app: web.Application, desk: Desk | None) -> None:
    """Let an application answer jobs."""
    app.router.add_route("*", "/ping/{call:.*}", Ping(desk).answer)


async def _body(request: web.Request) -> str:
    if request.method != "POST" or not request.can_read_body:
        return ""
    kept = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while len(kept) < MAX_BODY_BYTES and (
                piece := await request.content.read(MAX_BODY_BYTES - len(kept))
            ):
                kept += piece
    except TimeoutError:
        pass
    return bytes(kept).decode("utf-8", "replace")


def _text(status: int, text: str, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, text=text, headers={"Cache-Control": "no-store", **named})
