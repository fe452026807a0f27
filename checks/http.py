"""The `http` check: fetch a URL, time every phase, judge what came.

HTTP/1.1 over a fresh connection for each request. Here: the options and the order of steps. How a request is built,
a response read and an expectation judged lives in `core/http_*.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, model_validator

from .core.check import Check, Options
from .core.failures import Code, Stop, codes_of
from .core.http_exchange import read_body, read_head
from .core.http_expect import ExpectOptions
from .core.http_judge import Judge
from .core.http_options import (
    AuthOptions,
    BodyLimit,
    HeadersField,
    MethodField,
    Redirects,
    RedirectsField,
    UrlField,
)
from .core.http_proxy import ProxyField, open_tunnel, through
from .core.http_redirect import STATUSES, next_message
from .core.http_request import Hop, Message, build_hop, connect_request, is_private, plain_headers
from .core.http_response import Response
from .core.http_url import HttpUrl, join_url, parse_url
from .core.link import Link, connect
from .core.quote import printable, quoted
from .core.resolve import FamilyRule, resolve
from .core.schema import unusable
from .core.tls import TlsOptions, layer_for
from .core.values import Secret, SizeBytes
from .core.watch import Watch

MAX_FACT = 100  # characters kept of a header as a fact
PROXY_AUTHENTICATION_REQUIRED = 407


class HttpOptions(Options):
    """What to fetch, how, and what to expect of it."""

    url: UrlField
    """`http://` or `https://` URL, without credentials (see `auth`)."""
    method: MethodField = "GET"
    """Request method."""
    headers: HeadersField = Field(default={})
    """Request headers by name. Values of headers such as Authorization, Cookie and X-Api-Key are never shown,
    and never sent to another origin than that of `url`."""
    body: Secret | None = None
    """Request body in UTF-8 (default: none); never shown, since it may hold a password."""
    auth: AuthOptions | None = None
    """Authentication (default: none)."""
    redirects: RedirectsField = Redirects()
    """Redirects; `false` for short means not to follow."""
    tls: TlsOptions = TlsOptions()
    """TLS, for `https` URLs. After a redirect to another host, server name and client certificate do not apply."""
    proxy: ProxyField | None = None
    """Forward proxy, `http://host:port` or with credentials (default: none; the environment is not looked at).
    `http` URLs are asked of the proxy, `https` ones through a tunnel, whose opening counts as `connect`."""
    ip: FamilyRule = "any"
    """Which addresses to use: `any` takes IPv4 where the region has a route to it, else IPv6; `prefer_ip4` and
    `prefer_ip6` take that family if the name has it; `ip4` and `ip6` take no other."""
    body_limit: Annotated[SizeBytes, BodyLimit] = 10 * 1024 * 1024
    """Longest response body, before and after its content encoding is undone; a longer one fails with `body_limit`."""
    expect: ExpectOptions = ExpectOptions()
    """What the response must be."""

    def secret_parts(self) -> Iterator[str]:
        """Yield the values of the URL's query: keys and tokens often stand there."""
        yield from parse_url(self.url).secret_parts()

    @model_validator(mode="after")
    def _sensible(self) -> HttpOptions:
        if self.auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise unusable("auth and a header Authorization exclude each other")
        if self.method == "HEAD" and (self.expect.json_ or self.expect.body.model_fields_set):
            raise unusable("the answer to HEAD has no body to expect anything of", "use GET")
        return self


