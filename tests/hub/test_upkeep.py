"""What is shown of agents follows their batches: the present from the newest one, and how far all is complete."""

from __future__ import annotations

from typing import Any

import pytest
from support.scripted_agent import HEALTH, new_chain, record

from prober.hub.pacing import Bucket, Pace
from prober.hub.upkeep import (
    AHEAD_US,
    MAX_EVENTS,
    Upkeep,
    complete_us,
    note_cutoffs,
    settled_us,
    watch_regions,
)
from prober.hub.view import AgentView, RegionWatch
from prober.wire import Batch, ClockEvent, ClockState, Cutoff, Health, SpoolState

S = 1_000_000
NOW = 1_790_000_000 * S


def batch(epoch: int = 5, sequence: int = 1, **changes: Any) -> Batch:
    return new_chain().batch([record(1, 1, S)], epoch=epoch, sequence=sequence, **changes)


def spool(oldest_us: int) -> SpoolState:
    return SpoolState(batches=1, results=1, bytes=1, oldest_us=oldest_us)


def health(lag_us: int) -> Health:
    return Health(worst_lag_us=lag_us, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)


def test_counts_grow_with_every_batch_and_the_present_comes_from_the_newest() -> None:
    upkeep = Upkeep(AgentView(name="a", regions=("fra",)))
    upkeep.taken(batch(6, 1, health=health(60), clock=ClockState(1, 1, 1), spool=spool(6)), NOW)
    upkeep.taken(batch(5, 9, health=health(50), clock=ClockState(2, 2, 2), spool=spool(5)), NOW + S)
    view = upkeep.view
    assert (view.batches, view.results, view.last_batch_us) == (2, 2, NOW + S)
    assert view.health is not None
    assert view.spool is not None
    assert (view.health.worst_lag_us, view.clock, view.spool.oldest_us) == (60, ClockState(1, 1, 1), 6)
    upkeep.taken(batch(6, 2, clock=None), NOW)
    assert view.clock == ClockState(1, 1, 1)  # what is not said again stays known
    assert view.health == HEALTH


def test_the_newest_events_of_a_clock_are_kept_in_order() -> None:
    upkeep = Upkeep(AgentView(name="a", regions=("fra",)))
    for number in (3, 1, 2, *range(4, MAX_EVENTS + 3)):
        upkeep.taken(batch(clock_events=(ClockEvent("step", number, 1),)), NOW)
    assert [event.at_us for event in upkeep.view.clock_events] == list(range(3, MAX_EVENTS + 3))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"complete_us": NOW - 5 * S}, NOW - 5 * S),
        ({"complete_us": NOW - 5 * S, "spool": spool(0)}, NOW - 5 * S),
        ({"complete_us": NOW - 5 * S, "spool": spool(NOW - 9 * S)}, NOW - 9 * S),
        ({"complete_us": NOW - 5 * S, "spool": spool(NOW - S)}, NOW - 5 * S),
        ({"complete_us": 0}, NOW),
    ],
)
def test_nothing_is_complete_beyond_what_waits_on_the_agent_s_disk(
    changes: dict[str, Any], expected: int
) -> None:
    assert complete_us(batch(**changes), NOW) == expected


def test_what_is_complete_never_goes_back_and_never_beyond_now() -> None:
    upkeep = Upkeep(AgentView(name="a", regions=("fra",)))
    upkeep.on_record(batch(complete_us=NOW - S), NOW)
    upkeep.on_record(batch(complete_us=NOW - 9 * S), NOW)
    assert upkeep.view.complete_us == NOW - S
    upkeep.on_record(batch(complete_us=NOW + 99 * S), NOW)
    assert upkeep.view.complete_us == NOW


def agent(
    name: str, complete_us: int, up: bool = True, gone_us: int = 0, region: str = "fra", started_us: int = 0
) -> AgentView:
    return AgentView(
        name=name,
        regions=(region,),
        up=up,
        gone_us=gone_us,
        complete_us=complete_us,
        remote=True,
        started_us=started_us,
    )


def complete(*agents: AgentView) -> int:
    watches = {"fra": RegionWatch(name="fra")}
    watch_regions(watches, agents, NOW - 100 * S, NOW)
    return watches["fra"].complete_us


def test_a_region_is_complete_as_far_as_all_of_its_agents_that_live_or_were_seen_lately() -> None:
    assert complete() == 0
    assert complete(agent("a", NOW - S), agent("b", NOW - 3 * S)) == NOW - 3 * S
    assert complete(agent("a", NOW - S), agent("b", NOW - 3 * S, False, NOW - 100 * S)) == NOW - 3 * S
    assert complete(agent("a", NOW - S), agent("b", NOW - 3 * S, False, NOW - 100 * S - 1)) == NOW - S
    assert complete(agent("a", NOW - S), agent("b", NOW - 3 * S, region="iad")) == NOW - S
    assert complete(agent("a", NOW - S), agent("new", 0)) == 0


def taking_leave(**changes: Any) -> AgentView:
    """Return an agent of the region whose last batch is on record, and whose link has ended."""
    upkeep = Upkeep(agent("a", 0, started_us=3))
    upkeep.on_record(batch(5, 1, complete_us=NOW - 50 * S, **changes), NOW - 50 * S)
    upkeep.view.up, upkeep.view.gone_us = False, NOW - 50 * S
    return upkeep.view


