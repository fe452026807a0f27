"""Batches are chained, signed, opened within limits only; what stands for dropped ones accounts for their slots."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.spooling import HUB, NOW_US, content, record, slot_content

from prober import wire
from prober.agent import sealing
from prober.agent.keys import AgentKey
from prober.agent.sealing import Sealer, Stub, TooLarge, content_of, given_up, halves, open_sealed
from prober.wire import Batch, ClockEvent, Cutoff, Gap, Kind, Sealed, SpoolState, WireError

KEY = AgentKey.make()
STATE = SpoolState(batches=1, results=2, bytes=3, oldest_us=4)


def made(count: int, sealer: Sealer | None = None) -> list[tuple[Batch, bytes]]:
    """Return batches of a chain, each with the hash that the next one names."""
    sealer = sealer or Sealer("iad-1", KEY, 7)
    found = []
    for slot in range(count):
        sealed, hash = sealer.seal(slot_content(slot), STATE)
        found.append((open_sealed(sealed, KEY.public)[0], hash))
    return found


def nested() -> bytes:
    """Return a batch with a fact that is a list in a list in a list and so on."""
    sealed, _ = Sealer("iad-1", KEY, 1).seal(content([record(1, 1, filling="HERE")]), STATE)
    return open_sealed(sealed, KEY.public)[1].replace(b"\xa4HERE", b"\x91" * 100_000 + b"\xc0")


def test_batches_are_numbered_and_each_names_the_hash_of_the_one_before() -> None:
    sealer = Sealer("iad-1", KEY, 7, previous=b"p" * 32, previous_epoch=3)
    first, second = (sealer.seal(slot_content(slot), STATE) for slot in (1, 2))
    one, body = open_sealed(first[0], KEY.public)
    two, _ = open_sealed(second[0], KEY.public)
    assert (one.epoch, one.sequence, one.previous, one.previous_epoch) == (7, 1, b"p" * 32, 3)
    assert (two.epoch, two.sequence, two.previous, two.previous_epoch) == (7, 2, wire.digest(body), 0)
    assert first[1] == wire.digest(body) == wire.digest(wire.encode(one))


def test_a_batch_says_what_it_was_given_and_when_its_results_began() -> None:
    told = replace(
        slot_content(5), gaps=(Gap(9, 1, 2, "late"),), complete_us=77, clock=wire.ClockState(1, 2, 3)
    )
    told = replace(told, records=(*told.records, record(1, 2)), cutoffs=(Cutoff("iad", 1, False, ("x",)),))
    batch, _ = open_sealed(Sealer("iad-1", KEY, 7).seal(told, STATE)[0], KEY.public)
    assert content_of(batch) == told
    assert (batch.agent, batch.hub, batch.spool) == ("iad-1", HUB, STATE)
    assert (batch.from_us, batch.until_us) == (NOW_US + 2_000_000, NOW_US + 5_000_000)
    empty, _ = open_sealed(Sealer("iad-1", KEY, 7).seal(content(), STATE)[0], KEY.public)
    assert (empty.from_us, empty.until_us) == (0, 0)


def test_what_is_too_large_changes_nothing_and_comes_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MAX_BODY", 2000)
    sealer = Sealer("iad-1", KEY, 7)
    told = replace(content([record(1, slot) for slot in range(40)], [Gap(2, 0, 5, "late")]), complete_us=9)
    with pytest.raises(TooLarge):
        sealer.seal(told, STATE)
    assert (sealer.sequence, sealer.previous) == (0, b"")
    first, second = halves(told)
    assert first.records + second.records == told.records
    assert (first.gaps, first.complete_us) == ((), 0)
    assert (second.gaps, second.complete_us) == (told.gaps, 9)
    alone = content([record(1, 8, filling="x" * 4000)])
    assert halves(alone) == (content(gaps=[Gap(1, 8, 8, "dropped")]),)


@pytest.mark.parametrize("place", ["packed", "signature"])
def test_a_batch_with_any_byte_changed_is_refused(place: str) -> None:
    sealed, _ = Sealer("iad-1", KEY, 7).seal(slot_content(1), STATE)
    whole = getattr(sealed, place)
    for at in range(len(whole)):
        spoiled = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        with pytest.raises(WireError, match=r"signature|unpacked"):
            open_sealed(msgspec.structs.replace(sealed, **{place: spoiled}), KEY.public)


def test_a_batch_of_another_key_or_under_another_number_is_refused() -> None:
    sealed, _ = Sealer("iad-1", KEY, 7).seal(slot_content(1), STATE)
    with pytest.raises(WireError, match="not by the key of its agent"):
        open_sealed(sealed, AgentKey.make().public)
    for other in (
        Sealed(8, 1, sealed.packed, sealed.signature),
        Sealed(7, 2, sealed.packed, sealed.signature),
    ):
        with pytest.raises(WireError, match="says it is 7/1 came as"):
            open_sealed(other, KEY.public)


def test_few_bytes_that_stand_for_very_many_are_not_unpacked() -> None:
    bomb = zlib.compress(bytes(200 * 1024 * 1024), 9)
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="more than 4194304 bytes"):
            open_sealed(Sealed(1, 1, bomb, b""), KEY.public)
        assert tracemalloc.get_traced_memory()[1] < 3 * sealing.MAX_BODY
    finally:
        tracemalloc.stop()


def test_the_limit_is_the_last_size_that_is_taken() -> None:
    sealed, _ = Sealer("iad-1", KEY, 7).seal(slot_content(1), STATE)
    _, body = open_sealed(sealed, KEY.public)
    assert open_sealed(sealed, KEY.public, max_bytes=len(body))[1] == body
    with pytest.raises(WireError, match="more than"):
        open_sealed(sealed, KEY.public, max_bytes=len(body) - 1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no batch is in it: unknown message"),
        (b"?what", "no batch is in it: unknown message"),
        (wire.encode(wire.Ack(1, 1)), "no batch is in it, but a message b'K'"),
        (nested(), "nested too deeply"),
        (b"B" + os.urandom(40), "cannot read"),
    ],
    ids=["empty", "unknown", "another message", "nested", "noise"],
)
def test_what_is_signed_but_is_no_batch_is_refused_with_words(body: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason) as caught:
        open_sealed(Sealed(1, 1, zlib.compress(body), KEY.sign(body)), KEY.public)
    assert not isinstance(caught.value, wire.UnknownMessage)


@pytest.mark.parametrize("change", [lambda packed: packed[:-1], lambda packed: packed + b"x", lambda _: b""])
def test_what_is_cut_short_or_followed_by_something_is_refused(change) -> None:
    sealed, _ = Sealer("iad-1", KEY, 7).seal(slot_content(1), STATE)
    with pytest.raises(WireError, match="cut short"):
        open_sealed(msgspec.structs.replace(sealed, packed=change(sealed.packed)), KEY.public)


@given(st.binary(max_size=200), st.binary(max_size=70))
def test_any_bytes_are_refused_and_raise_nothing_else(packed: bytes, signature: bytes) -> None:
    with pytest.raises(WireError):
        open_sealed(Sealed(1, 1, packed, signature), KEY.public)


def test_a_stub_stands_in_the_chain_for_those_that_were_dropped() -> None:
    chain = made(6)
    stub = Stub()
    for batch, hash in chain[1:4]:
        stub.add(batch, hash)
    sealed, hash = stub.seal("iad-1", KEY, STATE)
    batch, _ = open_sealed(sealed, KEY.public)
    assert (batch.first_sequence, batch.sequence) == (2, 4)
    assert batch.previous == chain[0][1]
    assert batch.stands_for == hash == chain[4][0].previous
    assert batch.gaps == tuple(Gap(series, 1, 3, "dropped") for series in (1, 2, 3))
    assert (batch.records, batch.from_us, batch.until_us) == ((), 0, 0)


def test_a_stub_keeps_gaps_notes_and_the_link_to_the_epoch_before() -> None:
    sealer = Sealer("iad-1", KEY, 7, previous=b"p" * 32, previous_epoch=3)
    told = [
        replace(
            content([record(1, slot), record(1, slot, Kind.RETRY)], [Gap(1, slot + 1, slot + 1, "late")]),
            complete_us=slot,
            clock_events=(ClockEvent("step", slot, 1),),
            cutoffs=(Cutoff("iad", slot, False, ("none",)),),
        )
        for slot in range(0, 60, 2)
    ]
    stub = Stub()
    for one in told:
        sealed, hash = sealer.seal(one, STATE)
        stub.add(open_sealed(sealed, KEY.public)[0], hash)
    batch, _ = open_sealed(stub.seal("iad-1", KEY, STATE)[0], KEY.public)
    assert (batch.previous, batch.previous_epoch, batch.complete_us) == (b"p" * 32, 3, 58)
    reasons = {gap.first: gap.reason for gap in batch.gaps}
    assert reasons == {slot: "late" if slot % 2 else "dropped" for slot in range(60)}
    assert [event.at_us for event in batch.clock_events] == list(range(20, 60, 2))
    assert [cutoff.at_us for cutoff in batch.cutoffs] == list(range(20, 60, 2))


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), min_size=2, max_size=12), st.data())
def test_stubs_of_stubs_account_for_the_same_slots_as_one(
    slots: list[list[int]], data: st.DataObject
) -> None:
    """Every scheduled slot is dropped exactly once, however the dropping went on."""
    sealer, chain = Sealer("iad-1", KEY, 7), []
    for some in slots:
        sealed, hash = sealer.seal(content(record(1 + slot // 16, slot) for slot in some), STATE)
        chain.append((open_sealed(sealed, KEY.public)[0], hash))
    whole, rest = Stub(), list(chain)
    for batch, hash in chain:
        whole.add(batch, hash)
    while len(rest) > 1:
        count = data.draw(st.integers(2, len(rest)))
        stub = Stub()
        for batch, hash in rest[:count]:
            stub.add(batch, hash)
        sealed, hash = stub.seal("iad-1", KEY, STATE)
        rest[:count] = [(open_sealed(sealed, KEY.public)[0], hash)]
    once, _ = open_sealed(whole.seal("iad-1", KEY, STATE)[0], KEY.public)
    assert rest[0][0] == once
    named = [(gap.series, slot) for gap in once.gaps for slot in range(gap.first, gap.last + 1)]
    assert len(named) == len(set(named))
    assert set(named) == {(1 + slot // 16, slot) for some in slots for slot in some}
    assert not any(
        (one.series, one.last + 1) == (other.series, other.first) for one in once.gaps for other in once.gaps
    )


def test_what_is_given_up_leaves_the_slots_of_scheduled_runs() -> None:
    told = content(
        [record(1, 4), record(1, 4, Kind.RETRY), record(2, 9, Kind.RECHECK)], [Gap(3, 1, 2, "late")]
    )
    assert given_up(told).gaps == (Gap(3, 1, 2, "late"), Gap(1, 4, 4, "dropped"))
    assert given_up(told).records == ()
