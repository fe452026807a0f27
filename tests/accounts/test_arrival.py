"""No order of arrival changes a figure: what a hub got late, in pieces, makes the same report as what came in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hubs import NOW_US, THREE, Rig, S, T, hub
from support.late import is_settled, until
from support.scripted import seeded_store

from checks.core.result import Failure, Outcome, Result
from prober import wire
from prober.accounts.accounts import Accounts
from prober.accounts.plans import Wanted
from prober.hub import pipeline, reviser
from prober.wire import Gap, Kind, Missed, Record, SpoolState

REGIONS = ("fra", "iad", "sin")
SLOTS = 30
CONTRACTS = """
contracts:
  - {name: time, service: shop, claim: "99%"}
  - {name: pooled, service: shop, claim: "99%", quorum: pooled}
  - {name: narrow, service: shop, claim: "99%", gap: 40s}
  - {name: minutes, service: shop, claim: "99%", method: {minutes: {threshold: "50%", min_attempts: 1}}}
  - {name: requests, service: shop, claim: "99%", method: {requests: {ignore: [http_status]}}}
  - {name: slices, service: shop, claim: "99%", method: {slices: {length: 2m}}}
"""
Piece = tuple[str, list[Record], list[Gap]]
"""A region, and what one of its agent's lives measured."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviser, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(reviser, "SHARE", 0)
    monkeypatch.setattr(pipeline, "TICK_SECONDS", 0.02)


def pieces(rig: Rig, chance: Random) -> list[Piece]:
    """Return what happened in each region, cut into pieces that may come in any order."""
    found: list[Piece] = []
    down = sorted(chance.randrange(SLOTS) for _ in range(4))
    for region in REGIONS:
        first = rig.grid(region).first_due(NOW_US)
        cuts = sorted({0, SLOTS, *(chance.randrange(1, SLOTS) for _ in range(chance.randrange(5)))})
        for begin, end in pairwise(cuts):
            records: list[Record] = []
            gaps: list[Gap] = []
            for slot in range(begin, end):
                if chance.random() < 0.07:
                    reason = chance.choice([Missed.LATE, Missed.OVERRUN])
                    gaps.append(Gap(rig.number(region), first + slot, first + slot, reason.value))
                else:
                    is_down = down[0] <= slot < down[1] or down[2] <= slot < down[3]
                    records += looks(rig, region, first + slot, chance, is_down)
            found.append((region, records, gaps))
    return found


def looks(rig: Rig, region: str, slot: int, chance: Random, is_down: bool) -> list[Record]:
    """Return the results of a slot: the scheduled one, and after a failure perhaps a second look."""
    late_us = chance.choice(
        [chance.randrange(5_001), chance.randrange(5_001), 5_001, chance.randrange(100_000)]
    )
    outcomes = [Outcome.FAIL] if is_down else [Outcome.PASS] * 8 + [Outcome.FAIL, Outcome.WARN, Outcome.VOID]
    outcome = chance.choice(outcomes)
    due_us = rig.grid(region).due_us(slot)
    found = [record(rig.number(region), slot, Kind.SCHEDULED, due_us, late_us, outcome, chance)]
    after_us = found[0].result.started_us + found[0].result.duration_us + S // 2
    room_us = min(rig.grid(region).due_us(slot + 1), rig.grid(region).start_us(slot + 1)) - S
    if outcome is Outcome.FAIL and after_us < room_us and chance.random() < 0.5:
        again = Outcome.FAIL if is_down else Outcome.PASS
        found.append(record(rig.number(region), slot, Kind.RETRY, after_us, 0, again, chance))
    return found


def record(
    series: int, slot: int, kind: Kind, at_us: int, late_us: int, outcome: Outcome, chance: Random
) -> Record:
    """Return one result with what a check would say."""
    code = chance.choice(["connect_refused", "http_status"]) if outcome is Outcome.FAIL else "agent_stalled"
    failures = (Failure(code, "as drawn"),) if outcome in (Outcome.FAIL, Outcome.VOID) else ()
    took_us = chance.randrange(1_000, 400_000)
    result = Result(
        outcome=outcome,
        started_us=at_us + late_us,
        duration_us=took_us,
        phases_us={"connect": took_us},
        failures=failures,
    )
    return Record(series, slot, int(kind), late_us, result)


async def reported(order: int | None, seed: int) -> list[dict[str, Any]]:
    """Return the reports of a hub that got everything in time, or in an order of its own."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        await (await seeded_store(folder / "prober.db")).close()
        async with hub(folder, THREE.replace("title: Frankfurt", "title: F") + CONTRACTS) as rig:
            await rig.hub.loaded.wait()
            await play(rig, pieces(rig, Random(seed)), order)
            await until(lambda: is_settled(rig))
            accounts = Accounts(rig.hub.config, rig.hub.store, lambda _from, _to: ())
            window = Wanted(from_us=NOW_US - 7 * T, to_us=NOW_US + (SLOTS + 4) * T, past=0)
            made = await accounts.reports(window, NOW_US + 90 * T)
            return [plain(msgspec.to_builtins(report)) for report in made]


def plain(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from store to store."""
    report["provenance"].pop("configuration")
    return report


async def play(rig: Rig, found: Sequence[Piece], order: int | None) -> None:
    """Deliver result by result in order of time, or piece by piece in a drawn order, each from a life of its own."""
    if order is None:
        single = [
            (one.result.started_us, region, [one], list[Gap]())
            for region, records, _ in found
            for one in records
        ]
        for _, region, records, gaps in sorted(single, key=lambda each: each[0]):
            await deliver(rig, region, 1, records, gaps)
        for region, _, gaps in found:
            await deliver(rig, region, 1, [], gaps)
        return
    epochs = list(enumerate(found, 1))
    Random(order).shuffle(epochs)
    for epoch, (region, records, gaps) in epochs:
        await deliver(rig, region, epoch, records, gaps)


async def deliver(rig: Rig, region: str, epoch: int, records: Sequence[Record], gaps: Sequence[Gap]) -> None:
    """Hand a batch to the hub; its clock follows."""
    rig.wall.now_us = max([rig.wall.now_us, *(each.result.started_us + 500_000 for each in records)])
    agent = f"{region}-1"
    made = rig.batch(records, gaps, agent=agent, epoch=epoch)
    made = msgspec.structs.replace(made, spool=SpoolState(0, 0, 0, 0))
    data = wire.encode(made)
    rig.chains[agent, epoch] = made.sequence, wire.digest(data)
    async with asyncio.timeout(10):
        await rig.hub.pipeline.take(made, data)


@pytest.mark.slow
@settings(max_examples=12)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_no_order_of_arrival_changes_a_report(seed: int, order: int) -> None:
    assert asyncio.run(reported(order, seed)) == asyncio.run(reported(None, seed))
