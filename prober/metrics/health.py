"""How the daemon itself fares, through prometheus-client: some dozens of samples, read from the view at a scrape.

Not here: anything that grows with probes or agents; that is why this may go the slow way.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics_text
from prometheus_client.registry import Collector

from prober import __version__
from prober.hub.view import BlackboxView, View

from .text import END

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class DaemonHealth:
    """The part of the exposition that is about the daemon."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._collector = _Collector()
        self._registry.register(self._collector)

    def text(self, view: View, openmetrics: bool) -> bytes:
        """Return the families, without the end mark."""
        self._collector.view = view
        if openmetrics:
            text: bytes = openmetrics_text.generate_latest(self._registry)  # type: ignore[no-untyped-call]  # theirs
            return text.removesuffix(END.encode())
        return generate_latest(self._registry)


class _Collector(Collector):
    def __init__(self) -> None:
        self.view: View | None = None

    def describe(self) -> list[Metric]:
        return []  # nothing can clash with the process's own: all names here start with prober_ or blackbox_

    def collect(self) -> Iterator[Metric]:
        if self.view is None:
            return
        build = GaugeMetricFamily("prober_build_info", "Version of the daemon.", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1)
        yield build
        yield from _config(self.view)
        yield from _store(self.view)
        yield from _hub()
        yield from _blackbox(self.view.blackbox)


def _config(view: View) -> Iterator[Metric]:
    info = GaugeMetricFamily("prober_config_info", "Digest of the configuration in use.", labels=["digest"])
    info.add_metric([view.config.digest], 1)
    yield info
    yield GaugeMetricFamily(
        "prober_config_last_reload_successful",
        "Whether the configuration was accepted when last read.",
        int(view.reload.ok),
    )
    yield GaugeMetricFamily(
        "prober_config_last_reload_timestamp_seconds",
        "When the configuration was last read, accepted or not, in unix time.",
        view.reload.at_us / 1e6,
    )
    yield GaugeMetricFamily(
        "prober_start_time_seconds", "When the daemon started, in unix time.", view.started_us / 1e6
    )


def _store(view: View) -> Iterator[Metric]:
    store = view.store
    yield GaugeMetricFamily("prober_store_writable", "Whether results can be stored.", int(store.writable))
    yield GaugeMetricFamily(
        "prober_store_waiting_batches", "Batches that wait for a commit.", store.waiting_batches
    )
    yield SummaryMetricFamily(
        "prober_hub_commit_seconds",
        "Time that commits took.",
        count_value=store.commits,
        sum_value=store.commit_seconds,
    )


def _blackbox(blackbox: BlackboxView) -> Iterator[Metric]:
    """Under the names that the exporter of modules has itself, where modules are configured."""
    if not blackbox.configured:
        return
    build = GaugeMetricFamily(
        "blackbox_exporter_build_info", "Version of what answers on /probe.", labels=["version"]
    )
    build.add_metric([f"prober-{__version__}"], 1)
    yield build
    yield GaugeMetricFamily(
        "blackbox_exporter_config_last_reload_successful",
        "Whether the module file was accepted when last read.",
        int(blackbox.ok),
    )
    yield GaugeMetricFamily(
        "blackbox_exporter_config_last_reload_success_timestamp_seconds",
        "When the module file in force was taken, in unix time.",
        blackbox.success_us / 1e6,
    )
    yield CounterMetricFamily(
        "blackbox_module_unknown", "Requests for a module that does not exist.", blackbox.unknown_modules
    )


def _hub() -> Iterator[Metric]:
    yield CounterMetricFamily("prober_hub_cpu_seconds", "CPU time of the hub's process.", time.process_time())
    resident = _resident_bytes()
    if resident is not None:
        yield GaugeMetricFamily(
            "prober_hub_resident_bytes", "Resident memory of the hub's process.", resident
        )


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except OSError:  # not on Linux
        return None
