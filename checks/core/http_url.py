"""http and https URLs: read strictly, joined with a redirect's Location, shown without secrets.

Pure text work. What is sent to a URL lives in `http_request.py`, where a redirect may lead in `http_redirect.py`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_plus, urljoin, urlsplit

MAX_URL = 8192  # characters, of a configured URL or of a Location
MAX_HOST = 253
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # what a path or query keeps as it is; the rest is percent-encoded


@dataclass(frozen=True, slots=True, repr=False)
class HttpUrl:
    """A URL in parts. `host` is lower case ASCII without brackets, `target` is path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    def __repr__(self) -> str:
        return f"HttpUrl({self.shown()!r})"

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "https"

    @property
    def address(self) -> str:
        """Host and port, the port always given."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them: the usual port is left out."""
        if self.port != _PORTS[self.scheme]:
            return self.address
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials belong to."""
        return (self.scheme, self.host, self.port)

    @property
    def absolute(self) -> str:
        """The whole URL, query values included: for sending, not for showing."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def secret_parts(self) -> Iterator[str]:
        """Yield the values of the query, as sent and as meant."""
        for part in self.target.partition("?")[2].split("&"):
            value = part.partition("=")[2]
            yield from (value, unquote_plus(value))

    def shown(self) -> str:
        """Return the URL for people: the values of a query may be secrets and are left out."""
        path, mark, query = self.target.partition("?")
        return f"{self.scheme}://{self.authority}{path}{mark}{shown_query(query)}"


def shown_query(query: str) -> str:
    """Return a query without its values: the names alone, or `...` for what has none."""
    pairs = [part.partition("=") for part in query.split("&")] if query else []
    return "&".join(f"{name}=..." if equals else "..." for name, equals, _ in pairs)


def parse_url(text: str) -> HttpUrl:
    """Read a configured URL. Raises ValueError, in words that do not repeat the URL."""
    parts = _split(text)
    if "@" in parts.netloc:
        raise ValueError("the url holds credentials; put them under auth")
    return _url(parts)


def join_url(base: HttpUrl, location: bytes) -> HttpUrl:
    """Return where a Location header points to, credentials in it left out. Raises ValueError with the reason."""
    if len(location) > MAX_URL:
        raise ValueError(f"it is longer than {MAX_URL} characters")
    try:
        text = location.decode("utf-8")
    except UnicodeDecodeError:
        text = location.decode("latin-1")
    _refuse_unprintable(text)
    try:
        # urljoin takes `http://` for a path; what has a scheme of its own needs no joining.
        text = text.strip(" ")
        return _url(_split(text if _SCHEME.match(text) else urljoin(base.absolute, text)))
    except RecursionError:  # no known way to it, but the text is the target's
        raise ValueError("it cannot be read") from None


def _split(text: str) -> SplitResult:
    if len(text) > MAX_URL:
        raise ValueError(f"a url is at most {MAX_URL} characters")
    _refuse_unprintable(text)
    try:
        return urlsplit(text)
    except ValueError:
        raise ValueError("this is no url that can be read") from None


def _refuse_unprintable(text: str) -> None:
    if _UNPRINTABLE.search(text):
        raise ValueError("a url has no control characters")


def _url(parts: SplitResult) -> HttpUrl:
    if parts.scheme not in _PORTS:
        raise ValueError("a url starts with http:// or https://")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("a port is a number from 1 to 65535")
    target = quote(parts.path or "/", safe=_KEPT) + (
        f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    )
    return HttpUrl(parts.scheme, ascii_host(parts.hostname or ""), port or _PORTS[parts.scheme], target)


def ascii_host(host: str) -> str:
    """Return a host name as ASCII in lower case, or an address as it is. Raises ValueError."""
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host.replace("%", "/")))  # zones mean nothing to other machines
        except ValueError:
            raise ValueError("the address in brackets is not an IPv6 address") from None
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("the host is not a name that DNS can have") from None
    if not _HOST.fullmatch(name) or len(name) > MAX_HOST:
        raise ValueError("the url has no usable host")
    return name
