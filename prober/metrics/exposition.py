"""The whole exposition: told of every result and change after its commit, read in pieces at a scrape.

Order of the families is fixed, order within them is that of the configuration. Each piece is little work, so that
whoever serves them can let others run in between; a change of configuration in between shows with the next scrape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from prober.hub.serving import History
from prober.hub.verdict import State
from prober.hub.view import View
from prober.wire import Gap, Record

from . import agents, contracts, counters, last, lateness
from .columns import BLOCK, Column, rest_of
from .counters import Tally
from .figures import COVERAGE, RATIO, Figures
from .last import LastResult
from .lateness import Lateness
from .standings import Standings
from .text import END, Family

if TYPE_CHECKING:
    from prober.accounts.live import Shown

    from .health import DaemonHealth


def _wall_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class _Series:
    """The lines of one probe in one region."""

    tally: Tally
    last: LastResult


class Exposition:
    """What the hub's publisher feeds and `/metrics` serves. One thread, that of the loop."""

    def __init__(self, view: View, history: History | None, now_us: Callable[[], int] = _wall_us) -> None:
        self._view = view
        self._by_number: dict[int, _Series] = {}
        self._by_labels: dict[tuple[str, str], _Series] = {}
        self._columns: tuple[Column, ...] = ()
        self._standings = Standings(view)
        self._figures = Figures(history, now_us)
        self._now_us = now_us
        self._lateness = Lateness()
        self._health: DaemonHealth | None = None
        self._contracts: Shown | None = None

    def show_contracts(self, shown: Shown) -> None:
        """Show what is worked out of contracts, now and whenever it is worked out anew."""
        self._contracts = shown

    def restructure(self, view: View) -> None:
        """Show another configuration. A probe and region that stay keep their counts, whatever else changed."""
        before, self._by_labels, self._by_number = self._by_labels, {}, {}
        self._view = view
        size = sum(len(probe.regions) for probe in view.probes.values())
        counts, lasts = counters.columns(size), last.columns(size)
        for name, probe in view.probes.items():
            kind = probe.probe.kind
            for region_name, region in probe.regions.items():
                index = len(self._by_labels)
                series = before.get((name, region_name))
                if series is None:
                    rest = rest_of(name, region_name)
                    series = _Series(Tally(counts, index, rest), LastResult(lasts, index, rest, kind))
                else:
                    series.last.become(kind)
                    series.tally.move(counts, index)
                    series.last.move(lasts, index)
                self._by_labels[name, region_name] = self._by_number[region.series] = series
        self._columns = (*counts, *lasts)
        self._standings = Standings(view)
        self._figures.restructure(list(view.services))

    def take(self, series_number: int, record: Record) -> None:
        """Take in one result; reruns are counted, and show nowhere else."""
        series = self._by_number.get(series_number)
        if series is None:
            return
        if record.kind:
            series.tally.add_rerun(record.kind)
        else:
            series.tally.add(record.result)
            series.last.show(record.result)
            if record.late_us >= 0:  # what a job tells before its slot is over was not begun by us
                self._lateness.add(record.late_us)

    def gap(self, series_number: int, gap: Gap) -> None:
        """Take in slots without a result."""
        series = self._by_number.get(series_number)
        if series is not None:
            series.tally.add_missed(gap.reason, gap.last - gap.first + 1)

    def state(self, subject: str, state: State) -> None:
        """Take in a change of state."""
        self._standings.set(subject, state)

    def pieces(self, openmetrics: bool) -> Iterator[bytes]:
        """Yield the exposition; joined, the pieces are valid text of the format."""
        # What a scrape began with it ends with, whatever the configuration becomes in between.
        view, standings, all_columns, figures = self._view, self._standings, self._columns, self._figures
        for family, lines in standings.columns():
            yield from _with_header(family, openmetrics, _blocks(list(lines.values())))
        for family, figure in ((RATIO, figures.ratios), (COVERAGE, figures.coverage)):
            texts = (figure(service).encode() for service in figures.services)
            yield from _with_header(family, openmetrics, texts)
        for family, columns in groupby(all_columns, attrgetter("family")):
            texts = (block for column in columns for block in column.blocks())
            yield from _with_header(family, openmetrics, texts)
        yield from _with_header(lateness.FAMILY, openmetrics, [self._lateness.text().encode()])
        for family, text in agents.families(view, self._now_us()):
            yield from _with_header(family, openmetrics, [text.encode()])
        for family, blocks in contracts.families(self._contracts):
            yield from _with_header(family, openmetrics, blocks)
        yield self._own_health().text(view, openmetrics) + (END.encode() if openmetrics else b"")

    def _own_health(self) -> DaemonHealth:
        if self._health is None:
            from .health import DaemonHealth  # with its library, 20 ms that a start need not pay

            self._health = DaemonHealth()
        return self._health


def _blocks(lines: list[str]) -> Iterator[bytes]:
    for first in range(0, len(lines), BLOCK):
        yield "".join(lines[first : first + BLOCK]).encode()


def _with_header(family: Family, openmetrics: bool, texts: Iterable[bytes]) -> Iterator[bytes]:
    """Put the header before the first text that is not empty; a family without samples does not appear."""
    header: bytes | None = family.header(openmetrics).encode()
    for text in texts:
        if text:
            if header is not None:
                yield header
                header = None
            yield text
