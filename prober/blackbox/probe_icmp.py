"""The icmp prober: one echo request, one reply."""

from __future__ import annotations

import secrets

from checks.core.clock import monotonic_ns
from checks.core.datagram import source_for as region_source
from checks.core.failures import Code
from checks.core.icmp_series import Series
from checks.core.icmp_socket import EchoTerms, open_echo
from checks.core.icmp_wire import TOKEN_BYTES
from checks.core.watch import Watch

from .probe import Probe
from .sight import IcmpSeen
from .targets import source_for

USUAL_PAYLOAD = 28  # bytes, where the module names no size


class IcmpProber(Probe):
    """Sends one echo request to the target."""

    prober = "icmp"
    _hop_limit: int | None = None
    _setup_us = _rtt_us = 0

    def seen(self, watch: Watch) -> IcmpSeen:
        """Return the hop limit of the reply."""
        return IcmpSeen(hop_limit=self._hop_limit)

    def phases(self, watch: Watch) -> dict[str, int]:  # type: ignore[override]
        """Return resolve (once it led somewhere), setup and rtt."""
        if self.lookup is None or self.lookup.address is None:
            return {}
        return {"resolve": self.lookup.took_us, "setup": self._setup_us, "rtt": self._rtt_us}

    async def probe(self, watch: Watch) -> None:
        """Resolve, send, wait; the socket is closed on every way out."""
        options = self.module.icmp
        address = await self.find(
            watch, self.target, 0, options.preferred_ip_protocol, options.ip_protocol_fallback
        )
        source = source_for(address, options.source_ip_address) or region_source(
            address, watch.place.source_address
        )
        terms = EchoTerms(ttl=options.ttl or None, dont_fragment=options.dont_fragment, source=source)
        began_ns = monotonic_ns()
        echo = open_echo(watch, address, terms)
        try:
            self._setup_us = max((monotonic_ns() - began_ns) // 1000, 1)
            self.say("sending an echo request", address=address.host, raw=echo.is_raw)
            watch.enter("ping")
            tally = await self._series(watch).run(watch, echo, address)
        finally:
            echo.close()
        for stop in tally.refused.values():
            self.say(stop.detail, code=stop.code.value)
        if not tally.took_ns:
            watch.fail(Code.ICMP_TIMEOUT, "no echo reply came")
            return
        self._rtt_us, self._hop_limit = tally.mean_us, tally.hops_left
        watch.leave(exact_ns=tally.mean_us * 1000)

    def _series(self, watch: Watch) -> Series:
        size = self.module.icmp.payload_size or USUAL_PAYLOAD
        return Series(
            packets=1,
            gap_ns=1_000_000_000,  # of no consequence with one packet
            patience_ns=max(watch.deadline_ns - monotonic_ns(), 0),
            token=secrets.token_bytes(TOKEN_BYTES),
            payload=bytes(max(size - TOKEN_BYTES, 0)),
        )
