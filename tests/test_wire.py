"""Messages between agent and hub."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.result import Outcome, Result
from prober import wire

HEALTH = wire.Health(worst_lag_us=1, in_flight=2, queued=0, cpu_us=3, resident_bytes=4, clock_steps=0)
RESULT = Result(
    outcome=Outcome.PASS, started_us=10, duration_us=5, phases_us={"connect": 5}, facts={"status": 200}
)


def batch(**changes: object) -> wire.Batch:
    plain = wire.Batch(
        version=wire.VERSION, agent="local-1", epoch=7, sequence=1, previous=b"", digest="d",
        records=(wire.Record(1, 2, 0, 3, RESULT),), gaps=(wire.Gap(1, 5, 6, "late"),), health=HEALTH,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def test_a_batch_comes_back_as_it_went() -> None:
    assert wire.decode(wire.encode(batch())) == batch()


def test_equal_batches_are_equal_bytes_and_others_are_not() -> None:
    assert wire.encode(batch()) == wire.encode(batch())
    assert wire.digest(wire.encode(batch())) != wire.digest(wire.encode(batch(sequence=2)))


def test_a_version_that_cannot_be_read_is_refused_in_words_that_say_whom_to_upgrade() -> None:
    with pytest.raises(
        wire.WireError, match=r"the other side speaks wire 3, this one only 1: upgrade this one"
    ):
        wire.decode(wire.encode(batch(version=wire.VERSION + 2)))
    with pytest.raises(
        wire.WireError, match=r"the agent speaks wire 0, this one reads 1 to 1: upgrade the agent"
    ):
        wire.check_version(wire.OLDEST - 1, other="the agent")
    with pytest.raises(wire.WireError, match="upgrade this one"):
        wire.check_version(wire.VERSION + 1, oldest=wire.VERSION + 1)


def test_one_release_later_is_understood_and_its_news_are_passed_over() -> None:
    """A later release adds fields at the end and messages of its own."""
    wire.check_version(wire.VERSION + 1, oldest=wire.VERSION)
    fields = msgspec.msgpack.decode(wire.encode(batch(version=wire.VERSION + 1))[1:])
    later = b"B" + msgspec.msgpack.encode([*fields, "a field of the next release"])
    assert wire.decode(later) == batch(version=wire.VERSION + 1)
    with pytest.raises(wire.UnknownMessage):
        wire.decode(b"Z" + msgspec.msgpack.encode(["a message of the next release"]))


def test_one_release_earlier_is_understood_without_what_it_did_not_know() -> None:
    fields = msgspec.msgpack.decode(wire.encode(batch())[1:])[: wire.Batch.__struct_fields__.index("hub")]
    assert wire.decode(b"B" + msgspec.msgpack.encode(fields)) == batch()


def test_a_batch_has_a_limit_of_results_and_of_gaps() -> None:
    record, gap = batch().records[0], batch().gaps[0]
    at_limit = batch(records=(record,) * wire.MAX_ITEMS, gaps=(gap,) * wire.MAX_ITEMS)
    assert wire.decode(wire.encode(at_limit)) == at_limit
    for over in (batch(records=(record,) * (wire.MAX_ITEMS + 1)), batch(gaps=(gap,) * (wire.MAX_ITEMS + 1))):
        with pytest.raises(wire.WireError, match="length"):
            wire.decode(wire.encode(over))


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_a_message_or_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        wire.decode(data)


@given(data=st.binary(max_size=60), at=st.integers(0, 60))
def test_a_damaged_batch_never_raises_anything_else(data: bytes, at: int) -> None:
    good = wire.encode(batch())
    with contextlib.suppress(wire.WireError):
        wire.decode(good[:at] + data + good[at + len(data) :])


ASSIGNMENT = wire.Assignment(
    version=wire.VERSION, digest="d", seed=b"s", series=(), max_lag_us=1, max_in_flight=2,
    resolvers=(wire.Resolver("fra", (("192.0.2.53", 53, 4),), (("a", ("192.0.2.1",)),), 5, 2),),
)  # fmt: skip


@pytest.mark.parametrize("message", [wire.Ack(1, 2), wire.Recheck((1, 2)), wire.Goodbye(), ASSIGNMENT])
def test_the_small_messages_come_back(message: wire.Message) -> None:
    assert wire.decode(wire.encode(message)) == message
