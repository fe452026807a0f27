"""What a month of 1,000 probes x 3 regions x 30 s costs by each method, from tracks: CPU seconds, printed.

Not a test: run it by hand. 2,000 outages of five minutes in all, seen by every region; one void and one hole a region.
As 1,000 contracts of one probe each, which is what a month's reports are made of, and as one contract over all of
them; the latter not for slices, where nearly each slice holds trouble somewhere, and each of 3,000 grids must be dated
at each of 8,640 edges.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random
from time import process_time

from support.tracks import DAY, MONTH, S, contract, probe

from prober.agent.grid import Grid
from reports.contract import Method, Minutes, Periods, ProbeTerms, Requests, Slices, Time, Weighted
from reports.evidence import Stretches, Verdict
from reports.methods import figures
from reports.track import Era, Fate, Hole, Oddity, Shot, Track, Tracks

PROBES, REGIONS, OUTAGES = 1_000, ("fra", "iad", "sin"), 2_000
T, START = 30 * S, 1_790_000_000 * S // DAY * DAY
METHODS: dict[str, tuple[Method, str]] = {
    "time": (Time(), "regional"),
    "time pooled": (Time(), "pooled"),
    "minutes": (Minutes(threshold=Fraction("0.05")), "regional"),
    "minutes pooled": (Minutes(threshold=Fraction("0.05")), "pooled"),
    "periods": (Periods(minutes=5), "regional"),
    "requests": (Requests(), "regional"),
    "slices zero": (Slices(length_us=300 * S), "regional"),
    "slices skip": (Slices(length_us=300 * S, empty="skip"), "regional"),
    "weighted": (Weighted(by="regions", weights=tuple((r, Fraction(1)) for r in REGIONS)), "regional"),
}


def month(chance: Random, name: str) -> tuple[ProbeTerms, Tracks]:
    """Return a probe and what was seen of it."""
    begins = sorted(START + chance.randrange(DAY, MONTH - DAY) for _ in range(OUTAGES // PROBES))
    terms = probe(*REGIONS, name=name, needed=2, interval_us=T, schedule="stratified")
    return terms, {(name, region): _track(chance, name, region, begins) for region in REGIONS}


def _track(chance: Random, name: str, region: str, begins: list[int]) -> Track:
    grid = Grid(b"\7" * 32, name, region, REGIONS, T)
    first, last = grid.first_due(START - DAY), grid.first_due(START + MONTH + DAY)
    lost = grid.first_due(START + chance.randrange(MONTH))
    odd = {
        slot: Fate.BAD
        for at in begins
        for slot in range(grid.first_due(at), grid.first_due(at + 300 * S))
        if not lost <= slot <= lost + 20
    }
    cuts = sorted({*odd, *(slot + 1 for slot in odd), first, last + 1, lost, lost + 21})
    found = Stretches()
    runs: list[tuple[int, int, Fate]] = []
    for a, b in pairwise(cuts):
        fate = odd.get(a, Fate.GOOD)
        if a == lost:
            continue
        if runs and runs[-1][1] + 1 == a and runs[-1][2] is fate:
            runs[-1] = (runs[-1][0], b - 1, fate)
        else:
            runs.append((a, b - 1, fate))
    for a, b, fate in runs:
        ends = [(due, due + 50_000) for due in (grid.due_us(a), grid.due_us(b))]
        gap = min(2 * T, ends[1][0] - ends[0][0])
        found.add(ends[0], ends[1], Verdict.BAD if fate is Fate.BAD else Verdict.GOOD, gap)
    spans = tuple((at - 4 * T, at + 300 * S + 4 * T) for at in begins)
    shots = [
        Shot(due, due + 50_000, odd.get(slot, Fate.GOOD))
        for a, b in spans
        for slot in range(grid.first_due(a), grid.first_due(b))
        if not lost <= slot <= lost + 20
        for due in (grid.due_us(slot),)
    ]
    one = Era(
        interval_us=T, schedule="stratified", regions=3, stretches=found, first_slot=first, last_slot=last,
        due_us=grid.due_us, slot_at=grid.slot_at,
        oddities=tuple(Oddity(slot, fate, "connect_refused") for slot, fate in sorted(odd.items())),
        holes=(Hole(lost, lost + 20, "agent_off"),), from_us=START - DAY, shots=shots, shot_spans=spans,
    )  # fmt: skip
    return Track(probe=name, region=region, eras=(one,))


def main() -> None:
    """Print CPU seconds by method."""
    chance = Random(1)
    made = [month(chance, f"probe-{number}") for number in range(PROBES)]
    period = (START, START + MONTH)
    for name, (method, quorum) in METHODS.items():
        begun = process_time()
        for terms, tracks in made:
            figures(contract(terms, method=method, quorum=quorum), tracks, (period,), MONTH, *period)
        print(f"{name:16} {process_time() - begun:6.2f} s")
    every = {pair: track for _, tracks in made for pair, track in tracks.items()}
    for name, (method, quorum) in METHODS.items():
        if isinstance(method, Slices):
            continue
        begun = process_time()
        big = contract(*(terms for terms, _ in made), method=method, quorum=quorum)
        figures(big, every, (period,), MONTH, *period)
        print(f"{name:16} {process_time() - begun:6.2f} s as one contract")


if __name__ == "__main__":
    main()
