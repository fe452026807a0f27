"""Several agents that run the same slots: the best evidence is judged first, and nobody waits long."""

from __future__ import annotations

import asyncio

import pytest
from support.hubs import HEALTH, S

from checks.core.result import Outcome, Result
from prober import wire
from prober.hub import twins
from prober.hub.twins import Twins
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


async def order(*told: tuple[str, Batch]) -> list[str]:
    """Return in which order agents may go on that come in this order; each knows of all others."""
    meeting, gone = Twins(), []
    names = [agent for agent, _ in told]

    async def come(agent: str, one: Batch) -> None:
        await meeting.meet(agent, [name for name in names if name != agent], one)
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
        await Twins().meet("a", ["b"], batch(FAIL))


async def test_passes_and_single_agents_never_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 3600.0)
    async with asyncio.timeout(5):
        await Twins().meet("a", ["b"], batch(PASS))
        await Twins().meet("a", [], batch(FAIL))


async def test_who_leaves_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "WAIT_SECONDS", 3600.0)
    meeting = Twins()
    waiting = asyncio.create_task(meeting.meet("a", ["b"], batch(FAIL)))
    await asyncio.sleep(0)
    meeting.forget("b")
    async with asyncio.timeout(5):
        await waiting
