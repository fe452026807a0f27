"""Which reports are made for what is asked: periods cut by the version in force, customers by their own versions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from prober.accounts.closed import key_of
from prober.accounts.closing import earlier_plans, ended_periods
from prober.accounts.plans import CannotReport, Plan, Wanted, plans
from prober.accounts.terms import contracts_of, customers_of
from prober.config import load_text

BASE = """\
regions: {fra: {local: true}}
probes: [{name: web, tcp: {address: "x:1"}}]
services: [{name: shop, probes: [web]}]
customers: [{name: acme, fee: "100.00 EUR"}, {name: beta}]
contracts:
"""
BERLIN, NEW_YORK = "timezone: Europe/Berlin", "timezone: America/New_York"
UNTIL, SINCE = "effective: {to: 2026-09-01}", "effective: {from: 2026-09-01}"


def us(text: str) -> int:
    """Return the instant of a UTC time such as 2026-03-01T00:00."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


NOW_US = us("2026-10-20T12:00")


class Versions:
    """A contract `gold` in versions, each with these keys."""

    def __init__(self, *keys: str) -> None:
        rows = "".join(f"  - {{name: gold, service: shop, claim: '99%', {each}}}\n" for each in keys)
        config = load_text(BASE + rows, "probes.yaml", {})
        self.contracts, self.customers = contracts_of(config), customers_of(config)

    def asked(self, period: str | None = None, now_us: int = NOW_US, **more: object) -> list[Plan]:
        """Return the plans for what is asked."""
        wanted = Wanted(period=period, **more)  # type: ignore[arg-type]  # keys of it
        return plans(wanted, self.contracts, self.customers, now_us)

    def closed(self) -> dict[str, list[Plan]]:
        """Return the provider's plans of the periods that have ended, by name."""
        found: dict[str, list[Plan]] = {}
        for each in ended_periods(self.contracts, self.customers, NOW_US):
            found.setdefault(each.period.label, []).extend(each.plans)
        return found


def spans(found: list[Plan]) -> list[tuple[str, int, int]]:
    """Return zone, beginning and end of each plan."""
    return [(plan.contract.zone, plan.start_us, plan.end_us) for plan in found]


@pytest.mark.parametrize("day", ["2026-09-01", "2026-09-15"])
@pytest.mark.parametrize("zones", [(BERLIN, NEW_YORK), (NEW_YORK, BERLIN), (BERLIN, BERLIN)])
def test_a_named_period_is_cut_as_it_is_closed_whatever_zone_a_later_version_has(
    zones: tuple[str, str], day: str
) -> None:
    both = Versions(f"{zones[0]}, effective: {{to: {day}}}", f"{zones[1]}, effective: {{from: {day}}}")
    closed = both.closed()
    assert list(closed) == ["2026-07", "2026-08", "2026-09"]
    for label, parts in closed.items():
        assert {key_of(plan) for plan in both.asked(label)} == {key_of(plan) for plan in parts}


def test_a_named_period_is_cut_by_the_version_in_force() -> None:
    both = Versions(f"{BERLIN}, {UNTIL}", f"{NEW_YORK}, {SINCE}")
    assert spans(both.asked("2026-08", past=0)) == [
        ("Europe/Berlin", us("2026-07-31T22:00"), us("2026-08-31T22:00"))
    ]
    assert spans(both.asked("2026-09", past=0)) == [
        ("America/New_York", us("2026-09-01T04:00"), us("2026-10-01T04:00"))
    ]


def test_each_version_has_its_own_window() -> None:
    both = Versions(
        "window: quarter, effective: {to: 2026-07-01}", "window: month, effective: {from: 2026-07-01}"
    )
    (quarter,) = both.asked("2026-Q2", past=0)
    assert (quarter.period.label, quarter.contract.window.unit) == ("2026-Q2", "quarter")
    (month,) = both.asked("2026-08", past=0)
    assert (month.period.label, month.contract.window.unit) == ("2026-08", "month")
    # A month of the time of quarters is still a month, in force then.
    (may,) = both.asked("2026-05", past=0)
    assert (may.period.label, may.contract.window.unit) == ("2026-05", "quarter")


def test_without_a_name_the_running_period_is_that_of_the_version_in_force_now() -> None:
    both = Versions(f"{BERLIN}, {UNTIL}", f"{NEW_YORK}, window: quarter, {SINCE}")
    (last,) = both.asked(now_us=us("2026-08-31T21:59"), past=0)
    assert (last.contract.zone, last.period.label) == ("Europe/Berlin", "2026-08")
    _, second = both.asked(now_us=us("2026-09-01T04:00"), past=0)
    assert (second.period.label, second.contract.zone) == ("2026-Q3", "America/New_York")


def test_periods_before_are_those_that_were_closed() -> None:
    both = Versions(f"{BERLIN}, {UNTIL}", f"{NEW_YORK}, {SINCE}")
    (asked,) = both.asked("2026-09", past=2)
    assert spans(list(asked.past)) == [
        ("Europe/Berlin", us("2026-06-30T22:00"), us("2026-07-31T22:00")),
        ("Europe/Berlin", us("2026-07-31T22:00"), us("2026-08-31T22:00")),
    ]
    (september,) = [
        each
        for each in ended_periods(both.contracts, both.customers, NOW_US)
        if each.period.label == "2026-09"
    ]
    assert spans(earlier_plans(september))[-2:] == spans(list(asked.past))


def test_a_period_before_is_no_other_one_that_an_older_version_calls_alike() -> None:
    both = Versions(f"window: billing day 15, {UNTIL}", f"window: month, {SINCE}")
    (asked,) = both.asked("2026-09", past=2)
    assert [plan.period.label for plan in asked.past] == ["2026-07", "2026-08"]
    assert all(
        before.end_us <= after.start_us for before, after in zip(asked.past, asked.past[1:], strict=False)
    )


def test_a_rolling_window_is_that_of_the_version_in_force_at_its_end() -> None:
    both = Versions(f"window: rolling 7d, {UNTIL}", f"window: rolling 30d, {SINCE}")
    assert {plan.period.label for plan in both.asked("2026-09-05", past=0)} == {"2026-08-07..2026-09-05"}
    assert {plan.period.label for plan in both.asked("2026-08-31", past=0)} == {"2026-08-25..2026-08-31"}


def test_a_name_of_no_version_s_time_is_cut_by_the_newest() -> None:
    later = Versions(f"{BERLIN}, {SINCE}")
    with pytest.raises(CannotReport, match="not in force in 2026-08"):
        later.asked("2026-08", contracts=("gold",))
    with pytest.raises(CannotReport, match="names no month"):
        later.asked("2026-13")


def test_a_version_bears_no_name_and_no_fee_of_a_customer_it_was_not_promised_to() -> None:
    both = Versions(UNTIL, f"{SINCE}, customers: [acme]")
    for label, name in (("2026-08", None), ("2026-09", "acme")):
        (plan,) = both.asked(label, past=0)
        assert (plan.customer.name if plan.customer else None) == name
    whole = both.asked("2026", past=0)
    assert [plan.customer.name if plan.customer else None for plan in whole] == [None, "acme"]


def test_the_one_customer_of_a_version_is_told_apart_from_that_of_another() -> None:
    both = Versions(f"{UNTIL}, customers: [beta]", f"{SINCE}, customers: [acme]")
    assert [each.customer for each in both.asked("2026", past=0)] == [None, None]
    (mine,) = both.asked("2026", past=0, customer="acme")
    assert mine.customer == both.customers["acme"]
    assert mine.start_us == us("2026-09-01T00:00")
