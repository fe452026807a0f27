"""What travels between an agent and the hub: assignments down, batches up, acknowledgements down.

Canonical bytes: msgpack of array-like structs in declared order, so that equal values are equal bytes and can
be hashed and signed. What opens a conversation carries the version of the wire; the unknown is refused. A later
release adds fields at the end, with defaults, and new messages: the one before reads what it knows of them, so
that hub and agents may be one release apart in either direction. Carriers (a socket pair for local agents, a
WebSocket for remote ones) live elsewhere and only see bytes.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum, StrEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from checks.core.result import Result

VERSION = 1  # of the wire that this release writes
OLDEST = 1  # the oldest that it still reads: one before VERSION, once there is one
MAX_MESSAGE = 64 * 1024 * 1024  # bytes of one message, either way
# Looked at before anything is made of the bytes: few of them can stand for millions of values.
MAX_ITEMS = 20_000  # results, and gaps, of one batch
MAX_NOTES = 200  # clock events, cut-offs, lines of evidence
T = TypeVar("T")


class Kind(IntEnum):
    """Why a run was made. Only scheduled runs count in ratios."""

    SCHEDULED = 0
    RETRY = 1
    RECHECK = 2
    SECOND = 3  # of a slot that has a better result, or one as good: told by hubs only, and no evidence


class Missed(StrEnum):
    """Why slots have no result."""

    LATE = "late"  # the agent could not start it within its slot
    OVERRUN = "overrun"  # the run before was still going
    CLOCK = "clock"  # the wall clock was stepped over it
    AGENT_OFF = "agent_off"  # no agent was running
    DROPPED = "dropped"  # results were lost before they could be stored
    SUSPENDED = "suspended"  # the agent's machine slept over it
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


class Canaries(msgspec.Struct, frozen=True, array_like=True):
    """Control targets of a region, as `tcp://host:port`."""

    region: str
    targets: tuple[str, ...]


class Assignment(msgspec.Struct, frozen=True, array_like=True):
    """Everything an agent has to run, replacing what it had. Regions without a resolver use the machine's."""

    version: int
    digest: str  # of the configuration it comes from
    seed: bytes
    series: tuple[Series, ...]
    max_lag_us: int
    max_in_flight: int
    resolvers: tuple[Resolver, ...] = ()
    hub: bytes = b""  # which store the series numbers are of; batches name it
    canaries: tuple[Canaries, ...] = ()
    max_clock_offset_us: int = 0  # results of an agent whose clock is further off are void; 0: not looked at


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


class ClockState(msgspec.Struct, frozen=True, array_like=True):
    """How far the agent's wall clock is ahead of the hub's, and how far off that may be (half a round trip)."""

    offset_us: int
    error_us: int
    measured_us: int  # when, by the agent's clock


class ClockEvent(msgspec.Struct, frozen=True, array_like=True):
    """What happened to the agent's wall clock: `suspend` (the machine slept), `step` or `slew`, and by how much."""

    kind: str
    at_us: int
    by_us: int


class SpoolState(msgspec.Struct, frozen=True, array_like=True):
    """What waits on the agent's disk when the batch is sealed, and what was given up since the spool was made."""

    batches: int
    results: int
    bytes: int
    oldest_us: int  # start of the oldest result that waits; 0: none does
    dropped_results: int = 0
    dropped_why: str = ""  # of the newest loss: size, age, disk, clock
    trouble: str = ""  # why the disk takes nothing now, in words; batches then wait in memory


class Cutoff(msgspec.Struct, frozen=True, array_like=True):
    """A region's canaries were asked: `reached` says whether one answered. `evidence` in words, one a canary."""

    region: str
    at_us: int
    reached: bool
    evidence: Annotated[tuple[str, ...], Meta(max_length=MAX_NOTES)]


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """What an agent delivers: numbered without a hole and chained by hash within an epoch.

    An epoch is one chain: an agent begins one when it starts, and another when it has much to catch up with, so that
    new results need not wait for old ones; epochs rise. The first batch of an epoch names the last one of the epoch
    before. `from_us` and `until_us` are the starts of its first and last result (0, 0: none).

    Results that the agent had to give up are replaced by one batch that stands for them: `first_sequence` to
    `sequence`, its gaps say which slots, and `stands_for` is the hash that the next batch names.
    """

    version: int
    agent: str
    epoch: int
    sequence: int
    previous: bytes  # sha256 of the batch before in this epoch; empty for the first
    digest: str  # of the configuration that the results were measured under
    records: Annotated[tuple[Record, ...], Meta(max_length=MAX_ITEMS)]
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=MAX_ITEMS)]
    health: Health
    hub: bytes = b""  # of the assignment that the series numbers come from
    from_us: int = 0
    until_us: int = 0
    complete_us: int = (
        0  # all results that began before this are in this batch or in earlier ones of any epoch
    )
    first_sequence: int = 0  # 0: stands for itself only
    stands_for: bytes = b""
    previous_epoch: int = (
        0  # of the first batch of an epoch: the epoch that `previous` is of; 0: there was none
    )
    clock: ClockState | None = None  # None: never measured against a hub since the agent's start
    clock_events: Annotated[tuple[ClockEvent, ...], Meta(max_length=MAX_NOTES)] = ()
    spool: SpoolState | None = None
    cutoffs: Annotated[tuple[Cutoff, ...], Meta(max_length=MAX_NOTES)] = ()
    leaving: bool = False  # the last one: nothing else waits, and the agent goes because it was told to


