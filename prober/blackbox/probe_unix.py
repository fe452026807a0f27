"""The unix prober: the dialogue of the tcp one, over a socket in the file system."""

from __future__ import annotations

from checks.core.link import Link
from checks.core.unix_link import connect_unix
from checks.core.watch import Watch

from .dialogue import Talk
from .probe import Probe
from .sight import StreamSeen
from .tls_seen import secure


class UnixProber(Probe):
    """Connects to the socket whose path is the target."""

    prober = "unix"
    _talk: Talk | None = None

    def seen(self, watch: Watch) -> StreamSeen:
        """Return what became of the dialogue."""
        return self._talk.seen() if self._talk is not None else StreamSeen()

    async def probe(self, watch: Watch) -> None:
        """Connect and talk; the link is closed on every way out."""
        self.say("connecting", path=self.target, tls=self.module.unix.tls)
        link = await connect_unix(watch, self.target)
        try:
            await self._over(watch, link)
        finally:
            link.close()

    async def _over(self, watch: Watch, link: Link) -> None:
        options = self.module.unix

        async def start_tls() -> None:
            self.tls = await secure(watch, link, options.tls_config, self.hostname or self.target)

        if options.tls:
            await start_tls()
        self._talk = Talk(self, watch, link, start_tls)
        await self._talk.hold(options.query_response)
