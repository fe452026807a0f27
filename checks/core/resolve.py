"""A target's name becomes one address: literals at once, the hosts file, then the system's name servers.

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
from functools import lru_cache, partial
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
_TYPES = {4: dns_wire.TYPE_A, 6: dns_wire.TYPE_AAAA}
_NAMES = {4: "IPv4", 6: "IPv6"}
_Wanted = tuple[tuple[int, ...], FamilyRule]  # families in order of preference, and the rule behind it
_ROOT = dns_wire.build_query(dns_wire.encode_name("."), dns_wire.TYPE_NS)


async def resolve(watch: Watch, host: str, port: int, family: FamilyRule = "any") -> Address:
    """Return the address to connect to; a literal one (IPv6 with or without brackets) has no stage at all.

    Raises `Stop` with a `resolve_` code, or with AGENT_RESOLVER for trouble of our own.
    """
    if (literal := _literal(host)) is not None:
        if literal[1] not in _ORDER[family]:
            raise Stop(Code.RESOLVE_NO_ADDRESS, f"{literal[0]} is not an {_NAMES[_ORDER[family][0]]} address")
        return Address(literal[0], port, literal[1])
    watch.enter("resolve")
    config = watch.place.resolver or system_resolver()
    order = _order(family, watch.place.source_address)
    local = _by_family(config.local_addresses(host))
    if text := _choose(local, order, family):
        watch.leave(monotonic_ns())
        return Address(text[0], port, text[1])
    text = await _from_servers(watch, Stub(watch, config), host, (order, family))
    return Address(text[0], port, text[1])


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


async def _from_servers(watch: Watch, stub: Stub, host: str, wanted: _Wanted) -> tuple[str, int]:
    order, rule = wanted
    if not stub.config.servers:
        raise Stop(Code.AGENT_RESOLVER, _no_answer(stub))
    began_ns = monotonic_ns()
    until_ns = began_ns + (watch.deadline_ns - began_ns) * 2 // 3  # the rest is for the control question
    exists = False
    try:
        for name in stub.config.candidates(host):
            queries = {family: _query(name, _TYPES[family]) for family in order}
            answers = await stub.ask(queries, until_ns, partial(_enough, order=order, rule=rule))
            if chosen := _choose(_found(answers), order, rule):
                watch.leave(answers[chosen[1]].received_ns)
                return chosen
            await _judge(stub, name, answers, watch)
            exists = exists or any(answer.meaning is Meaning.NO_ADDRESS for answer in answers.values())
    except DeadlinePassed:
        if stub.heard:
            raise
        raise Stop(Code.AGENT_RESOLVER, _no_answer(stub)) from None
    watch.leave(max(answer.received_ns for answer in answers.values()))
    raise _absent(host, order, exists)


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
    return f"the region's own resolver is of no use: {why} (name servers: {servers}; see /etc/resolv.conf)"


def _enough(answers: Answers, *, order: tuple[int, ...], rule: FamilyRule) -> bool:
    """Say whether a family was found that none still awaited would be preferred to."""
    for family in order:
        answer = answers.get(family)
        if answer is None:
            return False
        if answer.addresses and (rule != "any" or _has_route(answer.addresses[0], family)):
            return True
    return False


def _choose(found: Mapping[int, str], order: tuple[int, ...], rule: FamilyRule) -> tuple[str, int] | None:
    usable = [(found[family], family) for family in order if family in found]
    if rule == "any" and len(usable) > 1 and not _has_route(*usable[0]):
        return usable[1]
    return usable[0] if usable else None


def _found(answers: Answers) -> dict[int, str]:
    return {family: answer.addresses[0] for family, answer in answers.items() if answer.addresses}


def _by_family(addresses: tuple[str, ...]) -> dict[int, str]:
    found: dict[int, str] = {}
    for address in addresses:
        found.setdefault(6 if ":" in address else 4, address)
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
