"""Outages as people follow them: who saw what, what counts, which are listed; and the longest unknown times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.questions import promised, seen
from support.tracks import DAY, MINUTE

from reports.evidence import Window
from reports.intervals import Intervals, union
from reports.ledger import Ledger
from reports.listing import Listed, listed_outages, longest, sums, unknown_times
from reports.methods import timeline_of
from reports.track import Tracks

BEGIN = 20_000 * DAY
WHOLE = Window(BEGIN, BEGIN + DAY)


def ledger(found: Tracks) -> Ledger:
    return Ledger.of(timeline_of(promised(), found))


def listed(found: Tracks, eligible: Intervals = ((BEGIN, BEGIN + DAY),)) -> list[Listed]:
    return listed_outages(ledger(found), found, WHOLE, eligible)


def at(minute: int) -> int:
    return BEGIN + minute * MINUTE


def test_each_region_tells_how_many_scheduled_runs_failed_and_why() -> None:
    found = seen(BEGIN - DAY, BEGIN + 2 * DAY, [(at(60), at(70))], regions=["fra", "iad"])
    found |= seen(BEGIN - DAY, BEGIN + 2 * DAY, regions=["sin"])
    (outage,) = listed(found)
    assert [(each.region, sum(count for _, count in each.counts)) for each in outage.seen] == [
        ("fra", 10),
        ("iad", 10),
    ]
    assert {code for each in outage.seen for code, _ in each.counts} == {"connect_refused"}
    assert (outage.outage.measured.start_us, outage.outage.measured.end_us) == (
        at(60) - MINUTE // 2,
        at(70) - MINUTE // 2,
    )


def test_what_counts_of_an_outage_is_what_is_eligible() -> None:
    found = seen(BEGIN - DAY, BEGIN + 2 * DAY, [(at(60), at(70))])
    (outage,) = listed(found, ((BEGIN, at(62)), (at(65), BEGIN + DAY)))
    assert outage.counted_us == 10 * MINUTE - 3 * MINUTE
    (excused,) = listed(found, ((BEGIN, at(30)),))
    assert excused.counted_us == 0


def test_only_the_longest_of_very_many_are_listed_in_order_of_time() -> None:
    spells = [(at(30 * n), at(30 * n + 2 + n % 7)) for n in range(1, 40)]
    found = listed(seen(BEGIN - DAY, BEGIN + 2 * DAY, spells))
    assert len(found) == 39
    kept = longest(found, 10)
    assert len(kept) == 10
    lengths = sorted((each.outage.measured.length_us for each in found), reverse=True)
    assert sorted((each.outage.measured.length_us for each in kept), reverse=True) == lengths[:10]
    starts = [each.outage.measured.start_us for each in kept]
    assert starts == sorted(starts)
    assert longest(found, 39) == found


def test_the_longest_unknown_times_come_in_order_of_time() -> None:
    holes = [(at(100), at(110)), (at(300), at(360)), (at(700), at(720))]
    found = ledger(seen(BEGIN - DAY, BEGIN + 2 * DAY, missed=holes))
    eligible = ((BEGIN, BEGIN + DAY),)
    assert unknown_times(found, eligible) == [
        (at(a) - MINUTE, at(b)) for a, b in ((100, 110), (300, 360), (700, 720))
    ]
    assert unknown_times(found, eligible, most=1) == [(at(299), at(360))]
    assert unknown_times(found, ((BEGIN, at(105)),)) == [(at(99), at(105))]


spells = st.lists(st.tuples(st.integers(0, 1440), st.integers(1, 90)), max_size=6)


@given(spells, spells, spells)
def test_outages_add_up_to_the_measured_down_time(
    down: list[tuple[int, int]], missed: list[tuple[int, int]], out: list[tuple[int, int]]
) -> None:
    def cut(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(at(start), at(start + length)) for start, length in pairs]

    from reports.intervals import subtract

    found = seen(BEGIN - DAY, BEGIN + 2 * DAY, cut(down), cut(missed))
    eligible = subtract(((BEGIN, BEGIN + DAY),), union(cut(out)))
    whole = sums(ledger(found).timeline, eligible)
    assert sum(each.counted_us for each in listed(found, eligible)) == whole.down
    assert whole.sure <= whole.down
    assert whole.down + whole.unknown <= whole.possible <= whole.length
