"""The rules by which regions agree to a probe's state and probes compose a service's, and the values they speak of.

Pure functions and values; the fold that applies them over time is `fold.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from checks.core.result import Outcome

SILENCE_GRACE_US = 5_000_000  # on top of two intervals and a timeout: delivery and commit take time
SET_BACK_US = 60_000_000  # what started so much before what was seen last tells of a clock that was set back


class State(StrEnum):
    """State of a region, a probe or a service."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run as the fold needs it; instants in micro-seconds.

    `late`: delivered after newer results of its region, so not the present. `through_us`: where many runs of equal
    outcome are told as one, the start of the last of them; 0 for a single one.
    """

    probe: str
    region: str
    scheduled: bool
    outcome: Outcome
    code: str
    started_us: int
    ended_us: int
    late: bool = False
    through_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`subject` went from one state to another: true since `at_us`, known at `noted_us`."""

    subject: str
    before: State
    after: State
    at_us: int
    noted_us: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePolicy:
    """How a probe's regions agree: `quorum` regions that fail make it DOWN; `retries` failures confirm the first.

    Regions that are silent leave the vote: then `quorums` says how many must fail, by how many have a vote, and with
    fewer than `fewest` the probe is UNKNOWN. Without `quorums` a silent region counts as one that cannot tell.
    """

    name: str
    regions: tuple[str, ...]
    quorum: int
    retries: int
    silence_us: int
    is_told: bool = False  # it tells us of itself: rechecks are what it says, not what we ask to be sure
    quorums: tuple[int, ...] = ()
    fewest: int = 1

    def needed(self, silent: int) -> int:
        """Return how many regions must fail while so many are silent."""
        return self.quorums[len(self.regions) - silent] if self.quorums else self.quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePolicy:
    """A service is up when at least `needed` of its probes are."""

    name: str
    probes: tuple[str, ...]
    needed: int


def region_subject(probe: str, region: str) -> str:
    """Return the subject of one region's view of a probe."""
    return f"region:{probe}@{region}"


def probe_subject(probe: str) -> str:
    """Return the subject of a probe."""
    return f"probe:{probe}"


def service_subject(service: str) -> str:
    """Return the subject of a service."""
    return f"service:{service}"


def silence_us(interval_us: int, timeout_us: int) -> int:
    """Return how long a region may be without evidence before it is UNKNOWN."""
    return 2 * interval_us + timeout_us + SILENCE_GRACE_US


def agree(failing: int, unknown: int, quorum: int) -> State:
    """Return a probe's state: three-valued, by the number of regions that fail and that cannot tell."""
    if failing >= quorum:
        return State.DOWN
    if failing + unknown >= quorum:
        return State.UNKNOWN
    return State.DEGRADED if failing else State.UP


def vote(policy: ProbePolicy, failing: int, unknown: int, silent: int) -> State:
    """Return a probe's state by the regions that have a vote; see `ProbePolicy`."""
    if not policy.quorums:
        return agree(failing, unknown + silent, policy.quorum)
    if len(policy.regions) - silent < policy.fewest:
        return State.UNKNOWN
    return agree(failing, unknown, policy.needed(silent))


def compose(states: Iterable[State], needed: int) -> State:
    """Return a service's state from its probes': UP when `needed` are, DOWN when so many no longer can be."""
    known = list(states)
    up = sum(state in (State.UP, State.DEGRADED) for state in known)
    unknown = sum(state is State.UNKNOWN for state in known)
    if up >= needed:
        # What is unknown is no trouble of the service's: only a known one makes it degraded.
        return State.UP if all(state in (State.UP, State.UNKNOWN) for state in known) else State.DEGRADED
    return State.UNKNOWN if up + unknown >= needed else State.DOWN
