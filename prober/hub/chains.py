"""Whether a batch follows those that are on record: the next one, one that came before, or none of ours. Pure.

Rules. Within an epoch sequences have no hole and each batch names the hash of the one before. The first batch of an
epoch names the last one of the epoch before; epochs may come in side by side, so that is held against the record
once all of the epoch before is on it. A batch that stands for others (`first_sequence`) may reach back over what
came already. What does not follow changes nothing here: the right batch is still taken when it comes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from prober.store.base import Receipt
from prober.wire import Batch, Position

MAX_EPOCHS = 2_000  # remembered of one agent; of more, one that is complete is forgotten
MAX_CHAINS = 100_000  # epochs remembered over all agents; of more, one of the agent with the most of them
MAX_RECENT = 64  # hashes remembered of an epoch, to tell a repeated batch from another one in its place
MAX_EPOCH = 2**63
MAX_ASIDE = 200  # epochs of one agent remembered of which something was put aside
HASH_BYTES = 32


class Fate(Enum):
    """What to do with a batch."""

    NEXT = "next"  # take it
    AGAIN = "again"  # it is on record, or on its way there: acknowledge it, count nothing
    BROKEN = "broken"  # keep it aside


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of a batch, why it is broken, and what is odd about one that is taken all the same."""

    fate: Fate
    reason: str = ""
    note: str = ""


@dataclass(slots=True)
class _Chain:
    sequence: int
    hash: bytes
    recent: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    ended: bytes | None = None  # the hash that a later epoch names as the last of this one
    reported: bool = False  # that the end never came
    recorded: tuple[int, bytes] | None = None  # sequence and hash of the newest that is committed

    @property
    def is_complete(self) -> bool:
        return self.ended is not None and self.ended == self.hash


@dataclass(slots=True)
class _Epochs:
    """What is known of one agent: what one does costs no other its chains."""

    # The one that moved last is the last.
    chains: OrderedDict[int, _Chain] = field(default_factory=OrderedDict)
    aside: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def forget_one(self) -> None:
        """Forget the complete epoch that moved longest ago; without one, any that did."""
        found = next((epoch for epoch, chain in self.chains.items() if chain.is_complete), None)
        del self.chains[next(iter(self.chains)) if found is None else found]


class Chains:
    """The newest batch of every epoch of every agent."""

    def __init__(self) -> None:
        self._agents: dict[str, _Epochs] = {}
        self._count = 0  # chains of all

    def restore(self, receipts: Iterable[Receipt], aside: Iterable[tuple[str, int]] = ()) -> None:
        """Begin from what is on record; `aside` names the epochs of which something was put aside."""
        for receipt in receipts:
            chain = _Chain(receipt.sequence, receipt.hash, recorded=(receipt.sequence, receipt.hash))
            chain.recent[receipt.sequence] = receipt.hash
            self._keep(receipt.agent, receipt.epoch, chain)
        for agent, epoch in aside:
            self.put_aside(agent, epoch)

    def judge(self, batch: Batch, digest: bytes) -> Verdict:
        """Return what to do with a batch whose encoded message has this hash. Changes nothing."""
        if reason := _shape(batch):
            return Verdict(Fate.BROKEN, reason)
        chain = self._chain(batch.agent, batch.epoch)
        if chain is not None and batch.sequence <= chain.sequence:
            known = chain.recent.get(batch.sequence)
            if known is not None and known != _hash(batch, digest):
                return Verdict(Fate.BROKEN, "another batch was taken under this number")
            return Verdict(Fate.AGAIN)
        if chain is None:
            return self._judge_first(batch)
        reason = _does_not_follow(batch, chain)
        return Verdict(Fate.BROKEN, reason) if reason else Verdict(Fate.NEXT)

    def advance(self, batch: Batch, digest: bytes) -> Receipt:
        """Go on to a batch that was judged to be the next one; returns its receipt."""
        chain = self._chain(batch.agent, batch.epoch)
        if chain is None:
            chain = _Chain(0, b"")
            before = self._chain(batch.agent, batch.previous_epoch)
            if before is not None and before.ended is None:
                # One that was set back names an earlier batch; it does not go on with that epoch either.
                is_known = batch.previous in before.recent.values()
                before.ended = before.hash if is_known else batch.previous
        chain.sequence, chain.hash = batch.sequence, _hash(batch, digest)
        chain.recent[chain.sequence] = chain.hash
        if len(chain.recent) > MAX_RECENT:
            chain.recent.popitem(last=False)
        self._keep(batch.agent, batch.epoch, chain)
        return Receipt(agent=batch.agent, epoch=batch.epoch, sequence=chain.sequence, hash=chain.hash)

    def on_record(self, receipt: Receipt) -> None:
        """Note that what was gone on to is committed."""
        chain = self._chain(receipt.agent, receipt.epoch)
        if chain is not None:
            chain.recorded = receipt.sequence, receipt.hash

    def put_aside(self, agent: str, epoch: int) -> None:
        """Note that something of this epoch was put aside: how it went on is not known here."""
        aside = self._agents.setdefault(agent, _Epochs()).aside
        aside[epoch] = None
        if len(aside) > MAX_ASIDE:
            aside.popitem(last=False)

    def positions(self, agent: str) -> tuple[Position, ...]:
        """Return the newest batch on record of each epoch of an agent, oldest epoch first."""
        found = [
            (epoch, chain.recorded)
            for epoch, chain in self._epochs(agent).chains.items()
            if chain.recorded is not None
        ]
        return tuple(Position(epoch, *recorded) for epoch, recorded in sorted(found))

    def unfinished(self, agent: str, before: int = 1 << 63) -> list[int]:
        """Return the epochs before one whose last batch never came, each once; for an agent without more of them."""
        epochs, found = self._epochs(agent), []
        for epoch, chain in epochs.chains.items():
            if epoch < before and chain.ended is not None and not chain.is_complete and not chain.reported:
                chain.reported = True
                if epoch not in epochs.aside:
                    found.append(epoch)
        return found

    def _judge_first(self, batch: Batch) -> Verdict:
        first = batch.first_sequence or batch.sequence
        if first > 1:
            return Verdict(Fate.BROKEN, f"does not follow batch 0: {_missing(1, first - 1)}")
        if not batch.previous_epoch:
            known = bool(self._epochs(batch.agent).chains)
            return Verdict(Fate.NEXT, note="begins without a word of the epochs before" if known else "")
        before = self._chain(batch.agent, batch.previous_epoch)
        if before is None or batch.previous_epoch in self._epochs(batch.agent).aside:
            return Verdict(Fate.NEXT)
        return _judge_link(batch, before)

    def _epochs(self, agent: str) -> _Epochs:
        return self._agents.get(agent) or _Epochs()

    def _chain(self, agent: str, epoch: int) -> _Chain | None:
        return self._epochs(agent).chains.get(epoch)

    def _keep(self, agent: str, epoch: int, chain: _Chain) -> None:
        own = self._agents.setdefault(agent, _Epochs())
        self._count += epoch not in own.chains
        own.chains[epoch] = chain
        own.chains.move_to_end(epoch)
        if len(own.chains) > MAX_EPOCHS:
            largest = own
        elif self._count > MAX_CHAINS:
            largest = max(self._agents.values(), key=lambda each: len(each.chains))
        else:
            return
        largest.forget_one()
        self._count -= 1


