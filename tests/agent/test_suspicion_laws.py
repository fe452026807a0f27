"""Laws of suspicion, over schedules at random: nothing lost, nothing changed for no reason, nothing held long."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from support.suspects import INSIDE, NEAR, OUTSIDE, Region, failing, passing

from checks.core.failures import Code
from checks.core.result import Outcome, Result
from prober.agent.suspicion import ASK_US, HOLD_US, Seen, is_suspicious, proven_reach
from prober.wire import Record

TIMEOUT = failing(Code.CONNECT_TIMEOUT)
RESULTS = st.sampled_from(
    [
        TIMEOUT,
        failing(Code.CONNECT_TIMEOUT, address=INSIDE),
        failing(Code.RESOLVE_TIMEOUT, address=None),
        failing(Code.HTTP_STATUS),
        failing(Code.AGENT_STALLED, outcome=Outcome.VOID),
        passing(OUTSIDE),
        passing(INSIDE),
        passing(NEAR),
        None,
    ]
)


@dataclass(frozen=True, slots=True)
class Step:
    """After a while something is told, and the canaries may change their mind."""

    after_us: int
    series: int
    result: Result | None
    lasted_us: int
    canary: bool | None
    is_alone: bool


def steps(canaries: list[bool | None]) -> st.SearchStrategy[list[Step]]:
    step = st.builds(
        Step,
        after_us=st.sampled_from([0, 1, 50_000, 299_999, 300_000, 1_000_000, 1_500_000, 5_000_000]),
        series=st.integers(1, 4),
        result=RESULTS,
        lasted_us=st.sampled_from([0, 10_000, 1_000_000, 10_000_000]),
        canary=st.sampled_from(canaries),
        is_alone=st.booleans(),
    )
    return st.lists(step, max_size=40)


@dataclass(slots=True)
class Told:
    """What was told, when, as what, and whether the region was cut off then."""

    seen: Seen
    at_us: int
    result: Result | None
    was_cut_off: bool


def live(script: list[Step], latency_us: int = 20_000) -> tuple[Region, list[Told]]:
    """Live through a script, and to where nothing is held any more."""
    region, told = Region(latency_us=latency_us), []
    for step in script:
        region.until(region.now_us + step.after_us)
        region.canary = step.canary
        if step.is_alone:
            region.alone()
        was_cut_off = region.suspicion.is_cut_off
        seen = region.tell(step.series, step.result, began_us=region.now_us - step.lasted_us)
        told.append(Told(seen, region.now_us, step.result, was_cut_off))
    region.until(region.now_us + HOLD_US)
    return region, told


LAWS = settings(derandomize=True, deadline=None, max_examples=300)
LATENCIES = st.sampled_from([0, 20_000, 1_000_000, 9_000_000])


@LAWS
@given(steps([True, False, None]), LATENCIES)
def test_everything_comes_out_once_in_order_a_series_and_in_time(script: list[Step], latency_us: int) -> None:
    region, told = live(script, latency_us)
    assert len({id(seen) for _, seen in region.out}) == len(region.out) == len(told)
    for series in range(1, 5):
        mine = [seen for _, seen in region.out if seen.series == series]
        assert mine == [each.seen for each in told if each.seen.series == series]
    out_us = {id(seen): at_us for at_us, seen in region.out}
    assert all(0 <= out_us[id(each.seen)] - each.at_us <= HOLD_US for each in told)


@LAWS
@given(steps([True, False, None]), LATENCIES)
def test_a_record_is_as_it_was_or_void_with_all_it_said(script: list[Step], latency_us: int) -> None:
    _, told = live(script, latency_us)
    for each in told:
        if each.result is None:
            continue
        assert isinstance(each.seen.item, Record)
        after = each.seen.item.result
        if after != each.result:
            assert is_suspicious(each.result)
            assert after.outcome is Outcome.VOID
            assert after.failures[0].code == Code.AGENT_CUT_OFF
            assert after.failures[1:] == each.result.failures
            assert after.facts == each.result.facts | {"canaries": ["a canary: False"]}


@LAWS
@given(steps([True, None]), LATENCIES)
def test_with_a_canary_that_can_be_reached_nothing_is_ever_changed(
    script: list[Step], latency_us: int
) -> None:
    _, told = live(script, latency_us)
    for each in told:
        if isinstance(each.seen.item, Record):
            assert each.seen.item.result is each.result


@LAWS
@given(steps([True, False, None]), LATENCIES)
def test_no_suspicious_failure_gets_out_as_one_while_the_verdict_stands(
    script: list[Step], latency_us: int
) -> None:
    _, told = live(script, latency_us)
    for each in told:
        if each.was_cut_off and each.result is not None and is_suspicious(each.result):
            assert isinstance(each.seen.item, Record)
            assert each.seen.item.result.outcome is Outcome.VOID


@LAWS
@given(steps([True, False, None]), LATENCIES)
def test_canaries_are_never_asked_more_often_than_allowed(script: list[Step], latency_us: int) -> None:
    region, _ = live(script, latency_us)
    pairs = zip(region.asked_us, region.asked_us[1:], strict=False)
    assert all(later - earlier >= ASK_US for earlier, later in pairs)


@LAWS
@given(steps([False]), st.sampled_from([0, 20_000, 1_000_000]))
def test_without_canaries_and_passes_no_suspicious_failure_gets_out(
    script: list[Step], latency_us: int
) -> None:
    silent = [each for each in script if each.result is None or not proven_reach(each.result)]
    _, told = live(silent, latency_us)
    for each in told:
        if each.result is not None and is_suspicious(each.result):
            assert isinstance(each.seen.item, Record)
            assert each.seen.item.result.outcome is Outcome.VOID
