"""The rig of the regions' tests breaks what it says it breaks, and nothing else: hosts, partitions, loss, delay."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from e2e.regions.delay import delayed
from e2e.regions.faults import REJECT, RESET, broken, lossy, one_way
from e2e.regions.layout import HTTP_PORT
from e2e.regions.namespaces import NAMES, Network, need_namespaces, network
from e2e.regions.servers import servers
from e2e.regions.truth import failures
from e2e.regions.world import now_us

HOSTS = {"hub": ("192.0.2.1",), "fra": ("192.0.2.11",), "targets": ("198.51.100.1", "198.51.100.2")}
PORT = 7
PATIENCE_SECONDS = 0.4  # what has not come by then was dropped: here it takes well under a millisecond
DATAGRAMS = 4_000


@pytest.fixture(scope="module")
def hosts() -> Iterator[Network]:
    """Three hosts."""
    need_namespaces()
    with network(HOSTS) as made:
        yield made


async def answered(network: Network, source: str, target: str, address: int = 0) -> bool:
    """Say whether a datagram gets there and its answer back."""
    with (
        listening(network, target, address) as server,
        network.socket(source, kind=socket.SOCK_DGRAM) as client,
    ):
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        async with echo(server):
            try:
                await loop.sock_connect(client, server.getsockname())
                await loop.sock_sendall(client, b"?")
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await loop.sock_recv(client, 1) == b"?"
            except TimeoutError:
                return False


@contextlib.contextmanager
def listening(network: Network, host: str, address: int = 0) -> Iterator[socket.socket]:
    """Take datagrams on a host."""
    with network.socket(host, kind=socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind((network.hosts[host][address], PORT))
        yield server


@contextlib.asynccontextmanager
async def echo(server: socket.socket) -> AsyncIterator[list[int]]:
    """Send back what comes; counts it."""
    count = [0]
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        while True:
            data, sender = await loop.sock_recvfrom(server, 16)
            count[0] += 1
            await loop.sock_sendto(server, data, sender)

    task = asyncio.create_task(serve())
    try:
        yield count
    finally:
        task.cancel()


async def paths(network: Network) -> set[tuple[str, str]]:
    """Return the pairs of hosts between which question and answer pass."""
    pairs = [(one, other) for one in HOSTS for other in HOSTS if one < other]
    return {pair for pair in pairs if await answered(network, *pair)}


ALL = {("fra", "hub"), ("fra", "targets"), ("hub", "targets")}


async def test_hosts_reach_each_other_on_every_address_and_nobody_else(hosts: Network) -> None:
    assert await paths(hosts) == ALL
    assert await answered(hosts, "fra", "targets", 1)
    with hosts.socket("fra") as client:
        client.settimeout(PATIENCE_SECONDS)
        with pytest.raises(OSError, match="unreachable"):
            client.connect(("203.0.113.77", 80))


async def test_a_partition_breaks_one_path_and_heals_with_the_block(hosts: Network) -> None:
    with broken(hosts, ("fra",), ("hub",)):
        assert await paths(hosts) == ALL - {("fra", "hub")}
    with broken(hosts, ("fra",), ("targets", "hub")):
        assert await paths(hosts) == {("hub", "targets")}
    assert await paths(hosts) == ALL


async def test_a_refused_path_says_so_at_once(hosts: Network) -> None:
    for verdict, said in ((REJECT, "No route to host"), (RESET, "Connection refused")):
        with broken(hosts, ("fra",), ("targets",), verdict), hosts.socket("fra") as client:
            client.settimeout(PATIENCE_SECONDS)
            with pytest.raises(OSError, match=said):
                client.connect((HOSTS["targets"][0], PORT))


async def test_one_way_loss_lets_questions_through_and_no_answer(hosts: Network) -> None:
    loop = asyncio.get_running_loop()
    with one_way(hosts, "hub", "fra"), listening(hosts, "hub") as server:
        with hosts.socket("fra", kind=socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(server.getsockname())
            await loop.sock_sendall(client, b"!")
            assert await asyncio.wait_for(loop.sock_recv(server, 1), PATIENCE_SECONDS) == b"!"
        assert not await _closed_answers(hosts)
    assert await answered(hosts, "fra", "hub")


async def _closed_answers(hosts: Network) -> bool:
    """Say whether a refusal of the hub's kernel comes back: nobody listens on the port."""
    with hosts.socket("fra") as client:
        client.setblocking(False)
        try:
            connecting = asyncio.get_running_loop().sock_connect(client, (HOSTS["hub"][0], PORT))
            await asyncio.wait_for(connecting, PATIENCE_SECONDS)
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
    raise AssertionError("somebody listens")


