"""The `ftp` check: a file server (FTP) must greet, list what it can, and change to TLS."""

from __future__ import annotations

from .core.named_dialogue import NamedCheck, NamedOptions
from .core.text_protocols import FTP, Protocol


class FtpOptions(NamedOptions):
    """A file server (FTP) that must greet, list its capabilities, and change to TLS."""


class FtpCheck(NamedCheck[FtpOptions], kind="ftp"):
    """Greets a file server (FTP), asks for its capabilities, changes to TLS, takes its leave."""

    schemes = ("ftp", "ftps")
    secure_scheme = "ftps"

    def protocol(self) -> Protocol:
        """Return the protocol's steps."""
        return FTP
