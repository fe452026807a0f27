"""Forward proxies: their options, which URL goes through which one, and the tunnel (CONNECT) that HTTPS needs.

The exchange with the proxy belongs to the phase `connect`: until it is done, there is no connection to the target.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from .failures import Code, Stop
from .http_environment import is_excepted, proxy_variables
from .http_options import HeadersField
from .http_request import basic, plain_headers
from .http_response import Http1Response
from .http_url import HttpUrl, parse_url
from .link import Link
from .schema import Section, unusable
from .values import Secret
from .watch import Watch

_WITH_CREDENTIALS = re.compile(
    r"(?P<before>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<username>[^:/@]*)(:(?P<password>[^/@]*))?@(?P<after>.*)"
)


def _proxy_url(text: str) -> str:
    try:
        url = parse_url(text)
    except ValueError as error:
        raise unusable(str(error)) from None
    if url.secure:
        raise unusable("a proxy is spoken to in plain http", "write http://host:port")
    if url.target != "/":
        raise unusable("a proxy is named by host and port alone", "write http://host:port")
    return text


class ProxyOptions(Section):
    """A forward proxy. Its own host is always resolved here."""

    url: Annotated[str, AfterValidator(_proxy_url)] | None = None
    """The proxy's own URL, `http://host:port`."""
    from_environment: StrictBool = False
    """Take the proxy from HTTP_PROXY and HTTPS_PROXY of the agent's environment as it is when the check is loaded, and
    none for hosts that NO_PROXY names; in place of `url`."""
    username: str | None = None
    """Name for basic authentication (default: none is sent)."""
    password: Secret | None = None
    """Password for basic authentication."""
    resolve: Literal["proxy", "local"] = "proxy"
    """Who looks the target's name up: `proxy` gives the proxy the name; `local` looks it up here, in the phase
    `resolve`, and gives the proxy the address. Host header and server name stay the name's."""
    connect_headers: HeadersField = Field(default={})
    """Further headers of the request that opens a tunnel (CONNECT), for the proxy alone."""

    @model_validator(mode="after")
    def _sensible(self) -> ProxyOptions:
        if (self.username is None) != (self.password is None):
            raise unusable("username and password go together")
        if (self.url is None) != self.from_environment:
            raise unusable("give a proxy's url, or from_environment: true", "one of the two")
        if self.from_environment:
            Proxies.of(self)
        return self

    def secret_parts(self) -> Iterator[str]:
        """Yield the credentials in the form in which they travel, those of the environment included."""
        for proxy in Proxies.of(self).every():
            if proxy.authorization is not None:
                yield proxy.authorization.partition(" ")[2]
            if proxy.password is not None:
                yield proxy.password


def _spread(value: object) -> object:
    """Take `http://user:password@host:port` apart, so that the password is kept as a secret."""
    if not isinstance(value, str):
        return value
    match = _WITH_CREDENTIALS.fullmatch(value)
    if match is None:
        return {"url": value}
    return {
        "url": match["before"] + match["after"],
        "username": match["username"],
        "password": match["password"] or "",
    }


ProxyField = Annotated[ProxyOptions, BeforeValidator(_spread, json_schema_input_type=str | ProxyOptions)]
"""Proxy options, or `http://user:password@host:port` for short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One proxy as requests use it. `resolves` says that it looks the target's name up itself."""

    url: HttpUrl
    resolves: bool = True
    authorization: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    connect_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What the proxy alone is told with a request in the clear."""
        return () if self.authorization is None else (("Proxy-Authorization", self.authorization),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """Which proxy a URL goes through: by scheme, with hosts that go without."""

    by_scheme: dict[str, Proxy]
    excepted: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: ProxyOptions) -> Proxies:
        """Read the options, and the environment if they say so. Raises a validation error."""
        if options.url is not None:
            credentials = None
            if options.username is not None and options.password is not None:
                credentials = (options.username, options.password.reveal())
            proxy = _proxy(options, options.url, credentials)
            return cls(by_scheme={"http": proxy, "https": proxy})
        urls, excepted = proxy_variables(os.environ)
        return cls(
            by_scheme={scheme: _from_variable(options, scheme, text) for scheme, text in urls.items()},
            excepted=excepted,
        )

    def choose(self, url: HttpUrl) -> Proxy | None:
        """Return the proxy for a URL, None for a direct connection."""
        proxy = self.by_scheme.get(url.scheme)
        if proxy is None or (self.excepted and is_excepted(url, self.excepted)):
            return None
        return proxy

    def every(self) -> Iterator[Proxy]:
        """Yield all proxies."""
        yield from self.by_scheme.values()


def _proxy(options: ProxyOptions, url: str, credentials: tuple[str, str] | None) -> Proxy:
    authorization = None if credentials is None else basic(*credentials)
    own = () if authorization is None else (("Proxy-Authorization", authorization),)
    return Proxy(
        url=parse_url(url),
        resolves=options.resolve == "proxy",
        authorization=authorization,
        password=None if credentials is None else credentials[1],
        connect_headers=(*own, *plain_headers(options.connect_headers)),
    )


def _from_variable(options: ProxyOptions, scheme: str, text: str) -> Proxy:
    match = _WITH_CREDENTIALS.fullmatch(text)
    url = text if match is None else match["before"] + match["after"]
    given = None if match is None else (unquote(match["username"]), unquote(match["password"] or ""))
    if options.username is not None and options.password is not None:
        given = (options.username, options.password.reveal())
    try:
        return _proxy(options, _proxy_url(url), given)
    except PydanticCustomError as error:
        what = (error.context or {}).get("what", "")
        raise unusable(
            f"{scheme.upper()}_PROXY of the environment: {what}", "write http://host:port"
        ) from None


async def open_tunnel(watch: Watch, link: Link, request: bytes, proxy: HttpUrl) -> None:
    """Ask the proxy for a tunnel; the stage is `connect`. Raises `Stop` when the proxy does not open one."""
    response = Http1Response(body_limit=0, keep_body=False, bodiless=True)
    watch.enter("connect")
    try:
        await link.send(request)
        while not response.head_complete and response.problem is None:
            if data := await link.receive():
                response.feed(data)
            else:
                raise Stop(Code.PROXY_REFUSED, f"the proxy {proxy.address} closed the connection")
    finally:
        response.release()
    watch.leave(link.received_ns)
    if response.problem is not None:
        raise through(response.problem, proxy)
    if not 200 <= response.status <= 299:
        raise Stop(
            Code.PROXY_REFUSED, f"the proxy {proxy.address} opened no tunnel: it answered {response.status}"
        )


def through(stop: Stop, proxy: HttpUrl) -> Stop:
    """Return a proxy's own trouble as such, so that nobody looks for it at the target; ours stays ours."""
    if stop.code.value.startswith("agent_"):
        return stop
    return Stop(Code.PROXY_REFUSED, f"the proxy {proxy.address}: {stop.detail}")
