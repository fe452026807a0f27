"""A simulated world for the judging half: true results of three regions, cut into lanes of batches, delivered anyhow.

`World.draw` makes results by chance: outages, silence, void runs, retries. `Desk` takes batches as the pipeline does,
on a real store, with a simulated clock, and can be crashed at any moment. Nothing here sleeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from checks.core.result import Failure, Outcome, Result
from prober import wire
from prober.agent.grid import Grid
from prober.hub.fold import Fold
from prober.hub.judge import Judge, Judged
from prober.hub.restoring import restore_standings
from prober.hub.reviser import Reviser
from prober.hub.series import SeriesState
from prober.hub.verdict import ProbePolicy, Seen, ServicePolicy, State, silence_us
from prober.store.base import ChangeRow, SeriesRow
from prober.store.sqlite import SqliteStore
from prober.wire import Batch, Health, Kind, Record, SpoolState

S = 1_000_000
T = 30 * S
TIMEOUT = 10 * S
BEGIN_US = 1_790_000_000 * S
REGIONS = ("fra", "iad", "sin")
PROBES = ("web", "db")
HEALTH = Health(worst_lag_us=0, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)
SEED = b"\7" * 32


def policies(retries: int) -> tuple[list[ProbePolicy], list[ServicePolicy]]:
    """Return two probes, majority of three, and a service that needs both."""
    probes = [
        ProbePolicy(
            name=name,
            regions=REGIONS,
            quorum=2,
            retries=retries,
            silence_us=silence_us(T, TIMEOUT),
            quorums=(1, 1, 2, 2),
            fewest=2,
        )
        for name in PROBES
    ]
    return probes, [ServicePolicy(name="shop", probes=PROBES, needed=2)]


@dataclass(slots=True)
class World:
    """What happened: records by region, in the order of their starts."""

    retries: int
    grids: dict[int, Grid]
    rows: dict[int, SeriesRow]
    records: dict[str, list[Record]] = field(default_factory=dict)
    late_us: int = 0  # how late a run may begin

    def draw(self, chance: Random, slots: int) -> None:
        """Let some slots pass."""
        for region in REGIONS:
            found: list[Record] = []
            for number, row in self.rows.items():
                if row.region == region:
                    found += self._series(chance, number, slots)
            self.records[region] = sorted(found, key=lambda record: record.result.started_us)

    def _series(self, chance: Random, number: int, slots: int) -> list[Record]:
        grid = self.grids[number]
        first = grid.first_due(BEGIN_US)
        found: list[Record] = []
        state, left = "pass", 0
        for slot in range(first, first + slots):
            if left == 0:
                state = chance.choices(["pass", "fail", "void", "off"], [6, 3, 1, 1])[0]
                left = chance.choice([1, 1, 2, 3, 6])
            left -= 1
            if state != "off":
                found += self._runs(chance, number, slot, Outcome(state))
        return found

    def _runs(self, chance: Random, number: int, slot: int, outcome: Outcome) -> list[Record]:
        due_us, next_us = self.grids[number].due_us(slot), self.grids[number].due_us(slot + 1)
        late_us = chance.choice([0, 0, chance.randrange(self.late_us + 1)])
        started_us = due_us + late_us
        # One run of a series at a time: the last retry is over before the next slot is due.
        took_us = min(chance.choice([1000, 5000, 2 * S]), (next_us - started_us) // (self.retries + 2))
        found = [record(number, slot, Kind.SCHEDULED, started_us, took_us, outcome, late_us)]
        if outcome is Outcome.FAIL:
            for _ in range(self.retries):
                started_us += took_us + 1
                again = chance.choice([Outcome.FAIL, Outcome.FAIL, Outcome.PASS])
                found.append(record(number, slot, Kind.RETRY, started_us, took_us, again))
                if again is Outcome.PASS:
                    break
        return found

    def truth(self, until_us: int) -> list[tuple[str, int, str, str]]:
        """Return the changes that all results in order of their ends lead to."""
        fold = Fold(*policies(self.retries))
        seen = [
            Seen(
                probe=self.rows[each.series].probe,
                region=region,
                scheduled=each.kind == Kind.SCHEDULED,
                outcome=each.result.outcome,
                code=each.result.failures[0].code if each.result.failures else "",
                started_us=each.result.started_us,
                ended_us=each.result.started_us + each.result.duration_us,
            )
            for region, records in self.records.items()
            for each in records
        ]
        seen.sort(key=lambda one: (one.ended_us, one.probe, one.region, one.started_us))
        changes = [change for one in seen for change in fold.take(one)] + fold.advance(until_us)
        return sorted((c.subject, c.at_us, c.before.value, c.after.value) for c in changes)


def record(
    series: int, slot: int, kind: Kind, started_us: int, took_us: int, outcome: Outcome, late_us: int = 0
) -> Record:
    """Return one result."""
    failures = (Failure("connect_refused", "refused"),) if outcome is Outcome.FAIL else ()
    result = Result(
        outcome=outcome,
        started_us=started_us,
        duration_us=took_us,
        phases_us={"connect": took_us},
        failures=failures,
    )
    return Record(series, slot, int(kind), late_us, result)


def lanes(chance: Random, records: dict[str, list[Record]]) -> list[list[Batch]]:
    """Cut each region's results into epochs of batches: order holds within an epoch, not between them."""
    found: list[list[Batch]] = []
    for region, all_records in records.items():
        left, epoch = list(all_records), 0
        while left:
            size = chance.choice([1, 5, 20, 60])
            part, left, epoch = left[:size], left[size:], epoch + 1
            lane: list[Batch] = []
            while part:
                count = chance.choice([1, 2, 5, 10])
                lane.append(batch(f"{region}-1", epoch, len(lane) + 1, part[:count]))
                part = part[count:]
            found.append(lane)
    return found


