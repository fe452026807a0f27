"""DNSSEC: whether an answer is signed all the way up to an anchor of trust (RFC 4035), asked of one server.

Each signature is verified by the keys of the zone that made it, those by the DS records of the zone above, and so on
to the anchor. Signatures are dnspython's affair, limits and verdicts are ours: `Bogus` when the chain is broken,
`Insecure` when it provably ends above the name. What is proven of names that do not exist: `dns_denial.py`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
from cryptography.exceptions import UnsupportedAlgorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY as Key
from dns.rdtypes.ANY.DS import DS as Delegation
from dns.rdtypes.ANY.RRSIG import RRSIG as Signature

from .clock import monotonic_ns
from .dns_denial import (
    CNAME,
    DNAME,
    DS,
    NS,
    NSEC3,
    PROOFS,
    SOA,
    TooCostly,
    covers,
    denies,
    next_closer,
    opts_out,
    types_at,
)
from .dns_trust import Anchors
from .quote import printable
from .reactor import Pause

MAX_QUERIES = 60  # of one run, beside the one under test
MAX_SIGNATURES = 8  # of one set of records that are tried
MAX_KEYS = 50  # of one zone
MAX_ALIKE = 4  # keys of one zone with the same tag: each is tried on a signature
MAX_VERIFICATIONS = 100  # of one run, and half as many that fail: each costs CPU
MAX_DELEGATIONS = 32  # DS records of one zone: each is tried on every key
MAX_PROOFS = 8  # records of denial in one answer that are looked at: three are needed
TURN_NS = 10_000_000  # of verifying before others get their turn
MAX_ALIASES = 16
DNSKEY, RRSIG, ANY = 48, 46, 255

Lookup = Callable[[dns.name.Name, int], Awaitable[dns.message.Message]]
"""Ask for a name and type; raises `Stop`."""
Records = list[dns.rrset.RRset]


class Bogus(Exception):
    """The chain of trust is broken; the words say where."""


class Insecure(Exception):
    """There provably is no chain of trust; the words say where it ends."""


class Chain:
    """The validation of one run, which keeps the answers it got and the keys it found good."""

    def __init__(self, anchors: Anchors, lookup: Lookup) -> None:
        self._anchors = anchors
        self._lookup = lookup
        self._keys: dict[dns.name.Name, dns.rrset.RRset] = {}
        self._answers: dict[tuple[dns.name.Name, int], dns.message.Message] = {}
        self._now_s = time.time()
        self._verifications = 0  # those that failed count twice
        self._turn_ns = monotonic_ns()
        self._explaining = False
        self.expires_s: int | None = None  # when the first of the signatures that were needed ends

    async def validate(self, message: dns.message.Message, name: dns.name.Name, rdtype: int) -> None:
        """Return if all that the answer says of a name is signed. Raises `Bogus`, `Insecure` or `Stop`."""
        found = False
        for _ in range(MAX_ALIASES):
            mine = [each for each in message.answer if each.name == name and each.rdtype != RRSIG]
            wanted = [each for each in mine if rdtype in (each.rdtype, ANY)]
            aliases = [each for each in mine if each.rdtype == CNAME and not wanted]
            for rrset in wanted or aliases:
                await self._check(rrset, message.answer)
            found = bool(wanted)
            if found or not aliases:
                break
            name = aliases[0][0].target
        if not found:
            await self._check_absence(message, name, rdtype)

    async def _check(
        self, rrset: dns.rrset.RRset, section: Records, below: dns.name.Name | None = None
    ) -> None:
        """Verify one signature of a set of records; `below`: by a zone above that name. Raises as `validate`."""
        signatures = _signatures(section, rrset)
        if not signatures:
            if rrset.rdtype == CNAME and (made_by := _made_by(rrset, section)) is not None:
                return await self._check(made_by, section)
            await self._explain_unsigned(rrset.name)
        why = ""
        for signature in signatures:
            signer = signature.signer
            if not rrset.name.is_subdomain(signer) or signer == below:
                why = f"{_text(signer)} may not sign it"
                continue
            if (why := await self._verify(rrset, signature, await self._keys_of(signer))) == "":
                return None
        raise Bogus(f"{_what(rrset)}: {why}")

    async def _verify(self, rrset: dns.rrset.RRset, signature: Signature, keys: dns.rrset.RRset) -> str:
        """Return why a signature is not good, empty when it is."""
        if monotonic_ns() - self._turn_ns > TURN_NS:
            await Pause(monotonic_ns())
            self._turn_ns = monotonic_ns()
        alike = sum(dns.dnssec.key_id(key) == signature.key_tag for key in keys)
        if alike > MAX_ALIKE:
            return f"{alike} keys have the tag {signature.key_tag}"
        self._verifications += alike
        if self._verifications > MAX_VERIFICATIONS:
            raise Bogus(f"it takes more than {MAX_VERIFICATIONS} verifications to find out")
        try:
            dns.dnssec.validate_rrsig(rrset, signature, {signature.signer: keys}, None, self._now_s)
        except (dns.exception.DNSException, UnsupportedAlgorithm, ValueError, TypeError, IndexError) as error:
            self._verifications += alike  # nobody needs many that fail
            return _reason(error, signature)
        ends = signature.expiration
        self.expires_s = ends if self.expires_s is None else min(self.expires_s, ends)
        return ""

    async def _keys_of(self, zone: dns.name.Name) -> dns.rrset.RRset:
        """Return a zone's keys, which the anchor or the zone above answers for."""
        if (known := self._keys.get(zone)) is not None:
            return known
        trusted = self._anchors.get(zone) or await self._delegation_of(zone)
        message = await self._ask(zone, DNSKEY)
        keys = _find(message.answer, zone, DNSKEY)
        if keys is None:
            raise Bogus(f"{_text(zone)} shows no DNSKEY")
        if len(keys) > MAX_KEYS:
            raise Bogus(f"{_text(zone)} has {len(keys)} keys, more than anyone needs")
        entry = _entry_keys(zone, keys, trusted)
        why = "there is no signature"
        for signature in _signatures(message.answer, keys):
            if signature.signer == zone and (why := await self._verify(keys, signature, entry)) == "":
                self._keys[zone] = keys
                return keys
        raise Bogus(f"{_what(keys)}: {why}")

    async def _delegation_of(self, zone: dns.name.Name) -> tuple[dns.rdata.Rdata, ...]:
        """Return the DS records that the zone above holds for a zone."""
        if zone == dns.name.root or not self._is_below_anchor(zone):
            raise Insecure(f"no anchor of trust is above {_text(zone)}")
        message = await self._ask(zone, DS)
        rrset = _find(message.answer, zone, DS)
        if rrset is not None:
            if len(rrset) > MAX_DELEGATIONS:
                raise Bogus(f"{_text(zone)} has {len(rrset)} DS records, more than anyone needs")
            await self._check(rrset, message.answer, below=zone)
            return tuple(rrset)
        if await self._is_unsigned_zone(message, zone):
            raise Insecure(f"{_text(zone)} is not signed: the zone above holds no DS for it")
        raise Bogus(f"{_text(zone)} signs, but is no zone to the zone above")

    async def _explain_unsigned(self, name: dns.name.Name, words: str = "") -> None:
        """Raise for a name whose records have no signature: from the anchor down, is there an unsigned zone above?

        `words` say what is wrong if there is none.
        """
        words = words or f"there is no signature at {_text(name)}, in a zone that is signed"
        above = self._closest_anchor(name)
        if above is None:
            raise Insecure(f"no anchor of trust is above {_text(name)}")
        if self._explaining:  # all zones down to here are signed
            raise Bogus(words)
        self._explaining = True
        for depth in range(len(above) + 1, len(name) + 1):
            zone = name.split(depth)[1]
            message = await self._ask(zone, DS)
            rrset = _find(message.answer, zone, DS)
            if rrset is not None:
                await self._check(rrset, message.answer, below=zone)
            elif _find(message.answer, zone, CNAME) is None and await self._is_unsigned_zone(message, zone):
                raise Insecure(f"{_text(zone)} is not signed: the zone above holds no DS for it")
        raise Bogus(words)

    async def _is_unsigned_zone(self, message: dns.message.Message, name: dns.name.Name) -> bool:
        """Say whether an answer without DS proves an unsigned zone, or no zone at all; raises `Bogus` for neither."""
        proofs = await self._proofs(message, below=name)
        try:
            types = types_at(name, proofs)
            if types is not None and DS not in types:
                return NS in types and SOA not in types
            if types is None and opts_out(name, proofs):
                return True
            if types is None and covers(name, proofs):
                return False
        except TooCostly as error:
            raise Insecure(str(error)) from None
        raise Bogus(f"there is no DS for {_text(name)}, and no proof of that")

    async def _check_absence(self, message: dns.message.Message, name: dns.name.Name, rdtype: int) -> None:
        proofs = await self._proofs(message)
        if not proofs:
            await self._explain_unsigned(name)
        for rrset in message.authority:
            if rrset.rdtype == SOA:
                await self._check(rrset, message.authority)
        zone = next(_zones_of(message.authority), dns.name.root)
        try:
            proven = denies(name, rdtype, zone, proofs)
            is_open = opts_out(next_closer(name, zone, proofs) or name, proofs)
        except TooCostly as error:
            raise Insecure(str(error)) from None
        if not proven:
            kind = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))
            await self._explain_unsigned(name, f"nothing proves that there is no {_text(name)} {kind}")
        if is_open:
            raise Insecure(
                f"{_text(zone)} leaves open what it does not sign (opt-out), {_text(name)} among it"
            )

    async def _proofs(self, message: dns.message.Message, below: dns.name.Name | None = None) -> Records:
        """Return the records of denial, validated; of NSEC3 those with the parameters of the first."""
        # One record a name is the rule; several, each with a salt of its own, would be hashed for one by one.
        found = [each for each in message.authority if each.rdtype in PROOFS and len(each) == 1][:MAX_PROOFS]
        for rrset in found:
            await self._check(rrset, message.authority, below)
        like = next((_parameters(each) for each in found if each.rdtype == NSEC3), None)
        return [each for each in found if each.rdtype != NSEC3 or _parameters(each) == like]

    async def _ask(self, name: dns.name.Name, rdtype: int) -> dns.message.Message:
        known = self._answers.get((name, rdtype))
        if known is None:
            if len(self._answers) == MAX_QUERIES:
                raise Bogus(f"it takes more than {MAX_QUERIES} queries to find out")
            known = self._answers[name, rdtype] = await self._lookup(name, rdtype)
        return known

    def _closest_anchor(self, name: dns.name.Name) -> dns.name.Name | None:
        above = [anchor for anchor in self._anchors if name.is_subdomain(anchor)]
        return max(above, key=len, default=None)

    def _is_below_anchor(self, zone: dns.name.Name) -> bool:
        anchor = self._closest_anchor(zone)
        return anchor is not None and anchor != zone


