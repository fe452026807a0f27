"""The agent's end of the link: a WebSocket to the hub, whose binary messages are those of the wire.

Like `Carrier`, it only sees bytes. Every wait has a deadline, and a hub that says nothing is asked whether it lives.
How the connection comes about is in `dial.py`, what the messages mean in `uplink.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from prober import __version__
from prober.wire import MAX_MESSAGE

from .dial import HubAddress, LinkError, Streams, abort, dial

HANDSHAKE_SECONDS = 10.0  # for the hub's answer to the upgrade
PING_SECONDS = 5.0  # of silence, then it is asked
SILENT_PINGS = 3  # so many times without a word, and the hub is taken for gone
SEND_SECONDS = 15.0  # a hub that takes nothing for so long is gone
CLOSE_SECONDS = 1.0
READ_BYTES = 2**16  # taken from the stream at once
MAX_REFUSAL = 8192  # bytes of a refusal's body that are read
MAX_WORDS = 300  # characters of the hub's words that are shown
_HINTS = {
    401: "is the token one of the region's in the hub's configuration?",
    404: "--hub is the address of the hub's agents' listener",
}
_LASTING = frozenset({400, 401, 403, 404, 426})  # a person has to act; everything else may pass


class _Body(msgspec.Struct):
    error: str = ""
    hint: str = ""


class Link:
    """One open link. `ended` says in words why it is over, once it is."""

    def __init__(self, streams: Streams, socket: WSConnection, silence_seconds: float = PING_SECONDS) -> None:
        self._reader, self._writer = streams
        self._socket = socket
        self._silence_seconds = silence_seconds
        self._parts: list[bytes] = []
        self._length = 0
        self._messages: deque[bytes] = deque()
        self.ended = ""
        self._take(None)  # what came in one piece with the answer to the upgrade

    async def receive(self) -> bytes | None:
        """Return the next message, None when the link is over. Pings a silent hub, and gives up on a dead one."""
        silent = 0
        while not self._messages and not self.ended:
            try:
                async with asyncio.timeout(self._silence_seconds):
                    data = await self._reader.read(READ_BYTES)
            except TimeoutError:
                silent += 1
                self._ask(silent)
                continue
            except OSError:
                data = b""
            silent = 0
            self._take(data)  # nothing: the hub has closed the connection
        return self._messages.popleft() if self._messages else None

    async def send(self, message: bytes) -> bool:
        """Send a message; False when the hub is gone or takes nothing."""
        if self.ended:
            return False
        try:
            self._write(BytesMessage(data=message))
            async with asyncio.timeout(SEND_SECONDS):
                await self._writer.drain()
        except (OSError, TimeoutError, ProtocolError) as error:
            self._end("it takes nothing" if isinstance(error, TimeoutError) else "the connection broke")
            return False
        return True

    async def close(self) -> None:
        """Take leave, within a second; safe to call twice."""
        if not self.ended:
            self._end("closed by us")
            with contextlib.suppress(ProtocolError):
                self._write(CloseConnection(code=1000))
        try:
            self._writer.close()
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass
        finally:
            abort(self._writer)

    def _ask(self, silent: int) -> None:
        if silent >= SILENT_PINGS:
            self._end(f"no word from the hub for {silent * self._silence_seconds:.0f} s")
        else:
            self._write(Ping())

    def _take(self, data: bytes | None) -> None:
        try:
            if data is not None:
                self._socket.receive_data(data or None)
            for event in self._socket.events():
                _TAKERS.get(type(event), _pass)(self, event)
        except ProtocolError as error:
            self._end(f"the hub broke the protocol: {error}"[:MAX_WORDS])

    def _write(self, event: Event) -> None:
        if not self._writer.is_closing():
            self._writer.write(self._socket.send(event))

    def _end(self, why: str) -> None:
        self.ended = self.ended or why

    def _on_bytes(self, event: Any) -> None:  # Any: the table below gives each its own event
        self._length += len(event.data)
        if self._length > MAX_MESSAGE:
            self._end(f"a message over {MAX_MESSAGE} bytes")
            return
        self._parts.append(bytes(event.data))
        if event.message_finished:
            self._messages.append(b"".join(self._parts))
            self._parts, self._length = [], 0

    def _on_text(self, event: Any) -> None:
        self._end("the hub sent text, which no hub does")

    def _on_ping(self, event: Any) -> None:
        self._write(event.response())

    def _on_close(self, event: Any) -> None:
        self._end(_close_words(event))
        with contextlib.suppress(ProtocolError):  # the connection is gone without a word
            self._write(event.response())


def _pass(link: Link, event: Any) -> None:
    """Pongs say that the hub lives, which any byte does."""


_TAKERS: dict[type[Event], Callable[[Link, Any], None]] = {
    BytesMessage: Link._on_bytes,
    TextMessage: Link._on_text,
    Ping: Link._on_ping,
    CloseConnection: Link._on_close,
}


def _close_words(event: CloseConnection) -> str:
    if event.code == 1006:
        return "the hub closed the connection"
    reason = f": {event.reason[:MAX_WORDS]}" if event.reason else ""
    return f"the link was closed ({int(event.code)}{reason})"


async def open_link(hub: HubAddress, silence_seconds: float = PING_SECONDS) -> Link:
    """Connect to the hub and open a link. Raises LinkError with words for every way in which there is none."""
    streams = await dial(hub)
    try:
        socket = await _upgrade(streams, hub)
    except BaseException:
        abort(streams[1])
        raise
    return Link(streams, socket, silence_seconds)


async def _upgrade(streams: Streams, hub: HubAddress) -> WSConnection:
    socket = WSConnection(ConnectionType.CLIENT)
    headers = [
        (b"Authorization", b"Bearer " + hub.token.encode()),
        (b"User-Agent", f"prober-agent/{__version__}".encode()),
    ]
    request = Request(host=hub.url.authority, target=hub.url.target, extra_headers=headers)
    streams[1].write(socket.send(request))
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await _answer(streams[0], socket, hub)
    except TimeoutError:
        raise LinkError(f"the hub at {hub.shown()} did not answer in {HANDSHAKE_SECONDS:.0f} s") from None
    return socket


async def _answer(reader: asyncio.StreamReader, socket: WSConnection, hub: HubAddress) -> None:
    """Read until the upgrade is granted; a refusal becomes a LinkError with the hub's own words."""
    status, body = 0, b""
    while True:
        try:
            data = await reader.read(READ_BYTES)
            socket.receive_data(data or None)
        except (OSError, ProtocolError):
            raise _stranger(hub) from None
        for event in socket.events():
            if isinstance(event, AcceptConnection):
                return
            if isinstance(event, RejectConnection):
                status = event.status_code
            if isinstance(event, RejectData):
                body += event.data
            if status and (getattr(event, "body_finished", False) or len(body) > MAX_REFUSAL):
                raise _refused(status, body, hub)
        if not data:
            raise _refused(status, body, hub) if status else _stranger(hub)


def _stranger(hub: HubAddress) -> LinkError:
    hint = "--hub is the agents' listener; is it https:// or http:// there?"
    return LinkError(f"what answers at {hub.shown()} is no hub", hint)


def _refused(status: int, body: bytes, hub: HubAddress) -> LinkError:
    try:
        said = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = _Body()
    usual = {401: "the hub does not know this token", 404: f"there is no hub at {hub.shown()}"}
    problem = said.error[:MAX_WORDS] or usual.get(status) or f"the hub answered {status}"
    # Whatever says that there is nothing at our path knows no agents: its hint is about something else.
    hint = _HINTS[404] if status == 404 else said.hint[:MAX_WORDS] or _HINTS.get(status, "")
    return LinkError(problem, hint, lasting=status in _LASTING)
