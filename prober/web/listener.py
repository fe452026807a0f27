"""A listening socket with an application behind it, within limits. Used by all listeners of the daemon.

Not here: what is answered. Every wait of a connection is bounded: for a request head and between requests by
`IDLE_SECONDS`, for the whole of an answer by the application.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from dataclasses import dataclass

from aiohttp import web

MAX_CONNECTIONS = 2_000  # of one listener at the same time; more are cut at once
MAX_HEAD_BYTES = 8_190  # of the request line and of each header field
IDLE_SECONDS = 20.0  # without a complete request head
LINGER_SECONDS = 1.0  # for the rest of a body that nobody read
CLOSE_SECONDS = 2.0  # that answers under way get at the end
BACKLOG = 256
HANDSHAKE_SECONDS = 10.0  # for TLS


def _without_bytes(record: logging.LogRecord) -> bool:
    """Leave out what could not be read of a request: its first line may hold a token."""
    if record.exc_info and record.exc_info[0] is not None:
        record.problem = record.exc_info[0].__name__
    record.exc_info = record.exc_text = None
    return True


_requests = logging.getLogger("prober.web.requests")
_requests.addFilter(_without_bytes)


class ListenError(OSError):
    """The address cannot be listened on; the text says which and what to do."""


@dataclass(slots=True)
class Listener:
    """An open listener. `host` as it was asked for, `port` as it was given by the system."""

    host: str
    port: int
    _server: asyncio.Server
    _runner: web.AppRunner
    is_encrypted: bool = False

    @property
    def url(self) -> str:
        """The address for a browser on this machine, with a slash at its end."""
        anywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
        host = anywhere.get(self.host, self.host)
        scheme = "https" if self.is_encrypted else "http"
        return f"{scheme}://[{host}]:{self.port}/" if ":" in host else f"{scheme}://{host}:{self.port}/"

    async def close(self, within_seconds: float = CLOSE_SECONDS) -> None:
        """Take no more connections, let answers finish, then cut what is left; safe to call twice."""
        self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds + 1):
                await self._runner.cleanup()


class _Refused(asyncio.Protocol):
    """Cuts a connection that is one too many, at no cost."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


async def serve(app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None) -> Listener:
    """Listen; port 0 takes a free one. Raises ListenError when the address cannot be had."""
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_requests,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        max_line_size=MAX_HEAD_BYTES,
        max_field_size=MAX_HEAD_BYTES,
        shutdown_timeout=CLOSE_SECONDS,
    )
    await runner.setup()
    handlers = runner.server
    assert handlers is not None  # made by setup

    def connection() -> asyncio.Protocol:
        return handlers() if len(handlers.connections) < MAX_CONNECTIONS else _Refused()

    try:
        server = await asyncio.get_running_loop().create_server(
            connection,
            host or None,
            port,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if tls is not None else None,
            ssl_shutdown_timeout=CLOSE_SECONDS if tls is not None else None,
        )
    except OSError as error:
        await runner.cleanup()
        reason = error.strerror or str(error)
        hint = "is another daemon running? choose another address in listen"
        raise ListenError(f"cannot listen on {host}:{port}: {reason.lower()} (hint: {hint})") from None
    return Listener(host, int(server.sockets[0].getsockname()[1]), server, runner, tls is not None)
