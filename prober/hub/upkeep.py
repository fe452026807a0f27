"""What is shown of an agent is kept up as its batches come in: counts, health, clock, spool, how far it is complete.

Changes views in place, does no I/O. What an agent says of itself is cut to size here, for it may be anybody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from prober.wire import Batch, Cutoff, SpoolState

from .view import AgentView, RegionWatch

MAX_EVENTS = 20  # of an agent's clock that are shown
MAX_EVIDENCE = 16  # lines on one look at the canaries
MAX_WORDS = 200  # characters of one such line, or of what is wrong
MAX_WORD = 100  # characters of what is one word
AHEAD_US = 3_600_000_000  # what is dated further ahead is not believed


class Upkeep:
    """The view of one agent. Batches of old epochs come beside those of the newest, which alone tell of the present."""

    def __init__(self, view: AgentView) -> None:
        self.view = view
        self._newest = (0, 0)

    def taken(self, batch: Batch, now_us: int) -> None:
        """Show a batch that was taken, on record or not yet."""
        view = self.view
        view.last_batch_us = now_us
        view.batches += 1
        view.results += len(batch.records)
        if batch.clock_events:
            told = [
                replace(event, kind=_words(event.kind, MAX_WORD))
                for event in batch.clock_events[-MAX_EVENTS:]
            ]
            events = sorted([*view.clock_events, *told], key=lambda event: event.at_us)
            view.clock_events = tuple(events[-MAX_EVENTS:])
        if (batch.epoch, batch.sequence) > self._newest:
            self._newest = batch.epoch, batch.sequence
            view.health = batch.health
            view.clock = batch.clock or view.clock
            view.spool = _in_short(batch.spool) if batch.spool is not None else view.spool

    def on_record(self, batch: Batch, now_us: int) -> None:
        """Show that a batch, and all that came before it, was committed."""
        self.view.complete_us = max(self.view.complete_us, min(complete_us(batch, now_us), now_us))
        # An epoch is not older than the start of the agent that appends to it: an earlier life's leave is long over.
        self.view.left = batch.leaving and batch.epoch >= self.view.started_us


def complete_us(batch: Batch, now_us: int) -> int:
    """Return up to when all results are on record once this batch is.

    What was sealed before it may still wait on the agent's disk, in this epoch or in an older one: nothing is complete
    beyond the oldest result that does. An agent on this machine that says nothing of it delivers all it has.
    """
    reached_us = batch.complete_us or now_us
    waiting_us = batch.spool.oldest_us if batch.spool is not None else 0
    return min(reached_us, waiting_us) if waiting_us > 0 else reached_us


def note_cutoffs(watches: Mapping[str, RegionWatch], cutoffs: Iterable[Cutoff], now_us: int) -> None:
    """Show what was found when canaries were asked; the newest look at a region counts."""
    for cutoff in cutoffs:
        watch = watches.get(cutoff.region)
        if watch is not None and watch.asked_us < cutoff.at_us <= now_us + AHEAD_US:
            watch.asked_us, watch.cut_off = cutoff.at_us, not cutoff.reached
            watch.evidence = tuple(_words(words, MAX_WORDS) for words in cutoff.evidence[:MAX_EVIDENCE])


def watch_regions(
    watches: Mapping[str, RegionWatch], agents: Collection[AgentView], since_us: int, now_us: int
) -> None:
    """Show how far each region is complete: as far as every agent of it that was heard of since an instant.

    Of one that took its leave all is here, up to now; so is of a region whose agents were all forgotten.
    """
    reached = {name: now_us for name, watch in watches.items() if watch.complete_us}
    for name in {region for agent in agents for region in agent.regions}:
        reached.pop(name, None)
    for agent in agents:
        if agent.up or agent.left or max(agent.gone_us, agent.last_batch_us) >= since_us:
            complete_us = now_us if agent.left and not agent.up else agent.complete_us
            for region in agent.regions:
                reached[region] = min(reached.get(region, complete_us), complete_us)
    for name, watch in watches.items():
        watch.complete_us = max(watch.complete_us, reached.get(name, 0))


def settled_us(
    watches: Iterable[RegionWatch], agents: Iterable[AgentView], settle_after_us: int, now_us: int
) -> int:
    """Return up to when figures are final: as far as every region is complete that was heard of, or not waited for.

    0 where nobody was heard of.
    """
    served = {region for agent in agents for region in agent.regions}
    waited = [watch.complete_us for watch in watches if watch.complete_us or watch.name in served]
    return max(min(waited), now_us - settle_after_us) if waited else 0


def _in_short(spool: SpoolState) -> SpoolState:
    why, trouble = _words(spool.dropped_why, MAX_WORD), _words(spool.trouble, MAX_WORDS)
    return replace(spool, dropped_why=why, trouble=trouble)


def _words(told: str, most: int) -> str:
    return "".join(sign for sign in told[:most] if sign.isprintable())
