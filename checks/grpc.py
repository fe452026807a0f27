"""The `grpc` check: ask a server's health service whether it, or one of its services, is serving."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints, field_validator

from .core.addresses import AddressRule, Reach, visit
from .core.check import Check, Options
from .core.failures import Code, Stop, codes_of
from .core.grpc_message import MAX_SERVICE, encode_request, serving_name
from .core.hostport import split_host_port
from .core.http_fields import HeadersField, one_or_more
from .core.http_request import plain_headers
from .core.link import Link
from .core.resolve import FamilyRule
from .core.schema import unusable
from .core.thresholds import ConnectionLimits
from .core.tls import TlsOptions, layer_for
from .core.values import Secret
from .core.watch import Watch

if TYPE_CHECKING:
    from .core.grpc_call import Call

_H2 = b"h2"
_KEY = re.compile(r"[0-9a-z_.-]+")
_OWN_KEYS = frozenset({"te", "content-type", "user-agent", "host", "connection"})

Serving = Literal["SERVING", "NOT_SERVING", "UNKNOWN", "SERVICE_UNKNOWN"]


class GrpcExpect(ConnectionLimits):
    """What the health service must say, and limits on the time and on the certificate's days."""

    status: Annotated[
        tuple[Serving, ...],
        BeforeValidator(one_or_more, json_schema_input_type=Serving | list[Serving]),
        Field(min_length=1, max_length=4),
    ] = ("SERVING",)
    """The states that are right: one, or a list."""


class GrpcOptions(Options):
    """A gRPC server with the health service `grpc.health.v1.Health`."""

    address: str
    """`host:port`, or `[address]:port` for IPv6."""
    service: str = Field(default="", max_length=MAX_SERVICE)
    """The service asked about (default: the server as a whole)."""
    tls: StrictBool | TlsOptions = False
    """Speak TLS: `true`, or a block of TLS options (default: HTTP/2 in the clear)."""
    metadata: HeadersField = Field(default={})
    """Metadata sent along, by key. Values of keys such as authorization and x-api-key are never shown. The value of a
    key that ends in `-bin` is written in base64."""
    authority: Annotated[str, StringConstraints(pattern=r"^[!-.0-~]{1,255}$")] | None = None
    """What the header `:authority` says (default: the address). The certificate's name is `tls.server_name`."""
    ip: FamilyRule = "any"
    """`ip4` or `ip6` only, `prefer_ip4` or `prefer_ip6` with the other as fallback, or `any`."""
    addresses: AddressRule = "first"
    """Of the addresses behind a name: the `first` one; `any`, tried one after the other until one connects; or
    `all` of them (at most 16), each looked at in full, where one that fails fails the run."""
    expect: GrpcExpect = GrpcExpect()
    """What the health service must say, and limits on the time."""

    @field_validator("address")
    @classmethod
    def _has_port(cls, value: str) -> str:
        split_host_port(value)
        return value

    @field_validator("metadata")
    @classmethod
    def _sendable(cls, metadata: dict[str, str | Secret]) -> dict[str, str | Secret]:
        for name, value in plain_headers(metadata):
            _check_metadata(name.lower(), value)
        return metadata


def _check_metadata(name: str, value: str) -> None:
    if not _KEY.fullmatch(name):
        raise unusable("a key of metadata is made of letters, digits, hyphens, underscores and dots")
    if name in _OWN_KEYS or name.startswith("grpc-"):
        raise unusable(f"the key {name} belongs to the call itself and cannot be set")
    if name.endswith("-bin"):
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise unusable("a value under a key that ends in -bin is written in base64") from None
    elif not value.isascii():
        raise unusable("metadata is ASCII", "other bytes need a key that ends in -bin, and base64")


class GrpcCheck(Check[GrpcOptions], kind="grpc"):
    """Asks a gRPC server's health service whether it is serving."""

    phases = ("resolve", "connect", "tls", "send", "wait", "transfer")
    codes = codes_of("resolve", "connect", "tls", "connection", "timeout", "grpc") | {
        Code.HTTP_PROTOCOL,
        Code.HTTP_VERSION,
        Code.HTTP_HEADER_LIMIT,
        Code.HTTP_MALFORMED,
        Code.HTTP_TRUNCATED,
    }
    schemes = ("grpc", "grpcs")

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `grpc://host:port/service`, or `grpcs://` with TLS."""
        scheme, _, rest = url.partition("://")
        address, _, service = rest.partition("/")
        tls = {"tls": True} if scheme.lower() == "grpcs" else {}
        return {"address": address, **({"service": unquote(service)} if service else {}), **tls}

    def prepare(self) -> None:
        """Build the request once; each run says how much time it has."""
        options = self.options
        self._host, port = split_host_port(options.address)
        self._reach = Reach(host=self._host, port=port, family=options.ip, addresses=options.addresses)
        self._tls = options.tls if isinstance(options.tls, TlsOptions) else TlsOptions()
        self._request = encode_request(options.service)
        self._metadata = tuple(
            (name.lower().encode("ascii"), value.strip().encode("ascii"))
            for name, value in plain_headers(options.metadata)
        )

    @property
    def target(self) -> str:
        """Host and port, and the service where one is named."""
        return self.options.address + (f"/{self.options.service}" if self.options.service else "")

    async def look(self, watch: Watch) -> None:
        """Connect, ask, judge; the link is closed on every way out."""
        await visit(watch, self._reach, self._ask)

    async def _ask(self, watch: Watch, link: Link) -> None:
        from .core.grpc_call import call_health  # h2 is loaded where it is used

        expect = self.options.expect
        if self.options.tls is not False and not await self._secure(watch, link):
            return
        state = await call_health(watch, link, self._call())
        if state is not None:
            name = serving_name(state)
            watch.facts["serving_status"] = name
            held = name in expect.status
            watch.expect("serving status", " or ".join(expect.status), name, held, Code.GRPC_NOT_SERVING)
        expect.judge_time(watch)

    def _call(self) -> Call:
        from .core.grpc_call import Call

        authority = self.options.authority or self.options.address
        return Call(authority=authority, request=self._request, metadata=self._metadata)

    async def _secure(self, watch: Watch, link: Link) -> bool:
        layer = layer_for(self._tls, self._host, (_H2,))
        try:
            await link.start_tls(layer)
        except Stop as stop:
            if "application protocol" in stop.detail:  # their alert says that HTTP/2 is none of theirs
                raise Stop(Code.HTTP_VERSION, f"the target does not speak HTTP/2: {stop.detail}") from None
            raise
        self.options.expect.judge_certificate(watch, layer.judge(watch))
        if layer.protocol != _H2 and not watch.failed:
            raise Stop(Code.HTTP_VERSION, "the target does not speak HTTP/2 (it agreed to none by ALPN)")
        return not watch.failed
