"""One page: a request, the redirects that follow, and the judgement of the last answer.

The loop that the kinds made of http requests share. What is asked for is decided in `http_asking.py`, how it travels
in `http_session.py`, what an answer must be in `http_judge.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .http_age import parse_date
from .http_asking import Asking
from .http_body import encoding_of
from .http_exchange import Reply
from .http_judge import Judge
from .http_options import Redirects
from .http_redirect import next_message, next_url
from .http_request import Hop
from .http_response import Response
from .http_session import Session, Transport
from .quote import printable
from .watch import Watch

MAX_FACT = 100  # characters kept of a header as a fact
_NOTED = {  # headers, and the facts they are noted as
    b"content-type": "content_type",
    b"server": "server",
    b"content-encoding": "encoding",
    b"last-modified": "last_modified",
}

Seen = Callable[[Hop, Response], None]
"""Told of every answer once its head is there, before anything of it is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is expected of a page, and how far redirects lead to it."""

    judge: Judge
    redirects: Redirects
    body_limit: int  # bytes, before and after the content encoding is undone
    keep_body: bool  # whether anybody looks into the body


class Visit:
    """One run's way to a page; the session's watch gets all that is seen."""

    __slots__ = ("_asking", "_page", "_seen", "_session", "_transport")

    def __init__(
        self, session: Session, transport: Transport, asking: Asking, page: Page, seen: Seen | None = None
    ) -> None:
        """`transport` builds the requests after the first, whatever dials for the session."""
        self._session = session
        self._transport = transport
        self._asking = asking
        self._page = page
        self._seen = seen

    async def make(self) -> None:
        """Ask, follow redirects, judge the last answer; then say in the facts whose clock it was. Raises `Stop`."""
        watch = self._session.watch
        facts = watch.facts
        hop: Hop | None = self._asking.prepared() or await self._asking.first()
        redirects = 0
        while hop is not None:
            facts["redirects"] = redirects
            facts["final_url"] = hop.shown
            hop = await self._ask(hop, redirects)
            redirects += 1
        facts["clock"] = "kernel" if watch.exact else "process"

    async def _ask(self, hop: Hop, redirects: int) -> Hop | None:
        session, asking, keep_body = self._session, self._asking, self._page.keep_body
        reply = await session.send(hop, keep_body=keep_body)
        if reply is not None and asking.is_refused(hop, reply.response.status):
            reply.skip_body()
            reply.close()
            hop = await asking.renewed(hop)
            reply = await session.send(hop, keep_body=keep_body)
        if reply is None:  # not to be trusted with a request
            return None
        try:
            return await self._read(session.watch, hop, reply, redirects)
        finally:
            reply.close()

    async def _read(self, watch: Watch, hop: Hop, reply: Reply, redirects: int) -> Hop | None:
        response, page = reply.response, self._page
        _note(watch, response)
        if self._seen is not None:
            self._seen(hop, response)
        if (url := next_url(hop.url, response, page.redirects, redirects)) is not None:
            reply.skip_body()
            if hop.url.secure and not url.secure:
                watch.facts["downgraded"] = True  # a redirect led from https to plain http
            return self._transport.hop(url, next_message(hop.message, response.status))
        page.judge.head(watch, response, secure=hop.url.secure)
        try:
            await reply.read_body()
        finally:
            watch.facts["size"] = response.size
        if page.judge.goes_on:
            await page.judge.rest(watch, response, page.body_limit)
        return None


def _note(watch: Watch, response: Response) -> None:
    watch.facts["status"] = response.status
    watch.facts["http_version"] = response.version
    for name, value in reversed(response.headers):  # of several the first is noted
        if (fact := _NOTED.get(name)) is None:
            continue
        if name == b"content-encoding":
            watch.facts[fact] = encoding_of(response)
        elif name != b"last-modified":
            watch.facts[fact] = _shown(value[:MAX_FACT])
        elif (modified := parse_date(value)) is not None:
            watch.facts[fact] = modified


@lru_cache(maxsize=4096)  # a target says the same each time
def _shown(value: bytes) -> str:
    return printable(value)
