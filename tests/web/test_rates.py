"""Buckets: what fits into one, how it fills, and that their number is bounded."""

from __future__ import annotations

from prober.web.rates import Limiter, Rate


def test_a_burst_is_allowed_and_one_more_is_not() -> None:
    limiter = Limiter(Rate(per_second=1, burst=3), max_keys=10)
    assert [limiter.allows("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert limiter.allows("b", 0.0)


def test_a_bucket_fills_at_its_pace_up_to_the_burst() -> None:
    limiter = Limiter(Rate(per_second=0.5, burst=2), max_keys=10)
    assert [limiter.allows("a", 0.0) for _ in range(3)] == [True, True, False]
    assert not limiter.allows("a", 1.99)
    assert limiter.allows("a", 2.0)
    assert [limiter.allows("a", 1000.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    limiter = Limiter(Rate(per_second=1, burst=1), max_keys=10)
    assert limiter.allows("a", 5.0)
    assert not limiter.allows("a", 4.0)


def test_the_oldest_key_is_forgotten_where_there_are_too_many() -> None:
    limiter = Limiter(Rate(per_second=0.001, burst=1), max_keys=2)
    for key in ("a", "b", "a", "c"):
        limiter.allows(key, 0.0)
    assert len(limiter) == 2
    assert not limiter.allows("a", 0.0)  # asked for more lately than b
    assert limiter.allows("b", 0.0)
