"""The `icmp` check: echo requests (ping), several a run, with loss, times and jitter."""

from __future__ import annotations

import secrets
import socket
from typing import Annotated, Any

from pydantic import Field, IPvAnyAddress, StrictBool, StrictInt, field_validator, model_validator

from .core.check import Check, Options
from .core.datagram import source_for
from .core.failures import codes_of
from .core.icmp_expect import EchoExpect
from .core.icmp_series import Series, Tally
from .core.icmp_socket import EchoTerms, Opener, open_echo
from .core.icmp_wire import MAX_PAYLOAD, TOKEN_BYTES
from .core.resolve import FamilyRule, family_with_source, resolve
from .core.schema import unusable
from .core.values import DurationUs, at_least, at_most
from .core.watch import Watch

MAX_PACKETS = 100


class IcmpOptions(Options):
    """A host that must answer echo requests."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    """Name or address."""
    packets: Annotated[StrictInt, Field(ge=1, le=MAX_PACKETS)] = 3
    """How many requests one run sends; fewer where the timeout leaves the last ones no time for a reply."""
    gap_us: Annotated[DurationUs, at_least("10ms"), at_most("1m")] = Field(default=200_000, alias="gap")
    """The time from one request to the next."""
    patience_us: Annotated[DurationUs, at_least("10ms"), at_most("1m")] = Field(
        default=2_000_000, alias="patience"
    )
    """How long a reply is waited for after the last request, at most up to the run's timeout; what comes later is
    lost."""
    payload: Annotated[StrictInt, Field(ge=TOKEN_BYTES, le=MAX_PAYLOAD)] = 56
    """Bytes of data in each request; 56 make a packet of 84 bytes in IPv4."""
    dont_fragment: StrictBool = False
    """`true`: routers must not cut the packet up, which shows a path that large packets do not pass."""
    ttl: Annotated[StrictInt, Field(ge=1, le=255)] | None = None
    """How many routers a packet may pass (default: the system's, mostly 64)."""
    ip: FamilyRule = "any"
    """`ip4` or `ip6` only; `prefer_ip4` or `prefer_ip6` with the other as fallback; or `any`, which takes IPv4 where
    the region has a route to it, else IPv6."""
    source_address: IPvAnyAddress | None = None
    """Address of this machine to send from, in place of the region's."""
    expect: EchoExpect = EchoExpect()
    """Limits on loss, times and jitter."""

    @field_validator("host")
    @classmethod
    def _plain(cls, value: str) -> str:
        has_port = value.count(":") == 1  # an address of IPv6 has more
        if has_port or "/" in value or value.startswith("[") or any(sign.isspace() for sign in value):
            raise unusable("a host is a name or an address", "without scheme, brackets, port and path")
        return value

    @model_validator(mode="after")
    def _fits(self) -> IcmpOptions:
        family_with_source(self.ip, self.source)
        if self.packets == 1 and self.expect.jitter_us is not None:
            raise unusable("one packet has no jitter", "packets: 5, or leave jitter out")
        return self

    @property
    def source(self) -> str | None:
        """The source address as text."""
        return str(self.source_address) if self.source_address is not None else None


class IcmpCheck(Check[IcmpOptions], kind="icmp"):
    """Sends echo requests and counts the replies."""

    phases = ("resolve", "ping")
    codes = codes_of("resolve", "icmp")
    schemes = ("icmp", "ping")

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `icmp:host` or `icmp://host`."""
        return {"host": url.partition(":")[2].strip("/[]")}

    def prepare(self) -> None:
        """Take the options apart once."""
        self._family = family_with_source(self.options.ip, self.options.source)
        self._padding = bytes(self.options.payload - TOKEN_BYTES)
        self.opener: Opener = socket.socket  # replaced where packets go over another carrier

    @property
    def target(self) -> str:
        """The host."""
        return self.options.host

    async def look(self, watch: Watch) -> None:
        """Send, listen, judge; the socket is closed on every way out."""
        options = self.options
        address = await resolve(watch, options.host, 0, self._family)
        watch.facts["address"] = address.host
        watch.facts["family"] = address.family
        source = options.source or source_for(address, watch.place.source_address)
        terms = EchoTerms(ttl=options.ttl, dont_fragment=options.dont_fragment, source=source)
        echo = open_echo(watch, address, terms, self.opener)
        try:
            watch.facts["socket"] = "raw" if echo.is_raw else "unprivileged"
            watch.enter("ping")
            tally = await self._series().run(watch, echo, address)
        finally:
            echo.close()
        _note(watch, tally)
        options.expect.judge(watch, tally)

    def _series(self) -> Series:
        options = self.options
        return Series(
            packets=options.packets,
            gap_ns=options.gap_us * 1000,
            patience_ns=options.patience_us * 1000,
            token=secrets.token_bytes(TOKEN_BYTES),
            payload=self._padding,
        )


def _note(watch: Watch, tally: Tally) -> None:
    facts = watch.facts
    facts["sent"], facts["received"] = len(tally.sent_ns), len(tally.took_ns)
    if tally.duplicates:
        facts["duplicates"] = tally.duplicates
    if not tally.took_ns:
        return
    times = tally.took_ns.values()
    facts["rtt_min_us"], facts["rtt_mean_us"] = min(times) // 1000, tally.mean_us
    facts["rtt_max_us"], facts["jitter_us"] = max(times) // 1000, tally.jitter_us
    facts["hops_left"] = tally.hops_left
    watch.leave(exact_ns=tally.mean_us * 1000)
