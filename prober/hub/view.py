"""What is served: the present as last committed, in memory, for pages, metrics, the API and the terminal.

Only the pipeline writes here, after a commit; readers get plain values. `version` rises with every change, so
that a reader may keep what it rendered. History comes from the store, figures from `history.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.core.result import Result
from prober.config import Config, Probe, Service
from prober.wire import Health

from .verdict import State


@dataclass(slots=True, kw_only=True)
class RegionView:
    """One probe in one region: its standing, its newest result of any kind, and counters since the start."""

    series: int
    region: str
    state: State = State.UNKNOWN
    since_us: int = 0
    because: str = "no result yet"
    last: Result | None = None
    last_kind: int = 0
    last_slot: int = 0
    last_late_us: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)  # scheduled results by outcome
    fates: dict[str, int] = field(
        default_factory=dict
    )  # slots by fate: the outcomes, and the reasons of missed ones


@dataclass(slots=True, kw_only=True)
class ProbeView:
    """A probe, its state and its regions."""

    probe: Probe
    target: str
    state: State = State.UNKNOWN
    since_us: int = 0
    because: str = "no result yet"
    regions: dict[str, RegionView] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ServiceView:
    """A service and its state."""

    service: Service
    state: State = State.UNKNOWN
    since_us: int = 0
    because: str = "no result yet"


@dataclass(slots=True, kw_only=True)
class AgentView:
    """An agent process as the hub sees it."""

    name: str
    regions: tuple[str, ...]
    up: bool = False
    pid: int = 0
    started_us: int = 0
    last_batch_us: int = 0
    restarts: int = 0
    health: Health | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadView:
    """How the last attempt to load the configuration went; `faults` as `file:line:column: ...` lines."""

    ok: bool
    at_us: int
    faults: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class StoreView:
    """Whether results can be stored; `problem` says why not, in words."""

    writable: bool = True
    problem: str | None = None
    commits: int = 0
    last_commit_us: int = 0
    commit_seconds: float = 0.0  # all commits together
    waiting_batches: int = 0


@dataclass(slots=True, kw_only=True)
class BlackboxView:
    """How the module file of `/probe` fares; `ok` is false while a newer file could not be taken."""

    configured: bool = False
    ok: bool = True
    success_us: int = 0
    unknown_modules: int = 0  # requests for a module that does not exist


@dataclass(slots=True, kw_only=True)
class View:
    """Everything that is served about the present."""

    config: Config
    started_us: int
    reload: ReloadView
    probes: dict[str, ProbeView] = field(default_factory=dict)
    services: dict[str, ServiceView] = field(default_factory=dict)
    agents: dict[str, AgentView] = field(default_factory=dict)
    store: StoreView = field(default_factory=StoreView)
    blackbox: BlackboxView = field(default_factory=BlackboxView)
    version: int = 0
