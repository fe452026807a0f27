"""How the `dns` check gets an answer out of one address: UDP with TCP after it, TCP, or TLS.

One exchange is `dns_exchange.py`'s; over HTTPS it is `dns_https.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .certificates import CertificateFacts
from .dns_exchange import Reply, ask_datagram, ask_stream
from .failures import Code, DeadlinePassed, Stop
from .link import Address, Link, connect
from .tls import TlsOptions, layer_for
from .watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """How one is asked. `host` is whose certificate is expected over TLS."""

    transport: Literal["udp", "tcp", "tls"]
    host: str
    tls: TlsOptions
    attempts: int
    source: str | None
    judge_certificate: Callable[[Watch, CertificateFacts | None], None]

    async def ask(
        self, watch: Watch, server: Address, query: bytes, until_ns: int | None = None
    ) -> Reply | None:
        """Return the answer, or None when the server's certificate is not trusted; raises `Stop`.

        `until_ns` ends the wait for a datagram before the run's deadline does.
        """
        watch.facts["server"] = str(server)
        watch.facts["family"] = server.family
        if self.transport != "udp":
            return await self._ask_stream(watch, server, query)
        reply = await ask_datagram(
            watch, server, query, attempts=self.attempts, until_ns=until_ns, source=self.source
        )
        watch.facts["truncated"] = reply.header.truncated
        return await self._ask_again(watch, server, query) if reply.header.truncated else reply

    async def ask_over(self, watch: Watch, link: Link, query: bytes) -> Reply | None:
        """The same over an open connection."""
        watch.facts["server"] = str(link.address)
        if self.transport == "tls":
            layer = layer_for(self.tls, self.host)
            await link.start_tls(layer)
            self.judge_certificate(watch, layer.judge(watch))
            if watch.failed:
                return None
        return await ask_stream(watch, link, query)

    async def _ask_again(self, watch: Watch, server: Address, query: bytes) -> Reply | None:
        why = "it was truncated there, too"
        try:
            reply = await self._ask_stream(watch, server, query)
            if reply is None or not reply.header.truncated:
                return reply
        except Stop as stop:
            if stop.code.value.startswith("agent_"):
                raise
            why = stop.detail
        except DeadlinePassed:
            if watch.is_stalled:
                raise
            why = "the time was over"
        raise Stop(Code.DNS_TRUNCATED, f"the answer over UDP was truncated, and over TCP: {why}")

    async def _ask_stream(self, watch: Watch, server: Address, query: bytes) -> Reply | None:
        link = await connect(watch, server, self.source)
        try:
            return await self.ask_over(watch, link, query)
        finally:
            link.close()
