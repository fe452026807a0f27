"""Several echo requests in one run: sent at a steady pace, answered in any order, told as loss and times."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from .clock import monotonic_ns
from .failures import Stop
from .icmp_socket import Arrival, EchoSocket, Refusal
from .icmp_wire import build_request, parse_reply, sent_sequence
from .link import Address
from .watch import Watch

_SPARE_NS = 5_000_000  # a series ends this long before its run's deadline, so that what came is judged


@dataclass(slots=True)
class Tally:
    """What came of a series. Times in nanoseconds, by number of the request."""

    sent_ns: dict[int, int] = field(default_factory=dict)
    took_ns: dict[int, int] = field(default_factory=dict)
    refused: dict[int, Stop] = field(default_factory=dict)
    duplicates: int = 0
    hops_left: int | None = None

    @property
    def lost(self) -> int:
        """How many requests had no reply."""
        return len(self.sent_ns) - len(self.took_ns)

    @property
    def mean_us(self) -> int:
        """The mean time of the replies; needs one."""
        return sum(self.took_ns.values()) // len(self.took_ns) // 1000

    @property
    def jitter_us(self) -> int | None:
        """The mean difference between the times of replies that follow each other; None with fewer than two."""
        times = [self.took_ns[number] for number in sorted(self.took_ns)]
        steps = [abs(after - before) for before, after in pairwise(times)]
        return sum(steps) // len(steps) // 1000 if steps else None

    def note(self, came: Arrival | Refusal, family: int, token: bytes) -> None:
        """Take in what came; what is not about a request of this series is passed over."""
        if isinstance(came, Refusal):
            number = sent_sequence(came.data, token)
            if number is not None and number in self.sent_ns:
                self.refused.setdefault(number, came.stop)
            return
        reply = parse_reply(came.data, family, token)
        if reply is None or reply.sequence not in self.sent_ns:
            return
        if reply.sequence in self.took_ns:
            self.duplicates += 1
            return
        self.took_ns[reply.sequence] = max(came.at_ns - self.sent_ns[reply.sequence], 0)
        self.hops_left = came.hops_left

    def is_settled(self, packets: int) -> bool:
        """Say whether every request was sent and nothing more is awaited."""
        return len(self.sent_ns) == packets and len(self.took_ns.keys() | self.refused.keys()) == packets


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What is sent: how many, how far apart, how long a reply may take, and with what in it.

    None but the first goes out later than its patience, or half of the time there is, ahead of the run's end.
    """

    packets: int
    gap_ns: int
    patience_ns: int
    token: bytes
    payload: bytes

    async def run(self, watch: Watch, echo: EchoSocket, address: Address) -> Tally:
        """Send and listen until all is answered, or the last reply's time is over, or the run's nearly is."""
        tally = Tally()
        begin_ns = monotonic_ns()
        last_ns = watch.deadline_ns - _SPARE_NS
        packets = self._in_time(last_ns - begin_ns)
        for number in range(packets):
            if number:
                await self._listen(echo, address, tally, begin_ns + number * self.gap_ns, packets)
            packet = build_request(address.family, echo.identifier, number, self.token + self.payload)
            tally.sent_ns[number] = echo.send(packet)
        await self._listen(echo, address, tally, min(monotonic_ns() + self.patience_ns, last_ns), packets)
        return tally

    def _in_time(self, left_ns: int) -> int:
        """Return how many requests go out: a reply to one just before the end would seem lost by our own haste."""
        until_ns = max(left_ns - min(self.patience_ns, left_ns // 2), 0)
        return min(self.packets, 1 + until_ns // self.gap_ns)

    async def _listen(
        self, echo: EchoSocket, address: Address, tally: Tally, until_ns: int, packets: int
    ) -> None:
        while not tally.is_settled(packets):
            came = await echo.receive(until_ns)
            if came is None:
                return
            tally.note(came, address.family, self.token)
