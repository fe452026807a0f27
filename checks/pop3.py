"""The `pop3` check: a mailbox server (POP3) must greet, list what it can, and change to TLS."""

from __future__ import annotations

from .core.named_dialogue import NamedCheck, NamedOptions
from .core.text_protocols import POP3, Protocol


class Pop3Options(NamedOptions):
    """A mailbox server (POP3) that must greet, list its capabilities, and change to TLS."""


class Pop3Check(NamedCheck[Pop3Options], kind="pop3"):
    """Greets a mailbox server (POP3), asks for its capabilities, changes to TLS, takes its leave."""

    schemes = ("pop3", "pop3s")
    secure_scheme = "pop3s"

    def protocol(self) -> Protocol:
        """Return the protocol's steps."""
        return POP3