def _zones_of(authority: Records) -> Iterator[dns.name.Name]:
    """Yield the zone that denies: its SOA comes along, except where it hands a name over."""
    yield from (each.name for each in authority if each.rdtype == SOA)
    yield from (each.name.parent() for each in authority if each.rdtype == NSEC3 and len(each.name) > 1)


def _find(section: Records, name: dns.name.Name, rdtype: int) -> dns.rrset.RRset | None:
    return next((each for each in section if each.name == name and each.rdtype == rdtype), None)


def _signatures(section: Records, rrset: dns.rrset.RRset) -> list[Signature]:
    """Return the signatures over a set of records that are tried."""
    return [
        rdata
        for each in section
        if each.rdtype == RRSIG and each.name == rrset.name and each.covers == rrset.rdtype
        for rdata in each
        if isinstance(rdata, Signature)
    ][:MAX_SIGNATURES]


def _entry_keys(
    zone: dns.name.Name, keys: dns.rrset.RRset, trusted: tuple[dns.rdata.Rdata, ...]
) -> dns.rrset.RRset:
    """Return the keys that an anchor or a DS names. Raises `Insecure` where only unknown digests would tell."""
    known, entry = False, dns.rrset.RRset(zone, keys.rdclass, keys.rdtype)
    for each in trusted:
        for key in keys:
            fits = _fits(zone, key, each)
            known = known or fits is not None
            if fits:
                entry.add(key)
    if not known:
        raise Insecure(f"{_text(zone)} can be trusted only by algorithms that are not known here")
    if not entry:
        raise Bogus(f"no key of {_text(zone)} is one that the zone above, or the anchor, names")
    return entry


