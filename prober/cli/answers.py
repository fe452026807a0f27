"""What `prober status` needs of the daemon's answers; keys that it does not know are passed over.

Instants are micro-seconds since the epoch (`_us`), durations likewise.
"""

from __future__ import annotations

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers."""


class FailureAnswer(Answer, frozen=True, kw_only=True):
    """One reason."""

    code: str
    detail: str


class LastAnswer(Answer, frozen=True, kw_only=True):
    """The newest result of a probe in a region."""

    outcome: str
    started_us: int
    duration_us: int
    failure: FailureAnswer | None


class RegionAnswer(Answer, frozen=True, kw_only=True):
    """A probe as one region sees it."""

    region: str
    state: str
    last: LastAnswer | None


class ProbeAnswer(Answer, frozen=True, kw_only=True):
    """A probe."""

    name: str
    state: str
    since_us: int
    because: str
    regions: list[RegionAnswer]

    @property
    def newest(self) -> LastAnswer | None:
        """The newest result of all regions."""
        results = [region.last for region in self.regions if region.last is not None]
        return max(results, key=lambda last: last.started_us, default=None)


class ServiceAnswer(Answer, frozen=True, kw_only=True):
    """A service."""

    name: str
    state: str
    since_us: int
    because: str
    probes: list[str]
    up_when: str


class ProbesAnswer(Answer, frozen=True, kw_only=True):
    """All probes."""

    probes: list[ProbeAnswer]


class ServicesAnswer(Answer, frozen=True, kw_only=True):
    """All services."""

    services: list[ServiceAnswer]


class ReloadAnswer(Answer, frozen=True, kw_only=True):
    """How the last reload went."""

    ok: bool
    faults: list[str]


class StoreAnswer(Answer, frozen=True, kw_only=True):
    """Whether results can be stored."""

    writable: bool
    problem: str | None
    waiting_batches: int


class HealthAnswer(Answer, frozen=True, kw_only=True):
    """How an agent fares."""

    worst_lag_us: int


class AgentAnswer(Answer, frozen=True, kw_only=True):
    """An agent process."""

    name: str
    regions: list[str]
    up: bool
    last_batch_us: int | None
    restarts: int
    health: HealthAnswer | None
    remote: bool = False
    seen_us: int | None = None
    refused: str | None = None


class NameAnswer(Answer, frozen=True, kw_only=True):
    """A region's name, and whether it tells anything."""

    name: str
    silent: bool = False
    cut_off: bool = False


class StatusAnswer(Answer, frozen=True, kw_only=True):
    """The daemon itself."""

    version: str
    now_us: int
    uptime_us: int
    config_digest: str
    regions: list[NameAnswer]
    history_ready: bool
    reload: ReloadAnswer
    store: StoreAnswer
    agents: list[AgentAnswer]
    all_silent_since_us: int | None = None


class RatioAnswer(Answer, frozen=True, kw_only=True):
    """A percentage without its sign, truncated toward zero."""

    text: str


class WindowAnswer(Answer, frozen=True, kw_only=True):
    """The figures of one window; without data every ratio but the coverage is null."""

    lowest: RatioAnswer | None
    measured: RatioAnswer | None
    highest: RatioAnswer | None
    coverage: RatioAnswer


class AvailabilityAnswer(Answer, frozen=True, kw_only=True):
    """A subject's windows by name."""

    windows: dict[str, WindowAnswer]
