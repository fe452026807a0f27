"""Asks a running daemon over its internal listener. Here: the connection and what can go wrong with it.

The standard library's plain client on purpose: one connection for all questions, and no proxy of the
environment between a terminal and its own machine.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from checks.core.quote import printable

from .command import DAEMON_URL, CannotGoOn

TIMEOUT_SECONDS = 5.0  # without a byte from the daemon
MAX_ANSWER_BYTES = 64 * 2**20
MAX_SAID = 400  # characters of what a daemon says against a request
_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}
_HINT = "start one with `prober run`, or name its internal listener with --url"
T = TypeVar("T")


class _Problem(msgspec.Struct, frozen=True):
    error: str
    hint: str


class Client:
    """One daemon; a context manager, since it holds a connection. Every way to fail is a CannotGoOn."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _CONNECTIONS or not parts.hostname or "@" in parts.netloc:
            raise CannotGoOn("--url is not a URL of a daemon", f"such as {DAEMON_URL}")
        self.shown = f"{parts.scheme}://{parts.netloc}"
        self._base = parts.path.rstrip("/")
        self._connection = _CONNECTIONS[parts.scheme](parts.hostname, port, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str, answer: type[T], **query: str) -> T:
        """Return the answer to `/api/v1/<path>`."""
        return self._decoded(self._asked(self._again, path, query), answer)

    def post(self, path: str, answer: type[T], **query: str) -> T:
        """Return the answer to a request that changes something; what the daemon says against it is told."""
        return self._decoded(self._asked(self._post, path, query), answer)

    def _decoded(self, data: bytes, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=answer)
        except (msgspec.DecodeError, RecursionError):
            raise self._not_ours() from None

    def _asked(self, ask: Callable[[str], bytes], path: str, query: Mapping[str, str]) -> bytes:
        found = "&".join(f"{name}={quote(value, safe=':@')}" for name, value in query.items())
        try:
            return ask(f"{self._base}/api/v1/{path}" + (f"?{found}" if found else ""))
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise CannotGoOn(f"no daemon answers at {self.shown}: {_reason(error)}", _HINT) from None

    def _again(self, target: str) -> bytes:
        try:
            return self._get(target)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()  # the daemon closed the idle connection, or was started anew
            return self._get(target)

    def _get(self, target: str) -> bytes:
        status, data = self._once("GET", target)
        if status == 404:
            self._connection.close()
            raise self._not_ours()
        if status != 200:
            raise CannotGoOn(f"the daemon at {self.shown} answers {status}", "its log says more")
        return data

    def _post(self, target: str) -> bytes:
        status, data = self._once("POST", target)
        if status == 200:
            return data
        try:
            problem = msgspec.json.decode(data, type=_Problem)
        except (msgspec.DecodeError, RecursionError):
            raise self._not_ours() from None
        raise CannotGoOn(printable(problem.error, MAX_SAID), printable(problem.hint, MAX_SAID))

    def _once(self, method: str, target: str) -> tuple[int, bytes]:
        self._connection.request(method, target, headers={"Accept": "application/json"})
        response = self._connection.getresponse()
        data = response.read(MAX_ANSWER_BYTES + 1)
        if len(data) > MAX_ANSWER_BYTES:
            self._connection.close()
            raise self._not_ours()
        return response.status, data

    def _not_ours(self) -> CannotGoOn:
        return CannotGoOn(f"what answers at {self.shown} is not the internal listener of a daemon", _HINT)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing for {TIMEOUT_SECONDS:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (
        "what answers does not speak HTTP" if isinstance(error, http.client.HTTPException) else "unreachable"
    )
