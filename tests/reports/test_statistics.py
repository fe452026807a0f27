"""The statistical line: published values to their last digit, and the law it promises, summed exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.figures import Finding
from reports.statistics import (
    CONFIDENCE,
    PLACES,
    bound_text,
    line,
    lower,
    not_applicable,
    trials_needed,
    two_sided,
    upper,
    weaker,
    wilson,
)

ALPHA = 1 - CONFIDENCE
LAST_DIGIT = Decimal(1).scaleb(-PLACES)
MONTH_OF_MINUTES = 43_200


def _text(value: Decimal, digits: int) -> str:
    return f"{value:.{digits - 1}e}".replace("e-0", "e-")


def _at_least(bad: int, trials: int, share: Fraction) -> Fraction:
    """Return P(X >= bad) of the binomial distribution, exactly."""
    return sum(
        (comb(trials, x) * share**x * (1 - share) ** (trials - x) for x in range(bad, trials + 1)),
        Fraction(0),
    )


@pytest.mark.parametrize(
    ("claim", "needed"),
    [
        ("0.999", [2_995, 4_742, 6_294, 10_511, 16_959]),
        ("0.9995", [5_990, 9_486, 12_590, 21_024, 33_921]),
        ("0.9999", [29_956, 47_437, 62_956, 105_128, 169_619]),
        ("0.99999", [299_572, 474_385, 629_578, 1_051_301, 1_696_219]),
    ],
)
def test_trials_needed_for_a_claim_are_those_of_the_published_table(claim: str, needed: list[int]):
    assert [trials_needed(Fraction(claim), bad) for bad in (0, 1, 2, 5, 10)] == needed


def test_no_number_of_trials_backs_a_claim_of_everything():
    assert trials_needed(Fraction(1)) is None


@pytest.mark.parametrize("bad", [0, 1, 7])
def test_one_trial_less_than_needed_does_not_back_the_claim(bad: int):
    claim = Fraction("0.995")
    needed = trials_needed(claim, bad)
    assert needed is not None
    findings = [line(trials, bad, claim, "stratified").finding for trials in (needed - 1, needed)]
    assert findings == [Finding.NOT_PROVEN, Finding.BACKED]


@pytest.mark.parametrize(
    ("bad", "bound", "published", "finding"),
    [
        (0, "upper", "6.9343e-5", Finding.BACKED),
        (1, "upper", "1.09807e-4", Finding.NOT_PROVEN),
        (8, "lower", "9.2152e-5", Finding.NOT_PROVEN),
        (9, "lower", "1.08690e-4", Finding.BROKEN),
    ],
)
def test_example_12_a_month_of_minutes_against_99_99(bad: int, bound: str, published: str, finding: Finding):
    found = line(MONTH_OF_MINUTES, bad, Fraction("0.9999"), "round")
    value = getattr(found, bound)
    digits = len(published.partition("e")[0]) - 1
    assert (_text(value, digits), found.finding) == (published, finding)


def test_example_12_both_two_sided_intervals():
    least, most = two_sided(3, MONTH_OF_MINUTES)
    assert (_text(least, 6), _text(most, 6)) == ("1.43213e-5", "2.02933e-4")
    least, most = wilson(3, MONTH_OF_MINUTES)
    assert (_text(least, 6), _text(most, 6)) == ("2.36177e-5", "2.04174e-4")


def test_a_five_minute_prober_cannot_prove_99_99_in_a_month():
    assert _text(upper(0, 8_640), 4) == "3.467e-4"
    assert line(8_640, 0, Fraction("0.9999"), "stratified").finding is Finding.NOT_PROVEN


@pytest.mark.parametrize(
    ("bad", "trials", "least", "most"),
    [
        (0, 10, "0.0000", "0.3085"),
        (1, 10, "0.0025", "0.4450"),
        (2, 10, "0.0252", "0.5561"),
        (5, 10, "0.1871", "0.8129"),
        (10, 10, "0.6915", "1.0000"),
        (9, 24, "0.1879929", "0.5940636"),
    ],
)
def test_two_sided_intervals_agree_with_tables(bad: int, trials: int, least: str, most: str):
    """The limits for ten trials are those of printed tables, the last line is R's `binom.test(9, 24)`."""
    places = len(least) - 2
    assert [f"{bound:.{places}f}" for bound in two_sided(bad, trials)] == [least, most]


