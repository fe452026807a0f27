"""Asks name servers one question, or a few at once, and tells their answers apart. Never keeps an answer.

UDP first, over one socket with a fresh port and id; TCP when the answer was truncated. What the answers mean
for a run is decided in `resolve.py`.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from . import dns_wire
from .clock import monotonic_ns
from .datagram import Datagrams, source_for
from .failures import Code, Stop
from .link import Address
from .local import local_trouble
from .reactor import Channel
from .resolver_config import ResolverConfig
from .watch import Watch

_STREAM_FLAGS = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0)
_OURS = (Code.AGENT_DESCRIPTORS, Code.AGENT_MEMORY)  # no other name server would help


class Meaning(Enum):
    """What an answer, or its absence, says about a name."""

    ADDRESSES = "addresses"
    NO_ADDRESS = "the name exists without an address of that type"
    NXDOMAIN = "the name does not exist"
    BARE_NXDOMAIN = "the server says so, but shows no SOA record of the zone that would know"
    REFUSAL = "the server answered that it cannot or will not say"
    SILENCE = "no answer, or none that can be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: what it means, in words for people, and when it came (monotonic nanoseconds)."""

    meaning: Meaning
    words: str
    received_ns: int
    addresses: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the answer says something about the name, so that no other server need be asked."""
        return self.meaning not in (Meaning.REFUSAL, Meaning.SILENCE, Meaning.BARE_NXDOMAIN)


Answers = Mapping[int, Answer]


class Stub:
    """The name servers as one run sees them."""

    __slots__ = ("_watch", "config", "heard", "trouble")

    def __init__(self, watch: Watch, config: ResolverConfig) -> None:
        self._watch = watch
        self.config = config
        self.heard = False  # whether any server answered anything
        self.trouble = ""  # the last reason for hearing nothing

    async def ask(
        self, queries: Mapping[int, bytes], until_ns: int, enough: Callable[[Answers], bool]
    ) -> dict[int, Answer]:
        """Ask every server in turn, `attempts` times, until `enough` or all is settled; an answer a query."""
        answers: dict[int, Answer] = {}
        for _ in range(self.config.attempts):
            for server in self.config.servers:
                await self.ask_server(server, queries, answers, self._patience_ns(until_ns), enough)
                all_settled = all(answer.settled for answer in answers.values())
                if all_settled or enough(answers) or monotonic_ns() >= until_ns:
                    return answers
        return answers

    def _patience_ns(self, until_ns: int) -> int:
        # A third of what is left: the other servers and the control query need their time too.
        now_ns = monotonic_ns()
        left_ns = (self._watch.deadline_ns - now_ns) // 3
        return min(now_ns + min(self.config.timeout_us * 1000, left_ns), until_ns)

    async def ask_server(
        self,
        server: Address,
        queries: Mapping[int, bytes],
        answers: dict[int, Answer],
        until_ns: int,
        enough: Callable[[Answers], bool] = lambda answers: False,
    ) -> None:
        """Ask one server what is not settled yet; its answers, or its silence, go into `answers`."""
        asked = {key: dns_wire.with_fresh_id(query) for key, query in queries.items()
                 if key not in answers or not answers[key].settled}  # fmt: skip
        waiting = dict(asked)
        words = f"{server} gave no answer"
        try:
            await self._collect(server, waiting, answers, until_ns, enough)
        except OSError as error:
            words = _trouble(server, error)
        now_ns = monotonic_ns()
        for key in waiting:
            self.trouble = words
            # A refusal of an earlier server says more than this one's silence.
            answers.setdefault(key, Answer(meaning=Meaning.SILENCE, words=words, received_ns=now_ns))

    async def _collect(
        self, server: Address, waiting: dict[int, bytes], answers: dict[int, Answer], until_ns: int,
        enough: Callable[[Answers], bool],
    ) -> None:  # fmt: skip
        source = source_for(server, self._watch.place.source_address)
        socket_ = Datagrams(self._watch, server, source)
        try:
            for query in waiting.values():
                socket_.send(query)
            while waiting and not enough(answers):
                data = await socket_.receive(until_ns)
                if data is None:
                    return
                for key, query in list(waiting.items()):
                    if header := dns_wire.read_header(data, query):
                        received_ns = socket_.received_ns
                        if header.truncated and dns_wire.asks_address(query):
                            data = await self._over_tcp(server, query, source, until_ns)
                            received_ns = monotonic_ns()
                        answers[key] = self._read(server, data, query, received_ns)
                        del waiting[key]
                        break
        finally:
            socket_.close()

    async def _over_tcp(self, server: Address, query: bytes, source: str | None, until_ns: int) -> bytes:
        try:
            return await exchange_stream(self._watch, server, query, source, until_ns)
        except OSError as error:
            self.trouble = f"{_trouble(server, error)} over TCP after a truncated answer"
            return b""

    def _read(self, server: Address, data: bytes, query: bytes, received_ns: int) -> Answer:
        self.heard = True
        meaning, words, found = _meaning(data, query)
        return Answer(meaning=meaning, words=f"{server} {words}", received_ns=received_ns, addresses=found)


def _meaning(data: bytes, query: bytes) -> tuple[Meaning, str, tuple[str, ...]]:
    header = dns_wire.read_header(data, query)
    asks_address = dns_wire.asks_address(query)
    if header is None or (header.truncated and asks_address):
        return Meaning.SILENCE, "gave only a truncated answer", ()
    if header.rcode == dns_wire.NXDOMAIN:
        # Who knows that a name is missing sends the zone's SOA along (RFC 2308); who is cut off often does not.
        proven = header.authorities > 0
        return (Meaning.NXDOMAIN if proven else Meaning.BARE_NXDOMAIN), "answered NXDOMAIN", ()
    if header.rcode != dns_wire.NOERROR:
        return Meaning.REFUSAL, f"answered {dns_wire.rcode_text(header.rcode)}", ()
    try:
        found = dns_wire.read_addresses(data, query, header) if asks_address else ()
    except dns_wire.Malformed as error:
        return Meaning.REFUSAL, f"answered garbage: {error}", ()
    return (Meaning.ADDRESSES if found else Meaning.NO_ADDRESS), "answered", found


async def exchange_stream(
    watch: Watch, server: Address, query: bytes, source: str | None, until_ns: int
) -> bytes:
    """Send one query over TCP and return the whole answer, empty when none came in time; raises OSError."""
    sock = socket.socket(server.socket_family, _STREAM_FLAGS)
    channel = None
    try:
        if source is not None:
            sock.bind((source, 0))
        problem = sock.connect_ex((server.host, server.port))
        if problem not in (0, errno.EINPROGRESS):
            raise OSError(problem, os.strerror(problem))
        channel = Channel(watch.reactor, sock)
        return await _converse(channel, len(query).to_bytes(2, "big") + query, until_ns)
    finally:
        if channel is not None:
            channel.close()
        sock.close()


async def _converse(channel: Channel, outgoing: bytes, until_ns: int) -> bytes:
    received = b""
    while True:
        await channel.until(until_ns)
        if monotonic_ns() >= until_ns:
            return b""
        if problem := channel.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(problem, os.strerror(problem))
        try:
            # A query fits any send buffer, so it is either taken whole or the connection is not there yet.
            if outgoing and channel.sock.send(outgoing):
                outgoing = b""
            while data := channel.sock.recv(dns_wire.MAX_STREAM_BYTES):
                received += data
                if len(received) >= 2 and len(received) - 2 >= int.from_bytes(received[:2], "big"):
                    return received[2:]
            return b""  # closed before the answer was whole
        except BlockingIOError:
            continue


def _trouble(server: Address, error: OSError) -> str:
    trouble = local_trouble(error)
    if trouble is not None and trouble[0] in _OURS:
        raise Stop(*trouble)
    if error.errno == errno.ECONNREFUSED:
        return f"{server} refused the connection"
    return f"{server}: {trouble[1] if trouble else (error.strerror or type(error).__name__).lower()}"
