"""Probes with their regions' series, runs of them, and doubts about them; no hub and no store."""

from __future__ import annotations

from collections.abc import Iterable

from checks.core.result import Failure, Outcome, Result
from prober.agent.grid import Grid
from prober.hub.doubts import Doubts, Questions
from prober.hub.series import SeriesState
from prober.hub.verdict import ProbePolicy
from prober.store.base import SeriesRow
from prober.wire import Kind, Record

S = 1_000_000
T = 30 * S
NOW_US = 1_790_000_000 * S
SILENCE = 75 * S
REGIONS = ("fra", "iad", "sin")
FRA, IAD, SIN = 1, 2, 3  # the series of the first probe in them
NOTHING = Questions([], [])  # is asked, and nobody is alone


def policy(
    name: str = "web",
    regions: tuple[str, ...] = REGIONS,
    *,
    quorums: tuple[int, ...] | None = None,
    fewest: int | None = None,
    is_told: bool = False,
) -> ProbePolicy:
    """A probe that is down when most of its regions with a vote fail."""
    count = len(regions)
    return ProbePolicy(
        name=name,
        regions=regions,
        quorum=count // 2 + 1,
        retries=0,
        silence_us=SILENCE,
        is_told=is_told,
        quorums=quorums or tuple(voting // 2 + 1 for voting in range(count + 1)),
        fewest=count // 2 + 1 if fewest is None else fewest,
    )


def series_of(policies: Iterable[ProbePolicy], interval_us: int = T) -> dict[int, SeriesState]:
    """The series of these probes, numbered from 1 in the order of probes and their regions."""
    places = [(each, region) for each in policies for region in each.regions]
    made: dict[int, SeriesState] = {}
    for number, (each, region) in enumerate(places, 1):
        row = SeriesRow(
            number=number, probe=each.name, region=region, interval_us=interval_us, schedule="fixed",
            regions=each.regions, created_us=0,
        )  # fmt: skip
        made[number] = SeriesState(
            row=row, grid=Grid(b"x", each.name, region, each.regions, interval_us, "fixed")
        )
    return made


def run(
    series: int,
    at_us: int,
    outcome: Outcome = Outcome.PASS,
    kind: Kind = Kind.SCHEDULED,
    took_us: int = 1000,
) -> Record:
    """One run that began at an instant."""
    failures = (Failure("connect_refused", "refused"),) if outcome is Outcome.FAIL else ()
    result = Result(
        outcome=outcome, started_us=at_us, duration_us=took_us, phases_us={}, failures=failures
    )  # fmt: skip
    return Record(series, at_us // T, int(kind), 0, result)


def doubts(*policies: ProbePolicy, interval_us: int = T) -> Doubts:
    """Doubts that know these probes, and have seen nothing."""
    made = Doubts()
    made.configure(policies or (policy(),), series_of(policies or (policy(),), interval_us))
    return made


def all_passed(at_us: int = NOW_US - 10 * S, series: int = 3) -> list[Record]:
    """A pass of each of the first series."""
    return [run(number, at_us + number) for number in range(1, series + 1)]


def note(to: Doubts, *records: Record, after_us: int = 200_000) -> Questions:
    """Take the records in some time after the last of them ended."""
    return to.note(
        records, max(record.result.started_us + record.result.duration_us for record in records) + after_us
    )


def warmed(*policies: ProbePolicy, interval_us: int = T) -> Doubts:
    """Doubts that have seen every region of these probes pass a moment ago."""
    made = doubts(*policies, interval_us=interval_us)
    assert note(made, *all_passed(series=sum(len(each.regions) for each in policies) or 3)) == NOTHING
    return made