def test_a_rare_failure_agrees_with_published_limits_at_90_percent():
    """R's `binom.test(1, 1497, conf.level = 0.9)` prints 3.426347e-05 and 3.164954e-03."""
    least, most = two_sided(1, 1_497, Fraction("0.9"))
    assert (_text(least, 7), _text(most, 7)) == ("3.426347e-5", "3.164954e-3")


@pytest.mark.parametrize("trials", [1, 1_000, 10_000_000])
def test_without_failures_the_upper_bound_is_a_root(trials: int):
    bound = Fraction(upper(0, trials))
    assert bound - 2 * Fraction(LAST_DIGIT) <= 1 - Fraction(Decimal("0.05") ** (1 / Decimal(trials))) <= bound


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.data(), st.sampled_from(["0.9", "0.95", "0.975", "0.999"]))
def test_a_bound_is_safe_and_no_wider_than_its_last_digit(trials: int, data: st.DataObject, confidence: str):
    bad = data.draw(st.integers(1, trials))
    alpha, bound = 1 - Fraction(confidence), lower(bad, trials, Fraction(confidence))
    assert _at_least(bad, trials, Fraction(bound)) <= alpha
    assert _at_least(bad, trials, Fraction(bound + 2 * LAST_DIGIT)) > alpha


@pytest.mark.parametrize("trials", [1, 2, 7, 40])
@pytest.mark.parametrize("share", ["0.001", "0.05", "0.3", "0.5", "0.94", "0.99"])
def test_both_bounds_hold_the_true_share_at_least_as_often_as_promised(trials: int, share: str):
    p = Fraction(share)
    weights = [comb(trials, bad) * p**bad * (1 - p) ** (trials - bad) for bad in range(trials + 1)]
    assert sum(weights) == 1
    assert sum(weight for bad, weight in enumerate(weights) if Fraction(upper(bad, trials)) < p) <= ALPHA
    assert sum(weight for bad, weight in enumerate(weights) if Fraction(lower(bad, trials)) > p) <= ALPHA


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=14))
def test_trials_of_unequal_shares_keep_the_promise_too(percents: list[int]):
    """Runs at random instants fail by the down share of their own slot, which differs from slot to slot."""
    weights = [Fraction(1)]
    for share in (Fraction(percent, 100) for percent in percents):
        weights = [
            good * (1 - share) + bad * share for good, bad in zip([*weights, 0], [0, *weights], strict=True)
        ]
    mean, trials = Fraction(sum(percents), 100 * len(percents)), len(percents)
    assert sum(weight for bad, weight in enumerate(weights) if Fraction(upper(bad, trials)) < mean) <= ALPHA
    assert sum(weight for bad, weight in enumerate(weights) if Fraction(lower(bad, trials)) > mean) <= ALPHA


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10_000_000), st.data())
def test_bounds_mirror_each_other_and_enclose_the_observed_share(trials: int, data: st.DataObject):
    bad = data.draw(st.one_of(st.integers(0, min(trials, 50)), st.integers(0, trials)))
    least, most = lower(bad, trials), upper(bad, trials)
    assert least == 1 - upper(trials - bad, trials)
    assert 0 <= Fraction(least) <= Fraction(bad, trials) <= Fraction(most) <= 1


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 1_000_000), st.data())
def test_more_failures_raise_both_bounds_and_more_good_trials_lower_them(trials: int, data: st.DataObject):
    bad = data.draw(st.one_of(st.integers(0, min(trials, 50) - 1), st.integers(0, trials - 1)))
    assert lower(bad, trials) < lower(bad + 1, trials)
    assert upper(bad, trials) < upper(bad + 1, trials)
    assert lower(bad, trials + 1) <= lower(bad, trials)
    assert upper(bad, trials + 1) < upper(bad, trials)


