"""The `websocket` check: open a WebSocket, on demand hold a dialogue of messages, close politely."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from .core.addresses import AddressRule, Reach, visit
from .core.check import Check, Options
from .core.clock import monotonic_ns
from .core.dialogue_steps import MAX_STEPS
from .core.failures import Code, Stop, codes_of
from .core.http_expect import StatusField, status_range
from .core.http_fields import HeadersField
from .core.http_options import AuthOptions
from .core.http_request import plain_headers
from .core.http_response import Http1Response
from .core.link import Link
from .core.resolve import FamilyRule
from .core.schema import unusable
from .core.thresholds import ConnectionLimits
from .core.tls import TlsOptions, layer_for
from .core.values import Secret
from .core.watch import Watch
from .core.websocket_request import (
    SWITCHING,
    WebSocketUrlField,
    build_request,
    fresh_key,
    is_own_header,
    judge_upgrade,
    parse_websocket_url,
    shown_url,
)
from .core.websocket_steps import MessageStep, check_captures

if TYPE_CHECKING:
    from .core.websocket_talk import Act, MessageTalk

MAX_SUBPROTOCOLS = 20
MAX_SHOWN = 300  # characters of the URL
AT_ONCE = 16 * 1024  # bytes that a fresh connection's buffer takes without a wait
# A head to its blank line; the group says that it is an interim one, after which another follows.
_HEAD = re.compile(rb"[\r\n]*HTTP/1\.[0-9] +(1(?!01)[0-9]{2})?.*?\r?\n\r?\n", re.DOTALL)

Subprotocol = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]


class WebSocketExpect(ConnectionLimits):
    """What the answer to the handshake must be, and limits on the time and on the certificate's days."""

    status: StatusField = ("101",)
    """Statuses that are right: `101` opens the connection; with another one, `401` say, being refused is what is
    expected, and the run ends there."""
    subprotocol: Subprotocol | None = None
    """The subprotocol that the target must choose (default: any of those offered, or none)."""


class WebSocketOptions(Options):
    """A WebSocket that must open, and, if asked, say and hear the right messages."""

    url: WebSocketUrlField
    """`ws://` or `wss://` URL, without credentials (see `auth`)."""
    headers: HeadersField = Field(default={})
    """Headers of the handshake by name. Values of headers such as Authorization, Cookie and X-Api-Key are never
    shown."""
    subprotocols: Annotated[tuple[Subprotocol, ...], Field(max_length=MAX_SUBPROTOCOLS)] = ()
    """Subprotocols offered, the dearest first (default: none)."""
    auth: AuthOptions | None = None
    """Authentication (default: none)."""
    tls: TlsOptions = TlsOptions()
    """TLS, for `wss` URLs."""
    ip: FamilyRule = "any"
    """`ip4` or `ip6` only, `prefer_ip4` or `prefer_ip6` with the other as fallback, or `any`."""
    addresses: AddressRule = "first"
    """Of the addresses behind a name: the `first` one; `any`, tried one after the other until one connects; or
    `all` of them (at most 16), each looked at in full, where one that fails fails the run."""
    dialogue: Annotated[tuple[MessageStep, ...], Field(max_length=MAX_STEPS)] = ()
    """What to send and what to expect, message by message (default: nothing)."""
    expect: WebSocketExpect = WebSocketExpect()
    """What is expected of the handshake, and limits on the time."""

    def secret_parts(self) -> Iterator[str]:
        """Yield the values of the URL's query: keys and tokens often stand there."""
        yield from parse_websocket_url(self.url).secret_parts()

    @field_validator("headers")
    @classmethod
    def _free(cls, headers: dict[str, str | Secret]) -> dict[str, str | Secret]:
        for name in headers:
            if is_own_header(name):
                raise unusable(
                    f"the header {name} belongs to the handshake and cannot be set", "see subprotocols"
                )
        return headers

    @model_validator(mode="after")
    def _sensible(self) -> WebSocketOptions:
        if self.auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise unusable("auth and a header Authorization exclude each other")
        wanted = self.expect.subprotocol
        if wanted is not None and wanted not in self.subprotocols:
            raise unusable("the subprotocol expected is not among those offered", "add it to subprotocols")
        check_captures(self.dialogue)
        opens = any(SWITCHING in status_range(text) for text in self.expect.status)
        if not opens and (self.dialogue or wanted is not None):
            raise unusable(
                "without status 101 there is nothing to speak over", "leave out dialogue and subprotocol"
            )
        return self


