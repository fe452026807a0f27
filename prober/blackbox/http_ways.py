"""What an http module needs on the way to its target: proxies, and a token that somebody else gives out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from checks.core.failures import Code, Stop
from checks.core.http_environment import proxy_variables
from checks.core.http_proxy import Proxies, Proxy
from checks.core.http_request import basic
from checks.core.http_url import parse_url
from checks.core.values import Secret
from checks.core.watch import Watch

from .http_target import file_text
from .tls_seen import tls_options

if TYPE_CHECKING:
    from .http_options import HttpProbe

_LOOPBACK = ("localhost", "127.0.0.0/8", "::1")  # never by a proxy, where exceptions are known at all


def proxies_of(options: HttpProbe) -> Proxies | None:
    """Return the proxies that a module names, None for direct connections. Raises `Stop`."""
    connect_headers = tuple(
        (name, each.reveal()) for name, values in options.proxy_connect_header.items() for each in values
    )
    resolves = options.skip_resolve_phase_with_proxy
    if options.proxy_from_environment:
        urls, excepted = proxy_variables(os.environ)
        excepted = (*excepted, *_LOOPBACK)
    elif options.proxy_url:
        urls = dict.fromkeys(("http", "https"), options.proxy_url)
        without = tuple(each.strip().lower() for each in options.no_proxy.split(",") if each.strip())
        excepted = (*without, *_LOOPBACK) if without else ()
    else:
        return None
    made = {scheme: _proxy(text, resolves, connect_headers) for scheme, text in urls.items()}
    return Proxies(by_scheme=made, excepted=excepted)


def _proxy(text: str, resolves: bool, connect_headers: tuple[tuple[str, str], ...]) -> Proxy:
    parts = urlsplit(text)
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    place = parts.netloc.rpartition("@")[2]
    try:
        url = parse_url(f"{parts.scheme}://{place}/")
    except ValueError as error:
        raise Stop(Code.AGENT_UNSUPPORTED, f"the module's proxy cannot be used: {error}") from None
    if url.secure:
        raise Stop(Code.AGENT_UNSUPPORTED, "a proxy is spoken to in plain http only")
    authorization = None if credentials is None else basic(*credentials)
    own = () if authorization is None else (("Proxy-Authorization", authorization),)
    return Proxy(
        url=url,
        resolves=resolves,
        authorization=authorization,
        password=None if credentials is None else credentials[1],
        connect_headers=(*own, *connect_headers),
    )


async def token_of(watch: Watch, options: HttpProbe, proxies: Proxies | None) -> str | None:
    """Return the OAuth2 token of a module that has credentials for one, kept between runs. Raises `Stop`."""
    if (given := options.oauth2) is None:
        return None
    from checks.core.http_oauth import OAuth2Options, tokens_of  # loaded by those who use it

    secret = given.client_secret.reveal() if given.client_secret is not None else ""
    if given.client_secret_file:
        secret = file_text(given.client_secret_file)
    try:
        wanted = OAuth2Options(
            token_url=given.token_url,
            client_id=given.client_id,
            client_secret=Secret(secret),
            scopes=given.scopes,
            parameters={**given.endpoint_params},
            tls=tls_options(given.tls_config),
        )
    except ValueError:
        raise Stop(Code.OAUTH_FAILED, "the module's oauth2 block cannot be used") from None
    return (await tokens_of(wanted, proxies).get(watch))[0]
