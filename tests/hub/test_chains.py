"""Whether a batch follows what is on record: counted once in any order and repetition; tampered with, kept aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_agent import Chain, new_chain
from support.scripted_agent import record as a_record

from prober import wire
from prober.hub.chains import MAX_RECENT, Chains, Fate, has_nothing_waiting
from prober.store.base import Receipt
from prober.wire import Batch, Gap, Record, SpoolState

QUIET = SpoolState(batches=0, results=0, bytes=0, oldest_us=0)
BUSY = SpoolState(batches=1, results=1, bytes=9, oldest_us=1)
OTHER = b"o" * 32


def records(number: int = 1) -> list[Record]:
    return [a_record(1, slot, 1_000_000 * slot) for slot in range(number)]


@dataclass(slots=True)
class Hub:
    """Chains with what was taken: a batch that is judged to be the next one is gone on to."""

    chains: Chains = field(default_factory=Chains)
    taken: list[tuple[int, int]] = field(default_factory=list)

    def offer(self, batch: Batch) -> Fate:
        digest = wire.digest(wire.encode(batch))
        fate = self.chains.judge(batch, digest).fate
        if fate is Fate.NEXT:
            self.chains.on_record(self.chains.advance(batch, digest))
            self.taken.append((batch.epoch, batch.sequence))
        return fate

    def reason(self, batch: Batch) -> str:
        return self.chains.judge(batch, wire.digest(wire.encode(batch))).reason


def batches(chain: Chain, *lengths: int) -> list[Batch]:
    """Epochs of so many batches, in the order in which they were sealed."""
    made = []
    for length in lengths:
        for _ in range(length):
            batch = chain.batch(records(2))
            chain.seal(batch)
            made.append(batch)
        chain.begin_epoch()
    return made


def place(batch: Batch) -> tuple[int, int]:
    return batch.epoch, batch.sequence


# Order and repetition.


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_any_order_and_repetition_counts_each_batch_once(lengths: list[int], data: st.DataObject) -> None:
    """However they come, none is counted twice, and once each came in its epoch's order all are counted."""
    made, hub = batches(new_chain(), *lengths), Hub()
    for batch in data.draw(st.lists(st.sampled_from(made), max_size=40)):
        before = list(hub.taken)
        fate = hub.offer(batch)
        assert (fate is Fate.AGAIN) == (place(batch) in before)
    for _ in range(max(lengths)):
        for batch in data.draw(st.permutations(made)):
            hub.offer(batch)
    assert sorted(hub.taken) == sorted(place(batch) for batch in made)
    for epoch in {batch.epoch for batch in made}:
        order = [number for of, number in hub.taken if of == epoch]
        assert order == sorted(order)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=3), st.data())
def test_epochs_come_in_side_by_side_and_no_batch_of_a_sound_chain_is_broken(
    lengths: list[int], data: st.DataObject
) -> None:
    """Each epoch in its own order, mixed in any way, with batches that come again."""
    hub, made = Hub(), batches(new_chain(), *lengths)
    waiting = {
        epoch: [batch for batch in made if batch.epoch == epoch] for epoch in {each.epoch for each in made}
    }
    while waiting:
        epoch = data.draw(st.sampled_from(sorted(waiting)))
        assert hub.offer(waiting[epoch].pop(0)) is Fate.NEXT
        again = data.draw(st.sampled_from(hub.taken))
        assert hub.offer(next(batch for batch in made if place(batch) == again)) is Fate.AGAIN
        waiting = {each: lane for each, lane in waiting.items() if lane}
    assert sorted(hub.taken) == sorted(place(batch) for batch in made)


def test_agents_know_nothing_of_each_other() -> None:
    hub = Hub()
    for chain in (new_chain("a"), new_chain("b")):
        assert [hub.offer(batch) for batch in batches(chain, 2)] == [Fate.NEXT] * 2


