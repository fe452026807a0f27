"""A run that never has to wait for data still gives other runs their turn, and its own deadline a chance."""

from __future__ import annotations

import asyncio
import socket

from support.http_checks import PATIENCE_US, reactor

from checks.core.check import Place
from checks.core.clock import monotonic_ns
from checks.core.datagram import Datagrams
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


async def test_datagrams_without_end_let_others_and_the_deadline_have_their_turn() -> None:
    reads_before_the_timer: list[int] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, reactor() as engine:
        sender.bind(("127.0.0.1", 0))
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
        reads = 0

        async def read_all() -> None:
            nonlocal reads
            line = Datagrams(watch, Address("127.0.0.1", sender.getsockname()[1], 4))
            try:
                line.send(b"hello")
                _, ours = sender.recvfrom(10)
                engine.call_at(monotonic_ns(), lambda: reads_before_the_timer.append(reads))
                for _ in range(10 * READS_A_TURN):
                    sender.sendto(b"x", ours)
                    sender.sendto(b"x", ours)
                    await line.receive()
                    reads += 1
            finally:
                line.close()

        async with asyncio.timeout(10):
            await engine.run(read_all())
    assert reads_before_the_timer[0] <= READS_A_TURN + 1  # the first one waited


async def test_who_has_waited_for_data_is_woken_for_room_once_it_waits_for_that() -> None:
    size = 2**24  # more than all buffers on the way hold
    with reactor() as engine:
        watch = Watch(Place(reactor=engine, timeout_us=PATIENCE_US))
        received: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"x")
            received.set_result(len(await reader.read(-1)))
            writer.close()

        async def talk(port: int) -> None:
            link = await connect(watch, Address("127.0.0.1", port, 4))
            try:
                await link.receive()
                await link.send(bytes(size))
            finally:
                link.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, asyncio.timeout(20):
            await engine.run(talk(server.sockets[0].getsockname()[1]))
            assert await received == size
