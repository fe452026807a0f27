"""The `imap` check: a mailbox server (IMAP) must greet, list what it can, and change to TLS."""

from __future__ import annotations

from .core.named_dialogue import NamedCheck, NamedOptions
from .core.text_protocols import IMAP, Protocol


class ImapOptions(NamedOptions):
    """A mailbox server (IMAP) that must greet, list its capabilities, and change to TLS."""


class ImapCheck(NamedCheck[ImapOptions], kind="imap"):
    """Greets a mailbox server (IMAP), asks for its capabilities, changes to TLS, takes its leave."""

    schemes = ("imap", "imaps")
    secure_scheme = "imaps"

    def protocol(self) -> Protocol:
        """Return the protocol's steps."""
        return IMAP