class WebSocketCheck(Check[WebSocketOptions], kind="websocket"):
    """Opens a WebSocket; says and hears what the dialogue says; closes."""

    phases = ("resolve", "connect", "tls", "send", "wait", "dialogue")
    codes = codes_of("resolve", "connect", "tls", "connection", "websocket", "dialogue") | {
        Code.TIMEOUT_SEND,
        Code.TIMEOUT_HEADERS,
        Code.HTTP_MALFORMED,
        Code.HTTP_HEADER_LIMIT,
        Code.HTTP_TRUNCATED,
        Code.HTTP_STATUS,
    }
    schemes = ("ws", "wss")

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for a URL."""
        return {"url": url}

    def prepare(self) -> None:
        """Build the request and the acts once; each run adds a fresh key."""
        from .core.websocket_talk import MessageTalk, make_ready  # wsproto is loaded where it is used

        options = self.options
        self._url = parse_websocket_url(options.url)
        headers = plain_headers(options.headers)
        if options.auth is not None:
            headers.append(("Authorization", options.auth.authorization))
        self._reach = Reach(
            host=self._url.host, port=self._url.port, family=options.ip, addresses=options.addresses
        )
        self._request = build_request(self._url, headers, options.subprotocols)
        self._accepted = frozenset(status for text in options.expect.status for status in status_range(text))
        self._acts: tuple[Act, ...] = make_ready(options.dialogue)
        self._talk: type[MessageTalk] = MessageTalk

    @property
    def target(self) -> str:
        """The URL without the values of its query."""
        return shown_url(self._url)[:MAX_SHOWN]

    async def look(self, watch: Watch) -> None:
        """Connect, shake hands, talk, close; the link is closed on every way out."""
        await visit(watch, self._reach, self._speak)

    async def _speak(self, watch: Watch, link: Link) -> None:
        if self._url.secure and not await self._secure(watch, link):
            return
        key = fresh_key()
        response, early = await self._upgrade(watch, link, key)
        if not self._judge(watch, response, key):
            return
        if response.status == SWITCHING and not await self._hold(watch, link, early):
            return
        self.options.expect.judge_time(watch)

    async def _secure(self, watch: Watch, link: Link) -> bool:
        layer = layer_for(self.options.tls, self._url.host)
        await link.start_tls(layer)
        self.options.expect.judge_certificate(watch, layer.judge(watch))
        return not watch.failed

    async def _upgrade(self, watch: Watch, link: Link, key: bytes) -> tuple[Http1Response, bytes]:
        """Return the answer's head, and what came behind it."""
        watch.enter("send")
        request = self._request + key + b"\r\n\r\n"
        await link.send(request)
        watch.leave(monotonic_ns() if len(request) <= AT_ONCE else None)
        watch.enter("wait")
        response = Http1Response(body_limit=0, keep_body=False, bodiless=True)
        try:
            early = await read_head(link, response)
        finally:
            if response.head_complete or response.problem is not None:
                watch.leave(link.received_ns)  # timed to the last byte that came
            response.release()
        watch.facts["status"] = response.status
        return response, early

    def _judge(self, watch: Watch, response: Http1Response, key: bytes) -> bool:
        expect, status = self.options.expect, response.status
        code = Code.HTTP_STATUS if status == SWITCHING else Code.WEBSOCKET_REFUSED
        watch.expect("status", " or ".join(expect.status), str(status), status in self._accepted, code)
        if status != SWITCHING:
            return not watch.failed
        chosen = judge_upgrade(response, key, self.options.subprotocols)
        if chosen is not None:
            watch.facts["subprotocol"] = chosen
        if (wanted := expect.subprotocol) is not None:
            held = chosen == wanted
            watch.expect("subprotocol", wanted, chosen or "none", held, Code.WEBSOCKET_REFUSED)
        return not watch.failed

    async def _hold(self, watch: Watch, link: Link, early: bytes) -> bool:
        talk = self._talk(watch, link, early)
        try:
            if self._acts and not await talk.hold(self._acts):
                return False
        except Stop:
            await talk.close()
            raise
        await talk.close()
        return True


async def read_head(link: Link, response: Http1Response) -> bytes:
    """Read to the end of the head, interim answers passed over, and return what came behind it. Raises `Stop`."""
    data = b""
    while not response.head_complete and response.problem is None:
        more = await link.receive()
        if not more and not data:
            raise Stop(Code.CONNECTION_CLOSED, "the target closed the connection without an answer")
        response.feed(more) if more else response.end()
        data += more
    if response.problem is not None:
        raise response.problem
    return data[_end_of_head(data) :]


def _end_of_head(data: bytes) -> int:
    at = 0
    while (match := _HEAD.match(data, at)) is not None:
        at = match.end()
        if match[1] is None:
            break
    return at
