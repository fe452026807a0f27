"""The grpc prober: one call of the standard health service."""

from __future__ import annotations

from checks.core.clock import monotonic_ns
from checks.core.failures import Code, DeadlinePassed, Stop
from checks.core.grpc_message import DEADLINE_EXCEEDED, OK, encode_request, serving_name
from checks.core.link import Address, Link, connect
from checks.core.watch import Watch

from .probe import Probe
from .sight import GrpcSeen
from .targets import parts_of, port_number, service_place
from .tls_seen import secure

UNAVAILABLE = 14
_H2 = b"h2"


class GrpcProber(Probe):
    """Asks the target whether it is serving."""

    prober = "grpc"
    _health: str | None = None
    _called = False
    _status = 0
    _check_us = 0

    def prepare(self) -> None:
        """Load h2 ahead of the run, whose times it would bend."""
        import checks.core.grpc_call  # noqa: F401

    def seen(self, watch: Watch) -> GrpcSeen:
        """Return the status, and the state of a call that was answered."""
        return GrpcSeen(
            called=self._called, secure=self.tls is not None, status=self._status, health=self._health
        )

    def phases(self, watch: Watch) -> dict[str, int]:  # type: ignore[override]
        """Return resolve (once it led somewhere) and check."""
        if self.lookup is None or self.lookup.address is None:
            return {}
        return {"resolve": self.lookup.took_us, "check": self._check_us}

    async def probe(self, watch: Watch) -> None:
        """Resolve, connect, ask; the connection is closed on every way out."""
        options = self.module.grpc
        place = service_place(self.target)
        host, port = parts_of(place) or (place, "")
        found = await self.find(watch, host, 0, options.preferred_ip_protocol, options.ip_protocol_fallback)
        began_ns = monotonic_ns()
        self._called, self._status = True, UNAVAILABLE
        try:
            usual = "443" if options.tls else "80"
            address = Address(found.host, port_number(port or usual), found.family)
            await self._ask(watch, address, host)
        except Stop:
            self._status = self._told(watch)
            raise
        except DeadlinePassed:
            self._status = DEADLINE_EXCEEDED
            raise
        finally:
            self._check_us = (monotonic_ns() - began_ns) // 1000

    def _told(self, watch: Watch) -> int:
        told = watch.facts.get("grpc_status")
        return told if isinstance(told, int) and told != OK else UNAVAILABLE

    async def _ask(self, watch: Watch, address: Address, host: str) -> None:
        self.say("calling the health service", address=str(address), tls=self.module.grpc.tls)
        link = await connect(watch, address)
        try:
            seen = None
            if self.module.grpc.tls:
                seen = await secure(watch, link, self.module.grpc.tls_config, host, (_H2,))
            await self._call(watch, link, f"{host}:{address.port}")
        finally:
            link.close()
        if self._status == OK:
            self.tls = seen

    async def _call(self, watch: Watch, link: Link, authority: str) -> None:
        from checks.core.grpc_call import Call, call_health  # h2 is loaded where it is used

        options = self.module.grpc
        metadata = tuple(
            (name.lower().encode("latin-1", "replace"), value.encode("utf-8"))
            for name, values in options.metadata.items()
            for value in values
        )
        call = Call(authority=authority, request=encode_request(options.service), metadata=metadata)
        state = await call_health(watch, link, call)
        if state is None:
            self._status = self._told(watch)
            return
        self._status, self._health = OK, serving_name(state)
        self.say("the service answered", state=self._health)
        if self._health != "SERVING":
            watch.fail(Code.GRPC_NOT_SERVING, f"the service is {self._health}")
