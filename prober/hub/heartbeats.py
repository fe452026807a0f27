"""The desk at which jobs call: takes calls, lets time pass, delivers what comes of both as an agent's batches.

Decisions are `rhythm.py` and `pulse.py`; here is the I/O around them. One worker, one batch at a time: a call, the
results that came of it and the time until which was listened are one transaction, and only then the call is
answered. Whoever is killed has on record all that was answered, and after a start goes on from where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from checks.core.masking import MASK
from checks.heartbeat import HeartbeatOptions
from prober import wire
from prober.config import Config
from prober.config.resolve import HUB_REGION
from prober.store.base import CallRow, ListeningRow, Store
from prober.wire import Batch, Gap, Missed, Record

from .pipeline import Heard, Pipeline
from .pulse import Item, Pulse
from .rhythm import Call, Hole, Memory, Promise, Verb, recollect
from .series import SeriesState
from .view import AgentView

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0  # how often time passes when nothing else happens
STALL_US = 3_000_000  # between two ticks: nobody could be called in this time, or the clock was stepped
SET_BACK_US = 60_000_000  # a wall clock that shows so much less than before was set back; less is waited out
ALIVE_US = 5_000_000  # how often it goes on record that somebody listens
ANSWER_SECONDS = 4.0  # how long a caller waits for its call to be on record
MAX_WAITING = 2_000  # calls that wait for a commit; one more is refused
MAX_OUTPUT = 10_240  # characters kept of what a job sends along
_NOTHING = wire.Health(worst_lag_us=0, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A job that is known by its token."""

    probe: str
    methods: tuple[str, ...]
    token: str  # only to blank it in what the job sends

    def __repr__(self) -> str:
        return f"Caller({self.probe!r})"


@dataclass(slots=True)
class _Waiting:
    probe: str
    call: Call
    done: asyncio.Future[None]


