"""The `dns` check: ask one server one question, over UDP, TCP, TLS or HTTPS, and judge the answer.

On demand it goes on from there: the answer's signatures up to an anchor of trust, the serials of a zone's servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    IPvAnyAddress,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from .core import dns_wire
from .core.addresses import AddressRule, Reach, in_turn, look_at_each, open_link
from .core.check import Check, Options
from .core.clock import monotonic_ns
from .core.dns_exchange import Reply
from .core.dns_https import HttpsAsker, parse_https
from .core.dns_judge import DnsExpect, Judge
from .core.dns_question import ANY, CLASSES, ServerField, encode, options_of_url, show_server, type_number
from .core.dns_records import TYPE_SOA
from .core.dns_serials import SerialOptions, Server, ask_all, given_servers, judge_serials, servers_of_zone
from .core.dns_transport import Asker
from .core.dns_trust import DnssecOptions
from .core.failures import Code, DeadlinePassed, Stop, codes_of
from .core.hostport import split_host_port
from .core.link import Address
from .core.resolve import FamilyRule, family_with_source, resolve_all, resolver_trouble
from .core.resolver_config import ResolverConfig, system_resolver
from .core.schema import unusable
from .core.tls import TlsOptions
from .core.watch import Watch

if TYPE_CHECKING:
    from .core.dns_dnssec import Ask

ATTEMPTS = 3  # of questions beside the one under test
_PORTS = {"udp": 53, "tcp": 53, "tls": 853}
_UNSIGNED = (ANY, 46)  # ANY promises nothing to be complete, and RRSIG records sign, but are not signed
_DOUBTFUL = (dns_wire.SERVFAIL, dns_wire.REFUSED)


def _dnssec(value: object) -> object:
    if isinstance(value, bool):
        return {} if value else None
    return value


DnssecField = Annotated[
    DnssecOptions | None, BeforeValidator(_dnssec, json_schema_input_type=StrictBool | DnssecOptions | None)
]


class DnsOptions(Options):
    """A name server, or the system's own resolver, that must give the right answer."""

    name: Annotated[str, Field(min_length=1, max_length=1000)]
    """The name asked for, always complete: no search list is applied."""
    rdtype: str = Field(default="A", alias="type")
    """The type of record: A, AAAA, MX, TXT, SOA, ..., `TYPE65`, or ANY."""
    rdclass: Literal["IN", "CH", "HS", "ANY"] = Field(default="IN", alias="class")
    """The class of record."""
    server: ServerField | None = None
    """`host`, `host:port` or `[address]:port` of the server under test, with transport `https` its URL; the
    system's first name server if absent, and then trouble with that server itself is the region's own and no
    failure of the name."""
    transport: Literal["udp", "tcp", "tls", "https"] = "udp"
    """`udp` (and TCP after a truncated answer), `tcp`, `tls` (port 853), or `https` (RFC 8484, by POST; HTTP/2 where
    the server has it)."""
    tls: TlsOptions | None = None
    """TLS options for transports `tls` and `https`."""
    recursion: bool = True
    """Whether recursion is desired (the RD flag)."""
    attempts: Annotated[StrictInt, Field(ge=1, le=5)] = 1
    """How often the query is sent over UDP within the timeout; a lost packet counts as such with 1."""
    ip: FamilyRule = "any"
    """The address family towards the server, where it is given by name."""
    addresses: AddressRule = "first"
    """Of the addresses behind the server's name: the `first` one; `any`, tried one after the other until one answers
    (over TCP and TLS: connects); or `all` of them (at most 16), each asked, where one that fails fails the run."""
    source_address: IPvAnyAddress | None = None
    """Address of this machine to ask from, in place of the region's."""
    dnssec: DnssecField = None
    """Validate the answer by DNSSEC, asking the same server for keys and delegations up to an anchor of trust: `true`
    for the root's, or a block of options (default: not). Answers that deny are validated as well, but not that no
    wildcard would have answered in place of the name."""
    serials: SerialOptions | None = None
    """For type SOA: ask every address of the zone's name servers, and fail with `dns_serial` when one has an older
    version of the zone (default: not)."""
    expect: DnsExpect = DnsExpect()
    """What the answer must be like."""

    def secret_parts(self) -> Iterator[str]:
        """Yield the values of the query of the server's URL, where it has one."""
        if self.transport == "https" and self.server is not None:
            yield from parse_https(self.server).secret_parts()

    @field_validator("name")
    @classmethod
    def _encodes(cls, value: str) -> str:
        encode(value)
        return value

    @field_validator("rdtype")
    @classmethod
    def _known(cls, value: str) -> str:
        type_number(value)
        return value.upper()

    @model_validator(mode="after")
    def _fits(self) -> DnsOptions:
        family_with_source(self.ip, self.source)
        rdtype = type_number(self.rdtype)
        Judge(self.expect, CLASSES[self.rdclass], rdtype)
        self._check_server()
        if self.dnssec is not None and (self.server is None or self.rdclass != "IN" or rdtype in _UNSIGNED):
            words = "dnssec needs a server, class IN, and a type other than ANY and RRSIG"
            raise unusable(words, "a region's own resolver may leave signatures out, which proves nothing")
        if self.serials is not None and (rdtype != TYPE_SOA or self.rdclass != "IN"):
            raise unusable("serials are those of SOA records", "write type: SOA")
        return self

    def _check_server(self) -> None:
        if self.tls is not None and self.transport not in ("tls", "https"):
            raise unusable("tls options without TLS", "write transport: tls")
        if self.transport in ("tls", "https") and self.server is None:
            raise unusable(
                f"the system's name server is not asked over {self.transport.upper()}", "name a server"
            )
        if self.transport == "https":
            try:
                parse_https(self.server or "")
            except ValueError as error:
                raise unusable(str(error), "such as https://dns.example/dns-query") from None
            if self.addresses != "first" or self.source is not None or self.attempts != 1:
                raise unusable("addresses, attempts and source_address are not for transport https")
        elif self.server is not None:
            split_host_port(self.server, 53)
        elif self.addresses != "first":
            raise unusable("addresses are those of a server given by name", "name a server")

    @property
    def source(self) -> str | None:
        """The source address as text."""
        return str(self.source_address) if self.source_address is not None else None


