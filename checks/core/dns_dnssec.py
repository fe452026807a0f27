"""The `dns` check's DNSSEC: an answer that has been judged is validated, by further questions to the same server.

They are a phase of their own, `validate`, so that they bend neither the time of the query under test nor its limits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from . import dns_wire
from .clock import monotonic_ns
from .dns_chain import Bogus, Chain, Insecure
from .dns_exchange import Reply
from .dns_trust import DnssecOptions, anchors_of
from .failures import Code, DeadlinePassed, Stop
from .watch import Watch

Ask = Callable[[Watch, bytes], Awaitable[Reply | None]]
"""Ask the server under test on a watch; the query is without an id of its own."""


async def validate(
    watch: Watch, options: DnssecOptions, reply: Reply, question: tuple[bytes, int], ask: Ask
) -> None:
    """Record whether the answer is signed as it should be; `question` is name (in wire form) and type."""
    name, rdtype = dns.name.from_wire(question[0], 0)[0], question[1]
    part = watch.part()  # what it takes is told as one phase
    watch.enter("validate")
    chain = Chain(anchors_of(options), _lookup(part, ask))
    try:
        await chain.validate(parse(reply.wire), name, rdtype)
    except Bogus as error:
        watch.facts["dnssec"] = "bogus"
        watch.fail(Code.DNSSEC_BOGUS, str(error))
    except Insecure as error:
        watch.facts["dnssec"] = "insecure"
        if options.required:
            watch.fail(Code.DNSSEC_MISSING, str(error))
    except dns_wire.Malformed as error:
        watch.fail(Code.DNS_MALFORMED, f"an answer cannot be read: {error}")
    except DeadlinePassed:
        watch.expired((Code.DNS_TIMEOUT, "the keys and signatures above the answer did not all come"))
    else:
        watch.facts["dnssec"] = "secure"
        if chain.expires_s is not None:
            watch.facts["signatures_expire"] = chain.expires_s
    watch.leave(monotonic_ns())


def parse(wire: bytes) -> dns.message.Message:
    """Read a message; raises `Malformed`."""
    try:
        return dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError, IndexError, KeyError) as error:
        raise dns_wire.Malformed(str(error) or type(error).__name__) from None


def _lookup(part: Watch, ask: Ask) -> Callable[[dns.name.Name, int], Awaitable[dns.message.Message]]:
    async def lookup(name: dns.name.Name, rdtype: int) -> dns.message.Message:
        what = f"{name.to_text()} {dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))}"
        query = dns_wire.build_query(name.to_wire() or b"\0", rdtype)
        try:
            reply = await ask(part, dns_wire.for_signatures(query))
        except Stop as stop:
            raise Stop(stop.code, f"asking for {what}: {stop.detail}") from None
        if reply is None:
            raise Bogus(f"there is no answer to the question for {what}")
        if reply.header.rcode not in (dns_wire.NOERROR, dns_wire.NXDOMAIN):
            raise Bogus(f"the answer to the question for {what} is {dns_wire.rcode_text(reply.header.rcode)}")
        return parse(reply.wire)

    return lookup
