"""Broken paths: packets between hosts that the router drops, refuses or loses, until the end of a block.

Each fault is an nftables table of its own in the router's namespace. Faults are by address and direction, so that the
way to the hub and the way to the targets break apart from each other.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from .namespaces import ROUTER, Network, run

DROP = "drop"
REJECT = "reject with icmp type host-unreachable"
RESET = "meta l4proto tcp reject with tcp reset"
_serial = itertools.count(1)


def lossy(percent: int) -> str:
    """Return the verdict that drops so many of a hundred packets, each by its own lot."""
    return f"numgen random mod 100 < {percent} drop"


@contextlib.contextmanager
def one_way(network: Network, source: str, target: str, verdict: str = DROP) -> Iterator[None]:
    """Let the packets from one host to another suffer; the way back is open."""
    with _table(network, [_rule(network, source, target, verdict)]):
        yield


@contextlib.contextmanager
def broken(
    network: Network, some: tuple[str, ...], others: tuple[str, ...], verdict: str = DROP
) -> Iterator[None]:
    """Let all packets between some hosts and others suffer, both ways."""
    pairs = [pair for one in some for other in others for pair in ((one, other), (other, one))]
    with _table(network, [_rule(network, source, target, verdict) for source, target in pairs]):
        yield


def _rule(network: Network, source: str, target: str, verdict: str) -> str:
    source_set, target_set = (", ".join(network.hosts[host]) for host in (source, target))
    # What the delaying relay puts back was looked at when it came.
    return f'iifname != "delay" ip saddr {{ {source_set} }} ip daddr {{ {target_set} }} {verdict}'


@contextlib.contextmanager
def _table(network: Network, rules: list[str]) -> Iterator[None]:
    name = f"fault{next(_serial)}"
    lines = "\n".join(["type filter hook forward priority 0", *rules])
    _nft(network, f"table ip {name} {{\nchain c {{\n{lines}\n}}\n}}\n")
    try:
        yield
    finally:
        _nft(network, f"delete table ip {name}")


def _nft(network: Network, text: str) -> None:
    run(*network.command(ROUTER, "nft", "-f", "-"), given=text)
