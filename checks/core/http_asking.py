"""The first request of each run: the prepared one, or where it differs from run to run, one made for the run.

What can differ: a token, a body read from a file, an id of the request's own. How a request travels is not known here.
"""

from __future__ import annotations

import errno
import os
import stat
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .failures import Code, Stop
from .http_request import Hop, Message
from .http_url import HttpUrl
from .local import local_trouble
from .watch import Watch

if TYPE_CHECKING:
    from .http_oauth import Tokens
    from .http_options import UniqueId
    from .http_session import Transport

MAX_BODY_FILE = 1024 * 1024  # bytes
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What a probe asks for, in each of its runs."""

    transport: Transport
    message: Message
    prepared: Hop
    body_file: Path | None = None
    unique_id: UniqueId | None = None
    tokens: Tokens | None = None

    def asking(self, watch: Watch) -> Asking:
        """Return what one run asks with."""
        return Asking(self, watch)


class Asking:
    """One run's use of the requests of its probe."""

    __slots__ = ("_is_fresh", "_requests", "_token", "_watch")

    def __init__(self, requests: Requests, watch: Watch) -> None:
        self._requests = requests
        self._watch = watch
        self._token: str | None = None
        self._is_fresh = False  # fetched for this run, so that fetching it again would not help

    def prepared(self) -> Hop | None:
        """Return the first request if it is the same in each run."""
        requests = self._requests
        differs = (
            requests.tokens is not None or requests.body_file is not None or requests.unique_id is not None
        )
        return None if differs else requests.prepared

    async def first(self) -> Hop:
        """Return the first request. Raises `Stop` when there is no token, or for trouble of our own."""
        requests = self._requests
        message, url = requests.message, requests.prepared.url
        if requests.body_file is not None:
            message = replace(message, body=read_body_file(requests.body_file))
        if requests.unique_id is not None:
            message, url = self._numbered(requests.unique_id, message, url)
        if requests.tokens is not None:
            self._token, self._is_fresh = await requests.tokens.get(self._watch)
            message = _authorized(message, self._token)
        return requests.transport.hop(url, message)

    def is_refused(self, hop: Hop, status: int) -> bool:
        """Say whether the target refused a token that was kept, which another one may cure."""
        if status != _UNAUTHORIZED:
            return False
        requests = self._requests
        if requests.tokens is None or self._is_fresh:
            return False
        return hop.url.origin == requests.transport.home.origin

    async def renewed(self, hop: Hop) -> Hop:
        """Return a request with a new token. Raises `Stop` when there is none."""
        requests = self._requests
        if requests.tokens is None:
            return hop
        self._token, _ = await requests.tokens.get(self._watch, refused=self._token)
        self._is_fresh = True
        return requests.transport.hop(hop.url, _authorized(hop.message, self._token))

    def _numbered(self, unique: UniqueId, message: Message, url: HttpUrl) -> tuple[Message, HttpUrl]:
        request_id = str(uuid.uuid4())
        self._watch.facts["request_id"] = request_id
        if unique.header is not None:
            message = replace(message, public=(*message.public, (unique.header, request_id)))
        if unique.query is not None:
            sign = "&" if "?" in url.target else "?"
            url = replace(url, target=f"{url.target}{sign}{unique.query}={request_id}")
        return message, url


def _authorized(message: Message, token: str) -> Message:
    others = (header for header in message.private if header[0] != "Authorization")
    return replace(message, private=(*others, ("Authorization", f"Bearer {token}")))


def read_body_file(path: Path) -> bytes:
    """Return what a file holds now, byte for byte. Raises `Stop` with AGENT_FILE, or another `agent_` code."""
    try:
        # Not to wait where a pipe stands in a file's place.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _content(descriptor, path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Stop(_file_code(error), f"body_file {path}: {(error.strerror or 'error').lower()}") from None


def _content(descriptor: int, path: Path) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise Stop(Code.AGENT_FILE, f"body_file {path}: no ordinary file")
    data = b""
    while part := os.read(descriptor, MAX_BODY_FILE + 1):
        data += part
        if len(data) > MAX_BODY_FILE:
            raise Stop(Code.AGENT_FILE, f"body_file {path}: longer than {MAX_BODY_FILE // 2**20} MiB")
    return data


def _file_code(error: OSError) -> Code:
    trouble = None if error.errno in (errno.EACCES, errno.EPERM) else local_trouble(error)
    return Code.AGENT_FILE if trouble is None else trouble[0]
