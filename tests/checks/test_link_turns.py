"""A run that never has to wait for data still gives other runs their turn, and its own deadline a chance."""

from __future__ import annotations

import asyncio
import socket

from support.http_checks import PATIENCE_US, reactor

from checks.core.check import Place
from checks.core.clock import monotonic_ns
from checks.core.link import READS_A_TURN, Address, connect
from checks.core.watch import Watch


async def test_reading_without_waiting_is_interrupted() -> None:
    reads_before_the_timer: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, reactor() as engine:
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
        reads: list[bytes] = []

        async def read_all() -> None:
            link = await connect(watch, Address("127.0.0.1", listener.getsockname()[1], 4))
            server, _ = listener.accept()
            with server:
                server.sendall(b"x" * 10 * READS_A_TURN)
                engine.call_at(monotonic_ns(), lambda: reads_before_the_timer.append(len(reads)))
                while len(reads) < 10 * READS_A_TURN:
                    reads.append(await link.receive(1))
            link.close()

        async with asyncio.timeout(10):
            await engine.run(read_all())
    assert reads_before_the_timer[0] <= READS_A_TURN
