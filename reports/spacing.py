"""How far apart the runs of a schedule lie: what must be seen, and how often a perfect record still leaves doubt.

Pure arithmetic on an interval T, R regions and a schedule; the schedules themselves are the agent's. Instants are
taken as continuous, lengths are integer microseconds rounded to the safe side, shares of time exact fractions.

    schedule      runs of one region                 all regions together
    fixed, end    every T                            fixed: every T/R; end: all at once
    round         one random instant of each slot    all at once
    stratified    one random instant of each slot    one random instant of each share of T/R, the R shares of a slot
                                                     dealt to the regions anew for every slot
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import comb, perm
from typing import Final

from reports.contract import ProbeTerms

EVEN: Final = frozenset({"fixed", "end"})
TOGETHER: Final = frozenset({"round", "end"})
_MOST_EXACT = 8  # regions; each one more doubles the ways they are dealt

_Counts = list[int]  # by how many regions are in doubt: the weight of all ways to it


def sure_us(probe: ProbeTerms, *, pooled: bool = False) -> int | None:
    """Return the length from which on an outage that all regions see meets runs of enough of them; None if none does.

    `needed` regions k must each have a run within it (one region with `pooled`). Any longer outage holds one as well.

    fixed: R evenly spaced runs in T, each of another region: any kT/R of time hold k of them.
    end, round: all regions at once, so the spacing of one region: T, and up to 2T (from the first instant of a slot
    to the last of the next).
    stratified: 2kT/R. A time of that length holds 2k - 1 whole shares at least. They lie in at most two slots, or
    fill one; so k of them lie in one slot, where no region has two. And no less will do: k - 1 shares at the end of a
    slot may be those of the same regions as the k - 1 at the beginning of the next; with a run at the first instant
    of the share before, and at the last one of the share after, almost 2kT/R hold k - 1 regions only.

    Whoever saw it measures its middle as down: the last good run before began before it, the first good one after
    begins after it, so the middle of the outage lies between the middles of both edges. So k regions agree there.
    """
    regions, needed = len(probe.regions), 1 if pooled else probe.needed
    if not 1 <= needed <= regions:
        return None
    slots = 1 if probe.schedule in EVEN else 2
    if probe.schedule in TOGETHER:
        return slots * probe.interval_us
    return -(-slots * needed * probe.interval_us // regions)


def longest_us(probe: ProbeTerms, *, pooled: bool = False) -> int:
    """Return the longest spacing between two runs of one region; with `pooled` of all regions together."""
    length_us = probe.interval_us if probe.schedule in EVEN else 2 * probe.interval_us
    return -(-length_us // len(probe.regions)) if pooled and probe.schedule not in TOGETHER else length_us


def unknown_share(probe: ProbeTerms, gap_us: int, *, pooled: bool = False) -> Fraction:
    """Return the share of time to expect as unknown if every run passes: where runs lie more than `gap_us` apart.

    For a quorum k, as many regions must be in such a gap at once. Exact for up to 8 regions, above that no more than
    it can be. The draws of one period may do better, and worse: up to all of it.
    """
    if longest_us(probe, pooled=pooled) <= gap_us:
        return Fraction(0)
    if probe.schedule in EVEN:
        return Fraction(1)
    regions = len(probe.regions)
    if pooled and probe.schedule not in TOGETHER:
        return _in_gaps(Fraction(gap_us * regions, probe.interval_us))
    alone = _in_gaps(Fraction(gap_us, probe.interval_us))
    if probe.schedule in TOGETHER or regions == 1:
        return alone
    if regions > _MOST_EXACT:
        return min(alone * regions / probe.needed, Fraction(1))
    return _dealt(regions, probe.needed, Fraction((gap_us - probe.interval_us) * regions, probe.interval_us))


def short_share(probe: ProbeTerms, length_us: int, attempts: int, *, pooled: bool = False) -> Fraction:
    """Return the share of stretches of a length that hold fewer than `attempts` runs of a region.

    With `pooled`, of all regions together; else in as many regions as the quorum needs. Exact, as the mean over all
    phases; where the interval divides the stretches of a period, such as its minutes, all of them have one phase.
    """
    slots, regions = Fraction(length_us, probe.interval_us), len(probe.regions)
    few = _few_even if probe.schedule in EVEN else _few_random
    if pooled:
        together = probe.schedule in TOGETHER
        return few(slots, -(-attempts // regions)) if together else few(slots * regions, attempts)
    if probe.schedule in TOGETHER:
        return few(slots, attempts)
    if probe.schedule in EVEN:
        spare = slots - (attempts - 1)  # below 0 all regions are short, from 1 on none is
        return 1 - min(max(spare * regions - (regions - probe.needed), Fraction(0)), Fraction(1))
    return _few_random(slots, attempts, regions, probe.needed)


def slowest_us(probe: ProbeTerms, length_us: int, attempts: int, *, pooled: bool = False) -> int:
    """Return the longest interval with which no stretch of a length holds fewer than `attempts` runs; see above."""
    regions = len(probe.regions)
    if pooled and probe.schedule in TOGETHER:
        attempts = -(-attempts // regions)
    elif pooled:
        length_us *= regions
    return length_us // (attempts if probe.schedule in EVEN else attempts + 1)


def at_least(shares: Sequence[Fraction], needed: int) -> Fraction:
    """Return the share of time in which `needed` or more of some independent things hold, given the share of each."""
    weights = [Fraction(1)]
    for share in shares:
        neighbours = pairwise([Fraction(0), *weights, Fraction(0)])
        weights = [stays * (1 - share) + comes * share for comes, stays in neighbours]
    return sum(weights[max(needed, 0) :], Fraction(0))


def _in_gaps(gap: Fraction) -> Fraction:
    """Return the share of time within spacings over `gap`, in slots, if each slot holds one random instant.

    A spacing is 1 + d with d = u' - u of the triangular density 1 - |d|, and takes up time in proportion to itself:
    the integral of (1 + d)(1 - |d|) from gap - 1 to 1.
    """
    d = gap - 1
    if d >= 1:
        return Fraction(0)
    return Fraction(2, 3) - d + d**3 / 3 if d >= 0 else 1 - (1 + d) ** 3 / 3


def _few_even(slots: Fraction, attempts: int) -> Fraction:
    """Return the share of stretches, `slots` intervals long, that hold fewer than `attempts` of evenly spaced runs."""
    return min(max(attempts - slots, Fraction(0)), Fraction(1))


def _few_random(slots: Fraction, attempts: int, regions: int = 1, needed: int = 1) -> Fraction:
    """Return the share of stretches in which `needed` regions have fewer than `attempts` runs, one in each slot.

    The mean over all phases. A stretch that reaches y into its first slot has y of that slot's runs, all those of its
    whole slots, and of its last slot what is left. For one region and one attempt this is 1 - x + x^3/6 up to a slot
    and (2 - x)^3/6 from there to two.
    """
    whole = int(slots)
    rest, missing = slots - whole, attempts - whole
    edges = {Fraction(place, regions) for place in range(regions + 1)}
    edges |= {(rest + edge) % 1 for edge in edges} | {rest}

    def ends(missing: int, both: Fraction) -> Callable[[Fraction], Fraction]:
        return lambda y: _few_at_ends(missing, y, both - y, regions, needed)

    def inside(y: Fraction) -> Fraction:
        return _few_inside((1 - y) * regions, (1 - y + rest) * regions, regions, needed)

    later = ends(missing + 1, 1 + rest) if whole else inside if attempts == 1 else lambda _: Fraction(1)
    pieces = pairwise(sorted(edges))
    return sum(
        (_integral(ends(missing, rest) if high <= rest else later, low, high) for low, high in pieces),
        Fraction(0),
    )


def _few_at_ends(missing: int, first: Fraction, last: Fraction, regions: int, needed: int) -> Fraction:
    """Return the probability that `needed` regions have fewer than `missing` runs in two parts of two slots.

    The part y of a slot holds the runs of floor(yR) regions, and of one more with the probability that is left: which
    ones is dealt for each slot anew. So those in both parts follow the hypergeometric law.
    """
    if missing <= 0 or missing > 2:
        return Fraction(missing > 2)
    total = Fraction(0)
    for (one, p), (other, q) in product(_held(first * regions), _held(last * regions)):
        for both in range(max(one + other - regions, 0), min(one, other) + 1):
            short = regions - (one + other - both if missing == 1 else both)
            if short >= needed:
                ways = comb(one, both) * comb(regions - one, other - both)
                total += p * q * Fraction(ways, comb(regions, other))
    return total


def _few_inside(begin: Fraction, end: Fraction, regions: int, needed: int) -> Fraction:
    """Return the probability that `needed` regions have no run from `begin` to `end`, in shares of one slot."""
    first, last = int(begin), int(end)
    parts = [end - begin] if first == last else [first + 1 - begin, end - last]
    return 1 - at_least(parts, regions - needed + 1 - max(last - first - 1, 0))


def _held(shares: Fraction) -> tuple[tuple[int, Fraction], ...]:
    """Return how many shares' runs a part of a slot holds that reaches over so many, with the probabilities."""
    whole = int(shares)
    return (
        ((whole, 1 - (shares - whole)), (whole + 1, shares - whole))
        if shares > whole
        else ((whole, Fraction(1)),)
    )


