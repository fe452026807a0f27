"""The `tcp`, `unix` and `websocket` blocks of a module: connections that hold a dialogue."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from checks.core.schema import unusable

from .client_options import ClientConfig, Headers, TlsConfig, header_name
from .terms import MAX_LIST, Block, Family, Pattern, Text, Truth

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Label(Block):
    """A label of `probe_expect_info`; `${1}` stands for what was captured."""

    name: Text
    value: Text = ""

    @field_validator("name")
    @classmethod
    def _can_be_one(cls, value: str) -> str:
        if not _LABEL.fullmatch(value) or value.startswith("__"):
            raise unusable("not the name of a label", "letters, digits and _; no digit first, no __")
        return value


class QueryResponse(Block):
    """One step: expect, then expect_bytes, then send, then starttls."""

    expect: Pattern | None = None
    expect_bytes: Text | None = None
    labels: Annotated[tuple[Label, ...], Field(max_length=MAX_LIST)] = ()
    send: Text | None = None
    starttls: Truth = False

    @model_validator(mode="after")
    def _fits(self) -> QueryResponse:
        if self.expect and self.expect_bytes:
            raise unusable("expect and expect_bytes exclude each other", "make two steps of them")
        names = [label.name for label in self.labels]
        if len(set(names)) < len(names):
            raise unusable("the same label twice")
        return self


Dialogue = Annotated[tuple[QueryResponse, ...], Field(max_length=MAX_LIST)]


class TcpProbe(Block):
    """The `tcp` block."""

    preferred_ip_protocol: Family = "ip6"
    ip_protocol_fallback: Truth = True
    source_ip_address: Text = ""
    query_response: Dialogue = ()
    tls: Truth = False
    tls_config: TlsConfig = TlsConfig()


class UnixProbe(Block):
    """The `unix` block; the target is the path of a socket."""

    query_response: Dialogue = ()
    tls: Truth = False
    tls_config: TlsConfig = TlsConfig()


class WebsocketProbe(Block):
    """The `websocket` block."""

    http_config: ClientConfig = ClientConfig()
    headers: Headers = Field(default_factory=dict)
    query_response: Dialogue = ()
    preferred_ip_protocol: Family = "ip6"
    ip_protocol_fallback: Truth = True

    @field_validator("headers")
    @classmethod
    def _names(cls, value: Headers) -> Headers:
        for name in value:
            header_name(name)
        return value
