"""The `http` check: fetch a URL, time every phase, judge what came.

A fresh connection for each request. Here: the options and the order of steps. How a request travels, a response is
read and an expectation judged lives in `core/http_*.py`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, model_validator

from .core.addresses import AddressRule, Reach, look_at_all
from .core.check import Check, Options
from .core.failures import Code, codes_of
from .core.http_asking import Requests
from .core.http_dial import dial_any, toward
from .core.http_expect import ExpectOptions
from .core.http_judge import Judge
from .core.http_oauth import tokens_of
from .core.http_options import (
    BodyLimit,
    CompressionField,
    HeadersField,
    HttpAuthOptions,
    MethodField,
    Redirects,
    RedirectsField,
    UniqueId,
    UrlField,
    check_headers,
)
from .core.http_proxy import Proxies, ProxyField
from .core.http_request import Message, is_private, plain_headers
from .core.http_session import Session, Transport, Version, check_version, dial, tls_elsewhere
from .core.http_url import parse_url
from .core.http_visit import Page, Visit
from .core.link import Address
from .core.resolve import FamilyRule
from .core.schema import unusable
from .core.tls import TlsOptions
from .core.values import Secret, SizeBytes
from .core.watch import Watch


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
    """Request body in UTF-8 (default: none); never shown, since it may hold a password. A redirect with 307 or 308
    takes it along, to another origin as well."""
    body_file: Path | None = None
    """File on the agent's machine that holds the request body, read anew for each run, byte for byte and at most 1 MiB;
    instead of `body`. Without it the run is void (`agent_file`)."""
    compression: CompressionField | None = None
    """Content codings to ask for, `gzip`, `br`, `deflate`, `identity`, or a list of these: sets Accept-Encoding, and a
    body that does not decode fails with `http_encoding`. Default: none is asked for; what comes encoded is decoded
    where expectations look into the body."""
    unique_id: UniqueId | None = None
    """A fresh UUID in each run, as a header or in the query (default: none); the fact `request_id` shows it."""
    auth: HttpAuthOptions | None = None
    """Authentication (default: none)."""
    redirects: RedirectsField = Redirects()
    """Redirects; `false` for short means not to follow."""
    tls: TlsOptions = TlsOptions()
    """TLS, for `https` URLs. After a redirect to another host, server name and client certificate do not apply."""
    proxy: ProxyField | None = None
    """Forward proxy, `http://host:port` or with credentials (default: none; the environment is looked at only when
    told so). `http` URLs are asked of the proxy, `https` ones through a tunnel, whose opening counts as `connect`."""
    version: Version = "any"
    """Version of HTTP: `any` offers HTTP/2 and HTTP/1.1 by ALPN, asks again in 1.1 where the target wants that for this
    request (HTTP_1_1_REQUIRED), and speaks 1.1 over plain `http`; `1.1`; `2`, over
    plain `http` without asking (prior knowledge); `3`, over QUIC, whose handshake, TLS included, counts as `connect`. A
    target that does not speak the version asked for fails with `http_version`."""
    cookies: StrictBool = True
    """Within a run, send the cookies that an answer sets with the redirects that follow, where they belong."""
    ip: FamilyRule = "any"
    """Which addresses to use: `any` takes IPv4 where the region has a route to it, else IPv6; `prefer_ip4` and
    `prefer_ip6` take that family if the name has it; `ip4` and `ip6` take no other."""
    addresses: AddressRule = "first"
    """Of the addresses behind the name: the `first` one; `any`, tried one after the other until one connects; or
    `all` of them (at most 16), each fetched from in full, where one that fails fails the run. With `all`, redirects
    within the host stay at the address; other hosts have their first one."""
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
        if self.body is not None and self.body_file is not None:
            raise unusable("body and body_file exclude each other")
        check_headers(self.headers, self.compression or (), self.unique_id)
        if self.method == "HEAD" and self.expect.looks_into_body:
            raise unusable("the answer to HEAD has no body to expect anything of", "use GET")
        if self.addresses != "first" and (self.proxy is not None or self.version == "3"):
            raise unusable("addresses are not for proxies and version 3", "leave one of them out")
        check_version(self.version, parse_url(self.url), has_proxy=self.proxy is not None)
        return self


class HttpCheck(Check[HttpOptions], kind="http"):
    """Fetches one URL, redirects included."""

    phases = ("authorize", "resolve", "connect", "tls", "send", "wait", "transfer")
    codes = codes_of("resolve", "connect", "tls", "connection", "timeout", "http", "proxy", "body", "json",
                     "expression", "oauth") | {Code.TLS_MISSING, Code.TLS_UNWANTED}  # fmt: skip
    schemes = ("http", "https")

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for a URL."""
        return {"url": url}

    def prepare(self) -> None:
        """Build the first request and compile the expectations."""
        options = self.options
        home = parse_url(options.url)
        self._judge = Judge(options.expect, decodes=options.compression is not None)
        self._page = Page(
            judge=self._judge,
            redirects=options.redirects,
            body_limit=options.body_limit,
            keep_body=self._judge.needs_body,
        )
        self._transport = Transport(
            home=home,
            tls=options.tls,
            elsewhere=tls_elsewhere(options.tls),
            family=options.ip,
            version=options.version,
            proxies=Proxies.of(options.proxy) if options.proxy is not None else None,
            cookies=options.cookies,
            body_limit=options.body_limit,
            dial=dial_any if options.addresses == "any" else dial,
        )
        self._reach = Reach(host=home.host, port=home.port, family=options.ip, addresses=options.addresses)
        message = _message(options)
        self._first = self._transport.hop(home, message)
        oauth2 = options.auth.oauth2 if options.auth is not None else None
        self._requests = Requests(
            transport=self._transport,
            message=message,
            prepared=self._first,
            body_file=options.body_file,
            unique_id=options.unique_id,
            tokens=tokens_of(oauth2, self._transport.proxies) if oauth2 is not None else None,
        )

    @property
    def target(self) -> str:
        """The URL without the values of its query."""
        return self._first.shown

    def look(self, watch: Watch) -> Coroutine[Any, Any, None]:
        """Fetch, follow redirects, judge the last response."""
        if self.options.addresses == "all":
            return look_at_all(watch, self._reach, self._look_at)
        return self._visit(watch, self._transport).make()

    async def _look_at(self, watch: Watch, address: Address) -> None:
        await self._visit(watch, replace(self._transport, dial=toward(self._reach.host, address))).make()

    def _visit(self, watch: Watch, transport: Transport) -> Visit:
        session = Session(watch, transport, self._judge.certificate)
        return Visit(session, self._transport, self._requests.asking(watch), self._page)


def _message(options: HttpOptions) -> Message:
    headers = plain_headers(options.headers)
    private = [(name, value) for name, value in headers if is_private(name)]
    if options.compression is not None and not any(name.lower() == "accept-encoding" for name, _ in headers):
        headers.append(("Accept-Encoding", ", ".join(options.compression)))
    if options.auth is not None and options.auth.oauth2 is None:
        private.append(("Authorization", options.auth.authorization))
    return Message(
        method=options.method,
        public=tuple((name, value) for name, value in headers if not is_private(name)),
        private=tuple(private),
        body=options.body.reveal().encode() if options.body is not None else None,
    )
