"""The `smtp` check: a mail server (SMTP) must greet, list what it can, and change to TLS."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from .core.named_dialogue import NamedCheck, NamedOptions
from .core.text_protocols import Protocol, smtp


class SmtpOptions(NamedOptions):
    """A mail server that must greet, list its extensions, and change to TLS."""

    hello: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:\[\]-]+$", max_length=255)] = (
        "prober.invalid"
    )
    """The name that we give ourselves in EHLO."""


class SmtpCheck(NamedCheck[SmtpOptions], kind="smtp"):
    """Greets a mail server (SMTP), asks for its extensions, changes to TLS, takes its leave."""

    schemes = ("smtp", "smtps")
    secure_scheme = "smtps"

    def protocol(self) -> Protocol:
        """Return the protocol's steps."""
        return smtp(self.options.hello)
