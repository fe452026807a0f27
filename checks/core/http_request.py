"""A request in every form that it is sent in, built once per probe and once more per redirect.

Bytes for HTTP/1.1, one request a connection; a list of headers for the versions that frame them otherwise. Nothing is
sent here; where a redirect leads is decided in `http_redirect.py`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .http_url import HttpUrl
from .values import Secret

USER_AGENT = "Prober"
MAX_SHOWN = 300  # characters of a URL
MAX_HEADER_VALUE = 16 * 1024  # bytes of one request header
OWN_HEADERS = frozenset({"connection", "content-length", "transfer-encoding", "proxy-authorization"})
"""Headers that follow from the rest of the request and cannot be set."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PRIVATE = re.compile(
    r"(.*[_-])?(authorization|cookie|(api-?)?(key|token|secret|password|auth))", re.IGNORECASE
)
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})  # methods whose empty body is announced as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a probe sends, whatever the URL. `private` are headers that only the first origin is given."""

    method: str = "GET"
    public: tuple[tuple[str, str], ...] = ()
    private: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)


Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request of a run. `headers` are all that are sent, `line` is the target as HTTP/1.1 names it."""

    url: HttpUrl
    message: Message
    shown: str  # the URL for people
    line: str = field(repr=False)
    headers: Headers = field(repr=False)
    data: bytes = field(repr=False)

    def changed(self, headers: Headers | None = None, line: str | None = None) -> Hop:
        """Return the same request with other headers, or another target for a proxy."""
        headers, line = self.headers if headers is None else headers, line or self.line
        return replace(self, headers=headers, line=line, data=_data(self.message, headers, line))


def build_hop(url: HttpUrl, message: Message, home: HttpUrl, for_proxy: Headers | None = None) -> Hop:
    """Return the request to a URL; `for_proxy`, headers a forward proxy wants, has the whole URL named."""
    at_home = url.origin == home.origin
    own = (
        [*message.public, *message.private]
        if at_home
        else [h for h in message.public if h[0].lower() != "host"]
    )
    given = {name.lower() for name, _ in own}
    headers = [(name, value) for name, value in _usual(url, message) if name.lower() not in given] + own
    every = (*headers, *(for_proxy or ()))
    line = url.target if for_proxy is None else url.absolute
    shown = url.shown()[:MAX_SHOWN]
    return Hop(
        url=url, message=message, shown=shown, line=line, headers=every, data=_data(message, every, line)
    )


def _data(message: Message, headers: Headers, line: str) -> bytes:
    lines = [f"{message.method} {line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return header_bytes("\r\n".join([*lines, "", ""])) + (message.body or b"")


def _usual(url: HttpUrl, message: Message) -> list[tuple[str, str]]:
    headers = [
        ("Host", url.authority),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    if message.body is not None or message.method in _WITH_LENGTH:
        headers.append(("Content-Length", str(len(message.body or b""))))
    return headers


def connect_request(address: str, headers: Headers) -> bytes:
    """Return the request for a tunnel through a proxy to `host:port`."""
    lines = [f"CONNECT {address} HTTP/1.1", f"Host: {address}"]
    if not any(name.lower() == "user-agent" for name, _ in headers):
        lines.append(f"User-Agent: {USER_AGENT}")
    lines += [f"{name}: {value}" for name, value in headers]
    return header_bytes("\r\n".join([*lines, "", ""]))


def basic(username: str, password: str) -> str:
    """Return the value of an authorization header for a name and a password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def header_bytes(text: str) -> bytes:
    """Return header text as sent: Latin-1 where it fits, else UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def is_private(name: str) -> bool:
    """Say whether a header of that name carries a secret by its nature."""
    return _PRIVATE.fullmatch(name) is not None


def check_header_name(name: str) -> None:
    """Raise ValueError unless a request may carry a header of that name."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header's name is made of letters, digits and hyphens")
    if name.lower() in OWN_HEADERS:
        raise ValueError(f"the header {name} follows from the rest of the request and cannot be set")


def check_header_value(value: str) -> None:
    """Raise ValueError unless the text can stand in a header; the text itself is not repeated."""
    if _FORBIDDEN.search(value):
        raise ValueError("a header's value has no line breaks and no control characters")
    if len(value) > MAX_HEADER_VALUE:
        raise ValueError(f"a header's value is at most {MAX_HEADER_VALUE} characters")


def plain_headers(headers: Mapping[str, str | Secret]) -> list[tuple[str, str]]:
    """Return names and values with the secrets in the clear."""
    return [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in headers.items()]
