"""Servers of text protocols for tests: they answer by a table of commands, and can change to TLS on one of them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from support.certs import certificates
from support.tcp_peer import Behaviour, Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class TextServer:
    """What is said first, what is answered to which command (by its start, in any case), and where TLS begins."""

    greeting: bytes
    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    over_tls: Mapping[bytes, bytes] = field(default_factory=dict)  # what is answered otherwise then
    upgrade: bytes = b""  # the command after whose answer TLS begins
    context: ssl.SSLContext | None = None

    def behaviour(self) -> Behaviour:
        """Return what tcp_peer serves."""
        return self._behave

    async def _behave(self, conversation: Conversation) -> None:
        await conversation.send(self.greeting)
        answers = dict(self.answers)
        while line := (await conversation.line()).upper():
            command = next((each for each in answers if line.startswith(each)), None)
            if command is None:
                return
            await conversation.send(answers[command])
            if command == self.upgrade and answers[command][:1] not in b"54-":
                await conversation.writer.start_tls(self.context or certificates().valid.server_context())
                answers |= self.over_tls


SMTP = TextServer(
    greeting=b"220-mail.test here\r\n220 ESMTP Postfix\r\n",
    answers={
        b"EHLO": b"250-mail.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 go\r\n",
        b"QUIT": b"221 bye\r\n",
    },
    over_tls={b"EHLO": b"250-mail.test\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n"},
    upgrade=b"STARTTLS",
)  # fmt: skip
IMAP = TextServer(
    greeting=b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n",
    answers={
        b"P1 CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\np1 OK done\r\n",
        b"P1 STARTTLS": b"p1 OK begin\r\n", b"P2 LOGOUT": b"* BYE\r\np2 OK\r\n",
    },
    over_tls={b"P1 CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\np1 OK done\r\n"},
    upgrade=b"P1 STARTTLS",
)  # fmt: skip
POP3 = TextServer(
    greeting=b"+OK Dovecot ready.\r\n",
    answers={b"CAPA": b"+OK\r\nUIDL\r\nSTLS\r\n.\r\n", b"STLS": b"+OK begin\r\n", b"QUIT": b"+OK bye\r\n"},
    over_tls={b"CAPA": b"+OK\r\nUIDL\r\nSASL PLAIN\r\n.\r\n"},
    upgrade=b"STLS",
)
FTP = TextServer(
    greeting=b"220 ftp.test ready\r\n",
    answers={
        b"FEAT": b"211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n", b"AUTH TLS": b"234 go\r\n",
        b"QUIT": b"221 bye\r\n",
    },
    upgrade=b"AUTH TLS",
)  # fmt: skip
SERVERS = {"smtp": SMTP, "imap": IMAP, "pop3": POP3, "ftp": FTP}