def has_nothing_waiting(batch: Batch) -> bool:
    """Say whether its agent had nothing else to deliver when a batch was sealed."""
    return batch.spool is not None and batch.spool.batches == 0


def _shape(batch: Batch) -> str:
    """Return what a batch says of its own place that cannot be."""
    first = batch.first_sequence
    if not (1 <= batch.sequence < MAX_EPOCH and 1 <= batch.epoch < MAX_EPOCH):
        return "is of no epoch, or has no number in it"
    if bool(first) is not bool(batch.stands_for):
        return "does not say both which batches it stands for and the hash of the last of them"
    if first and not (1 <= first <= batch.sequence and len(batch.stands_for) == HASH_BYTES):
        return f"cannot stand for batches {first} to {batch.sequence}"
    if first and batch.records:
        return "stands for results that were given up, and has results"
    if (first or batch.sequence) > 1:
        return "a batch that is not its epoch's first names another epoch" if batch.previous_epoch else ""
    if bool(batch.previous_epoch) is not bool(batch.previous):
        return (
            "names an epoch before, but no batch of it"
            if batch.previous_epoch
            else "names a batch of no epoch"
        )
    return "" if 0 <= batch.previous_epoch < batch.epoch else "names a later epoch as the one before"


def _does_not_follow(batch: Batch, chain: _Chain) -> str:
    first = batch.first_sequence or batch.sequence
    before = f"does not follow batch {chain.sequence}"
    if first > chain.sequence + 1:
        return f"{before}: {_missing(chain.sequence + 1, first - 1)}"
    if chain.is_complete:
        return f"{before}: a later epoch names that one as the last"
    named = chain.hash if first == chain.sequence + 1 else chain.recent.get(first - 1, batch.previous)
    return "" if batch.previous == named else f"{before}: it names another one"


def _judge_link(batch: Batch, before: _Chain) -> Verdict:
    if before.ended is not None and before.ended != batch.previous:
        return Verdict(Fate.BROKEN, f"another epoch names another end of epoch {batch.previous_epoch}")
    if batch.previous == before.hash:
        return Verdict(Fate.NEXT)
    if batch.previous in before.recent.values():
        # An agent that was set back to a copy of its own past: nothing is missing here.
        return Verdict(Fate.NEXT, note=f"knows less of epoch {batch.previous_epoch} than is on record")
    if has_nothing_waiting(batch):
        return Verdict(Fate.BROKEN, f"names another end of epoch {batch.previous_epoch} than is on record")
    return Verdict(Fate.NEXT)


def _missing(first: int, last: int) -> str:
    return f"batch {first} is missing" if first == last else f"batches {first} to {last} are missing"


def _hash(batch: Batch, digest: bytes) -> bytes:
    return batch.stands_for or digest