class Ack(msgspec.Struct, frozen=True, array_like=True):
    """Batches up to this sequence are committed. When the hub received the batch and answered, by its clock."""

    epoch: int
    sequence: int
    received_us: int = 0
    sent_us: int = 0


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """A batch was not taken. `fate`: `retry` (later, as it is), `aside` (kept for people to look at; go on after it
    in a new epoch), `stop` (nothing of this agent is taken until a person has acted)."""

    epoch: int
    sequence: int
    fate: str
    reason: str


class Challenge(msgspec.Struct, frozen=True, array_like=True):
    """The hub's first message on a link: who it is, what it speaks, and what to sign."""

    version: int
    oldest: int
    hub: bytes
    region: str  # that the token is of
    nonce: bytes
    now_us: int


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The agent's answer. `signature` is over `hello_bytes`, by the key that the hub pins at the first time."""

    version: int
    oldest: int
    agent: str
    software: str
    key: bytes  # Ed25519, 32 bytes
    signature: bytes
    started_us: int
    asked_us: int = 0  # the agent's clock when it sent this; comes back in `Welcome`


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The last batch of an epoch that is on record."""

    epoch: int
    sequence: int
    hash: bytes


class Welcome(msgspec.Struct, frozen=True, array_like=True):
    """The hub takes the agent in: what of its chains is on record. The assignment follows."""

    positions: tuple[Position, ...]
    asked_us: int
    received_us: int
    sent_us: int


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """A batch as it travels and lies on disk: its encoded message, packed by zlib, signed by the agent's key."""

    epoch: int
    sequence: int
    packed: bytes
    signature: bytes  # over the encoded message, before packing


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """What time is it? Also says that the agent lives while it has nothing to deliver."""

    asked_us: int


class Time(msgspec.Struct, frozen=True, array_like=True):
    """The hub's answer: the agent's own stamp, and when by the hub's clock it came and was answered."""

    asked_us: int
    received_us: int
    sent_us: int


class Alone(msgspec.Struct, frozen=True, array_like=True):
    """A region fails where all others pass: let it ask its canaries."""

    region: str
    series: int


class Recheck(msgspec.Struct, frozen=True, array_like=True):
    """Run these series once at once, flagged as rechecks."""

    series: tuple[int, ...]


class Goodbye(msgspec.Struct, frozen=True, array_like=True):
    """To a local agent: finish, deliver what is there and stop. To a remote one: the hub leaves, come again later."""

    reason: str = ""


_TAGS: dict[bytes, type[msgspec.Struct]] = {
    b"A": Assignment,
    b"B": Batch,
    b"K": Ack,
    b"R": Recheck,
    b"G": Goodbye,
    b"C": Challenge,
    b"H": Hello,
    b"W": Welcome,
    b"S": Sealed,
    b"N": Refusal,
    b"Q": Ask,
    b"T": Time,
    b"L": Alone,
}
_TAG_OF = {kind: tag for tag, kind in _TAGS.items()}
_encoder = msgspec.msgpack.Encoder()
_decoders = {tag: msgspec.msgpack.Decoder(kind) for tag, kind in _TAGS.items()}
Message = (
    Assignment
    | Batch
    | Ack
    | Recheck
    | Goodbye
    | Challenge
    | Hello
    | Welcome
    | Sealed
    | Refusal
    | Ask
    | Time
    | Alone
)


class WireError(ValueError):
    """The bytes are not a message that this version reads."""


class UnknownMessage(WireError):
    """A message of a kind that this release does not know: one of a later release, to be passed over."""


def encode(message: Message) -> bytes:
    """Return the canonical bytes of a message."""
    return _TAG_OF[type(message)] + _encoder.encode(message)


def decode(data: bytes) -> Message:
    """Return the message; raises `UnknownMessage` for a kind never heard of, `WireError` for anything else."""
    decoder = _decoders.get(data[:1])
    if decoder is None:
        raise UnknownMessage(f"unknown message {data[:1]!r}: the other side speaks another version")
    try:
        message = decoder.decode(memoryview(data)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"a message that this version (wire {VERSION}) cannot read: {error}") from None
    if isinstance(message, Batch | Assignment):
        check_version(message.version)
    return message  # type: ignore[return-value]  # the decoders give these types only


def check_version(version: int, oldest: int | None = None, other: str = "the other side") -> None:
    """Raise `WireError` with words on who has to be upgraded, unless both sides understand each other.

    `version` is what the other side writes, `oldest` the oldest that it reads (None: it does not say).
    """
    if version < OLDEST:
        raise WireError(
            f"{other} speaks wire {version}, this one reads {OLDEST} to {VERSION}: upgrade {other}"
        )
    if version > VERSION + 1 or (oldest is not None and oldest > VERSION):
        raise WireError(f"{other} speaks wire {version}, this one only {VERSION}: upgrade this one")


def hello_bytes(nonce: bytes, hub: bytes, region: str, agent: str, key: bytes) -> bytes:
    """Return what an agent signs to show that its key is its own, for this link and no other."""
    return b"prober hello 1" + _encoder.encode((nonce, hub, region, agent, key))


def digest(data: bytes) -> bytes:
    """Return the hash by which the next batch names this one."""
    return hashlib.sha256(data).digest()
