"""What a scrape of 30,000 series costs, beside prometheus-client's own registry with the very same series.

Run as `PYTHONPATH=.:tests python tests/bench/bench_metrics.py`; exits 1 if the two hold different series. Scrapes of
both take turns in one process; before each of ours half of the probes get a new result, as happens with an interval
twice as long as the scrapes'. Times are CPU time of this process but for the longest step, which is real time.
A thousand probes in three regions follow, as a whole daemon may serve.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from time import perf_counter, process_time

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.registry import Collector
from support.exposing import HTTPS_PHASES, NOW_US, agent, config_of, record, result, view_of

from prober.hub.verdict import State
from prober.metrics import Exposition
from prober.wire import Record

SERIES = 30_000
REGIONS = ("fra", "iad", "sin")
ROUNDS = 9
TARGET_RATIO, TARGET_STEP_SECONDS, TARGET_TAKE_SECONDS = 200, 0.002, 5e-6

_instants = count(NOW_US)


class Bench:
    """An exposition of so many probes in each region, with the records that feed it."""

    def __init__(self, probes: int) -> None:
        self.view = view_of(config_of({f"shop-{number:04}": "http" for number in range(probes)}, REGIONS))
        # Figures move with the history, not with series; a clock that moves makes the rest no cheaper.
        self.exposition = Exposition(self.view, None, lambda: next(_instants))
        self.view.agents["local-1"] = agent()
        for probe in self.view.probes.values():
            probe.state = State.UP
            for region in probe.regions.values():
                region.state = State.UP
        self.exposition.restructure(self.view)
        self.size = probes * len(REGIONS)
        self.round = 0
        self.take_all(self.records(1, 1))

    def records(self, first: int, step: int) -> list[Record]:
        """Return a new record for every so-manieth series; each differs from the one before."""
        self.round += 1
        return [record(number, _result(number + self.round)) for number in range(first, self.size + 1, step)]

    def take_all(self, records: list[Record]) -> float:
        """Feed the records, and return the CPU seconds of each."""
        started = process_time()
        for each in records:
            self.exposition.take(each.series, each)
        return (process_time() - started) / len(records)

    def scrape(self, openmetrics: bool = False) -> tuple[bytes, float, float]:
        """Return the text, the CPU seconds of its pieces, and the real seconds of the longest one."""
        longest, pieces, started = 0.0, [], process_time()
        before = perf_counter()
        for piece in self.exposition.pieces(openmetrics):
            pieces.append(piece)
            after = perf_counter()
            longest, before = max(longest, after - before), after
        spent = process_time() - started
        return b"".join(pieces), spent, longest


def _result(number: int):
    return result(phases_us={stage: us + number % 977 for stage, us in HTTPS_PHASES.items()})


def main() -> int:
    disable_created_metrics()  # they would double the registry's counters
    one = Bench(1)
    fixed = _samples(one.scrape()[0]) - (each := _each(one))
    return max(_compare(round((SERIES - fixed) / each), ROUNDS), _compare(1000, 3))


def _compare(probes: int, rounds: int) -> int:
    bench = Bench(probes)
    text = bench.scrape()[0].decode()
    registry = _registry(text)
    same = _names(text) == _names(generate_latest(registry).decode())
    print(
        f"{probes} probes in {len(REGIONS)} regions: {_samples(text.encode())} series, {len(text) / 1e6:.1f} MB"
    )
    gc.collect()
    gc.freeze()  # as the daemon does
    takes = [bench.take_all(bench.records(1, 1)) for _ in range(rounds)]
    _in_turns(bench, registry, rounds)
    _say(
        "taking a result",
        median(takes) * 1e6,
        f"us CPU; target 5: {_met(median(takes) <= TARGET_TAKE_SECONDS)}",
    )
    _say(
        "  one set of a prometheus-client gauge", _one_set() * 1e6, "us CPU; a result is some twenty of them"
    )
    _say("scrape, nothing changed", median(bench.scrape()[1] for _ in range(rounds)) * 1e3, "ms CPU")
    bench.take_all(bench.records(1, 1))
    _say("scrape as OpenMetrics, all of them changed", bench.scrape(openmetrics=True)[1] * 1e3, "ms CPU")
    gc.unfreeze()
    if not same:
        print("  the registry holds other series than the exposition")
    return 0 if same else 1


def _one_set(times: int = 20_000) -> float:
    child = Gauge("probe_success", "Reference.", ["probe", "region"], registry=None).labels(
        "shop-0001", "fra"
    )
    return _timed(lambda: [child.set(number) for number in range(times)]) / times


def _in_turns(bench: Bench, registry: CollectorRegistry, rounds: int) -> None:
    ours, steps, reference, takes = [], [], [], []
    for number in range(rounds):
        takes.append(bench.take_all(bench.records(1 + number % 2, 2)))
        _, cpu, longest = bench.scrape()
        ours.append(cpu)
        steps.append(longest)
        reference.append(_timed(lambda: generate_latest(registry)))
    factor = median(reference) / median(ours)
    step_met = _met(median(steps) <= TARGET_STEP_SECONDS)
    _say("scrape, half of the probes changed", median(ours) * 1e3, "ms CPU")
    _say("prometheus-client's registry, same series", median(reference) * 1e3, "ms CPU")
    _say("  times ours", factor, f"target {TARGET_RATIO}: {_met(factor >= TARGET_RATIO)}")
    _say(
        "longest step, median of scrapes",
        median(steps) * 1e3,
        f"ms; target {TARGET_STEP_SECONDS * 1e3:.0f}: {step_met}",
    )
    _say("longest step of all", max(steps) * 1e3, "ms")
    _say(
        "taking a result after the registry's turn",
        median(takes) * 1e6,
        "us CPU, caches full of other things",
    )


def _each(one: Bench) -> int:
    return _samples(Bench(2).scrape()[0]) - _samples(one.scrape()[0])


def _samples(text: bytes) -> int:
    return sum(1 for line in text.splitlines() if not line.startswith(b"#"))


class _Histograms(Collector):
    """A registry's own histogram cannot be set to given counts; this adds the cheapest form there is instead."""

    def __init__(self, family: Metric) -> None:
        self._family = HistogramMetricFamily(family.name, family.documentation)
        self._family.samples = family.samples

    def collect(self) -> Iterator[Metric]:
        yield self._family


def _registry(text: str) -> CollectorRegistry:
    """Return a registry with every sample of a text, as a program that uses prometheus-client has them."""
    registry = CollectorRegistry()
    for family in read_text(text):
        if family.type in ("gauge", "counter"):
            names = sorted(family.samples[0].labels)
            made = (Gauge if family.type == "gauge" else Counter)(
                family.name, family.documentation, names, registry=registry
            )
            for sample in family.samples:
                child = made.labels(**sample.labels) if names else made
                child.set(sample.value) if family.type == "gauge" else child.inc(sample.value)
        else:
            registry.register(_Histograms(family))
    return registry


def _names(text: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {
        (sample.name, frozenset(sample.labels.items()))
        for family in read_text(text)
        for sample in family.samples
    }


def _timed(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return process_time() - started


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def _say(what: str, value: float, unit: str) -> None:
    print(f"  {what:<44} {value:10,.2f} {unit}")


if __name__ == "__main__":
    sys.exit(main())