def batch(agent: str, epoch: int, sequence: int, records: list[Record]) -> Batch:
    """Return a batch as a remote agent's."""
    return Batch(
        version=wire.VERSION, agent=agent, epoch=epoch, sequence=sequence, previous=b"", digest="d",
        records=tuple(records), gaps=(), health=HEALTH, spool=SpoolState(1, len(records), 1, 0),
    )  # fmt: skip


class Desk:
    """Judge, store and reviser of one life of a hub."""

    def __init__(self, path: Path, retries: int) -> None:
        self.path = path
        self.retries = retries
        self.now_us = BEGIN_US
        self.clock = 0.0
        self.taken: set[tuple[str, int, int]] = set()
        self.rows: dict[int, SeriesRow] = {}
        self.grids: dict[int, Grid] = {}

    async def begin(self) -> None:
        """Start, or start again, from what is on record."""
        self.store = SqliteStore(self.path, lambda: self.now_us)
        await self.store.open()
        wanted = [
            SeriesRow(number=0, probe=probe, region=region, interval_us=T, schedule="stratified", regions=REGIONS,
                      created_us=BEGIN_US)
            for probe in PROBES
            for region in REGIONS
        ]  # fmt: skip
        self.rows = {row.number: row for row in await self.store.series(wanted)}
        self.grids = {
            number: Grid(SEED, row.probe, row.region, row.regions, row.interval_us)
            for number, row in self.rows.items()
        }
        runs = {run.series: run for run in await self.store.open_runs()}
        series = {
            number: SeriesState(row=row, grid=self.grids[number], run=runs.get(number))
            for number, row in self.rows.items()
        }
        fold = Fold(*policies(self.retries))
        self.judge = Judge(fold, series)
        self.judge.know(self.rows.values(), lambda row: self.grids[row.number])
        await restore_standings(self.store, self.judge)
        self.reviser = Reviser(self.store, self.judge, lambda: self.now_us, lambda: self.clock)

    async def crash(self) -> None:
        """Lose everything that is not on record."""
        await self.store.close()
        await self.begin()

    async def reload(self) -> None:
        """Take the same configuration anew."""
        self.judge.become(Fold(*policies(self.retries)), self.now_us)
        judged = Judged()
        self.judge.settle(self.now_us, judged)
        self.judge.mark(judged)
        await self.store.write(judged.writes)

    async def take(self, one: Batch) -> None:
        """Take a batch; one that comes again is not counted again."""
        key = one.agent, one.epoch, one.sequence
        if key in self.taken:
            return
        self.taken.add(key)
        ends = [each.result.started_us + each.result.duration_us for each in one.records]
        self.now_us = max([self.now_us, *ends])
        judged = Judged()
        self.judge.take(one, b"", judged, await self.store.taken(self.judge.unsure(one)))
        self.judge.mark(judged)
        await self.store.write(judged.writes)

    async def pass_time(self, us: int) -> None:
        """Let the clock go on, so that silence is noticed."""
        self.now_us += us
        judged = Judged()
        self.judge.advance(self.now_us, judged)
        self.judge.mark(judged)
        await self.store.write(judged.writes)

    async def look_back(self) -> None:
        """Work out all that is marked."""
        while self.judge.fold.revise_from:
            revised = await self.reviser.look_back()
            await self.store.write(revised.writes)
            self.reviser.adopt(revised)

    async def standing(self) -> list[tuple[str, int, str, str]]:
        """Return the changes that stand."""
        rows: list[ChangeRow] = [row for row in await self.store.changes(None, 100_000) if not row.withdrawn]
        return sorted((row.subject, row.at_us, row.before, row.after) for row in rows)

    def states(self) -> dict[str, State]:
        """Return where everything stands now."""
        fold = self.judge.fold
        return {
            subject: standing.state
            for subject in fold.subjects
            if (standing := fold.standing(subject)) is not None
        }