def test_a_restart_goes_on_where_the_record_ends() -> None:
    made, hub, again = batches(new_chain(), 3, 2), Hub(), Hub()
    for batch in made:
        hub.offer(batch)
    again.chains.restore(
        Receipt(agent="fra-1", epoch=position.epoch, sequence=position.sequence, hash=position.hash)
        for position in hub.chains.positions("fra-1")
    )
    assert [again.offer(batch) for batch in made] == [Fate.AGAIN] * 5


# Tampering.

_CHANGES = st.sampled_from(["records", "gaps", "previous", "sequence", "digest", "complete_us"])


def tampered(batch: Batch, what: str) -> Batch:
    changes: dict[str, Any] = {
        "records": (*batch.records, a_record(1, 99, 99_000_000)),
        "gaps": (Gap(1, 5, 6, "dropped"),),
        "previous": OTHER,
        "sequence": batch.sequence + 1,
        "digest": "e" * 64,
        "complete_us": batch.complete_us + 1,
    }
    return msgspec.structs.replace(batch, **{what: changes[what]})


@given(st.integers(2, 6), st.data())
def test_a_chain_with_one_batch_tampered_with_goes_no_further_than_before_it(
    length: int, data: st.DataObject
) -> None:
    """The one itself is aside if it does not follow; else the next one is, for it names another hash."""
    made, hub = batches(new_chain(), length), Hub()
    at = data.draw(st.integers(0, length - 2))
    what = data.draw(_CHANGES)
    fates = [hub.offer(tampered(batch, what) if number == at else batch) for number, batch in enumerate(made)]
    first_broken = fates.index(Fate.BROKEN)
    assert first_broken in (at, at + 1)
    assert all(fate is Fate.NEXT for fate in fates[:first_broken])
    assert all(fate is Fate.BROKEN for fate in fates[first_broken:])


@given(st.integers(1, 5), st.data())
def test_another_batch_in_the_place_of_one_that_was_taken_is_aside(length: int, data: st.DataObject) -> None:
    made, hub = batches(new_chain(), length), Hub()
    for batch in made:
        hub.offer(batch)
    what = data.draw(st.sampled_from(["records", "gaps", "digest", "complete_us"]))
    forged = tampered(data.draw(st.sampled_from(made)), what)
    assert hub.offer(forged) is Fate.BROKEN
    assert hub.reason(forged) == "another batch was taken under this number"
    assert [hub.offer(batch) for batch in made] == [Fate.AGAIN] * length


def test_what_is_broken_changes_nothing_and_the_right_one_is_still_taken() -> None:
    first, second, third = batches(new_chain(), 3)
    hub = Hub()
    assert hub.offer(first) is Fate.NEXT
    assert hub.offer(third) is Fate.BROKEN
    assert hub.reason(third) == "does not follow batch 1: batch 2 is missing"
    assert hub.offer(tampered(second, "previous")) is Fate.BROKEN
    assert [hub.offer(batch) for batch in (second, third)] == [Fate.NEXT] * 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sequence": 3}, "does not follow batch 0: batches 1 to 2 are missing"),
        ({"sequence": 0}, "is of no epoch, or has no number in it"),
        ({"sequence": 2**63}, "is of no epoch, or has no number in it"),
        ({"epoch": 0}, "is of no epoch, or has no number in it"),
        ({"epoch": 2**63}, "is of no epoch, or has no number in it"),
        ({"previous": OTHER}, "names a batch of no epoch"),
        ({"previous_epoch": 4}, "names an epoch before, but no batch of it"),
        ({"previous_epoch": 10, "previous": OTHER}, "names a later epoch as the one before"),
        ({"previous_epoch": -1, "previous": OTHER}, "names a later epoch as the one before"),
    ],
)
def test_a_first_batch_that_cannot_be_one_is_aside(changes: dict[str, Any], reason: str) -> None:
    chain = new_chain()
    chain.epoch = 10
    assert Hub().reason(chain.batch(records(), **changes)) == reason


def test_a_batch_in_the_middle_names_no_other_epoch() -> None:
    hub, chain = Hub(), new_chain()
    hub.offer(batch := chain.batch(records()))
    chain.seal(batch)
    bad = chain.batch(records(), previous_epoch=chain.epoch - 1)
    assert hub.reason(bad) == "a batch that is not its epoch's first names another epoch"


