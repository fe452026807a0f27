"""What one run of a drop-in prober saw: plain values, so that they can cross to another process.

The names, presence rules and zeros of the metrics are made of them in `exposition.py`. Durations are whole
micro-seconds; instants are whole seconds (of certificates, headers) or micro-seconds (of the log) since the epoch UTC.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["debug", "info", "error"]


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One line of a run's log."""

    at_us: int
    level: Level
    text: str
    fields: dict[str, str] = {}

    def logfmt(self) -> str:
        """Return the line as `key=value` pairs; the instant is left to whoever shows it."""
        pairs = {"level": self.level, "msg": self.text, **self.fields}
        return " ".join(f"{key}={_value(value)}" for key, value in pairs.items())


def _value(value: str) -> str:
    if value and value.isprintable() and not set(value) & set(' "=\\'):
        return value
    return msgspec.json.encode(value).decode()


class Lookup(msgspec.Struct, frozen=True):
    """The name became an address, or not: then family and address are left out."""

    took_us: int
    address: str | None = None
    family: int | None = None


class TlsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A completed handshake. `last_chain_expiry` is None when no chain was verified."""

    version: str
    cipher: str
    earliest_expiry: int
    last_chain_expiry: int | None
    fingerprint: str
    subject: str
    issuer: str
    names: str
    serial: str


class Expected(msgspec.Struct, frozen=True):
    """The labels that a step of a dialogue filled in."""

    labels: dict[str, str]


class HttpSeen(msgspec.Struct, frozen=True, kw_only=True, tag="http"):
    """An HTTP run. `phases_us` has what was reached; `asked` says that the first request was made ready."""

    asked: bool = False
    status: int = 0
    version: float = 0
    declared: int = 0
    body: int = 0
    redirects: int = 0
    followed: bool = False  # any of them
    secure: bool = False
    regex_failed: bool = False
    cel_failed: bool | None = None
    modified_s: int | None = None


class StreamSeen(msgspec.Struct, frozen=True, kw_only=True, tag="stream"):
    """A TCP or unix run."""

    dialled: bool = False
    regex_failed: bool = False
    bytes_failed: bool = False
    expected: tuple[Expected, ...] = ()


class DnsSeen(msgspec.Struct, frozen=True, kw_only=True, tag="dns"):
    """A DNS run; `serial` only where an SOA record was asked for and an answer came."""

    answered: bool = False
    answers: int = 0
    authorities: int = 0
    additionals: int = 0
    serial: int | None = None


class IcmpSeen(msgspec.Struct, frozen=True, kw_only=True, tag="icmp"):
    """An ICMP run; the hop limit of the reply where it is known."""

    hop_limit: int | None = None


class GrpcSeen(msgspec.Struct, frozen=True, kw_only=True, tag="grpc"):
    """A gRPC run; `health` is the serving status once the call has ended."""

    called: bool = False
    secure: bool = False
    status: int = 0
    health: str | None = None


class WebsocketSeen(msgspec.Struct, frozen=True, kw_only=True, tag="websocket"):
    """A WebSocket run."""

    status: int = 0
    upgraded: bool = False
    regex_failed: bool = False


Seen = HttpSeen | StreamSeen | DnsSeen | IcmpSeen | GrpcSeen | WebsocketSeen


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what every prober has, and what only this one has (`seen`). `void` is own trouble, in words."""

    prober: str
    success: bool
    duration_us: int
    timeout_us: int
    seen: Seen
    lookup: Lookup | None = None
    tls: TlsSeen | None = None
    phases_us: dict[str, int] = {}
    log: tuple[Line, ...] = ()
    void: str | None = None
