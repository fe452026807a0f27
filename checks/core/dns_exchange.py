"""One query to one server, over UDP, TCP or TLS, as the thing under test: phases, and a code for every way to fail.

A datagram that does not answer the query (another id, another question, garbage) is passed over, since anyone
may send one; only when nothing better came by the deadline is it called malformed. What an answer says is
judged elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

from . import dns_wire
from .clock import monotonic_ns
from .datagram import Datagrams, source_for
from .dns_wire import Header
from .failures import Code, DeadlinePassed, Stop
from .link import Address, Link, refusal
from .quote import quoted
from .watch import Watch


class Reply(NamedTuple):
    """An answer to the query, and how it came: `udp`, `tcp` or `tls`."""

    wire: bytes
    header: Header
    transport: str


async def ask_datagram(
    watch: Watch, server: Address, query: bytes, *, attempts: int, until_ns: int | None, source: str | None
) -> Reply:
    """Ask over UDP, again after an equal share of the time for each attempt; the stage is `query`.

    `until_ns` ends the wait before the run's deadline does. Raises `Stop`.
    """
    strangers: list[bytes] = []
    socket_ = None
    try:
        socket_ = Datagrams(watch, server, source or source_for(server, watch.place.source_address))
        watch.enter("query")
        for left in range(attempts, 0, -1):
            socket_.send(query)
            data = await _answer(socket_, query, _share_ns(watch, left, until_ns), strangers)
            if data is not None:
                watch.leave(socket_.received_ns)
                return Reply(data[0], data[1], "udp")
    except OSError as error:
        raise refusal(error.errno or 0, server) from None
    except DeadlinePassed:
        if watch.is_stalled or not strangers:
            raise
    finally:
        if socket_ is not None:
            socket_.close()
    if strangers:
        raise Stop(Code.DNS_MALFORMED, f"{server} sent no answer to the query, but {quoted(strangers[0])}")
    raise Stop(Code.DNS_TIMEOUT, f"{server} gave no answer")


def _share_ns(watch: Watch, attempts_left: int, until_ns: int | None) -> int | None:
    if attempts_left == 1:
        return until_ns  # the last one waits for the deadline itself
    now_ns = monotonic_ns()
    return now_ns + ((until_ns or watch.deadline_ns) - now_ns) // attempts_left


async def _answer(
    socket_: Datagrams, query: bytes, until_ns: int | None, strangers: list[bytes]
) -> tuple[bytes, Header] | None:
    while (data := await socket_.receive(until_ns)) is not None:
        if (header := dns_wire.read_header(data, query)) is not None:
            return data, header
        if not strangers:
            strangers.append(data)
    return None


async def ask_stream(watch: Watch, link: Link, query: bytes) -> Reply:
    """Ask over an open link; the stage is `query`. Raises `Stop`."""
    watch.enter("query")
    await link.send(len(query).to_bytes(2, "big") + query)
    data = bytearray()
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        more = await link.receive()
        if not more:
            raise Stop(
                Code.CONNECTION_CLOSED, f"{link.address} closed the connection before the answer was whole"
            )
        data += more
    watch.leave(link.received_ns)
    wire = bytes(data[2 : 2 + int.from_bytes(data[:2], "big")])
    header = dns_wire.read_header(wire, query)
    if header is None:
        raise Stop(Code.DNS_MALFORMED, f"{link.address} sent no answer to the query, but {quoted(wire)}")
    return Reply(wire, header, "tcp" if link.tls is None else "tls")
