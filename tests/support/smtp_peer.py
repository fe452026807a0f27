"""A mail server on loopback that takes mails, or refuses, waits and breaks off as it is told."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "reports", "correct-horse-battery-staple"


@dataclass(slots=True)
class Taken:
    """A mail that was taken."""

    sender: str
    recipients: list[str]
    data: bytes
    encrypted: bool
    user: str
    greeting: str

    @property
    def message(self) -> EmailMessage:
        """The mail as its reader sees it."""
        found = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def text(self) -> str:
        """What stands in it."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    @property
    def files(self) -> dict[str, bytes]:
        """What is attached, by name."""
        found: dict[str, bytes] = {}
        for part in self.message.iter_attachments():
            content = part.get_content()
            found[part.get_filename() or ""] = content.encode() if isinstance(content, str) else content
        return found


@dataclass(slots=True)
class SmtpPeer:
    """What the server does with whom, and what it took."""

    mails: list[Taken] = field(default_factory=list)
    port: int = 0
    sender_answer: str = ""
    recipient_answers: dict[str, str] = field(default_factory=dict)
    """What is said to an address instead of taking it."""
    data_answer: str = ""
    """What is said to a mail instead of taking it."""
    hangs: bool = False
    """It reads mails and never answers."""
    drops: int = 0
    """So many connections break after a mail was read: `takes_first` says whether it was taken all the same."""
    takes_first: bool = False
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """A mail has come in whole."""

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet."""
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender or not."""
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient or not."""
        if address in self.recipient_answers:
            return self.recipient_answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail or not."""
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.drops and not self.takes_first:
            return self._drop(server)
        if self.data_answer:
            return self.data_answer
        self.mails.append(
            Taken(
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                data=envelope.original_content or b"",
                encrypted=session.ssl is not None or self._is_implicit(server),
                user=str(session.auth_data or ""),
                greeting=session.host_name or "",
            )
        )
        return self._drop(server) if self.drops else "250 taken"

    @staticmethod
    def _is_implicit(server: SMTP) -> bool:
        return server.transport is not None and server.transport.get_extra_info("sslcontext") is not None

    def _drop(self, server: SMTP) -> str:
        self.drops -= 1
        assert server.transport is not None
        server.transport.abort()
        return "250 nobody hears this"


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=USER if right else None)


@asynccontextmanager
async def smtp_peer(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    login: bool = False,
    limit: int = 40_000_000,
    utf8: bool = True,
) -> AsyncIterator[SmtpPeer]:
    """Serve until the block ends. With `tls` it offers STARTTLS, or speaks it from the first byte if `implicit`."""
    peer = SmtpPeer()
    settings: dict[str, Any] = {
        "data_size_limit": limit,
        "enable_SMTPUTF8": utf8,
        "hostname": "mail.test",
        "timeout": 30,
    }
    if login:
        settings |= {
            "authenticator": _authenticate,
            "auth_required": True,
            "auth_require_tls": tls is not None and not implicit,
        }
    if tls is not None and not implicit:
        settings["tls_context"] = tls

    def make() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it takes TLS from the first byte for none
            return SMTP(peer, **settings)

    server = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", 0, ssl=tls if implicit else None
    )
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await server.wait_closed()
