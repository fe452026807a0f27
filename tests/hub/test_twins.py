"""Several agents that run the same slots: the best evidence is judged first, and nobody waits long."""

from __future__ import annotations

import asyncio

import pytest
from support.hubs import HEALTH, S

from checks.core.result import Outcome, Result
from prober import wire
from prober.hub import twins
from prober.hub.twins import Twins
from prober.store.base import SeriesRow
from prober.wire import Batch, Gap, Kind, Record

PASS, FAIL, VOID = Outcome.PASS, Outcome.FAIL, Outcome.VOID


def batch(outcome: Outcome | None, slot: int = 7, gaps: tuple[Gap, ...] = ()) -> Batch:
    records = []
    if outcome is not None:
        result = Result(outcome=outcome, started_us=S, duration_us=1, phases_us={})
        records = [Record(1, slot, int(Kind.SCHEDULED), 0, result)]
    return Batch(
        version=wire.VERSION, agent="a", epoch=1, sequence=1, previous=b"", digest="", records=tuple(records),
        gaps=gaps, health=HEALTH,
    )  # fmt: skip


def series(interval_us: int = 30 * S) -> dict[int, SeriesRow]:
    row = SeriesRow(
        number=1, probe="web", region="fra", interval_us=interval_us, schedule="fixed", regions=("fra",),
        created_us=1,
    )  # fmt: skip
    return {1: row}


async def met(*agents: str, slot: int = 6) -> Twins:
    """Return a meeting of agents that told of an earlier slot."""
    meeting = Twins()
    for agent in agents:
        await meeting.meet(agent, [], batch(PASS, slot), series())
    return meeting


async def order(*told: tuple[str, Batch]) -> list[str]:
    """Return in which order agents may go on that come in this order; each knows of all others."""
    meeting, gone = await met(*dict(told)), []
    names = [agent for agent, _ in told]

    async def come(agent: str, one: Batch) -> None:
        await meeting.meet(agent, [name for name in names if name != agent], one, series())
        gone.append(agent)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for agent, one in told:
            group.create_task(come(agent, one))
    return gone


async def test_a_pass_goes_before_a_failure_that_came_first() -> None:
    assert await order(("a", batch(FAIL)), ("b", batch(PASS))) == ["b", "a"]


async def test_a_failure_goes_before_a_void_that_came_first() -> None:
    assert await order(("a", batch(VOID)), ("b", batch(FAIL))) == ["b", "a"]


async def test_of_three_the_best_goes_first_and_the_worst_last() -> None:
    assert await order(("a", batch(VOID)), ("b", batch(FAIL)), ("c", batch(PASS))) == ["c", "b", "a"]


async def test_an_agent_that_missed_the_slot_is_not_waited_for() -> None:
    missed = batch(None, gaps=(Gap(1, 5, 7, "late"),))
    assert await order(("a", batch(FAIL)), ("b", missed)) == ["b", "a"]


async def test_an_agent_that_tells_nothing_is_waited_for_only_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 0.05)
    async with asyncio.timeout(5):
        await (await met("a", "b")).meet("a", ["b"], batch(FAIL), series())


@pytest.mark.parametrize(
    ("interval_us", "slots", "waited"),
    [(30 * S, 3, True), (30 * S, 4, False), (5 * S, 12, True), (5 * S, 13, False), (60 * S, 3, True)],
)
async def test_who_told_nothing_of_a_series_for_a_minute_and_three_slots_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, interval_us: int, slots: int, waited: bool
) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 3600.0)
    meeting = await met("a", "b", slot=100)
    meets = asyncio.create_task(meeting.meet("a", ["b"], batch(FAIL, 100 + slots), series(interval_us)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert meets.done() is not waited
    meeting.forget("b")
    await meets


async def test_who_never_told_of_a_series_is_not_waited_for_and_unknown_series_are_nobody_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 3600.0)
    meeting = await met("a")
    async with asyncio.timeout(5):
        await meeting.meet("a", ["b"], batch(FAIL), series())
        await meeting.meet("b", ["a"], batch(FAIL, gaps=(Gap(1, 5, 7, "late"),)), {})


async def test_passes_and_single_agents_never_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 3600.0)
    async with asyncio.timeout(5):
        meeting = await met("a", "b")
        await meeting.meet("a", ["b"], batch(PASS), series())
        await meeting.meet("a", [], batch(FAIL), series())


async def test_who_leaves_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 3600.0)
    meeting = await met("a", "b")
    waiting = asyncio.create_task(meeting.meet("a", ["b"], batch(FAIL), series()))
    await asyncio.sleep(0)
    assert not waiting.done()
    meeting.forget("b")
    async with asyncio.timeout(5):
        await waiting