class DnsCheck(Check[DnsOptions], kind="dns"):
    """Asks a name server one question and judges the answer."""

    phases = ("resolve", "connect", "tls", "query", "send", "wait", "transfer", "validate", "serials")
    codes = codes_of("resolve", "connect", "tls", "connection", "dns", "dnssec", "timeout", "http") | {
        Code.BODY_LIMIT
    }
    schemes = ("dns",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `dns://server/name?type=A`, or `dns:name` for the system's own name server."""
        return options_of_url(url)

    def prepare(self) -> None:
        """Build the query once; each run sends it under an id of its own."""
        options = self.options
        rdclass, self._rdtype = CLASSES[options.rdclass], type_number(options.rdtype)
        self._name = encode(options.name)
        query = dns_wire.build_query(self._name, self._rdtype, rdclass, recursion=options.recursion)
        self._query = dns_wire.for_signatures(query) if options.dnssec is not None else query
        self._judge = Judge(options.expect, rdclass, self._rdtype)
        self._source = options.source
        self._family = family_with_source(options.ip, options.source)
        self._https = self._reach = None
        if options.transport == "https":
            self._https = _https_asker(options, self._family)
        elif options.server is not None:
            host, port = split_host_port(options.server, _PORTS[options.transport])
            self._reach = Reach(
                host=host, port=port, family=self._family, addresses=options.addresses, source=self._source
            )
        self._asker = self._make_asker(options.attempts)
        # What is asked beside the question under test says nothing of the network when a packet is lost.
        self._patient = self._make_asker(max(options.attempts, ATTEMPTS))

    def _make_asker(self, attempts: int) -> Asker:
        options = self.options
        return Asker(
            transport=options.transport if options.transport != "https" else "udp",
            host=self._reach.host if self._reach is not None else "",
            tls=options.tls or TlsOptions(),
            attempts=attempts,
            source=self._source,
            judge_certificate=options.expect.judge_certificate,
        )

    @property
    def target(self) -> str:
        """Name and type, and the server where one is given."""
        server = show_server(self.options.server) if self.options.server is not None else None
        return f"{self.options.name} {self.options.rdtype}" + (f" @{server}" if server else "")

    async def look(self, watch: Watch) -> None:
        """Ask and judge; sockets are closed on every way out."""
        if self._https is not None:
            ask = partial(_ask_https, self._https)
            await self._judge_all(watch, await ask(watch, self._query), self._query, ask)
        elif self._reach is None:
            await self._look_by_system(watch, watch.place.resolver or system_resolver())
        elif self._reach.addresses == "any":
            await self._look_at_any(watch, self._reach)
        else:
            await look_at_each(watch, self._reach, self._look_at)

    async def _look_at(self, watch: Watch, server: Address) -> None:
        watch.place.admit(server.host)
        query = dns_wire.with_fresh_id(self._query)
        reply = await self._asker.ask(watch, server, query)
        await self._judge_all(watch, reply, query, self._asking(server))

    async def _look_at_any(self, watch: Watch, reach: Reach) -> None:
        query = dns_wire.with_fresh_id(self._query)
        if self.options.transport == "udp":
            found = await resolve_all(watch, reach.host, reach.port, reach.family)
            server, reply = await in_turn(watch, found, partial(self._attempt, watch, query))
        else:
            link = await open_link(watch, reach)
            try:
                server, reply = link.address, await self._asker.ask_over(watch, link, query)
            finally:
                link.close()
        await self._judge_all(watch, reply, query, self._asking(server))

    async def _attempt(
        self, watch: Watch, query: bytes, server: Address, until_ns: int | None
    ) -> tuple[Address, Reply | None]:
        watch.place.admit(server.host)
        return server, await self._asker.ask(watch, server, query, until_ns)

    def _asking(self, server: Address) -> Ask:
        """Return how the same server is asked further questions."""

        async def ask(watch: Watch, query: bytes) -> Reply | None:
            return await self._patient.ask(watch, server, dns_wire.with_fresh_id(query))

        return ask

    async def _look_by_system(self, watch: Watch, config: ResolverConfig) -> None:
        if not config.servers:
            raise Stop(Code.AGENT_RESOLVER, "the region has no name server (see /etc/resolv.conf)")
        config = replace(config, servers=config.servers[:1])
        query = dns_wire.with_fresh_id(self._query)
        now_ns = watch.started_ns
        until_ns = now_ns + (watch.deadline_ns - now_ns) * 2 // 3  # the rest is for the control question
        try:
            reply = await self._asker.ask(watch, config.servers[0], query, until_ns)
        except Stop as stop:
            watch.leave()
            await _rule_out_resolver(watch, config, stop.detail)
            raise
        except DeadlinePassed:
            raise Stop(Code.AGENT_RESOLVER, f"no answer from the region's own {config.servers[0]}") from None
        assert reply is not None  # only an untrusted certificate gives None, and there is no TLS here
        rcode = reply.header.rcode
        unproven = rcode == dns_wire.NXDOMAIN and not reply.header.authorities
        if (rcode in _DOUBTFUL or unproven) and not self._judge.accepts(rcode):
            await _rule_out_resolver(watch, config, f"it answered {dns_wire.rcode_text(rcode)}")
        await self._judge_all(watch, reply, query, self._asking(config.servers[0]))

    async def _judge_all(self, watch: Watch, reply: Reply | None, query: bytes, ask: Ask) -> None:
        """Judge the answer and the time it took, then what takes further questions."""
        if reply is None:
            return
        options = self.options
        self._judge.judge(watch, reply, query)
        options.expect.judge_time(watch)
        if options.dnssec is not None and reply.header.rcode in (dns_wire.NOERROR, dns_wire.NXDOMAIN):
            from .core.dns_dnssec import validate

            await validate(watch, options.dnssec, reply, (self._name, self._rdtype), ask)
        if options.serials is not None and reply.header.rcode == dns_wire.NOERROR:
            await self._compare(watch, options.serials, ask)

    async def _compare(self, watch: Watch, serials: SerialOptions, ask: Ask) -> None:
        query = dns_wire.build_query(self._name, TYPE_SOA, recursion=False)
        direct = replace(self._patient, transport="udp")
        watch.enter("serials")
        try:
            servers = await self._servers(watch.part(), serials, ask)
            seen = await ask_all(watch, servers, query, direct.ask, self._family)
        except DeadlinePassed:
            watch.expired((Code.DNS_TIMEOUT, "the zone's name servers, or their addresses, did not come"))
        else:
            watch.leave(monotonic_ns())
            judge_serials(watch, seen, serials.tolerance)

    async def _servers(self, part: Watch, serials: SerialOptions, ask: Ask) -> list[Server]:
        if serials.servers != "from_ns":
            return given_servers(serials.servers)
        query = dns_wire.build_query(self._name, dns_wire.TYPE_NS, recursion=self.options.recursion)
        if self.options.server is not None:
            return await servers_of_zone(part, ask, query)
        try:
            return await servers_of_zone(part, ask, query)
        except Stop as stop:
            raise Stop(
                Code.AGENT_RESOLVER, f"the region's own resolver is of no use: {stop.detail}"
            ) from None
        except DeadlinePassed:
            raise Stop(Code.AGENT_RESOLVER, "no answer from the region's own resolver") from None


async def _ask_https(asker: HttpsAsker, watch: Watch, query: bytes) -> Reply | None:
    return await asker.ask(watch, query)


def _https_asker(options: DnsOptions, family: FamilyRule) -> HttpsAsker:
    return HttpsAsker(
        parse_https(options.server or ""),
        options.tls or TlsOptions(),
        family,
        options.expect.judge_certificate,
    )


async def _rule_out_resolver(watch: Watch, config: ResolverConfig, seen: str) -> None:
    """Raise when the system's own name server answers nothing else either: then it is to blame, not the name."""
    try:
        trouble = await resolver_trouble(watch, config)
    except DeadlinePassed:
        trouble = "no answer"
    if trouble is not None:
        raise Stop(Code.AGENT_RESOLVER, f"the region's own resolver is of no use: {seen}; then {trouble}")
