"""The `tls` check: shake hands, and look closely at what the target shows of itself."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .core.address_options import AddressOptions
from .core.addresses import visit
from .core.check import Check
from .core.dialogue import Act, StartTls, Talk
from .core.failures import Code, codes_of
from .core.link import Link
from .core.starttls import PROTOCOLS, StartTlsName
from .core.text_protocols import LIMIT_BYTES
from .core.tls import TlsOptions, layer_for
from .core.tls_expect import TlsExpect
from .core.watch import Watch

HTTPS_PORT = 443


class TlsCheckOptions(TlsOptions, AddressOptions):
    """A TLS server: its handshake, every certificate it sends, its OCSP staple."""

    usual_port = HTTPS_PORT

    address: Annotated[str, Field(min_length=1)]
    """`host`, `host:port`, or `[address]:port` for IPv6 (default port: 443, or the one of the protocol in
    `starttls`)."""
    starttls: StartTlsName | None = None
    """What is spoken before TLS is asked for (default: nothing, TLS from the first byte)."""
    expect: TlsExpect = TlsExpect()
    """What the handshake and the certificates must be, and the limits on the time."""


class TlsCheck(Check[TlsCheckOptions], kind="tls"):
    """Shakes hands and judges version, chain, keys, days left and OCSP staple."""

    phases = ("resolve", "connect", "dialogue", "tls")
    codes = codes_of("resolve", "connect", "tls", "connection", "dialogue") | {
        Code.TIMEOUT_SEND,
        Code.TLS_MISSING,
        Code.TLS_REVOKED,
        Code.TLS_STAPLE,
    }
    schemes = ("tls",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `tls://host[:port]`."""
        return {"address": url.partition("://")[2].removesuffix("/")}

    def prepare(self) -> None:
        """Take the options apart once."""
        options = self.options
        self._protocol = PROTOCOLS[options.starttls] if options.starttls is not None else None
        port = self._protocol.port if self._protocol is not None else HTTPS_PORT
        self._reach = options.reach(port)
        self._tls = TlsOptions.model_construct(
            **{name: getattr(options, name) for name in TlsOptions.model_fields}
        )
        if self._protocol is not None:
            begin = StartTls("TLS", self._shake_hands)
            self._acts: tuple[Act, ...] = (*self._protocol.opening, self._protocol.upgrade, begin)

    @property
    def target(self) -> str:
        """Host and port."""
        return self._reach.title

    async def look(self, watch: Watch) -> None:
        """Connect and shake hands; the link is closed on every way out."""
        await visit(watch, self._reach, self._talk)

    async def _talk(self, watch: Watch, link: Link) -> None:
        if self._protocol is None:
            await self._shake_hands(watch, link, False)
        else:
            await Talk(watch, link, LIMIT_BYTES).hold(self._acts)
        self.options.expect.judge_time(watch)

    async def _shake_hands(self, watch: Watch, link: Link, open_line: bool) -> bool:
        layer = layer_for(self._tls, self._reach.host, staple=True)
        await link.start_tls(layer, open_line=open_line)
        layer.judge(watch)
        self.options.expect.judge_tls(watch, layer)
        return False  # nothing is said after it
