"""Signed zones on loopback: a tree of them below a root of our own, served as a resolver would, and spoilt on order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from support.ports import LOOPBACK

HOUR_SECONDS = 3600
_TYPES = dns.rdatatype
Tamper = Callable[[dns.message.Message], None]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a zone, which signs the zone and its own set of keys."""

    private: ec.EllipticCurvePrivateKey
    public: DNSKEY

    @classmethod
    def make(cls) -> Key:
        """Make a P-256 key."""
        private = ec.generate_private_key(ec.SECP256R1())
        public = dns.dnssec.make_dnskey(private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
        return cls(private, cast(DNSKEY, public))

    def ds(self, zone: str) -> str:
        """Return the data of a DS record that names it."""
        return dns.dnssec.make_ds(dns.name.from_text(zone), self.public, "SHA256").to_text()


@dataclass(slots=True)
class Tree:
    """Zones by name, and what is done to an answer before it leaves."""

    zones: dict[dns.name.Name, dns.zone.Zone] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    tamper: Tamper | None = None
    spoil: Callable[[bytes], bytes] | None = None
    silent_after: int | None = None  # queries
    queries: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    @property
    def anchor(self) -> str:
        """The root's DS record."""
        return f". 3600 IN DS {self.keys['.'].ds('.')}"

    def add(self, origin: str, text: str, *, signed: bool = True, ends_in_seconds: int = HOUR_SECONDS) -> Key:
        """Add a zone; its SOA and NS records go without saying."""
        key = self.keys[origin] = Key.make()
        usual = f"$ORIGIN {origin}\n$TTL 300\n@ SOA ns.test. host.test. 7 60 60 60 60\n@ NS ns.test.\n"
        zone = dns.zone.from_text(usual + text, origin=origin, relativize=False)
        if signed:
            now_s = int(time.time())
            pairs = [(key.private, key.public)]
            dns.dnssec.sign_zone(
                zone, keys=pairs, inception=now_s - 30 * 86400, expiration=now_s + ends_in_seconds
            )
        self.zones[dns.name.from_text(origin)] = zone
        return key

    def answer(self, wire: bytes) -> bytes:
        """Answer a query."""
        query = dns.message.from_wire(wire)
        name, rdtype = query.question[0].name, query.question[0].rdtype
        self.queries.append((name.to_text(), _TYPES.to_text(rdtype)))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        self._fill(response, name, rdtype)
        if self.tamper is not None:
            self.tamper(response)
        return response.to_wire(max_size=65535)

    def _fill(
        self, response: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        zone = self._zone_of(name, rdtype)
        found = zone.get_rdataset(name, rdtype)
        if found is not None:
            return _add(response.answer, zone, name, rdtype)
        alias = zone.get_rdataset(name, _TYPES.CNAME)
        if alias is not None:
            _add(response.answer, zone, name, _TYPES.CNAME)
            return self._fill(response, alias[0].target, rdtype)
        assert zone.origin is not None
        _add(response.authority, zone, zone.origin, _TYPES.SOA)
        owners = sorted(owner for owner in zone.nodes if zone.get_rdataset(owner, _TYPES.NSEC))
        if owners:
            _add(response.authority, zone, max(owner for owner in owners if owner <= name), _TYPES.NSEC)
        if name not in zone.nodes:
            response.set_rcode(dns.rcode.NXDOMAIN)

    def _zone_of(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.zone.Zone:
        above = [
            zone
            for zone in self.zones
            if name.is_subdomain(zone) and (rdtype != _TYPES.DS or zone != name or name == dns.name.root)
        ]
        return self.zones[max(above, key=len)]


def _add(
    section: list[dns.rrset.RRset], zone: dns.zone.Zone, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> None:
    for each in (zone.get_rdataset(name, rdtype), zone.get_rdataset(name, _TYPES.RRSIG, rdtype)):
        if each is not None:
            section.append(dns.rrset.from_rdata_list(name, each.ttl, list(each)))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        tree = self.tree
        if tree.silent_after is None or len(tree.queries) < tree.silent_after:
            answer = tree.answer(data)
            self.transport.sendto(answer if tree.spoil is None else tree.spoil(answer), addr)


@contextlib.asynccontextmanager
async def serving_tree(tree: Tree) -> AsyncIterator[Tree]:
    """Serve the zones over UDP."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(tree), (LOOPBACK, 0))
    host, port = transport.get_extra_info("sockname")[:2]
    tree.address = f"{host}:{port}"
    try:
        yield tree
    finally:
        transport.close()
        await asyncio.sleep(0)


def usual_tree() -> Tree:
    """A root, `test.` with `www`, an alias and a signed `shop.test.`, and an unsigned `plain.test.`."""
    tree = Tree()
    shop = tree.add("shop.test.", "www A 203.0.113.7\n*.wild A 203.0.113.9\n")
    tree.add("plain.test.", "www A 203.0.113.8\n", signed=False)
    below = f"shop NS ns.test.\nshop DS {shop.ds('shop.test.')}\nplain NS ns.test.\n"
    test = tree.add("test.", "www A 203.0.113.6\nalias CNAME www.shop.test.\nns A 127.0.0.1\n" + below)
    tree.add(".", f"test NS ns.test.\ntest DS {test.ds('test.')}\n")
    return tree
