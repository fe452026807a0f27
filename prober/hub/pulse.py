"""One heartbeat on its grid: fed calls, holes and time in order, it gives records and gaps. No I/O, no clock.

A slot fails at the first moment at which the job stands badly in it; a slot without such a moment gets its result at
its end: passed, or void where nobody can tell. So every slot has one scheduled result. Calls and turns for the worse
that come besides are rechecks: they decide states at once and stay out of ratios.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.core.failures import Code
from checks.core.result import Fact, Failure, Outcome, Result
from prober.agent.grid import Grid
from prober.wire import Gap, Kind, Missed, Record

from .rhythm import Call, Health, Hole, Memory, Promise, Verb, heard, moved, next_turn, standing, unheard

Item = Record | Gap
_OUTCOMES: Mapping[Health, Outcome] = {
    Health.GOOD: Outcome.PASS,
    Health.BAD: Outcome.FAIL,
    Health.UNSURE: Outcome.VOID,
}


class Pulse:
    """`call`, `deaf` and `advance` return what came of it; instants go back by `set_back` only."""

    def __init__(
        self,
        series: int,
        grid: Grid,
        promise: Promise,
        memory: Memory,
        at_us: int,
        accounted: int | None = None,
    ) -> None:
        """`accounted`: every slot up to this one has its fate; the slot of `at_us` is the first without if None."""
        self.series = series
        self.promise = promise
        self.memory = memory
        self.at_us = at_us
        self._grid = grid
        self._slot = grid.slot_at(at_us)  # the one that ends next
        self._accounted = self._slot - 1 if accounted is None else accounted
        self._now = standing(memory, promise, at_us)

    @property
    def next_us(self) -> int:
        """The next instant at which there is something to decide."""
        end_us = self._grid.due_us(self._slot)
        turn_us = next_turn(self.memory, self.promise, self.at_us)
        return end_us if turn_us is None else min(end_us, turn_us)

    def expect(self, promise: Promise) -> list[Item]:
        """Hold the job to another promise from now on; one that changes how it stands is told at once."""
        self.promise = promise
        before, self._now = self._now, standing(self.memory, promise, self.at_us)
        is_news = (before.health, _code(before.failure)) != (self._now.health, _code(self._now.failure))
        return [self._tell()] if is_news and self._now.health in (Health.GOOD, Health.BAD) else []

    def call(self, call: Call) -> list[Item]:
        """Take a call in."""
        items = self.advance(call.at_us)
        self.memory = heard(self.memory, call)
        self._now = standing(self.memory, self.promise, self.at_us)
        if call.verb is not Verb.START:
            items.append(self._tell())
        return items

    def deaf(self, from_us: int, until_us: int, reason: Missed) -> list[Item]:
        """Let a time pass in which no call could come: slots that ended in it are missed."""
        items = self.advance(from_us)
        self.at_us = max(self.at_us, until_us)
        is_watched = self.memory.first_us is not None
        if is_watched:
            self.memory = unheard(self.memory, Hole(from_us=from_us, until_us=self.at_us))
        slot = self._grid.slot_at(self.at_us)
        first = max(self._slot, self._accounted + 1)
        if is_watched and first < slot:
            items.append(Gap(self.series, first, slot - 1, reason.value))
        self._slot, self._accounted = slot, max(self._accounted, slot - 1)
        self._now = standing(self.memory, self.promise, self.at_us)
        return items

    def set_back(self, by_us: int) -> None:
        """Go on on a clock that was set back: slots that are lived again have their fate, states are told anew."""
        self.at_us -= by_us
        self.memory = moved(self.memory, -by_us)
        self._slot = self._grid.slot_at(self.at_us)
        self._now = standing(self.memory, self.promise, self.at_us)

    def advance(self, now_us: int) -> list[Item]:
        """Let time pass in which calls could have come."""
        items: list[Item] = []
        while (at_us := self.next_us) <= now_us:
            self.at_us = at_us
            before, self._now = self._now, standing(self.memory, self.promise, at_us)
            if self._now.health is Health.BAD and _code(self._now.failure) != _code(before.failure):
                items.append(self._tell())
            if at_us == self._grid.due_us(self._slot):
                items += self._end_slot()
        self.at_us = max(self.at_us, now_us)
        return items

    def _end_slot(self) -> list[Item]:
        slot, self._slot = self._slot, self._slot + 1
        if slot <= self._accounted:
            return []
        self._accounted = slot
        if self._now.health is Health.WAITING:
            return []
        return [self._record(slot, Kind.SCHEDULED)]

    def _tell(self) -> Record:
        """Say how it stands now: what is bad is the result of its slot, unless that has one."""
        slot = self._grid.slot_at(self.at_us)
        if self._now.health is not Health.BAD or slot <= self._accounted:
            return self._record(slot, Kind.RECHECK)
        self._accounted = slot
        return self._record(slot, Kind.SCHEDULED)

    def _record(self, slot: int, kind: Kind) -> Record:
        late_us = self.at_us - self._grid.due_us(slot) if kind is Kind.SCHEDULED else 0
        took_us = self._took_us(slot)
        result = Result(
            outcome=_OUTCOMES[self._now.health],
            started_us=self.at_us,
            duration_us=took_us or 0,
            phases_us={} if took_us is None else {"run": took_us},
            failures=() if self._now.failure is None else (self._now.failure,),
            facts=facts(self.memory),
        )
        return Record(self.series, slot, int(kind), late_us, result)

    def _took_us(self, slot: int) -> int | None:
        """Return how long the run took whose end the result is about; a run is told of in one slot only."""
        last = self.memory.finished
        is_about_it = self._now.health is Health.GOOD or _code(self._now.failure) == Code.HEARTBEAT_FAILED
        ended_here = last is not None and last.at_us >= self._grid.start_us(slot)
        return self.memory.took_us if is_about_it and ended_here else None


def facts(memory: Memory) -> dict[str, Fact]:
    """Return what a result says about the job; instants in micro-seconds since the epoch."""
    last = memory.finished
    found: dict[str, Fact] = {
        "last_success_us": memory.success_us,
        "last_start_us": memory.last_start_us,
        "exit_code": last.exit_code if last is not None else None,
        "output": last.output if last is not None and last.output else None,
    }
    return {name: fact for name, fact in found.items() if fact is not None}


def _code(failure: Failure | None) -> str | None:
    return failure.code if failure is not None else None
