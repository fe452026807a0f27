"""The classic examples of docs/method.md: each row of their table, by the engine and by its own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from support.method_document import table
from support.tracks import DAY, MINUTE, MONTH, Even, S, contract, era, probe, results, track, tracks

from reports.contract import (
    DenominatorRule,
    MaintenanceTerms,
    MaintenanceWindow,
    Method,
    Minutes,
    Periods,
    Requests,
    Slices,
    Weighted,
    WindowRule,
)
from reports.exclusions import denominator_us, eligible, rule_on
from reports.figures import Figures
from reports.methods import figures
from reports.periods import period_named
from reports.track import Track

ROWS = table(21, "no")
N = MONTH // S
ALL, FIVE = Minutes(threshold=Fraction(1)), Minutes(threshold=Fraction("0.05"))


def _region(
    name: str, bad: Iterable[int], missed: Iterable[int] = (), every: int = 60, offset: int = 0
) -> Track:
    """Return a region that looks each `every` seconds, before and after the month too; `bad` in seconds."""
    grid = Even(every * S, offset * S)
    slots = [[(at - offset) // every for at in each] for each in (bad, missed)]
    rows = results(grid, -2, N // every + 2, bad=slots[0], missed=slots[1])
    spans = [(min(bad, default=0) * S - 200 * S, max(bad, default=0) * S + 200 * S)]
    return track(name, era(grid, rows, every * S, from_us=-MONTH, shot_spans=spans))


def _figures(*regions: Track, needed: int = 1, every: int = 60, total_us: int = MONTH, **terms) -> Figures:
    each = probe(*(region.region for region in regions), needed=needed, interval_us=every * S)
    terms.setdefault("gap_us", 120 * S)
    return figures(contract(each, **terms), tracks(*regions), ((0, MONTH),), total_us, 0, MONTH)


def _alone(bad: Iterable[int] = (), *, missed: Iterable[int] = (), every: int = 60, **terms) -> Figures:
    return _figures(_region("a", bad, missed, every), every=every, **terms)


def _three(**terms) -> Figures:
    """Return what three regions saw of an outage from 100 to 190 s."""
    looks = {name: range(offset, N, 60) for name, offset in (("a", 0), ("b", 20), ("c", 40))}
    seen = {name: [at for at in times if 100 <= at < 190] for name, times in looks.items()}
    regions = [_region(name, bad, offset=looks[name].start) for name, bad in seen.items()]
    return _figures(*regions, needed=2, **terms)


def _without_one(bad: Iterable[int]) -> Figures:
    return _figures(_region("a", bad), _region("b", ()), track("c"), needed=2)


def _maintained(rule) -> Figures:
    """Return minutes with 600 of excused maintenance, some of it down, and 43 down minutes beside it."""
    window = MaintenanceWindow(
        key="1", title="Upgrade", services=("shop",), start_us=10 * DAY, end_us=10 * DAY + 600 * MINUTE, announced_us=0
    )  # fmt: skip
    terms = contract(probe("a"), method=ALL, maintenance=MaintenanceTerms(rule=rule))
    bad = [*range(20 * 86_400, 20 * 86_400 + 43 * 60, 60), *range(870_000, 870_600, 60)]
    parts = eligible(terms, rule_on(terms, [window], 0, MONTH), 0, MONTH)
    total_us = denominator_us(terms, parts, 0, MONTH)
    return figures(terms, tracks(_region("a", bad)), parts.intervals, total_us, 0, MONTH)


def _halves(method: Method) -> Figures:
    """Return a month of two runs a minute: one minute half bad, one wholly, and ten wholly in a row."""
    return _alone([6_030, 12_000, 12_030, *range(30_000, 30_600, 30)], every=30, method=method)


def _known(down_s: Fraction | int, total_s: int, rest: int = 0, unit: str = "us") -> Figures:
    """Return figures of what is known exactly, with `rest` unknown beside it."""
    size = S if unit == "us" else 1
    down, total = Fraction(down_s) * size, Fraction(total_s) * size
    return Figures(
        unit=unit, total=total, span=total, sure=down, down=down, possible=down + rest, unknown=Fraction(rest)
    )


def _period_s(name: str, zone: str) -> int:
    period = period_named(WindowRule("month"), zone, name)
    return (period.end_us - period.start_us) // S


def _fixed_s() -> int:
    rule = DenominatorRule("fixed", 43_200 * MINUTE)
    terms = contract(probe("a"), denominator=rule)
    start_us = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * S
    end_us = start_us + 31 * DAY
    return denominator_us(terms, eligible(terms, (), start_us, end_us), start_us, end_us) // S


def _weighted() -> Figures:
    """Return what three weighted regions measured, which is known to the second here."""
    method = Weighted(by="regions", weights=(("a", Fraction(5)), ("b", Fraction(3)), ("c", Fraction(2))))
    bad = range(6_000, 9_600, 60)
    found = _figures(_region("a", ()), _region("b", bad), _region("c", ()), needed=2, method=method)
    assert found.measured == Fraction(2399, 2400)
    return _known(found.down / S, int(found.total / S))


def _in_a_row(count: int) -> Figures:
    return _alone(range(4_800, 4_800 + 48 * count, 48), every=48)


EXAMPLES: dict[str, Callable[[], Figures]] = {
    "1": lambda: _alone([660, 720, 780]),
    "2": lambda: _figures(_region("a", (), [1_000 + 60 * step for step in range(1, 5)], offset=40)),
    "3": lambda: _alone(range(600, 960, 60)),
    "4a": lambda: _in_a_row(53),
    "4b": lambda: _in_a_row(54),
    "4c": lambda: _in_a_row(55),
    "4d": lambda: _in_a_row(56),
    "5a": _three,
    "5b": lambda: _three(quorum="pooled"),
    "6a": lambda: _without_one([660]),
    "6b": lambda: _without_one(range(660, 900, 60)),
    "7a": lambda: _maintained("keep"),
    "7b": lambda: _maintained("shrink"),
    "8a": lambda: _halves(ALL),
    "8b": lambda: _halves(FIVE),
    "8c": lambda: _halves(Periods(minutes=5)),
    "8d": lambda: _halves(Periods(minutes=11)),
    "8e": lambda: _halves(Requests()),
    "8f": lambda: _halves(Slices(length_us=300 * S)),
    "9": lambda: _known(2_676, _period_s("2026-03", "Europe/Berlin")),
    "10a": lambda: _known(44 * 60, _fixed_s()),
    "10b": lambda: _known(44 * 60, _period_s("2026-01", "UTC")),
    "11a": lambda: _known(Fraction(17, 2), 8_640, unit="slices"),
    "11b": lambda: _known(Fraction(17, 2), 8_640 - 288, unit="slices"),
    "11c": lambda: _known(Fraction(17, 2), 8_640, 288, unit="slices"),
    "13": _weighted,
    "14": lambda: _alone(range(6_000, 9_600, 60), method=FIVE),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["no"])
def test_a_classic_example_is_what_the_engine_computes(row):
    found = EXAMPLES[row["no"]]()
    size = S if found.unit == "us" else 1
    assert [found.total / size, found.sure / size, found.possible / size, found.lowest, found.highest] == [
        Fraction(row[name]) for name in ("N", "sure", "possible", "lowest", "highest")
    ]
    for told in row["findings"].split("; "):
        claim, _, finding = told.partition("% ")
        assert found.finding(Fraction(claim) / 100).value.replace("_", " ") == finding


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["no"])
def test_a_classic_example_can_be_followed_with_its_own_numbers(row):
    whole, sure, possible = (Fraction(row[name]) for name in ("N", "sure", "possible"))
    assert Fraction(row["lowest"]) == 1 - possible / whole
    assert Fraction(row["highest"]) == 1 - sure / whole


def test_every_example_is_in_the_table():
    assert [row["no"] for row in ROWS] == list(EXAMPLES)
