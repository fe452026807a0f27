"""What an agent has to tell is numbered, chained, bounded and kept until acknowledged."""

from __future__ import annotations

import msgspec
import pytest

from checks.core.result import Outcome, Result
from prober import wire
from prober.agent import outbox
from prober.agent.outbox import Outbox

HEALTH = wire.Health(worst_lag_us=0, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)
RESULT = Result(outcome=Outcome.PASS, started_us=1, duration_us=1, phases_us={})


def record(slot: int, kind: int = 0) -> wire.Record:
    return wire.Record(1, slot, kind, 0, RESULT)


def sealed(box: Outbox, even_empty: bool = False) -> tuple[wire.Batch, bytes] | None:
    data = box.seal(lambda: HEALTH, even_empty)
    if data is None:
        return None
    batch = wire.decode(data)
    assert isinstance(batch, wire.Batch)
    return batch, data


def test_nothing_to_tell_is_no_batch_unless_asked() -> None:
    box = Outbox("a", 1)
    assert sealed(box) is None
    assert sealed(box, even_empty=True) is not None


def test_batches_are_numbered_without_a_hole_and_name_the_one_before() -> None:
    box = Outbox("a", 1)
    box.add(record(1))
    first = sealed(box)
    box.add(record(2))
    second = sealed(box)
    assert first is not None
    assert second is not None
    assert (first[0].sequence, first[0].previous) == (1, b"")
    assert (second[0].sequence, second[0].previous) == (2, wire.digest(first[1]))


def test_at_most_a_window_of_batches_is_on_its_way() -> None:
    box = Outbox("a", 1)
    for slot in range(outbox.MAX_SEALED + 1):
        box.add(record(slot))
        made = sealed(box)
        assert (made is None) == (slot == outbox.MAX_SEALED)
    box.acknowledged(wire.Ack(1, 1))
    assert sealed(box) is not None


def test_an_ack_for_another_life_counts_nothing() -> None:
    box = Outbox("a", 2)
    box.add(record(1))
    sealed(box)
    box.acknowledged(wire.Ack(1, 1))
    assert not box.is_delivered
    box.acknowledged(wire.Ack(2, 1))
    assert box.is_delivered


def test_what_finds_no_room_is_accounted_for_as_dropped() -> None:
    box = Outbox("a", 1)
    for slot in range(outbox.MAX_OPEN_RECORDS + 1):
        box.add(record(slot))
    made = sealed(box)
    assert made is not None
    assert made[0].gaps == (wire.Gap(1, 0, 0, "dropped"),)
    assert made[0].records[0].slot == 1


@pytest.mark.parametrize(
    ("outcome", "kind", "is_news"),
    [
        (Outcome.PASS, 0, False),
        (Outcome.PASS, 2, True),
        (Outcome.WARN, 0, True),
        (Outcome.FAIL, 0, True),
        (Outcome.VOID, 0, True),
    ],
)
def test_only_passes_on_schedule_can_wait(outcome: Outcome, kind: int, is_news: bool) -> None:
    box = Outbox("a", 1)
    box.add(wire.Record(1, 1, kind, 0, msgspec.structs.replace(RESULT, outcome=outcome)))
    assert box.has_news is is_news
    sealed(box)
    assert not box.has_news


def test_a_gap_is_news() -> None:
    box = Outbox("a", 1)
    box.add(wire.Gap(1, 2, 3, "late"))
    assert box.has_news


def test_results_carry_the_digest_that_they_were_measured_under() -> None:
    box = Outbox("a", 1)
    for digest, slot in (("one", 1), ("one", 2), ("two", 3), ("three", 4)):
        box.under(digest)
        box.add(record(slot))
    told = []
    while (made := sealed(box)) is not None:
        told.append((made[0].digest, [each.slot for each in made[0].records]))
    assert told == [("one", [1, 2]), ("two", [3]), ("three", [4])]


def test_what_is_dropped_is_taken_off_the_configuration_it_belongs_to() -> None:
    box = Outbox("a", 1)
    box.under("one")
    box.add(record(0))
    box.under("two")
    for slot in range(1, outbox.MAX_OPEN_RECORDS + 1):
        box.add(record(slot))
    made = sealed(box)
    assert made is not None
    assert (made[0].digest, made[0].records[0].slot) == ("two", 1)


def test_a_dropped_recheck_leaves_no_gap() -> None:
    box = Outbox("a", 1)
    for slot in range(outbox.MAX_OPEN_RECORDS + 1):
        box.add(record(slot, kind=2))
    made = sealed(box)
    assert made is not None
    assert made[0].gaps == ()
