"""Reports are made one at a time, within a limit, and nobody waits in an endless line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from prober.web.errors import ApiError
from prober.web.turns import MAX_KEPT, Turns

SHORT_SECONDS = 0.02
DEADLINE_SECONDS = 10.0


async def test_a_second_report_begins_when_the_first_is_done() -> None:
    turns, order, go = Turns(), list[str](), asyncio.Event()

    async def first() -> None:
        order.append("first begins")
        await go.wait()
        order.append("first ends")

    async def second() -> None:
        order.append("second begins")

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(turns.take(first))
        group.create_task(turns.take(second))
        await asyncio.sleep(0)
        go.set()
    assert order == ["first begins", "first ends", "second begins"]


async def test_who_waits_too_long_is_told_and_the_work_keeps_its_turn_until_it_ends() -> None:
    turns, go, done = Turns(SHORT_SECONDS), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await go.wait()
        done.set()

    async def quick() -> str:
        return "made"

    for work in (slow, quick):
        with pytest.raises(ApiError) as told:
            await turns.take(work)
        assert told.value.status == 503
        assert told.value.problem.error == "no report within 0.02 s"
    go.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await done.wait()
        assert await turns.take(quick) == "made"


async def test_one_too_many_is_refused_at_once() -> None:
    turns, go = Turns(max_waiting=1), asyncio.Event()
    waiting = asyncio.create_task(turns.take(go.wait))
    await asyncio.sleep(0)
    with pytest.raises(ApiError, match="1 reports are asked for already"):
        await turns.take(go.wait)
    go.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await waiting
        assert await turns.take(go.wait)


async def test_work_that_fails_gives_its_turn_back() -> None:
    turns = Turns()

    async def fails() -> None:
        raise ApiError(400, "no such thing")

    async def works() -> int:
        return 7

    with pytest.raises(ApiError, match="no such thing"):
        await turns.take(fails)
    assert await turns.take(works) == 7


async def test_what_was_made_is_kept_for_who_looks_again_but_not_for_ever() -> None:
    turns, made = Turns(), list[int]()

    def work(number: int) -> Callable[[], Awaitable[int]]:
        async def make() -> int:
            made.append(number)
            return number

        return make

    assert [await turns.kept("a", work(number)) for number in (1, 2)] == [1, 1]
    for number in range(MAX_KEPT):
        await turns.kept(number, work(number))
    assert await turns.kept("a", work(3)) == 3
    assert made == [1, *range(MAX_KEPT), 3]
