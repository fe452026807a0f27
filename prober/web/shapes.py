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


class AgentShape(Shape, frozen=True, kw_only=True):
    """An agent process."""

    name: str
    regions: list[str]
    up: bool
    pid: int | None
    started_us: int | None
    last_batch_us: int | None
    restarts: int
    health: HealthShape | None


class RegionInfoShape(Shape, frozen=True, kw_only=True):
    """A region of the configuration."""

    name: str
    title: str
    local: bool


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
