"""HTTP/2 for one request on a link of its own (RFC 9113): the framing is h2's, the connection and the limits are ours.

Used by checks that speak HTTP and by gRPC. What comes fills a `Response`; nothing of it is judged here. Loaded only by
those who meet HTTP/2.
"""

from __future__ import annotations

from collections.abc import Iterable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import DenialOfServiceError, H2Error, InvalidBodyLengthError
from h2.settings import SettingCodes, Settings

from .clock import monotonic_ns
from .failures import Code, Stop
from .http2_frames import Farewell, Sieve
from .http_exchange import AT_ONCE, Reply, WantsHttp1
from .http_framed import Fields, fill_head, request_fields
from .http_request import Hop
from .http_response import MAX_HEAD, MAX_IDLE, Response
from .link import Link
from .quote import quoted
from .watch import Watch

STREAM = 1  # the only one; the connection is closed after it
WINDOW_BYTES = 1024 * 1024  # what a target may send before we have taken it
ALPN = b"h2"
_DEFAULT_WINDOW = 65535
_SETTINGS = {
    SettingCodes.ENABLE_PUSH: 0,
    SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
    SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD,
    SettingCodes.MAX_CONCURRENT_STREAMS: 1,
}
_CONFIGURATION = H2Configuration(client_side=True, header_encoding=False, validate_outbound_headers=False)
_NOT_MODIFIED = 304


