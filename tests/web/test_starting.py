"""While the daemon starts: requests wait for it, on both listeners; nothing looks missing that only is not read yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from support.served import sample

from prober.hub.serving import Served
from prober.site import public_app
from prober.web import internal_app, starting
from prober.web.listener import serve

LISTENERS = pytest.mark.parametrize("make", [internal_app, public_app])
Make = Callable[[Served], web.Application]


async def status_of(url: str, path: str) -> int:
    """Ask once."""
    async with aiohttp.ClientSession() as session, session.get(url + path) as answer:
        return answer.status


@LISTENERS
async def test_a_request_during_the_start_is_answered_once_all_is_known(make: Make) -> None:
    served = replace(sample().served(), started=asyncio.Event())
    assert served.started is not None
    listener = await serve(make(served), "127.0.0.1", 0)
    asked = asyncio.create_task(status_of(listener.url, ""))
    done, _ = await asyncio.wait({asked}, timeout=0.2)
    assert not done
    served.started.set()
    assert await asked == 200
    await listener.close()


@LISTENERS
async def test_a_start_that_takes_long_is_said_so_to_a_job_too(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "START_SECONDS", 0.05)
    listener = await serve(make(replace(sample().served(), started=asyncio.Event())), "127.0.0.1", 0)
    assert await status_of(listener.url, "ping/some-token-0123456789") == 503
    await listener.close()


async def test_the_process_lives_from_the_beginning() -> None:
    listener = await serve(internal_app(replace(sample().served(), started=asyncio.Event())), "127.0.0.1", 0)
    assert await status_of(listener.url, "healthz") == 200
    await listener.close()
