"""The figures of a contract worked out again by somebody else: from exported rows and the contract's text alone.

Written from the definitions, plainly and slowly, with the standard library only and a calendar of its own. It shares
no code with the product: where both agree to the fraction, the figure follows from what was exported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from support.lawyer_calendar import Window, Windows
from support.lawyer_rows import Attempt, Grid, Look
from support.lawyer_time import (
    NOTHING,
    Facts,
    Figures,
    Steps,
    agreed,
    laid,
    pooled_steps,
    steps_of,
    time_of,
    vote,
)

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
Known = dict[tuple[str, str, int | None], Any]
"""Attempts (None) and time (by gap) of a probe in a region, worked out once."""


@dataclass
class Lawyer:
    """One contract: its terms as they are written, the exported grids, and the period."""

    terms: dict[str, Any]
    grids: list[Grid]
    period: Window
    windows: Windows
    total: int
    known: Known = field(default_factory=dict)

    def figures(self) -> Figures:
        """Return the figures by the contract's method."""
        method = self.terms.get("method", "time")
        return getattr(self, f"_{method}")()

    def _time(self) -> Figures:
        return time_of(self.steps(), self.windows, self.total)

    def steps(self, only: str | None = None) -> Steps:
        """Return when the service was down; seen from one region only if it is named."""
        services = [
            agreed([self._probe(probe, only) for probe in service["probes"]], service["needed"])
            for service in self.terms["services"]
        ]
        return agreed(services, 1)

    def _probe(self, probe: dict[str, Any], only: str | None) -> Steps:
        if only is not None:
            return self._region(probe["name"], only)
        if self.terms.get("quorum") == "pooled":
            return self._together(probe)
        return agreed([self._region(probe["name"], region) for region in probe["regions"]], probe["needed"])

    def _gap(self, grid: Grid) -> int:
        return self.terms.get("gap") or 2 * grid.interval

    def _grids(self, probe: str, regions: Sequence[str]) -> list[Grid]:
        own = [grid for grid in self.grids if grid.probe == probe and grid.region in regions]
        return sorted(own, key=lambda grid: grid.begins)

    def _region(self, probe: str, region: str) -> Steps:
        key = probe, region, self.terms.get("gap", 0)
        if key not in self.known:
            self.known[key] = laid(
                [steps_of(grid.looks, self._gap(grid)) for grid in self._grids(probe, [region])]
            )
        return self.known[key]

    def _together(self, probe: dict[str, Any]) -> Steps:
        by_gap: dict[int, list[Look]] = {}
        for grid in self._grids(probe["name"], probe["regions"]):
            by_gap.setdefault(self._gap(grid), []).extend(grid.looks)
        return laid([pooled_steps(sorted(looks), gap) for gap, looks in by_gap.items()])

    def _weighted(self) -> Figures:
        found = Figures(*[Fraction(0)] * 5)
        for region, weight in self.terms["weights"].items():
            own = time_of(self.steps(region), self.windows, self.total)
            found = Figures(*(one + weight * other for one, other in zip(found, own, strict=True)))
        return found

    # ---- attempts

    def attempts(self, probe: str, region: str) -> list[Attempt]:
        """Return every slot that was due: of each grid from its first slot on record to the next grid's.

        The first grid reaches back before its record, and the last goes on after it: attempts of which nobody knows.
        """
        if (probe, region, None) in self.known:
            return self.known[probe, region, None]
        grids = self._grids(probe, [region])
        found = []
        for place, grid in enumerate(grids):
            found += [Attempt(*each) for each in grid.recorded.values()]
            found += [Attempt(due, "u", "") for due in grid.missed.values()]
            begin = grid.begins if place else -(2**62)
            end = grids[place + 1].begins if place + 1 < len(grids) else 2**62
            found += [Attempt(due, "u", "") for due in grid.beyond if begin <= due < end]
        return self.known.setdefault((probe, region, None), sorted(found))

    def everything(self) -> Iterator[Attempt]:
        names = {probe["name"]: probe for service in self.terms["services"] for probe in service["probes"]}
        for probe in names.values():
            for region in probe["regions"]:
                yield from self.attempts(probe["name"], region)

    def counted(self) -> list[Attempt]:
        """Return the attempts in the eligible time, less the failures that are none by contract."""
        ignored = self.terms.get("ignored", ())
        return [each for each in self.due() if not (each.fate == "b" and each.code in ignored)]

    def due(self) -> list[Attempt]:
        """Return every attempt that was due in the eligible time."""
        found = []
        place = 0
        for each in sorted(self.everything()):
            while place < len(self.windows) and self.windows[place][1] <= each.due:
                place += 1
            if place == len(self.windows):
                break
            if self.windows[place][0] <= each.due:
                found.append(each)
        return found

    def _requests(self) -> Figures:
        found = self.counted()
        bad, unknown = (sum(each.fate == fate for each in found) for fate in "bu")
        return Figures(*map(Fraction, (len(found), bad, bad, bad + unknown, unknown)))

    def _slices(self) -> Figures:
        start, end = self.period
        length, empty = self.terms["length"], self.terms.get("empty", "zero")
        by_slice: defaultdict[int, list[str]] = defaultdict(list)
        for each in self.counted():
            by_slice[(each.due - start) // length].append(each.fate)
        total = sure = down = possible = unknown = Fraction(0)
        for number in range(-((start - end) // length)):
            low, high = start + number * length, min(start + (number + 1) * length, end)
            if not any(max(a, low) < min(b, high) for a, b in self.windows):
                continue
            fates = by_slice[number]
            if not fates and empty == "skip":
                continue
            total += 1
            if not fates:
                unknown += empty == "unknown"
                possible += empty == "unknown"
                continue
            bad, lost = fates.count("b"), fates.count("u")
            sure += Fraction(bad, len(fates))
            possible += Fraction(bad + lost, len(fates))
            if lost == len(fates):
                unknown += 1
            else:
                down += Fraction(bad, len(fates) - lost)
        return Figures(total, sure, down, possible, unknown)

    # ---- minutes

    def _minutes(self) -> Figures:
        start, end = self.period
        steps = [(minute * MINUTE, facts) for minute, facts in self.minutes(start, end).items()]
        return time_of(steps, self.windows, self.total)

    def minutes(self, start: int, end: int) -> dict[int, Facts]:
        """Return what is known of every minute."""
        pooled = self.terms.get("quorum") == "pooled"
        counts: defaultdict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        for service in self.terms["services"]:
            for probe in service["probes"]:
                for region in probe["regions"]:
                    for each in self.attempts(probe["name"], region):
                        key = probe["name"], "" if pooled else region, each.due // MINUTE
                        counts[key]["gbu".index(each.fate)] += 1
        found = {}
        for minute in range(start // MINUTE, -(-end // MINUTE)):
            services = []
            for service in self.terms["services"]:
                votes = []
                for probe in service["probes"]:
                    groups = [""] if pooled else probe["regions"]
                    own = [
                        self._minute(counts.get((probe["name"], one, minute), (0, 0, 0))) for one in groups
                    ]
                    votes.append(vote(own, 1 if pooled else probe["needed"]))
                services.append(vote(votes, service["needed"]))
            found[minute] = vote(services, 1)
        return found

    def _minute(self, counts: Sequence[int]) -> Facts:
        good, bad, unknown = counts
        least = self.terms.get("min_attempts", 1)
        threshold = self.terms["threshold"]

        def is_down(bad: int, of: int) -> bool:
            return bad == of if threshold == 1 else Fraction(bad, of) > threshold

        if good + bad + unknown >= least:
            if is_down(bad, good + bad + unknown):
                return Facts(True, True, False, False)
            if not is_down(bad + unknown, good + bad + unknown):
                return Facts(False, False, True, True)
        if good + bad < least:
            return NOTHING
        down = is_down(bad, good + bad)
        return Facts(measured_down=down, measured_up=not down)

    def _periods(self) -> Figures:
        """Count only minutes of runs that are long enough.

        A run is followed three days beyond the period; nobody knows what was before that, and after.
        """
        start, end = self.period
        every = self.minutes(start - 3 * DAY, end + 3 * DAY)
        first, last = min(every), max(every)
        more = self.terms["n"] + self.terms.get("good_minutes", 1)
        every |= {minute: NOTHING for side in (first - more, last + 1) for minute in range(side, side + more)}
        rule = self.terms["unknown_minutes"]

        def is_unknown(facts: Facts) -> bool:
            return not facts.measured_down and not facts.measured_up

        sure = self._runs(every, lambda facts: facts.sure_down)
        possible = self._runs(every, lambda facts: not facts.sure_up)
        known = {m: f for m, f in every.items() if rule != "bridge" or not is_unknown(f)}
        measured = self._runs(known, lambda f: f.measured_down or (rule == "worst" and is_unknown(f)))
        if rule == "worst":
            measured = _with_one(measured, {m for m, f in every.items() if f.measured_down})
        steps = []
        for minute, facts in every.items():
            down = minute in measured or minute in sure  # what is sure is down, whatever was bridged
            in_doubt = is_unknown(facts) and minute in possible and not down
            steps.append(
                (
                    minute * MINUTE,
                    Facts(minute in sure, down, not down and not in_doubt, minute not in possible),
                )
            )
        return time_of(steps, self.windows, self.total)

    def _runs(self, minutes: dict[int, Facts], is_down: Callable[[Facts], bool]) -> set[int]:
        """Return the minutes of runs: entered by n down minutes in a row, left by g good ones."""
        n, g = self.terms["n"], self.terms.get("good_minutes", 1)
        found: set[int] = set()
        inside, waiting = False, []
        for minute in sorted(minutes):
            if is_down(minutes[minute]) != inside:
                waiting.append(minute)
                if len(waiting) == (g if inside else n):
                    if not inside:
                        found.update(waiting)
                    inside, waiting = not inside, []
            elif inside:
                found.update([*waiting, minute])
                waiting = []
            else:
                waiting = []
        return found | set(waiting) if inside else found


def _with_one(run: set[int], down: set[int]) -> set[int]:
    """Return the rows of minutes that hold one of the others."""
    found: set[int] = set()
    row: list[int] = []
    for minute in [*sorted(run), None]:
        if row and (minute is None or minute != row[-1] + 1):
            if any(each in down for each in row):
                found.update(row)
            row = []
        if minute is not None:
            row.append(minute)
    return found
