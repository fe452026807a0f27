"""Opens the connection to the hub that a link speaks over: name, address, proxy, TLS, each with a deadline.

Here too: the hub's address as an agent is given it, and the error that every way to no link ends in. What is said
over the connection lives in `link.py`.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi

from checks.core.http_environment import is_excepted, proxy_variables
from checks.core.http_url import HttpUrl, parse_url

from .hop import Hops

PATH = "/agent/v1/link"
CONNECT_SECONDS = 5.0  # for one address; a name's next one then has its turn
MAX_ADDRESSES = 6  # of one name that are tried
TLS_SECONDS = 10.0
PROXY_SECONDS = 10.0  # for a proxy's answer
READ_BYTES = 2**18  # that the stream holds before the hub has to wait
_SECURE = {"ws": "http", "wss": "https"}
_HOSTNAME_MISMATCH, _IP_MISMATCH = 62, 64  # X509_V_ERR_*
_hops = Hops()
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LinkError(Exception):
    """There is no link: what is wrong, what to try, and whether it will last until a person has acted."""

    def __init__(self, problem: str, hint: str = "", *, lasting: bool = False) -> None:
        super().__init__(problem)
        self.hint = hint
        self.lasting = lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAddress:
    """Where the hub is and what it is shown. `proxy` is the one to go through, by tunnel."""

    url: HttpUrl
    token: str = field(repr=False)
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str, token: str, ca_file: Path | None, environ: Mapping[str, str]) -> HubAddress:
        """Read a hub's URL: `https://host:port`, also `wss:` and with a path before ours. Raises ValueError."""
        scheme, mark, rest = url.partition("://")
        parsed = parse_url(_SECURE.get(scheme.lower(), scheme) + mark + rest)
        if "?" in parsed.target:
            raise ValueError("the url has a query")
        full = HttpUrl(parsed.scheme, parsed.host, parsed.port, parsed.target.rstrip("/") + PATH)
        proxies, excepted = proxy_variables(environ)
        proxy = None if is_excepted(full, excepted) else proxies.get(full.scheme)
        return cls(url=full, token=token, ca_file=ca_file, proxy=proxy)

    def shown(self) -> str:
        """Return the address for people."""
        return f"{self.url.scheme}://{self.url.authority}{self.url.target.removesuffix(PATH)}"


async def dial(hub: HubAddress) -> Streams:
    """Return an open connection to the hub, encrypted if its URL says so. Raises LinkError."""
    context = await _trust(hub.ca_file) if hub.url.secure else None
    if hub.proxy is not None:
        streams = await _tunnel(hub, hub.proxy)
    else:
        streams = await _connect(hub.url.host, hub.url.port, "the hub")
    if context is not None:
        await _encrypt(streams, hub, context)
    return streams


async def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        async with asyncio.timeout(TLS_SECONDS):
            return await _hops.call(tls_context, ca_file)
    except TimeoutError:
        raise LinkError(
            f"{ca_file or 'the authorities of the system'} cannot be read in {TLS_SECONDS:.0f} s"
        ) from None


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return what is trusted: `ca_file` alone where one is named, else the system's authorities. Raises LinkError."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        paths = ssl.get_default_verify_paths()
        if ca_file is None and not (paths.cafile or paths.capath):
            context.load_verify_locations(certifi.where())  # a container without the system's authorities
    except OSError as error:  # not there, not readable, or no certificate in it
        held_none = isinstance(error, ssl.SSLError)
        reason = "it holds no certificate" if held_none else (error.strerror or "it cannot be read").lower()
        hint = "--ca-file names a PEM file with the authority that signed the hub's certificate"
        raise LinkError(f"{ca_file} cannot be used: {reason}", hint, lasting=True) from None
    return context