class Http2:
    """One request and its answer. `reset` and `farewell` keep what the target said when it cut either short."""

    __slots__ = ("_connection", "_deaf", "_head_ns", "_idle", "_link", "_secure", "_sieve", "_started", "_watch",
                 "farewell", "reset", "response")  # fmt: skip

    def __init__(self, watch: Watch, link: Link, response: Response) -> None:
        """`response` is filled as the answer comes; its limits hold."""
        self._watch = watch
        self._link = link
        self._secure = link.tls is not None
        self._connection = H2Connection(_CONFIGURATION)
        self._connection.local_settings = Settings(client=True, initial_values=_SETTINGS)
        self._sieve = Sieve()
        self._idle = 0  # bytes since something of the answer came
        self._started = False  # the target has said something
        self._deaf = False  # the target takes nothing any more
        self._head_ns = 0  # when the head came
        self.response = response
        self.reset: int | None = None  # the code of RST_STREAM
        self.farewell: Farewell | None = None  # GOAWAY

    async def send(self, headers: Fields, body: bytes | None = None) -> None:
        """Send a request, pseudo-headers first; the stage is `send`. Raises `Stop`.

        A body waits for the target's window; an answer that comes meanwhile ends the sending.
        """
        watch, connection = self._watch, self._connection
        connection.initiate_connection()
        connection.increment_flow_control_window(WINDOW_BYTES - _DEFAULT_WINDOW)
        connection.send_headers(STREAM, headers, end_stream=not body)
        watch.enter("send")  # putting the frames together is no time of the target's
        view = memoryview(body or b"")
        while len(view) and not self._is_over():
            view = self._offer(view)
            await self._flush()
            if len(view) and not self._is_over() and not connection.local_flow_control_window(STREAM):
                await self._take()
        await self._flush()
        watch.leave(monotonic_ns() if len(body or b"") <= AT_ONCE else None)

    async def read_head(self) -> None:
        """Read to the head of the answer; the stage is `wait`, then `transfer`. Raises `Stop`."""
        watch, response = self._watch, self.response
        watch.enter("wait")
        while not response.head_complete:
            self._raise_problem()
            await self._take()
        watch.leave(self._head_ns)
        watch.enter("transfer", since_ns=self._head_ns)

    async def read_body(self) -> None:
        """Read to the end of the answer, trailers included, and end the stage `transfer`. Raises `Stop`."""
        response = self.response
        while not response.complete and response.problem is None:
            await self._take()
        self._raise_problem()
        self._watch.leave(self._link.received_ns)

    def _is_over(self) -> bool:
        return self.response.head_complete or self.response.problem is not None or self._deaf

    def _offer(self, view: memoryview) -> memoryview:
        """Hand over as much of the body as the target's windows allow; return the rest."""
        connection = self._connection
        while len(view) and (room := connection.local_flow_control_window(STREAM)) > 0:
            size = min(room, connection.max_outbound_frame_size, len(view))
            connection.send_data(STREAM, bytes(view[:size]), end_stream=size == len(view))
            view = view[size:]
        return view

    async def _flush(self) -> None:
        data = self._connection.data_to_send()
        if not data or self._deaf:
            return
        try:
            await self._link.send(data)
        except Stop as stop:
            if not self._started or stop.code is not Code.CONNECTION_RESET:
                raise
            self._deaf = True  # it has gone, but what it said before is still to be read

    async def _take(self) -> None:
        """Receive once, note what it means, and answer what has to be answered."""
        data = await self._link.receive()
        response = self.response
        if not data:
            self._end()
            return
        if not self._started and data.startswith(b"HTTP/"):
            code, how = (Code.HTTP_PROTOCOL, " it agreed to") if self._secure else (Code.HTTP_VERSION, "")
            response.refuse(code, f"the target does not speak the HTTP/2{how}: {quoted(data)}")
            return
        self._started = True
        size, had_head = response.size, response.head_complete
        self._parse(data)
        if response.size > size or response.head_complete != had_head:
            self._idle = 0
        else:
            self._idle += len(data)
        self._check()
        if not response.complete:
            await self._flush()

    def _parse(self, data: bytes) -> None:
        passed, farewells = self._sieve.take(data)
        try:
            for event in self._connection.receive_data(passed) if passed else ():
                self._note(event)
        except InvalidBodyLengthError as error:
            self._note_length(error)
        except DenialOfServiceError:
            text = f"the response head is longer than {MAX_HEAD // 1024} KiB, or made to be costly"
            self.response.refuse(Code.HTTP_HEADER_LIMIT, text)
        except H2Error as error:
            self._refuse(f"what came breaks the rules of HTTP/2: {_words(error)}")
        for farewell in farewells:
            self._part(farewell)
        if self._sieve.alien is not None and not self.response.complete:
            self._refuse(f"what came is no frame of HTTP/2: {quoted(self._sieve.alien)}")

    def _note(self, event: Event) -> None:
        response = self.response
        if isinstance(event, DataReceived):
            response.add(event.data)
            if not event.stream_ended:
                self._connection.acknowledge_received_data(event.flow_controlled_length, STREAM)
        elif isinstance(event, ResponseReceived):
            self._note_head(event.headers)
        elif isinstance(event, TrailersReceived):
            response.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
        elif isinstance(event, StreamEnded):
            response.complete = response.head_complete
        elif isinstance(event, StreamReset):
            self._note_reset(event)

    def _note_head(self, headers: Iterable[tuple[bytes | str, bytes | str]]) -> None:
        response = self.response
        fill_head(response, [(_bytes(name), _bytes(value)) for name, value in headers], "2")
        self._head_ns = self._link.received_ns

    def _note_reset(self, event: StreamReset) -> None:
        if not event.remote_reset or self.response.complete:
            return
        self.reset = int(event.error_code)
        name = error_name(self.reset)
        if self.reset == ErrorCodes.HTTP_1_1_REQUIRED:
            self._leave_to_1_1("RST_STREAM")
        else:
            self._refuse(f"the target cut the request short: RST_STREAM {name}{self._so_far()}")

    def _part(self, farewell: Farewell) -> None:
        """Note a GOAWAY: with no error, the target still answers what it names as taken."""
        self.farewell = farewell
        if self.response.complete or (farewell.code == ErrorCodes.NO_ERROR and farewell.last >= STREAM):
            return
        if farewell.code == ErrorCodes.HTTP_1_1_REQUIRED:
            return self._leave_to_1_1("GOAWAY")
        why = f", {quoted(farewell.words)}" if farewell.words else ""
        text = f"the target ended the connection: GOAWAY {error_name(farewell.code)}{why}{self._so_far()}"
        self._refuse(text)

    def _leave_to_1_1(self, frame: str) -> None:
        if self.response.problem is None:
            words = f"the target wants HTTP/1.1 for this request ({frame}{self._so_far()})"
            made = Stop if self.response.head_complete else WantsHttp1
            self.response.problem = made(Code.HTTP_VERSION, words)

    def _note_length(self, error: InvalidBodyLengthError) -> None:
        response = self.response
        if response.status == _NOT_MODIFIED and not error.actual_length:
            response.complete = True  # its length is that of the body it does not send
        elif error.actual_length < error.expected_length:
            text = f"the response ended after {error.actual_length} of {error.expected_length} body bytes"
            response.refuse(Code.HTTP_TRUNCATED, text)
        else:
            text = f"the body is longer than the {error.expected_length} bytes announced"
            response.refuse(Code.HTTP_MALFORMED, text)

    def _end(self) -> None:
        """Note that the target has closed the connection."""
        if self.response.complete or self.response.problem is not None:
            return
        if self.response.head_complete:
            text = f"the connection ended within the response body, after {self.response.size} bytes"
            self.response.refuse(Code.HTTP_TRUNCATED, text)
        else:
            self.response.refuse(Code.CONNECTION_CLOSED, "the target closed the connection without an answer")

    def _check(self) -> None:
        self.response.check_size()
        limit = MAX_IDLE if self.response.head_complete else MAX_HEAD + MAX_IDLE
        if not self.response.complete and self._idle > limit:
            self._refuse(f"{self._idle // 1024} KiB of frames came that bring no answer any further")

    def _refuse(self, text: str) -> None:
        self.response.refuse(Code.HTTP_PROTOCOL, text)

    def _so_far(self) -> str:
        return f" after {self.response.size} body bytes" if self.response.head_complete else ""

    def _raise_problem(self) -> None:
        if self.response.problem is not None:
            self._watch.leave(self._link.received_ns or None)
            raise self.response.problem


class Http2Reply(Reply):
    """A response of HTTP/2, read from a link of its own."""

    __slots__ = ("http2",)

    def __init__(self, watch: Watch, link: Link, response: Response) -> None:
        super().__init__(watch, link, response)
        self.http2 = Http2(watch, link, response)

    async def send(self, hop: Hop) -> None:
        """Send the request and read to the end of the head. Raises `Stop`."""
        await self.http2.send(request_fields(hop), hop.message.body)
        await self.http2.read_head()

    async def read_body(self) -> None:
        """Read to the end of the response. Raises `Stop`."""
        await self.http2.read_body()


def error_name(code: int) -> str:
    """Return the name of an error code of RST_STREAM or GOAWAY, or its number."""
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error {code:#x}"


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def _words(error: Exception) -> str:
    return quoted(str(error) or type(error).__name__)
