"""What may hang runs in a thread that nobody waits for, once at a time, and its trouble is its caller's."""

from __future__ import annotations

import asyncio
import threading

import pytest

from prober.agent.hop import Hops

WAIT_SECONDS = 10.0


async def test_what_hangs_runs_once_and_whoever_asks_again_shares_its_answer() -> None:
    hops, let_go, calls = Hops(), threading.Event(), []

    def hang(name: str) -> str:
        calls.append(threading.current_thread().daemon)
        let_go.wait(WAIT_SECONDS)
        return f"address of {name}"

    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await hops.call(hang, "hub")
    assert calls == [True]
    waiting = asyncio.create_task(hops.call(hang, "hub"))
    other = asyncio.create_task(hops.call(hang, "proxy"))
    await asyncio.sleep(0)
    let_go.set()
    async with asyncio.timeout(WAIT_SECONDS):
        assert await waiting == "address of hub"
        assert await other == "address of proxy"
        assert await hops.call(hang, "hub") == "address of hub"
    assert len(calls) == 3


async def test_what_fails_fails_its_caller_and_runs_anew_the_next_time() -> None:
    hops, calls = Hops(), []

    def fail() -> None:
        calls.append(1)
        raise OSError("no such name")

    for _ in range(2):
        with pytest.raises(OSError, match="no such name"):
            await hops.call(fail)
    assert len(calls) == 2


def test_an_answer_that_comes_when_its_loop_has_ended_harms_nobody() -> None:
    hops, let_go, ended = Hops(), threading.Event(), threading.Event()

    def hang() -> None:
        let_go.wait(WAIT_SECONDS)
        ended.set()

    async def give_up() -> None:
        async with asyncio.timeout(0.01):
            await hops.call(hang)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())  # returns, although the thread still hangs
    let_go.set()
    assert ended.wait(WAIT_SECONDS)
