"""A target's name becomes one address, or all of them: literals at once, the hosts file, then the name servers.

The stage is `resolve`, and no answer is ever kept for another run. When an answer leaves open whose fault it
is (silence, SERVFAIL, NXDOMAIN without proof), the same name servers are asked a control question: without an
answer to that one either, the trouble is the region's own resolver and the run is VOID. A resolver that answers
the control question from its memory while its uplink is dead still passes for healthy; canaries are there for
that.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, zip_longest
from typing import Literal

from . import dns_wire
from .clock import monotonic_ns
from .failures import Code, DeadlinePassed, Stop
from .link import Address
from .quote import quoted
from .resolver_config import ResolverConfig, system_resolver
from .schema import unusable
from .stub import Answer, Answers, Meaning, Stub
from .watch import Watch

FamilyRule = Literal["any", "ip4", "ip6", "prefer_ip4", "prefer_ip6"]
"""`any`: IPv4 where the region has a route to it, else IPv6, and the family of the region's source address
where it has one. `prefer_...`: that family if the name has it, else the other. `ip4`, `ip6`: no other."""

_ORDER: dict[FamilyRule, tuple[int, ...]] = {
    "any": (4, 6), "ip4": (4,), "ip6": (6,), "prefer_ip4": (4, 6), "prefer_ip6": (6, 4),
}  # fmt: skip
MAX_ADDRESSES = 16
"""Addresses of one name that are looked at; what a target's DNS says must not multiply our connections at will."""

_TYPES = {4: dns_wire.TYPE_A, 6: dns_wire.TYPE_AAAA}
_NAMES = {4: "IPv4", 6: "IPv6"}
_ROOT = dns_wire.build_query(dns_wire.encode_name("."), dns_wire.TYPE_NS)


@dataclass(frozen=True, slots=True)
class _Wanted:
    order: tuple[int, ...]  # families, the preferred one first
    rule: FamilyRule
    every: bool = False  # all addresses, not just the best one


_Found = tuple[tuple[str, int], ...]  # addresses with their families, the best one first


async def resolve(watch: Watch, host: str, port: int, family: FamilyRule = "any") -> Address:
    """Return the address to connect to; a literal one (IPv6 with or without brackets) has no stage at all.

    Raises `Stop` with a `resolve_` code, or with AGENT_RESOLVER for trouble of our own.
    """
    if (literal := address_of(host, port, family)) is not None:
        return literal
    return (await _look_up(watch, host, port, _Wanted(_order(family, watch.place.source_address), family)))[0]


@lru_cache(maxsize=4096)
def address_of(host: str, port: int, family: FamilyRule) -> Address | None:
    """Return the address if the host is one, of a family that the rule admits."""
    literal = _literal(host)
    return (
        None if literal is None or literal[1] not in _ORDER[family] else Address(literal[0], port, literal[1])
    )


async def resolve_all(watch: Watch, host: str, port: int, family: FamilyRule = "any") -> tuple[Address, ...]:
    """Return all addresses, at most `MAX_ADDRESSES`: families by turns, beginning with the rule's first choice.

    A family whose question stays without an answer is left out once the other one has addresses. Raises as
    `resolve` does.
    """
    wanted = _Wanted(_order(family, watch.place.source_address), family, every=True)
    return await _look_up(watch, host, port, wanted)


async def _look_up(watch: Watch, host: str, port: int, wanted: _Wanted) -> tuple[Address, ...]:
    if (literal := _literal(host)) is not None:
        if literal[1] not in _ORDER[wanted.rule]:
            family = _NAMES[_ORDER[wanted.rule][0]]
            raise Stop(Code.RESOLVE_NO_ADDRESS, f"{literal[0]} is not an {family} address")
        return (Address(literal[0], port, literal[1]),)
    watch.enter("resolve")
    config = watch.place.resolver or system_resolver()
    found = _choose(_by_family(config.local_addresses(host)), wanted)
    if found:
        watch.leave(monotonic_ns())
    else:
        found = await _from_servers(watch, Stub(watch, config), host, wanted)
    return tuple(Address(text, port, family) for text, family in found)


def family_with_source(rule: FamilyRule, source: str | None) -> FamilyRule:
    """Return the rule for a check with its own source address; a validation error if the two contradict."""
    if source is None:
        return rule
    fixed: FamilyRule = "ip6" if ":" in source else "ip4"
    if rule not in ("any", fixed):
        raise unusable(f"the source address leaves only {fixed}", "leave out ip, or the source address")
    return fixed


async def resolver_trouble(watch: Watch, config: ResolverConfig) -> str | None:
    """Ask the name servers the control question: None when one answers, else in words why none does."""
    stub = Stub(watch, config)
    return None if await _answers_control(stub, watch.deadline_ns) else stub.trouble


def literal_address(host: str) -> str | None:
    """Return the host as a plain address if it is one (brackets taken off), else None."""
    literal = _literal(host)
    return literal[0] if literal else None


