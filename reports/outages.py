"""The list of outages in a window: when each was measured, what of it is sure, and how far it could reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from reports.evidence import Window
from reports.timeline import Mark, Span, Timeline


@dataclass(frozen=True, slots=True)
class Outage:
    """One measured outage, cut to the window it was asked for.

    `measured` is the whole time measured as down. `cores` are the parts that were surely down, in order,
    maybe none. `bracket` is how far it could reach: all adjoining time that was possibly down, unknown time
    included; two outages with no sure up time between them share one. Where an edge equals that of the
    window, the outage may go on beyond it.
    """

    measured: Window
    cores: tuple[Window, ...]
    bracket: Window

    @property
    def sure_us(self) -> int:
        """Return the sure down time, in microseconds."""
        return sum(core.length_us for core in self.cores)


def outages(timeline: Timeline, window: Window) -> list[Outage]:
    """Return the outages of a window in order of time, at a cost in proportion to the changes inside it."""
    found: list[Outage] = []
    for is_possible, spans in groupby(timeline.spans(window), key=lambda span: span.mark >= Mark.EDGE_UP):
        if is_possible:
            stretch = list(spans)
            found.extend(_within(stretch, _hull(stretch)))
    return found


def _within(possible: list[Span], bracket: Window) -> Iterator[Outage]:
    for is_down, spans in groupby(possible, key=lambda span: span.mark >= Mark.EDGE_DOWN):
        if is_down:
            down = list(spans)
            cores = tuple(Window(span.start_us, span.end_us) for span in down if span.mark is Mark.CORE)
            yield Outage(_hull(down), cores, bracket)


def _hull(spans: list[Span]) -> Window:
    return Window(spans[0].start_us, spans[-1].end_us)
