"""The laws of doubts: bounded work whatever comes in whatever order, and answers that decide what the fold says."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.circles import (
    FRA,
    IAD,
    NOW_US,
    REGIONS,
    SIN,
    S,
    T,
    all_passed,
    doubts,
    note,
    policy,
    run,
    warmed,
)

from checks.core.result import Outcome
from prober.hub.doubts import End
from prober.hub.fold import Fold
from prober.hub.verdict import Seen, State
from prober.wire import Kind

FAIL, PASS, WARN, VOID = Outcome.FAIL, Outcome.PASS, Outcome.WARN, Outcome.VOID
STEPS = st.lists(
    st.tuples(
        st.integers(1, 9),  # series: three probes in three regions
        st.sampled_from([PASS, PASS, FAIL, FAIL, WARN, VOID]),
        st.sampled_from([Kind.SCHEDULED, Kind.SCHEDULED, Kind.RETRY, Kind.RECHECK]),
        st.integers(0, 40),  # seconds since the run before
        st.integers(-70, 5),  # how far in the past it began
        st.booleans(),  # whether it is the last of a commit
    ),
    max_size=80,
)


@given(STEPS)
def test_the_work_of_a_doubt_is_bounded_whatever_comes_in_whatever_order(steps: list[tuple]) -> None:
    one = doubts(*(policy(name) for name in "abc"))
    now_us, commit, asked_at, failed = NOW_US, [], {}, set()
    asks, first_failures = Counter(), 0
    for series, outcome, kind, later_s, back_s, ends in steps:
        now_us += later_s * S
        commit.append(run(series, now_us + back_s * S, outcome, kind))
        if outcome is FAIL and kind is Kind.SCHEDULED:
            failed.add((series - 1) // 3)
            first_failures += 1
        if not ends:
            continue
        found = one.note(commit, now_us)
        for asked in found.recheck:
            assert (asked - 1) // 3 in failed  # never of a probe that did not fail
            assert now_us - asked_at.get(asked, -T) >= T  # never twice within an interval
            asked_at[asked] = now_us
            asks[asked] += 1
        for region, alone in found.alone:
            assert (alone - 1) // 3 in failed
            assert region == ("fra", "iad", "sin")[(alone - 1) % 3]
        commit = []
        tally = one.tally
        assert tally.opened == sum(tally.ended.values()) + one.open
        assert one.open <= 3
    assert one.tally.asked == sum(asks.values()) <= 2 * one.tally.opened
    assert one.tally.opened <= first_failures


@given(st.permutations([0, 1, 2, 3, 4]), st.sampled_from([PASS, FAIL]), st.sampled_from([PASS, FAIL]))
def test_answers_settle_a_doubt_alike_in_any_order(order: list[int], iad: Outcome, sin: Outcome) -> None:
    answers = [
        run(IAD, NOW_US + S, iad, Kind.RECHECK),
        run(SIN, NOW_US + S, sin, Kind.RECHECK),
        run(FRA, NOW_US + 2 * S, FAIL, Kind.RETRY),
        run(IAD, NOW_US - 2 * S),  # late
        run(SIN, NOW_US - 2 * S),
    ]
    one = warmed()
    one.note([run(FRA, NOW_US, FAIL)], NOW_US + 2000)
    found = [one.note([answers[index]], NOW_US + 3 * S).alone for index in order]
    alone = [each for part in found for each in part]
    assert alone == ([("fra", FRA)] if (iad, sin) == (PASS, PASS) else [])
    assert one.tally.ended[End.AGREED] == int(FAIL in (iad, sin))


@pytest.mark.parametrize(
    ("iad", "sin", "state", "end"),
    [
        (FAIL, PASS, State.DOWN, End.AGREED),
        (PASS, FAIL, State.DOWN, End.AGREED),
        (PASS, PASS, State.DEGRADED, End.ALONE),
    ],
)
def test_the_answers_decide_the_state_before_the_next_scheduled_run(
    iad: Outcome, sin: Outcome, state: State, end: End
) -> None:
    one, fold, names = warmed(), Fold([policy()], []), dict(zip((FRA, IAD, SIN), REGIONS, strict=True))
    first = run(FRA, NOW_US, FAIL)
    asked = note(one, first).recheck
    answers = [run(number, NOW_US + S, {IAD: iad, SIN: sin}[number], Kind.RECHECK) for number in asked]
    for record in (*all_passed(), first, *answers):
        result = record.result
        fold.take(
            Seen(
                probe="web", region=names[record.series], scheduled=record.kind == Kind.SCHEDULED,
                outcome=result.outcome, code="x", started_us=result.started_us,
                ended_us=result.started_us + result.duration_us,
            )
        )  # fmt: skip
    note(one, *answers)
    assert (fold.probe("web").state, one.tally.ended[end]) == (state, 1)
