"""One unary gRPC call on an open link, and what its answer says: a message, or a status that is none of OK.

HTTP/2 is `http2.py`'s, the message `grpc_message.py`'s. Whether a state is the right one is judged by the check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from .clock import monotonic_ns
from .failures import Code, Stop
from .grpc_message import (
    MAX_MESSAGE_BYTES,
    OK,
    PREFIX_BYTES,
    Malformed,
    decode_answer,
    read_status,
    read_words,
    status_name,
    status_of_http,
    status_of_reset,
    timeout_text,
)
from .http2 import Http2
from .http_request import USER_AGENT
from .http_response import Response
from .link import Link
from .quote import printable, quoted
from .watch import Watch

PATH = b"/grpc.health.v1.Health/Check"
MAX_WORDS = 200  # characters kept of grpc-message
_CONTENT_TYPE = b"application/grpc"
_FINE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is sent, whatever the run."""

    authority: str
    request: bytes
    metadata: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)

    def fields(self, watch: Watch, secure: bool) -> list[tuple[bytes, bytes]]:
        """Return the headers of a run's request, with the time that is left to it."""
        left_us = (watch.deadline_ns - monotonic_ns()) // 1000
        return [
            (b":method", b"POST"),
            (b":scheme", b"https" if secure else b"http"),
            (b":authority", self.authority.encode("ascii")),
            (b":path", PATH),
            (b"te", b"trailers"),
            (b"grpc-timeout", timeout_text(left_us).encode("ascii")),
            (b"content-type", _CONTENT_TYPE),
            (b"user-agent", USER_AGENT.encode("ascii")),
            *self.metadata,
        ]


async def call_health(watch: Watch, link: Link, call: Call) -> int | None:
    """Make the call and return the state in the answer, or None after a status other than OK. Raises `Stop`."""
    response = Response(body_limit=MAX_MESSAGE_BYTES + PREFIX_BYTES, keep_body=True)
    http2 = Http2(watch, link, response)
    try:
        await http2.send(call.fields(watch, link.tls is not None), call.request)
        await http2.read_head()
        _judge_head(watch, response)
        await http2.read_body()
    except Stop as stop:
        if http2.reset is not None:
            watch.facts["grpc_status"] = status_of_reset(http2.reset)
        if stop.code is Code.BODY_LIMIT:
            raise _malformed(f"the answer is longer than {MAX_MESSAGE_BYTES} bytes") from None
        raise
    try:
        return _read(watch, response)
    except Malformed as error:
        raise _malformed(str(error)) from None


def _judge_head(watch: Watch, response: Response) -> None:
    if response.status != _FINE:
        number = status_of_http(response.status)
        watch.facts["grpc_status"] = number
        raise Stop(
            Code.GRPC_STATUS,
            f"HTTP status {response.status}, which stands for {number} {status_name(number)}",
        )
    content_type = response.first(b"content-type") or b""
    start, rest = content_type[: len(_CONTENT_TYPE)], content_type[len(_CONTENT_TYPE) :]
    if start.lower() != _CONTENT_TYPE or rest[:1] not in (b"", b"+", b";"):
        raise _malformed(f"Content-Type is {quoted(content_type)}, not application/grpc")


def _read(watch: Watch, response: Response) -> int | None:
    """Return the state; raises `Malformed`."""
    # An answer without a message may bring what belongs into the trailers in its head.
    ending = dict(chain(response.headers if not response.trailers else (), response.trailers))
    if b"grpc-status" not in ending:
        raise Malformed("the answer ended without a grpc-status")
    number = read_status(ending[b"grpc-status"])
    watch.facts["grpc_status"] = number
    if number == OK:
        return decode_answer(response.body())
    words = printable(read_words(ending.get(b"grpc-message", b"")), MAX_WORDS)
    if words:
        watch.facts["grpc_message"] = words
    watch.fail(Code.GRPC_STATUS, f"{number} {status_name(number)}" + (f": {words}" if words else ""))
    return None


def _malformed(detail: str) -> Stop:
    return Stop(Code.GRPC_MALFORMED, detail)