# Links between epochs.


def linked(
    lengths: tuple[int, int], spool: SpoolState | None, previous: bytes | None
) -> tuple[list[Batch], Batch]:
    """An epoch, and the first batch of the next one that says what waits, and may name another end."""
    chain = new_chain()
    made = batches(chain, lengths[0])
    changes: dict[str, Any] = {"spool": spool} | ({"previous": previous} if previous is not None else {})
    return made, chain.batch(records(), **changes)


@pytest.mark.parametrize(
    ("spool", "previous", "fate"),
    [
        (QUIET, None, Fate.NEXT),
        (QUIET, OTHER, Fate.BROKEN),
        (BUSY, OTHER, Fate.NEXT),  # more of the epoch before may come
        (None, OTHER, Fate.NEXT),
    ],
)
def test_the_end_that_an_epoch_names_is_held_against_the_record_once_all_of_it_is_there(
    spool: SpoolState | None, previous: bytes | None, fate: Fate
) -> None:
    made, first = linked((3, 1), spool, previous)
    hub = Hub()
    for batch in made:
        hub.offer(batch)
    assert hub.offer(first) is fate
    if fate is Fate.BROKEN:
        assert "names another end of epoch" in hub.reason(first)


def test_two_epochs_cannot_name_different_ends_of_the_same_one() -> None:
    made, first = linked((2, 1), BUSY, None)
    hub = Hub()
    for batch in (*made, first):
        assert hub.offer(batch) is Fate.NEXT
    rival = msgspec.structs.replace(first, epoch=first.epoch + 1, previous=OTHER)
    assert hub.offer(rival) is Fate.BROKEN
    assert "another epoch names another end" in hub.reason(rival)


def test_nothing_follows_the_batch_that_a_later_epoch_names_as_the_last() -> None:
    chain, hub = new_chain(), Hub()
    hub.offer(first := chain.batch(records()))
    chain.seal(first)
    more = chain.batch(records())
    chain.begin_epoch()
    assert hub.offer(chain.batch(records())) is Fate.NEXT
    assert hub.offer(more) is Fate.BROKEN
    assert "a later epoch names that one as the last" in hub.reason(more)


def test_an_epoch_whose_last_batch_never_came_is_told_of_once() -> None:
    made, first = linked((3, 1), BUSY, None)
    hub = Hub()
    for batch in (*made[:2], first):
        hub.offer(batch)
    assert hub.chains.unfinished("other") == hub.chains.unfinished("fra-1", made[0].epoch) == []
    assert hub.chains.unfinished("fra-1") == [made[0].epoch]
    assert hub.chains.unfinished("fra-1") == []


def test_a_complete_epoch_is_not_told_of() -> None:
    made, first = linked((3, 1), BUSY, None)
    hub = Hub()
    for batch in (*made, first):
        hub.offer(batch)
    assert hub.chains.unfinished("fra-1") == []


def test_after_something_was_put_aside_the_agent_goes_on_in_a_new_epoch() -> None:
    made, first = linked((3, 1), QUIET, None)
    hub = Hub()
    hub.offer(made[0])
    hub.chains.put_aside("fra-1", made[0].epoch)
    assert hub.offer(first) is Fate.NEXT
    assert hub.chains.unfinished("fra-1") == []


def test_an_agent_set_back_to_a_copy_of_its_past_is_taken_and_noted() -> None:
    chain, hub = new_chain(), Hub()
    made = batches(chain, 4)
    for batch in made:
        hub.offer(batch)
    first = chain.batch(records(), previous=made[2].previous, spool=QUIET)
    verdict = hub.chains.judge(first, wire.digest(wire.encode(first)))
    assert (verdict.fate, "knows less" in verdict.note) == (Fate.NEXT, True)
    assert hub.offer(first) is Fate.NEXT
    assert hub.chains.unfinished("fra-1") == []


