"""Listening: free ports, taken ports, a bounded end, and no word about what we are made of."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp
import pytest
from aiohttp import web
from support.asking import internal
from support.ports import held_port
from support.served import sample

from prober.web import listener as module
from prober.web.listener import ListenError, serve


async def end(writer: asyncio.StreamWriter) -> None:
    """Close a connection that the other side may have cut."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_port_0_takes_a_free_one_and_says_which() -> None:
    listener = await serve(web.Application(), "127.0.0.1", 0)
    assert listener.port > 0
    assert listener.url == f"http://127.0.0.1:{listener.port}/"
    await listener.close()


async def test_an_address_in_use_is_refused_in_words() -> None:
    with held_port() as held:
        port = held.getsockname()[1]
        with pytest.raises(
            ListenError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*hint: is another daemon"
        ):
            await serve(web.Application(), "127.0.0.1", port)


async def test_after_the_end_nobody_listens_and_a_second_end_is_harmless() -> None:
    listener = await serve(web.Application(), "127.0.0.1", 0)
    await listener.close()
    await listener.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listener.port)


async def test_the_end_does_not_wait_for_a_handler_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.2)
    started = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_get("/", hang)
    listener = await serve(app, "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        asked = asyncio.create_task(session.get(listener.url))
        await started.wait()
        began = time.monotonic()
        await listener.close(0.2)
        assert time.monotonic() - began < 3
        with pytest.raises(aiohttp.ClientError):
            await asked


async def test_one_connection_too_many_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    listener = await serve(web.Application(), "127.0.0.1", 0)
    first_reader, first = await asyncio.open_connection("127.0.0.1", listener.port)
    first.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await first_reader.readline()).startswith(b"HTTP/1.1 404")
    reader, second = await asyncio.open_connection("127.0.0.1", listener.port)
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(5):
            assert await reader.read() == b""
    await end(first)
    await end(second)
    await listener.close()


async def test_a_head_that_never_ends_is_cut_after_the_idle_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.1)
    listener = await serve(web.Application(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET / HTTP/1.1\r\nHost:")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    await end(writer)
    await listener.close()


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/nothing", "/metrics"])
async def test_every_answer_is_guarded_and_names_no_software(path: str) -> None:
    async with internal(sample()) as api:
        heard = await api.ask(path)
    assert heard.headers["Server"] == "prober"
    assert heard.headers["X-Content-Type-Options"] == "nosniff"
    assert heard.headers["Cache-Control"] == "no-store"
