"""Latency, exactly: percentiles of integer microseconds and objectives such as "95 % within 800 ms".

A tally keeps how often each value occurred, so any order of adding and merging gives the same answers and memory
grows with the range of the values, not with their number. Not here: which results count, nor averages: none is taken.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import add
from typing import Final

from reports.figures import Figures

MEDIAN: Final = Fraction(50, 100)
P95: Final = Fraction(95, 100)
P99: Final = Fraction(99, 100)

_BITS = 8  # values side by side: a page of 256 counts takes 1 KiB
_PAGE = 1 << _BITS
_EMPTY_PAGE = bytes(4 * _PAGE)
_MOST_PAGES = 1 << 18  # 256 MiB: a value in each 256 us of 67 s


class Latencies:
    """How often each length, in microseconds, was seen."""

    __slots__ = ("_pages", "count")

    def __init__(self, values_us: Iterable[int] = ()) -> None:
        self.count = 0
        self._pages: dict[int, array[int]] = {}
        self.add(values_us)

    def add(self, values_us: Iterable[int]) -> None:
        """Add some lengths; ValueError below zero, or if they are so far spread that memory would run out."""
        pages = self._pages
        for value_us in values_us:
            page = pages.get(value_us >> _BITS)
            if page is None:
                page = self._new_page(value_us)
            page[value_us & (_PAGE - 1)] += 1
            self.count += 1

    def merge(self, other: Latencies) -> None:
        """Add all that another tally holds."""
        for number, theirs in other._pages.items():
            mine = self._pages.get(number)
            if mine is None:
                mine = self._new_page(number << _BITS)
            self._pages[number] = array("I", map(add, mine, theirs))
        self.count += other.count

    def percentile(self, share: Fraction) -> int | None:
        """Return the nearest-rank percentile: the smallest value that at least `share` of all do not exceed."""
        return self.percentiles((share,))[0]

    def percentiles(self, shares: Sequence[Fraction]) -> tuple[int | None, ...]:
        """Return several in one pass, in the order of `shares`; None without data. ValueError beyond 0 to 1.

        The value at rank ceil(share x count) of the sorted ones, at least the first; so the median of an even
        number is the lower of the two in the middle.
        """
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("a percentile is asked for beyond all values (use a share of 0 to 1)")
        if not self.count:
            return (None,) * len(shares)
        ranks = [max(-(-share * self.count // 1), 1) for share in shares]
        found = self._at_ranks(sorted(set(ranks)))
        return tuple(found[rank] for rank in ranks)

    def within(self, limit_us: int) -> int:
        """Return how many took `limit_us` or less."""
        last, place = limit_us >> _BITS, limit_us & (_PAGE - 1)
        whole = sum(sum(page) for number, page in self._pages.items() if number < last)
        return whole + sum(self._pages[last][: place + 1]) if last in self._pages else whole

    def _at_ranks(self, ranks: Sequence[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        before, wanted = 0, iter(ranks)
        rank = next(wanted)
        for number in sorted(self._pages):
            page = self._pages[number]
            until = before + sum(page)
            while rank <= until:
                found[rank] = (number << _BITS) + _place(page, rank - before)
                following = next(wanted, None)
                if following is None:
                    return found
                rank = following
            before = until
        raise AssertionError("unreachable: no rank is above the count")

    def _new_page(self, value_us: int) -> array[int]:
        if value_us < 0:
            raise ValueError(f"a run took {value_us} us (was the clock stepped?)")
        if len(self._pages) == _MOST_PAGES:
            raise ValueError("the lengths are spread too far to be kept exactly (are they microseconds?)")
        page = array("I", _EMPTY_PAGE)
        self._pages[value_us >> _BITS] = page
        return page


def objective(good: int, total: int, unknown: int) -> Figures:
    """Return the figures of "done in time": `good` of `total` known results, and `unknown` ones beside them.

    The lowest figure takes unknown ones as too slow, the measured one leaves them out, the highest takes them as in
    time. The finding is `Figures.finding` against the promised share. ValueError for impossible counts.
    """
    if not 0 <= good <= total or unknown < 0:
        raise ValueError(f"{good} of {total} results and {unknown} unknown ones cannot be (count again)")
    slow, every = Fraction(total - good), Fraction(total + unknown)
    return Figures(
        unit="attempts",
        total=every,
        span=every,
        sure=slow,
        down=slow,
        possible=slow + unknown,
        unknown=Fraction(unknown),
    )


def _place(page: array[int], rank: int) -> int:
    """Return where in a page the value of this rank, counted from the page's first, stands."""
    for place, count in enumerate(page):
        rank -= count
        if rank <= 0:
            return place
    raise AssertionError("unreachable: the rank lies in this page")
