"""From a module to its prober: the one table of them."""

from __future__ import annotations

from importlib import import_module

from .modules import Module
from .probe import Probe

_PROBERS = {
    "http": ("probe_http", "HttpProber"),
    "tcp": ("probe_tcp", "TcpProber"),
    "dns": ("probe_dns", "DnsProber"),
    "icmp": ("probe_icmp", "IcmpProber"),
    "grpc": ("probe_grpc", "GrpcProber"),
    "unix": ("probe_unix", "UnixProber"),
    "websocket": ("probe_websocket", "WebsocketProber"),
}


def make(module: Module, target: str, hostname: str | None = None) -> Probe:
    """Return the prober for one run of a module against a target; `hostname` is the caller's name for it.

    Never raises for what a target is: one that cannot be used makes a failed run.
    """
    file, name = _PROBERS[module.prober]
    prober: type[Probe] = getattr(import_module(f"{__package__}.{file}"), name)
    return prober(module, target, hostname)