def test_an_agent_that_lost_its_spool_is_taken_and_noted() -> None:
    hub, chain = Hub(), new_chain()
    for batch in batches(chain, 2):
        hub.offer(batch)
    fresh = chain.batch(records(), previous=b"", previous_epoch=0)
    assert "without a word" in hub.chains.judge(fresh, b"").note
    assert hub.offer(fresh) is Fate.NEXT


# Batches that stand for others.


def stub(chain: Chain, first: int, last: int, made: list[Batch], **changes: Any) -> Batch:
    """What stands for batches `first` to `last` of a chain."""
    stands_for = wire.digest(wire.encode(made[last - 1]))
    plain: dict[str, Any] = {
        "sequence": last, "first_sequence": first, "stands_for": stands_for, "previous": made[first - 1].previous,
    }  # fmt: skip
    return msgspec.structs.replace(chain.batch([], [Gap(1, 0, 9, "dropped")]), epoch=made[0].epoch, previous_epoch=0,
                                   **(plain | changes))  # fmt: skip


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 5))
def test_what_was_given_up_is_one_batch_and_the_chain_holds(first: int, length: int, known: int) -> None:
    """Whatever of it was on record already, for its acknowledgement may have been lost."""
    chain, hub = new_chain(), Hub()
    last = first + length - 1
    made = batches(chain, last + 1)
    known = max(min(known, last), first - 1)
    for batch in made[:known]:
        hub.offer(batch)
    stands = stub(chain, first, last, made)
    assert hub.offer(stands) is (Fate.AGAIN if known == last else Fate.NEXT)
    assert hub.offer(stands) is Fate.AGAIN
    assert hub.offer(made[last]) is Fate.NEXT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stands_for": b""}, "does not say both"),
        ({"first_sequence": 0}, "does not say both"),
        ({"stands_for": b"short"}, "cannot stand for batches 2 to 3"),
        ({"first_sequence": 4}, "cannot stand for batches 4 to 3"),
        ({"first_sequence": -1}, "cannot stand for batches -1 to 3"),
        ({"first_sequence": 3}, "batch 2 is missing"),
        ({"previous": OTHER}, "it names another one"),
        ({"records": tuple(records())}, "and has results"),
    ],
)
def test_a_batch_that_cannot_stand_for_others_is_aside(changes: dict[str, Any], reason: str) -> None:
    chain, hub = new_chain(), Hub()
    made = batches(chain, 4)
    hub.offer(made[0])
    assert reason in hub.reason(stub(chain, 2, 3, made, **changes))


def test_one_that_reaches_back_over_what_is_known_names_the_right_batch_before() -> None:
    chain, hub = new_chain(), Hub()
    made = batches(chain, 5)
    for batch in made[:3]:
        hub.offer(batch)
    assert "names another one" in hub.reason(stub(chain, 2, 4, made, previous=OTHER))
    assert hub.offer(stub(chain, 2, 4, made)) is Fate.NEXT


# Limits.


def test_only_the_newest_hashes_are_remembered() -> None:
    chain, hub = new_chain(), Hub()
    made = batches(chain, MAX_RECENT + 1)
    for batch in made:
        hub.offer(batch)
    assert hub.offer(tampered(made[1], "digest")) is Fate.BROKEN
    assert (
        hub.offer(tampered(made[0], "digest")) is Fate.AGAIN
    )  # not counted, but no longer told from the real one


def test_only_what_is_committed_is_told_to_an_agent() -> None:
    chains, chain = Chains(), new_chain()
    made = batches(chain, 2)
    receipts = [chains.advance(batch, wire.digest(wire.encode(batch))) for batch in made]
    assert chains.positions("fra-1") == ()
    chains.on_record(receipts[0])
    (position,) = chains.positions("fra-1")
    assert (position.sequence, position.hash) == (1, receipts[0].hash)


@pytest.mark.parametrize(("spool", "expected"), [(QUIET, True), (BUSY, False), (None, False)])
def test_an_agent_says_itself_whether_anything_waits(spool: SpoolState | None, expected: bool) -> None:
    assert has_nothing_waiting(new_chain().batch([], spool=spool)) is expected
