"""The `tcp` check: connect, on demand with TLS, and hold a dialogue."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from .core.check import Check, Options
from .core.dialogue import Talk, make_ready
from .core.dialogue_steps import MAX_STEPS, Step
from .core.failures import Code, codes_of
from .core.hostport import split_host_port
from .core.link import Link, connect
from .core.resolve import FamilyRule, family_with_source, resolve
from .core.schema import unusable
from .core.thresholds import ConnectionLimits
from .core.tls import TlsOptions, layer_for
from .core.watch import Watch


class TcpOptions(Options):
    """A TCP port that must accept connections and, if asked, say and hear the right things."""

    address: str
    """`host:port`, or `[address]:port` for IPv6."""
    ip: FamilyRule = "any"
    """`ip4` or `ip6` only, `prefer_ip4` or `prefer_ip6` with the other as fallback, or `any`."""
    tls: bool | TlsOptions = False
    """Speak TLS from the first byte: `true`, or a block of TLS options. In a dialogue with a `starttls` step
    the block holds for that step instead."""
    dialogue: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)] = ()
    """What to say and what to expect, step by step."""
    expect: ConnectionLimits = ConnectionLimits()
    """Limits on the time and on the certificate's days."""
    source_address: IPvAnyAddress | None = None
    """Address of this machine to connect from, in place of the region's."""

    @field_validator("address")
    @classmethod
    def _has_port(cls, value: str) -> str:
        split_host_port(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> TcpOptions:
        family_with_source(self.ip, self.source)
        starts = sum(step.starttls is not None for step in self.dialogue)
        if starts > 1:
            raise unusable("the dialogue has more than one starttls step", "TLS within TLS is not spoken")
        if starts and self.tls is True:
            raise unusable("tls: true speaks TLS from the first byte, before starttls", "leave tls out")
        return self

    @property
    def source(self) -> str | None:
        """The source address as text."""
        return str(self.source_address) if self.source_address is not None else None


class TcpCheck(Check[TcpOptions], kind="tcp"):
    """Connects; says and hears what the dialogue says; closes."""

    phases = ("resolve", "connect", "tls", "dialogue")
    codes = codes_of("resolve", "connect", "tls", "connection", "dialogue") | {Code.TIMEOUT_SEND}
    schemes = ("tcp",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `tcp://host:port`."""
        return {"address": url.partition("://")[2].removesuffix("/")}

    def prepare(self) -> None:
        """Take the options apart once."""
        options = self.options
        self._host, self._port = split_host_port(options.address)
        self._source = options.source
        self._family = family_with_source(options.ip, options.source)
        self._tls = options.tls if isinstance(options.tls, TlsOptions) else TlsOptions()
        self._tls_at_once = options.tls is not False and all(
            step.starttls is None for step in options.dialogue
        )
        self._acts = make_ready(options.dialogue, self._change_to_tls)

    @property
    def target(self) -> str:
        """Host and port."""
        return self.options.address

    async def look(self, watch: Watch) -> None:
        """Connect and talk; the link is closed on every way out."""
        address = await resolve(watch, self._host, self._port, self._family)
        watch.facts["address"] = address.host
        watch.facts["family"] = address.family
        link = await connect(watch, address, self._source)
        try:
            if self._tls_at_once and not await self._change_to_tls(watch, link, False):
                return
            if self._acts and not await Talk(watch, link).hold(self._acts):
                return
        finally:
            link.close()
        self.options.expect.judge_time(watch)

    async def _change_to_tls(self, watch: Watch, link: Link, open_line: bool) -> bool:
        layer = layer_for(self._tls, self._host)
        await link.start_tls(layer, open_line=open_line)
        self.options.expect.judge_certificate(watch, layer.judge(watch))
        return not watch.failed
