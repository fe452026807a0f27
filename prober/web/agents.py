"""The listener of remote agents: `/agent/v1/link`, a WebSocket, and next to nothing else.

Here: the token, who may try how often, and messages in and out with a limit on each. What they mean and who an agent
is lives in `prober/hub/remote.py`. A token never reaches an error, a log or an answer.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
from aiohttp import ClientError, WSMsgType, web
from aiohttp.typedefs import Handler

from prober import __version__, wire
from prober.hub.remote import Link
from prober.hub.tokens import Access

from .errors import ApiError, json_response
from .rates import Limiter, Rate

log = logging.getLogger(__name__)
PATH = "/agent/v1/link"
MAX_MESSAGE_BYTES = 4 * 2**20  # of an agent
SEND_SECONDS = 10.0  # an agent that takes nothing for so long is gone
CLOSE_SECONDS = 0.5  # for its answer to our farewell
GUESSES = Rate(per_second=1, burst=10)  # wrong tokens from one address
ALL_GUESSES = Rate(per_second=50, burst=500)
LINKS = Rate(
    per_second=1, burst=30
)  # opened with one token: an agent that is refused comes again after a pause
MAX_KEYS = 20_000
_BEARER = re.compile(r"[Bb]earer +([\x21-\x7e]{1,1024})")
_SIGN_OF_LIFE = b""
_MORE = {426: {"Upgrade": "websocket"}, 429: {"Retry-After": "60"}, 503: {"Retry-After": "5"}}  # headers


class Gate(Protocol):
    """Who lets agents in; see prober/hub/remotes.py."""

    def find(self, token: str) -> Access | None: ...
    def why_not(self, region: str) -> str: ...
    async def serve(self, link: Link, access: Access) -> None: ...


class About(msgspec.Struct, frozen=True):
    """What this is, for whoever looks."""

    what: str
    version: str
    wire: int
    oldest_wire: int


class Door:
    """Answers those who come. `clock` gives seconds that never go back; `started` is set once agents can be let in."""

    def __init__(
        self,
        gate: Gate,
        started: asyncio.Event | None = None,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate
        self._started = started
        self._behind_proxy = behind_proxy
        self._clock = clock
        self._guesses, self._all_guesses = Limiter(GUESSES, MAX_KEYS), Limiter(ALL_GUESSES, 1)
        self._links = Limiter(LINKS, MAX_KEYS)

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Open a link, and serve it to its end."""
        address = self._address(request)
        if self._started is not None and not self._started.is_set():
            raise ApiError(503, "the hub is starting", "try again in a moment")
        access = self._admit(request, address)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise ApiError(426, "a link is a WebSocket, and this asks for none", "prober agent opens one")
        if why_not := self._gate.why_not(access.region):
            raise ApiError(503, why_not, "try again later")
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            autoclose=True,
            autoping=False,
            compress=False,
            max_msg_size=MAX_MESSAGE_BYTES,
        )
        await socket.prepare(request)
        await self._gate.serve(_SocketLink(socket, request.transport, address), access)
        return socket

    async def about(self, _request: web.Request) -> web.StreamResponse:
        """Say in a line what this is."""
        what = (
            f"the agents' listener of a Prober hub: agents link at {PATH}, and nobody else has business here"
        )
        return json_response(About(what, __version__, wire.VERSION, wire.OLDEST))

    def _admit(self, request: web.Request, address: str) -> Access:
        match = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        access = self._gate.find(match.group(1)) if match is not None else None
        now = self._clock()
        if access is None:
            # The client first: one that guesses without end uses up nobody else's.
            if self._guesses.allows(address, now) and self._all_guesses.allows("", now):
                raise ApiError(
                    401, "the hub does not know this token", "is it one of the region's, under regions?"
                )
            raise ApiError(429, "too many wrong tokens", "wait a minute")
        if not self._links.allows((access.digest, address), now):
            raise ApiError(429, "too many links were opened in a short time", "wait a minute")
        return access

    def _address(self, request: web.Request) -> str:
        if self._behind_proxy:
            # The last one was added by the proxy itself; all before it are the client's to invent.
            forwarded = request.headers.getall("X-Forwarded-For", [])
            if forwarded:
                return forwarded[-1].rpartition(",")[2].strip()[:64]
        return request.remote or "unknown"


class _SocketLink:
    """A link over a WebSocket; see prober/hub/remote.py for what is promised."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, address: str
    ) -> None:
        self.address = address
        self._socket = socket
        self._transport = transport

    async def receive(self, within_seconds: float) -> bytes | None:
        try:
            message = await self._socket.receive(within_seconds)
        except TimeoutError:
            return None
        if message.type is WSMsgType.BINARY:
            data: bytes = message.data
            return data
        if message.type is WSMsgType.PING:
            return _SIGN_OF_LIFE if await self._pong(message.data) else None
        if message.type is WSMsgType.ERROR:
            log.warning("a link broke", extra={"address": self.address, "problem": str(message.data)[:200]})
        return _SIGN_OF_LIFE if message.type is WSMsgType.PONG else None

    async def send(self, message: bytes) -> bool:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.send_bytes(message)
        except (TimeoutError, OSError, ClientError, RuntimeError):  # RuntimeError: it is closing
            return False
        return True

    async def close(self, reason: str = "") -> None:
        try:
            await self._socket.close(code=1000, message=reason.encode()[:100])
        finally:
            if self._transport is not None:  # what it did not take until now it never will
                self._transport.abort()

    async def _pong(self, payload: bytes) -> bool:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.pong(payload)
        except (TimeoutError, OSError, ClientError, RuntimeError):
            return False
        return True


def agents_app(
    gate: Gate,
    started: asyncio.Event | None = None,
    behind_proxy: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> web.Application:
    """Return the application of the agents' listener."""
    door = Door(gate, started, behind_proxy, clock)
    app = web.Application(middlewares=[_say_errors], client_max_size=1)
    app.router.add_get(PATH, door.link)
    app.router.add_get("/agent/v1/", door.about)
    app.on_response_prepare.append(_headers)
    return app


@web.middleware
async def _say_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return json_response(error.problem, error.status, _MORE.get(error.status))
    except web.HTTPException as error:
        problem = ApiError(error.status, error.reason.lower(), f"agents link at {PATH}").problem
        return json_response(problem, error.status)
    except Exception as error:
        log.error("a request of an agent failed", extra={"problem": type(error).__name__})
        return json_response(ApiError(500, "an error of our own", "the daemon's log says more").problem, 500)


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "prober"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