def _fits(zone: dns.name.Name, key: dns.rdata.Rdata, trusted: dns.rdata.Rdata) -> bool | None:
    """Say whether a DS or DNSKEY names a key; None where its kind of digest is not known."""
    if isinstance(trusted, Key):
        return bool(key == trusted)
    if not isinstance(trusted, Delegation):
        return None
    try:
        made = dns.dnssec.make_ds(zone, key, trusted.digest_type, validating=True)
    except (dns.exception.DNSException, ValueError):  # among them: unsupported, denied by policy
        return None
    return bool(made == trusted)


def _made_by(alias: dns.rrset.RRset, section: Records) -> dns.rrset.RRset | None:
    """Return the DNAME that an alias without a signature follows from."""
    for each in section:
        if each.rdtype == DNAME and alias.name.is_subdomain(each.name) and alias.name != each.name:
            try:
                made = alias.name.relativize(each.name).derelativize(each[0].target)
            except dns.exception.DNSException:
                continue
            if made == alias[0].target:
                return each
    return None


def _parameters(rrset: dns.rrset.RRset) -> tuple[int, int, bytes]:
    return rrset[0].algorithm, rrset[0].iterations, rrset[0].salt


def _reason(error: Exception, signature: Signature) -> str:
    words = str(error) or type(error).__name__
    if words == "expired":
        return f"the signature expired at {_instant(signature.expiration)}"
    if words == "not yet valid":
        return f"the signature is valid from {_instant(signature.inception)}"
    if words == "unknown key":
        return f"{_text(signature.signer)} has no key {signature.key_tag} of that algorithm"
    return f"the signature of key {signature.key_tag} is not good ({words})"


def _instant(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _what(rrset: dns.rrset.RRset) -> str:
    return f"{_text(rrset.name)} {dns.rdatatype.to_text(rrset.rdtype)}"


def _text(name: dns.name.Name) -> str:
    return printable(name.to_text())
