"""Handing one mail to a mail server, within a deadline, and saying what became of it.

What is told to people has the server's words and never a secret. Not here: when it is tried again (`prober.accounts`),
nor the mail itself (`message`).
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from checks.core.quote import printable
from checks.core.values import Secret

from .message import BadAddress, wired

if TYPE_CHECKING:
    import aiosmtplib

MAX_BYTES = 25_000_000
"""Of one mail as it is sent: what many servers take at most."""
TOO_LARGE = 552  # RFC 1870: said to a sender who announces more than the server takes
QUIT_SECONDS = 5.0
MAX_WORDS = 300  # characters of a server's answer


class Fate(Enum):
    """What a mail that was not sent can hope for."""

    LATER = "later"
    """It may be taken another time."""
    SERVER = "server"
    """No mail can be sent by this server at present: it cannot be reached, or does not take us."""
    REFUSED = "refused"
    """It will never be taken."""


class NotSent(Exception):
    """A mail was not sent: why, in words, and what it can hope for."""

    def __init__(self, words: str, fate: Fate, *, is_slow: bool = False) -> None:
        super().__init__(words)
        self.fate = fate
        self.is_slow = is_slow
        """Whether it was the deadline that passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server, and who we are for it."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    timeout_seconds: float = 60.0
    ca_file: Path | None = None


async def send(server: Server, sender: str, recipient: str, data: bytes) -> None:
    """Hand a mail over; returns when the server has taken it. Raises NotSent.

    If the connection breaks after the last byte, nobody can know whether it was taken: it counts as not sent.
    """
    if len(data) > MAX_BYTES:
        raise NotSent(
            f"the mail has {len(data) / 1e6:.1f} MB, over {MAX_BYTES / 1e6:.0f} (hint: send fewer formats)",
            Fate.REFUSED,
        )
    try:
        ends = wired(sender), wired(recipient)
    except BadAddress as problem:
        raise NotSent(str(problem), Fate.REFUSED) from None
    talk = _Talk(server, ends[0].rpartition("@")[2])
    try:
        async with asyncio.timeout(server.timeout_seconds):
            await talk.begin()
            await talk.hand_over(*ends, data)
            # Taken: what happens from here on changes nothing about it.
            with suppress(Exception):
                async with asyncio.timeout(QUIT_SECONDS):
                    await talk.end()
    except TimeoutError:
        if talk.is_taken:
            return
        words = f"nothing whole came from {server.host} within {server.timeout_seconds:g} s"
        raise NotSent(words, talk.fate, is_slow=True) from None
    finally:
        talk.close()


class _Talk:
    """One connection. `fate` is that of the mail if what is under way fails."""

    def __init__(self, server: Server, name: str) -> None:
        self.fate = Fate.SERVER
        self.is_taken = False
        self._name = name  # that we greet with: names of machines inside are nobody's business
        self._server = server
        self._client: aiosmtplib.SMTP | None = None

    async def begin(self) -> None:
        """Connect, encrypt, log in."""
        await asyncio.to_thread(import_module, "aiosmtplib")  # the first time it takes a while
        import aiosmtplib

        server = self._server
        try:
            context = await asyncio.to_thread(_context, server) if server.tls != "none" else None
            self._client = client = aiosmtplib.SMTP(
                hostname=server.host,
                port=server.port,
                timeout=server.timeout_seconds,
                use_tls=server.tls == "implicit",
                start_tls=False,
                tls_context=context,
                local_hostname=self._name,
            )
            await client.connect()
            if server.tls == "starttls":
                await client.starttls(tls_context=context)
            if server.username is not None and server.password is not None:
                await client.login(server.username, server.password.reveal())
        except aiosmtplib.SMTPAuthenticationError as error:
            words = f"the server does not take the user and the password ({error.code})"
            raise NotSent(words, Fate.SERVER) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotSent(self._words(error), Fate.SERVER) from None

    async def hand_over(self, sender: str, recipient: str, data: bytes) -> None:
        """Send the mail."""
        import aiosmtplib

        client = self._client
        assert client is not None  # begun
        self.fate = Fate.LATER
        try:
            options = await _options(client, (sender + recipient).isascii())
            await client.sendmail(sender, [recipient], data, mail_options=options)
        except aiosmtplib.SMTPSenderRefused as error:
            # The same for every mail of ours, but where this one is too large.
            fate = Fate.REFUSED if error.code == TOO_LARGE else Fate.SERVER
            raise NotSent(f"the sender is refused: {self._words(error)}", fate) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            raise NotSent(f"the address is refused: {self._words(refused)}", _fate(refused.code)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise NotSent(self._words(error), _fate(error.code)) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            is_slow = isinstance(error, TimeoutError)
            raise NotSent(self._words(error), Fate.LATER, is_slow=is_slow) from None
        self.is_taken = True

    async def end(self) -> None:
        """Take our leave."""
        if self._client is not None:
            await self._client.quit(timeout=QUIT_SECONDS)

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        if self._client is not None:
            self._client.close()

    def _words(self, error: Exception) -> str:
        code, said = getattr(error, "code", None), getattr(error, "message", None)
        words = f"{code} {said}" if isinstance(code, int) else str(said or error)
        if words.endswith(": ") and error.__cause__ is not None:  # of a cause that has no words
            words += type(error.__cause__).__name__
        if isinstance(error, OSError) and error.strerror:
            words = f"{self._server.host}:{self._server.port}: {error.strerror.lower()}"
        secret = self._server.password.reveal() if self._server.password is not None else ""
        return printable(words.replace(secret, "***") if secret else words, MAX_WORDS)


async def _options(client: aiosmtplib.SMTP, is_ascii: bool) -> list[str]:
    """Return what a mail needs of the server; raises NotSent if that is more than it has."""
    if is_ascii:
        return []
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    if not client.supports_extension("SMTPUTF8"):
        raise NotSent("the server takes no address with such letters", Fate.REFUSED)
    return ["SMTPUTF8", "BODY=8BITMIME"]


def _fate(code: int) -> Fate:
    return Fate.REFUSED if 500 <= code < 600 else Fate.LATER


def _context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.ca_file is not None:
        context.load_verify_locations(server.ca_file)
    return context
