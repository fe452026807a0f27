"""Handing mails to real servers on loopback: taken, refused, slow, gone, encrypted; no secret in what is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from support.certs import Certificates
from support.ports import free_port
from support.smtp_peer import PASSWORD, USER, SmtpPeer, smtp_peer

from checks.core.values import Secret
from prober.notify import mail
from prober.notify.mail import Fate, NotSent, Server, send

FROM, TO = "reports@provider.example", "sla@acme.example"
DATA = b"From: reports@provider.example\r\nSubject: x\r\n\r\n.dot\r\nend\r\n"


def server(peer: SmtpPeer | int, **changes: Any) -> Server:
    """Return the server as it is configured."""
    port = peer if isinstance(peer, int) else peer.port
    return Server(**({"host": "127.0.0.1", "port": port, "tls": "none", "timeout_seconds": 10.0} | changes))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def fault(to: Server, recipient: str = TO, data: bytes = DATA) -> NotSent:
    """Return why a mail was not sent."""
    with pytest.raises(NotSent) as caught:
        await send(to, FROM, recipient, data)
    return caught.value


async def test_a_mail_arrives_as_it_was_sent() -> None:
    async with smtp_peer() as peer:
        await send(server(peer), FROM, TO, DATA)
        (taken,) = peer.mails
        assert (taken.sender, taken.recipients, taken.data) == (FROM, [TO], DATA)
        assert taken.greeting == "provider.example"


@pytest.mark.parametrize("implicit", [False, True])
async def test_it_is_encrypted_and_we_are_known(certificates: Certificates, implicit: bool) -> None:
    context = certificates.valid.server_context()
    async with smtp_peer(context, implicit=implicit, login=True) as peer:
        to = server(
            peer,
            tls="implicit" if implicit else "starttls",
            username=USER,
            password=Secret(PASSWORD),
            ca_file=certificates.ca_file,
        )
        await send(to, FROM, TO, DATA)
        (taken,) = peer.mails
        assert (taken.encrypted, taken.user) == (True, USER)


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_server_that_is_not_trusted_gets_nothing(certificates: Certificates, implicit: bool) -> None:
    async with smtp_peer(certificates.valid.server_context(), implicit=implicit) as peer:
        found = await fault(server(peer, tls="implicit" if implicit else "starttls"))
        assert found.fate is Fate.SERVER
        assert "certificate" in str(found).lower()
        assert peer.mails == []


async def test_a_server_without_starttls_gets_nothing_in_clear(certificates: Certificates) -> None:
    async with smtp_peer() as peer:
        found = await fault(server(peer, tls="starttls", ca_file=certificates.ca_file))
        assert (found.fate, peer.mails) == (Fate.SERVER, [])
        assert "STARTTLS" in str(found)


async def test_a_wrong_password_is_told_without_it(certificates: Certificates) -> None:
    async with smtp_peer(certificates.valid.server_context(), login=True) as peer:
        to = server(
            peer, tls="starttls", username=USER, password=Secret("geheim!"), ca_file=certificates.ca_file
        )
        found = await fault(to)
        assert found.fate is Fate.SERVER
        assert "535" in str(found)
        assert "geheim" not in str(found) + repr(found) + repr(to)


@pytest.mark.parametrize(
    ("answer", "fate"),
    [("550 no such user geheim!", Fate.REFUSED), ("450 try later", Fate.LATER), ("552 full", Fate.REFUSED)],
)
async def test_what_is_said_to_the_address_decides(answer: str, fate: Fate) -> None:
    async with smtp_peer() as peer:
        peer.recipient_answers[TO] = answer
        found = await fault(server(peer, username=None, password=Secret("geheim!")))
        assert found.fate is fate
        assert str(found) == f"the address is refused: {answer.replace('geheim!', '***')}"
        await send(server(peer), FROM, "ops@beta.example", DATA)


@pytest.mark.parametrize(
    ("answer", "fate"), [("554 spam", Fate.REFUSED), ("451 greylisted", Fate.LATER), ("421 bye", Fate.LATER)]
)
async def test_what_is_said_to_the_mail_decides(answer: str, fate: Fate) -> None:
    async with smtp_peer() as peer:
        peer.data_answer = answer
        found = await fault(server(peer))
        assert (found.fate, str(found)) == (fate, answer)


async def test_a_sender_who_is_refused_is_refused_for_every_mail() -> None:
    async with smtp_peer() as peer:
        peer.sender_answer = "550 not you"
        found = await fault(server(peer))
        assert (found.fate, str(found)) == (Fate.SERVER, "the sender is refused: 550 not you")


async def test_a_server_that_is_not_there_is_said_to_be() -> None:
    found = await fault(server(free_port()))
    assert found.fate is Fate.SERVER
    assert "127.0.0.1" in str(found)
    found = await fault(server(25, host="mail.invalid."))
    assert found.fate is Fate.SERVER


async def test_a_server_that_never_answers_is_left_at_the_deadline() -> None:
    async with smtp_peer() as peer:
        peer.hangs = True
        began = time.monotonic()
        found = await fault(server(peer, timeout_seconds=0.5))
        assert 0.4 < time.monotonic() - began < 5
        assert found.fate is Fate.LATER
        assert str(found).startswith("nothing whole came from 127.0.0.1 within 0.5 s") or "imed out" in str(
            found
        )


async def test_a_server_that_says_nothing_at_all_is_left_at_the_deadline() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listener:
        found = await fault(server(listener.sockets[0].getsockname()[1], timeout_seconds=0.3))
        assert found.fate is Fate.SERVER


async def test_a_connection_that_breaks_after_the_last_byte_counts_as_not_sent() -> None:
    async with smtp_peer() as peer:
        peer.drops, peer.takes_first = 1, True
        found = await fault(server(peer))
        assert found.fate is Fate.LATER
        await send(server(peer), FROM, TO, DATA)
        assert [taken.data for taken in peer.mails] == [DATA, DATA]


async def test_a_mail_that_is_too_large_is_not_even_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MAX_BYTES", len(DATA))
    async with smtp_peer() as peer:
        await send(server(peer), FROM, TO, DATA)
        found = await fault(server(peer), data=DATA + b"x")
        assert found.fate is Fate.REFUSED
        assert "send fewer formats" in str(found)
        assert peer.connections == 1


async def test_a_mail_that_is_too_large_for_the_server_is_refused() -> None:
    async with smtp_peer(limit=100) as peer:
        found = await fault(server(peer), data=DATA + b"x" * 200)
        assert found.fate is Fate.REFUSED


async def test_an_address_with_other_letters_needs_a_server_that_knows_them() -> None:
    async with smtp_peer() as peer:
        await send(server(peer), FROM, "büro@müller.example", DATA)
        assert peer.mails[0].recipients == ["büro@xn--mller-kva.example"]
    async with smtp_peer(utf8=False) as peer:
        found = await fault(server(peer), recipient="büro@acme.example")
        assert found.fate is Fate.REFUSED


async def test_a_file_of_certificates_that_is_gone_is_said(tmp_path: Path) -> None:
    async with smtp_peer() as peer:
        found = await fault(server(peer, tls="starttls", ca_file=tmp_path / "gone.pem"))
        assert found.fate is Fate.SERVER
        assert "no such file" in str(found)
