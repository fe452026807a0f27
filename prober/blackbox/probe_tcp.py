"""The tcp prober: connect, TLS at once if asked for, hold the dialogue."""

from __future__ import annotations

from checks.core.link import Address, Link, connect
from checks.core.watch import Watch

from .dialogue import Talk
from .probe import Probe
from .sight import StreamSeen
from .targets import port_number, source_for, split_target
from .tls_seen import secure


class TcpProber(Probe):
    """Connects to `host:port`."""

    prober = "tcp"
    _talk: Talk | None = None

    def seen(self, watch: Watch) -> StreamSeen:
        """Return what became of the dialogue."""
        return self._talk.seen() if self._talk is not None else StreamSeen()

    async def probe(self, watch: Watch) -> None:
        """Resolve, connect, talk; the link is closed on every way out."""
        options = self.module.tcp
        host, port_text = split_target(self.target)
        found = await self.find(watch, host, 0, options.preferred_ip_protocol, options.ip_protocol_fallback)
        address = Address(found.host, port_number(port_text), found.family)
        self.say("connecting", address=str(address), tls=options.tls)
        link = await connect(watch, address, source_for(address, options.source_ip_address))
        try:
            await self._over(watch, link, host)
        finally:
            link.close()

    async def _over(self, watch: Watch, link: Link, host: str) -> None:
        options = self.module.tcp
        name = self.hostname or host

        async def start_tls() -> None:
            self.tls = await secure(watch, link, options.tls_config, name)

        if options.tls:
            await start_tls()
        self._talk = Talk(self, watch, link, start_tls)
        await self._talk.hold(options.query_response)
