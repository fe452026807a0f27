"""Stands between the runner and what carries results away: can this agent be believed about what it saw?

What a region reports while its canaries cannot be reached, or under a clock that is too far from the hub's, is VOID.
Decisions are `suspicion.py`'s and `clock.py`'s, canaries are asked by `canaries.py`; here are timers and wiring.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from checks.core.clock import monotonic_ns
from checks.core.failures import Code
from checks.core.reactor import Reactor, Timer
from checks.core.result import Fact, Result
from checks.core.watch import Place
from prober.wire import Alone, Assignment, ClockEvent, Cutoff, Gap, Record

from .canaries import TIMEOUT_US, Canaries
from .clock import AgentClock
from .runner import resolver_config
from .suspicion import Asked, Seen, Suspicion
from .voiding import voided

MAX_CUTOFFS = 100  # verdicts kept until somebody takes them; the oldest give way


class _Region:
    """One region that has canaries."""

    __slots__ = ("canaries", "suspicion", "timer")

    def __init__(self, canaries: Canaries) -> None:
        self.canaries = canaries
        self.suspicion = Suspicion()
        self.timer: Timer | None = None


class Sight:
    """Gives every record and gap on exactly once, in order a series, after `suspicion.HOLD_US` at the latest.

    `add` takes what may go on; `under` is told the digest that what is added from then on was measured under (an
    outbox has both). `target_of` names the target of a series; without it every series is a target of its own.

    Wiring: `Runner(reactor, sight.report, clock)` with the same clock; `sight.assign` before `runner.assign`, and
    nobody else calls `under`; `sight.close()` after `runner.stop()`, before the last batch is sealed.
    """

    def __init__(
        self,
        reactor: Reactor,
        clock: AgentClock,
        add: Callable[[Record | Gap], None],
        under: Callable[[str], None],
        target_of: Callable[[int], str] = str,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._add = add
        self._under = under
        self._target_of = target_of
        self._digest = ""
        # Region and timeout of the series of this assignment, and also of the one before.
        self._assigned: dict[int, tuple[str, int]] = {}
        self._known: dict[int, tuple[str, int]] = {}
        self._regions: dict[str, _Region] = {}  # those with canaries
        self._cutoffs: deque[Cutoff] = deque(maxlen=MAX_CUTOFFS)

    @property
    def has_news(self) -> bool:
        """A verdict waits to be told: the hub may be waiting for it."""
        return bool(self._cutoffs)

    def assign(self, assignment: Assignment) -> None:
        """Take over canaries, the limit on the clock's offset and the digest; what did not change goes on."""
        self._clock.tolerate(assignment.max_clock_offset_us)
        assigned = {each.number: (each.region, each.timeout_us) for each in assignment.series}
        self._known, self._assigned = self._assigned | assigned, assigned
        wanted = {each.region: each.targets for each in assignment.canaries if each.targets}
        places = {region: self._place(region, assignment) for region in wanted}
        for name, region in list(self._regions.items()):
            if name not in wanted or not _same(region.canaries, places[name], wanted[name]):
                self._end(self._regions.pop(name))
        for name, targets in wanted.items():
            if name not in self._regions:
                self._regions[name] = _Region(Canaries(places[name], targets))
        self._digest = assignment.digest
        self._under(assignment.digest)

    def report(self, item: Record | Gap) -> None:
        """Take what the runner tells."""
        if isinstance(item, Record) and self._clock.is_beyond:
            item = msgspec.structs.replace(item, result=self._without_clock(item.result))
        name, timeout_us = self._known.get(item.series, ("", 0))
        region = self._regions.get(name)
        if region is None:
            self._add(item)
            return
        now_us = monotonic_ns() // 1000
        seen = Seen(item=item, digest=self._digest, target=self._target_of(item.series), began_us=now_us)
        if isinstance(item, Record):
            # By the wall clock, which may have been set since: no run takes longer than its timeout.
            seen.began_us -= min(max(self._clock.now_us() - item.result.started_us, 0), timeout_us)
        self._carry(region.suspicion.take(seen, now_us))
        self._see_to(name, region)

    def alone(self, message: Alone) -> None:
        """Ask the canaries of a region that alone sees a failure."""
        region = self._regions.get(message.region)
        if region is not None:
            region.suspicion.told_alone()
            self._see_to(message.region, region)

    def take_cutoffs(self) -> tuple[Cutoff, ...]:
        """Return what the canaries said since the last call, for the next batch."""
        cutoffs = tuple(self._cutoffs)
        self._cutoffs.clear()
        return cutoffs

    def take_clock_events(self) -> tuple[ClockEvent, ...]:
        """Return what happened to the clock since the last call, for the next batch."""
        return self._clock.take_events()

    def oldest_held_us(self) -> int:
        """Return the start of the oldest result that is held back; 0: none is."""
        held = (item for region in self._regions.values() for item in region.suspicion.waiting())
        return min((item.result.started_us for item in held if isinstance(item, Record)), default=0)

    def close(self) -> None:
        """Let go of everything as it is; no canary is asked any more."""
        for name in list(self._regions):
            self._end(self._regions.pop(name))

    def _place(self, region: str, assignment: Assignment) -> Place:
        sources = (each.source_address for each in assignment.series if each.region == region)
        resolvers = (each for each in assignment.resolvers if each.region == region)
        resolver = next(resolvers, None)
        return Place(
            reactor=self._reactor,
            timeout_us=TIMEOUT_US,
            source_address=next(sources, None),
            max_lag_ns=assignment.max_lag_us * 1000,
            resolver=None if resolver is None else resolver_config(resolver),
        )

    def _end(self, region: _Region) -> None:
        region.canaries.close()
        if region.timer is not None:
            region.timer.cancel()
        self._carry(region.suspicion.release())

    def _carry(self, seen: list[Seen]) -> None:
        for each in seen:
            if each.digest == self._digest:
                self._add(each.item)
            else:  # held since before the assignment changed
                self._under(each.digest)
                self._add(each.item)
                self._under(self._digest)

    def _see_to(self, name: str, region: _Region) -> None:
        """Ask the canaries if they are wanted, note what they said, and come back when there is more to do."""
        suspicion = region.suspicion
        now_us = monotonic_ns() // 1000
        if suspicion.wants_asking(now_us):
            suspicion.asks(now_us)
            region.canaries.ask(partial(self._answered, name, region))
        for verdict in suspicion.take_verdicts():
            self._cutoffs.append(
                Cutoff(name, self._clock.now_us(), verdict.reached is True, verdict.evidence)
            )
        self._arm(name, region)

    def _answered(self, name: str, region: _Region, asked: Asked) -> None:
        self._carry(region.suspicion.answered(asked, monotonic_ns() // 1000))
        self._see_to(name, region)

    def _arm(self, name: str, region: _Region) -> None:
        due_us = region.suspicion.due_us()
        due_ns = None if due_us is None else due_us * 1000
        if region.timer is not None:
            if region.timer.due_ns == due_ns:
                return
            region.timer.cancel()
            region.timer = None
        if due_ns is not None:
            region.timer = self._reactor.call_at(due_ns, partial(self._due, name, region))

    def _due(self, name: str, region: _Region) -> None:
        region.timer = None
        self._carry(region.suspicion.tick(monotonic_ns() // 1000))
        self._see_to(name, region)

    def _without_clock(self, result: Result) -> Result:
        offset_us, error_us = self._clock.doubt()
        limit_us = self._clock.limit_us
        words = (
            f"the clock here is {offset_us / 1e6:+.3f} s from the hub's, known to {error_us / 1e6:.3f} s:"
            f" more than {limit_us / 1e6:g} s"
        )
        seen: dict[str, Fact] = {"offset_us": offset_us, "error_us": error_us, "limit_us": limit_us}
        return voided(result, Code.AGENT_CLOCK, words, {"clock": seen})


def _same(canaries: Canaries, place: Place, targets: tuple[str, ...]) -> bool:
    return canaries.place == place and canaries.targets == tuple(dict.fromkeys(targets))
