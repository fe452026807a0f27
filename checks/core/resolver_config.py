"""What this system says about names: name servers, search list and hosts file, as one value.

Read from /etc/resolv.conf and /etc/hosts, and again when those files change. Asking is `resolve.py`'s work.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .clock import monotonic_ns
from .link import Address

DNS_PORT = 53
MAX_SERVERS, MAX_SEARCH = 3, 6
MAX_TIMEOUT_S, MAX_ATTEMPTS, MAX_NDOTS = 30, 5, 15
MAX_FILE_BYTES = 16 * 2**20  # of a hosts file; blocklists of a million lines are not for a prober
LOOK_AGAIN_NS = 1_000_000_000  # how long files are trusted before their dates are looked at
_NUMBER = re.compile("([a-z]+):([0-9]{1,9})")
_LOCALHOST = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverConfig:
    """Name servers and the rules of asking them; `hosts` maps lower case names to addresses."""

    servers: tuple[Address, ...]
    timeout_us: int = 5_000_000
    attempts: int = 2
    search: tuple[str, ...] = ()
    ndots: int = 1
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: str = "/etc/resolv.conf"  # what people should look at when no server is of use

    def local_addresses(self, name: str) -> tuple[str, ...]:
        """Return what is known without asking anyone: the hosts file, then the loopback names."""
        wanted = name.lower().removesuffix(".")
        known = self.hosts.get(wanted, ())
        if known or not (wanted == "localhost" or wanted.endswith(".localhost")):
            return known
        return _LOCALHOST

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the full names to ask for, in order: as given, and with the search list's domains."""
        if name.endswith(".") or not self.search:
            return (name,)
        searched = tuple(f"{name}.{domain}" for domain in self.search)
        return (name, *searched) if name.count(".") >= self.ndots else (*searched, name)


def parse_resolv_conf(text: str) -> ResolverConfig:
    """Read resolv.conf's text as the system's own resolver does; what cannot be read is passed over."""
    servers: list[Address] = []
    search: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].partition(";")[0].split()
        match words[:1]:
            case ["nameserver"]:
                servers += _servers(words[1:2])
            case ["search" | "domain"]:
                search = tuple(word.rstrip(".") for word in words[1 : 1 + MAX_SEARCH] if word.rstrip("."))
            case ["options"]:
                numbers.update(_numbers(words[1:]))
    return ResolverConfig(
        servers=tuple(servers[:MAX_SERVERS]) or (Address("127.0.0.1", DNS_PORT, 4),),
        timeout_us=max(1, min(numbers.get("timeout", 5), MAX_TIMEOUT_S)) * 1_000_000,
        attempts=max(1, min(numbers.get("attempts", 2), MAX_ATTEMPTS)),
        search=search,
        ndots=min(numbers.get("ndots", 1), MAX_NDOTS),
    )


def parse_hosts(text: str) -> dict[str, tuple[str, ...]]:
    """Read a hosts file's text: every name and alias with its addresses, in the order of the file."""
    hosts: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if _family(address):
            for name in names:
                key = name.lower().removesuffix(".")
                hosts[key] = (*hosts.get(key, ()), address)
    return hosts


class SystemResolver:
    """The two files as one value, read again when a date, size or inode of theirs has changed."""

    def __init__(self, resolv_conf: Path, hosts: Path) -> None:
        self._files = (resolv_conf, hosts)
        self._stamps: tuple[object, ...] | None = None
        self._looked_ns = 0
        self._config = ResolverConfig(servers=())

    def config(self, now_ns: int) -> ResolverConfig:
        """Return the value as of `now_ns` (monotonic), at most `LOOK_AGAIN_NS` behind the files."""
        if self._stamps is None or not 0 <= now_ns - self._looked_ns < LOOK_AGAIN_NS:
            self._looked_ns = now_ns
            stamps = tuple(_stamp(path) for path in self._files)
            if stamps != self._stamps:
                self._config, self._stamps = self._read(), stamps
        return self._config

    def _read(self) -> ResolverConfig:
        asked, hosts = parse_resolv_conf(_text(self._files[0])), parse_hosts(_text(self._files[1]))
        return ResolverConfig(
            servers=asked.servers, timeout_us=asked.timeout_us, attempts=asked.attempts,
            search=asked.search, ndots=asked.ndots, hosts=hosts,
        )  # fmt: skip


_system = SystemResolver(Path("/etc/resolv.conf"), Path("/etc/hosts"))


def system_resolver() -> ResolverConfig:
    """Return what the system's files say now."""
    return _system.config(monotonic_ns())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None  # without the file the defaults hold
    return status.st_mtime_ns, status.st_size, status.st_ino


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _servers(words: list[str]) -> list[Address]:
    return [Address(text, DNS_PORT, family) for text in words if (family := _family(text))]


def _family(text: str) -> int:
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return 0


def _numbers(options: list[str]) -> dict[str, int]:
    matches = (_NUMBER.fullmatch(option) for option in options)
    return {match[1]: int(match[2]) for match in matches if match}
