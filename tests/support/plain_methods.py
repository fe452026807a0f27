"""The methods that count, slot by slot and minute by minute: the slow, plain reading that reports are held against.

Shares no code with `reports` but the values of contracts and tracks: every slot is dated and looked at on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from support.worlds import LONG_US, START_US, World

from reports.contract import Contract, Periods, Slices
from reports.track import Fate

MINUTE = 60_000_000
FROM_US, TO_US = START_US - LONG_US, START_US + 2 * LONG_US
UP, EDGE_UP, UNKNOWN, EDGE_DOWN, CORE = range(5)


class Attempt(NamedTuple):
    """A scheduled slot."""

    probe: str
    region: str
    due_us: int
    fate: Fate
    code: str


class Sums(NamedTuple):
    """What figures are made of."""

    total: Fraction
    sure: Fraction
    down: Fraction
    possible: Fraction
    unknown: Fraction


def attempts(world: World) -> Iterator[Attempt]:
    """Yield every attempt that was due around the evidence."""
    for (probe, region), stays in world.stays.items():
        for place, stay in enumerate(stays):
            begin_us = stay.from_us if place else FROM_US
            end_us = stays[place + 1].from_us if place + 1 < len(stays) else TO_US
            by_slot = {row.slot: row for row in stay.rows}
            for slot in range(stay.grid.slot_at(FROM_US) - 2, stay.grid.slot_at(TO_US) + 2):
                due_us = stay.grid.due_us(slot)
                if stay.first <= slot <= stay.last:
                    row = by_slot.get(slot)
                    yield Attempt(
                        probe, region, due_us, row.fate if row else Fate.UNKNOWN, row.code if row else ""
                    )
                elif begin_us <= due_us < end_us:
                    yield Attempt(probe, region, due_us, Fate.UNKNOWN, "")


Inside = Callable[[int], bool]


def within(eligible: Sequence[tuple[int, int]]) -> Inside:
    """Return whether an instant is eligible."""
    return lambda at_us: any(a <= at_us < b for a, b in eligible)


def requests(found: Sequence[Attempt], inside: Inside, ignored: frozenset[str] = frozenset()) -> Sums:
    """Count attempts."""
    bad = unknown = total = 0
    for each in found:
        if inside(each.due_us) and not (each.fate is Fate.BAD and each.code in ignored):
            total += 1
            bad += each.fate is Fate.BAD
            unknown += each.fate is Fate.UNKNOWN
    return Sums(*(Fraction(number) for number in (total, bad, bad, bad + unknown, unknown)))


def slices(
    found: Sequence[Attempt], eligible: Sequence[tuple[int, int]], period: tuple[int, int], method: Slices
) -> Sums:
    """Average the error rates of slices, one by one."""
    total, sure, down, possible, unknown = (Fraction(0) for _ in range(5))
    start_us, end_us = period
    for at_us in range(start_us, end_us, method.length_us):
        until_us = min(at_us + method.length_us, end_us)
        parts = [(max(a, at_us), min(b, until_us)) for a, b in eligible if a < until_us and at_us < b]
        if not parts:
            continue
        part = requests(found, within(parts), method.ignored)
        if part.total == 0 and method.empty == "skip":
            continue
        total += 1
        if part.total == 0:
            unknown += method.empty == "unknown"
            possible += method.empty == "unknown"
            continue
        sure += part.sure / part.total
        possible += part.possible / part.total
        if part.unknown == part.total:
            unknown += 1
        else:
            down += part.down / (part.total - part.unknown)
    everything = requests(found, within(eligible))
    if everything.unknown == everything.total:  # no data
        begins = range(start_us, end_us, method.length_us)
        number = Fraction(sum(_touches(at_us, method, eligible) for at_us in begins))
        return Sums(number, Fraction(0), Fraction(0), number, number)
    return Sums(total, sure, down, possible, unknown)


def _touches(at_us: int, method: Slices, eligible: Sequence[tuple[int, int]]) -> bool:
    return any(a < at_us + method.length_us and at_us < b for a, b in eligible)


def minutes(
    world: World, found: Sequence[Attempt], terms: Contract, threshold: Fraction, least: int
) -> dict[int, int]:
    """Return the mark of each minute of the contract's service."""
    counts: dict[tuple[str, str, int], list[int]] = {}
    for each in found:
        region = "" if terms.quorum == "pooled" else each.region
        key = each.probe, region, each.due_us // MINUTE
        counts.setdefault(key, [0, 0, 0])[each.fate] += 1
    marks: dict[int, int] = {}
    for minute in range(FROM_US // MINUTE + 1, TO_US // MINUTE):
        by_probe = []
        for probe in world.probes:
            regions = ("",) if terms.quorum == "pooled" else probe.regions
            votes = sorted(
                _mark(counts.get((probe.name, region, minute), [0, 0, 0]), threshold, least)
                for region in regions
            )
            by_probe.append(votes[-1 if terms.quorum == "pooled" else -probe.needed])
        marks[minute] = sorted(by_probe)[-world.service.needed]
    return marks


def _mark(counts: Sequence[int], threshold: Fraction, least: int) -> int:
    """Return what all ways to settle the unknown attempts of a minute have in common."""
    good, bad, unknown = counts
    if sum(counts) >= least:
        ways = {_is_down(bad + more, sum(counts), threshold) for more in range(unknown + 1)}
        if len(ways) == 1:
            return CORE if ways.pop() else UP
    if good + bad < least:
        return UNKNOWN
    return EDGE_DOWN if _is_down(bad, good + bad, threshold) else EDGE_UP


def _is_down(bad: int, of: int, threshold: Fraction) -> bool:
    return bad == of if threshold == 1 else Fraction(bad, of) > threshold


def runs(marks: dict[int, int], method: Periods) -> dict[int, int]:
    """Return the marks of minutes with only the runs that count."""
    first, last = min(marks), max(marks)
    around = range(first - method.minutes, last + max(method.minutes, method.good_minutes) + 1)
    wide = {minute: marks.get(minute, UNKNOWN) for minute in around}
    sure = _run(wide, lambda mark: mark >= CORE, method)
    possible = _run(wide, lambda mark: mark >= EDGE_UP, method)
    worst = method.unknown == "worst"
    known = {m: mark for m, mark in wide.items() if mark != UNKNOWN or method.unknown != "bridge"}
    measured = _run(known, lambda mark: mark >= EDGE_DOWN or (worst and mark == UNKNOWN), method)
    if worst:
        measured = {minute for minute in measured if _has_down(minute, measured, wide)}
    found = {}
    for minute, mark in marks.items():
        if minute in sure:
            found[minute] = CORE
        elif minute in measured:
            found[minute] = EDGE_DOWN
        elif minute in possible:
            found[minute] = UNKNOWN if mark == UNKNOWN else EDGE_UP
        else:
            found[minute] = UP
    return found


def _has_down(minute: int, run: set[int], marks: dict[int, int]) -> bool:
    """Say whether the row of minutes around one holds a measured down minute."""
    for step in (-1, 1):
        at = minute
        while at in run:
            if marks[at] >= EDGE_DOWN:
                return True
            at += step
    return False


def _run(marks: dict[int, int], is_down: Callable[[int], bool], method: Periods) -> set[int]:
    found: set[int] = set()
    waiting: list[int] = []  # down minutes before a run begins, good ones before it ends
    inside = False
    for minute in sorted(marks):
        down = is_down(marks[minute])
        if inside and down:
            found.update([*waiting, minute])
            waiting = []
        elif inside:
            waiting.append(minute)
            if len(waiting) == method.good_minutes:
                inside, waiting = False, []
        elif down:
            waiting.append(minute)
            if len(waiting) == method.minutes:
                found.update(waiting)
                inside, waiting = True, []
        else:
            waiting = []
    if inside:
        found.update(waiting)
    return found


def over(marks: dict[int, int], eligible: Sequence[tuple[int, int]]) -> Sums:
    """Add up minutes, as far as they are eligible, in microseconds."""
    lengths = [0] * 5
    total = 0
    for a, b in eligible:
        total += b - a
        for minute in range(a // MINUTE, -(-b // MINUTE)):
            part = min(b, (minute + 1) * MINUTE) - max(a, minute * MINUTE)
            lengths[marks[minute]] += part
    down = lengths[EDGE_DOWN] + lengths[CORE]
    rest = lengths[EDGE_UP] + lengths[UNKNOWN]
    return Sums(*(Fraction(each) for each in (total, lengths[CORE], down, down + rest, lengths[UNKNOWN])))
