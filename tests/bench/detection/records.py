"""The daemon's own records, as its internal API gives them, in the few values that a score needs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from support.daemons import Daemon

PAGE_ROWS = 1000
AT_A_TIME = 8  # requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A probe's state changed: true since `at_us`, known at `noted_us`."""

    after: str
    at_us: int
    noted_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that was not a plain pass. `ended_us` as the daemon counts: start and all phases."""

    region: str
    kind: str
    outcome: str
    code: str
    due_us: int
    started_us: int
    ended_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything on record about one probe, oldest first. Gaps are slots without a run, as (from, to)."""

    probe: str
    changes: tuple[Change, ...]
    runs: tuple[Run, ...]
    gaps: tuple[tuple[int, int], ...] = ()


async def read_records(daemon: Daemon, probes: Sequence[str]) -> dict[str, Record]:
    """Return the records of some probes."""
    room = asyncio.Semaphore(AT_A_TIME)

    async def one(probe: str) -> Record:
        async with room:
            return await _record(daemon, probe)

    return {record.probe: record for record in await asyncio.gather(*map(one, probes))}


async def read_phases(daemon: Daemon, probes: Sequence[str]) -> dict[str, int]:
    """Return for each probe an instant at which it was due."""
    room = asyncio.Semaphore(AT_A_TIME)

    async def one(probe: str) -> int:
        async with room:
            (newest,) = await daemon.results(f"probe={probe}&limit=1")
            return int(newest["due_us"])

    return dict(zip(probes, await asyncio.gather(*map(one, probes)), strict=True))


async def _record(daemon: Daemon, probe: str) -> Record:
    changes = (await daemon.get(f"/api/v1/states?subject=probe:{probe}&limit={PAGE_ROWS}"))["changes"]
    gaps = (await daemon.get(f"/api/v1/gaps?probe={probe}&limit={PAGE_ROWS}"))["gaps"]
    return Record(
        probe=probe,
        # In the order in which they were decided: ends of runs that overlap are known to some 0.1 ms only.
        changes=tuple(
            Change(after=row["after"], at_us=row["at_us"], noted_us=row["noted_us"])
            for row in reversed(changes)
        ),
        runs=tuple(sorted(await _runs(daemon, probe), key=lambda run: run.ended_us)),
        gaps=tuple((row["from_us"], row["to_us"]) for row in reversed(gaps)),
    )


async def _runs(daemon: Daemon, probe: str) -> list[Run]:
    found: list[Run] = []
    after = ""
    while True:
        query = f"probe={probe}&outcome=fail,warn,void&limit={PAGE_ROWS}{after}"
        page = await daemon.get(f"/api/v1/results?{query}")
        for row in page["results"]:
            failures = (row["detail"] or {}).get("failures") or [{"code": ""}]
            found.append(
                Run(
                    region=row["region"], kind=row["kind"], outcome=row["outcome"], code=failures[0]["code"],
                    due_us=row["due_us"], started_us=row["started_us"],
                    ended_us=row["started_us"] + row["duration_us"],
                )
            )  # fmt: skip
        if not page["after"]:
            return found
        after = f"&after={page['after']}"
