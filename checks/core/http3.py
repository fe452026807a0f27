"""HTTP/3 for one request on a QUIC connection of its own: the protocol is aioquic's, the limits are ours.

The phase `connect` is the QUIC handshake, TLS included. Loaded only by those who ask for HTTP/3, which needs the extra
`http3`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from aioquic.h3.connection import H3Connection, H3Stream
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamDataReceived, StreamReset
from pylsqpack import Decoder

from .certificates import CertificateFacts
from .clock import monotonic_ns
from .failures import Code, Stop
from .http_exchange import Reply
from .http_framed import Fields, fill_head, request_fields
from .http_request import Hop
from .http_response import MAX_HEAD, MAX_IDLE, Response
from .http_url import HttpUrl
from .link import Address, refusal
from .quic import MAX_UNHEARD, QuicLine, judge_certificates, quic_configuration
from .quote import quoted
from .tls import TlsOptions
from .watch import Watch

_JudgeCertificate = Callable[[Watch, CertificateFacts | None], None]


class _H3(H3Connection):
    """Without a table that a target could fill with headers to name a thousand times over, and without pushes."""

    def _init_connection(self) -> None:
        self._max_table_capacity = self._blocked_streams = 0
        self._max_push_id = None
        self._decoder = Decoder(0, 0)
        super()._init_connection()

    def _check_content_length(self, stream: H3Stream) -> None:
        """Leave it to us: the answer to HEAD announces a length and has none."""


class Http3Reply(Reply):
    """A response of HTTP/3."""

    __slots__ = ("_head_ns", "_idle", "_stream", "_unheard", "h3")

    _link: QuicLine

    def __init__(self, watch: Watch, line: QuicLine, response: Response) -> None:
        super().__init__(watch, line, response)
        self._stream = 0
        self._head_ns = 0
        self._idle = 0  # bytes of the stream that brought nothing of the answer
        self._unheard = 0  # the same, of datagrams
        self.h3: _H3 | None = None

    @property
    def tls(self) -> QuicLine:
        """What the handshake told: QUIC has TLS of its own."""
        return self._link

    async def send(self, hop: Hop) -> None:
        """Send the request and read to the end of the head. Raises `Stop`.

        The stage `send` ends when QUIC has the request: of a long body some may have to wait for the target.
        """
        watch, quic, body = self._watch, self._link.quic, hop.message.body
        self.h3 = _H3(quic)
        self._stream = quic.get_next_available_stream_id()
        self.h3.send_headers(self._stream, request_fields(hop), end_stream=not body)
        if body:
            self.h3.send_data(self._stream, body, end_stream=True)
        watch.enter("send")
        self._link.flush(_lost)
        watch.leave(monotonic_ns())
        watch.enter("wait")
        while not self.response.head_complete:
            await self._take()
            self._raise_problem()
        watch.leave(self._head_ns)
        watch.enter("transfer", since_ns=self._head_ns)

    async def read_body(self) -> None:
        """Read to the end of the response. Raises `Stop`."""
        while not self.response.complete and self.response.problem is None:
            await self._take()
        self._raise_problem()
        self._watch.leave(self._link.received_ns)

    def _raise_problem(self) -> None:
        if self.response.problem is not None:
            self._watch.leave(self._link.received_ns)
            raise self.response.problem

    async def _take(self) -> None:
        response, quic = self.response, self._link.quic
        size, had_head = response.size, response.head_complete
        weight = await self._link.turn(_lost)
        while (event := quic.next_event()) is not None:
            self._note_transport(event)
        if quic.ours is not None and not response.complete:
            code, why = quic.ours
            self._refuse(f"what came breaks the rules of HTTP/3 ({code:#x}): {quoted(why)}")
        if response.size > size or response.head_complete != had_head:
            self._idle = self._unheard = 0
        else:
            self._unheard += weight
        response.check_size()
        self._check_idle()

    def _check_idle(self) -> None:
        if self.response.complete:
            return
        if not self.response.head_complete and self._idle > MAX_HEAD + MAX_IDLE:
            self.response.refuse(
                Code.HTTP_HEADER_LIMIT, f"the response head is longer than {MAX_HEAD // 1024} KiB"
            )
        elif self._idle > MAX_HEAD + MAX_IDLE or self._unheard > MAX_UNHEARD:
            self._refuse("frames come without an end that bring no answer any further")

    def _note_transport(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived):
            self._idle += len(event.data)
        elif isinstance(event, StreamReset) and event.stream_id == self._stream:
            if not self.response.complete:
                self._refuse(
                    f"the target cut the request short: reset with {event.error_code:#x}{self._so_far()}"
                )
        elif isinstance(event, ConnectionTerminated) and not self.response.complete:
            self._note_end(event)
        if self.h3 is not None:
            for each in self.h3.handle_event(event):
                self._note(each)
        if isinstance(event, StreamDataReceived) and event.stream_id == self._stream and event.end_stream:
            self._note_last()

    def _note_last(self) -> None:
        if not self.response.complete and self._link.quic.ours is None:
            self._refuse(f"the target ended the stream without a whole answer{self._so_far()}")

    def _note_end(self, event: ConnectionTerminated) -> None:
        if self._link.quic.ours is not None:
            return
        why = f", {quoted(event.reason_phrase)}" if event.reason_phrase else ""
        text = f"the target ended the connection: {event.error_code:#x}{why}{self._so_far()}"
        self.response.refuse(
            Code.HTTP_TRUNCATED if self.response.head_complete else Code.CONNECTION_CLOSED, text
        )

    def _note(self, event: H3Event) -> None:
        response = self.response
        if isinstance(event, HeadersReceived) and event.push_id is None:
            if response.head_complete:
                response.trailers = event.headers
            elif not dict(event.headers).get(b":status", b"").startswith(b"1"):
                self._note_head(event.headers)
        elif isinstance(event, DataReceived) and event.push_id is None:
            response.add(event.data or b"")
        else:
            return
        if event.stream_ended and response.head_complete:
            self._note_length()

    def _note_head(self, fields: Fields) -> None:
        self._head_ns = self._link.received_ns
        fill_head(self.response, fields, "3")

    def _note_length(self) -> None:
        response = self.response
        declared = None if response.bodiless or response.status == 304 else response.declared
        if declared is None or declared == response.size:
            response.complete = True
        elif response.size < declared:
            text = f"the response ended after {response.size} of {declared} body bytes"
            response.refuse(Code.HTTP_TRUNCATED, text)
        else:
            response.refuse(Code.HTTP_MALFORMED, f"the body is longer than the {declared} bytes announced")

    def _refuse(self, text: str) -> None:
        self.response.refuse(Code.HTTP_PROTOCOL, text)

    def _so_far(self) -> str:
        return f" after {self.response.size} body bytes" if self.response.head_complete else ""


async def open_reply(
    watch: Watch,
    address: Address,
    url: HttpUrl,
    options: TlsOptions,
    response: Response,
    judge: _JudgeCertificate | None,
) -> Http3Reply | None:
    """Connect and judge the certificate; None says that it is not to be trusted with a request. Raises `Stop`."""
    host = options.server_name or url.host
    line = QuicLine(watch, address, quic_configuration(options, host))
    try:
        await line.handshake()
        leaf = judge_certificates(watch, line, options, host)
        if judge is not None:
            judge(watch, leaf)
    except BaseException:
        line.close()
        raise
    if watch.failed:
        line.close()
        return None
    return Http3Reply(watch, line, response)


def _lost(problem: int, address: Address) -> Stop:
    if problem in (errno.ECONNREFUSED, errno.ECONNRESET):
        return Stop(Code.CONNECTION_RESET, f"{address}: nobody is there any more")
    return refusal(problem, address)
