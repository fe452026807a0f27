"""What is broken now, for whom: one switch a host, asked by every server for every request.

Pure but for the random draws of a fault's own seeded generator. How a fault looks on the wire is the servers' business.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests a fault strikes; what is empty strikes all."""

    methods: tuple[str, ...] = ()
    path: str = ""
    """Beginning of the path."""
    header: str = ""
    """Lower case name of a header that the request must carry."""
    sources: tuple[str, ...] = ()
    """Addresses that requests come from."""
    server: str = ""
    """Name server that is asked, of those that know the host."""
    rate: float = 1.0
    """Share of the requests, drawn by the fault's generator."""
    count: int = 0
    """No more than so many requests; 0 for no limit."""
    turns_us: int = 0
    """Strikes for so long, heals for as long, and so on; 0 for always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way of being broken: `act` names it, `settings` are the act's own."""

    act: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # Any: as the table of scenarios has them
    match: Match = Match()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as far as a server knows it."""

    source: str = ""
    method: str = ""
    path: str = ""
    headers: frozenset[str] = frozenset()
    server: str = ""


class Switch:
    """A fault in force."""

    def __init__(self, fault: Fault, seed: int, now_ns: int) -> None:
        self.fault = fault
        self.struck = 0
        self._random = random.Random(seed)
        self._since_ns = now_ns

    def strikes(self, asked: Asked, now_ns: int) -> bool:
        """Say whether this request meets the fault."""
        match = self.fault.match
        fits = (
            (not match.methods or asked.method in match.methods)
            and asked.path.startswith(match.path)
            and (not match.header or match.header in asked.headers)
            and (not match.sources or asked.source in match.sources)
            and (not match.server or asked.server == match.server)
        )
        if not fits or (match.count and self.struck >= match.count):
            return False
        if match.turns_us and (now_ns - self._since_ns) // (match.turns_us * 1000) % 2:
            return False
        if match.rate < 1.0 and self._random.random() >= match.rate:
            return False
        self.struck += 1
        return True


class Board:
    """All switches by host name."""

    def __init__(self) -> None:
        self._switches: dict[str, Switch] = {}

    def set(self, host: str, fault: Fault, seed: int = 0) -> None:
        """Put a fault in force."""
        self._switches[host] = Switch(fault, seed, time.monotonic_ns())

    def clear(self, host: str) -> None:
        """Heal a host."""
        self._switches.pop(host, None)

    def fault(self, host: str, asked: Asked, *acts: str) -> Fault | None:
        """Return the fault that strikes a request, if it is one of these acts (none named: any)."""
        switch = self._switches.get(host)
        if switch is None or (acts and switch.fault.act not in acts):
            return None
        return switch.fault if switch.strikes(asked, time.monotonic_ns()) else None
