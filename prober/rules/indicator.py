"""What share of a contract was bad in a window, as PromQL over our own metrics.

Three kinds, chosen by the contract's method:
- state: time in which the service is down by the agreement of its regions, as scrapes see it (`prober_service_up`,
  absent while unknown, so unknown time is in neither part of the ratio). For `time`, `minutes`, `periods`, `weighted`.
- attempts: failed over all usable scheduled results of the contract's probes and regions. For `requests`, `slices`,
  and wherever the contract counts otherwise than states are made: runs of all regions pooled, or some regions only.
- minutes: minutes with too many failed attempts, judged once a minute. For `minutes` and `periods` over pooled runs.

Not here: thresholds and alarms (`objective`). Names need no escaping: they have lower case letters, digits, - and _.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from prober.config import Config
from reports.contract import Contract, Minutes, Periods, ProbeTerms, Requests, Slices, Weighted

from .decimals import text

Kind = Literal["state", "attempts", "minutes"]
USABLE = 'outcome=~"pass|warn|fail"'
FAILED = 'outcome="fail"'
MINUTE = "1m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One summand: the matchers of its counters, or a gauge that is 1 while it is up, 0 while down, else absent."""

    weight: Fraction = Fraction(1)
    matchers: str = ""
    gauge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """The two sums whose ratio is the share of what was bad."""

    kind: Kind
    parts: tuple[Part, ...]
    matchers: str
    """Of all counters of the contract's probes and regions."""
    unknown_state: str = ""
    """A gauge that is 1 while the state that counts is unknown; empty where results count."""
    ignored: str = ""
    """A matcher of the failure codes that are no attempts."""
    judgement: str = ""
    """Of kind `minutes`: `> bool 0.05`, what makes a minute a bad one of its share of failed attempts."""

    def bad(self, window: str, minutes: str = "") -> str:
        """Return the sum of what was bad; `minutes`: the recorded series of judged minutes, if there is one."""
        if self.kind == "minutes":
            return f"sum(sum_over_time({self._minutes(window, minutes)}))"
        if self.kind == "state":
            return self._sum(_down(part, window) for part in self.parts)
        return self._attempts(FAILED, window)

    def total(self, window: str, minutes: str = "") -> str:
        """Return the sum of what was good or bad; unknown is in neither."""
        if self.kind == "minutes":
            return f"sum(count_over_time({self._minutes(window, minutes)}))"
        if self.kind == "state":
            return self._sum(f"count_over_time({part.gauge}[{window}])" for part in self.parts)
        return self._attempts(USABLE, window)

    def failed(self, window: str) -> str:
        """Return how many scheduled results failed, ignored ones left out."""
        return _less(f"sum({_increase(self.matchers, FAILED, window)})", self.matchers, self.ignored, window)

    def unmeasured(self, window: str) -> str:
        """Return the share of the schedule's slots without a usable result; paused ones are on nobody's schedule."""
        blank = (
            f'sum(increase(prober_slots_total{{{self.matchers},fate!~"pass|warn|fail|paused"}}[{window}]))'
        )
        every = f'sum(increase(prober_slots_total{{{self.matchers},fate!="paused"}}[{window}]))'
        return f"{blank}\n/\n{every}"

    def minute(self) -> str:
        """Return whether the last minute was a bad one, 1 or 0; nothing without a usable result in it."""
        bad = self.failed(MINUTE)
        total = _less(f"sum({_increase(self.matchers, USABLE, MINUTE)})", self.matchers, self.ignored, MINUTE)
        return f"{bad}\n/ ({total} > 0)\n{self.judgement}"

    def _minutes(self, window: str, recorded: str) -> str:
        return f"{recorded}[{window}]" if recorded else f"({self.minute()})[{window}:{MINUTE}]"

    def _attempts(self, outcomes: str, window: str) -> str:
        summed = self._sum(_increase(part.matchers, outcomes, window) for part in self.parts)
        return _less(summed, self.matchers, self.ignored, window)

    def _sum(self, terms: Iterable[str]) -> str:
        weighted = (
            term if part.weight == 1 else f"{text(part.weight)} * {term}"
            for part, term in zip(self.parts, terms, strict=True)
        )
        return f"sum({' or '.join(weighted)})"


def _down(part: Part, window: str) -> str:
    term = f"count_over_time({part.gauge}[{window}]) - sum_over_time({part.gauge}[{window}])"
    return term if part.weight == 1 else f"({term})"


def _increase(matchers: str, outcomes: str, window: str) -> str:
    return f"increase(prober_results_total{{{matchers},{outcomes}}}[{window}])"


def _less(counted: str, matchers: str, ignored: str, window: str) -> str:
    if not ignored:
        return counted
    taken = f"sum(increase(prober_failures_total{{{matchers},{ignored}}}[{window}]))"
    return f"clamp_min({counted} - ({taken} or vector(0)), 0)"


