"""However a run of the http check ends, its sockets are closed; trouble of our own is VOID."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from support import http_answers as answers
from support.dns_peer import SILENT, dns_peer
from support.http_checks import PATIENCE_US, RESOLVER, check, codes, look, reactor
from support.http_peer import http_peer
from support.http_proxy import http_proxy
from support.tcp_peer import never_accepting, silence, tcp_peer

from checks.core.check import Place
from checks.core.link import Address
from checks.core.resolver_config import ResolverConfig
from checks.core.watch import Watch
from checks.http import HttpCheck

Scene = Callable[[], contextlib.AbstractAsyncContextManager[tuple[HttpCheck, ResolverConfig]]]


@contextlib.asynccontextmanager
async def _resolve() -> AsyncIterator[tuple[HttpCheck, ResolverConfig]]:
    async with dns_peer({("nowhere.test", kind): SILENT for kind in ("A", "AAAA")}) as peer:
        yield check("http://nowhere.test/"), ResolverConfig(servers=(Address(peer.host, peer.port, 4),))


@contextlib.asynccontextmanager
async def _connect() -> AsyncIterator[tuple[HttpCheck, ResolverConfig]]:
    with never_accepting() as peer:
        yield check(f"http://{peer.address}/"), RESOLVER


@contextlib.asynccontextmanager
async def _tunnel() -> AsyncIterator[tuple[HttpCheck, ResolverConfig]]:
    async with tcp_peer(silence) as peer:
        yield check("https://peer.test/", proxy=f"http://{peer.address}"), RESOLVER


@contextlib.asynccontextmanager
async def _tls() -> AsyncIterator[tuple[HttpCheck, ResolverConfig]]:
    async with tcp_peer(silence) as peer:
        yield check(f"https://{peer.address}/"), RESOLVER


def _http(answer: answers.Answer) -> Scene:
    @contextlib.asynccontextmanager
    async def scene() -> AsyncIterator[tuple[HttpCheck, ResolverConfig]]:
        async with http_peer({"/": answer}) as peer:
            yield check(peer.url(), expect={"body": {"contains": "x"}}), RESOLVER

    return scene


SCENES: dict[str, tuple[str, Scene]] = {
    "resolve": ("resolve", _resolve),
    "connect": ("connect", _connect),
    "tunnel": ("connect", _tunnel),
    "tls": ("tls", _tls),
    "wait": ("wait", _http(answers.hang())),
    "head": ("transfer", _http(answers.hang(b"HTTP/1.1 200 OK\r\n"))),
    "body": ("transfer", _http(answers.hang_in_body())),
}


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("ending", ["cancel", "deadline"])
async def test_every_socket_is_closed_when_a_run_is_ended(name: str, ending: str) -> None:
    stage, scene = SCENES[name]
    before = _descriptors()
    ended: list[object] = []
    async with scene() as (made, resolver):
        with reactor() as engine:
            timeout_us = PATIENCE_US if ending == "cancel" else 300_000
            watch = Watch(Place(reactor=engine, timeout_us=timeout_us, resolver=resolver, max_lag_ns=10**12))
            idle = _descriptors()
            run = engine.start(
                made.run(watch), lambda value, error: ended.append(error or value), watch.deadline_ns
            )
            await _until(lambda: watch.stage == stage and _descriptors() > idle)
            if ending == "cancel":
                run.cancel()
            await _until(lambda: run.finished)
            assert engine.channels == {}
            assert len(ended) == (0 if ending == "cancel" else 1)
    await _until(lambda: _descriptors() == before)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # the kernel's list of descriptors tells nobody of its changes
            await asyncio.sleep(0.001)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_without_descriptors_the_run_is_void() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        with reactor() as engine, _no_descriptors():
            watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
            result = await engine.run(check(peer.url()).run(watch), watch.deadline_ns)
    assert (result.outcome, codes(result)) == ("void", ["agent_descriptors"])


@contextlib.contextmanager
def _no_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))
    held = []
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.dup(0))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_source_address_that_is_not_ours_is_void() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        with reactor() as engine:
            watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US, source_address="192.0.2.77"))
            result = await engine.run(check(peer.url()).run(watch), watch.deadline_ns)
    assert (result.outcome, codes(result)) == ("void", ["agent_source_address"])


async def test_our_own_trouble_behind_a_proxy_stays_ours() -> None:
    async with http_proxy() as proxy:
        with reactor() as engine:
            watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US, source_address="192.0.2.77"))
            result = await engine.run(
                check("http://peer.test/", proxy=proxy.url).run(watch), watch.deadline_ns
            )
    assert (result.outcome, codes(result)) == ("void", ["agent_source_address"])


async def test_a_name_that_does_not_exist_is_said() -> None:
    async with dns_peer({}) as peer:
        with reactor() as engine:
            resolver = ResolverConfig(servers=(Address(peer.host, peer.port, 4),))
            watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US, resolver=resolver))
            result = await engine.run(check("http://nowhere.test/").run(watch), watch.deadline_ns)
    assert (result.outcome, codes(result), list(result.phases_us)) == (
        "fail",
        ["resolve_nxdomain"],
        ["resolve"],
    )


async def test_runs_leave_no_cycles_behind() -> None:
    async with http_peer({"/": answers.plain()}) as peer:
        await look(peer.url())
        gc.collect()
        gc.disable()
        try:
            await look(peer.url())
            found = [each for each in gc.get_objects() if type(each).__name__ == "Response"]
        finally:
            gc.enable()
    assert found == []
