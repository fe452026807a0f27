"""The present as the own API shows it. Instants are micro-seconds since the epoch (`_us`), durations likewise.

Every field is always there; what is not known is null. Options of probes are never served, so neither are secrets.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all answers: what is not described is not there."""


class FailureShape(Shape, frozen=True, kw_only=True):
    """One reason: a code that programs rely on, and a detail for people."""

    code: str
    detail: str


class LastShape(Shape, frozen=True, kw_only=True):
    """The newest result of a probe in a region, of any kind."""

    kind: str  # scheduled, retry, recheck
    slot: int
    late_us: int
    outcome: str
    started_us: int
    duration_us: int
    phases_us: dict[str, int]
    failure: FailureShape | None


class RegionShape(Shape, frozen=True, kw_only=True):
    """A probe as one region sees it; `outcomes` and `fates` count since the daemon's start."""

    region: str
    state: str
    since_us: int
    because: str
    last: LastShape | None
    outcomes: dict[str, int]
    fates: dict[str, int]


class ProbeShape(Shape, frozen=True, kw_only=True):
    """A probe and how it stands."""

    name: str
    title: str
    kind: str
    group: str | None
    labels: dict[str, str]
    target: str
    interval_us: int
    timeout_us: int
    schedule: str
    down_when: str
    quorum: int  # regions that make it down
    state: str
    since_us: int
    because: str
    regions: list[RegionShape]
    settled_us: int | None  # figures up to here are final; null where no region is waited for
    provisional: bool  # results of a region of its own are late: what is said of the time since may change


class ServiceShape(Shape, frozen=True, kw_only=True):
    """A service and how it stands."""

    name: str
    title: str
    description: str | None
    group: str | None
    probes: list[str]
    up_when: str
    needed: int  # probes that must be up
    state: str
    since_us: int
    because: str
    settled_us: int | None  # as of a probe
    provisional: bool


class ProbesShape(Shape, frozen=True, kw_only=True):
    """All probes, in the order of the file."""

    probes: list[ProbeShape]


class ServicesShape(Shape, frozen=True, kw_only=True):
    """All services, in the order of the file."""

    services: list[ServiceShape]


class ReloadShape(Shape, frozen=True, kw_only=True):
    """How the last attempt to load the configuration went; `digest` is of the one in force."""

    ok: bool
    at_us: int
    digest: str
    faults: list[str]  # file:line:column: path: what is wrong (hint)


class StoreShape(Shape, frozen=True, kw_only=True):
    """Whether results can be stored."""

    writable: bool
    problem: str | None
    commits: int
    last_commit_us: int | None
    commit_seconds: float
    waiting_batches: int


class HealthShape(Shape, frozen=True, kw_only=True):
    """How an agent process fares."""

    worst_lag_us: int
    in_flight: int
    queued: int
    cpu_us: int
    resident_bytes: int
    clock_steps: int


class ClockShape(Shape, frozen=True, kw_only=True):
    """How far an agent's clock is ahead of the hub's, and how far off that may be."""

    offset_us: int
    error_us: int
    measured_us: int


class ClockEventShape(Shape, frozen=True, kw_only=True):
    """What happened to an agent's clock: `suspend`, `step` or `slew`, and by how much."""

    kind: str
    at_us: int
    by_us: int


class SpoolShape(Shape, frozen=True, kw_only=True):
    """What waited on an agent's disk when it delivered last, and what it gave up since its spool was made."""

    batches: int
    results: int
    bytes: int
    oldest_us: int | None
    dropped_results: int
    dropped_why: str | None
    trouble: str | None  # why its disk takes nothing; batches then wait in memory


class AgentShape(Shape, frozen=True, kw_only=True):
    """An agent process. What is known of remote ones only is null of a local one; counts begin with the daemon."""

    name: str
    regions: list[str]
    remote: bool
    standing: (
        str  # refused, up, away (a remote one that is not connected) or down (a local one that does not run)
    )
    up: bool  # of a remote one: its link is open
    pid: int | None
    software: str | None
    wire_version: int | None
    fingerprint: str | None  # of its pinned key
    enrolled_us: int | None
    started_us: int | None
    connected_us: int | None
    gone_us: int | None
    seen_us: int | None  # when it was heard of last
    last_batch_us: int | None
    complete_us: int | None  # all of its results that began before are on record
    lag_us: int | None  # how long ago that is
    restarts: int
    series: int
    batches: int
    results: int
    aside: int  # batches that were not taken and are kept aside
    refused: str | None  # why nothing of it is taken
    health: HealthShape | None
    clock: ClockShape | None
    clock_events: list[ClockEventShape]  # the newest first
    spool: SpoolShape | None


class RegionInfoShape(Shape, frozen=True, kw_only=True):
    """A region of the configuration; `/api/v1/regions` says more."""

    name: str
    title: str
    local: bool
    silent: bool
    cut_off: bool


class StatusShape(Shape, frozen=True, kw_only=True):
    """The daemon itself."""

    version: str
    now_us: int
    started_us: int
    uptime_us: int
    config_digest: str
    probes: int
    services: int
    regions: list[RegionInfoShape]
    history_ready: bool  # false while the past is still being read after a start
    reload: ReloadShape
    store: StoreShape
    agents: list[AgentShape]
    all_silent_since_us: int | None  # no agent was heard of since; null while one is
    settled_us: int | None  # figures up to here are final; null where no region is waited for


class AliveShape(Shape, frozen=True, kw_only=True):
    """The process answers."""

    alive: bool


class ReadyShape(Shape, frozen=True, kw_only=True):
    """Whether the daemon measures and stores; every reason why not."""

    ready: bool
    reasons: list[str]


class OpenApiShape(Shape, frozen=True, kw_only=True, rename={"json_schema_dialect": "jsonSchemaDialect"}):
    """This document, as OpenAPI 3.1 defines it."""

    openapi: str
    info: dict[str, str]
    json_schema_dialect: str
    paths: dict[str, Any]  # Any: as deep as OpenAPI is
    components: dict[str, Any]  # Any: as deep as JSON Schema is