def indicator(contract: Contract, config: Config) -> tuple[Indicator, list[str]]:
    """Return what stands for a contract's figures, and in which ways it differs from them."""
    limited = _is_limited(contract, config)
    matchers = _matchers(contract.probes(), limited)
    method, pooled = contract.method, contract.quorum == "pooled"
    if isinstance(method, Weighted):
        return _weighted(contract, method, matchers, limited)
    if isinstance(method, Requests | Slices):
        return _attempts(method, matchers)
    if pooled and isinstance(method, Minutes | Periods):
        judgement = ">= bool 1" if method.threshold == 1 else f"> bool {text(method.threshold)}"
        found = Indicator(kind="minutes", parts=(), matchers=matchers, judgement=judgement)
        return found, ["a minute is judged by the runs of all regions in it, once a minute"]
    if pooled or limited:
        why = "all runs count as one sequence" if pooled else "only some regions count"
        note = f"{why}, which no state is made by: the share of failed results stands for the share of time"
        return Indicator(kind="attempts", parts=(Part(matchers=matchers),), matchers=matchers), [note]
    parts = (Part(gauge=f'prober_service_up{{service="{contract.services[0].name}"}}'),)
    notes = ["down time is the time in which scrapes see the service down: agreed, and confirmed by retries"]
    unknown = f'prober_service_state{{service="{contract.services[0].name}",state="unknown"}}'
    return Indicator(kind="state", parts=parts, matchers=matchers, unknown_state=unknown), notes


def _attempts(method: Requests | Slices, matchers: str) -> tuple[Indicator, list[str]]:
    notes = []
    if isinstance(method, Slices):
        notes.append("the contract takes the mean of slices; the rules take the share of all results")
    ignored = ""
    if method.ignored:
        ignored = _one_of("code", sorted(method.ignored))
        notes.append(
            "ignored failures are taken off by prober_failures_total, which has warnings and voids, too"
        )
    parts = (Part(matchers=matchers),)
    return Indicator(kind="attempts", parts=parts, matchers=matchers, ignored=ignored), notes


def _weighted(
    contract: Contract, method: Weighted, matchers: str, limited: bool
) -> tuple[Indicator, list[str]]:
    probes = contract.probes()
    weights = {name: weight for name, weight in method.weights if weight}
    by_state = not limited and contract.quorum == "regional"
    if by_state and method.by != "regions":
        kind = method.by.removesuffix("s")
        unknown = f'prober_{kind}_state{{{_one_of(kind, weights)},state="unknown"}}'
        parts = _gauges(f"prober_{kind}_up", kind, weights)
        found = Indicator(kind="state", parts=parts, matchers=matchers, unknown_state=unknown)
        return found, ["down time is the time in which scrapes see a part down, by the parts' weights"]
    if by_state and len(probes) == 1:
        parts = _gauges(f'prober_region_up{{probe="{probes[0].name}"', "region", weights)
        note = "down time is the time in which scrapes see a region down, by the regions' weights"
        return Indicator(kind="state", parts=parts, matchers=matchers), [note]
    parts = tuple(
        Part(weight=weight, matchers=each) for each, weight in _shares(contract, method.by, weights, limited)
    )
    note = "the weighted share of failed results stands for the weighted share of time"
    return Indicator(kind="attempts", parts=parts, matchers=matchers), [note]


def _gauges(series: str, label: str, weights: Mapping[str, Fraction]) -> tuple[Part, ...]:
    start = f"{series}," if "{" in series else f"{series}{{"
    return tuple(Part(weight=weight, gauge=f'{start}{label}="{name}"}}') for name, weight in weights.items())


def _shares(
    contract: Contract, by: str, weights: Mapping[str, Fraction], limited: bool
) -> list[tuple[str, Fraction]]:
    """Return the matchers of each part's results."""
    if by == "services":
        named = {service.name: service.probes for service in contract.services}
    else:
        named = {probe.name: (probe,) for probe in contract.probes()}
    if by == "regions":
        every = _matchers(contract.probes(), False)
        return [(f'{every},region="{name}"', weight) for name, weight in weights.items()]
    return [(_matchers(named[name], limited), weight) for name, weight in weights.items()]


def _matchers(probes: Sequence[ProbeTerms], limited: bool) -> str:
    """Return what selects the counters of some probes, and only their counted regions if not all of them count."""
    names = dict.fromkeys(probe.name for probe in probes)
    found = _one_of("probe", names)
    if not limited:
        return found
    # A probe's regions are those it runs in that count at all: so all of them together select no other.
    regions = dict.fromkeys(region for probe in probes for region in probe.regions)
    return f"{found},{_one_of('region', regions)}"


def _one_of(label: str, values: Collection[str]) -> str:
    sign = "=" if len(values) == 1 else "=~"
    return f'{label}{sign}"{"|".join(values)}"'


def _is_limited(contract: Contract, config: Config) -> bool:
    """Say whether there are regions whose sight does not count."""
    own = {probe.name: probe.regions for probe in config.probes}
    return any(set(probe.regions) != set(own[probe.name]) for probe in contract.probes())
