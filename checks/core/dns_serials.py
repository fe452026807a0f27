"""Whether all name servers of a zone hold the same version of it: the serial of every server's every address.

They are asked side by side, directly, whatever server the check itself asks. A phase of its own, `serials`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, StrictInt

from . import dns_wire
from .addresses import side_by_side
from .dns_exchange import Reply
from .dns_records import TYPE_SOA, soa_serial
from .failures import Code, Stop
from .hostport import split_host_port
from .link import Address
from .quote import printable
from .resolve import FamilyRule, resolve_all
from .schema import Section
from .watch import Watch

MAX_SERVERS = 20  # name servers of one zone
MAX_TOLERANCE = 2**31 - 1
PORT = 53
_HALF = 2**31
_MAX_NAMED = 5  # servers named in one failure

Ask = Callable[[Watch, bytes], Awaitable[Reply | None]]
"""Ask the server under test; raises `Stop`."""
AskAt = Callable[[Watch, Address, bytes], Awaitable[Reply | None]]
"""Ask one address; raises `Stop`."""


def _server(text: str) -> str:
    split_host_port(text, PORT)
    return text


Servers = Annotated[
    tuple[Annotated[str, AfterValidator(_server)], ...], Field(min_length=1, max_length=MAX_SERVERS)
]


class SerialOptions(Section):
    """Which name servers must hold the same version of the zone."""

    servers: Literal["from_ns"] | Servers = "from_ns"
    """`from_ns`: those that the zone's NS records name; or a list of `host` or `host:port`."""
    tolerance: Annotated[StrictInt, Field(ge=0, le=MAX_TOLERANCE)] = 0
    """How far a serial may lie behind the newest one."""


class Server(NamedTuple):
    """A name server: as people are shown it, and where it is asked."""

    title: str
    host: str
    port: int


def given_servers(texts: Sequence[str]) -> list[Server]:
    """Return the servers that the options name."""
    return [Server(text, *split_host_port(text, PORT)) for text in texts]


@dataclass(slots=True)
class Seen:
    """One address of a name server, and what it said."""

    server: str
    address: Address
    watch: Watch
    serial: int | None = None


async def servers_of_zone(watch: Watch, ask: Ask, query: bytes) -> list[Server]:
    """Ask for the zone's NS records and return the servers they name. Raises `Stop` when there are none."""
    import dns.exception
    import dns.name

    reply = await ask(watch, query)
    names = []
    if reply is not None and reply.header.rcode == dns_wire.NOERROR:
        sent = reply.wire[:2] + query[2:]
        try:
            for record in dns_wire.read_records(reply.wire, sent, reply.header):
                if record.rdtype == dns_wire.TYPE_NS:
                    names.append(dns.name.from_wire(reply.wire, record.start)[0].to_text())
        except (dns_wire.Malformed, dns.exception.DNSException) as error:
            raise Stop(Code.DNS_MALFORMED, f"the NS records cannot be read: {error}") from None
    if not names:
        said = "no answer" if reply is None else dns_wire.rcode_text(reply.header.rcode)
        raise Stop(Code.DNS_ANSWERS, f"the zone's name servers are not known: no NS records ({said})")
    # A name is no more than a name, whatever stands in it: the zone chooses neither port nor address for us.
    return [Server(name, name, PORT) for name in sorted(set(names))[:MAX_SERVERS]]


async def ask_all(
    watch: Watch, servers: list[Server], query: bytes, ask: AskAt, family: FamilyRule
) -> list[Seen]:
    """Ask every address of the servers for the SOA. Raises `Stop` when a name leads nowhere.

    Trouble with the region's own resolver on the way there is that, not the zone's.
    """
    part = watch.part()  # what each step takes is told by the caller, as one phase
    seen: list[Seen] = []
    for server in servers:
        found = await resolve_all(part, server.host, server.port, family)
        seen += [Seen(server.title, at, watch.part()) for at in found]
    await side_by_side(watch, [(each.watch, partial(_ask_one, each, query, ask)) for each in seen])
    return seen


async def _ask_one(each: Seen, query: bytes, ask: AskAt) -> None:
    each.watch.place.admit(each.address.host)
    sent = dns_wire.with_fresh_id(query)
    reply = await ask(each.watch, each.address, sent)
    if reply is None:
        return
    header = reply.header
    if header.rcode != dns_wire.NOERROR:
        raise Stop(Code.DNS_RCODE, f"it answered {dns_wire.rcode_text(header.rcode)}")
    if not header.authoritative:
        raise Stop(Code.DNS_NOT_AUTHORITATIVE, "it is not authoritative for the zone")
    try:
        records = dns_wire.read_records(reply.wire, sent, header)
    except dns_wire.Malformed as error:
        raise Stop(Code.DNS_MALFORMED, f"its answer cannot be read: {error}") from None
    each.serial = soa_serial(reply.wire, [one for one in records if one.rdtype == TYPE_SOA])
    if each.serial is None:
        raise Stop(Code.DNS_ANSWERS, "its answer has no SOA record")


def judge_serials(watch: Watch, seen: list[Seen], tolerance: int) -> None:
    """Record who lags, and who gave no serial at all."""
    watch.facts["serials"] = [
        {
            "server": printable(each.server),
            "address": each.address.host,
            "serial": each.serial,
            "code": each.watch.gravest.code if each.watch.gravest is not None else None,
        }
        for each in seen
    ]
    reached = [each for each in seen if not _has_no_route(each)]
    for each in reached or seen:
        if (failure := each.watch.gravest) is not None:
            detail = f"{printable(each.server)} ({each.address}): {failure.detail}"
            watch.stop(Code(failure.code), detail)
    told = [(each, each.serial) for each in seen if each.serial is not None]
    if told:
        newest = _newest([serial for _, serial in told])
        behind = [(each, serial) for each, serial in told if (newest - serial) % 2**32 > tolerance]
        words = ", ".join(
            f"{printable(each.server)} ({each.address}) has {serial}" for each, serial in behind[:_MAX_NAMED]
        )
        more = f" and {len(behind) - _MAX_NAMED} more" if len(behind) > _MAX_NAMED else ""
        expected = f"{newest} everywhere" if not tolerance else f"{newest}, or at most {tolerance} behind"
        watch.expect("serials", expected, f"{words}{more}" or "it", not behind, Code.DNS_SERIAL)


def _has_no_route(each: Seen) -> bool:
    return each.watch.gravest is not None and each.watch.gravest.code == Code.AGENT_NO_ROUTE


def _newest(serials: list[int]) -> int:
    """Return the newest serial by the arithmetic of RFC 1982, in which numbers go round."""
    newest = serials[0]
    for serial in serials:
        if 0 < (serial - newest) % 2**32 < _HALF:
            newest = serial
    return newest
