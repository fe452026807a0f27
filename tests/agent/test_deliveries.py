"""What goes out next on a link: in order within an epoch, within the window, the newest epoch first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.agent.deliveries import AGAIN_SECONDS, WINDOW, Deliveries
from prober.wire import Sealed


def batch(epoch: int, sequence: int) -> Sealed:
    return Sealed(epoch, sequence, b"", b"")


def fill(deliveries: Deliveries, epoch: int, *sequences: int) -> None:
    deliveries.fetch(epoch)
    deliveries.fetched(epoch, [batch(epoch, each) for each in sequences], 0.0)


def sent(deliveries: Deliveries, epochs: list[int]) -> list[tuple[int, int]]:
    """Send all that may go; the spool has nothing more."""
    told = []
    while (epoch := deliveries.next_epoch(epochs[-1], epochs, 0.0)) is not None:
        one = deliveries.next_batch(epoch, 7)
        if one is None:
            fill(deliveries, epoch)
        else:
            told.append((one.epoch, one.sequence))
    return told


def test_the_newest_epoch_goes_first_and_the_old_ones_follow_oldest_first() -> None:
    deliveries = Deliveries()
    for epoch in (1, 2, 3):
        fill(deliveries, epoch, 1, 2)
    assert sent(deliveries, [1, 2, 3]) == [(3, 1), (3, 2), (1, 1), (1, 2), (2, 1), (2, 2)]


def test_the_window_of_one_epoch_holds_up_no_other() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, *range(1, 2 * WINDOW))
    fill(deliveries, 2, *range(1, 2 * WINDOW))
    expected = [(2, each) for each in range(1, WINDOW + 1)] + [(1, each) for each in range(1, WINDOW + 1)]
    assert sent(deliveries, [1, 2]) == expected
    assert deliveries.in_flight() == 2 * WINDOW
    deliveries.acknowledged(1, 2)
    assert sent(deliveries, [1, 2]) == [(1, WINDOW + 1), (1, WINDOW + 2)]


def test_an_acknowledgement_gives_back_when_that_batch_was_sent() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, 1, 2, 3)
    for at_us in (10, 20, 30):
        deliveries.next_batch(1, at_us)
    assert deliveries.acknowledged(1, 2) == 20
    assert deliveries.acknowledged(1, 2) is None
    assert deliveries.acknowledged(1, 9) is None
    assert deliveries.in_flight() == 0


def test_the_current_epoch_goes_first_even_where_an_older_one_has_a_higher_place_among_those_that_wait() -> (
    None
):
    deliveries = Deliveries()
    for epoch in (1, 2):
        fill(deliveries, epoch, 1)
    assert deliveries.next_epoch(3, [1, 2], 0.0) == 1  # the current one has nothing: the oldest then
    deliveries.appended(3)
    assert deliveries.next_epoch(3, [1, 2, 3], 0.0) == 3


def test_what_is_appended_while_all_is_sent_is_fetched() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, 1)
    assert sent(deliveries, [1]) == [(1, 1)]
    assert deliveries.next_epoch(1, [1], 0.0) is None
    deliveries.appended(1)
    assert deliveries.next_epoch(1, [1], 0.0) == 1
    assert deliveries.next_batch(1, 0) is None
    assert deliveries.fetch(1) == 1


def test_what_is_appended_during_a_fetch_is_not_forgotten() -> None:
    deliveries = Deliveries()
    assert deliveries.fetch(1) == 0
    deliveries.appended(1)
    deliveries.fetched(1, [], 0.0)
    assert deliveries.next_epoch(1, [1], 0.0) == 1


def test_an_epoch_that_waits_and_gives_nothing_is_looked_at_again_later() -> None:
    """What is told again is moved there bit by bit; and a disk may fail for a moment."""
    deliveries = Deliveries()
    deliveries.fetch(1)
    deliveries.fetched(1, [], 100.0)
    assert deliveries.next_epoch(1, [1], 100.0 + AGAIN_SECONDS - 0.001) is None
    assert deliveries.next_due(100.0) == pytest.approx(AGAIN_SECONDS)
    assert deliveries.next_epoch(1, [1], 100.0 + AGAIN_SECONDS) == 1
    deliveries.fetch(1)
    deliveries.fetched(1, [batch(1, 1)], 102.0)
    deliveries.next_batch(1, 0)
    fill(deliveries, 1)
    assert deliveries.next_epoch(1, [1], 103.0) is None
    deliveries.acknowledged(1, 1)
    assert deliveries.next_epoch(1, [1], 103.0) == 1


def test_after_a_batch_was_put_aside_everything_waits_longer_each_time_until_something_is_taken() -> None:
    deliveries, now, pauses = Deliveries(), 0.0, []
    for epoch in range(1, 8):
        fill(deliveries, epoch, 1)
        deliveries.next_batch(epoch, 0)
        pauses.append(deliveries.put_aside(epoch, now))
        assert not deliveries.is_awaited(epoch, 1)
        assert deliveries.next_epoch(9, [8, 9], now + pauses[-1] - 0.001) is None
        assert deliveries.next_due(now) == pytest.approx(pauses[-1])
        now += pauses[-1]
    assert 15 <= pauses[-1] <= 30
    fill(deliveries, 8, 1)
    assert deliveries.next_epoch(9, [8], now) == 8
    deliveries.next_batch(8, 0)
    deliveries.acknowledged(8, 1)
    assert deliveries.put_aside(8, now) <= 1


def test_what_was_put_off_goes_again_from_the_refused_batch_on_and_not_before_its_time() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, 1, 2, 3)
    sent(deliveries, [1])
    pause = deliveries.put_off(1, 2, 100.0)
    assert not deliveries.is_awaited(1, 2)
    assert not deliveries.is_awaited(1, 3)
    assert deliveries.next_epoch(1, [1], 100.0 + pause - 0.001) is None
    assert deliveries.next_due(100.0) == pytest.approx(pause)
    assert deliveries.next_epoch(1, [1], 100.0 + pause) == 1
    assert deliveries.fetch(1) == 1


def test_what_a_fetch_brings_after_its_epoch_was_put_off_is_passed_over() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, 1, 2)
    sent(deliveries, [1])
    assert deliveries.fetch(1) == 2
    deliveries.put_off(1, 1, 0.0)
    deliveries.fetched(1, [batch(1, 3)], 0.0)
    assert deliveries.next_batch(1, 0) is None
    assert deliveries.fetch(1) == 0


def test_pauses_grow_until_something_is_taken() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, 1)
    pauses = [deliveries.put_off(1, 1, 0.0) for _ in range(6)]
    assert pauses[-1] >= 8
    fill(deliveries, 1, 1)
    deliveries.next_batch(1, 0)
    deliveries.acknowledged(1, 1)
    assert deliveries.put_off(1, 2, 0.0) <= 1


def test_an_epoch_that_is_gone_is_forgotten() -> None:
    deliveries = Deliveries()
    fill(deliveries, 1, 1, 2)
    sent(deliveries, [1, 2])
    deliveries.next_epoch(2, [], 0.0)
    assert deliveries.in_flight() == 0


class Hub:
    """A spool of some epochs and a hub that answers when a test says so."""

    def __init__(self, kept: dict[int, int]) -> None:
        self.kept = dict(kept)  # last sequence sealed of each epoch
        self.acked = dict.fromkeys(kept, 0)
        self.got: dict[int, list[int]] = {epoch: [] for epoch in kept}
        self.unanswered: list[tuple[int, int]] = []

    def epochs(self) -> list[int]:
        return [epoch for epoch in sorted(self.kept) if self.acked[epoch] < self.kept[epoch]]


STEPS = st.lists(st.sampled_from(["send", "send", "send", "ack", "seal", "put_off"]), max_size=200)
KEPT = st.dictionaries(st.integers(1, 4), st.integers(0, 30), min_size=1)


@given(KEPT, STEPS, st.integers(1, 5))
def test_everything_arrives_in_order_within_the_window_whatever_happens(
    kept: dict[int, int], steps: list[str], most: int
) -> None:
    hub, deliveries, now = Hub(kept), Deliveries(), 0.0
    for step in [*steps, *["send", "ack"] * 400]:
        now += 60.0
        if step == "send":
            _send(hub, deliveries, now, most)
        elif step == "ack" and hub.unanswered:
            epoch, sequence = hub.unanswered.pop(0)
            deliveries.acknowledged(epoch, sequence)
            hub.acked[epoch] = max(hub.acked[epoch], sequence)
        elif step == "seal":
            newest = max(hub.kept)
            hub.kept[newest] += 1
            deliveries.appended(newest)
        elif step == "put_off" and hub.unanswered:
            epoch, sequence = hub.unanswered[0]
            hub.unanswered = [each for each in hub.unanswered if each[0] != epoch]
            hub.got[epoch] = [each for each in hub.got[epoch] if each < sequence]
            deliveries.put_off(epoch, sequence, now)
        for epoch in hub.kept:
            assert sum(each == epoch for each, _ in hub.unanswered) <= WINDOW
    assert hub.got == {epoch: list(range(1, last + 1)) for epoch, last in hub.kept.items()}


def _send(hub: Hub, deliveries: Deliveries, now: float, most: int) -> None:
    epoch = deliveries.next_epoch(max(hub.kept), hub.epochs(), now)
    if epoch is None:
        return
    one = deliveries.next_batch(epoch, 0)
    if one is None:
        after = deliveries.fetch(epoch)
        left = range(max(after, hub.acked[epoch]) + 1, hub.kept[epoch] + 1)
        deliveries.fetched(epoch, [batch(epoch, each) for each in left][:most], now)
    else:
        hub.got[epoch].append(one.sequence)
        hub.unanswered.append((epoch, one.sequence))
