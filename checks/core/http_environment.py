"""The proxy variables of the environment, read as curl and most libraries do: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

Pure: the environment is an argument. What a proxy's URL must be is decided in `http_proxy.py`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .http_url import HttpUrl

MAX_EXCEPTIONS = 1000  # entries of NO_PROXY that are looked at


def proxy_variables(environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the proxies' URLs by scheme of the target, and the hosts that go without; lower case names win."""
    urls = {}
    for scheme in ("http", "https"):
        if text := _value(environment, f"{scheme}_proxy"):
            urls[scheme] = text if "://" in text else f"http://{text}"
    entries = (entry.strip().lower() for entry in _value(environment, "no_proxy").split(","))
    return urls, tuple(entry for entry in entries if entry)[:MAX_EXCEPTIONS]


def _value(environment: Mapping[str, str], name: str) -> str:
    # A CGI server puts a request's header `Proxy` into HTTP_PROXY; nobody runs checks inside one.
    return (environment.get(name) or environment.get(name.upper()) or "").strip()


def is_excepted(url: HttpUrl, exceptions: tuple[str, ...]) -> bool:
    """Say whether NO_PROXY names the host: itself, a domain above it, a network it lies in, or `*`."""
    return any(_names(entry, url) for entry in exceptions)


def _names(entry: str, url: HttpUrl) -> bool:
    if entry == "*":
        return True
    if "/" in entry or url.host.strip("[]").count(":") or url.host.replace(".", "").isdigit():
        return _holds(entry, url)
    host, _, port = entry.partition(":")
    if port and port != str(url.port):
        return False
    host = host.removeprefix("*").lstrip(".")
    wanted = url.host.rstrip(".")
    return bool(host) and (wanted == host or wanted.endswith(f".{host}"))


def _holds(entry: str, url: HttpUrl) -> bool:
    if entry == url.address:  # an address with its port
        return True
    try:
        return ipaddress.ip_address(url.host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
