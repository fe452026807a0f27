"""What travels between an agent and the hub: assignments down, batches up, acknowledgements down.

Canonical bytes: msgpack of array-like structs in declared order, so that equal values are equal bytes and can
be hashed and signed. Every message carries the version of the wire; the unknown is refused. Carriers (a socket
pair for local agents, later links over the network) live elsewhere and only see bytes.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum, StrEnum
from typing import TypeVar

import msgspec

from checks.core.result import Result

VERSION = 1
MAX_MESSAGE = 64 * 1024 * 1024  # bytes of one message, either way
T = TypeVar("T")


class Kind(IntEnum):
    """Why a run was made. Only scheduled runs count in ratios."""

    SCHEDULED = 0
    RETRY = 1
    RECHECK = 2


class Missed(StrEnum):
    """Why slots have no result."""

    LATE = "late"  # the agent could not start it within its slot
    OVERRUN = "overrun"  # the run before was still going
    CLOCK = "clock"  # the wall clock was stepped over it
    AGENT_OFF = "agent_off"  # no agent was running
    DROPPED = "dropped"  # results were lost before they could be stored
    PAUSED = "paused"  # taken out of the schedule on purpose


class Series(msgspec.Struct, frozen=True, array_like=True):
    """One probe in one region, as an agent runs it. Durations in micro-seconds; `number` is the hub's id."""

    number: int
    probe: str
    region: str
    kind: str
    options: bytes  # JSON of the kind's options, secrets in the clear: never logged, never shown
    interval_us: int
    timeout_us: int
    schedule: str  # stratified, fixed, round
    regions: tuple[str, ...]  # all regions of the probe, in the order that the grid permutes
    retries: int
    retry_after_us: int
    recheck_us: int  # 0: never
    source_address: str | None
    resume_slot: int  # first slot that may still be run: later than every slot on record


class Resolver(msgspec.Struct, frozen=True, array_like=True):
    """Who answers for names in a region, in place of the agent's own machine. Servers as (address, port, family)."""

    region: str
    servers: tuple[tuple[str, int, int], ...]
    hosts: tuple[tuple[str, tuple[str, ...]], ...]  # lower case names with their addresses, sorted
    timeout_us: int
    attempts: int


class Assignment(msgspec.Struct, frozen=True, array_like=True):
    """Everything an agent has to run, replacing what it had. Regions without a resolver use the machine's."""

    version: int
    digest: str  # of the configuration it comes from
    seed: bytes
    series: tuple[Series, ...]
    max_lag_us: int
    max_in_flight: int
    resolvers: tuple[Resolver, ...] = ()


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One result. `late_us` is how long after its due instant the run began."""

    series: int
    slot: int
    kind: int
    late_us: int
    result: Result


class Gap(msgspec.Struct, frozen=True, array_like=True):
    """Slots `first` to `last`, both included, without a result, and why."""

    series: int
    first: int
    last: int
    reason: str


class Health(msgspec.Struct, frozen=True, array_like=True):
    """How the agent itself fares; since the batch before."""

    worst_lag_us: int
    in_flight: int
    queued: int
    cpu_us: int  # since the agent's start
    resident_bytes: int
    clock_steps: int  # since the agent's start


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """What an agent delivers: numbered without a hole and chained by hash within an epoch (one life of an agent)."""

    version: int
    agent: str
    epoch: int
    sequence: int
    previous: bytes  # sha256 of the batch before in this epoch; empty for the first
    digest: str  # of the configuration that the results were measured under
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...]
    health: Health


class Ack(msgspec.Struct, frozen=True, array_like=True):
    """Batches up to this sequence are committed."""

    epoch: int
    sequence: int


class Recheck(msgspec.Struct, frozen=True, array_like=True):
    """Run these series once at once, flagged as rechecks."""

    series: tuple[int, ...]


class Goodbye(msgspec.Struct, frozen=True, array_like=True):
    """Finish: deliver what is there and stop."""


_TAGS: dict[bytes, type[msgspec.Struct]] = {
    b"A": Assignment,
    b"B": Batch,
    b"K": Ack,
    b"R": Recheck,
    b"G": Goodbye,
}
_TAG_OF = {kind: tag for tag, kind in _TAGS.items()}
_encoder = msgspec.msgpack.Encoder()
_decoders = {tag: msgspec.msgpack.Decoder(kind) for tag, kind in _TAGS.items()}
Message = Assignment | Batch | Ack | Recheck | Goodbye


class WireError(ValueError):
    """The bytes are not a message of this version."""


def encode(message: Message) -> bytes:
    """Return the canonical bytes of a message."""
    return _TAG_OF[type(message)] + _encoder.encode(message)


def decode(data: bytes) -> Message:
    """Return the message; raises `WireError` for anything else."""
    decoder = _decoders.get(data[:1])
    if decoder is None:
        raise WireError(f"unknown message {data[:1]!r}: the other side speaks another version")
    try:
        message = decoder.decode(memoryview(data)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"a message that this version (wire {VERSION}) cannot read: {error}") from None
    if getattr(message, "version", VERSION) != VERSION:
        raise WireError(f"wire version {message.version}, this side speaks {VERSION}: upgrade the older one")  # type: ignore[attr-defined]
    return message  # type: ignore[return-value]  # the decoders give these types only


def digest(data: bytes) -> bytes:
    """Return the hash by which the next batch names this one."""
    return hashlib.sha256(data).digest()
