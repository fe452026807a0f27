"""The store's contract: what is kept and in which units. No SQL here, and none outside an implementation.

Commit before you tell: one `WriteSet` is one transaction, taken whole or not at all. Readers have their own
connections and never wait for the writer. Instants are micro-seconds since the epoch, UTC.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from checks.core.result import Result

from .records import ClosedRow as ClosedRow
from .records import DeliveryRow as DeliveryRow
from .records import ImportedRow as ImportedRow
from .records import ImportRow as ImportRow
from .records import MaintenanceRow as MaintenanceRow
from .records import TroubleRow as TroubleRow


class StoreError(Exception):
    """The store cannot be used as asked; the text says what to do."""


class UnknownKey(StoreError):
    """The key of a page is none that this store gave out."""


class StoreBusy(StoreError):
    """The write did not happen (disk full, locked): nothing was taken, the same write may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    """One probe in one region on one grid. A change of interval, schedule or regions makes a new series."""

    number: int
    probe: str
    region: str
    interval_us: int
    schedule: str
    regions: tuple[str, ...]
    created_us: int


@dataclass(slots=True, kw_only=True)
class RunRow:
    """Results of equal outcome and failure code in a row, of one probe and region; scheduled or not.

    `first_us`/`first_end_us` are start and end of the first, `last_us`/`last_end_us` of the last. A run also
    ends where two starts lie further apart than twice the interval.
    """

    series: int
    number: int  # counts up per series, the open run has the highest
    outcome: str
    code: str | None
    first_us: int
    first_end_us: int
    last_us: int
    last_end_us: int
    count: int
    longest_gap_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One result, narrow. Who reads a scheduled one adds `late_us` to the instant its slot was due.

    A scheduled result is kept once a slot, its lateness only where it is over 5 ms (or negative), else as 0, and
    `started_us` is not kept: 0 when read back. Retries and rechecks are kept exactly, once a start.
    """

    series: int
    slot: int
    kind: int
    late_us: int
    started_us: int
    duration_us: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A result kept in full: everything that is not a plain pass, and each first pass after trouble."""

    series: int
    slot: int
    kind: int
    digest: str
    agent: str
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change of state of a probe or service: `subject` is `probe:NAME` or `service:NAME`."""

    at_us: int  # when it came true (a DOWN starts at the first failed scheduled run)
    noted_us: int  # when the hub knew
    subject: str
    before: str
    after: str
    because: str  # failure codes and regions, in words
    revision: int = 0  # 0: decided live; else the revision that late results led to
    withdrawn: int = 0  # the revision that no longer holds it true; 0: it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """A remote agent and the key that was pinned when it came first."""

    name: str
    region: str
    key: bytes
    enrolled_us: int
    seen_us: int
    software: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideRow:
    """A batch that could not be taken, kept for people to look at: as it came, and why."""

    agent: str
    region: str
    epoch: int
    sequence: int
    noted_us: int
    reason: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """Slots without a result, both ends included."""

    series: int
    first_slot: int
    last_slot: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The last batch taken of an agent's epoch, so that one that comes twice counts once."""

    agent: str
    epoch: int
    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call of a job that is watched; one a probe and instant. `verb` is start, success or fail."""

    probe: str
    at_us: int
    verb: str
    exit_code: int | None
    output: str  # what the job sent along, printable and bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningRow:
    """From when to when calls of these probes could reach us. Known by `from_us`: it grows while we listen."""

    from_us: int
    until_us: int
    probes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class WriteSet:
    """One transaction. `runs` holds every run that was opened or changed, in its newest form.

    What is already on record is left as it is (results, details, changes, calls) or replaced (runs, receipts), and
    what starts at the same slot (a gap) or instant (listening) grows: the same write twice is the same as once.
    """

    results: list[ResultRow] = field(default_factory=list)
    better: list[ResultRow] = field(
        default_factory=list
    )  # scheduled: each takes the place of what its slot has
    late_slots: list[tuple[int, int]] = field(default_factory=list)  # (series, slot): taken out of gaps
    details: list[Detail] = field(default_factory=list)
    runs: list[RunRow] = field(default_factory=list)
    gaps: list[GapRow] = field(default_factory=list)
    changes: list[ChangeRow] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    listening: list[ListeningRow] = field(default_factory=list)
    agents: list[AgentRow] = field(default_factory=list)  # new, or seen again: replaced by name
    forgotten: list[str] = field(default_factory=list)  # names of agents whose key is no longer pinned
    aside: list[AsideRow] = field(default_factory=list)  # the newest 1000 are kept
    dropped_runs: list[tuple[int, int]] = field(default_factory=list)  # (series, number): replaced by others
    shifts: list[tuple[int, int, str]] = field(
        default_factory=list
    )  # (series, slot, agent): who runs it from there on
    unmarked: list[str] = field(default_factory=list)  # probes whose past has been worked out
    marks: list[tuple[str, int]] = field(
        default_factory=list
    )  # (probe, instant): work its past out from there
    withdrawn: list[ChangeRow] = field(default_factory=list)  # changes, with the revision that ends them
    maintenance: list[MaintenanceRow] = field(
        default_factory=list
    )  # first come stays; only a cancellation is added
    closed: list[ClosedRow] = field(default_factory=list)  # what is on record is left as it is
    deliveries: list[DeliveryRow] = field(default_factory=list)  # replaced by key


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of results; `after` is the key for the next page, None at the end.

    Newest slot first over all series, by the instant slot x interval; equal instants by series; in one slot the
    newest retry or recheck first and the scheduled result last. A page may be short, even empty, before the end.
    """

    rows: list[ResultRow]
    details: list[Detail | None]  # beside `rows`: the full result of those that have one
    after: str | None
    agents: list[str]  # beside `rows`: who ran it; "" where that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSlots:
    """Slots of one series, both ends included; they may reach beyond what is on record."""

    series: int
    from_slot: int
    to_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultQuery:
    """Which results: all filters narrow, each series is named once; `limit` from 1 to 1000."""

    series: Sequence[SeriesSlots]
    outcomes: frozenset[str] = frozenset()  # empty: all
    after: str | None = None
    limit: int = 100


