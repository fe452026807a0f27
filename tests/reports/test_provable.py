"""Whether a set-up can prove a claim: what a perfect period would show, and that what is said to help does help."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.contract import (
    Contract,
    DenominatorRule,
    Method,
    Minutes,
    Periods,
    ProbeTerms,
    Requests,
    ServiceTerms,
    Slices,
    Time,
    Weighted,
)
from reports.provable import Provable, advice, smallest_sure_outage_us, trials_of

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
MONTH_US = 30 * 86_400 * SECOND_US
ALL = Fraction(1)
FOUR_NINES = Fraction("0.9999")


def _probe(
    name: str = "web",
    regions: int = 3,
    needed: int = 2,
    interval_us: int = 30 * SECOND_US,
    schedule: str = "stratified",
) -> ProbeTerms:
    places = tuple(f"r{number}" for number in range(regions))
    return ProbeTerms(
        name=name, title=name, regions=places, needed=needed, interval_us=interval_us, schedule=schedule
    )


def _contract(*probes: ProbeTerms, method: Method | None = None, needed: int = 1, **rest: Any) -> Contract:
    service = ServiceTerms(name="shop", title="Shop", probes=probes or (_probe(),), needed=needed)
    terms = {"claim": FOUR_NINES, "services": (service,), **rest}
    return Contract(name="gold", title="Gold", method=method or Time(), **terms)


def _values(text: str) -> tuple[str, dict[str, str]]:
    code, *pairs = text.split()
    return code, dict(pair.split("=") for pair in pairs)


def _codes(texts: tuple[str, ...]) -> list[str]:
    return [_values(text)[0] for text in texts]


@pytest.mark.parametrize("schedule", ["stratified", "round", "fixed", "end"])
def test_by_default_a_perfect_month_backs_any_claim_on_time(schedule: str):
    found = advice(_contract(_probe(schedule=schedule)), MONTH_US, Fraction(1))
    assert (found.possible, found.best, found.reasons, found.needs) == (True, 1, (), ())


def test_a_gap_below_the_longest_spacing_leaves_time_unknown_even_in_a_perfect_month():
    contract = _contract(_probe(regions=1, needed=1), gap_us=45 * SECOND_US)
    found = advice(contract, MONTH_US)
    assert (found.possible, found.best) == (False, Fraction(19, 24))
    assert found.reasons == (
        "gap_below_spacing probe=web gap_us=45000000 spacing_us=60000000 unknown=20.833%",
    )
    assert found.needs == (
        "gap_at_least probe=web gap_us=60000000",
        "interval_at_most probe=web interval_us=22500000",
    )


def test_more_regions_make_the_same_gap_good_enough():
    alone, quorum = (
        advice(
            _contract(_probe(regions=regions, needed=needed), gap_us=55 * SECOND_US),
            MONTH_US,
            Fraction("0.99"),
        )
        for regions, needed in ((1, 1), (3, 2))
    )
    assert (alone.possible, quorum.possible) == (False, True)
    assert quorum.best is not None
    assert Fraction("0.99") <= quorum.best < 1


def test_an_expected_figure_of_many_digits_is_cut_to_twelve():
    best = advice(_contract(gap_us=45_000_001), MONTH_US).best
    assert best is not None
    assert 10**12 % best.denominator == 0
    assert best < 1


def test_a_gap_below_a_fixed_interval_proves_nothing_at_all():
    found = advice(_contract(_probe(schedule="fixed"), gap_us=29 * SECOND_US), MONTH_US)
    assert (found.possible, found.best) == (False, 0)
    exact = advice(_contract(_probe(schedule="fixed"), gap_us=30 * SECOND_US), MONTH_US)
    assert (exact.possible, exact.best) == (True, 1)


def test_pooled_regions_need_a_smaller_gap():
    found = advice(_contract(gap_us=20 * SECOND_US, quorum="pooled"), MONTH_US, Fraction(1))
    assert found.possible
    tight = advice(_contract(gap_us=15 * SECOND_US, quorum="pooled"), MONTH_US)
    assert tight.best == Fraction(19, 24)  # that of one region at the spacing T/R with a gap of 3/2 of it


def test_a_service_of_two_probes_is_in_doubt_when_either_is_or_when_both_are():
    probes = (_probe("web", 1, 1), _probe("db", 1, 1))
    either, both = (
        advice(_contract(*probes, needed=needed, gap_us=45 * SECOND_US), MONTH_US) for needed in (1, 2)
    )
    assert (either.best, both.best) == (Fraction(19, 24) ** 2, 1 - Fraction(5, 24) ** 2)
    assert len(either.reasons) == 2


def test_a_fixed_denominator_is_what_unknown_time_is_divided_by():
    contract = _contract(
        _probe(regions=1, needed=1), gap_us=45 * SECOND_US, denominator=DenominatorRule("fixed", 2 * MONTH_US)
    )
    assert advice(contract, MONTH_US).best == 1 - Fraction(5, 48)


@pytest.mark.parametrize(
    ("interval_s", "schedule", "possible"),
    [(60, "fixed", True), (61, "fixed", False), (30, "round", True), (31, "round", False)],
)
def test_minutes_need_an_attempt_in_each(interval_s: int, schedule: str, possible: bool):
    probe = _probe(regions=3, needed=1, interval_us=interval_s * SECOND_US, schedule=schedule)
    found = advice(_contract(probe, method=Minutes(threshold=ALL)), MONTH_US, Fraction(1))
    assert found.possible is possible
    if not possible:
        code, values = _values(found.reasons[0])
        assert (code, values["attempts"]) == ("minutes_without_attempts", "1")
        slowest = {"fixed": 60, "round": 30}[schedule] * SECOND_US
        assert found.needs == (f"interval_at_most probe=web interval_us={slowest}",)


def test_one_region_each_minute_misses_a_sixth_of_the_minutes():
    probe = _probe(regions=1, needed=1, interval_us=MINUTE_US)
    assert advice(_contract(probe, method=Minutes(threshold=ALL)), MONTH_US).best == Fraction(5, 6)


def test_unknown_minutes_count_only_in_runs_as_long_as_the_periods():
    """Every other minute is without an attempt: never two in a row."""
    probe = _probe(regions=1, needed=1, interval_us=2 * MINUTE_US, schedule="fixed")
    minutes, periods = (
        advice(_contract(probe, method=method), MONTH_US)
        for method in (Minutes(threshold=ALL), Periods(minutes=2))
    )
    assert (minutes.best, periods.best) == (Fraction(1, 2), 1)
    longer = replace(probe, interval_us=4 * MINUTE_US)
    assert advice(_contract(longer, method=Periods(minutes=2)), MONTH_US).best == Fraction(1, 4)


def test_attempts_need_no_gap_but_one_attempt():
    contract = _contract(_probe(interval_us=3_600 * SECOND_US), method=Requests(), gap_us=1)
    assert advice(contract, MONTH_US, Fraction(1)).possible
    found = advice(contract, 3_599 * SECOND_US)
    assert (found.possible, found.best, found.reasons) == (
        False,
        None,
        ("no_attempts interval_us=3600000000",),
    )


@pytest.mark.parametrize(
    ("empty", "best"), [("zero", Fraction(1)), ("skip", Fraction(1)), ("unknown", Fraction(5, 6))]
)
def test_slices_without_attempts_are_in_doubt_only_where_the_contract_says_so(empty: Any, best: Fraction):
    probe = _probe(regions=3, needed=2, interval_us=900 * SECOND_US)
    found = advice(_contract(probe, method=Slices(length_us=300 * SECOND_US, empty=empty)), MONTH_US)
    assert found.best == best
    assert found.possible is (best == 1)
    if not found.possible:
        assert found.needs == (
            "interval_at_most probe=web interval_us=450000000",
            "slices_at_least length_us=600000000",
        )


def test_weighted_regions_are_judged_one_by_one():
    weights = (("r0", Fraction(5)), ("r1", Fraction(3)), ("mars", Fraction(2)))
    contract = _contract(method=Weighted(by="regions", weights=weights), gap_us=45 * SECOND_US)
    found = advice(contract, MONTH_US)
    assert found.best == 1 - (Fraction(5, 24) * 8 + 2) / 10
    assert _codes(found.reasons) == ["gap_below_spacing", "region_without_probes"]


@pytest.mark.parametrize("by", ["probes", "services"])
def test_weighted_members_lose_their_own_share(by: Any):
    good, bad = _probe("good", schedule="round", interval_us=SECOND_US), _probe("bad", schedule="round")
    services = tuple(ServiceTerms(name=each.name, title="", probes=(each,), needed=1) for each in (good, bad))
    weights = (("good", Fraction(3)), ("bad", Fraction(1)))
    contract = _contract(method=Weighted(by=by, weights=weights), gap_us=45 * SECOND_US, services=services)
    assert advice(contract, MONTH_US).best == 1 - Fraction(5, 24) / 4


@pytest.mark.parametrize(("needed", "regions"), [(3, 2), (1, 0), (0, 2)])
def test_a_quorum_that_cannot_be_reached_is_named(needed: int, regions: int):
    found = advice(_contract(_probe(regions=regions, needed=needed)), MONTH_US)
    assert (found.possible, found.best) == (False, None)
    assert found.reasons == (f"too_few_regions probe=web regions={regions} needed={max(needed, 1)}",)


def test_more_than_everything_cannot_be_shown():
    found = advice(_contract(claim=Fraction(1), more_than=True), MONTH_US)
    assert (found.possible, found.reasons) == (False, ("claim_above_everything",))


def test_a_five_minute_prober_never_shows_99_99_statistically():
    probe = _probe(regions=1, needed=1, interval_us=300 * SECOND_US)
    assert trials_of(_contract(probe), MONTH_US) == 8_640
    beside, weaker = (
        advice(_contract(probe, statistics=statistics), MONTH_US) for statistics in ("beside", "weaker")
    )
    assert (beside.possible, weaker.possible) == (True, False)
    assert weaker.reasons == ("too_few_trials trials=8640 needed=29956",)
    assert weaker.needs == (
        "interval_at_most probe=web interval_us=86526906",  # the table's 86.5 s
        "regions_at_least probe=web regions=4",
        "statistics_beside",
    )


def test_rounds_are_one_trial_whatever_the_regions():
    probe = _probe(schedule="round", interval_us=100 * SECOND_US)
    assert trials_of(_contract(probe), MONTH_US) == 25_920
    found = advice(_contract(probe, statistics="weaker"), MONTH_US)
    assert _codes(found.needs) == ["interval_at_most", "statistics_beside"]


def test_the_line_does_not_weigh_where_it_does_not_apply():
    probe = _probe(schedule="fixed", interval_us=300 * SECOND_US)
    assert trials_of(_contract(probe), MONTH_US) is None
    assert trials_of(_contract(_probe("a"), _probe("b")), MONTH_US) is None
    assert advice(_contract(probe, statistics="weaker"), MONTH_US).possible


def test_a_claim_of_everything_has_no_statistical_proof():
    found = advice(_contract(claim=Fraction(1), statistics="weaker"), MONTH_US)
    assert (found.reasons, found.needs) == (("claim_without_error",), ("lower_claim", "statistics_beside"))


def test_risks_are_told_without_ruling_the_claim_out():
    contract = _contract(_probe(needed=1, interval_us=900 * SECOND_US))
    found = advice(contract, MONTH_US)
    assert found.possible
    assert found.risks == (
        "sure_outage_above_budget smallest_us=600000000 budget_us=259200000",
        "one_region_unproves probe=web budget_us=259200000",
    )
    assert advice(_contract(_probe(needed=3)), MONTH_US).risks == ("one_region_hides_outages probe=web",)
    assert advice(_contract(), MONTH_US).risks == ()


@pytest.mark.parametrize(
    ("contract", "seconds"),
    [
        (_contract(), 40),
        (_contract(quorum="pooled"), 20),
        (_contract(method=Requests()), 20),
        (_contract(method=Weighted(by="regions", weights=(("r0", ALL),))), 60),
        (_contract(_probe(schedule="fixed")), 20),
        (_contract(_probe(schedule="round")), 60),
        (_contract(_probe("fast", interval_us=SECOND_US), _probe("slow")), 40),
        (_contract(_probe("fast", interval_us=SECOND_US), _probe("slow"), needed=2), 40),
    ],
)
def test_the_smallest_sure_outage_is_that_of_the_slowest_probe(contract: Contract, seconds: int):
    assert smallest_sure_outage_us(contract) == seconds * SECOND_US


def test_where_a_quorum_cannot_be_reached_no_outage_is_sure():
    assert smallest_sure_outage_us(_contract(_probe(), _probe("db", regions=1))) is None


METHODS: list[Method] = [
    Time(),
    Minutes(threshold=ALL),
    Minutes(threshold=Fraction(1, 20), min_attempts=2),
    Periods(minutes=5, min_attempts=2),
    Slices(length_us=300 * SECOND_US, empty="unknown"),
    Weighted(by="regions", weights=(("r0", ALL),)),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(METHODS),
    st.sampled_from(["stratified", "round", "fixed"]),
    st.integers(1, 4),
    st.integers(5, 1_200),
    st.integers(5, 900),
    st.sampled_from(["regional", "pooled"]),
    st.sampled_from(["beside", "weaker"]),
    st.data(),
)
def test_one_of_the_needs_of_each_reason_makes_it_possible(
    method: Method,
    schedule: str,
    regions: int,
    interval_s: int,
    gap_s: int,
    quorum: Any,
    statistics: Any,
    data: Any,
):
    probe = _probe("web", regions, data.draw(st.integers(1, regions)), interval_s * SECOND_US, schedule)
    contract = _contract(probe, method=method, gap_us=gap_s * SECOND_US, quorum=quorum, statistics=statistics)
    found = advice(contract, MONTH_US, Fraction("0.999"))
    assert found.possible == (not found.reasons)
    if found.possible:
        return
    codes = _codes(found.needs)
    by_interval = min(
        int(values["interval_us"]) for code, values in map(_values, found.needs) if code == "interval_at_most"
    )
    faster = replace(contract.services[0], probes=(replace(probe, interval_us=by_interval),))
    assert advice(replace(contract, services=(faster,)), MONTH_US, Fraction("0.999")).possible
    if codes == ["gap_at_least", "interval_at_most"]:
        gap_us = int(_values(found.needs[0])[1]["gap_us"])
        assert advice(replace(contract, gap_us=gap_us), MONTH_US, Fraction("0.999")).possible


def test_advice_is_a_value_that_compares():
    assert advice(_contract(), MONTH_US) == Provable(possible=True, best=Fraction(1))
