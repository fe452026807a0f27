"""The dns prober: one query to the target, over UDP, TCP or TLS, and rules on what comes back."""

from __future__ import annotations

from checks.core import dns_wire
from checks.core.clock import monotonic_ns
from checks.core.dns_exchange import Reply, ask_datagram, ask_stream
from checks.core.dns_texts import Sections, load_records, question, read_sections
from checks.core.failures import Code, Stop
from checks.core.link import Address, connect
from checks.core.watch import Watch

from .probe import Probe
from .records import is_accepted, problem_of, rcode_number, serial_of
from .sight import DnsSeen
from .targets import parts_of, port_number, source_for
from .tls_seen import secure

_CLASSES = {"IN": 1, "CS": 2, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}
_PORT, _TLS_PORT = "53", "853"


class DnsProber(Probe):
    """Asks the name server that is the target."""

    prober = "dns"
    _seen = DnsSeen()
    _connect_us = 0
    _asked = False

    def prepare(self) -> None:
        """Load dnspython ahead of the run, whose times it would bend."""
        load_records()

    def seen(self, watch: Watch) -> DnsSeen:
        """Return what the answer had."""
        return self._seen

    def phases(self, watch: Watch) -> dict[str, int]:  # type: ignore[override]
        """Return resolve (once it led somewhere), connect with TLS, and request."""
        if self.lookup is None or self.lookup.address is None:
            return {}
        spent = watch.phases_us
        connecting = spent.get("connect", 0) + spent.get("tls", 0) + self._connect_us
        return {"resolve": self.lookup.took_us, "connect": connecting, "request": spent.get("query", 0)}

    async def probe(self, watch: Watch) -> None:
        """Resolve the server, ask it, judge its answer."""
        options = self.module.dns
        query = self._query()
        usual = _TLS_PORT if options.dns_over_tls else _PORT
        host, port = parts_of(self.target) or (self.target, usual)
        found = await self.find(watch, host, 0, options.preferred_ip_protocol, options.ip_protocol_fallback)
        server = Address(found.host, port_number(port), found.family)
        self.say("asking", server=str(server), transport=options.transport_protocol, name=options.query_name)
        reply = await self._ask(watch, server, query, host)
        self.say("an answer came", rcode=dns_wire.rcode_text(reply.header.rcode))
        self._judge(watch, self._note(reply))

    def _query(self) -> bytes:
        options = self.module.dns
        try:
            rdclass = _CLASSES[options.query_class]
            query = question(
                options.query_name, options.query_type, rdclass, recursion=options.recursion_desired
            )
        except (KeyError, ValueError):
            raise Stop(Code.DNS_MALFORMED, "the module's name, type or class cannot be asked for") from None
        return dns_wire.with_fresh_id(query)

    async def _ask(self, watch: Watch, server: Address, query: bytes, host: str) -> Reply:
        options = self.module.dns
        source = source_for(server, options.source_ip_address)
        if options.transport_protocol == "udp":
            began_ns = monotonic_ns()
            watch.place.admit(server.host)
            self._connect_us = max((monotonic_ns() - began_ns) // 1000, 1)
            return await ask_datagram(watch, server, query, attempts=1, until_ns=None, source=source)
        link = await connect(watch, server, source)
        try:
            if options.dns_over_tls:
                await secure(watch, link, options.tls_config, host)
            return await ask_stream(watch, link, query)
        finally:
            link.close()

    def _note(self, reply: Reply) -> Sections:
        sections = read_sections(reply.wire)
        is_soa = self.module.dns.query_type == "SOA"
        self._seen = DnsSeen(
            answered=True,
            answers=reply.header.answers,
            authorities=reply.header.authorities,
            additionals=reply.header.additionals,
            serial=serial_of(sections.answer) if is_soa else None,
        )
        return sections

    def _judge(self, watch: Watch, sections: Sections) -> None:
        options = self.module.dns
        if not is_accepted(sections.rcode, options.valid_rcodes):
            wrong = next((each for each in options.valid_rcodes if rcode_number(each) is None), None)
            words = f"no rcode is called {wrong!r}" if wrong else f"got {dns_wire.rcode_text(sections.rcode)}"
            watch.fail(Code.DNS_RCODE, words)
            return
        for name, records, rules in (
            ("answer", sections.answer, options.validate_answer_rrs),
            ("authority", sections.authority, options.validate_authority_rrs),
            ("additional", sections.additional, options.validate_additional_rrs),
        ):
            self.say("judging a section", section=name, records=len(records))
            if (problem := problem_of(records, rules)) is not None:
                watch.fail(Code.DNS_RECORDS, f"{name} section: {problem}")
                return
