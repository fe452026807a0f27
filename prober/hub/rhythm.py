"""How a job that calls us stands, by what it called and by when it could: pure, no I/O, time is an argument.

A job promises a success at least every period, and is given a grace. Rules:
- before its first call nothing is expected of it;
- a success holds for period and grace; a failure holds until a success, and counts as missing once it is as old;
- a start must be followed by a success within `max_runtime_us`; the first start since it finished last counts;
- calls may have come while nobody listened: what is bad is then unknown, until period and grace have passed again.

Results on the grid of slots are made of this in `pulse.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from checks.core.failures import Code
from checks.core.quote import printable
from checks.core.result import Failure
from checks.core.values import format_duration
from checks.core.watch import MAX_DETAIL

from .moments import moment

MAX_QUOTED = 300  # characters of what the job sent, in the detail of a failure


class Verb(StrEnum):
    """What a call says."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


class Health(StrEnum):
    """How a job stands. WAITING: it never finished yet. UNSURE: it may have called while nobody listened."""

    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is expected of a job; durations in micro-seconds."""

    period_us: int
    grace_us: int
    max_runtime_us: int | None = None

    @property
    def patience_us(self) -> int:
        """How long a call may be away."""
        return self.period_us + self.grace_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call; `output` is what the job sent along, printable and bounded."""

    at_us: int
    verb: Verb
    exit_code: int | None = None
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A time in which no call could reach us."""

    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that the past says about the present. Instants are None for what has not happened."""

    first_us: int | None = None  # the first call of any kind
    finished: Call | None = None  # the newest call that was no start
    success_us: int | None = None
    last_start_us: int | None = None
    begun_us: int | None = None  # the first start since it finished last: what is running, or died
    running_us: int | None = None  # the newest start since then: what a success now would finish
    took_us: int | None = None  # of the run that finished last, if its start is known
    hole: Hole | None = None  # the newest


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands at an instant, and why; a failure for what is bad or unsure."""

    health: Health
    failure: Failure | None = None


def heard(memory: Memory, call: Call) -> Memory:
    """Return what is known after a call."""
    first_us = call.at_us if memory.first_us is None else memory.first_us
    if call.verb is Verb.START:
        begun_us = call.at_us if memory.begun_us is None else memory.begun_us
        return replace(
            memory, first_us=first_us, last_start_us=call.at_us, begun_us=begun_us, running_us=call.at_us
        )
    running_us = memory.running_us
    return replace(
        memory,
        first_us=first_us,
        finished=call,
        success_us=call.at_us if call.verb is Verb.SUCCESS else memory.success_us,
        begun_us=None,
        running_us=None,
        took_us=None if running_us is None else call.at_us - running_us,
    )


def unheard(memory: Memory, hole: Hole) -> Memory:
    """Return what is known after a time without listening: a run may have ended in it, and another begun."""
    return replace(memory, begun_us=None, running_us=None, hole=hole)


def moved(memory: Memory, by_us: int) -> Memory:
    """Return the same past on a clock that shows so much more: what is remembered lies as long ago as before."""

    def at(instant_us: int | None) -> int | None:
        return None if instant_us is None else instant_us + by_us

    last, hole = memory.finished, memory.hole
    return replace(
        memory,
        first_us=at(memory.first_us),
        finished=None if last is None else replace(last, at_us=last.at_us + by_us),
        success_us=at(memory.success_us),
        last_start_us=at(memory.last_start_us),
        begun_us=at(memory.begun_us),
        running_us=at(memory.running_us),
        hole=None if hole is None else Hole(from_us=hole.from_us + by_us, until_us=hole.until_us + by_us),
    )


def recollect(calls: Iterable[Call], holes: Iterable[Hole]) -> Memory:
    """Return what calls and holes together leave; holes do not overlap."""
    events: list[tuple[int, int, Call | Hole]] = [(call.at_us, 0, call) for call in calls]
    events += [(hole.until_us, 1, hole) for hole in holes]
    memory = Memory()
    for _, _, event in sorted(events, key=lambda each: each[:2]):
        memory = heard(memory, event) if isinstance(event, Call) else unheard(memory, event)
    return memory


def standing(memory: Memory, promise: Promise, at_us: int) -> Standing:
    """Return how the job stands at an instant that is not before anything remembered."""
    last, hole = memory.finished, memory.hole
    if memory.first_us is None:
        return Standing(Health.WAITING)
    begun_us, limit_us = memory.begun_us, promise.max_runtime_us
    if begun_us is not None and limit_us is not None and at_us > begun_us + limit_us:
        return Standing(Health.BAD, _overrun(begun_us, limit_us))
    if last is not None and last.verb is Verb.SUCCESS and at_us <= last.at_us + promise.patience_us:
        return Standing(Health.GOOD)
    since_us = memory.first_us if last is None else last.at_us
    is_doubtful = hole is not None and hole.until_us > since_us
    if at_us > (hole.until_us if hole is not None and is_doubtful else since_us) + promise.patience_us:
        return Standing(Health.BAD, _missing(memory, promise))
    if hole is not None and is_doubtful:
        return Standing(Health.UNSURE, _away(hole, promise))
    return Standing(Health.WAITING) if last is None else Standing(Health.BAD, _failed(last))


def next_turn(memory: Memory, promise: Promise, after_us: int) -> int | None:
    """Return the first instant after `after_us` at which the job may stand otherwise although nothing happens."""
    if memory.first_us is None:
        return None
    since_us = memory.first_us if memory.finished is None else memory.finished.at_us
    ends = [since_us + promise.patience_us]
    if memory.hole is not None:
        ends.append(memory.hole.until_us + promise.patience_us)
    if memory.begun_us is not None and promise.max_runtime_us is not None:
        ends.append(memory.begun_us + promise.max_runtime_us)
    # Each is the last instant that is still in time.
    return min((end + 1 for end in ends if end + 1 > after_us), default=None)


def _overrun(begun_us: int, max_runtime_us: int) -> Failure:
    words = f"started {moment(begun_us)} and did not succeed within {format_duration(max_runtime_us)}"
    return Failure(Code.HEARTBEAT_OVERRUN.value, words)


def _missing(memory: Memory, promise: Promise) -> Failure:
    last = (
        "it never said that it succeeded"
        if memory.success_us is None
        else f"the last success came {moment(memory.success_us)}"
    )
    due = f"due every {format_duration(promise.period_us)} with {format_duration(promise.grace_us)} grace"
    return Failure(Code.HEARTBEAT_MISSING.value, f"no call in time, {due}: {last}")


def _failed(call: Call) -> Failure:
    how = "the job failed" if call.exit_code is None else f"the job ended with exit code {call.exit_code}"
    said = f": {printable(call.output.strip(), MAX_QUOTED)}" if call.output.strip() else ""
    return Failure(Code.HEARTBEAT_FAILED.value, (how + said)[:MAX_DETAIL])


def _away(hole: Hole, promise: Promise) -> Failure:
    until = moment(hole.until_us + promise.patience_us)
    words = f"nobody could be called from {moment(hole.from_us)} to {moment(hole.until_us)}"
    return Failure(Code.AGENT_AWAY.value, f"{words}; a call is waited for until {until}")
