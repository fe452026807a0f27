"""When a period may be closed, which there are, and whose: both sides of every boundary."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.measured import APRIL, CONFIG, DAY_US, HOUR_US, MARCH, MAY, MINUTE_US, S, us
from support.served import make_probe, make_scene

from prober.accounts.closing import (
    LOOK_BACK_US,
    MARGIN_US,
    Ended,
    ended_periods,
    in_pieces,
    is_closed,
    may_be_revised,
    reached_us,
    reason_to_close,
    settles_us,
    watermarks,
    with_evidence,
)
from prober.accounts.terms import contracts_of, customers_of
from prober.config import load_text
from prober.hub.view import AgentView, RegionWatch
from prober.store.base import ClosedRow
from reports.contract import Contract, Minutes, Periods, WindowRule
from reports.report import Customer

LOADED = load_text(CONFIG, "probes.yaml", {})
GOLD, SILVER = contracts_of(LOADED)
CUSTOMERS = customers_of(LOADED)
WAIT_US = 3 * DAY_US
FINAL_US = APRIL + HOUR_US + 15 * S


def quick(**changes: Any) -> Contract:
    """Return a contract on a probe of every 30 s, changed as told."""
    probe = replace(GOLD.probes()[0], interval_us=30 * S)
    return replace(GOLD, services=(replace(GOLD.services[0], probes=(probe,)),), **changes)


def march(*contracts: Contract, customers: dict[str, Customer] = CUSTOMERS) -> Ended:
    """Return March of a contract."""
    (found,) = [each for each in ended_periods(contracts, customers, APRIL) if each.period.label == "2026-03"]
    return found


def labels(*contracts: Contract, now_us: int = APRIL) -> list[str]:
    """Return the names of the periods that have ended."""
    return [each.period.label for each in ended_periods(contracts, CUSTOMERS, now_us)]


@pytest.mark.parametrize(
    ("contract", "after_us"),
    [
        (GOLD, HOUR_US + 15 * S),  # two intervals, a timeout, and some seconds for the way
        (replace(GOLD, gap_us=2 * HOUR_US), 2 * HOUR_US + 10 * S),
        (quick(), MARGIN_US),
        (quick(gap_us=MARGIN_US - 10 * S), MARGIN_US),
        (quick(gap_us=MARGIN_US - 10 * S + 1), MARGIN_US + 1),
        (quick(method=Minutes(threshold=GOLD.claim)), MARGIN_US),
        (quick(method=Periods(minutes=5, good_minutes=2)), MARGIN_US + 7 * MINUTE_US),
    ],
)
def test_a_period_is_final_when_nothing_in_order_can_change_it(contract: Contract, after_us: int) -> None:
    assert settles_us(contract, APRIL) == APRIL + after_us


@pytest.mark.parametrize(
    ("marks", "now_us", "reason"),
    [
        ({"fra": FINAL_US, "iad": FINAL_US}, FINAL_US - 1, None),
        ({"fra": FINAL_US, "iad": FINAL_US}, FINAL_US, "watermark"),
        ({"fra": FINAL_US, "iad": FINAL_US - 1}, FINAL_US, None),
        ({"fra": FINAL_US}, FINAL_US, "watermark"),  # nobody ever came from the other one
        ({}, FINAL_US, "watermark"),
        ({"fra": 0, "iad": FINAL_US}, FINAL_US, None),  # after a start: not heard of yet
        ({"fra": FINAL_US, "iad": 0}, APRIL + WAIT_US - 1, None),
        ({"fra": FINAL_US, "iad": 0}, APRIL + WAIT_US, "deadline"),
        ({"fra": APRIL + WAIT_US, "iad": APRIL + WAIT_US}, APRIL + WAIT_US, "watermark"),
        ({"fra": FINAL_US, "iad": FINAL_US, "syd": 0}, FINAL_US, "watermark"),  # no probe of it runs there
    ],
)
def test_a_period_is_closed_when_all_is_here_or_at_the_deadline(
    marks: dict[str, int], now_us: int, reason: str | None
) -> None:
    assert reason_to_close(march(GOLD), marks, WAIT_US, now_us) == reason


@given(st.integers(-DAY_US, 5 * DAY_US), st.integers(-DAY_US, 5 * DAY_US))
def test_nothing_is_closed_before_it_is_final_and_everything_after_the_deadline(
    mark_us: int, now_us: int
) -> None:
    ended, now_us = march(GOLD), APRIL + now_us
    reason = reason_to_close(ended, {"fra": min(APRIL + mark_us, now_us)}, WAIT_US, now_us)
    assert reason is None or now_us >= FINAL_US
    assert reason is not None or now_us < APRIL + WAIT_US
    assert reason != "watermark" or APRIL + mark_us >= FINAL_US


def test_what_has_ended_is_known_to_the_microsecond_in_the_contract_s_zone() -> None:
    berlin = replace(GOLD, zone="Europe/Berlin")
    end_us = APRIL - 2 * HOUR_US  # midnight in Berlin, in summer
    assert labels(berlin, now_us=end_us - 1)[-1] == "2026-02"
    assert labels(berlin, now_us=end_us)[-1] == "2026-03"
    assert labels(GOLD, now_us=APRIL - 1)[-1] == "2026-02"
    assert labels(GOLD, now_us=APRIL)[-1] == "2026-03"


def test_periods_that_ended_too_long_ago_are_left_alone() -> None:
    assert labels(GOLD, now_us=APRIL + LOOK_BACK_US - 1)[0] == "2026-03"
    assert labels(GOLD, now_us=APRIL + LOOK_BACK_US)[0] == "2026-04"
    assert labels(replace(GOLD, window=WindowRule("year"))) == ["2025"]
    assert labels(replace(GOLD, window=WindowRule("quarter"))) == ["2025-Q4", "2026-Q1"]
    assert labels(replace(GOLD, window=WindowRule("rolling", 30))) == []


def test_each_version_is_cut_by_its_own_rule() -> None:
    first = replace(GOLD, to_day=date(2026, 3, 16))
    second = replace(GOLD, from_day=date(2026, 3, 16), window=WindowRule("quarter"))
    found = ended_periods([first, second], CUSTOMERS, APRIL)
    spans = [(each.period.label, plan.start_us, plan.end_us) for each in found for plan in each.plans]
    assert spans[-2:] == [
        ("2026-Q1", us("2026-03-16T00:00"), APRIL),
        ("2026-03", MARCH, us("2026-03-16T00:00")),
    ]
    # A version that is yet to come changes nothing about how the present one is cut.
    coming = replace(GOLD, from_day=date(2026, 9, 1), window=WindowRule("year"))
    assert labels(replace(GOLD, to_day=date(2026, 9, 1)), coming) == labels(GOLD)


def test_customers_get_their_own_and_the_provider_s_view_comes_last() -> None:
    def readers(ended: Ended) -> list[list[str]]:
        return [[plan.customer.name if plan.customer else "" for plan in part.plans] for part in ended.parts]

    assert readers(march(GOLD)) == [["acme", "beta", ""]]
    assert readers(march(SILVER)) == [["beta", ""]]
    assert readers(march(GOLD, customers={})) == [[""]]
    first = replace(GOLD, customers=("acme",), to_day=date(2026, 3, 16))
    second = replace(GOLD, customers=("acme", "beta"), from_day=date(2026, 3, 16))
    both = march(first, second)
    assert readers(both) == [["acme", ""], ["acme", "beta", ""]]
    numbers = [[(plan.part, plan.parts) for plan in part.plans] for part in both.parts]
    assert numbers == [[(1, 2), (1, 2)], [(2, 2), (1, 1), (2, 2)]]


def test_only_periods_that_we_were_to_measure_are_ours_to_close() -> None:
    ended = march(GOLD)
    assert with_evidence(ended, {}) is None
    assert with_evidence(ended, {("web", "syd"): 0, ("api", "fra"): 0}) is None
    assert with_evidence(ended, {("web", "iad"): APRIL}) is None
    assert with_evidence(ended, {("web", "iad"): APRIL - 1}) == ended
    split = march(
        replace(GOLD, to_day=date(2026, 3, 16)), replace(GOLD, from_day=date(2026, 3, 16), claim=SILVER.claim)
    )
    kept = with_evidence(split, {("web", "fra"): us("2026-03-16T00:00")})
    assert kept is not None
    assert kept.parts == split.parts[1:]


def test_what_overlaps_a_closed_report_is_closed() -> None:
    ended = march(GOLD)
    assert is_closed(ended, [(MARCH, APRIL)])
    assert is_closed(ended, [(APRIL - 1, MAY)])
    assert is_closed(ended, [(0, MARCH + 1)])
    assert not is_closed(ended, [(0, MARCH), (APRIL, MAY)])
    assert not is_closed(ended, [])


@pytest.mark.parametrize(
    ("mark_us", "now_us", "may"),
    [
        (FINAL_US, FINAL_US, True),
        (FINAL_US - 1, FINAL_US + DAY_US - 1, False),
        (FINAL_US - 1, FINAL_US + DAY_US, True),
    ],
)
def test_a_revision_waits_for_what_is_coming_in_but_no_longer_than_a_day(
    mark_us: int, now_us: int, may: bool
) -> None:
    row = ClosedRow(
        contract="gold", customer="", from_us=MARCH, to_us=APRIL, revision=1, made_us=FINAL_US, digest="d",
        supersedes="", reason="deadline", body=b"",
    )  # fmt: skip
    plan = march(GOLD).parts[0].own
    assert may_be_revised(plan, row, {"fra": FINAL_US, "iad": mark_us}, now_us) is may


def test_regions_of_this_machine_are_waited_for_from_the_start_and_others_if_somebody_is_known() -> None:
    view = make_scene([make_probe("web")]).view
    view.regions.clear()
    assert watermarks(view) == {}
    view.regions |= {name: RegionWatch(name=name) for name in ("fra", "iad", "sin")}
    view.agents.clear()
    # All are local here.
    assert watermarks(view) == {"fra": 0, "iad": 0, "sin": 0}
    far = tuple(replace(region, local=region.name == "fra") for region in view.config.regions)
    view.config = replace(view.config, regions=far)
    assert watermarks(view) == {"fra": 0}
    view.agents["iad-1"] = AgentView(name="iad-1", regions=("iad",), remote=True)
    assert watermarks(view) == {"fra": 0, "iad": 0}
    view.regions["sin"].complete_us = 7
    assert watermarks(view) == {"fra": 0, "iad": 0, "sin": 7}


def test_a_contract_has_come_as_far_as_the_region_of_its_own_that_is_behind() -> None:
    assert reached_us(GOLD, {"fra": 5, "iad": 3, "syd": 1}, 9) == 3
    assert reached_us(GOLD, {"syd": 1}, 9) == 9


def test_evidence_is_read_in_pieces_of_one_period_each_and_bounded() -> None:
    contracts = [replace(GOLD, name=f"c{number}") for number in range(400)]
    ended = ended_periods(contracts, CUSTOMERS, APRIL)
    pieces = list(in_pieces(ended))
    assert [each for piece in pieces for each in piece] == ended
    assert all(len({each.period for each in piece}) == 1 for piece in pieces)
    assert max(map(len, pieces)) == 150
    assert list(in_pieces([])) == []
