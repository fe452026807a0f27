"""Figures over time without a store: made of a list of what was down and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.availability import Availability
from reports.evidence import Window
from reports.outages import Outage

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
EDGE_US = 12 * SECOND_US  # how far the edges of a made-up outage are unsure
ROLLING_US = {"1h": DAY_US // 24, "24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US, "90d": 90 * DAY_US}


@dataclass(frozen=True, slots=True)
class Past:
    """What was: measured since an instant, but for holes; down in some windows."""

    since_us: int
    down: tuple[Window, ...] = ()
    holes: tuple[Window, ...] = ()

    def availability(self, window: Window) -> Availability:
        """Return the figures of a window."""
        edges = Window(min(window.start_us, self.since_us), self.since_us)
        unknown_us = _overlap(window, (edges, *self.holes))
        down_us = _overlap(window, self.down)
        sure = [
            Window(one.start_us + EDGE_US, max(one.end_us - EDGE_US, one.start_us + EDGE_US))
            for one in self.down
        ]
        wide = [Window(one.start_us - EDGE_US, one.end_us + EDGE_US) for one in self.down]
        possible_us = min(_overlap(window, wide) + unknown_us, window.length_us)
        return Availability(
            window, _overlap(window, sure), down_us, max(possible_us, down_us + unknown_us), unknown_us
        )


def _overlap(window: Window, others: Sequence[Window]) -> int:
    return sum(max(min(window.end_us, one.end_us) - max(window.start_us, one.start_us), 0) for one in others)


@dataclass(slots=True)
class FakeHistory:
    """Figures made of `pasts` by subject."""

    pasts: dict[str, Past] = field(default_factory=dict)
    ready: bool = True

    def rolling(self, subject: str, now_us: int) -> Mapping[str, Availability]:
        """Return the rolling windows of a known subject."""
        past = self.pasts.get(subject) if self.ready else None
        if past is None:
            return {}
        starts = {name: now_us - length_us for name, length_us in ROLLING_US.items()}
        starts["month"] = now_us - 14 * DAY_US - now_us % DAY_US
        return {name: past.availability(Window(start_us, now_us)) for name, start_us in starts.items()}

    def days(self, subject: str, count: int, now_us: int) -> Sequence[Availability]:
        """Return UTC days of a known subject."""
        past = self.pasts.get(subject) if self.ready else None
        if past is None:
            return ()
        today_us = now_us - now_us % DAY_US
        starts = [today_us - back * DAY_US for back in range(count - 1, -1, -1)]
        return [past.availability(Window(start, min(start + DAY_US, now_us))) for start in starts]

    def outages(self, subject: str, from_us: int, to_us: int) -> Sequence[Outage]:
        """Return the outages of a known subject."""
        past = self.pasts.get(subject) if self.ready else None
        return [
            Outage(
                one,
                (Window(one.start_us + EDGE_US, one.end_us - EDGE_US),),
                Window(one.start_us - EDGE_US, one.end_us + EDGE_US),
            )
            for one in (past.down if past else ())
            if one.end_us > from_us and one.start_us < to_us
        ]
