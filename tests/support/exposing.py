"""Views and results for tests of the metrics: probes in regions, as a hub would show them, without a hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from support.configs import loaded

from checks.core.result import Fact, Failure, Outcome, Result
from prober.config import Config
from prober.hub.view import AgentView, ProbeView, RegionView, ReloadView, ServiceView, View
from prober.wire import ClockState, Health, Kind, Record, SpoolState
from reports.availability import Availability
from reports.evidence import Window
from reports.outages import Outage

NOW_US = 1_790_000_000_000_000

HOUR_US = 3_600_000_000

HTTPS_PHASES = {"resolve": 812, "connect": 1_203, "tls": 9_120, "send": 31, "wait": 20_111, "transfer": 1_300}
HTTPS_FACTS: Mapping[str, Fact] = {
    "redirects": 1,
    "final_url": "https://shop.example/health",
    "address": "192.0.2.7",
    "family": 4,
    "tls_version": "TLSv1.3",
    "tls_cipher": "TLS_AES_256_GCM_SHA384",
    "certificate": {"subject": "CN=shop.example", "sans": ["shop.example"], "days": 30},
    "chain_expires": 1_792_592_000,
    "status": 200,
    "http_version": "1.1",
    "content_type": "text/html",
    "size": 5_120,
    "clock": "kernel",
}


def result(
    outcome: Outcome = Outcome.PASS,
    phases_us: Mapping[str, int] = HTTPS_PHASES,
    facts: Mapping[str, Fact] = HTTPS_FACTS,
    failures: Sequence[str] = (),
) -> Result:
    """Return a result; its duration is the sum of its phases."""
    return Result(
        outcome=outcome,
        started_us=NOW_US,
        duration_us=sum(phases_us.values()),
        phases_us=dict(phases_us),
        facts=dict(facts),
        failures=tuple(Failure(code, "as the test wants it") for code in failures),
    )


def record(
    series: int, what: Result | None = None, kind: Kind = Kind.SCHEDULED, late_us: int = 150
) -> Record:
    """Return a record of a series, a plain pass over HTTPS by default."""
    return Record(series, 1, int(kind), late_us, result() if what is None else what)


def config_of(probes: Mapping[str, str], regions: Sequence[str] = ("fra", "iad")) -> Config:
    """Return a configuration of probes by name and kind, one service `shop` over all of them, local regions."""
    blocks = {
        "http": "{url: 'https://shop.example/health'}",
        "flow": "{steps: [{name: home, url: 'https://shop.example/'}]}",
        "tcp": "{address: 'a.example:1'}",
        "dns": "{name: a.example}",
        "icmp": "{host: a.example}",
        "grpc": "{address: 'a.example:1'}",
        "websocket": "{url: 'wss://a.example/'}",
        "tls": "{address: 'a.example:1'}",
        "smtp": "{address: 'a.example:1'}",
        "unix": "{path: /run/a.sock}",
    }
    lines = ["regions:", *(f"  {region}: {{local: true}}" for region in regions), "probes:"]
    lines += [f"  - {{name: {name}, {kind}: {blocks[kind]}}}" for name, kind in probes.items()]
    lines += ["services:", f"  - {{name: shop, probes: [{', '.join(probes)}]}}"]
    return loaded("\n".join(lines) + "\n")


def view_of(config: Config, numbers_from: int = 1) -> View:
    """Return what a hub shows of a configuration; series are numbered in its order."""
    view = View(config=config, started_us=NOW_US, reload=ReloadView(ok=True, at_us=NOW_US))
    number = numbers_from
    for probe in config.probes:
        shown = view.probes[probe.name] = ProbeView(probe=probe, target="shop.example")
        for region in probe.regions:
            shown.regions[region] = RegionView(series=number, region=region)
            number += 1
    view.services = {service.name: ServiceView(service=service) for service in config.services}
    return view


def agent(name: str = "local-1") -> AgentView:
    """Return an agent that has reported."""
    health = Health(
        worst_lag_us=1_500, in_flight=3, queued=0, cpu_us=2_500_000, resident_bytes=40_000_000, clock_steps=1
    )
    return AgentView(name=name, regions=("fra",), up=True, restarts=2, last_batch_us=NOW_US, health=health)


def remote(name: str = "iad-1a2b3c4d", **more: object) -> AgentView:
    """Return a remote agent that is connected, with something to tell of everything."""
    made = agent(name)
    made.regions, made.remote, made.software = ("iad",), True, "0.1.0"
    made.complete_us = NOW_US - 2_000_000
    made.clock = ClockState(offset_us=-12_000, error_us=3_500, measured_us=NOW_US)
    made.spool = SpoolState(
        batches=3,
        results=12,
        bytes=4_096,
        oldest_us=NOW_US - 60_000_000,
        dropped_results=1_200,
        dropped_why="size",
    )
    made.aside = 2
    for field, value in more.items():
        setattr(made, field, value)
    return made


FIGURES = Availability(
    Window(NOW_US - HOUR_US, NOW_US),
    sure_us=HOUR_US // 100,
    down_us=HOUR_US // 50,
    possible_us=HOUR_US // 10,
    unknown_us=HOUR_US // 20,
)
"""An hour with some of everything."""


class Past:
    """A history that says what it was told to, and counts how often it was asked."""

    def __init__(self, windows: Mapping[str, Availability]) -> None:
        self.ready = True
        self.windows = windows
        self.asked = 0

    def rolling(self, subject: str, now_us: int) -> Mapping[str, Availability]:
        """Return the windows of the one service."""
        self.asked += 1
        return self.windows if subject == "service:shop" else {}

    def days(self, subject: str, count: int, now_us: int) -> Sequence[Availability]:
        """Return nothing: not asked for by metrics."""
        return ()

    def outages(self, subject: str, from_us: int, to_us: int) -> Sequence[Outage]:
        """Return nothing: not asked for by metrics."""
        return ()
