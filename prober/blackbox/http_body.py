"""The body of a response as the exporter's rules see it: decoded if the module says so, cut at its limit."""

from __future__ import annotations

from dataclasses import dataclass

from checks.core.unpack import unpacked

MAX_BODY = 64 * 1024 * 1024  # bytes that rules look at, where the module sets no limit


@dataclass(frozen=True, slots=True)
class Body:
    """What was read: the bytes, their number (not all need be kept), and what went wrong on the way."""

    data: bytes
    length: int
    problem: str | None


def plain_body(data: bytes, size: int, limit: int, problem: str | None) -> Body:
    """Return a body taken as it came; `limit` 0 means none."""
    if limit and size > limit:
        return Body(data[:limit], limit, f"the body is longer than the limit of {limit} bytes")
    return Body(data, size, problem)


def decoded_body(data: bytes, compression: str, limit: int, problem: str | None) -> Body:
    """Return a body decoded from the module's compression, whatever the response says of itself.

    What follows a first gzip header that makes no sense counts as nothing read.
    """
    most = limit or MAX_BODY
    decoded, trouble = unpacked(data, compression, most)
    if len(decoded) > most:
        return Body(decoded[:most], most, f"the decoded body is longer than the limit of {most} bytes")
    return Body(decoded, len(decoded), trouble or problem)