async def test_loss_is_as_large_as_it_says(hosts: Network) -> None:
    loop = asyncio.get_running_loop()
    with broken(hosts, ("fra",), ("hub",), lossy(30)), listening(hosts, "hub") as server:  # noqa: SIM117
        with hosts.socket("fra", kind=socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(server.getsockname())
            async with echo(server) as count:
                for number in range(DATAGRAMS):
                    await loop.sock_sendall(client, b".")
                    if number % 50 == 0:
                        await asyncio.sleep(0)
                async with asyncio.timeout(PATIENCE_SECONDS * 10):
                    await _stands_still(count)
    assert 0.66 < count[0] / DATAGRAMS < 0.74  # 0.04 is more than five standard deviations


async def _stands_still(count: list[int]) -> None:
    before = -1
    while count[0] != before:
        before = count[0]
        await asyncio.sleep(PATIENCE_SECONDS / 4)


async def _round_trip_ms(hosts: Network, source: str, target: str) -> float:
    begin = time.monotonic()
    assert await answered(hosts, source, target)
    return (time.monotonic() - begin) * 1000


async def test_a_delayed_path_takes_that_much_longer_both_ways_and_others_do_not(hosts: Network) -> None:
    with delayed(hosts, "fra", "hub", 100):
        assert 200 <= await _round_trip_ms(hosts, "fra", "hub") < 300
        assert await _round_trip_ms(hosts, "fra", "targets") < 50
    assert await _round_trip_ms(hosts, "fra", "hub") < 50


async def test_a_plug_can_be_pulled_and_put_back(hosts: Network) -> None:
    hosts.set_link("fra", up=False)
    assert await paths(hosts) == {("hub", "targets")}
    hosts.set_link("fra", up=True)
    assert await paths(hosts) == ALL


def test_nothing_is_left_even_after_a_failure() -> None:
    need_namespaces()
    names: list[str] = []
    with pytest.raises(ZeroDivisionError):
        fail_among_hosts(names)
    assert names
    assert not any((NAMES / name).exists() for name in names)


def fail_among_hosts(names: list[str]) -> None:
    """Make hosts, note their names, and fail."""
    with network(HOSTS) as made:
        names += [made.namespace(host) for host in HOSTS]
        assert all((NAMES / name).exists() for name in names)
        raise ZeroDivisionError


async def asked(network: Network) -> str:
    """Return what the web target answers to fra, in a word."""
    with network.socket("fra") as client:
        client.setblocking(False)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.get_running_loop().sock_connect(client, (HOSTS["targets"][0], HTTP_PORT))
                await asyncio.get_running_loop().sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n")
                answer = await asyncio.get_running_loop().sock_recv(client, 4096)
        except (TimeoutError, ConnectionRefusedError) as error:
            return type(error).__name__
    return answer.split()[1].decode()


async def test_a_target_fails_as_it_is_told_and_writes_down_when(hosts: Network, tmp_path: Path) -> None:
    names = {HOSTS["targets"][0]: "web", HOSTS["targets"][1]: "api"}
    wanted = {"error": "503", "silent": "TimeoutError", "closed": "ConnectionRefusedError", "ok": "200"}
    async with servers(hosts, "targets", tmp_path / "truth", names) as running:
        assert await asked(hosts) == "200"
        begin_us = now_us()
        for mode, answer in wanted.items():
            await running.tell("web", mode)
            assert await asked(hosts) == answer
        (span,) = failures(tmp_path / "truth", "web", now_us())
        assert begin_us <= span.from_us < span.to_us <= now_us()
        assert failures(tmp_path / "truth", "api", now_us()) == []
