"""An agent's spool in tests: contents to append, and a hub that takes what follows and counts every slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from checks.core.result import Outcome, Result
from prober import wire
from prober.agent.keys import AgentKey
from prober.agent.sealing import Content, open_sealed
from prober.agent.spool import Spool, SpoolLimits
from prober.hub.chains import Chains, Fate
from prober.wire import Batch, Gap, Health, Kind, Position, Record, Sealed

HUB = b"h" * 16
NOW_US = 1_764_547_200_000_000
MANY_BYTES = 1 << 20
MANY_ROUNDS = 1000
HEALTH = Health(worst_lag_us=900, in_flight=1, queued=0, cpu_us=10, resident_bytes=50_000_000, clock_steps=0)


class Clock:
    """A wall clock that stands until it is moved."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


LATER = Clock(NOW_US + 10_000_000)


def record(series: int, slot: int, kind: Kind = Kind.SCHEDULED, filling: str = "") -> Record:
    """Return a result of a slot; `filling` makes it larger."""
    result = Result(
        outcome=Outcome.PASS,
        started_us=NOW_US + slot * 1_000_000,
        duration_us=30_000 + slot,
        phases_us={"connect": 10_000, "wait": 20_000 + slot},
        facts={"filling": filling} if filling else {},
    )
    return Record(series, slot, int(kind), 40, result)


def content(
    records: Iterable[Record] = (), gaps: Iterable[Gap] = (), hub: bytes = HUB, complete_us: int = 0
) -> Content:
    """Return something to append."""
    return Content(
        digest="d" * 64,
        hub=hub,
        records=tuple(records),
        gaps=tuple(gaps),
        health=HEALTH,
        complete_us=complete_us,
    )


def slot_content(slot: int, series: Iterable[int] = (1, 2, 3), filling: str = "") -> Content:
    """Return one slot of some series."""
    return content([record(one, slot, filling=filling) for one in series])


@asynccontextmanager
async def opened_spool(
    folder: Path,
    limits: SpoolLimits | None = None,
    clock: Clock | None = None,
    name: str = "iad-1",
    region: str = "",
) -> AsyncIterator[Spool]:
    """Open the spool of a folder, with its key, and close it."""
    spool = Spool(folder, AgentKey.load_or_make(folder), name, limits, clock or Clock(), region)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()


async def everything(spool: Spool, epoch: int, after: int = 0) -> list[Sealed]:
    """Return all that an epoch offers after a batch."""
    found: list[Sealed] = []
    while more := await spool.unsent(epoch, found[-1].sequence if found else after, MANY_BYTES):
        found += more
    return found


async def fill_disk(spool: Spool, room_pages: int = 0) -> None:
    """Let the file not grow any more, or only by so much."""
    assert spool._connection is not None
    async with spool._connection.execute("PRAGMA page_count") as cursor:
        (pages,) = await cursor.fetchone()
    await spool._connection.execute(f"PRAGMA max_page_count={pages + room_pages}")


async def free_disk(spool: Spool) -> None:
    """Let it grow again."""
    assert spool._connection is not None
    await spool._connection.execute("PRAGMA max_page_count=1000000")


async def append_until_full(spool: Spool, slot: int) -> int:
    """Append slots to a disk that is full until it takes no more; returns the next slot."""
    await fill_disk(spool)
    while not spool.state().trouble:
        await spool.append(slot_content(slot, filling="x" * 50))
        slot += 1
    return slot


def public(folder: Path) -> bytes:
    """Return the public key of the agent of a folder."""
    return AgentKey.load_or_make(folder).public


class ModelHub:
    """Takes batches as the hub does, and notes the fate of every slot."""

    def __init__(self, public: bytes) -> None:
        self.public = public
        self.chains = Chains()
        self.records: Counter[tuple[int, int]] = Counter()
        self.gaps: dict[tuple[int, int], list[str]] = {}
        self.batches: list[Batch] = []
        self.refused: list[str] = []

    def take(self, sealed: Sealed) -> Fate:
        """Take a batch, or not; fails on one that is not what the agent signed."""
        batch, body = open_sealed(sealed, self.public)
        verdict = self.chains.judge(batch, wire.digest(body))
        if verdict.fate is Fate.NEXT:
            self.chains.on_record(self.chains.advance(batch, wire.digest(body)))
            self._count(batch)
        elif verdict.fate is Fate.BROKEN:
            self.refused.append(verdict.reason)
        return verdict.fate

    def positions(self, name: str = "iad-1") -> tuple[Position, ...]:
        """Return what is on record."""
        return self.chains.positions(name)

    def last_slots(self) -> dict[int, int]:
        """Return the highest slot of each series that has its fate."""
        found: dict[int, int] = {}
        for series, slot in (*self.records, *self.gaps):
            found[series] = max(slot, found.get(series, slot))
        return found

    async def drain(self, spool: Spool, epochs: Iterable[int] | None = None) -> None:
        """Take all that a spool offers, and acknowledge it; fails when that has no end."""
        for _ in range(MANY_ROUNDS):
            waiting = [one for one in spool.epochs() if epochs is None or one in epochs]
            if not waiting:
                return
            for epoch in waiting:
                for sealed in await everything(spool, epoch):
                    assert self.take(sealed) is not Fate.BROKEN, self.refused
                    await spool.acknowledged(epoch, sealed.sequence)
        raise AssertionError(f"{spool.epochs()} offer something for ever")

    def _count(self, batch: Batch) -> None:
        self.batches.append(batch)
        for one in batch.records:
            if one.kind == Kind.SCHEDULED:
                self.records[one.series, one.slot] += 1
        for gap in batch.gaps:
            for slot in range(gap.first, gap.last + 1):
                self.gaps.setdefault((gap.series, slot), []).append(gap.reason)
