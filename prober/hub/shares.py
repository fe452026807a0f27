"""Which agent of a region runs which probe: rendezvous hashing over those that live. Pure.

Every pair of probe and agent has a weight of its own; a probe is run by the living agent that weighs most. Whoever
goes leaves its probes to the others and takes nothing from them; whoever comes takes its own share and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

LONGEST_GRACE_US = (
    10_000_000  # how long an agent may be away before others take over, where intervals are long
)
SHORTEST_SILENCE_US = 5_000_000  # an open link that says nothing for less than this is no sign of anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """When an agent was heard last, and whether its link is open."""

    name: str
    heard_us: int
    is_linked: bool


def grace_us(intervals_us: Iterable[int]) -> int:
    """Return how long an agent of a region may be away before its probes are given to others."""
    return min([LONGEST_GRACE_US, *intervals_us])


def is_living(agent: Presence, grace: int, now_us: int) -> bool:
    """Say whether an agent is thought to run its probes: heard of within the grace."""
    allowed_us = max(grace, SHORTEST_SILENCE_US) if agent.is_linked else grace
    return now_us - agent.heard_us <= allowed_us


def share_of(agents: Collection[str], probes: Iterable[str]) -> dict[str, list[str]]:
    """Return which probes each agent runs; every probe is run by exactly one of them, if there is one."""
    shares: dict[str, list[str]] = {agent: [] for agent in agents}
    if not shares:
        return shares
    for probe in probes:
        shares[max(shares, key=partial(_weight, probe))].append(probe)
    return shares


def _weight(probe: str, agent: str) -> tuple[bytes, str]:
    return blake2b(probe.encode(), key=blake2b(agent.encode(), digest_size=32).digest()).digest(), agent
