"""All links of remote agents: who is let in, what each runs, what each is asked; taken over by others when one goes.

Composition around `remote.py` (one link), `roll.py` (who is known) and `duties.py` (who runs what). Started and
stopped by the hub; `serve` is called by whoever accepts connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from prober import wire
from prober.config import Config
from prober.store.base import AgentRow, AsideRow, SeriesRow, Store, StoreError
from prober.wire import Alone, Batch, Challenge, Goodbye, Hello, Kind, Recheck, Refusal, Sealed

from .chains import has_nothing_waiting
from .duties import Duties
from .pacing import Bucket, Pace
from .pipeline import Noted, Pipeline
from .plan import Origin, assignment, resumed
from .remote import MAX_OPENING, Link, RemoteAgent
from .roll import Roll
from .scrutiny import faults
from .tokens import Access, Tokens
from .twins import Twins
from .upkeep import note_cutoffs
from .view import View

log = logging.getLogger(__name__)
TICK_SECONDS = 0.5  # how often it is looked whether somebody has gone
SWEEP_SECONDS = 60.0  # how often those are hidden that have gone for good
ENROL_SECONDS = 10.0  # for putting a new agent on record
MAX_LINKS = 512  # at the same time
MAX_REGION_LINKS = 64  # of one region
MAX_ASIDE_BYTES = 256 * 2**10  # of one batch that is kept aside; the store keeps a thousand of them
MAX_BUCKETS = 2_000  # agents whose batches kept aside are counted
ASIDE = Pace(per_second=0.1, burst=100)  # batches of one agent that are kept aside


class Remotes:
    """One per hub. `start`, then `adopt` each configuration, `run` until `stop`."""

    def __init__(self, pipeline: Pipeline, store: Store, view: View, now_us: Callable[[], int]) -> None:
        self.pipeline = pipeline
        self.hub = b""
        self._store = store
        self._view = view
        self._wall_us = now_us
        self._config = view.config
        self._origin = Origin()
        self._tokens = Tokens(())
        self._roll = Roll(view)
        self._duties = Duties()
        self._twins = Twins()
        self.opening = asyncio.Semaphore(MAX_OPENING)
        self._series: Mapping[int, SeriesRow] = {}  # all that the store ever gave out
        self._links: dict[str, RemoteAgent] = {}  # by agent
        self._serving: dict[RemoteAgent, asyncio.Task[None]] = {}
        self._enrolling: dict[str, asyncio.Future[None]] = {}  # new agents that are not on record yet
        self._taken: dict[int, int] = {}  # newest slot of each series, whether committed yet or not
        self._asides: dict[str, Bucket] = {}
        self._version = 0  # of the configuration, counted here
        self._swept = 0.0
        self._wake = asyncio.Event()
        self._stopping = False

    async def start(self) -> None:
        """Read who is known."""
        self._roll.restore(await self._store.agents(), self._wall_us(), _steady_us())

    async def adopt(
        self, config: Config, origin: Origin, rows: Sequence[SeriesRow], all_rows: Iterable[SeriesRow]
    ) -> None:
        """Take a configuration: links whose token it does not name end, all others are told what they run now."""
        self._config, self._origin, self.hub = config, origin, origin.hub
        self._tokens = Tokens(config.regions)
        for region in self._tokens.ambiguous:
            log.error(
                "a token of this region is another region's too: nobody is let in by it",
                extra={"region": region},
            )
        self._series = {row.number: row for row in all_rows}
        self._duties.adopt(config, rows)
        self._roll.adopt(config, self._wall_us())
        self._version += 1
        self._wake.set()
        over = [agent for agent in self._serving if not self._tokens.still_opens(agent.access)]
        await self._end(
            over, Refusal(0, 0, "retry", "its token is no longer valid"), "the token was withdrawn"
        )

    def find(self, token: str) -> Access | None:
        """Return what a token opens."""
        return self._tokens.find(token)

    @property
    def linked(self) -> frozenset[str]:
        """The names of the agents that are linked now."""
        return frozenset(self._links)

    def why_not(self, region: str) -> str:
        """Return in words why no further link of a region can be taken now; nothing: it can."""
        if self._stopping:
            return "the hub stops"
        if len(self._serving) >= MAX_LINKS:
            return f"{MAX_LINKS} agents are linked, and more are not taken"
        if sum(agent.access.region == region for agent in self._serving) >= MAX_REGION_LINKS:
            return f"{MAX_REGION_LINKS} agents of the region {region} are linked, and more are not taken"
        return ""

    async def serve(self, link: Link, access: Access) -> None:
        """Serve one link to its end."""
        agent = RemoteAgent(link, access, self)
        task = self._serving[agent] = asyncio.create_task(agent.run(), name="link of a remote agent")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            del self._serving[agent]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a link of an agent failed", exc_info=error, extra={"agent": agent.name})

    async def run(self) -> None:
        """Share work out and look who has gone, until `stop`."""
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            self._sweep()
            try:
                await self._share_out()
            except StoreError as problem:
                log.error("agents cannot be told what to run yet", extra={"problem": str(problem)})

    async def stop(self) -> None:
        """Say goodbye; they come again when there is a hub again."""
        self._stopping = True
        self._wake.set()
        await self._end(list(self._serving), Goodbye("the hub stops"), "the hub stops")

    def recheck(self, numbers: Collection[int]) -> None:
        """Let these series be run once at once, as far as agents that are linked run them."""
        for name, own in self._duties.runners(numbers).items():
            if name in self._links:
                self._links[name].tell(Recheck(tuple(own)))

    def alone(self, region: str, number: int) -> None:
        """Let canaries be asked where a series is run that fails here alone."""
        for name in self._duties.runners((number,)):
            if name in self._links:
                self._links[name].tell(Alone(region, number))

    async def forget(self, name: str) -> bool:
        """Know an agent's key no longer; False if none was pinned by that name. Its link ends."""
        if not self._roll.forget(name):
            return False
        log.warning("an agent was forgotten", extra={"agent": name})
        done = self.pipeline.note(Noted(forgotten=(name,)))
        agent = self._links.get(name)
        if agent is not None:
            await self._end([agent], Refusal(0, 0, "retry", "it was forgotten, by request"), "forgotten")
        await asyncio.shield(done)
        return True

    # What links need of it, see `remote.Desk`.

    def now_us(self) -> int:
        """Return the hub's clock."""
        return self._wall_us()

    async def admit(self, challenge: Challenge, hello: Hello) -> AgentRow:
        """Return who it is, once that is on record. Raises Stranger, or TimeoutError while nothing can be stored."""
        is_new = self._roll.row(hello.agent) is None
        row = self._roll.admit(challenge, hello, self._wall_us())
        done = self.pipeline.note(Noted(agents=(row,)))
        if is_new:
            log.info("a new agent is known from now on", extra={"agent": row.name, "region": row.region})
            self._enrolling[row.name] = done
            done.add_done_callback(lambda _done: self._enrolling.pop(row.name, None))
        if (waited := self._enrolling.get(row.name)) is not None:
            async with asyncio.timeout(ENROL_SECONDS):
                await asyncio.shield(waited)
        return row

    def joined(self, agent: RemoteAgent) -> None:
        """Take a link as its agent's; an older one of the same agent is dead, or of a copy of it."""
        before = self._links.get(agent.name)
        self._links[agent.name] = agent
        if before is not None and before in self._serving:
            log.warning(
                "another link of this agent took the place of the one before", extra={"agent": agent.name}
            )
            self._serving[before].cancel()
        self._roll.joined(agent, self._wall_us())
        log.info("an agent is linked", extra={"agent": agent.name, "region": agent.access.region})
        self._wake.set()

    def left(self, agent: RemoteAgent) -> None:
        """Note that a link has ended."""
        if self._links.get(agent.name) is not agent:
            return
        del self._links[agent.name]
        self._twins.forget(agent.name)
        if (row := self._roll.left(agent, self._wall_us())) is not None:
            self.pipeline.note(Noted(agents=(row,)))
        log.info("the link of an agent has ended", extra={"agent": agent.name, "region": agent.access.region})
        self._wake.set()

    def faults(self, agent: RemoteAgent, batch: Batch) -> Iterator[str]:
        """Yield what of a batch cannot be."""
        return faults(batch, agent.name, agent.access.region, self.hub, self._series, self._wall_us())

    async def meet(self, agent: RemoteAgent, batch: Batch) -> None:
        """Let those that saw better in the same slots be judged first, where agents run all probes of a region."""
        if self._duties.is_shared(agent.access.region):
            return
        region = agent.access.region
        others = [
            name
            for name, other in self._links.items()
            if other is not agent and other.access.region == region
        ]
        await self._twins.meet(agent.name, others, batch, self._series)

    def taken(self, agent: RemoteAgent, batch: Batch) -> None:
        """Note a batch that was taken and is on its way to the record."""
        assert agent.row is not None
        now_us = self._wall_us()
        self._roll.upkeep(agent.row).taken(batch, now_us)
        own = {name: watch for name, watch in self._view.regions.items() if name == agent.access.region}
        note_cutoffs(own, batch.cutoffs, now_us)
        for record in batch.records:
            if record.kind == Kind.SCHEDULED:
                self._taken[record.series] = max(record.slot, self._taken.get(record.series, -1))
        for gap in batch.gaps:
            self._taken[gap.series] = max(gap.last, self._taken.get(gap.series, -1))

    def on_record(self, agent: RemoteAgent, batch: Batch) -> None:
        """Note a batch that is on record; one of an agent with nothing more to tell shows what never came."""
        assert agent.row is not None
        self._roll.upkeep(agent.row).on_record(batch, self._wall_us())
        if has_nothing_waiting(batch):
            # What it says of its spool was true when it was sealed: of the epochs before its own.
            for epoch in self.pipeline.chains.unfinished(agent.name, batch.epoch):
                reason = "the last batches of this epoch never came"
                log.error(reason, extra={"agent": agent.name, "epoch": epoch})
                self._keep_aside(agent, epoch, 0, b"", reason)

    def put_aside(
        self, agent: RemoteAgent, sealed: Sealed, data: bytes, reason: str
    ) -> asyncio.Future[None] | None:
        """Keep a batch aside; the future ends when it is on record. None: this agent had too many of them."""
        bucket = self._asides.setdefault(agent.name, Bucket(ASIDE))
        if len(self._asides) > MAX_BUCKETS:
            del self._asides[next(iter(self._asides))]
        if not bucket.has(1, time.monotonic()):
            return None
        self.pipeline.chains.put_aside(agent.name, sealed.epoch)
        return self._keep_aside(agent, sealed.epoch, sealed.sequence, data, reason)

    def _keep_aside(
        self, agent: RemoteAgent, epoch: int, sequence: int, data: bytes, reason: str
    ) -> asyncio.Future[None]:
        assert agent.row is not None
        self._roll.upkeep(agent.row).view.aside += 1
        if len(data) > MAX_ASIDE_BYTES:
            reason += f" (of {len(data)} bytes the first {MAX_ASIDE_BYTES} are kept)"
            data = data[:MAX_ASIDE_BYTES]
        row = AsideRow(
            agent=agent.name, region=agent.access.region, epoch=epoch, sequence=sequence,
            noted_us=self._wall_us(), reason=reason, data=data,
        )  # fmt: skip
        return self.pipeline.note(Noted(aside=(row,)))

    async def _share_out(self) -> None:
        shares = self._duties.share_out(self._roll.presences(self._links.values()), _steady_us())
        due = [
            (agent, series)
            for agent in self._links.values()
            if agent.assigned != self._duty(series := shares.get(agent.name, ()))
        ]
        if not due:
            return
        slots = await self._store.last_slots()
        # Who runs something already gives it up before others begin with it.
        due.sort(key=lambda each: _has_more(*each))
        for agent, series in due:
            going_on = resumed(series, self._wall_us(), slots, self._taken)
            told = assignment(self._config, self._origin, going_on, [agent.access.region])
            if agent.tell(told):
                agent.assigned = self._duty(series)
                self._roll.show_duty(agent, len(series))
            elif agent in self._serving:
                log.error("an agent takes nothing; its link ends", extra={"agent": agent.name})
                self._serving[agent].cancel()

    def _duty(self, series: Iterable[wire.Series]) -> tuple[int, frozenset[int]]:
        return self._version, frozenset(each.number for each in series)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._swept, now_us = time.monotonic(), self._wall_us()
        gone = tuple(name for name in self._roll.sweep(now_us) if name not in self._links)
        for name in gone:
            self._roll.forget(name)
        seen = tuple(row for name in self._links if (row := self._roll.seen_anew(name, now_us)) is not None)
        if gone or seen:
            self.pipeline.note(Noted(agents=seen, forgotten=gone))

    async def _end(self, agents: Sequence[RemoteAgent], message: wire.Message, reason: str) -> None:
        await asyncio.gather(*(agent.end(message, reason) for agent in agents))
        for agent in agents:
            if agent in self._serving:
                self._serving[agent].cancel()


def _has_more(agent: RemoteAgent, series: Iterable[wire.Series]) -> bool:
    before = agent.assigned[1] if agent.assigned is not None else frozenset()
    return any(each.number not in before for each in series)


def _steady_us() -> int:
    return time.monotonic_ns() // 1000
