"""A mail as bytes: the same values make the same bytes, so that one that is sent again is known for the same. Pure.

Here: headers, parts, what keeps names from becoming headers. Not here: sending it (`mail`), nor what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from hashlib import sha256

MAX_NAME = 200  # characters of a name beside an address
SECOND_US = 1_000_000


class BadAddress(ValueError):
    """An address that no mail can be sent to."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is sent to one recipient. `key` tells it from every other; `at_us` is the date that it bears."""

    sender: str
    sender_name: str = ""
    recipient: str
    subject: str
    text: str
    attachments: Sequence[Attachment] = ()
    key: str
    at_us: int


def composed(mail: Mail) -> bytes:
    """Return a mail as it goes over the wire. Raises BadAddress."""
    mark = sha256(mail.key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    sender, recipient = wired(mail.sender), wired(mail.recipient)
    policy = SMTP if (sender + recipient).isascii() else SMTPUTF8
    message = EmailMessage(policy=policy)
    message["From"] = _address(sender, mail.sender_name)
    message["To"] = _address(recipient)
    message["Subject"] = _line(mail.subject)
    message["Date"] = datetime.fromtimestamp(mail.at_us // SECOND_US, UTC)
    message["Message-ID"] = f"<{mark}@{sender.rpartition('@')[2]}>"
    # Answering machines leave what bears this alone (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, charset="utf-8")
    for each in mail.attachments:
        main, _, sub = each.media_type.partition(";")[0].strip().partition("/")
        message.add_attachment(each.data, maintype=main, subtype=sub, filename=_line(each.name))
    if mail.attachments:
        message.set_boundary(f"={mark}=")
    return message.as_bytes()


def wired(address: str) -> str:
    """Return an address as servers take it: the domain in ASCII. Raises BadAddress."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise BadAddress(f"{domain!r} is no name of a domain") from None


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    try:
        return Address(_line(name)[:MAX_NAME], local, domain)
    except (ValueError, IndexError):
        raise BadAddress(f"{address!r} is no address") from None


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
