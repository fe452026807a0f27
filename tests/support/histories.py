"""Generated probe histories on a small scale of microseconds, for property tests of reports."""

from __future__ import annotations

from hypothesis import strategies as st
from support.raw_rows import Row

from reports.evidence import Verdict, Window

GAP_US = 6
"""The gap G that fits the spacing of the generated results: most lie within it, some do not."""

END_US = 130
"""An instant after every generated result."""


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Draw the results of one region, with good, bad and void ones, holes and results that overlap."""
    steps = draw(
        st.lists(
            st.tuples(st.integers(1, 9), st.integers(0, 8), st.sampled_from(list(Verdict))),
            max_size=12,
        )
    )
    at_us = draw(st.integers(0, 10))
    rows = []
    for step_us, took_us, verdict in steps:
        at_us += step_us
        rows.append(Row(at_us, at_us + took_us, verdict))
    return rows


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Draw a window that may begin before all evidence and end after it."""
    start_us = draw(st.integers(-10, END_US))
    return Window(start_us, draw(st.integers(start_us, END_US + 10)))


@st.composite
def votes(draw: st.DrawFn) -> tuple[list[list[Row]], int]:
    """Draw the histories of one to four regions and how many of them make a quorum."""
    regions = draw(st.lists(histories(), min_size=1, max_size=4))
    return regions, draw(st.integers(1, len(regions)))
