"""The module file `blackbox.yml`, in the exporter's own format: every key of it, strictly, with its defaults.

Here: modules, and reading a file of them. Not here: the blocks (one module a theme), and what is done with them.
Unlike the exporter, every regular expression is compiled when the file is read, those of `dns` as well, and what
could never succeed (an unknown address family, DNS over TLS over UDP) is a fault of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from prober.config.faults import ConfigError
from prober.config.foreign import Foreign, parse, read_file

from .client_options import (
    Authorization,
    BasicAuth,
    ClientConfig,
    HeaderValues,
    OAuth2,
    TlsConfig,
)
from .dialogue_options import Label, QueryResponse, TcpProbe, UnixProbe, WebsocketProbe
from .http_options import HeaderMatch, HttpProbe
from .other_options import DnsProbe, GrpcProbe, IcmpProbe, RecordRules
from .terms import FOLDER, Block, DurationUs

DEFAULT_MODULE = "http_2xx"
MAX_MODULES = 10_000
Kind = Literal["http", "tcp", "dns", "icmp", "grpc", "unix", "websocket"]

_NO_DNS_BLOCK = DnsProbe.model_construct()
"""A module without a `dns` block loads in the exporter, too, and can only fail: it has no name to ask for."""
_NO_GRPC_BLOCK = GrpcProbe.model_construct(ip_protocol_fallback=False)
"""The exporter forgets the block's defaults where there is no block: IPv6 only."""


class Module(Block):
    """One way to probe. Every block is there, with its defaults where the file has none."""

    prober: Kind
    timeout_us: DurationUs = Field(default=0, alias="timeout")
    """The longest that a run takes; 0 or less leaves it to the caller."""
    http: HttpProbe = HttpProbe()
    tcp: TcpProbe = TcpProbe()
    unix: UnixProbe = UnixProbe()
    icmp: IcmpProbe = IcmpProbe()
    dns: DnsProbe = _NO_DNS_BLOCK
    grpc: GrpcProbe = _NO_GRPC_BLOCK
    websocket: WebsocketProbe = WebsocketProbe()


class Modules(Block):
    """The whole file."""

    modules: Annotated[dict[str, Module], Field(max_length=MAX_MODULES)] = Field(default_factory=dict)
    """The modules by name."""


def read(text: str, name: str) -> Modules:
    """Read a text as if it stood in the file `name`; ConfigError with every fault if it cannot be used."""
    return parse_modules(Foreign(name, text))


def parse_modules(foreign: Foreign) -> Modules:
    """Return the modules of a file that was read; ConfigError with every fault if it cannot be used."""
    return parse(foreign, Modules, {FOLDER: Path(foreign.name).absolute().parent})


def load_modules(path: Path) -> Modules:
    """Load a file; ConfigError with every fault if it cannot be read or used."""
    return parse_modules(read_file(path))


__all__ = [
    "DEFAULT_MODULE",
    "Authorization",
    "BasicAuth",
    "ClientConfig",
    "ConfigError",
    "DnsProbe",
    "GrpcProbe",
    "HeaderMatch",
    "HeaderValues",
    "HttpProbe",
    "IcmpProbe",
    "Label",
    "Module",
    "Modules",
    "OAuth2",
    "QueryResponse",
    "RecordRules",
    "TcpProbe",
    "TlsConfig",
    "UnixProbe",
    "WebsocketProbe",
    "load_modules",
    "parse_modules",
    "read",
]
