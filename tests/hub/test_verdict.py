"""How results become states: regions, quorum, services, silence; and that a replay gives the same changes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.result import Outcome
from prober.hub.fold import Fold
from prober.hub.verdict import Change, ProbePolicy, Seen, ServicePolicy, State, agree, compose

S = 1_000_000
T = 30 * S
SILENCE = 75 * S
REGIONS = ("fra", "iad", "sin")


def fold(quorum: int = 2, retries: int = 0, regions: tuple[str, ...] = REGIONS) -> Fold:
    probe = ProbePolicy(name="web", regions=regions, quorum=quorum, retries=retries, silence_us=SILENCE)
    return Fold([probe], [ServicePolicy(name="shop", probes=("web",), needed=1)])


def seen(
    at_s: float, region: str = "fra", outcome: Outcome = Outcome.PASS, *, scheduled: bool = True
) -> Seen:
    at_us = int(at_s * S)
    code = "connect_refused" if outcome is Outcome.FAIL else ""
    return Seen(
        probe="web",
        region=region,
        scheduled=scheduled,
        outcome=outcome,
        code=code,
        started_us=at_us,
        ended_us=at_us + 1000,
    )


def feed(to: Fold, *events: Seen) -> list[Change]:
    return [change for event in events for change in to.take(event)]


def all_up(to: Fold) -> None:
    feed(to, *(seen(1 + index, region) for index, region in enumerate(REGIONS)))


FAIL, PASS, VOID = Outcome.FAIL, Outcome.PASS, Outcome.VOID


@pytest.mark.parametrize(
    ("failing", "unknown", "quorum", "expected"),
    [
        (0, 0, 2, State.UP),
        (1, 0, 2, State.DEGRADED),
        (2, 0, 2, State.DOWN),
        (0, 1, 2, State.UP),
        (0, 2, 2, State.UNKNOWN),
        (1, 1, 2, State.UNKNOWN),
        (2, 1, 2, State.DOWN),
        (1, 0, 1, State.DOWN),
        (0, 1, 1, State.UNKNOWN),
        (2, 0, 3, State.DEGRADED),
        (2, 1, 3, State.UNKNOWN),
        (3, 0, 3, State.DOWN),
    ],
)
def test_regions_agree_in_three_values(failing: int, unknown: int, quorum: int, expected: State) -> None:
    assert agree(failing, unknown, quorum) is expected


@pytest.mark.parametrize("states", list(product([State.UP, State.DOWN, State.UNKNOWN], repeat=3)))
@pytest.mark.parametrize("needed", [1, 2, 3])
def test_a_service_is_what_every_reading_of_the_unknown_says(states: tuple[State, ...], needed: int) -> None:
    """UP or DOWN only if each way to resolve the unknown probes agrees."""
    readings = set()
    for choice in product([State.UP, State.DOWN], repeat=3):
        resolved = [
            guess if state is State.UNKNOWN else state for state, guess in zip(states, choice, strict=True)
        ]
        readings.add(sum(state is State.UP for state in resolved) >= needed)
    composed = compose(states, needed)
    expected = {frozenset({True}): True, frozenset({False}): False}.get(frozenset(readings))
    assert {State.UP: True, State.DEGRADED: True, State.DOWN: False, State.UNKNOWN: None}[
        composed
    ] is expected


def test_a_service_with_an_unknown_probe_that_it_does_not_need_is_up_not_degraded() -> None:
    assert compose([State.UP, State.UNKNOWN], 1) is State.UP
    assert compose([State.UP, State.DOWN], 1) is State.DEGRADED


def test_nothing_is_known_before_the_first_result() -> None:
    assert fold().probe("web").state is State.UNKNOWN


def test_down_begins_when_the_last_needed_region_began_to_fail() -> None:
    one = fold()
    all_up(one)
    changes = feed(one, seen(40, "fra", FAIL), seen(45, "iad", FAIL))
    downs = [change for change in changes if change.subject == "probe:web"]
    assert [(change.after, change.at_us) for change in downs] == [
        (State.DEGRADED, 40 * S),
        (State.DOWN, 45 * S),
    ]
    assert one.service("shop").state is State.DOWN


def test_a_failure_is_believed_only_when_its_retry_fails_too_and_counts_from_the_first() -> None:
    one = fold(quorum=1, retries=1)
    all_up(one)
    assert feed(one, seen(40, "fra", FAIL)) == []
    changes = feed(one, seen(42, "fra", FAIL, scheduled=False))
    assert [
        (change.subject, change.after, change.at_us)
        for change in changes
        if change.subject.startswith("probe")
    ] == [("probe:web", State.DOWN, 40 * S)]


def test_a_retry_that_passes_leaves_no_change() -> None:
    one = fold(quorum=1, retries=1)
    all_up(one)
    assert (
        feed(one, seen(40, "fra", FAIL), seen(42, "fra", PASS, scheduled=False), seen(70, "fra", FAIL)) == []
    )


def test_a_recheck_alone_opens_no_outage() -> None:
    one = fold(quorum=1)
    all_up(one)
    assert feed(one, seen(40, "fra", FAIL, scheduled=False)) == []


def test_void_is_no_evidence() -> None:
    one = fold(quorum=1)
    all_up(one)
    assert feed(one, seen(40, "fra", VOID)) == []
    assert one.probe("web").state is State.UP


def test_silence_makes_unknown_at_its_limit_and_not_before() -> None:
    one = fold(quorum=1, regions=("fra",))
    feed(one, seen(10))
    assert one.advance(10 * S + SILENCE - 1) == []
    changes = one.advance(10 * S + SILENCE)
    assert [(change.subject, change.after, change.at_us) for change in changes][:2] == [
        ("region:web@fra", State.UNKNOWN, 10 * S + SILENCE),
        ("probe:web", State.UNKNOWN, 10 * S + SILENCE),
    ]


def test_voids_do_not_hold_silence_back() -> None:
    one = fold(quorum=1, regions=("fra",))
    feed(one, seen(10), seen(40, outcome=VOID), seen(70, outcome=VOID))
    assert one.advance(200 * S)[0].at_us == 10 * S + SILENCE


def test_a_late_scheduled_result_does_not_turn_time_back() -> None:
    one = fold(quorum=1)
    all_up(one)
    feed(one, seen(60))
    assert feed(one, seen(40, outcome=FAIL)) == []


def test_a_change_of_configuration_keeps_what_stays() -> None:
    one = fold(quorum=1)
    all_up(one)
    feed(one, seen(40, "fra", FAIL))
    two = fold(quorum=2)
    two.inherit(one)
    changes = two.settle(50 * S)
    assert [(change.subject, change.before, change.after) for change in changes] == [
        ("probe:web", State.DOWN, State.DEGRADED),
        ("service:shop", State.DOWN, State.DEGRADED),
    ]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40_000_000),
        st.sampled_from(REGIONS),
        st.sampled_from([PASS, Outcome.WARN, FAIL, FAIL, VOID]),
        st.booleans(),
    ),
    max_size=60,
)


@given(events=EVENTS, retries=st.integers(0, 2), quorum=st.integers(1, 3), ticks=st.sets(st.integers(0, 59)))
def test_replay_gives_the_same_changes_whenever_time_was_looked_at(
    events: list[tuple[int, str, Outcome, bool]], retries: int, quorum: int, ticks: set[int]
) -> None:
    """Live, the clock is looked at each second; in a replay never: the changes are the same."""
    live, replay = fold(quorum, retries), fold(quorum, retries)
    first: list[Change] = []
    second: list[Change] = []
    at_us = 0
    for index, (step_us, region, outcome, scheduled) in enumerate(events):
        at_us += step_us
        event = seen(at_us / S, region, outcome, scheduled=scheduled)
        if index in ticks:
            first += live.advance(event.ended_us - 1)
        first += live.take(event)
        second += replay.take(event)
    first += live.advance(at_us + SILENCE * 2)
    second += replay.advance(at_us + SILENCE * 2)
    assert first == second
    for change in first:
        assert change.before is not change.after


def voting(quorums: tuple[int, ...] = (1, 1, 2, 2), fewest: int = 2, retries: int = 0) -> Fold:
    """A fold in which silent regions leave the vote: a majority of those that have one."""
    probe = ProbePolicy(
        name="web",
        regions=REGIONS,
        quorum=2,
        retries=retries,
        silence_us=SILENCE,
        quorums=quorums,
        fewest=fewest,
    )
    return Fold([probe], [ServicePolicy(name="shop", probes=("web",), needed=1)])


def test_a_silent_region_leaves_the_vote_and_the_others_decide() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(60, "iad", PASS), seen(61, "sin", PASS), seen(70, "iad", FAIL))
    one.advance(1 * S + SILENCE)  # fra was not heard of for its limit
    assert one.region("web", "fra").silent
    assert one.probe("web").state is State.DEGRADED
    feed(one, seen(90, "sin", FAIL))
    assert one.probe("web").state is State.DOWN


def test_with_too_few_regions_left_a_probe_is_unknown_and_not_down() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(60, "sin", FAIL))
    one.advance(2 * S + SILENCE)
    assert one.probe("web").state is State.UNKNOWN
    assert one.probe("web").because == "sin connect_refused, fra silent, iad silent"


def test_with_any_one_region_that_is_left_may_decide() -> None:
    one = voting(quorums=(1, 1, 1, 1), fewest=1)
    all_up(one)
    feed(one, seen(60, "sin", FAIL))
    one.advance(2 * S + SILENCE)
    assert one.probe("web").state is State.DOWN


def test_a_region_that_is_heard_of_but_cannot_tell_keeps_its_vote_as_unknown() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(50, "fra", VOID), seen(60, "iad", PASS), seen(61, "sin", PASS), seen(70, "iad", FAIL))
    one.advance(1 * S + SILENCE)
    assert (one.region("web", "fra").state, one.region("web", "fra").silent) == (State.UNKNOWN, False)
    assert one.probe("web").state is State.UNKNOWN  # fra could be the second that fails
    changes = one.advance(50 * S + SILENCE)
    assert one.region("web", "fra").silent
    assert [(change.subject, change.after, change.at_us) for change in changes[:1]] == [
        ("probe:web", State.DEGRADED, 50 * S + SILENCE)
    ]


def test_silence_is_noticed_at_its_instant_and_not_before() -> None:
    one = voting()
    all_up(one)
    assert one.advance(1 * S + SILENCE - 1) == []
    assert [change.subject for change in one.advance(1 * S + SILENCE)] == ["region:web@fra"]


def test_a_down_that_comes_of_a_smaller_vote_begins_when_the_vote_shrank() -> None:
    one = voting(quorums=(1, 1, 1, 2), fewest=1)
    all_up(one)
    feed(one, seen(60, "iad", PASS), seen(61, "sin", FAIL))
    changes = one.advance(1 * S + SILENCE)
    assert [(change.after, change.at_us) for change in changes if change.subject == "probe:web"] == [
        (State.DOWN, 1 * S + SILENCE)
    ]


def test_a_recheck_that_was_asked_for_by_another_regions_failure_counts() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(40, "fra", FAIL), seen(41, "iad", FAIL, scheduled=False))
    assert one.probe("web").state is State.DOWN


def test_a_recheck_that_fails_while_no_region_doubts_opens_nothing() -> None:
    one = voting()
    all_up(one)
    assert feed(one, seen(41, "iad", FAIL, scheduled=False)) == []


def late(at_s: float, region: str, outcome: Outcome) -> Seen:
    return replace(seen(at_s, region, outcome), late=True)


def test_what_comes_late_says_nothing_of_the_present_and_asks_to_look_back() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(90, "fra"), seen(91, "iad"), seen(92, "sin"))
    assert feed(one, late(40, "fra", FAIL), late(41, "iad", FAIL)) == []
    assert one.probe("web").state is State.UP
    assert one.revise_from == {"web": 40 * S}


def test_passes_that_come_out_of_order_between_regions_change_nothing_and_ask_for_nothing() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(45, "fra", FAIL), seen(44, "iad", PASS))
    assert one.revise_from == {}


def test_a_failure_that_ended_before_what_was_decided_asks_to_look_back() -> None:
    one = voting()
    all_up(one)
    feed(one, seen(45, "fra", FAIL), seen(44, "iad", FAIL))
    assert one.revise_from == {"web": 44 * S}


def test_a_silent_region_stays_silent_over_a_change_of_configuration() -> None:
    older = voting()
    all_up(older)
    older.advance(200 * S)
    assert older.region("web", "fra").silent
    newer = voting()
    newer.inherit(older)
    newer.advance(300 * S)
    assert newer.region("web", "fra").silent
    # What was seen while it still had a vote, and comes only now, asks to look back.
    feed(newer, seen(60, "fra", VOID))
    assert newer.revise_from == {"web": 60 * S}