class Store(Protocol):
    """What the hub needs. Every method raises `StoreError`; writes raise `StoreBusy` when they may be retried."""

    async def open(self) -> None:
        """Open, migrate, check the schema's version. Refuses a store of a newer version."""

    async def close(self) -> None:
        """Finish the write under way and close; safe to call twice."""

    async def seed(self) -> bytes:
        """Return the 32 byte seed of the schedule, made at first use and kept for good."""

    async def series(self, wanted: Sequence[SeriesRow]) -> list[SeriesRow]:
        """Return stored series for these (number ignored), making what is missing; same order."""

    async def all_series(self) -> list[SeriesRow]:
        """Return every series ever made, by number."""

    async def write(self, writes: WriteSet) -> None:
        """Commit all of it or nothing; the values must not change until this returns."""

    async def open_runs(self) -> list[RunRow]:
        """Return the newest run of each series."""

    async def last_slots(self) -> dict[int, int]:
        """Return the highest slot on record (result or gap) of each series."""

    def runs(
        self, from_us: int, series: Sequence[int] | None = None, *, to_us: int | None = None
    ) -> AsyncIterator[list[RunRow]]:
        """Yield runs that end at or after an instant, by series then number, in lists of bounded size.

        With `to_us` only those that begin before it.
        """

    async def changes(self, subject: str | None, limit: int) -> list[ChangeRow]:
        """Return the changes noted last first, of one subject or all."""

    async def last_changes(self) -> dict[str, ChangeRow]:
        """Return each subject's change that was noted last."""

    async def states(self, subjects: Sequence[str], from_us: int) -> list[ChangeRow]:
        """Return the changes that stand and came true at or after an instant, and of each subject the last before.

        Oldest first, by the instant they came true.
        """

    async def evidence(self, series: int, spans: Sequence[tuple[int, int]], limit: int) -> list[Detail]:
        """Return the failed results of one series that began within each span, both ends included, oldest first.

        Of each span at most `limit`, the first; none that are no evidence (`Kind.SECOND`).
        """

    async def taken(self, slots: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Return the outcome on record of these (series, slot); those without a result are left out."""

    async def agents(self) -> list[AgentRow]:
        """Return the remote agents whose keys are pinned, by name."""

    async def aside(self, limit: int, *, data: bool = True) -> list[AsideRow]:
        """Return the batches kept aside, newest first; without their bytes, which may be many, if not asked for."""

    async def marks(self) -> dict[str, int]:
        """Return from when the past of probes has yet to be worked out."""

    async def revision(self) -> int:
        """Return the newest revision of the past; 0: there was none."""

    async def store_id(self) -> bytes:
        """Return 16 bytes that name this store for good: numbers of series mean nothing elsewhere."""

    async def receipts(self) -> list[Receipt]:
        """Return the receipts that were written in the last 30 days, one an epoch."""

    async def results(self, query: ResultQuery) -> Page:
        """Return one page of results."""

    async def gaps(self, series: Sequence[int], limit: int) -> list[GapRow]:
        """Return the newest gaps first."""

    async def calls(self, probe: str) -> list[CallRow]:
        """Return the calls of a probe that are kept, oldest first: the newest 200, and the newest success."""

    async def listening(self) -> list[ListeningRow]:
        """Return when calls could reach us, oldest first: the newest 1000 rows."""

    async def counts(self) -> dict[str, int]:
        """Return rows by table, and `bytes` on disk of them all, for health pages."""

    async def slot_bounds(self) -> dict[int, tuple[int, int]]:
        """Return the first and last slot on record (result or gap) of each series that has one."""

    def troubles(self, series: Sequence[int], from_us: int, to_us: int) -> AsyncIterator[list[TroubleRow]]:
        """Yield the scheduled fails and voids with a slot that may be due in [from_us, to_us), by series then slot.

        A slot is due within two intervals after slot x interval; some just outside the window may come along.
        """

    async def holes(self, series: Sequence[int], from_us: int, to_us: int) -> list[GapRow]:
        """Return the gaps with a slot that may be due in [from_us, to_us), by series then slot; not cut at the ends.

        Where gaps overlap, the slots belong to the one that begins first, so that no slot is told twice.
        """

    async def shots(self, series: int, spans: Sequence[tuple[int, int]]) -> list[ResultRow]:
        """Return every result with slots in these spans (first, last; both included), by slot; no `Kind.SECOND`."""

    def durations(self, series: int, from_slot: int, to_slot: int) -> AsyncIterator[array[int]]:
        """Yield the durations of the scheduled passes and warnings of slots from..to (both included), unordered."""

    def imported(self, probe: str, region: str, from_us: int, to_us: int) -> AsyncIterator[list[ImportedRow]]:
        """Yield what was imported of a probe and region with `from_us` <= at < `to_us`, oldest first."""

    async def imported_pairs(self) -> list[tuple[str, str, int, int, int]]:
        """Return (probe, region, first at, last at, rows) of all that was imported."""

    async def imported_sources(self) -> list[tuple[str, str, str, int, int]]:
        """Return (probe, region, source, first at, last at) of each import and what it brought results of."""

    async def imports(self) -> list[ImportRow]:
        """Return the imports, oldest first."""

    async def maintenance(self) -> list[MaintenanceRow]:
        """Return every maintenance on record, by start."""

    async def closed(
        self, contract: str | None = None, *, from_us: int | None = None, body: bool = False
    ) -> list[ClosedRow]:
        """Return closed reports by contract, customer, period and revision; of one contract and start if asked."""

    async def closed_by_digest(self, digest: str) -> ClosedRow | None:
        """Return one closed report with its body."""

    async def deliveries(self) -> list[DeliveryRow]:
        """Return what became of deliveries, the newest 10,000, oldest first."""
