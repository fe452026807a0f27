"""What waits to be sealed: how old the oldest is, which decides up to when nothing is still to come."""

from __future__ import annotations

from checks.core.result import Outcome, Result
from prober.agent import collector
from prober.agent.collector import Collector
from prober.wire import Gap, Record


def record(slot: int, started_us: int) -> Record:
    return Record(
        1, slot, 0, 0, Result(outcome=Outcome.PASS, started_us=started_us, duration_us=1, phases_us={})
    )


def test_the_oldest_start_counts_and_not_the_first_to_end() -> None:
    made = Collector()
    assert made.oldest_us() == 0
    for slot, started_us in enumerate((30, 10, 20)):
        made.add(record(slot, started_us))
    made.add(Gap(1, 5, 6, "late"))
    assert made.oldest_us() == 10
    assert made.pending == 4


def test_what_is_taken_no_longer_counts() -> None:
    made = Collector()
    for slot in range(collector.MAX_RECORDS + 2):
        made.add(record(slot, 1000 + slot))
    digest, records, gaps = made.take()
    assert (digest, len(records), gaps) == ("", collector.MAX_RECORDS, ())
    assert made.oldest_us() == 1000 + collector.MAX_RECORDS
    assert len(made.take()[1]) == 2
    assert made.oldest_us() == 0


def test_results_under_another_digest_are_taken_apart() -> None:
    made = Collector()
    made.under("one")
    made.add(record(1, 10))
    made.under("two")
    made.add(record(2, 20))
    assert made.take()[0] == "one"
    assert made.oldest_us() == 20
    assert made.take()[0] == "two"


def test_all_is_complete_up_to_the_oldest_that_is_in_flight_held_back_or_here() -> None:
    made = Collector()
    assert made.complete_us(50) == made.complete_us(50, 0, 0) == 50
    assert made.complete_us(50, 0, 40) == 40
    made.add(record(1, 30))
    assert made.complete_us(50, 0, 40) == 30
    assert made.complete_us(50, 20, 40) == 20
    assert made.complete_us(10, 20, 40) == 10
