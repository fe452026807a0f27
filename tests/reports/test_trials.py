"""Which trials the statistical line counts: attempts of random schedules, rounds of the quorum, else none and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.questions import one, promised
from support.tracks import DAY, MINUTE, contract, probe, service, track, tracks

from reports.contract import Contract
from reports.counting import tally
from reports.track import Tracks
from reports.trials import Trials, trials

BEGIN = 20_000 * DAY
ELIGIBLE = ((BEGIN, BEGIN + 100 * MINUTE),)


def at(minute: int) -> int:
    return BEGIN + minute * MINUTE


def counted(terms: Contract, found: Tracks) -> Trials:
    return trials(terms, found, ELIGIBLE, {pair: tally(each, ELIGIBLE) for pair, each in found.items()})


def world(schedule: str, **by_region: dict[str, Any]) -> Tracks:
    eras = {
        region: one(BEGIN - DAY, BEGIN + DAY, schedule=schedule, **more) for region, more in by_region.items()
    }
    return tracks(*(track(region, each) for region, each in eras.items()))


def test_every_attempt_at_a_random_instant_is_a_trial_over_all_regions() -> None:
    bad, missed = {"down": [(at(10), at(13))]}, {"missed": [(at(20), at(25))]}
    found = world("stratified", fra=bad, iad=missed, sin={})
    assert counted(promised(schedule="stratified"), found) == Trials(
        schedule="stratified", count=295, bad=3, unknown=5
    )


@pytest.mark.parametrize(
    ("needed", "count", "bad", "unknown"),
    [
        (1, 97, 8, 3),  # any failed one decides; where none did and one is missing, it could have failed
        (2, 98, 2, 2),  # two failed together twice; one failed while another was missing twice
        (3, 100, 0, 0),  # all three never failed, nor could have
    ],
)
def test_a_round_is_one_trial_of_the_quorum(needed: int, count: int, bad: int, unknown: int) -> None:
    found = world(
        "round",
        fra={"down": [(at(10), at(14)), (at(20), at(22))]},
        iad={"down": [(at(12), at(16))], "missed": [(at(20), at(25))]},
        sin={},
    )
    told = counted(promised(schedule="round", needed=needed), found)
    assert (told.count, told.bad, told.unknown) == (count, bad, unknown)


def test_rounds_of_a_region_that_was_never_seen_decide_nothing_it_could_change() -> None:
    found = world("round", fra={"down": [(at(10), at(14))]}, iad={"down": [(at(12), at(16))]})
    two = counted(promised(schedule="round", needed=2), found)
    assert (two.count, two.bad, two.unknown) == (96, 2, 4)
    alone = counted(promised(schedule="round", needed=1), found)
    assert (alone.count, alone.bad, alone.unknown) == (6, 6, 94)


def test_rounds_that_one_region_has_no_record_of_are_unknown_in_it() -> None:
    short = one(BEGIN + 50 * MINUTE, BEGIN + DAY, schedule="round")
    found = world("round", fra={}, iad={}) | tracks(track("sin", short))
    assert counted(promised(schedule="round", needed=1), found) == Trials(
        schedule="round", count=50, bad=0, unknown=50
    )


@pytest.mark.parametrize(
    ("terms", "found", "why"),
    [
        (promised(schedule="stratified", statistics="off"), world("stratified", fra={}), "off"),
        (promised(schedule="fixed"), world("fixed", fra={}), "fixed_schedule"),
        (
            contract(service(probe("fra", name="web"), probe("fra", name="db"))),
            world("stratified", fra={}),
            "composed",
        ),
        (promised(schedule="stratified"), world("fixed", fra={}), "mixed"),
        (promised(schedule="stratified"), {}, "no_trials"),
    ],
)
def test_where_nothing_can_be_counted_it_says_why(terms: Contract, found: Tracks, why: str) -> None:
    assert counted(terms, found).why_not == why
    assert counted(terms, found).count == 0


def test_what_was_imported_is_no_trial() -> None:
    era = one(BEGIN - DAY, BEGIN + DAY, schedule="stratified")
    found = tracks(track("fra", replace(era, imported=True)))
    assert counted(promised(schedule="stratified"), found).why_not == "imported"


def test_rounds_on_two_grids_are_not_counted_together() -> None:
    early = one(BEGIN - DAY, at(50), schedule="round")
    late = one(at(50), BEGIN + DAY, interval_us=2 * MINUTE, schedule="round")
    found = tracks(track("fra", early, late))
    assert counted(promised(schedule="round"), found).why_not == "mixed"
    found = tracks(track("fra", replace(early, schedule="stratified"), replace(late, schedule="stratified")))
    assert counted(promised(schedule="stratified"), found).count == 75
