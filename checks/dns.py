"""The `dns` check: ask one server one question, over UDP, TCP or TLS, and judge the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote

from pydantic import Field, IPvAnyAddress, StrictInt, field_validator, model_validator

from .core import dns_wire
from .core.check import Check, Options
from .core.dns_exchange import Reply, ask_datagram, ask_stream
from .core.dns_judge import DnsExpect, Judge
from .core.failures import Code, DeadlinePassed, Stop, codes_of
from .core.hostport import split_host_port
from .core.link import Address, connect
from .core.resolve import FamilyRule, family_with_source, resolve, resolver_trouble
from .core.resolver_config import ResolverConfig, system_resolver
from .core.schema import unusable
from .core.tls import TlsOptions, layer_for
from .core.watch import Watch

_PORTS = {"udp": 53, "tcp": 53, "tls": 853}
_CLASSES = {"IN": 1, "CH": 3, "HS": 4, "ANY": 255}
_ANY = 255
_DOUBTFUL = (dns_wire.SERVFAIL, dns_wire.REFUSED)


class DnsOptions(Options):
    """A name server, or the system's own resolver, that must give the right answer."""

    name: Annotated[str, Field(min_length=1, max_length=1000)]
    """The name asked for, always complete: no search list is applied."""
    rdtype: str = Field(default="A", alias="type")
    """The type of record: A, AAAA, MX, TXT, SOA, ..., `TYPE65`, or ANY."""
    rdclass: Literal["IN", "CH", "HS", "ANY"] = Field(default="IN", alias="class")
    """The class of record."""
    server: str | None = None
    """`host`, `host:port` or `[address]:port` of the server under test; the system's first name server if
    absent, and then trouble with that server itself is the region's own and no failure of the name."""
    transport: Literal["udp", "tcp", "tls"] = "udp"
    """`udp` (and TCP after a truncated answer), `tcp`, or `tls` (port 853)."""
    tls: TlsOptions | None = None
    """TLS options for transport `tls`."""
    recursion: bool = True
    """Whether recursion is desired (the RD flag)."""
    attempts: Annotated[StrictInt, Field(ge=1, le=5)] = 1
    """How often the query is sent over UDP within the timeout; a lost packet counts as such with 1."""
    ip: FamilyRule = "any"
    """The address family towards the server, where it is given by name."""
    source_address: IPvAnyAddress | None = None
    """Address of this machine to ask from, in place of the region's."""
    expect: DnsExpect = DnsExpect()
    """What the answer must be like."""

    @field_validator("name")
    @classmethod
    def _encodes(cls, value: str) -> str:
        _encode(value)
        return value

    @field_validator("server")
    @classmethod
    def _has_host(cls, value: str | None) -> str | None:
        if value is not None:
            split_host_port(value, 53)
        return value

    @field_validator("rdtype")
    @classmethod
    def _known(cls, value: str) -> str:
        _type_number(value)
        return value.upper()

    @model_validator(mode="after")
    def _fits(self) -> DnsOptions:
        family_with_source(self.ip, self.source)
        Judge(self.expect, _CLASSES[self.rdclass], _type_number(self.rdtype))
        if self.tls is not None and self.transport != "tls":
            raise unusable("tls options without TLS", "write transport: tls")
        if self.transport == "tls" and self.server is None:
            raise unusable("the system's name server is not asked over TLS", "name a server")
        return self

    @property
    def source(self) -> str | None:
        """The source address as text."""
        return str(self.source_address) if self.source_address is not None else None


