"""Targets as callers write them: `host:port` in the exporter's reading, which is looser than our own."""

from __future__ import annotations

import socket

from checks.core.failures import Code, Stop
from checks.core.link import Address


def split_target(text: str) -> tuple[str, str]:
    """Return host (brackets taken off) and port as text, either may be empty. Raises `Stop` without a port."""
    parts = parts_of(text)
    if parts is None:
        raise Stop(Code.RESOLVE_INVALID, "the target is not host:port")
    return parts


def parts_of(text: str) -> tuple[str, str] | None:
    """Return host and port of `host:port` or `[host]:port`, or None where there is no port to be told apart."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not rest.startswith(":") or any(sign in host + rest[1:] for sign in "[]"):
            return None
        return (host, rest[1:]) if ":" not in rest[1:] else None
    host, colon, port = text.rpartition(":")
    if not colon or ":" in host or "[" in text or "]" in text:
        return None
    return host, port


def service_place(target: str) -> str:
    """Return `host:port` of a grpc target, which may be written as a URL."""
    return target.removeprefix("http://").removeprefix("https://").partition("/")[0]


def port_number(text: str) -> int:
    """Return the port as a number; names of services are looked up. Raises `Stop`."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65536:
        return int(text)
    try:
        return socket.getservbyname(text)
    except (OSError, UnicodeError, ValueError):
        raise Stop(Code.CONNECT_ERROR, "the target's port is not a number up to 65535") from None


def source_for(address: Address, source: str) -> str | None:
    """Return the module's source address, None without one. Raises `Stop` if it is of the other family."""
    if source and (":" in source) != (address.family == 6):
        raise Stop(Code.AGENT_SOURCE_ADDRESS, f"{address.host} cannot be reached from the module's {source}")
    return source or None