class HttpCheck(Check[HttpOptions], kind="http"):
    """Fetches one URL, redirects included."""

    phases = ("resolve", "connect", "tls", "send", "wait", "transfer")
    codes = codes_of("resolve", "connect", "tls", "connection", "timeout", "http", "proxy", "body", "json")
    schemes = ("http", "https")

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for a URL."""
        return {"url": url}

    def prepare(self) -> None:
        """Build the first request and compile the expectations."""
        options = self.options
        self._home = parse_url(options.url)
        self._proxy = parse_url(options.proxy.url) if options.proxy is not None else None
        self._judge = Judge(options.expect)
        self._elsewhere = options.tls.model_copy(
            update={"server_name": None, "certificate": None, "key": None}
        )
        self._first = self._hop(self._home, _message(options))

    @property
    def target(self) -> str:
        """The URL without the values of its query."""
        return self._first.shown

    async def look(self, watch: Watch) -> None:
        """Fetch, follow redirects, judge the last response."""
        hop: Hop | None = self._first
        redirects = 0
        while hop is not None:
            watch.facts["redirects"] = redirects
            watch.facts["final_url"] = hop.shown
            hop = await self._visit(watch, hop, redirects)
            redirects += 1
        watch.facts["clock"] = "kernel" if watch.exact else "process"

    async def _visit(self, watch: Watch, hop: Hop, redirects: int) -> Hop | None:
        link = await self._connect(watch, hop.url)
        try:
            if hop.url.secure and not await self._secure(watch, link, hop.url):
                return None
            method, needs_body = hop.message.method, self._judge.needs_body
            response = Response(
                body_limit=self.options.body_limit, keep_body=needs_body, bodiless=method == "HEAD"
            )
            try:
                return await self._fetch(watch, link, hop, response, redirects)
            finally:
                response.release()
        finally:
            link.close()

    async def _connect(self, watch: Watch, url: HttpUrl) -> Link:
        if self._proxy is None:
            return await self._open(watch, url)
        watch.facts["proxy"] = self._proxy.address
        try:
            link = await self._open(watch, self._proxy)
        except Stop as stop:
            raise through(stop, self._proxy) from None
        if url.secure:
            try:
                await open_tunnel(watch, link, connect_request(url, self._first.message), self._proxy)
            except BaseException:
                link.close()
                raise
        return link

    async def _open(self, watch: Watch, url: HttpUrl) -> Link:
        address = await resolve(watch, url.host, url.port, self.options.ip)
        watch.facts["address"] = address.host
        watch.facts["family"] = address.family
        return await connect(watch, address)

    async def _secure(self, watch: Watch, link: Link, url: HttpUrl) -> bool:
        """Shake hands and judge the certificate; False says that it is not to be trusted with a request."""
        layer = layer_for(self.options.tls if url.host == self._home.host else self._elsewhere, url.host)
        await link.start_tls(layer)
        self._judge.certificate(watch, layer.judge(watch))
        return not watch.failed

    async def _fetch(
        self, watch: Watch, link: Link, hop: Hop, response: Response, redirects: int
    ) -> Hop | None:
        await read_head(watch, link, hop.data, response)
        _note(watch, response)
        if (
            self._proxy is not None
            and response.status == PROXY_AUTHENTICATION_REQUIRED
            and not hop.url.secure
        ):
            watch.leave(link.received_ns)
            raise Stop(Code.PROXY_REFUSED, f"the proxy {self._proxy.address} wants other credentials (407)")
        location = response.first(b"location") if response.status in STATUSES else None
        if location is not None and (self.options.redirects.follow or self.options.redirects.forbid):
            watch.leave(link.received_ns)
            return self._next(watch, hop, response.status, location, redirects)
        self._judge.head(watch, response)
        try:
            await read_body(watch, link, response)
        finally:
            watch.facts["size"] = response.size
        self._judge.rest(watch, response, self.options.body_limit)
        return None

    def _next(self, watch: Watch, hop: Hop, status: int, location: bytes, redirects: int) -> Hop:
        try:
            url = join_url(hop.url, location)
        except ValueError as error:
            detail = f"the Location {quoted(location)} cannot be followed: {error}"
            raise Stop(Code.HTTP_REDIRECT_INVALID, detail) from None
        if self.options.redirects.forbid:
            raise Stop(Code.HTTP_REDIRECT_FORBIDDEN, f"redirected ({status}) to {_short(url)}")
        if redirects >= self.options.redirects.limit:
            limit = self.options.redirects.limit
            raise Stop(
                Code.HTTP_REDIRECT_LIMIT, f"more than {limit} redirects, the last one to {_short(url)}"
            )
        if hop.url.secure and not url.secure:
            watch.facts["downgraded"] = True  # a redirect led from https to plain http
        return self._hop(url, next_message(hop.message, status))

    def _hop(self, url: HttpUrl, message: Message) -> Hop:
        return build_hop(url, message, self._home, by_proxy=self._proxy is not None and not url.secure)


def _message(options: HttpOptions) -> Message:
    headers = plain_headers(options.headers)
    private = [(name, value) for name, value in headers if is_private(name)]
    if options.auth is not None:
        private.append(("Authorization", options.auth.authorization))
    return Message(
        method=options.method,
        public=tuple((name, value) for name, value in headers if not is_private(name)),
        private=tuple(private),
        body=options.body.reveal().encode() if options.body is not None else None,
        proxy_authorization=options.proxy.authorization if options.proxy is not None else None,
    )


def _note(watch: Watch, response: Response) -> None:
    watch.facts["status"] = response.status
    watch.facts["http_version"] = response.version
    for name, fact in ((b"content-type", "content_type"), (b"server", "server")):
        if (value := response.first(name)) is not None:
            watch.facts[fact] = _shown(value[:MAX_FACT])


@lru_cache(maxsize=4096)  # a target says the same each time
def _shown(value: bytes) -> str:
    return printable(value)


def _short(url: HttpUrl) -> str:
    return printable(url.shown(), MAX_FACT)
