"""A response as it comes, whatever the version of HTTP, and the parser of HTTP/1.1 (httptools) that fills one.

Within limits on everything a target can make long. Nothing raises: what is wrong with the response is left in
`problem`. Reading from the network, other versions, and what the response should be, live elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .failures import Code, Stop
from .quote import quoted

MAX_HEAD = 64 * 1024  # bytes of the status line and headers, interim responses included
MAX_HEADERS = 1000  # trailers included
MAX_IDLE = 64 * 1024  # bytes within a body that bring no body: chunk extensions, trailers
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
_INTERIM, _SWITCHING, _FINAL = 100, 101, 200


class Response:
    """What has come of a response. Header names are in lower case."""

    __slots__ = ("_body", "_keep", "bodiless", "complete", "declared", "head_complete", "headers", "limit", "problem",
                 "size", "status", "trailers", "version")  # fmt: skip

    def __init__(self, *, body_limit: int, keep_body: bool, bodiless: bool = False) -> None:
        """`bodiless`: the answer to HEAD or CONNECT, which ends with its head whatever the head says."""
        self.status = 0
        self.version = ""  # as in the status line: 1.0, 1.1, 2, 3
        self.headers: list[tuple[bytes, bytes]] = []
        self.trailers: Sequence[
            tuple[bytes, bytes]
        ] = ()  # of HTTP/2 and HTTP/3; in 1.1 they join the headers
        self.size = 0  # bytes of body so far, without the framing
        self.declared: int | None = None  # Content-Length
        self.head_complete = False
        self.complete = False
        self.problem: Stop | None = None
        self.bodiless = bodiless
        self.limit = body_limit
        self._keep = keep_body
        self._body: bytes | bytearray = b""  # the first piece as it came: most have no other

    def first(self, name: bytes) -> bytes | None:
        """Return the first value of a header (name in lower case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def every(self, name: bytes) -> list[bytes]:
        """Return all values of a header (name in lower case)."""
        return [value for key, value in self.headers if key == name]

    def body(self) -> bytes:
        """Return the body as it came, content encoding and all; empty when it was not kept."""
        return bytes(self._body)

    def add(self, data: bytes) -> None:
        """Count and, if wanted, keep a piece of the body; nothing beyond the limit is kept."""
        self.size += len(data)
        if self._keep and self.size <= self.limit:
            if not self._body:
                self._body = data
                return
            # One buffer: a million pieces would take far more than they hold.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += data

    def refuse(self, code: Code, detail: str) -> None:
        """Note what is wrong; the first thing counts."""
        if self.problem is None:
            self.problem = Stop(code, detail)

    def check_head(self) -> None:
        """Refuse a head that is too long, or that announces too long a body."""
        if len(self.headers) > MAX_HEADERS:
            self.refuse(Code.HTTP_HEADER_LIMIT, f"the response has more than {MAX_HEADERS} headers")
        if not self.complete and self.declared is not None and self.declared > self.limit:
            self.refuse(Code.BODY_LIMIT, f"the body has {self.declared} bytes, the limit is {self.limit}")

    def check_size(self) -> None:
        """Refuse a body that has grown too long."""
        if self.size > self.limit:
            self.refuse(Code.BODY_LIMIT, f"the body is longer than the limit of {self.limit} bytes")

    def release(self) -> None:
        """Let go of what it took to read the response; what has been read stays."""


class Http1Response(Response):
    """A response of HTTP/1.1, or 1.0, parsed as it comes. Used once, since the parser cannot be set back."""

    __slots__ = ("_framed", "_idle", "_parser", "_seen")

    def __init__(self, *, body_limit: int, keep_body: bool, bodiless: bool = False) -> None:
        super().__init__(body_limit=body_limit, keep_body=keep_body, bodiless=bodiless)
        self._seen = 0  # bytes of the head so far
        self._idle = 0
        self._framed = False  # the response itself says where it ends
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # What browsers accept is no fault of the target: bare line feeds, a length beside chunks, padded chunk sizes.
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True,
            lenient_chunked_length=True,
            lenient_spaces_after_chunk_size=True,
        )

    def feed(self, data: bytes) -> None:
        """Take what came; sets `head_complete`, `complete` or `problem`."""
        if not self.head_complete:
            room = MAX_HEAD - self._seen
            self._seen += len(data)
            if self._parse(data[:room] if len(data) > room else data):
                self._check_head()
            elif self._seen > MAX_HEAD:
                self.refuse(
                    Code.HTTP_HEADER_LIMIT, f"the response head is longer than {MAX_HEAD // 1024} KiB"
                )
            if len(data) <= room or self.problem is not None:
                return
            data = data[room:]
        before = self.size
        self._parse(data)
        self._idle = 0 if self.size > before else self._idle + len(data)
        self._check_body()

    def end(self) -> None:
        """Take the end of the stream: it completes a body without a length, and cuts any other."""
        if self.complete:
            return
        if not self.head_complete:
            self.refuse(Code.HTTP_TRUNCATED, "the connection ended within the response head")
        elif not self._framed:
            self.complete = True
        elif self.declared is not None:
            self.refuse(
                Code.HTTP_TRUNCATED, f"the connection ended after {self.size} of {self.declared} body bytes"
            )
        else:
            self.refuse(
                Code.HTTP_TRUNCATED, f"the connection ended within a chunked body, after {self.size} bytes"
            )

    def release(self) -> None:
        """Let go of the parser: it and the response hold each other."""
        self._parser = None

    def _parse(self, data: bytes) -> bool:
        """Return whether the head is complete."""
        if self._parser is None:
            return self.head_complete
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            pass  # 101: the response ends here, what follows is another protocol
        except HttpParserError as error:
            if not self.complete:  # after the end, whatever comes is not read
                self._malformed(data, str(error))
        return self.head_complete

    def _malformed(self, data: bytes, reason: str) -> None:
        if not self.head_complete and self._seen == len(data) and data[:2] in _TLS_RECORDS:
            self.refuse(Code.HTTP_MALFORMED, "the target speaks TLS here, not plain HTTP")
        else:
            where = (
                "the body's framing makes no sense" if self.head_complete else "what came is no HTTP response"
            )
            self.refuse(Code.HTTP_MALFORMED, f"{where} ({reason.lower()}): {quoted(data)}")

    def _check_head(self) -> None:
        if len(self.headers) > MAX_HEADERS or (self.declared is not None and self.declared > self.limit):
            self.check_head()
        self._check_body()

    def _check_body(self) -> None:
        if self.size > self.limit:
            self.check_size()
        if not self.complete and (self._idle > MAX_IDLE or len(self.headers) > MAX_HEADERS):
            self.refuse(Code.HTTP_HEADER_LIMIT, "the body's framing is endless: chunk extensions or trailers")

    # What httptools calls.

    def on_message_begin(self) -> None:
        """Stop at a second response: it was not asked for."""
        if self.complete:
            raise ValueError("more than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header or a trailer."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Note the head, unless it is an interim one (1xx), which is forgotten."""
        if self._parser is None:
            return
        status = self._parser.get_status_code()
        if _INTERIM <= status < _FINAL and status != _SWITCHING:
            self.headers = []
            return
        self.status = status
        self.version = self._parser.get_http_version()
        self.head_complete = True
        self.complete = self.bodiless
        self._read_framing()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.complete:
            self.add(data)

    def on_message_complete(self) -> None:
        """Note the end, unless it is the end of an interim response."""
        if self.head_complete:
            self.complete = True

    def _read_framing(self) -> None:
        coding = b""
        for name, value in self.headers:
            if name == b"content-length" and value.isdigit():
                self.declared = int(value)
            elif name == b"transfer-encoding":
                coding = value.lower().rstrip()
        if coding:  # goes before a length; unless chunked comes last, the end of the stream ends the body
            self.declared = None
        self._framed = self.declared is not None or coding.endswith(b"chunked")
