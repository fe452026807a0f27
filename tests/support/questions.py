"""Questions for tests of whole reports: a few results on a grid, a contract, and a period of a zone."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from support.tracks import MINUTE, Even, era, probe, results, service, track, tracks

from reports.contract import Contract
from reports.document import Number
from reports.evidence import Window
from reports.periods import period_between, period_named
from reports.report import Question
from reports.track import Era, Tracks


def seconds(number: Number | None) -> Fraction:
    """Return a number of the document, which must be there."""
    assert number is not None
    return Fraction(number.num, number.den)


def promised(**terms: Any) -> Contract:
    """Return a contract over one probe in three regions, two of which decide, run once a minute."""
    regions = terms.pop("regions", ("fra", "iad", "sin"))
    needed = terms.pop("needed", len(regions) // 2 + 1)
    interval_us = terms.pop("interval_us", MINUTE)
    web = probe(*regions, needed=needed, interval_us=interval_us, schedule=terms.pop("schedule", "fixed"))
    return Contract(
        name="gold",
        title="Gold",
        services=(service(web),),
        claim=terms.pop("claim", Fraction("0.999")),
        method=terms.pop("method", None) or _time(),
        **terms,
    )


def _time() -> Any:
    from reports.contract import Time

    return Time()


def seen(
    begin_us: int,
    end_us: int,
    down: Iterable[tuple[int, int]] = (),
    missed: Iterable[tuple[int, int]] = (),
    regions: Iterable[str] = ("fra", "iad", "sin"),
    interval_us: int = MINUTE,
    **more: Any,
) -> Tracks:
    """Return what regions saw from an instant to another: a run each interval, without length, all at once."""
    return tracks(
        *(track(region, one(begin_us, end_us, down, missed, interval_us, **more)) for region in regions)
    )


def one(
    begin_us: int,
    end_us: int,
    down: Iterable[tuple[int, int]] = (),
    missed: Iterable[tuple[int, int]] = (),
    interval_us: int = MINUTE,
    **more: Any,
) -> Era:
    """Return the evidence of one region: a result for each slot that is due in the time, but for those missed."""
    grid = Even(interval_us)
    first, last = -(-begin_us // interval_us), -(-end_us // interval_us) - 1
    slots = range(first, last + 1)

    def within(spells: Iterable[tuple[int, int]]) -> list[int]:
        return [slot for slot in slots if any(a <= grid.due_us(slot) < b for a, b in spells)]

    found = results(grid, first, last, bad=within(list(down)), missed=within(list(missed)))
    return era(grid, found, interval_us, bounds=(first, last), from_us=begin_us, **more)


def asked(contract: Contract, found: Tracks, period: str | Window, **more: Any) -> Question:
    """Return the question for a named period, or for a window."""
    if isinstance(period, str):
        named = period_named(contract.window, contract.zone, period)
    else:
        named = period_between(period.start_us, period.end_us, contract.zone)
    values: dict[str, Any] = {"as_of_us": named.end_us, "made_us": named.end_us}
    return Question(
        contract=contract,
        period=named,
        start_us=more.pop("start_us", named.start_us),
        end_us=more.pop("end_us", named.end_us),
        tracks=found,
        **(values | more),
    )
