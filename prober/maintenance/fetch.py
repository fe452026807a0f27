"""Fetching a calendar from its address: https, a deadline, a limit, only what changed. No error shows the address."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from prober import __version__

if TYPE_CHECKING:
    import aiohttp

FETCH_SECONDS = 30.0
MAX_REDIRECTS = 3
CHUNK_BYTES = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchError(Exception):
    """Nothing was fetched; the text says why and has no address in it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched last, and how the server names this state of it."""

    data: bytes = field(default=b"", repr=False)
    tag: str = ""
    changed: str = ""

    @property
    def question(self) -> Mapping[str, str]:
        """The headers that ask whether it has changed since."""
        named = {"If-None-Match": self.tag, "If-Modified-Since": self.changed}
        return {name: value for name, value in named.items() if value and self.data}


async def fetch(url: str, before: Fetched, limit: int) -> Fetched:
    """Return what is at an address now, or what was there before if it has not changed."""
    import aiohttp

    try:
        async with asyncio.timeout(FETCH_SECONDS), aiohttp.ClientSession() as session:
            return await _follow(session, url, before, limit)
    except TimeoutError:
        raise FetchError(f"nothing whole came within {FETCH_SECONDS:g} s") from None
    except aiohttp.ClientConnectorCertificateError:
        raise FetchError("the server's certificate is not trusted") from None
    except aiohttp.ClientConnectorDNSError:
        raise FetchError("its name cannot be looked up") from None
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno  # its text may have the address in it
        raise FetchError(os.strerror(number).lower() if number else "no connection") from None
    except (aiohttp.ClientError, ValueError, OSError):
        raise FetchError("the answer cannot be read") from None


async def _follow(session: aiohttp.ClientSession, url: str, before: Fetched, limit: int) -> Fetched:
    for _ in range(MAX_REDIRECTS + 1):
        headers = {
            **before.question,
            "User-Agent": f"prober/{__version__}",
            "Accept": "text/calendar, */*;q=0.5",
        }
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status not in _REDIRECTS:
                return await _taken(answer, before, limit)
            url = _further(url, answer.headers.get("Location", ""))
    raise FetchError(f"it redirects more than {MAX_REDIRECTS} times")


def _further(url: str, location: str) -> str:
    """Return where a redirect leads; never from https to what anybody on the way can read."""
    there = urljoin(url, location)
    parts = urlsplit(there)
    is_near = _is_near(parts.hostname or "") and _is_near(urlsplit(url).hostname or "")
    if not location or not (parts.scheme == "https" or (parts.scheme == "http" and is_near)):
        raise FetchError("it redirects to where it should not")
    return there


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _taken(answer: aiohttp.ClientResponse, before: Fetched, limit: int) -> Fetched:
    if answer.status == 304 and before.data:
        return before
    if answer.status != 200:
        raise FetchError(f"the server answers {answer.status}")
    data = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        data += chunk
        if len(data) > limit:
            raise FetchError(f"it is over {limit >> 20} MiB")
    return Fetched(bytes(data), answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
