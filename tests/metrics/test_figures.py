"""Availability of services as gauges: bounds, coverage, and when they are computed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from support.exposing import FIGURES, HOUR_US, NOW_US, Past, config_of, view_of
from support.samples import samples_of, value

from prober.metrics import Exposition
from prober.metrics.figures import KEPT_US
from prober.metrics.text import ratio
from reports.availability import Availability
from reports.evidence import Window

NO_DATA = Availability(Window(NOW_US - HOUR_US, NOW_US), 0, 0, HOUR_US, HOUR_US)


class Clock:
    """A clock that stands until it is set."""

    now_us = NOW_US

    def __call__(self) -> int:
        """Return the instant."""
        return self.now_us


def exposing(past: Past, clock: Clock | None = None) -> Exposition:
    view = view_of(config_of({"web": "http"}))
    made = Exposition(view, past, clock or Clock())
    made.restructure(view)
    return made


def test_a_window_shows_three_bounds_and_its_coverage() -> None:
    made = exposing(Past({"1h": FIGURES}))
    of = {"service": "shop", "window": "1h"}
    assert value(made, "prober_availability_ratio", **of, bound="lowest") == 0.9
    assert (
        value(made, "prober_availability_ratio", **of, bound="measured") == 0.978947368
    )  # 0.93 / 0.95, truncated
    assert value(made, "prober_availability_ratio", **of, bound="highest") == 0.99
    assert value(made, "prober_coverage_ratio", **of) == 0.95


def test_a_window_without_data_has_no_ratio_and_a_coverage_of_zero() -> None:
    made = exposing(Past({"1h": NO_DATA}))
    assert value(made, "prober_coverage_ratio", service="shop", window="1h") == 0
    assert not [name for name, _ in samples_of(made) if name == "prober_availability_ratio"]


def test_until_the_past_is_read_there_are_no_figures_and_then_they_come_at_once() -> None:
    past = Past({"1h": FIGURES})
    past.ready = False
    made = exposing(past)
    assert value(made, "prober_coverage_ratio", service="shop", window="1h") is None
    past.ready = True
    assert value(made, "prober_coverage_ratio", service="shop", window="1h") == 0.95


@pytest.mark.parametrize(("later_us", "asked"), [(KEPT_US - 1, 1), (KEPT_US, 2), (-1, 2)])
def test_figures_are_kept_for_a_while_and_not_over_a_clock_set_back(later_us: int, asked: int) -> None:
    past, clock = Past({"1h": FIGURES}), Clock()
    made = exposing(past, clock)
    samples_of(made)
    clock.now_us += later_us
    samples_of(made)
    assert past.asked == asked


def test_figures_are_computed_anew_after_a_change_of_configuration() -> None:
    past = Past({"1h": FIGURES})
    made = exposing(past)
    samples_of(made)
    made.restructure(view_of(config_of({"web": "http", "db": "tcp"})))
    samples_of(made)
    assert past.asked == 2


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        (Fraction(1), "1.000000000"),
        (1 - Fraction(1, 10**12), "0.999999999"),
        (Fraction(0), "0.000000000"),
        (Fraction(2, 3), "0.666666666"),
    ],
)
def test_a_ratio_is_truncated_so_that_one_means_one(exact: Fraction, shown: str) -> None:
    assert ratio(exact) == shown