async def _from_servers(watch: Watch, stub: Stub, host: str, wanted: _Wanted) -> _Found:
    if not stub.config.servers:
        raise Stop(Code.AGENT_RESOLVER, _no_answer(stub))
    began_ns = monotonic_ns()
    until_ns = began_ns + (watch.deadline_ns - began_ns) * 2 // 3  # the rest is for the control question
    exists = False
    try:
        for name in stub.config.candidates(host):
            queries = {family: _query(name, _TYPES[family]) for family in wanted.order}
            answers = await stub.ask(queries, until_ns, partial(_enough, wanted=wanted))
            if chosen := _choose(_found(answers), wanted):
                watch.leave(max(answers[family].received_ns for _, family in chosen))
                return chosen
            await _judge(stub, name, answers, watch)
            exists = exists or any(answer.meaning is Meaning.NO_ADDRESS for answer in answers.values())
    except DeadlinePassed:
        if stub.heard:
            raise
        raise Stop(Code.AGENT_RESOLVER, _no_answer(stub)) from None
    watch.leave(max(answer.received_ns for answer in answers.values()))
    raise _absent(host, wanted.order, exists)


def _absent(host: str, order: tuple[int, ...], exists: bool) -> Stop:
    if not exists:
        return Stop(Code.RESOLVE_NXDOMAIN, f"the name {quoted(host)} does not exist")
    families = " or ".join(_NAMES[family] for family in sorted(order))
    return Stop(Code.RESOLVE_NO_ADDRESS, f"the name {quoted(host)} has no {families} address")


async def _judge(stub: Stub, name: str, answers: Answers, watch: Watch) -> None:
    """Raise unless the answers say for sure that the name has no such address."""
    if any(answer.meaning is Meaning.NXDOMAIN for answer in answers.values()):
        return  # of the name, whatever the type
    open_ = next((answer for answer in answers.values() if not answer.settled), None)
    if open_ is None:
        return
    if not await _answers_control(stub, watch.deadline_ns):
        raise Stop(Code.AGENT_RESOLVER, _no_answer(stub, open_))
    if open_.meaning is Meaning.BARE_NXDOMAIN:
        return  # from a resolver that knows the root: believed
    code = Code.RESOLVE_SERVFAIL if open_.meaning is Meaning.REFUSAL else Code.RESOLVE_TIMEOUT
    raise Stop(code, f"no answer for the name {quoted(name)}: {open_.words}")


async def _answers_control(stub: Stub, deadline_ns: int) -> bool:
    for number, server in enumerate(stub.config.servers):
        now_ns = monotonic_ns()
        share_ns = (deadline_ns - now_ns) // (len(stub.config.servers) - number + 1)
        until_ns = now_ns + min(share_ns, stub.config.timeout_us * 1000)
        answers: dict[int, Answer] = {}
        await stub.ask_server(server, {0: _ROOT}, answers, until_ns)
        if answers[0].settled:
            return True
        stub.trouble = answers[0].words
    return False


def _no_answer(stub: Stub, answer: Answer | None = None) -> str:
    words = answer.words if answer is not None else stub.trouble
    servers = ", ".join(str(server) for server in stub.config.servers) or "none configured"
    why = words or "no answer"
    return (
        f"the region's own resolver is of no use: {why} (name servers: {servers}; see {stub.config.origin})"
    )


def _enough(answers: Answers, *, wanted: _Wanted) -> bool:
    """Say whether there is nothing left to wait for: all there is, or a family that none still awaited would beat."""
    if wanted.every:
        return len(answers) == len(wanted.order) and any(answer.addresses for answer in answers.values())
    for family in wanted.order:
        answer = answers.get(family)
        if answer is None:
            return False
        if answer.addresses and (wanted.rule != "any" or _has_route(answer.addresses[0], family)):
            return True
    return False


def _choose(found: Mapping[int, tuple[str, ...]], wanted: _Wanted) -> _Found:
    usable = [[(text, family) for text in found[family]] for family in wanted.order if family in found]
    if wanted.rule == "any" and len(usable) > 1 and not _has_route(*usable[0][0]):
        usable.reverse()
    if not wanted.every:
        return tuple(usable[0][:1]) if usable else ()
    by_turns = (each for each in chain.from_iterable(zip_longest(*usable)) if each is not None)
    return tuple(dict.fromkeys(by_turns))[:MAX_ADDRESSES]


def _found(answers: Answers) -> dict[int, tuple[str, ...]]:
    return {family: answer.addresses for family, answer in answers.items() if answer.addresses}


def _by_family(addresses: tuple[str, ...]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for address in addresses:
        family = 6 if ":" in address else 4
        found[family] = (*found.get(family, ()), address)
    return found


def _order(rule: FamilyRule, source: str | None) -> tuple[int, ...]:
    return (6, 4) if rule == "any" and source is not None and ":" in source else _ORDER[rule]


def _has_route(address: str, family: int) -> bool:
    """Ask the kernel; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, 9))
        except OSError:
            return False
    return True


@lru_cache(maxsize=4096)
def _literal(host: str) -> tuple[str, int] | None:
    text = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return text, ipaddress.ip_address(text).version
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _query(name: str, rdtype: int) -> bytes:
    try:
        return dns_wire.build_query(dns_wire.encode_name(name), rdtype)
    except ValueError as error:
        raise Stop(Code.RESOLVE_INVALID, f"{quoted(name)} cannot be looked up: {error}") from None
