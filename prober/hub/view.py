"""What is served: the present as last committed, in memory, for pages, metrics, the API and the terminal.

Only the pipeline writes here, after a commit; readers get plain values. `version` rises with every change, so
that a reader may keep what it rendered. History comes from the store, figures from `history.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.core.result import Result
from prober.config import Config, Probe, Service
from prober.wire import ClockEvent, ClockState, Health, SpoolState
from reports.contract import MaintenanceWindow

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
    """An agent process as the hub sees it. What is only known of a remote one is empty for a local one."""

    name: str
    regions: tuple[str, ...]  # a remote agent serves exactly one
    up: bool = False  # remote: its link is open
    pid: int = 0
    started_us: int = 0
    last_batch_us: int = 0
    restarts: int = 0
    health: Health | None = None
    remote: bool = False
    software: str = ""  # its version, as it says
    wire_version: int = 0
    fingerprint: str = ""  # of its key: the first 16 hexadecimal digits of the key's SHA-256
    enrolled_us: int = 0
    connected_us: int = 0  # when its present link was opened; 0: none is
    gone_us: int = 0  # when its last link ended
    complete_us: int = 0  # all results that began before this are on record
    series: int = 0  # how many it runs now
    batches: int = 0  # taken since the hub's start
    results: int = 0
    clock: ClockState | None = None
    clock_events: tuple[ClockEvent, ...] = ()  # the newest 20
    spool: SpoolState | None = None
    aside: int = 0  # batches kept aside: a broken chain, a wrong signature; since the hub's start
    refused: str = ""  # why nothing of it is taken, in words
    left: bool = (
        False  # it said that it goes and that nothing waits: until it is back, nothing is to come of it
    )


@dataclass(slots=True, kw_only=True)
class RegionWatch:
    """A region as a whole: what its agents and the agreement of the others say about it."""

    name: str
    complete_us: int = 0  # the watermark: all results that began before this are on record
    cut_off: bool = False  # its canaries could not be reached when they were asked last
    asked_us: int = 0  # when that was
    evidence: tuple[str, ...] = ()
    silent: bool = False  # no agent of it has delivered for longer than its probes' silence limit
    alone: tuple[str, ...] = ()  # probes that it alone sees failing, for longer than a moment
    alone_since_us: int = 0


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
    regions: dict[str, RegionWatch] = field(default_factory=dict)
    all_silent_since_us: int = 0  # every agent is silent: an event about us, not about what we watch; 0: no
    revisions: int = 0  # how often late results changed what was said of states, since the start
    settled_us: int = 0  # figures up to here are final; what came later still waits for some region
    store: StoreView = field(default_factory=StoreView)
    blackbox: BlackboxView = field(default_factory=BlackboxView)
    version: int = 0
    maintenance: tuple[MaintenanceWindow, ...] = ()  # announced windows by start, those cancelled too
