"""Figures and bars for the public: truncated, bounded, and grey where nothing was measured."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from prober.site.figures import DAYS, Figure, bars, day_text, duration_text, figure
from reports.availability import Availability
from reports.evidence import Window

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
START_US = 1_773_532_800 * SECOND_US  # 2026-03-15T00:00:00Z


def day(down_s: int = 0, unknown_s: int = 0, edge_s: int = 0, days: int = 1) -> Availability:
    """Return the figures of some days from 15 March 2026 on."""
    window = Window(START_US, START_US + days * DAY_US)
    sure, possible = max(down_s - edge_s, 0), down_s + unknown_s + edge_s
    return Availability(window, *(part * SECOND_US for part in (sure, down_s, possible, unknown_s)))


def ninety(**parts: int) -> Figure:
    """Return the figure of ninety days."""
    return figure({"90d": day(days=90, **parts)}, True)


def test_the_figure_stands_with_bounds_and_coverage() -> None:
    found = ninety(down_s=7_776, unknown_s=77_760, edge_s=778)
    assert found.main == "99.898 % available"
    assert found.small == "over 90 days · between 98.889 and 99.910 % · 99.000 % measured"


def test_100_percent_stands_only_where_no_down_time_is_possible() -> None:
    assert ninety().main == "100 % available"
    assert ninety(unknown_s=1).main == "No downtime measured"
    assert ninety(down_s=1).main == "99.999 % available"


def test_a_figure_from_little_says_so_first() -> None:
    tenth_s = 9 * 86_400
    assert ninety(unknown_s=9 * tenth_s).small.startswith("over 90 days · ")
    less = ninety(down_s=60, unknown_s=9 * tenth_s + 1)
    assert less.main == "99.992 % of what was measured"
    assert less.small == "only 8 d 23 h of 90 days measured · between 9.999 and 99.999 %"


def test_without_data_there_is_no_number() -> None:
    assert ninety(unknown_s=90 * 86_400) == Figure("no data", "nothing was measured in 90 days", False)
    assert figure({}, True).main == "no data"


def test_a_past_that_is_not_read_yet_is_said() -> None:
    assert figure({}, False) == Figure("no data", "the past is still being read", False)


@pytest.mark.parametrize(
    ("parts", "bounds"),
    [
        ({}, "exact"),
        ({"unknown_s": 7_776}, "at least 99.900 %"),
        ({"down_s": 600, "edge_s": 1}, "exact to 0.001 %"),
        ({"down_s": 7_776, "edge_s": 778}, "between 99.889 and 99.910 %"),
    ],
)
def test_bounds_are_said_as_short_as_they_are_true(parts: dict[str, int], bounds: str) -> None:
    assert ninety(**parts).small.split(" · ")[1] == bounds


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (day(), "15 March 2026: no downtime measured, 100 % of the day measured"),
        (day(down_s=75), "15 March 2026: down 1 min 15 s, 100 % of the day measured"),
        (day(unknown_s=1), "15 March 2026: no downtime measured, 99.998 % of the day measured"),
        (day(unknown_s=86_400), "15 March 2026: no data"),
    ],
)
def test_a_day_is_told_in_words(figures: Availability, text: str) -> None:
    assert day_text(figures) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "under 1 s"),
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h"),
        (7_260, "2 h 1 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_lengths_are_told_in_two_units(seconds: int, text: str) -> None:
    assert duration_text(seconds * SECOND_US + 999_999) == text


def drawn(days: list[Availability]) -> list[str]:
    """Return the classes of the parts drawn for each day."""
    root = ElementTree.fromstring(str(bars(days)))
    return ["".join(part.get("class", "") for part in group.iter()) for group in root]


def test_there_is_always_a_bar_for_each_day() -> None:
    assert drawn([]) == ["n"] * DAYS
    assert drawn([day()] * 3) == ["n"] * (DAYS - 3) + ["u"] * 3
    assert drawn([day()] * DAYS) == ["u"] * DAYS


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (day(), "u"),
        (day(unknown_s=86_399), "u"),
        (day(unknown_s=86_400), "n"),
        (day(down_s=1), "up"),
        (day(down_s=4_320), "up"),
        (day(down_s=4_321), "d"),
        (day(down_s=86_400), "d"),
    ],
)
def test_a_bar_shows_what_the_day_was(figures: Availability, expected: str) -> None:
    assert drawn([figures])[-1] == expected


def test_bars_say_what_they_show_to_those_who_cannot_see_them() -> None:
    root = ElementTree.fromstring(str(bars([day(), day(down_s=9)])))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "90 days: downtime on 1, none measured on 1, no data on 88"
    assert [title.text for title in root.iter("title")][-1] == day_text(day(down_s=9))
