"""What `/probe` may be pointed at: pure rules on names and addresses, so that it never is an open proxy.

Two questions. May the caller name this target: a configured probe's own host, an entry of `allow`, or `*`. And may
this address be connected to: asked of the very address that is dialled (so that no name can be rebound in between),
on every hop, for proxies as well; anything that is not public needs `private: true`, but for what is configured.
Not here: resolving, connecting (`Place.refuses` is called before each connection), answering.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16", "192.0.0.192",
         "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fe80::a9fe:a9fe"),
    )
)  # fmt: skip
_NOT_PUBLIC: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), words)
    for text, words in (
        ("0.0.0.0/8", "this host"),
        ("127.0.0.0/8", "loopback"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("100.64.0.0/10", "a carrier's own range"),
        ("169.254.0.0/16", "link-local"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("fc00::/7", "unique-local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("64:ff9b:1::/48", "a local translation to IPv4"),
        ("2001::/32", "a tunnel to a hidden address"),
    )
)
_HOLDS_IPV4: tuple[tuple[IPv6Network, int], ...] = tuple(
    (IPv6Network(text), shift)  # how far the IPv4 address lies from the right end
    for text, shift in (
        ("::ffff:0:0/96", 0), ("::ffff:0:0:0/96", 0), ("::/96", 0), ("64:ff9b::/96", 0), ("64:ff9b:1::/96", 0),
        ("2002::/16", 80),
    )
)  # fmt: skip
_NEEDS_PRIVATE = "add private: true under blackbox, or a probe for it"
_NEEDS_ALLOW = "add it to allow under blackbox, or a probe for it"


class Rules(msgspec.Struct, frozen=True):
    """What the configuration says: hosts (and socket paths) of probes, `allow`, `private`."""

    configured: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a caller may name a target; `refused` says why not. `by_address`: only if its addresses may."""

    refused: str | None = None
    hint: str = ""
    by_address: bool = False
    configured: bool = False


class Guard:
    """The rules, taken apart once."""

    def __init__(self, rules: Rules) -> None:
        self._private = rules.private
        self._configured = frozenset(map(plain_host, rules.configured))
        networks, patterns = _split(rules.allow)
        self._networks = networks
        self._patterns = patterns

    def judge(self, host: str) -> Verdict:
        """Say whether a caller may name this host, or path of a unix socket (`/` is one that is not plain)."""
        name = plain_host(host)
        if name and name in self._configured:
            return Verdict(configured=True)
        if name.startswith("/"):
            return self._judge_path()
        address = as_address(name)
        if address is not None:
            return self._judge_address(name, address)
        if self._matches(name):
            return Verdict()
        if self._networks and name:
            return Verdict(by_address=True)
        return Verdict(
            refused=f"{_said(host)} is not among the targets that may be probed", hint=_NEEDS_ALLOW
        )

    def gate(self, host: str, verdict: Verdict) -> Gate:
        """Return what decides on every address that one run against a host comes to."""
        return Gate(self, plain_host(host), verdict)

    def refused_address(self, plain: str, verdict: Verdict) -> str | None:
        """Say why an address, or a name that a proxy will look up, must not be probed; None if it may."""
        address = as_address(plain) or _in_old_notation(plain)
        if address is None:  # a name for a proxy to look up: its address is not ours to see
            return "its address is not known, and allow names networks" if verdict.by_address else None
        if verdict.by_address and not self._in_networks(address):
            return f"not among the targets that may be probed: {_NEEDS_ALLOW}"
        if not self._private and (words := not_public(address)):
            return f"{words}: {_NEEDS_PRIVATE}"
        return None

    def _judge_path(self) -> Verdict:
        if self._private and "*" in self._patterns:
            return Verdict()
        return Verdict(
            refused="a socket of this machine", hint='add a probe for it, or allow: ["*"] with private: true'
        )

    def _judge_address(self, name: str, address: Ip) -> Verdict:
        if not self._in_networks(address) and not self._matches(name):
            return Verdict(refused=f"{name} is not among the targets that may be probed", hint=_NEEDS_ALLOW)
        if not self._private and (words := not_public(address)):
            return Verdict(refused=f"{name} is {words}", hint=_NEEDS_PRIVATE)
        return Verdict()

    def _in_networks(self, address: Ip) -> bool:
        return any(address in network for network in self._networks if network.version == address.version)

    def _matches(self, name: str) -> bool:
        return any(matches(pattern, name) for pattern in self._patterns)


class Gate:
    """The rules for one run. A configured target may be private as itself: at its own address, and nowhere else."""

    def __init__(self, guard: Guard, name: str, verdict: Verdict) -> None:
        self._guard = guard
        self._name = name
        self._verdict = verdict
        self._own = name if as_address(name) is not None else None

    def found(self, host: str, address: str) -> None:
        """Take note of what a host was looked up to be; of the target itself the first address counts."""
        if self._own is None and plain_host(host) == self._name:
            self._own = plain_host(address)

    def refuses(self, address: str) -> str | None:
        """Say why an address must not be probed, None if it may: `Place.refuses` of the run."""
        plain = plain_host(address)
        if self._verdict.configured and plain == self._own:
            return None
        return self._guard.refused_address(plain, self._verdict)


def plain_host(host: str) -> str:
    """Return a host as it is compared: lower case, no brackets, no final dot, addresses in their shortest form."""
    if host.startswith("/"):
        return host
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    address = as_address(bare)
    return str(address) if address is not None else bare.lower().rstrip(".")


@lru_cache(maxsize=4096)
def as_address(text: str) -> Ip | None:
    """Return an address, without its zone, or None for anything that is not one."""
    try:
        return ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None


def _in_old_notation(text: str) -> IPv4Address | None:
    """Return what `127.1`, `0x7f000001` or `2130706433` mean to many programs. We take them for names."""
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        return None


def not_public(address: Ip) -> str | None:
    """Say in words why an address is not one of the public internet; None if it is."""
    if address in _METADATA:
        return "a cloud's metadata service"
    for network, words in _NOT_PUBLIC:
        if network.version == address.version and address in network:
            return words
    if isinstance(address, IPv6Address):
        return _hidden_ipv4(address)
    return None


def _hidden_ipv4(address: IPv6Address) -> str | None:
    for network, shift in _HOLDS_IPV4:
        if address in network:
            inner = IPv4Address(int(address) >> shift & 0xFFFFFFFF)
            words = not_public(inner)
            return f"{inner}, {words}" if words else None
    return None


def matches(pattern: str, name: str) -> bool:
    """Say whether a host pattern covers a name; `*` stands for any text. Takes time linear in both."""
    first, *rest = pattern.lower().rstrip(".").split("*")
    if not rest:
        return bool(name) and first == name
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _split(allow: Iterable[str]) -> tuple[tuple[Network, ...], tuple[str, ...]]:
    networks: list[Network] = []
    patterns: list[str] = []
    for entry in allow:
        try:
            networks.append(ip_network(entry))
        except ValueError:
            patterns.append(entry)
    return tuple(networks), tuple(patterns)


def _said(host: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in host[:100]) or "a target without a host"