def test_ten_million_trials_of_any_outcome_have_bounds():
    least, most = two_sided(5_000_000, 10_000_000)
    assert least + most == 1
    assert _text(most - least, 3) == "6.20e-4"  # 2 x 1.95996 x sqrt(1/4 / n), and a little


@pytest.mark.parametrize(
    ("schedule", "why"),
    [("fixed", "fixed_schedule"), ("end", "fixed_schedule"), ("mixed", "mixed"), ("imported", "imported")],
)
def test_a_schedule_without_random_instants_has_no_line(schedule: str, why: str):
    found = line(1000, 0, Fraction("0.999"), schedule)
    assert (found.applies, found.why_not) == (False, why)
    assert found.lower is found.upper is found.finding is None


def test_without_trials_there_is_no_line():
    assert line(0, 0, Fraction("0.9"), "round") == not_applicable("no_trials", "round")


def test_trials_nobody_knows_of_count_against_both_findings():
    backed = line(29_956, 0, Fraction("0.9999"), "stratified")
    doubtful = line(29_956, 0, Fraction("0.9999"), "stratified", unknown=1)
    assert (backed.finding, doubtful.finding) == (Finding.BACKED, Finding.NOT_PROVEN)
    assert (doubtful.trials, doubtful.upper) == (29_956, upper(1, 29_957))
    broken = line(MONTH_OF_MINUTES, 9, Fraction("0.9999"), "round")
    softened = line(MONTH_OF_MINUTES, 9, Fraction("0.9999"), "round", unknown=10_000)
    assert (broken.finding, softened.finding) == (Finding.BROKEN, Finding.NOT_PROVEN)


def test_a_claim_of_exactly_the_bound_is_met_unless_more_than_it_is_promised():
    most, least = Fraction(upper(3, 100)), Fraction(lower(3, 100))
    findings = [
        line(100, 3, 1 - edge, "round", more_than=more_than).finding
        for edge in (most, least)
        for more_than in (False, True)
    ]
    assert findings == [Finding.BACKED, Finding.NOT_PROVEN, Finding.NOT_PROVEN, Finding.BROKEN]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Finding.BACKED, Finding.BACKED, Finding.BACKED),
        (Finding.BROKEN, Finding.BROKEN, Finding.BROKEN),
        (Finding.BACKED, Finding.NOT_PROVEN, Finding.NOT_PROVEN),
        (Finding.NOT_PROVEN, Finding.BROKEN, Finding.NOT_PROVEN),
        (Finding.BROKEN, Finding.BACKED, Finding.NOT_PROVEN),
        (Finding.BACKED, None, Finding.BACKED),
        (Finding.BROKEN, None, Finding.BROKEN),
    ],
)
def test_the_weaker_finding_is_what_both_lines_support(one: Finding, other: Finding | None, both: Finding):
    assert weaker(one, other) is both


@pytest.mark.parametrize(("bad", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(bad: int, trials: int):
    with pytest.raises(ValueError, match="cannot have failed"):
        upper(bad, trials)


@pytest.mark.parametrize("confidence", ["0.5", "1"])
def test_a_confidence_of_no_use_is_refused(confidence: str):
    with pytest.raises(ValueError, match="above 1/2 and below 1"):
        lower(1, 5, Fraction(confidence))


def test_a_printed_bound_is_rounded_away_from_the_truth():
    assert bound_text(upper(0, MONTH_OF_MINUTES), 5, up=True) == "0.000069344"
    assert bound_text(lower(9, MONTH_OF_MINUTES), 5, up=False) == "0.00010868"
    assert bound_text(Decimal(0), up=False) == "0"
    assert bound_text(Decimal(1), up=True) == "1.00000"
