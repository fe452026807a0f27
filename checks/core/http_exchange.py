"""One request of HTTP/1.1 and its answer on an open link, with exact phases: send, wait, transfer.

`wait` runs from the sent request to the first byte of an answer, `transfer` from there to the last byte read.
A deadline counts as one for the head until the head is complete, even if its bytes keep dripping in.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from .clock import monotonic_ns
from .failures import Code, Stop
from .http_request import Hop
from .http_response import Http1Response, Response
from .link import Link
from .tls import Handshake, TlsLayer
from .watch import Watch

AT_ONCE = 16 * 1024  # bytes that a fresh connection's buffer takes without a wait


class Line(Protocol):
    """What a reply is read from: it can be closed, and knows when the last data reached this machine."""

    received_ns: int
    tls: TlsLayer | None

    def close(self) -> None:
        """Close it; safe to call twice."""


class WantsHttp1(Stop):
    """The target gives this answer by HTTP/1.1 only; nothing of the request has been acted on."""


class Reply:
    """A response whose head is there and whose body is still to come. Close it on every way out.

    This base closes a line and knows its times; how a body is read is a version's own affair.
    """

    __slots__ = ("_link", "_watch", "response")

    def __init__(self, watch: Watch, link: Line, response: Response) -> None:
        self._watch = watch
        self._link = link
        self.response = response

    @property
    def tls(self) -> Handshake | None:
        """What the TLS handshake told, None in the clear."""
        return self._link.tls

    def send(self, hop: Hop) -> Awaitable[None]:
        """Send the request and read to the end of the head; the stage is then `transfer`. Raises `Stop`."""
        raise NotImplementedError

    def read_body(self) -> Awaitable[None]:
        """Read to the end of the response and end the stage `transfer`. Raises `Stop`."""
        raise NotImplementedError

    def skip_body(self) -> None:
        """End the stage `transfer` where it is: the body is of no interest."""
        self._watch.leave(self._link.received_ns)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self.response.release()
        self._link.close()


class Http1Reply(Reply):
    """A response of HTTP/1.1, read from a link of its own."""

    __slots__ = ()

    _link: Link
    response: Http1Response

    def send(self, hop: Hop) -> Awaitable[None]:
        """Send the request and read to the end of the head. Raises `Stop`."""
        return read_head(self._watch, self._link, hop.data, self.response)

    def read_body(self) -> Awaitable[None]:
        """Read to the end of the response. Raises `Stop`."""
        return read_body(self._watch, self._link, self.response)


async def read_head(watch: Watch, link: Link, request: bytes, response: Http1Response) -> None:
    """Send the request and read to the end of the response head; the stage is then `transfer`. Raises `Stop`.

    What is wrong with the body that has come along is raised by `read_body`, after the head could be judged.
    """
    watch.enter("send")
    await link.send(request)
    # What went out in one call was not waited for, so our own clock is exact.
    watch.leave(monotonic_ns() if len(request) <= AT_ONCE else None)
    watch.enter("wait")
    data = await link.receive()
    if not data:
        raise Stop(Code.CONNECTION_CLOSED, "the target closed the connection without an answer")
    watch.leave(link.received_ns)
    watch.enter("transfer", since_ns=link.received_ns, awaiting="wait")
    response.feed(data)
    while not response.head_complete:
        _raise_problem(watch, link, response)
        if data := await link.receive():
            response.feed(data)
        else:
            response.end()
    watch.arrived()


async def read_body(watch: Watch, link: Link, response: Http1Response) -> None:
    """Read to the end of the response and end the stage `transfer`. Raises `Stop`."""
    while not response.complete and response.problem is None:
        if data := await link.receive():
            response.feed(data)
        else:
            response.end()
    _raise_problem(watch, link, response)
    watch.leave(link.received_ns)


def _raise_problem(watch: Watch, link: Link, response: Response) -> None:
    # Timed to the last byte that came, not to the moment when we understood it.
    if response.problem is not None:
        watch.leave(link.received_ns)
        raise response.problem
