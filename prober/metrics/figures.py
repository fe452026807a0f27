"""Availability of services over rolling windows, as gauges: lowest possible, as measured, highest possible, coverage.

Computed by the history when a scrape asks, and kept for a while: the figures of a long window hardly move between
two scrapes, and computing them costs in proportion to what happened in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from prober.hub.serving import History
from prober.hub.verdict import service_subject
from reports.availability import Availability

from .text import Family, gauge, labels, ratio

KEPT_US = 30_000_000
"""How old the figures of a service may be when they are shown."""

RATIO = gauge(
    "prober_availability_ratio",
    "Availability of a service in a rolling window: lowest possible, as measured, highest possible; truncated.",
)
COVERAGE = gauge("prober_coverage_ratio", "Share of a rolling window in which the service's state is known.")


@dataclass(slots=True)
class _Kept:
    at_us: int
    ratios: str
    coverage: str


class Figures:
    """The figures of all services; without a history, or until it is read, there are none."""

    def __init__(self, history: History | None, now_us: Callable[[], int]) -> None:
        self._history = history
        self._now_us = now_us
        self._kept: dict[str, _Kept] = {}

    def restructure(self, services: list[str]) -> None:
        """Set what services there are; kept figures are dropped, for a service may be composed anew."""
        self._kept = {name: _Kept(0, "", "") for name in services}

    @property
    def services(self) -> list[str]:
        """The services, in the order of the configuration."""
        return list(self._kept)

    def ratios(self, service: str) -> str:
        """Return the lines of the three bounds."""
        return self._fresh(service).ratios

    def coverage(self, service: str) -> str:
        """Return the lines of the coverage."""
        return self._fresh(service).coverage

    def _fresh(self, service: str) -> _Kept:
        kept = self._kept.get(service)
        if kept is None:  # taken out of the configuration while a scrape went on
            return _Kept(0, "", "")
        now_us = self._now_us()
        if self._history is not None and self._history.ready and not 0 <= now_us - kept.at_us < KEPT_US:
            windows = self._history.rolling(service_subject(service), now_us)
            kept.at_us = now_us
            kept.ratios = "".join(_bounds(service, name, figures) for name, figures in windows.items())
            kept.coverage = "".join(_coverage(service, name, figures) for name, figures in windows.items())
        return kept


def _bounds(service: str, window: str, figures: Availability) -> str:
    bounds = (("lowest", figures.lowest), ("measured", figures.measured), ("highest", figures.highest))
    return "".join(
        _line(RATIO, {"service": service, "window": window, "bound": name}, value) for name, value in bounds
    )


def _coverage(service: str, window: str, figures: Availability) -> str:
    return _line(COVERAGE, {"service": service, "window": window}, figures.coverage)


def _line(family: Family, of: dict[str, str], value: Fraction | None) -> str:
    return "" if value is None else f"{family.name}{{{labels(of)}}} {ratio(value)}\n"
