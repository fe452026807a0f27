"""Where remote agents come in: the listener of `listen.agents`, with TLS or without, and its certificate's renewals.

What is answered there lives in `agents.py`.
"""

from __future__ import annotations

import asyncio

from prober.config import Config

from .agents import Gate, agents_app
from .listener import Listener, serve
from .tls import Certificate


class Reception:
    """One per daemon; without `listen.agents` in the configuration it does nothing."""

    def __init__(self, config: Config) -> None:
        """Read the certificate, if there is one; raises CertificateError."""
        self._settings = settings = config.listen.agents
        self._certificate: Certificate | None = None
        if settings is not None and settings.certificate is not None and settings.key is not None:
            self._certificate = Certificate(config.path(settings.certificate), config.path(settings.key))
        self.listener: Listener | None = None

    async def open(self, gate: Gate, started: asyncio.Event) -> None:
        """Listen; raises ListenError."""
        settings = self._settings
        if settings is None:
            return
        app = agents_app(gate, started, settings.behind_proxy)
        tls = self._certificate.context if self._certificate is not None else None
        self.listener = await serve(app, settings.address.host, settings.address.port, tls)

    def renew(self) -> None:
        """Read the certificate anew; raises CertificateError, and then the one before stays in use."""
        if self._certificate is not None:
            self._certificate.renew()

    async def close(self) -> None:
        """Take no more agents; links have ended before, or are cut."""
        if self.listener is not None:
            await self.listener.close()