def _integral(of: Callable[[Fraction], Fraction], low: Fraction, high: Fraction) -> Fraction:
    """Integrate by Simpson's rule, which is exact for what is here: polynomials of degree 2 between the edges."""
    return (of(low) + 4 * of((low + high) / 2) + of(high)) * (high - low) / 6


def _dealt(regions: int, needed: int, over: Fraction) -> Fraction:
    """Return the share of time in which `needed` regions at once lie in spacings over T + `over` shares.

    Take an instant in share j of a slot. Who had its run before it waits for its share in the next slot; who has it
    still to come waited since its share in the last one. Both deals are new and independent. From share i to share i'
    of the next slot the spacing is too long if u' - u > over - (i' - i), for two even draws u, u'. The region of
    share j itself is in either group, by whether its draw lies before the instant. Both groups mirror each other in
    time: it is enough to have it among those before and take that twice.
    """
    scale = 6 * over.denominator**3  # makes all shares below whole numbers
    whole, half = (
        [[int(share(over - step) * scale) for step in range(-low, regions - low)] for low in range(regions)]
        for share in (_later, _later_still)
    )
    tables: list[dict[int, _Counts]] = [
        {0: [1]}
    ]  # by the number of lowest shares dealt, by the set they went to
    for row in whole:
        tables.append(_dealt_on(tables[-1], row, scale))
    total = Fraction(0)
    for place in range(regions):
        before = _summed(_dealt_on(tables[place], half[place], scale // 2))
        after = _summed(tables[regions - 1 - place])
        weight = sum(a * b for x, a in enumerate(before) for y, b in enumerate(after) if x + y >= needed)
        ways = perm(regions, place + 1) * perm(regions, regions - 1 - place)
        total += Fraction(2 * weight, ways * scale**regions)
    return total / regions


def _dealt_on(table: dict[int, _Counts], row: Sequence[int], weight: int) -> dict[int, _Counts]:
    """Deal one more region: `row` is by new share how much of its `weight` is in too long a spacing."""
    following: dict[int, _Counts] = {}
    for taken, counts in table.items():
        for place, long in enumerate(row):
            if taken >> place & 1:
                continue
            into = following.setdefault(taken | 1 << place, [0] * (len(counts) + 1))
            for count, ways in enumerate(counts):
                into[count] += ways * (weight - long)
                into[count + 1] += ways * long
    return following


def _summed(table: dict[int, _Counts]) -> _Counts:
    return [sum(column) for column in zip(*table.values(), strict=True)]


def _later(c: Fraction) -> Fraction:
    """Return P(u' - u > c) for two even draws."""
    if abs(c) >= 1:
        return Fraction(c < 0)
    return (1 - c) ** 2 / 2 if c >= 0 else 1 - (1 + c) ** 2 / 2


def _later_still(c: Fraction) -> Fraction:
    """Return P(u' - u > c and u < t) for three even draws: the integral of v x P(v' < v - c) with v = 1 - u."""
    if abs(c) >= 1:
        return Fraction(1, 2) if c < 0 else Fraction(0)
    if c >= 0:
        return (1 - c**3) / 3 - c * (1 - c**2) / 2
    edge = 1 + c
    return edge**3 / 3 - c * edge**2 / 2 + (1 - edge**2) / 2