def test_an_agent_that_said_that_it_leaves_holds_back_nothing_until_it_is_back() -> None:
    left, died = taking_leave(leaving=True), taking_leave(leaving=False)
    assert complete(left) == NOW
    assert complete(died) == NOW - 50 * S
    assert complete(left, agent("b", NOW - 3 * S)) == NOW - 3 * S
    assert complete(left, died) == NOW - 50 * S
    left.gone_us = NOW - 900 * S  # however long it is away
    assert complete(left) == NOW
    left.up = True
    assert complete(left) == NOW - 50 * S


@pytest.mark.parametrize(("started_us", "left"), [(4, True), (5, True), (6, False)])
def test_the_leave_of_an_earlier_life_that_comes_late_is_none(started_us: int, left: bool) -> None:
    upkeep = Upkeep(agent("a", 0, started_us=started_us))
    upkeep.on_record(batch(5, 1, complete_us=NOW - S, leaving=True), NOW)
    assert upkeep.view.left is left


def test_a_region_whose_agents_were_all_forgotten_is_waited_for_no_longer() -> None:
    watches = {name: RegionWatch(name=name, complete_us=NOW - 9 * S) for name in ("fra", "iad")}
    watches["sin"] = RegionWatch(name="sin")
    watch_regions(watches, [agent("i", NOW - 8 * S, region="iad")], NOW - 100 * S, NOW)
    assert [watch.complete_us for watch in watches.values()] == [NOW, NOW - 8 * S, 0]


def test_figures_are_settled_as_far_as_every_region_or_not_waited_for_any_longer() -> None:
    fra, iad = RegionWatch(name="fra", complete_us=NOW - S), RegionWatch(name="iad", complete_us=NOW - 9 * S)
    assert settled_us([fra, iad], [], 100 * S, NOW) == NOW - 9 * S
    assert settled_us([fra, iad], [], 5 * S, NOW) == NOW - 5 * S
    assert settled_us([], [], 5 * S, NOW) == 0


def test_a_region_that_nobody_was_ever_heard_of_is_not_waited_for_and_one_with_an_agent_is() -> None:
    fra, sin = RegionWatch(name="fra", complete_us=NOW - S), RegionWatch(name="sin")
    assert settled_us([fra, sin], [], 100 * S, NOW) == NOW - S
    assert settled_us([fra, sin], [agent("s", 0, region="sin")], 100 * S, NOW) == NOW - 100 * S


def test_the_newest_look_at_a_region_s_canaries_counts() -> None:
    watches = {"fra": RegionWatch(name="fra")}
    looks = [Cutoff("fra", NOW, False, ("no answer",)), Cutoff("fra", NOW - S, True, ("well",))]
    note_cutoffs(watches, [*looks, Cutoff("iad", NOW, False, ())], NOW)
    assert (watches["fra"].cut_off, watches["fra"].evidence, watches["fra"].asked_us) == (
        True,
        ("no answer",),
        NOW,
    )
    note_cutoffs(watches, [Cutoff("fra", NOW + 1, True, ("well",) * 99 + ("x" * 999,))], NOW)
    assert (watches["fra"].cut_off, len(watches["fra"].evidence)) == (False, 16)


def test_what_an_agent_says_of_itself_is_cut_and_printable() -> None:
    upkeep = Upkeep(AgentView(name="a", regions=("fra",)))
    long = "\x1b[2J" + "x" * 999
    state = SpoolState(1, 1, 1, 0, dropped_why=long, trouble=long)
    upkeep.taken(batch(spool=state, clock_events=(ClockEvent(long, 1, 1),)), NOW)
    assert upkeep.view.spool is not None
    said = (upkeep.view.spool.dropped_why, upkeep.view.spool.trouble, upkeep.view.clock_events[0].kind)
    assert [len(words) for words in said] == [99, 199, 99]
    assert all(words.startswith("[2Jx") for words in said)
    watches = {"fra": RegionWatch(name="fra")}
    note_cutoffs(watches, [Cutoff("fra", NOW, False, (long,))], NOW)
    assert watches["fra"].evidence == ("[2J" + "x" * 196,)


@pytest.mark.parametrize(("ahead_us", "believed"), [(AHEAD_US, True), (AHEAD_US + 1, False)])
def test_a_look_of_a_time_that_is_far_from_now_is_not_believed(ahead_us: int, believed: bool) -> None:
    watches = {"fra": RegionWatch(name="fra")}
    note_cutoffs(watches, [Cutoff("fra", NOW + ahead_us, False, ())], NOW)
    assert watches["fra"].cut_off is believed


def test_a_bucket_says_how_long_to_wait_and_fills_at_its_pace() -> None:
    bucket = Bucket(Pace(per_second=10, burst=5))
    assert [bucket.take(1, 100.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(1, 100.0) == pytest.approx(0.1)
    assert bucket.take(1, 100.2) == 0.0
    assert bucket.take(5, 1_000.0) == 0.0  # never fuller than its burst
    assert bucket.take(1, 999.0) == pytest.approx(0.1)  # a clock that goes back fills nothing


def test_a_bucket_that_has_not_enough_gives_nothing() -> None:
    bucket = Bucket(Pace(per_second=1, burst=2))
    assert [bucket.has(1, 5.0) for _ in range(3)] == [True, True, False]
    assert (bucket.has(1, 5.9), bucket.has(1, 6.0)) == (False, True)
