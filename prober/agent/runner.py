"""Starts what is due and accounts for every slot: a result, or missed with its reason.

One timer per series on the reactor's heap; at most one run of a series at a time. After a failure come retries
(`confirm`), then rechecks at a faster pace until it passes; both are flagged and stay out of every ratio. Where
results go is the outbox's business, when slots are due the grid's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from checks.core.check import Check, kind_named
from checks.core.clock import monotonic_ns
from checks.core.failures import Code
from checks.core.link import Address
from checks.core.reactor import Reactor, Run, Timer
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome, Result
from checks.core.watch import Place, Watch
from prober.wire import Assignment, Gap, Kind, Missed, Record, Resolver, Series

from .clock import AgentClock
from .clocks import SUSPEND_NS
from .grid import Grid
from .pace import Pace
from .voiding import voided

CLOCK_CHECK_NS = 1_000_000_000  # how often the wall clock is compared
GRACE_US = 1_000_000  # a run due at the very end of its slot may still begin this much after it was due


class SeriesRunner:
    """One probe in one region."""

    __slots__ = (
        "_attempts", "_behind", "_check", "_clock", "_due_us", "_flying", "_follow", "_grace_us", "_grid", "_pace",
        "_place", "_rerun", "_run", "_scheduled", "_slept_ns", "_stopped", "_timer", "accounted", "began_us",
        "report", "series", "slot",
    )  # fmt: skip

    def __init__(self, series: Series, grid: Grid, place: Place, shared: Shared) -> None:
        self.series = series
        self._grid = grid
        self._place = place
        self._clock = shared.clock
        self._follow = shared.follow_clock
        self._pace = shared.pace
        self.report = shared.report
        self._check = shared.check_for(series)
        self._grace_us = min(GRACE_US, series.interval_us // 4)
        self._attempts = 0
        self._run: Run[Result] | None = None
        self._scheduled = False  # what the run in flight is
        self._flying = 0  # its slot
        self._slept_ns = 0  # how long the machine had slept when it began
        self.began_us = 0  # when the run in flight began; 0: none is
        self._due_us = 0  # when the next slot is due
        self._behind: int | None = None  # the slot that waits for the run in flight to end
        self._stopped = False
        self._rerun: Timer | None = None
        self.accounted = series.resume_slot  # every slot below has its fate
        self.slot = self._grid.first_due(self._clock.now_us())
        if 0 < self.accounted < self.slot:
            self._miss(self.slot - 1, Missed.AGENT_OFF)
        self.accounted = max(self.accounted, self.slot)
        self._timer = self._arm()

    def stop(self, reason: Missed = Missed.AGENT_OFF) -> None:
        """Take it out of the schedule; a scheduled run in flight becomes a missed slot."""
        self._stopped = True
        self._timer.cancel()
        self._cancel_rerun()
        if self._run is not None:
            self._abandon()
            if self._scheduled:
                self.report(Gap(self.series.number, self._flying, self._flying, reason.value))
        if self._behind is not None:
            self._miss(self._behind, reason)

    @property
    def target(self) -> str:
        """What is looked at, in a word a person knows."""
        return self._check.target

    def clock_stepped(self, reason: Missed = Missed.CLOCK) -> None:
        """Go on from the new wall time: slots jumped over are missed, slots lived twice are run as rechecks."""
        self._timer.cancel()
        self.slot = self._grid.first_due(self._clock.now_us())
        if self.slot > self.accounted:
            self._miss(self.slot - 1, reason)
        self._timer = self._arm()

    def recheck(self) -> None:
        """Run once at once, flagged, unless a run is in flight."""
        if self._run is None:
            self._cancel_rerun()
            self._pace.admit(partial(self._begin_rerun, Kind.RECHECK))

    def _arm(self) -> Timer:
        self._due_us = self._grid.due_us(self.slot)
        return self._place.reactor.call_at(self._clock.monotonic_ns(self._due_us), self._due)

    def _due(self) -> None:
        if self._clock.has_jumped() and self._follow():
            return  # nothing is stamped with a time that is over; the timer is another one now
        slot, due_us = self.slot, self._due_us
        if not self._is_too_late(slot, due_us, self._clock.now_us()):
            self._pace.admit(partial(self._begin, slot, due_us))
            self.slot = slot + 1
        else:  # slept through
            self.slot = self._grid.first_due(self._clock.now_us())
            self._miss(self.slot - 1, Missed.LATE)
        self._timer = self._arm()

    def _is_too_late(self, slot: int, due_us: int, now_us: int) -> bool:
        """Say whether the slot has ended, and a due instant close to its end is more than a little past."""
        return now_us >= due_us + self._grace_us and now_us >= self._grid.start_us(slot + 1)

    def _begin(self, slot: int, due_us: int) -> bool:
        now_us = self._clock.now_us()
        if self._stopped:
            return False
        if self._is_too_late(slot, due_us, now_us):
            self._miss(slot, Missed.LATE)
            return False
        if self._run is not None and self._scheduled:
            if self._behind is not None:
                self._miss(slot - 1, Missed.OVERRUN)
            self._behind = slot
            return False
        if self._run is not None:  # a rerun gives way: it counts nowhere
            self._abandon()
        self._cancel_rerun()
        again = slot < self.accounted  # lived through once already, before the clock was set back
        self.accounted = max(self.accounted, slot + 1)
        self._launch(slot, Kind.RECHECK if again else Kind.SCHEDULED, due_us)
        return True

    def _begin_rerun(self, kind: Kind) -> bool:
        if self._run is not None or self._stopped:
            return False
        self._launch(self._grid.slot_at(self._clock.now_us()), kind)
        return True

    def _launch(self, slot: int, kind: Kind, due_us: int | None = None) -> None:
        watch = Watch(self._place, self._clock.now_us())
        # From the start that the result will tell: what is kept of both must not differ.
        late_us = 0 if due_us is None else watch.started_us - due_us
        self._scheduled = kind is Kind.SCHEDULED
        self._flying = slot
        self._slept_ns = self._clock.slept_ns()
        self.began_us = watch.started_us
        run = Run(
            self._place.reactor,
            self._check.run(watch),
            partial(self._ended, slot, kind, late_us),
            watch.deadline_ns,
        )
        self._run = run
        run.step()

    def _ended(
        self, slot: int, kind: Kind, late_us: int, result: Result | None, error: BaseException | None
    ) -> None:
        self._run = None
        self.began_us = 0
        self._pace.ended()
        if result is None:  # Check.run catches everything; what comes here ends the process
            raise error or RuntimeError("a run ended without a result")
        if (slept_ns := self._clock.slept_ns() - self._slept_ns) > SUSPEND_NS:
            words = f"the agent's machine slept {slept_ns / 1e9:.1f} s within this run"
            result = voided(result, Code.AGENT_STALLED, words)
        self.report(Record(self.series.number, slot, int(kind), late_us, result))
        self._count(result.outcome)
        if self._behind is not None:
            self._catch_up()
        elif self._attempts:
            self._plan_rerun()

    def _catch_up(self) -> None:
        slot, self._behind = self._behind, None
        if slot is None or slot < self.accounted:
            return
        due_us = self._grid.due_us(slot)
        if not self._is_too_late(slot, due_us, self._clock.now_us()):
            self._pace.admit(partial(self._begin, slot, due_us))
        else:
            self._miss(slot, Missed.OVERRUN)

    def _count(self, outcome: Outcome) -> None:
        if outcome is Outcome.FAIL:
            self._attempts += 1
        elif outcome is not Outcome.VOID:
            self._attempts = 0

    def _plan_rerun(self) -> None:
        retrying = self._attempts <= self.series.retries
        pause_us = self.series.retry_after_us if retrying else self.series.recheck_us
        if retrying or pause_us:
            kind = Kind.RETRY if retrying else Kind.RECHECK
            due_ns = monotonic_ns() + pause_us * 1000
            self._rerun = self._place.reactor.call_at(
                due_ns, partial(self._pace.admit, partial(self._begin_rerun, kind))
            )

    def _abandon(self) -> None:
        if self._run is not None:
            self._run.cancel()
            self._run = None
            self.began_us = 0
            self._pace.ended()

    def _cancel_rerun(self) -> None:
        if self._rerun is not None:
            self._rerun.cancel()
            self._rerun = None

    def _miss(self, last: int, reason: Missed) -> None:
        if last >= self.accounted:
            self.report(Gap(self.series.number, self.accounted, last, reason.value))
            self.accounted = last + 1


class Shared:
    """What the series of one agent have in common."""

    __slots__ = ("_checks", "clock", "follow_clock", "pace", "reactor", "report")

    def __init__(
        self,
        reactor: Reactor,
        report: Callable[[Record | Gap], None],
        clock: AgentClock,
        follow_clock: Callable[[], bool],
    ) -> None:
        self.reactor = reactor
        self.clock = clock
        self.follow_clock = follow_clock
        self.pace = Pace(reactor, max_in_flight=500)
        self.report = report
        # The regions of a probe share one check: it is prepared once and holds nothing of a run.
        self._checks: WeakValueDictionary[tuple[str, bytes], Check[Any]] = WeakValueDictionary()

    def check_for(self, series: Series) -> Check[Any]:
        """Return the check of a series, prepared."""
        check = self._checks.get((series.kind, series.options))
        if check is None:
            kind = kind_named(series.kind)
            check = kind(kind.options_type.model_validate_json(series.options))
            self._checks[series.kind, series.options] = check
        return check


class Runner:
    """All series of one agent."""

    def __init__(
        self, reactor: Reactor, report: Callable[[Record | Gap], None], clock: AgentClock | None = None
    ) -> None:
        self.shared = Shared(reactor, report, clock or AgentClock(), self.follow_clock)
        self._series: dict[int, SeriesRunner] = {}
        self._max_lag_us = 0
        self._resolvers: dict[str, ResolverConfig] = {}  # by region
        self._reactor = reactor
        self._plan_clock_check()

    def assign(self, assignment: Assignment) -> None:
        """Replace what is run; series that did not change go on undisturbed."""
        self.shared.pace.max_in_flight = assignment.max_in_flight
        wanted = {series.number: series for series in assignment.series}
        lag_changed, self._max_lag_us = assignment.max_lag_us != self._max_lag_us, assignment.max_lag_us
        before = self._resolvers
        self._resolvers = {each.region: resolver_config(each) for each in assignment.resolvers}
        accounted: dict[int, int] = {}
        for number in list(self._series):
            running = self._series[number].series
            place_changed = lag_changed or before.get(running.region) != self._resolvers.get(running.region)
            if place_changed or not _same(running, wanted.get(number)):
                runner = self._series.pop(number)
                runner.stop(Missed.PAUSED)
                accounted[number] = runner.accounted
        for number, series in wanted.items():
            if number not in self._series:
                # What this process has run already counts, whether the hub has heard of it or not.
                resume_slot = max(series.resume_slot, accounted.get(number, 0))
                series = msgspec.structs.replace(series, resume_slot=resume_slot)
                self._series[number] = self._start(series, assignment)

    def recheck(self, numbers: tuple[int, ...]) -> None:
        """Run these once at once."""
        for number in numbers:
            if number in self._series:
                self._series[number].recheck()

    def stop(self) -> None:
        """Stop everything."""
        for runner in self._series.values():
            runner.stop()
        self._series.clear()

    def _start(self, series: Series, assignment: Assignment) -> SeriesRunner:
        grid = Grid(
            assignment.seed, series.probe, series.region, series.regions, series.interval_us, series.schedule
        )
        place = Place(
            reactor=self._reactor,
            timeout_us=series.timeout_us,
            source_address=series.source_address,
            max_lag_ns=assignment.max_lag_us * 1000,
            resolver=self._resolvers.get(series.region),
        )
        return SeriesRunner(series, grid, place, self.shared)

    def target_of(self, number: int) -> str:
        """Return what a series looks at; empty for one that is not run."""
        runner = self._series.get(number)
        return "" if runner is None else runner.target

    def oldest_in_flight_us(self) -> int:
        """Return when the oldest run in flight began; 0: none is."""
        return min((each.began_us for each in self._series.values() if each.began_us), default=0)

    def follow_clock(self) -> bool:
        """Compare the wall clock; after a step every series goes on from the new time. Says whether there was one."""
        reason = self.shared.clock.follow()
        if reason is not None:
            for runner in self._series.values():
                runner.clock_stepped(reason)
        return reason is not None

    def _plan_clock_check(self) -> None:
        self._reactor.call_at(monotonic_ns() + CLOCK_CHECK_NS, self._check_clock)

    def _check_clock(self) -> None:
        self.follow_clock()
        self._plan_clock_check()


def resolver_config(resolver: Resolver) -> ResolverConfig:
    """Return the resolver of a region as checks use it."""
    return ResolverConfig(
        servers=tuple(Address(*server) for server in resolver.servers),
        timeout_us=resolver.timeout_us,
        attempts=resolver.attempts,
        hosts=dict(resolver.hosts),
        origin=f"regions.{resolver.region}.resolver",
    )


def _same(running: Series, wanted: Series | None) -> bool:
    if wanted is None:
        return False
    first, second = list(running.__struct_fields__), wanted
    return all(getattr(running, name) == getattr(second, name) for name in first if name != "resume_slot")
