"""What time was down, for who works figures out again: walked from result to result, and voted on. Plain and slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from support.lawyer_calendar import Windows
from support.lawyer_rows import Look


class Facts(NamedTuple):
    """What is known of an instant. Neither measured: nobody knows."""

    sure_down: bool = False
    measured_down: bool = False
    measured_up: bool = False
    sure_up: bool = False


NOTHING = Facts()
Steps = list[tuple[int, Facts]]
"""From each instant on these facts hold."""


class Figures(NamedTuple):
    """What a figure is made of; `total` less `unknown` was measured."""

    total: Fraction
    sure: Fraction
    down: Fraction
    possible: Fraction
    unknown: Fraction


def steps_of(looks: Sequence[Look], gap: int) -> Steps:
    """Walk from result to result: between two of equal verdict it holds, between others it turns in the middle.

    Sure is only what lies between the end of the first result of a row and the start of its last one; nothing is
    known of the time between two that lie more than the gap apart.
    """
    found: Steps = []
    proven = 0
    for place, look in enumerate(looks):
        before = looks[place - 1] if place else None
        if before is None or before.bad != look.bad or look.start - before.start > gap:
            proven = look.end
        after = looks[place + 1] if place + 1 < len(looks) else None
        found.append((look.start, NOTHING))
        if after is None or after.start - look.start > gap:
            continue
        maybe = Facts(measured_down=look.bad, measured_up=not look.bad)
        if after.bad == look.bad:
            found.append((look.start, maybe))
            if proven < after.start:
                surely = Facts(look.bad, look.bad, not look.bad, not look.bad)
                found.append((max(proven, look.start), surely))
        else:
            found.append((look.start, maybe))
            middle = (look.start + after.start) // 2
            found.append((middle, Facts(measured_down=after.bad, measured_up=not after.bad)))
    return found


def pooled_steps(looks: Sequence[Look], gap: int) -> Steps:
    """Walk through the looks of several regions, in order of their starts, run by run.

    Where looks of opposite verdict overlap, nobody knows which came first: what is sure of a run begins with the end of
    its first look that began after all opposite ones before were over, and ends with the start of its last one that
    was over when the next opposite one began. Looks after that are set aside.
    """
    runs = _runs(looks, gap)
    over = {True: 0, False: 0}
    cut: list[tuple[bool, int, int, int]] = []  # bad, first start, sure from, last start
    for place, run in enumerate(runs):
        bad = run[0].bad
        after = runs[place + 1][0] if place + 1 < len(runs) and runs[place + 1][0].bad != bad else None
        begins = [look.end for look in run if look.start >= over[not bad]]
        ends = [look.start for look in run if after is None or look.end <= after.start]
        newest = max(run, key=lambda look: (look.start, look.end))
        first, sure, last = run[0].start, run[0].end, newest.start
        if run[0].start < over[not bad] or (after is not None and newest.end > after.start):
            sure = last
            if begins and ends and begins[0] < max(ends):
                sure, last = begins[0], max(ends)
        cut.append((bad, first, sure, last))
        over[bad] = max(over[bad], *(look.end for look in run))
    return _from_runs(cut, gap)


def _runs(looks: Sequence[Look], gap: int) -> list[list[Look]]:
    runs: list[list[Look]] = []
    newest = 0
    for look in looks:
        if runs and runs[-1][0].bad == look.bad and look.start - newest <= gap:
            runs[-1].append(look)
        else:
            runs.append([look])
        newest = look.start
    return runs


def _from_runs(runs: Sequence[tuple[bool, int, int, int]], gap: int) -> Steps:
    found: Steps = []
    for place, (bad, first, sure, last) in enumerate(runs):
        maybe = Facts(measured_down=bad, measured_up=not bad)
        found.append((first, maybe if first < last else NOTHING))
        if sure < last:
            found.append((max(sure, first), Facts(bad, bad, not bad, not bad)))
        following = runs[place + 1] if place + 1 < len(runs) else None
        if following is None or following[1] - last > gap:
            found.append((last, NOTHING))
        else:
            found.append((last, maybe))
            found.append(
                ((last + following[1]) // 2, Facts(measured_down=following[0], measured_up=not following[0]))
            )
    return found


def laid(layers: Sequence[Steps]) -> Steps:
    """Lay later grids over earlier ones: where one knows nothing, the one below is asked."""

    def top(facts: Sequence[Facts]) -> Facts:
        return next((each for each in reversed(facts) if each.measured_down or each.measured_up), NOTHING)

    return _merged(layers, top)


def agreed(parts: Sequence[Steps], needed: int) -> Steps:
    """Down if so many are down, up if fewer could be, else nobody knows; for sure and for measured facts alike."""
    return _merged(parts, lambda facts: vote(facts, needed))


def vote(facts: Sequence[Facts], needed: int) -> Facts:
    """Count what several know of one instant."""
    down = sum(each.measured_down for each in facts)
    unknown = sum(not each.measured_down and not each.measured_up for each in facts)
    return Facts(
        sure_down=sum(each.sure_down for each in facts) >= needed,
        measured_down=down >= needed,
        measured_up=down + unknown < needed,
        sure_up=sum(not each.sure_up for each in facts) < needed,
    )


def _merged(parts: Sequence[Steps], decide: Callable[[Sequence[Facts]], Facts]) -> Steps:
    events = sorted(
        ((at, who, place) for who, steps in enumerate(parts) for place, (at, _) in enumerate(steps)),
    )
    now = [NOTHING] * len(parts)
    found: Steps = []
    for number, (at, who, place) in enumerate(events):
        now[who] = parts[who][place][1]
        if number + 1 < len(events) and events[number + 1][0] == at:
            continue
        facts = decide(now)
        if not found or found[-1][1] != facts:
            found.append((at, facts))
    return found


def time_of(steps: Steps, windows: Windows, total: int) -> Figures:
    """Add up time."""
    sums = [0, 0, 0, 0]
    for start, end in windows:
        for facts, length in _within(steps, start, end):
            for place, holds in enumerate(
                (
                    facts.sure_down,
                    facts.measured_down,
                    not facts.sure_up,
                    not facts.measured_down and not facts.measured_up,
                )
            ):
                sums[place] += length * holds
    return Figures(Fraction(total), *map(Fraction, sums))


def _within(steps: Steps, start: int, end: int) -> Iterator[tuple[Facts, int]]:
    at, facts = start, NOTHING
    for begin, following in steps:
        if begin >= end:
            break
        if begin > at:
            yield facts, begin - at
            at = begin
        facts = following
    yield facts, end - at
