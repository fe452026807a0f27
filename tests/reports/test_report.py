"""Whole reports at the edges: odd months, evidence that begins late or ends early, no evidence, a period that runs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from support.plain_contracts import us, window
from support.questions import asked, promised, seconds, seen
from support.tracks import DAY, MINUTE, S

from reports.contract import Action, MaintenanceTerms, Minutes, Periods, Requests, Slices, Weighted
from reports.evidence import Window
from reports.report import Question, report

HOUR = 60 * MINUTE
METHODS = (
    None,
    Minutes(threshold=Fraction(1, 20)),
    Periods(minutes=5),
    Requests(),
    Slices(length_us=300 * S),
    Slices(length_us=300 * S, empty="skip"),
    Slices(length_us=300 * S, empty="unknown"),
    Weighted(by="regions", weights=(("fra", Fraction(5)), ("iad", Fraction(3)), ("sin", Fraction(2)))),
)
MARCH = (us("2026-03-01"), us("2026-04-01"))


@pytest.mark.parametrize(
    ("zone", "period", "hours"),
    [
        ("Europe/Berlin", "2026-03", 743),
        ("Europe/Berlin", "2026-01", 744),
        ("Europe/Berlin", "2026-10", 745),
        ("Australia/Lord_Howe", "2026-04", Fraction(1441, 2)),
        ("Australia/Lord_Howe", "2026-10", Fraction(1487, 2)),
        ("Africa/Cairo", "2026-04", 719),
        ("Pacific/Apia", "2011-12", 720),
    ],
)
def test_a_month_is_as_long_as_its_zone_says(zone: str, period: str, hours: Fraction) -> None:
    """Half-hour shifts, a midnight that is skipped (Cairo), a day that is skipped (Apia)."""
    contract = promised(zone=zone)
    question = asked(contract, {}, period)
    found = seen(question.start_us - DAY, question.end_us + DAY)
    made = report(asked(contract, found, period))
    assert made.period.seconds == hours * 3600
    assert sum(day.seconds for day in made.days) == made.period.seconds
    assert [day.from_ for day in made.days[1:]] == [day.to for day in made.days[:-1]]
    assert seconds(made.coverage.measured_seconds) == made.period.seconds
    assert made.finding == "backed"


def test_an_outage_of_2676_s_breaks_the_short_march_of_berlin_and_not_one_of_31_days() -> None:
    start_us = us("2026-03-10 12:00")
    found = seen(start_us - HOUR, start_us + 2 * HOUR, [(start_us, start_us + 2676 * S)], interval_us=S)
    made = report(asked(promised(zone="Europe/Berlin", interval_us=S), found, "2026-03"))
    assert seconds(made.down_seconds.measured) == 2676
    assert Fraction(2676, made.period.seconds) > Fraction(1, 1000) > Fraction(2676, 31 * 86_400)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("found", ["nothing", "void"])
def test_without_data_there_is_no_figure(method: object, found: str) -> None:
    evidence = seen(*MARCH, missed=[MARCH]) if found == "void" else {}
    made = report(asked(promised(method=method), evidence, "2026-03"))
    assert made.no_data
    assert made.finding == "not_proven"
    assert made.availability.lowest is made.availability.measured is made.availability.highest is None
    assert made.budget is None
    assert seconds(made.coverage.measured_seconds) == 0
    assert made.coverage.ratio.num == 0
    assert made.coverage.slots.good == 0
    assert made.credit.lowest is None
    assert made.outages == []
    assert {day.state for day in made.days} == {"unknown"}


def test_a_service_that_is_never_open_has_no_figure_either() -> None:
    from reports.hours import parse_hours

    made = report(
        asked(
            promised(hours=parse_hours("Mo 08:00-09:00")),
            seen(*MARCH),
            Window(us("2026-03-03"), us("2026-03-05")),
        )
    )
    assert made.no_data
    assert seconds(made.eligible_seconds) == 0
    assert {day.state for day in made.days} == {"excluded"}


def test_a_probe_younger_than_the_period_leaves_the_time_before_it_unknown() -> None:
    begun_us = us("2026-03-11")
    made = report(asked(promised(claim=Fraction("0.6")), seen(begun_us, MARCH[1] + HOUR), "2026-03"))
    assert seconds(made.coverage.unknown_seconds) == 10 * 86_400
    assert made.coverage.slots.missed == {"not_begun": 3 * 10 * 1440}
    assert [day.state for day in made.days[9:11]] == ["unknown", "up"]
    assert Fraction(made.availability.lowest.num, made.availability.lowest.den) == Fraction(21, 31)
    assert made.availability.measured.text == "no down time seen"
    assert made.finding == "backed"


@pytest.mark.parametrize(
    ("down", "began_before", "goes_on"),
    [
        ((MARCH[0] - HOUR, MARCH[0] + HOUR), True, False),
        ((MARCH[0], MARCH[0] + HOUR), True, False),  # the middle of its edge lies before
        ((MARCH[0] + 2 * MINUTE, MARCH[0] + HOUR), False, False),
        ((MARCH[1] - HOUR, MARCH[1] + HOUR), False, True),
        ((MARCH[1] - HOUR, MARCH[1] + MINUTE), False, True),
        ((MARCH[1] - HOUR, MARCH[1] - MINUTE), False, False),
        ((MARCH[0] - HOUR, MARCH[1] + HOUR), True, True),
    ],
)
def test_an_outage_open_at_an_edge_says_so(down: tuple[int, int], began_before: bool, goes_on: bool) -> None:
    made = report(asked(promised(), seen(MARCH[0] - 2 * HOUR, MARCH[1] + 2 * HOUR, [down]), "2026-03"))
    (outage,) = made.outages
    assert (outage.began_before, outage.goes_on) == (began_before, goes_on)
    assert seconds(outage.counted_seconds) == seconds(made.down_seconds.measured)
    if began_before:
        assert outage.from_ == made.period.from_
    if goes_on:
        assert outage.to == made.period.to


def running(at_us: int, **terms: object) -> Question:
    """Return a question about March as it stands at an instant."""
    down = terms.pop("down", [])
    return asked(promised(**terms), seen(MARCH[0], at_us, down), "2026-03", as_of_us=at_us - MINUTE)


def test_a_running_period_reaches_to_what_is_known_and_forecasts_the_rest() -> None:
    at_us = us("2026-03-11")
    made = report(running(at_us, down=[(us("2026-03-02 06:00"), us("2026-03-02 06:10"))]))
    assert made.period.as_of == "2026-03-10T23:59:00+00:00"
    assert made.period.seconds == 31 * 86_400
    assert [day.state for day in made.days[8:12]] == ["up", "up", "future", "future"]
    assert made.budget is not None
    whole, possible, sure = 31 * 86_400, 660, 540
    ahead = made.budget.forecast
    assert ahead is not None
    assert seconds(made.budget.total) == Fraction(whole, 1000)
    left = whole - 10 * 86_400 + 60
    assert Fraction(ahead.lowest.num, ahead.lowest.den) == 1 - Fraction(possible + left, whole)
    assert Fraction(ahead.highest.num, ahead.highest.den) == 1 - Fraction(sure, whole)
    assert made.budget.lost_since is None
    assert made.credit.kind in ("no_terms", "none")


def test_the_instant_from_which_on_a_claim_is_lost_is_told() -> None:
    """The budget of 99.9 % in March is 2,678.4 s: the last of it is spent 44 min 38.4 s after it surely was down."""
    down_us = us("2026-03-02 06:00")
    for minutes, lost in ((44, None), (50, "2026-03-02T06:44:38.400001+00:00")):
        question = running(us("2026-03-11"), down=[(down_us, down_us + (minutes + 1) * MINUTE)])
        made = report(question)
        assert made.budget is not None
        assert made.budget.lost_since == lost
        forecast = made.budget.forecast
        assert forecast is not None
        best = Fraction(forecast.highest.num, forecast.highest.den)
        assert (best < Fraction("0.999")) is (lost is not None)


def test_both_parts_of_a_split_period_have_their_own_figures() -> None:
    cut_us = us("2026-03-16")
    found = seen(MARCH[0], MARCH[1] + HOUR, [(us("2026-03-10"), us("2026-03-10 01:00"))])
    halves = [
        report(asked(promised(), found, "2026-03", start_us=a, end_us=b, part=part, parts=2))
        for part, (a, b) in enumerate([(MARCH[0], cut_us), (cut_us, MARCH[1])], 1)
    ]
    assert [(half.period.part, half.period.parts, half.period.label) for half in halves] == [
        (1, 2, "2026-03"),
        (2, 2, "2026-03"),
    ]
    assert [half.finding for half in halves] == ["broken", "backed"]
    assert sum(half.period.seconds for half in halves) == 31 * 86_400
    assert [half.outages_total for half in halves] == [1, 0]


def test_maintenance_is_told_with_and_without_and_what_ran_over_counts() -> None:
    start_us = us("2026-03-10 02:00")
    planned = window(start_us, start_us + HOUR)
    found = seen(MARCH[0], MARCH[1] + HOUR, [(start_us + 10 * MINUTE, start_us + 75 * MINUTE)])
    terms = MaintenanceTerms(notice_us=72 * HOUR)
    made = report(asked(promised(maintenance=terms), found, "2026-03", maintenance=[planned]))
    assert seconds(made.excluded.seconds) == 3600
    assert seconds(made.down_seconds.measured) == 14 * 60 + 30
    assert seconds(made.excluded.overrun_seconds) == 14 * 60 + 30
    assert seconds(made.excluded.windows[0].down_seconds) == 50 * 60 + 30
    without = made.without_exclusions.measured
    assert without is not None
    assert Fraction(without.num, without.den) == 1 - Fraction(65 * 60, 31 * 86_400)
    assert seconds(made.outages[0].seconds.measured) == 65 * 60
    assert seconds(made.outages[0].counted_seconds) == 14 * 60 + 30


def test_a_contract_over_some_regions_asks_only_them() -> None:
    """One of three regions is in trouble all month: two others do not care, and a contract over it does."""
    found = seen(*MARCH, regions=["fra", "iad"]) | seen(*MARCH, [MARCH], regions=["sin"])
    assert report(asked(promised(), found, "2026-03")).finding == "backed"
    two = promised(regions=("fra", "sin"), needed=1)
    assert report(asked(two, found, "2026-03")).finding == "broken"
    made = report(asked(promised(regions=("fra",)), found, "2026-03"))
    assert made.coverage.slots.total == 31 * 1440
    assert made.coverage.slots.bad == 0


def test_what_was_promised_and_done_since_is_passed_on() -> None:
    from datetime import date

    contract = promised(promise="Nearly always.", actions=(Action(date(2026, 3, 12), "A second link."),))
    made = report(asked(contract, seen(*MARCH), "2026-03"))
    assert made.promise == "Nearly always."
    assert [(done.on, done.text) for done in made.actions] == [("2026-03-12", "A second link.")]