class Heartbeats:
    """One per hub. `adopt` after each change of configuration; `run` until `stop`."""

    def __init__(
        self, pipeline: Pipeline, store: Store, agents: dict[str, AgentView], now_us: Callable[[], int]
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._agents = agents
        self._wall_us = now_us
        self._pulses: dict[str, Pulse] = {}
        self._callers: dict[bytes, Caller] = {}  # by the hash of the token
        self._queue: deque[_Waiting] = deque()
        self._items: list[Item] = []  # to be delivered
        self._rows: list[ListeningRow] = []  # times of listening that are over, to be written
        self._chain = (0, b"")
        self._epoch = time.time_ns()
        self._digest = ""
        self._now_us = 0
        self._ticked = (0, 0)  # the newest tick, by the wall and by the monotonic clock in micro-seconds
        self._from_us = 0  # since when everybody who is known now could call
        self._written_us = 0
        self._deaf = False  # a call was refused since the newest tick
        self._wake = asyncio.Event()
        self._stopping = False

    async def adopt(self, config: Config, series: Mapping[int, SeriesState]) -> None:
        """Take the heartbeats of a configuration; those that stay go on undisturbed."""
        told = {probe.name: probe.options for probe in config.probes}
        states = {
            state.row.probe: state
            for state in series.values()
            if isinstance(told.get(state.row.probe), HeartbeatOptions)
        }
        past = await self._past([name for name in states if name not in self._pulses])
        # No await from here on.
        if past or states.keys() != self._pulses.keys():
            self._begin_anew()
        before, self._pulses, self._callers = self._pulses, {}, {}
        for name, state in states.items():
            options = told[name]
            assert isinstance(options, HeartbeatOptions)
            self._pulses[name] = self._pulse(before.get(name), past.get(name), state, _promise(options))
            token = options.token.reveal()
            self._callers[_hash(token)] = Caller(probe=name, methods=options.methods, token=token)
        self._digest = config.digest
        self._show()
        self._wake.set()

    def find(self, token: str) -> Caller | None:
        """Return who has this token. By its hash: how long it takes says nothing of tokens that are near."""
        return self._callers.get(_hash(token))

    async def take(self, caller: Caller, verb: Verb, exit_code: int | None, output: str) -> bool:
        """Take a call; True once it is on record, False when it could not be put there in time."""
        if self._stopping or len(self._queue) >= MAX_WAITING:
            self.refused()
            return False
        call = Call(
            at_us=self._instant(), verb=verb, exit_code=exit_code, output=_shown(output, caller.token)
        )
        waiting = _Waiting(caller.probe, call, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.shield(waiting.done)
        except TimeoutError:
            self.refused()
            return False
        return True

    def refused(self) -> None:
        """Note that a known job was turned away by us: what it would have said is not known."""
        self._deaf = True

    async def run(self) -> None:
        """Serve until `stop`, then put the last on record."""
        while not self._stopping:
            await self._rest()
            self._wake.clear()
            if self._pulses or self._queue or self._rows:
                await self._turn()
        if self._pulses:
            await self._turn(last=True)

    async def stop(self) -> None:
        """Let `run` return soon."""
        self._stopping = True
        self._wake.set()

    async def _rest(self) -> None:
        next_us = min((pulse.next_us for pulse in self._pulses.values()), default=self._now_us + 60_000_000)
        seconds = min(max(next_us - self._instant(), 0) / 1e6, TICK_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _turn(self, last: bool = False) -> None:
        now_us = self._instant()
        taken = [self._queue.popleft() for _ in range(len(self._queue))]
        self._notice_absence(now_us)
        calls = [row for waiting in taken if (row := self._call(waiting)) is not None]
        for pulse in self._pulses.values():
            if pulse.next_us <= now_us:
                self._items += pulse.advance(now_us)
        if calls or self._items or self._rows or last or now_us - self._written_us >= ALIVE_US:
            await self._deliver(calls, now_us)
        for waiting in taken:
            if not waiting.done.done():
                waiting.done.set_result(None)

    def _notice_absence(self, now_us: int) -> None:
        """Find out whether this process slept, or turned somebody away, since it looked last."""
        (wall_us, steady_us), steady_now_us = self._ticked, time.monotonic_ns() // 1000
        self._ticked = now_us, steady_now_us
        if now_us - wall_us <= STALL_US and not self._deaf:
            return
        self._deaf = False
        stepped = steady_now_us - steady_us <= STALL_US < now_us - wall_us
        for pulse in self._pulses.values():
            self._items += pulse.deaf(wall_us, now_us, Missed.CLOCK if stepped else Missed.LATE)
        self._close_row(wall_us)
        self._from_us = now_us
        log.warning(
            "jobs could not call for a while; what they would have said is unknown",
            extra={"for_us": now_us - wall_us, "clock_stepped": stepped},
        )

    def _call(self, waiting: _Waiting) -> CallRow | None:
        pulse = self._pulses.get(waiting.probe)
        if pulse is None:  # taken out of the configuration a moment ago
            return None
        # Instants of one job rise: what came while we did not look is dated when we did.
        call = waiting.call
        at_us = max(call.at_us, pulse.at_us + 1)
        self._now_us = max(self._now_us, at_us)
        call = Call(at_us=at_us, verb=call.verb, exit_code=call.exit_code, output=call.output)
        self._items += pulse.call(call)
        return CallRow(
            probe=waiting.probe,
            at_us=at_us,
            verb=call.verb.value,
            exit_code=call.exit_code,
            output=call.output,
        )

    async def _deliver(self, calls: Sequence[CallRow], now_us: int) -> None:
        now_us = max(now_us, self._now_us)
        items, self._items = self._items, []
        rows, self._rows = self._rows, []
        if self._pulses:
            rows.append(ListeningRow(from_us=self._from_us, until_us=now_us, probes=tuple(self._pulses)))
        self._written_us = now_us
        sequence, previous = self._chain
        batch = Batch(
            version=wire.VERSION,
            agent=HUB_REGION,
            epoch=self._epoch,
            sequence=sequence + 1,
            previous=previous,
            digest=self._digest,
            records=tuple(item for item in items if isinstance(item, Record)),
            gaps=tuple(item for item in items if isinstance(item, Gap)),
            health=_NOTHING,
        )
        data = wire.encode(batch)
        self._chain = sequence + 1, wire.digest(data)
        await self._pipeline.take(batch, data, Heard(calls=tuple(calls), listening=tuple(rows)))
        if HUB_REGION in self._agents:
            self._agents[HUB_REGION].last_batch_us = now_us

    async def _past(self, names: Sequence[str]) -> dict[str, _Past]:
        if not names:
            return {}
        listened, slots = await self._store.listening(), await self._store.last_slots()
        now_us = self._instant()  # what is dated later comes from a clock that was set back since
        return {
            name: _Past(
                calls=[_call_of(row) for row in await self._store.calls(name) if row.at_us <= now_us],
                listened=[row for row in listened if name in row.probes and row.from_us <= now_us],
                slots=slots,
            )
            for name in names
        }

    def _pulse(self, before: Pulse | None, past: _Past | None, state: SeriesState, promise: Promise) -> Pulse:
        number = state.row.number
        if before is not None and before.series == number:
            self._items += before.expect(promise)
            return before
        now_us = self._now_us
        if before is not None:  # another period: what it called still counts, the slots are new
            return Pulse(number, state.grid, promise, before.memory, max(now_us, before.at_us))
        seen_us = past.seen_us if past is not None else None
        if past is None or seen_us is None:
            return Pulse(number, state.grid, promise, Memory(), now_us)
        pulse = Pulse(
            number, state.grid, promise, past.memory(), min(seen_us, now_us), past.slots.get(number)
        )
        if seen_us < now_us:
            self._items += pulse.deaf(seen_us, now_us, Missed.AGENT_OFF)
        return pulse

    def _begin_anew(self) -> None:
        """Let another time of listening begin now: others may call from here on."""
        now_us = self._instant()
        if self._pulses:
            self._close_row(now_us)
        else:
            self._ticked = now_us, time.monotonic_ns() // 1000
        self._from_us = now_us

    def _close_row(self, until_us: int) -> None:
        self._rows.append(
            ListeningRow(
                from_us=self._from_us, until_us=max(until_us, self._from_us), probes=tuple(self._pulses)
            )
        )

    def _instant(self) -> int:
        """Return the wall clock, which here goes back by large steps only."""
        wall_us = self._wall_us()
        if wall_us < self._now_us - SET_BACK_US:
            self._set_back(wall_us)
        self._now_us = max(self._now_us, wall_us)
        return self._now_us

    def _set_back(self, wall_us: int) -> None:
        """Follow a wall clock that was set back: to wait for its old time would hide every outage until then."""
        steady_us, ticked_us = time.monotonic_ns() // 1000, self._ticked[1]
        slept_us = steady_us - ticked_us
        slept_us = slept_us if slept_us > STALL_US else 0  # is noticed as an absence
        by_us = self._now_us - wall_us + slept_us
        if self._pulses:
            self._close_row(self._now_us)
        for pulse in self._pulses.values():
            pulse.set_back(by_us)
        for waiting in self._queue:
            call = waiting.call
            waiting.call = replace(call, at_us=call.at_us - by_us)
        self._now_us -= by_us
        self._from_us = self._written_us = self._now_us
        self._ticked = self._now_us, ticked_us if slept_us else steady_us
        log.warning("the wall clock was set back; jobs are judged by the new time", extra={"by_us": by_us})

    def _show(self) -> None:
        if not self._pulses:
            self._agents.pop(HUB_REGION, None)
        elif HUB_REGION not in self._agents:
            self._agents[HUB_REGION] = AgentView(
                name=HUB_REGION, regions=(HUB_REGION,), up=True, pid=os.getpid(), started_us=self._now_us
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What is on record of one job."""

    calls: Sequence[Call]
    listened: Sequence[ListeningRow]
    slots: Mapping[int, int]  # the newest slot on record by series

    @property
    def seen_us(self) -> int | None:
        """Until when it could call, and everything that came of it is on record; None for a new one."""
        return max((row.until_us for row in self.listened), default=None)

    def memory(self) -> Memory:
        """Return what it comes to."""
        return recollect(self.calls, _holes(self.listened))


def _holes(listened: Iterable[ListeningRow]) -> list[Hole]:
    return [
        Hole(from_us=before.until_us, until_us=after.from_us)
        for before, after in pairwise(listened)
        if before.until_us < after.from_us
    ]


def _promise(options: HeartbeatOptions) -> Promise:
    return Promise(
        period_us=options.period_us, grace_us=options.grace_us, max_runtime_us=options.max_runtime_us
    )


def _call_of(row: CallRow) -> Call:
    return Call(at_us=row.at_us, verb=Verb(row.verb), exit_code=row.exit_code, output=row.output)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _shown(output: str, token: str) -> str:
    """Return what a job sent without its token, without signs that do not print, and not more than is kept."""
    kept = output.replace(token, MASK)[:MAX_OUTPUT]
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in kept)