async def _connect(host: str, port: int, whom: str) -> Streams:
    """Try the addresses of a name one after the other: one that is a black hole must not cost the others."""
    problem = LinkError(f"{whom} cannot be reached at {_shown(host, port)}: its name has no address")
    for address in await _addresses(host, port, whom):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(address, port, limit=READ_BYTES)
        except TimeoutError:
            reason = f"no answer in {CONNECT_SECONDS:.0f} s"
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            reason = "nobody listens there" if isinstance(error, ConnectionRefusedError) else reason
        problem = LinkError(f"{whom} cannot be reached at {_shown(host, port)}: {reason}")
    raise problem


async def _addresses(host: str, port: int, whom: str) -> list[str]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            found = await _hops.call(socket.getaddrinfo, host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise LinkError(f"the name of {whom} cannot be resolved: {host}") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))[:MAX_ADDRESSES]


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _tunnel(hub: HubAddress, proxy: str) -> Streams:
    parts = urlsplit(proxy)
    try:
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        host, port = "", 0
    if parts.scheme != "http" or not host:
        hint = "write http://host:port; NO_PROXY names hosts to go to without it"
        raise LinkError("the proxy of the environment is not a URL of a proxy", hint, lasting=True)
    streams = await _connect(host, port, "the proxy")
    with _closed_on_error(streams[1]):
        await _ask_for_tunnel(streams, hub, parts.username, parts.password)
    return streams


async def _ask_for_tunnel(streams: Streams, hub: HubAddress, user: str | None, password: str | None) -> None:
    reader, writer = streams
    head = f"CONNECT {hub.url.address} HTTP/1.1\r\nHost: {hub.url.address}\r\n"
    if user is not None:
        pair = f"{unquote(user)}:{unquote(password or '')}".encode()
        head += f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
    writer.write(head.encode() + b"\r\n")
    try:
        async with asyncio.timeout(PROXY_SECONDS):
            answer = await reader.readuntil(b"\r\n\r\n")
    except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
        raise LinkError("the proxy opened no tunnel to the hub: it did not answer") from None
    words = answer.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[1].startswith(b"2"):
        shown = words[1].decode("ascii", "replace")[:3] if len(words) > 1 else "something else"
        hint = "NO_PROXY names hosts to go to without it"
        raise LinkError(f"the proxy opened no tunnel to the hub: it answered {shown}", hint)


async def _encrypt(streams: Streams, hub: HubAddress, context: ssl.SSLContext) -> None:
    writer = streams[1]
    with _closed_on_error(writer):
        try:
            async with asyncio.timeout(TLS_SECONDS + 1):
                await writer.start_tls(
                    context, server_hostname=hub.url.host, ssl_handshake_timeout=TLS_SECONDS
                )
        except ssl.SSLCertVerificationError as error:
            raise _untrusted(error, hub) from None
        except ssl.SSLError as error:
            reason = (error.reason or "no handshake").replace("_", " ").lower()
            hint = "is it the agents' listener, and does it speak TLS?"
            raise LinkError(f"no TLS with the hub at {hub.url.address}: {reason}", hint) from None
        except (OSError, TimeoutError) as error:
            reason = "no answer" if isinstance(error, TimeoutError) else "it closed the connection"
            raise LinkError(f"no TLS with the hub at {hub.url.address}: {reason}") from None


def _untrusted(error: ssl.SSLCertVerificationError, hub: HubAddress) -> LinkError:
    if error.verify_code in (_HOSTNAME_MISMATCH, _IP_MISMATCH):
        hint = "name the hub in --hub as its certificate does"
        return LinkError(f"the hub's certificate is not for {hub.url.host}", hint, lasting=True)
    words = f"the hub's certificate is not trusted: {error.verify_message}"
    trusted = f"{hub.ca_file} does not hold" if hub.ca_file is not None else "--ca-file names a file with"
    return LinkError(words, f"{trusted} the authority that signed it", lasting=True)


@contextmanager
def _closed_on_error(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    except BaseException:
        abort(writer)
        raise


def abort(writer: asyncio.StreamWriter) -> None:
    """Close at once, whatever is still to be sent; safe to call twice."""
    transport: Any = writer.transport  # uvloop's have no common base with asyncio's
    transport.abort()
