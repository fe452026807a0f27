"""What a report says of excluded time and of credits: overruns once, deadlines by whole periods, who approved when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from support.tracks import DAY, MINUTE, Even, S, contract, era, probe, results, track, tracks

from reports.contract import (
    Contract,
    CreditTerms,
    CreditTier,
    Exclusion,
    MaintenanceTerms,
    MaintenanceWindow,
    Money,
    WindowRule,
)
from reports.document import Brand, ContractReport, Number
from reports.dues import fee_of
from reports.periods import period_between, period_named
from reports.report import Customer, Question, report

START = round(datetime(2026, 9, 1, tzinfo=UTC).timestamp()) * S
FIRST = START // MINUTE
DOWN_UNTIL = 130
"""Minutes after the start: the last failed run is the one before."""


def made(terms: Contract, *, down_from: int = 100, **changes: Any) -> ContractReport:
    """Return the report of a day with one outage of some minutes, up to `DOWN_UNTIL`."""
    rows = results(Even(MINUTE), FIRST - 10, FIRST + 1450, bad=range(FIRST + down_from, FIRST + DOWN_UNTIL))
    seen = tracks(track("fra", era(Even(MINUTE), rows, MINUTE, from_us=START - 10 * MINUTE)))
    asked: dict[str, Any] = {
        "contract": terms,
        "period": period_between(START, START + DAY, terms.zone),
        "start_us": START,
        "end_us": START + DAY,
        "as_of_us": START + DAY,
        "tracks": seen,
        "made_us": START + DAY,
    }
    return report(Question(**asked | changes))


def window(start: int, end: int, title: str = "Move") -> MaintenanceWindow:
    """Return maintenance between two minutes after the start, announced long before."""
    return MaintenanceWindow(
        key=title, title=title, services=("shop",), start_us=START + start * MINUTE, end_us=START + end * MINUTE,
        announced_us=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("windows", "minutes"),
    [
        ([(90, 110)], 20),
        ([(90, 110), (95, 110)], 20),
        ([(90, 110), (95, 120)], 10),  # until 120 it was maintenance
        ([(90, 110), (115, 120)], 5 + 10),
        ([(90, 110), (125, 127)], 15 + 3),
        ([(90, 140)], 0),
    ],
)
def test_what_ran_over_after_several_windows_counts_once(
    windows: Sequence[tuple[int, int]], minutes: int
) -> None:
    terms = contract(probe("fra"), maintenance=MaintenanceTerms())
    found = made(terms, maintenance=[window(*each, f"M{number}") for number, each in enumerate(windows)])
    # The end of the outage lies in the midst of two results.
    over = Fraction(found.excluded.overrun_seconds.num, found.excluded.overrun_seconds.den)
    assert over == (minutes * 60 - 30 if minutes else 0)
    assert found.excluded.overrun_seconds == found.down_seconds.measured


def test_credits_of_a_part_can_be_claimed_as_long_after_the_whole_period_as_those_of_any_other() -> None:
    terms = contract(
        probe("fra"),
        credits=CreditTerms(
            tiers=(CreditTier(below=Fraction("0.999"), credit=Fraction("0.1")),), claim_within_days=5
        ),
        fee=Money(Decimal("100.00"), "EUR"),
    )
    month = period_named(WindowRule("month"), "UTC", "2026-09")
    part = made(terms, period=month, part=1, parts=3)
    whole = made(terms, period=month, end_us=month.end_us, as_of_us=month.end_us)
    assert part.credit.claim_by == whole.credit.claim_by == "2026-10-05"


def test_an_exclusion_says_when_it_was_approved() -> None:
    agreed = Exclusion(
        title="Flood", kind="force_majeure", start_us=START, end_us=START + MINUTE, reason="Water",
        approved_by="A. Smith", approved_us=START + DAY,
    )  # fmt: skip
    unsaid = Exclusion(
        title="Fire",
        kind="other",
        start_us=START,
        end_us=START + MINUTE,
        reason="Heat",
        approved_by="A. Smith",
    )
    found = made(contract(probe("fra"), exclusions=(agreed, unsaid), zone="Europe/Berlin"))
    assert {each.title: each.approved for each in found.excluded.windows} == {
        "Flood": "2026-09-02T02:00:00+02:00",
        "Fire": None,
    }


def test_a_contracts_own_fee_comes_before_its_customers() -> None:
    acme = Customer(name="acme", title="Acme", brand=Brand(), fee=Money(Decimal("100.00"), "EUR"))
    plain, own = contract(probe("fra")), contract(probe("fra"), fee=Money(Decimal("7.00"), "CHF"))
    assert fee_of(plain, acme) == Money(Decimal("100.00"), "EUR")
    assert fee_of(plain, None) is None
    assert fee_of(own, acme) == fee_of(own, None) == Money(Decimal("7.00"), "CHF")


def test_the_cause_of_an_outage_is_what_most_runs_failed_for_over_all_regions() -> None:
    """One of ten runs was refused in each region: that is not as much a cause as what the nine ran into."""
    grid = Even(MINUTE)
    many, few, other = "timeout_headers", "connect_refused", "resolve_nxdomain"

    def failing(codes: Sequence[str]) -> list[Any]:
        rows = results(grid, FIRST - 10, FIRST + 1450, bad=range(FIRST + 100, FIRST + 110))
        named = dict(zip(range(FIRST + 100, FIRST + 110), codes, strict=True))
        return [
            type(row)(row.start_us, row.end_us, row.fate, row.slot, named.get(row.slot or 0, ""))
            for row in rows
        ]

    seen = tracks(
        *(
            track(region, era(grid, failing(codes), MINUTE, from_us=START - 10 * MINUTE))
            for region, codes in (
                ("fra", [many] * 9 + [few]),
                ("iad", [few] + [many] * 9),
                ("sin", [other] * 6 + [few] * 4),
            )
        )
    )
    found = made(contract(probe("fra", "iad", "sin", needed=2)), tracks=seen)
    (outage,) = found.outages
    assert outage.codes == [many, few, other]  # 18, 6 and 6; equals by name
    assert [(each.region, each.failed, each.codes) for each in outage.regions] == [
        ("fra", 10, [many, few]),
        ("iad", 10, [many, few]),
        ("sin", 10, [other, few]),
    ]
    assert found.excluded.overrun_seconds == Number(num=0, den=1)
