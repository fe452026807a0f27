"""Which host a target names: of a caller's `target` for a prober, and of a configured probe's options.

Read more strictly than what will connect does: a text that could be read in two ways names no host here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import BaseModel

from .guard import as_address
from .targets import service_place

_HOST = re.compile(r"[A-Za-z0-9_.-]{1,255}|\[?[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,32})?\]?")
_WITH_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+)):[A-Za-z0-9-]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCHEMES = {"http": frozenset({"http", "https"}), "websocket": frozenset({"ws", "wss"})}
_NAMING = frozenset({"url", "address", "host", "server", "path"})
"""Options by which kinds of checks say what they look at."""


def target_host(prober: str, target: str) -> str:
    """Return the host (the path, for `unix`) that a caller's target names, or nothing if it is not plain.

    What is no plain path is `/` for `unix`: a socket of this machine, however it is written, is never just a name.
    """
    if prober == "unix":
        return target if target.startswith("/") and "\0" not in target and "/../" not in f"{target}/" else "/"
    if (schemes := _SCHEMES.get(prober)) is not None:
        scheme = _SCHEME.match(target)
        if scheme is None:
            return _of_url(f"http://{target}") if prober == "http" else ""
        return _of_url(target) if scheme[1].lower() in schemes else ""
    if prober == "icmp":  # has no ports: the whole of it is looked up
        return target if _HOST.fullmatch(target) else ""
    return _of_address(service_place(target) if prober == "grpc" else target)


def configured_hosts(options: BaseModel) -> Iterator[str]:
    """Yield the hosts and socket paths that a configured probe looks at."""
    for name in type(options).model_fields:
        value = getattr(options, name)
        if name in _NAMING and value is not None:
            yield from _of_option(name, str(value))
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, BaseModel):
                    yield from configured_hosts(each)


def _of_option(name: str, text: str) -> Iterator[str]:
    if name == "path":
        yield text
    elif host := (_of_url(text) if "://" in text else _of_address(text)):
        yield host


def _of_url(text: str) -> str:
    if any(sign in text for sign in "\\ \t\r\n\0"):
        return ""
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return ""
    return host if _HOST.fullmatch(host) else ""


def _of_address(text: str) -> str:
    if as_address(text) is not None:
        return text
    match = _WITH_PORT.fullmatch(text)
    host = (match[1] or match[2]) if match else text
    return host if _HOST.fullmatch(host) else ""
