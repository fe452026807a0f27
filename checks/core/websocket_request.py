"""The opening handshake of a WebSocket (RFC 6455, section 4): the URL, the request's bytes, and the answer's verdict.

The request is built once per probe; each run adds a key of its own. Compression and other extensions are not offered.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer, SerializationInfo

from .failures import Code, Stop
from .http_request import USER_AGENT, header_bytes
from .http_response import Response
from .http_url import HttpUrl, parse_url
from .quote import quoted
from .schema import unusable
from .values import SecretView

SWITCHING = 101
_SCHEMES = {"ws": "http", "wss": "https"}
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16
_OWN = ("upgrade", "connection", "sec-websocket-")
_MAX_NAMED = 100  # characters of a header's value in a detail


def parse_websocket_url(text: str) -> HttpUrl:
    """Read a `ws://` or `wss://` URL, as the http or https one that its handshake is. Raises ValueError."""
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in _SCHEMES:
        raise ValueError("a url starts with ws:// or wss://")
    return parse_url(f"{_SCHEMES[scheme.lower()]}://{rest}")


def shown_url(url: HttpUrl) -> str:
    """Return the URL for people, the values of its query left out."""
    return url.shown().replace("http", "ws", 1)


def _url(text: str) -> str:
    try:
        parse_websocket_url(text)
    except ValueError as error:
        raise unusable(str(error)) from None
    return text


def _show_url(text: str, info: SerializationInfo) -> str:
    if info.context in (SecretView.REVEAL, SecretView.DIGEST):
        return text
    return shown_url(parse_websocket_url(text))


WebSocketUrlField = Annotated[
    str,
    AfterValidator(_url),
    Field(repr=False),
    PlainSerializer(_show_url, return_type=str, when_used="json"),
]
"""A URL whose query values are shown to nobody: a token may be among them."""


def is_own_header(name: str) -> bool:
    """Say whether a header belongs to the handshake itself and cannot be set."""
    return name.lower().startswith(_OWN)


def build_request(url: HttpUrl, headers: Sequence[tuple[str, str]], subprotocols: Sequence[str]) -> bytes:
    """Return the request up to the value of its last header, the key."""
    usual = [("Host", url.authority), ("User-Agent", USER_AGENT)]
    given = {name.lower() for name, _ in headers}
    every = [each for each in usual if each[0].lower() not in given] + list(headers)
    every += [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
    if subprotocols:
        every.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    lines = [f"GET {url.target} HTTP/1.1", *(f"{name}: {value}" for name, value in every)]
    return header_bytes("\r\n".join([*lines, "Sec-WebSocket-Key: "]))


def fresh_key() -> bytes:
    """Return a key that nobody can guess: the right answer to it proves that this request was understood."""
    return base64.b64encode(os.urandom(_KEY_BYTES))


def accept_of(key: bytes) -> bytes:
    """Return the answer that a key asks for."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def judge_upgrade(response: Response, key: bytes, offered: Sequence[str]) -> str | None:
    """Return the subprotocol chosen, if any; `Stop` unless the answer with status 101 is a right one."""
    for name, wanted in ((b"upgrade", b"websocket"), (b"connection", b"upgrade")):
        if wanted not in _words(response.every(name)):
            seen = _seen(response, name)
            raise _malformed(
                f"the answer's header {name.decode().title()} does not say {wanted.decode()}: {seen}"
            )
    accept = response.every(b"sec-websocket-accept")
    if [value.strip() for value in accept] != [accept_of(key)]:
        seen = _seen(response, b"sec-websocket-accept")
        raise _malformed(f"Sec-WebSocket-Accept does not fit the key that was sent: {seen}")
    if response.every(b"sec-websocket-extensions"):
        seen = _seen(response, b"sec-websocket-extensions")
        raise _malformed(f"the target uses an extension that was not offered: {seen}")
    return _chosen(response, offered)


def _chosen(response: Response, offered: Sequence[str]) -> str | None:
    chosen = [value.strip().decode("latin-1") for value in response.every(b"sec-websocket-protocol")]
    if not chosen:
        return None
    if len(chosen) > 1 or chosen[0] not in offered:
        seen = _seen(response, b"sec-websocket-protocol")
        raise _malformed(f"the target chose a subprotocol that was not offered: {seen}")
    return chosen[0]


def _words(values: list[bytes]) -> list[bytes]:
    return [word.strip().lower() for value in values for word in value.split(b",")]


def _seen(response: Response, name: bytes) -> str:
    values = response.every(name)
    return quoted(b", ".join(values[:3]), _MAX_NAMED) if values else "there is none"


def _malformed(detail: str) -> Stop:
    return Stop(Code.WEBSOCKET_MALFORMED, detail)
