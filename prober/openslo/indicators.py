"""Service level indicators: the Prometheus queries that a contract's figures come from, as OpenSLO holds them.

Raw series, as its counters want them, without a window. Not here: alert rules over them (`prober.rules`).
"""

from __future__ import annotations

from prober.rules.indicator import FAILED, USABLE, Indicator, Part
from reports.contract import Contract, Time, Weighted

from .budgeting import Words
from .words import PREFIX, VERSION, noted


def sli(name: str, title: str, part: Part, found: Indicator, probes: list[str]) -> Words:
    """Return the indicator of one part of a contract."""
    if part.gauge:
        bad, total = f"sum(1 - {part.gauge})", f"count({part.gauge})"
    else:
        bad, total = _counted(part, found, FAILED), _counted(part, found, USABLE)
    return {
        "apiVersion": VERSION,
        "kind": "SLI",
        "metadata": {
            "name": name,
            **({"displayName": title} if title else {}),
            "annotations": {f"{PREFIX}probes": noted(probes)},
        },
        "spec": {
            "ratioMetric": {"counter": not part.gauge, "bad": _source(bad), "total": _source(total)},
        },
    }


def parts_of(contract: Contract, found: Indicator) -> tuple[Part, ...]:
    """Return what a contract's SLIs are made of: states where time counts, else results."""
    if isinstance(contract.method, Time | Weighted) and found.parts:
        return found.parts
    return (Part(matchers=found.matchers),)


def _counted(part: Part, found: Indicator, outcomes: str) -> str:
    counted = f"sum(prober_results_total{{{part.matchers},{outcomes}}})"
    if not found.ignored:
        return counted
    return f"{counted} - (sum(prober_failures_total{{{part.matchers},{found.ignored}}}) or vector(0))"


def _source(query: str) -> Words:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}
