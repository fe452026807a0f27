"""What remote agents deliver, made before anything is measured: results of 1,000 probes in 3 regions, sealed by second.

An agent seals what it saw about once a second, so a batch is what one region saw in that time; what waits on its disk
while the hub is away is made of the same batches. One result in a thousand fails, and one probe in fifty has an
outage that all regions see.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from checks.core.result import Failure, Outcome, Result
from prober import wire
from prober.agent.keys import AgentKey
from prober.agent.sealing import Content, Sealer, unpack
from prober.hub.series import SeriesState
from prober.wire import Health, Kind, Record, SpoolState

PROBES, REGIONS, INTERVAL_S = 1000, ("fra", "iad", "sin"), 30
S = 1_000_000
OUTAGE_EVERY, OUTAGE_SLOTS, SLOTS_BETWEEN = 50, 10, 100  # of so many probes, so long, and how often
FAILED = 1000  # one of so many runs
_HEALTH = Health(worst_lag_us=100, in_flight=3, queued=0, cpu_us=1, resident_bytes=1, clock_steps=0)
_WAITING = SpoolState(batches=1, results=33, bytes=3000, oldest_us=1)  # so that no chain counts as ended
_REFUSED = (Failure("connect_refused", "nothing listens on 203.0.113.7:443"),)
_FACTS = {"address": "203.0.113.7", "family": 4, "status": 200, "http_version": "1.1", "size": 5120}


def configuration() -> str:
    """Return 1,000 probes in three remote regions, ten of them a service."""
    tokens = enumerate(REGIONS)
    regions = "".join(f"  {name}: {{token: 0123456789abcdef-{number}}}\n" for number, name in tokens)
    probes = "".join(f"  - {{name: p{each}, tcp: {{address: '127.0.0.1:9'}}}}\n" for each in range(PROBES))
    services = "".join(
        f"  - {{name: s{first}, probes: [{', '.join(f'p{first + each}' for each in range(10))}]}}\n"
        for first in range(0, PROBES, 10)
    )
    return f"regions:\n{regions}probes:\n{probes}services:\n{services}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch: as a remote agent sends it, and as a local one would; `at_us` is when it was sealed."""

    agent: Agent
    at_us: int
    sealed: bytes
    plain: bytes
    results: int


@dataclass(slots=True)
class Agent:
    """The agent of one region: its key, its series, the chain it seals."""

    region: str
    series: Mapping[int, SeriesState]
    hub: bytes
    digest: str
    key: AgentKey = field(default_factory=AgentKey.make)
    sealer: Sealer = field(init=False)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.sealer = Sealer(self.name, self.key, epoch=1)
        self._random = random.Random(self.region)

    @property
    def name(self) -> str:
        """The agent's name."""
        return f"{self.region}-agent"

    def begin_epoch(self) -> None:
        """Begin another chain, as at a connection that finds much to catch up with."""
        last = self.sealer
        self.sealer = Sealer(self.name, self.key, last.epoch + 1, 0, last.previous, last.epoch)

    def seal(self, slots: Iterable[int]) -> list[Delivery]:
        """Return all results of some slots, a batch for each second in which some began."""
        due = sorted(
            (state.grid.due_us(slot), number, slot) for number, state in self.series.items() for slot in slots
        )
        return [
            self._seal((second + 1) * S, tuple(self._record(*each) for each in seen))
            for second, seen in groupby(due, lambda each: each[0] // S)
        ]

    def _seal(self, at_us: int, records: tuple[Record, ...]) -> Delivery:
        content = Content(digest=self.digest, hub=self.hub, records=records, gaps=(), health=_HEALTH)
        sealed, _ = self.sealer.seal(content, _WAITING)
        return Delivery(self, at_us, wire.encode(sealed), unpack(sealed.packed), len(records))

    def _record(self, due_us: int, number: int, slot: int) -> Record:
        late_us = self._random.randrange(50, 900)
        fails = self._random.randrange(FAILED) == 0 or _is_outage(number, slot)
        result = _result(due_us + late_us, fails, self._random.randrange(40_000))
        return Record(number, slot, int(Kind.SCHEDULED), late_us, result)


def agents(series: Mapping[int, SeriesState], hub: bytes, digest: str) -> list[Agent]:
    """Return one agent a region."""
    own = {region: {n: each for n, each in series.items() if each.row.region == region} for region in REGIONS}
    return [Agent(region, own[region], hub, digest) for region in REGIONS]


def _is_outage(number: int, slot: int) -> bool:
    probe = (number - 1) // len(REGIONS)
    return probe % OUTAGE_EVERY == 0 and slot % SLOTS_BETWEEN < OUTAGE_SLOTS


def _result(started_us: int, fails: bool, more_us: int) -> Result:
    phases_us = {"resolve": 812, "connect": 1203} if fails else {
        "resolve": 812, "connect": 1203, "tls": 9120, "send": 31, "wait": 20_000 + more_us, "transfer": 1300,
    }  # fmt: skip
    return Result(
        outcome=Outcome.FAIL if fails else Outcome.PASS,
        started_us=started_us,
        duration_us=sum(phases_us.values()),
        phases_us=phases_us,
        failures=_REFUSED if fails else (),
        facts=_FACTS,
    )
