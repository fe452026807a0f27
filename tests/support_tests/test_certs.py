"""The certificates are wrong in exactly the way their names say, as a real TLS handshake sees it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime

import pytest
from support.certs import Leaf, by_server_name, certificates, trusting
from support.tcp_peer import banner, tcp_peer


async def _handshake(server: ssl.SSLContext, name: str = "peer.test", client: Leaf | None = None) -> bytes:
    context = trusting(certificates().ca_file, client)
    async with tcp_peer(banner(b"hello\n"), tls=server) as peer:
        reader, writer = await asyncio.open_connection(
            peer.host, peer.port, ssl=context, server_hostname=name
        )
        try:
            return await reader.readline()
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("kind", ["valid", "chained"])
async def test_good_certificates_verify(kind: str) -> None:
    leaf: Leaf = getattr(certificates(), kind)
    assert await _handshake(leaf.server_context()) == b"hello\n"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("expired", 10),
        ("not_yet_valid", 9),
        ("self_signed", 18),
        ("wrong_host", 62),
        ("incomplete", 20),
        ("foreign", 20),
    ],
)
async def test_bad_certificates_fail_for_their_own_reason(kind: str, code: int) -> None:
    leaf: Leaf = getattr(certificates(), kind)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await _handshake(leaf.server_context())
    assert caught.value.verify_code == code


async def test_a_client_certificate_is_demanded() -> None:
    made = certificates()
    server = made.valid.server_context(client_ca=made.ca_file)
    assert await _handshake(server, client=made.client) == b"hello\n"
    with contextlib.suppress(OSError):
        assert await _handshake(server) == b""


async def test_the_server_name_picks_the_certificate() -> None:
    made, asked = certificates(), list[str | None]()
    server = by_server_name(made.valid, {"elsewhere.test": made.wrong_host}, asked)
    assert await _handshake(server, "elsewhere.test") == b"hello\n"
    assert await _handshake(server, "peer.test") == b"hello\n"
    assert asked == ["elsewhere.test", "peer.test"]


@pytest.mark.parametrize("days", [14, 0, -1, -400])
def test_days_left_rounded_down_are_those_asked_for(days: int) -> None:
    leaf = certificates().ending_in(days)
    assert (leaf.certificate.not_valid_after_utc - datetime.now(UTC)).days == days
    assert leaf.certificate.not_valid_before_utc < leaf.certificate.not_valid_after_utc