class DnsCheck(Check[DnsOptions], kind="dns"):
    """Sends one query and judges what comes."""

    phases = ("resolve", "connect", "tls", "query")
    codes = codes_of("resolve", "connect", "tls", "connection", "dns")
    schemes = ("dns",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `dns://server/name?type=A`, or `dns:name` for the system's own name server."""
        place, _, query = url.partition(":")[2].partition("?")
        server, slash, name = (
            place.removeprefix("//").partition("/") if place.startswith("//") else ("", "/", place)
        )
        if not slash or not name:
            raise ValueError("it names no server or no name", "dns://192.0.2.53/shop.example?type=A")
        raw: dict[str, Any] = {"name": unquote(name), **({"server": server} if server else {})}
        for key, value in parse_qsl(query, keep_blank_values=True):
            if key not in {"type", "class"}:
                raise ValueError(f"{key!r} means nothing here", "known: type, class")
            raw[key] = value.upper()
        return raw

    def prepare(self) -> None:
        """Build the query once; each run sends it under an id of its own."""
        options = self.options
        rdclass, rdtype = _CLASSES[options.rdclass], _type_number(options.rdtype)
        self._query = dns_wire.build_query(
            _encode(options.name), rdtype, rdclass, recursion=options.recursion
        )
        self._judge = Judge(options.expect, rdclass, rdtype)
        self._server = split_host_port(options.server, _PORTS[options.transport]) if options.server else None
        self._source = options.source
        self._family = family_with_source(options.ip, options.source)
        self._tls = options.tls or TlsOptions()

    @property
    def target(self) -> str:
        """Name and type, and the server where one is given."""
        options = self.options
        return f"{options.name} {options.rdtype}" + (f" @{options.server}" if options.server else "")

    async def look(self, watch: Watch) -> None:
        """Ask and judge; sockets are closed on every way out."""
        if self._server is None:
            await self._look_by_system(watch, watch.place.resolver or system_resolver())
        else:
            server = await resolve(watch, *self._server, self._family)
            query = dns_wire.with_fresh_id(self._query)
            reply = await self._ask(watch, server, query, None)
            if reply is not None:
                self._judge.judge(watch, reply, query)
                self.options.expect.judge_time(watch)

    async def _look_by_system(self, watch: Watch, config: ResolverConfig) -> None:
        if not config.servers:
            raise Stop(Code.AGENT_RESOLVER, "the region has no name server (see /etc/resolv.conf)")
        config = replace(config, servers=config.servers[:1])
        query = dns_wire.with_fresh_id(self._query)
        now_ns = watch.started_ns
        until_ns = now_ns + (watch.deadline_ns - now_ns) * 2 // 3  # the rest is for the control question
        try:
            reply = await self._ask(watch, config.servers[0], query, until_ns)
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
        self._judge.judge(watch, reply, query)
        self.options.expect.judge_time(watch)

    async def _ask(self, watch: Watch, server: Address, query: bytes, until_ns: int | None) -> Reply | None:
        """Return the answer, or None when the server's certificate is not trusted; raises `Stop`."""
        watch.facts["server"] = str(server)
        watch.facts["family"] = server.family
        if self.options.transport != "udp":
            return await self._ask_stream(watch, server, query)
        attempts = self.options.attempts
        reply = await ask_datagram(
            watch, server, query, attempts=attempts, until_ns=until_ns, source=self._source
        )
        watch.facts["truncated"] = reply.header.truncated
        return await self._ask_again(watch, server, query) if reply.header.truncated else reply

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
        link = await connect(watch, server, self._source)
        try:
            if self.options.transport == "tls":
                layer = layer_for(self._tls, self._server[0] if self._server else server.host)
                await link.start_tls(layer)
                self.options.expect.judge_certificate(watch, layer.judge(watch))
                if watch.failed:
                    return None
            return await ask_stream(watch, link, query)
        finally:
            link.close()


async def _rule_out_resolver(watch: Watch, config: ResolverConfig, seen: str) -> None:
    """Raise when the system's own name server answers nothing else either: then it is to blame, not the name."""
    try:
        trouble = await resolver_trouble(watch, config)
    except DeadlinePassed:
        trouble = "no answer"
    if trouble is not None:
        raise Stop(Code.AGENT_RESOLVER, f"the region's own resolver is of no use: {seen}; then {trouble}")


def _type_number(text: str) -> int:
    import dns.exception
    import dns.rdatatype

    try:
        number = int(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError):
        raise unusable(
            "not a type of DNS record", "known are A, AAAA, CNAME, MX, NS, SOA, TXT, TYPE65, ..."
        ) from None
    if number != _ANY and dns.rdatatype.is_metatype(dns.rdatatype.RdataType(number)):
        raise unusable(
            "not a type that a name can have", "zone transfers and the like are no single question"
        )
    return number


def _encode(name: str) -> bytes:
    import dns.exception
    import dns.name

    try:
        return dns.name.from_text(name).to_wire() or b"\0"
    except (dns.exception.DNSException, UnicodeError) as error:
        raise unusable(f"not a name that can be asked for: {error}") from None
