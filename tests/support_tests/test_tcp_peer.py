"""The TCP peers refuse, reset, stay silent and talk as their names say."""

from __future__ import annotations

import asyncio

import pytest
from support import tcp_peer as behaviours
from support.certs import certificates, trusting
from support.ports import address_usable, free_port
from support.tcp_peer import TcpPeer, never_accepting, refused, tcp_peer


async def _connect(peer: TcpPeer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(peer.host, peer.port)


async def test_close_and_reset_differ() -> None:
    async with tcp_peer(behaviours.close_at_once) as peer:
        reader, writer = await _connect(peer)
        assert await reader.read() == b""
        writer.close()
    async with tcp_peer(behaviours.reset_after(b"hi")) as peer:
        reader, writer = await _connect(peer)
        assert await reader.readexactly(2) == b"hi"
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()


async def test_a_reset_at_once_ends_the_connection() -> None:
    async with tcp_peer(behaviours.reset) as peer:
        reader, writer = await _connect(peer)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_refused_refuses_and_a_full_backlog_does_not_answer() -> None:
    with refused() as peer, pytest.raises(ConnectionRefusedError):
        await _connect(peer)
    with never_accepting() as peer, pytest.raises(TimeoutError):
        await asyncio.wait_for(_connect(peer), 0.2)


async def test_silence_banner_echo_and_garbage() -> None:
    async with tcp_peer(behaviours.silence) as peer:
        reader, writer = await _connect(peer)
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b""
        assert peer.received == b"hello"
        writer.close()
    for behaviour, wanted in [
        (behaviours.banner(b"220 hi\n"), b"220 hi\n"),
        (behaviours.echo, b"hello\n"),
        (behaviours.garbage(b"\x00\n"), b"\x00\n"),
    ]:
        async with tcp_peer(behaviour) as peer:
            reader, writer = await _connect(peer)
            writer.write(b"hello\n")
            assert await reader.readline() == wanted
            writer.close()


async def test_a_dialogue_upgrades_to_tls() -> None:
    made = certificates()
    async with tcp_peer(behaviours.smtp(made.valid.server_context())) as peer:
        reader, writer = await _connect(peer)
        assert (await reader.readline()).startswith(b"220 ")
        writer.write(b"EHLO prober\r\n")
        assert await reader.readline() == b"250-mail.test\r\n"
        assert await reader.readline() == b"250 STARTTLS\r\n"
        writer.write(b"STARTTLS\r\n")
        assert (await reader.readline()).startswith(b"220 ")
        await writer.start_tls(trusting(made.ca_file), server_hostname="peer.test")
        writer.write(b"EHLO prober\r\n")
        assert await reader.readline() == b"250 mail.test\r\n"
        writer.transport.abort()


async def test_a_wrong_line_ends_the_dialogue() -> None:
    async with tcp_peer(behaviours.scripted(behaviours.Expect(b"EHLO"))) as peer:
        reader, writer = await _connect(peer)
        writer.write(b"NOPE\r\n")
        assert await reader.read() == b""
        writer.close()


async def test_the_peer_knows_where_clients_come_from() -> None:
    async with tcp_peer(behaviours.banner(b"x"), host="127.0.0.21") as peer:
        reader, writer = await asyncio.open_connection(peer.host, peer.port, local_addr=("127.0.0.22", 0))
        await reader.readexactly(1)
        assert peer.peers[0] == writer.get_extra_info("sockname")
        writer.close()


def test_ports_and_addresses() -> None:
    assert 0 < free_port() < 65536
    assert address_usable("127.0.0.1")
    assert not address_usable("192.0.2.1")
