"""Calls and time become results on the grid: every slot one result, states at once, the same live and replayed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.core.result import Outcome
from prober.agent.grid import AT_END, Grid
from prober.hub.pulse import Item, Pulse
from prober.hub.rhythm import Call, Hole, Memory, Promise, Verb, recollect
from prober.wire import Gap, Kind, Missed, Record

S = 1_000_000
GRID = Grid(bytes(32), "backup", "hub", ("hub",), 3600 * S, AT_END)
PROMISE = Promise(period_us=3600 * S, grace_us=300 * S)
FIRST = GRID.slot_at(1_790_000_000 * S)
START = GRID.start_us(FIRST)


def pulse(memory: Memory | None = None, at_us: int = START, accounted: int | None = None) -> Pulse:
    return Pulse(7, GRID, PROMISE, memory or Memory(), at_us, accounted)


def call(at_s: int, verb: Verb = Verb.SUCCESS) -> Call:
    return Call(at_us=START + at_s * S, verb=verb)


def told(items: list[Item]) -> list[tuple[int, str, str, int]]:
    """Return slot (from 0), kind, outcome or reason, and the second of each item."""
    return [
        (
            item.slot - FIRST,
            Kind(item.kind).name.lower(),
            item.result.failures[0].code if item.result.failures else item.result.outcome.value,
            (item.result.started_us - START) // S,
        )
        if isinstance(item, Record)
        else (item.first - FIRST, "gap", item.reason, item.last - FIRST)
        for item in items
    ]


def test_nothing_is_told_before_the_first_call() -> None:
    job = pulse()
    assert job.advance(START + 10 * 3600 * S) == []
    assert told(job.call(call(10 * 3600 + 5))) == [(10, "recheck", "pass", 36005)]
    assert told(job.advance(START + 11 * 3600 * S)) == [(10, "scheduled", "pass", 39599)]


def test_a_slot_passes_at_its_last_instant_and_not_before() -> None:
    job = pulse()
    job.call(call(5))
    assert job.advance(START + 3600 * S - 2) == []
    (record,) = job.advance(START + 3600 * S - 1)
    assert isinstance(record, Record)
    assert (record.late_us, record.result.started_us) == (0, GRID.due_us(FIRST))


def test_a_missing_call_fails_its_slot_at_once_and_the_next_at_its_end() -> None:
    job = pulse()
    job.call(call(600))
    assert told(job.advance(START + 4500 * S)) == [(0, "scheduled", "pass", 3599)]
    (record,) = job.advance(START + 4500 * S + 1)
    assert told([record]) == [(1, "scheduled", "heartbeat_missing", 4500)]
    assert isinstance(record, Record)
    assert record.late_us == record.result.started_us - GRID.due_us(FIRST + 1) < 0
    assert told(job.advance(START + 10800 * S)) == [(2, "scheduled", "heartbeat_missing", 10799)]


def test_a_late_call_costs_one_slot_and_ends_the_outage_at_once() -> None:
    job = pulse()
    job.call(call(600))
    job.advance(START + 4501 * S)
    assert told(job.call(call(4600))) == [(1, "recheck", "pass", 4600)]
    assert told(job.advance(START + 10800 * S)) == [
        (2, "scheduled", "heartbeat_missing", 8500),
    ]


def test_a_job_that_fails_fails_its_slot_once() -> None:
    job = pulse()
    job.call(call(5))
    assert told(job.call(call(10, Verb.FAIL))) == [(0, "scheduled", "heartbeat_failed", 10)]
    assert told(job.call(call(20))) == [(0, "recheck", "pass", 20)]
    assert told(job.call(call(30, Verb.FAIL))) == [(0, "recheck", "heartbeat_failed", 30)]
    assert job.advance(START + 3600 * S) == []


def test_the_length_of_a_run_is_told_with_its_end_and_in_no_later_slot() -> None:
    job = pulse()
    assert job.call(call(5, Verb.START)) == []
    records = [*job.call(call(65)), *job.advance(START + 4505 * S)]
    lengths = [record.result.phases_us for record in records if isinstance(record, Record)]
    assert lengths == [{"run": 60 * S}, {"run": 60 * S}, {}]
    assert all(
        record.result.duration_us == sum(record.result.phases_us.values())
        for record in records
        if isinstance(record, Record)
    )


def test_slots_that_ended_while_nobody_listened_are_missed_and_the_next_is_void() -> None:
    job = pulse()
    job.call(call(600))
    items = job.deaf(START + 3000 * S, START + 2 * 3600 * S + 60 * S, Missed.AGENT_OFF)
    assert told(items) == [(0, "gap", "agent_off", 1)]
    assert told(job.advance(START + 3 * 3600 * S)) == [(2, "scheduled", "agent_away", 10799)]
    later = START + (2 * 3600 + 60 + 3900) * S
    assert job.advance(later) == []
    assert told(job.advance(later + 1)) == [(3, "scheduled", "heartbeat_missing", 11160)]


def test_a_hole_within_a_slot_that_passes_anyway_costs_nothing() -> None:
    job = pulse()
    job.call(call(600))
    assert job.deaf(START + 700 * S, START + 800 * S, Missed.AGENT_OFF) == []
    assert told(job.advance(START + 3600 * S)) == [(0, "scheduled", "pass", 3599)]


def test_no_slot_of_a_job_that_never_called_is_missed() -> None:
    assert pulse().deaf(START, START + 100 * 3600 * S, Missed.AGENT_OFF) == []


def test_a_promise_that_is_changed_is_judged_by_at_once() -> None:
    job = pulse()
    job.call(call(600))
    job.advance(START + 4000 * S)
    assert told(job.expect(replace(PROMISE, period_us=1800 * S))) == [
        (1, "scheduled", "heartbeat_missing", 4000)
    ]
    assert told(job.expect(PROMISE)) == [(1, "recheck", "pass", 4000)]
    assert job.expect(PROMISE) == []


events = st.lists(
    st.tuples(st.integers(1, 4000), st.sampled_from([*Verb, "hole", "wait"])), min_size=1, max_size=30
)


@given(happened=events)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_every_slot_from_the_first_result_on_has_one_fate(happened: list[tuple[int, str]]) -> None:
    items, job, _ = live(happened)
    slots = [item.slot for item in items if isinstance(item, Record) and item.kind == Kind.SCHEDULED]
    slots += [slot for item in items if isinstance(item, Gap) for slot in range(item.first, item.last + 1)]
    assert len(slots) == len(set(slots))
    starts = [item.result.started_us for item in items if isinstance(item, Record)]
    assert starts == sorted(starts)
    assert all(start <= job.at_us for start in starts)
    if slots and job.memory.finished is not None:
        whole = range(min(slots), GRID.slot_at(job.at_us))
        assert set(whole) - set(slots) <= waiting_slots(job)


@given(happened=events, cut=st.integers(0, 30))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_is_read_back_goes_on_as_if_nothing_had_been(happened: list[tuple[int, str]], cut: int) -> None:
    """Calls, holes and the newest slot are on record; from them comes what would have come without a stop."""
    whole, straight, _ = live(happened)
    before, stopped, (calls, holes) = live(happened[:cut])
    accounted = max(
        [item.slot for item in before if isinstance(item, Record) and item.kind == Kind.SCHEDULED]
        + [item.last for item in before if isinstance(item, Gap)],
        default=None,
    )
    again = pulse(recollect(calls, holes), stopped.at_us, accounted)
    rest, resumed, _ = live(happened[cut:], again)
    assert before + rest == whole
    assert resumed.memory == straight.memory


def live(
    happened: list[tuple[int, str]], job: Pulse | None = None
) -> tuple[list[Item], Pulse, tuple[list[Call], list[Hole]]]:
    job = job or pulse()
    items: list[Item] = []
    calls: list[Call] = []
    holes: list[Hole] = []
    for seconds, what in happened:
        at_us = job.at_us + seconds * S
        if what == "hole":
            if job.memory.first_us is not None:
                holes.append(Hole(from_us=job.at_us, until_us=at_us))
            items += job.deaf(job.at_us, at_us, Missed.AGENT_OFF)
        elif what == "wait":
            items += job.advance(at_us)
        else:
            calls.append(Call(at_us=at_us, verb=Verb(what)))
            items += job.call(calls[-1])
    return items, job, (calls, holes)


def waiting_slots(job: Pulse) -> set[int]:
    """Slots before the job finished for the first time may be without a result: none was expected."""
    last = job.memory.finished
    assert last is not None
    return set(range(FIRST, GRID.slot_at(last.at_us)))


def test_outcomes_are_those_of_any_other_probe() -> None:
    job = pulse()
    items = [*job.call(call(5)), *job.call(call(9, Verb.FAIL))]
    assert [item.result.outcome for item in items if isinstance(item, Record)] == [Outcome.PASS, Outcome.FAIL]
