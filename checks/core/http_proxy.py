"""Forward proxies: their options, and the tunnel through one (CONNECT) that HTTPS needs.

The exchange with the proxy belongs to the phase `connect`: until it is done, there is no connection to the target.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, model_validator

from .failures import Code, Stop
from .http_request import basic
from .http_response import Response
from .http_url import HttpUrl, parse_url
from .link import Link
from .schema import Section, unusable
from .values import Secret
from .watch import Watch

_WITH_CREDENTIALS = re.compile(
    r"(?P<before>[a-zA-Z]+://)(?P<username>[^:/@]*)(:(?P<password>[^/@]*))?@(?P<after>.*)"
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
    """A forward proxy. Its host is resolved here; the target's name is left to the proxy."""

    url: Annotated[str, AfterValidator(_proxy_url)]
    """The proxy's own URL, `http://host:port`."""
    username: str | None = None
    """Name for basic authentication (default: none is sent)."""
    password: Secret | None = None
    """Password for basic authentication."""

    @model_validator(mode="after")
    def _paired(self) -> ProxyOptions:
        if (self.username is None) != (self.password is None):
            raise unusable("username and password go together")
        return self

    @property
    def authorization(self) -> str | None:
        """What the header Proxy-Authorization says, in the clear."""
        if self.username is None or self.password is None:
            return None
        return basic(self.username, self.password.reveal())


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


async def open_tunnel(watch: Watch, link: Link, request: bytes, proxy: HttpUrl) -> None:
    """Ask the proxy for a tunnel; the stage is `connect`. Raises `Stop` when the proxy does not open one."""
    response = Response(body_limit=0, keep_body=False, bodiless=True)
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
