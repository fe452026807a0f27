"""A made-up `Served`: a view, a history and a store in memory, for tests of whatever is served.

`sample()` is a plausible day of a small company: seven services, three regions, some trouble. Fixed instants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.fake_history import DAY_US, SECOND_US, FakeHistory, Past
from support.fake_store import SEED, FakeStore

from checks.core.check import Options
from checks.core.result import Failure, Outcome, Result
from prober.agent.grid import Grid
from prober.config import Config, Confirm, Probe, Region, Service
from prober.config.operations import AgentsBlock, ListenBlock, LogBlock, PageBlock, StoreBlock
from prober.config.terms import Quorum
from prober.hub.serving import Served
from prober.hub.verdict import State
from prober.hub.view import AgentView, ProbeView, RegionView, ReloadView, ServiceView, View
from prober.maintenance.keeper import MaintenanceKeeper
from prober.store.base import (
    ChangeRow,
    Detail,
    GapRow,
    ResultRow,
    SeriesRow,
)
from prober.wire import Health, Kind
from reports.evidence import Window

MINUTE_US = 60 * SECOND_US
NOW_US = 1_773_583_331_000_000  # 2026-03-15T14:02:11Z
REGIONS = {"fra": "Frankfurt", "iad": "Virginia", "sin": "Singapore"}


def make_config(
    probes: Sequence[Probe] = (),
    services: Sequence[Service] = (),
    page: PageBlock | None = None,
    regions: Mapping[str, str] = REGIONS,
) -> Config:
    """Return a configuration of these parts."""
    return Config(
        regions=tuple(
            Region(name=name, title=title, local=True, source_address=None, canaries=(), token_sha256=())
            for name, title in regions.items()
        ),
        probes=tuple(probes),
        services=tuple(services),
        contracts=(),
        customers=(),
        maintenance=(),
        blackbox=None,
        store=StoreBlock(),
        listen=ListenBlock(),
        page=page or PageBlock(title="Example status"),
        agents=AgentsBlock(),
        log=LogBlock(),
        folder=Path("/nowhere"),
        digest="d1" * 32,
    )


def make_probe(
    name: str, title: str | None = None, interval_us: int = 30 * SECOND_US, group: str | None = None
) -> Probe:
    """Return a probe without options."""
    return Probe(
        name=name,
        title=title or name,
        kind="http",
        options=Options(),
        interval_us=interval_us,
        timeout_us=10 * SECOND_US,
        regions=tuple(REGIONS),
        schedule="stratified",
        confirm=Confirm(retries=1, after_us=2 * SECOND_US),
        recheck_us=5 * SECOND_US,
        down_when=Quorum("majority"),
        group=group,
        labels={},
    )


def make_service(name: str, title: str, probes: Sequence[str], group: str | None = None) -> Service:
    """Return a service that needs all of its probes."""
    return Service(
        name=name, title=title, description=None, group=group, probes=tuple(probes), up_when=Quorum("all")
    )


def make_result(
    outcome: Outcome = Outcome.PASS, code: str = "", at_us: int = NOW_US - 4 * SECOND_US, detail: str = ""
) -> Result:
    """Return a result with plausible phases."""
    phases = {
        "resolve": 1_100,
        "connect": 12_300,
        "tls": 25_400,
        "send": 90,
        "wait": 48_000,
        "transfer": 3_200,
    }
    return Result(
        outcome=outcome,
        started_us=at_us,
        duration_us=sum(phases.values()),
        phases_us=phases,
        failures=(Failure(code, detail or f"{code} at 203.0.113.7:443"),) if code else (),
        facts={"status": 200, "address": "203.0.113.7"},
    )


@dataclass(slots=True)
class Scene:
    """Builds a `Served` step by step; `view`, `history` and `store` may be changed afterwards."""

    view: View
    history: FakeHistory = field(default_factory=FakeHistory)
    store: FakeStore = field(default_factory=FakeStore)
    reloads: list[ReloadView] = field(default_factory=list)
    exposition: dict[bool, Sequence[bytes]] = field(default_factory=dict)
    pinned: set[str] | None = None  # agents whose keys can be forgotten; None: none comes from elsewhere
    keeper: MaintenanceKeeper | None = None

    def served(self) -> Served:
        """Return what listeners are given."""
        grids = {
            row.number: Grid(SEED, row.probe, row.region, row.regions, row.interval_us)
            for row in self.store.rows
        }
        return Served(
            view=self.view,
            history=self.history,
            store=self.store,
            series={row.number: row for row in self.store.rows},
            start_of=lambda series, slot: grids[series].due_us(slot) if series in grids else 0,
            slot_at=lambda series, at_us: grids[series].slot_at(at_us) if series in grids else 0,
            reload=self._reload,
            metrics_text=lambda openmetrics: self.exposition.get(openmetrics, (b"# EOF\n",)),
            forget_agent=None if self.pinned is None else self._forget,
            maintenance=self.keeper,
        )

    async def _reload(self) -> ReloadView:
        self.view.reload = self.reloads.pop(0)
        return self.view.reload

    async def _forget(self, name: str) -> bool:
        is_pinned = self.pinned is not None and name in self.pinned
        if self.pinned is not None:
            self.pinned.discard(name)
        return is_pinned

    def set_region(
        self, probe: str, region: str, state: State, code: str = "", at_us: int = NOW_US - 4 * SECOND_US
    ) -> None:
        """Put one region of a probe into a state, with the newest result that goes with it."""
        shown = self.view.probes[probe].regions[region]
        outcome = {State.UP: Outcome.PASS, State.DOWN: Outcome.FAIL}.get(state, Outcome.VOID)
        shown.state, shown.because = state, code or "answers as expected"
        shown.since_us = NOW_US - 9 * MINUTE_US
        shown.last = make_result(outcome, code, at_us)
        self.view.version += 1

    def set_state(self, subject: str, state: State, since_us: int = NOW_US - 9 * MINUTE_US) -> None:
        """Put a probe or service into a state."""
        kind, _, name = subject.partition(":")
        shown: ProbeView | ServiceView = (
            self.view.probes[name] if kind == "probe" else self.view.services[name]
        )
        shown.state, shown.since_us = state, since_us
        self.view.version += 1


def make_scene(
    probes: Sequence[Probe],
    services: Sequence[Service] = (),
    page: PageBlock | None = None,
    state: State = State.UP,
) -> Scene:
    """Return a scene in which everything is in one state and was measured 4 s ago."""
    config = make_config(probes, services, page)
    started_us = NOW_US - 3 * DAY_US
    view = View(config=config, started_us=started_us, reload=ReloadView(ok=True, at_us=started_us), version=1)
    scene = Scene(view)
    number = 0
    for probe in probes:
        shown = ProbeView(
            probe=probe, target=f"https://{probe.name}.internal.example/", state=state, since_us=started_us
        )
        view.probes[probe.name] = shown
        for region in probe.regions:
            number += 1
            scene.store.rows.append(
                SeriesRow(
                    number=number,
                    probe=probe.name,
                    region=region,
                    interval_us=probe.interval_us,
                    schedule=probe.schedule,
                    regions=probe.regions,
                    created_us=NOW_US - 200 * DAY_US,
                )
            )
            shown.regions[region] = RegionView(
                series=number,
                region=region,
                state=state,
                since_us=started_us,
                because="answers as expected",
                last=make_result(),
                outcomes={"pass": 8_000, "fail": 3},
                fates={"pass": 8_000, "fail": 3, "late": 1},
            )
        scene.history.pasts[f"probe:{probe.name}"] = Past(NOW_US - 200 * DAY_US)
    for service in services:
        view.services[service.name] = ServiceView(service=service, state=state, since_us=started_us)
        scene.history.pasts[f"service:{service.name}"] = Past(NOW_US - 200 * DAY_US)
    view.agents["local-0"] = AgentView(
        name="local-0",
        regions=tuple(REGIONS),
        up=True,
        pid=4_242,
        started_us=started_us,
        last_batch_us=NOW_US - SECOND_US,
        health=Health(
            worst_lag_us=900,
            in_flight=3,
            queued=0,
            cpu_us=12_000_000,
            resident_bytes=48_000_000,
            clock_steps=0,
        ),
    )
    view.store.commits, view.store.last_commit_us = 91_000, NOW_US - SECOND_US
    return scene


def _ago(days: float, minutes: float) -> Window:
    start_us = NOW_US - int(days * DAY_US)
    return Window(start_us, start_us + int(minutes * MINUTE_US))


def sample() -> Scene:
    """Return seven services: one down in two of three regions, one degraded in one region, one that is new."""
    names = {
        "shop-web": "Web shop",
        "shop-cache": "Basket store",
        "catalogue": "Catalogue",
        "checkout": "Checkout",
        "api": "Public API",
        "mirror-europe": "Mirror in Europe",
        "mirror-asia": "Mirror in Asia",
        "names": "Names",
        "mail": "Mail",
        "secret-backoffice": "Backoffice",
    }
    probes = [make_probe(name, title) for name, title in names.items()]
    services = [
        replace(
            make_service("shop", "Web shop", ["shop-web", "shop-cache"], "Commerce"),
            description="Pages, search and the basket",
        ),
        make_service("catalogue", "Catalogue", ["catalogue"], "Commerce"),
        make_service("checkout", "Checkout", ["checkout"], "Commerce"),
        make_service("api", "Public API", ["api"], "Platform"),
        make_service("downloads", "Downloads", ["mirror-europe", "mirror-asia"], "Platform"),
        make_service("names", "Name service", ["names"], "Platform"),
        make_service("mail", "Mail", ["mail"], "Communication"),
    ]
    page = PageBlock(
        title="Example Shop status",
        description="Measured from Frankfurt, Virginia and Singapore.",
        url="https://status.shop.example/",
    )
    scene = make_scene(probes, services, page)
    for region in ("fra", "iad"):
        scene.set_region("checkout", region, State.DOWN, "connect_refused")
    scene.set_state("probe:checkout", State.DOWN)
    scene.set_state("service:checkout", State.DOWN)
    scene.set_region("mirror-asia", "sin", State.DOWN, "timeout_headers")
    scene.set_state("probe:mirror-asia", State.DEGRADED)
    scene.set_state("service:downloads", State.DEGRADED)
    always = NOW_US - 200 * DAY_US
    scene.history.pasts |= {
        "service:shop": Past(always, (_ago(61.2, 7), _ago(33.4, 55), _ago(33.1, 12)), (_ago(72, 200),)),
        "service:checkout": Past(always, (_ago(47.3, 130), _ago(12.2, 3), _ago(0.0063, 9))),
        "service:downloads": Past(always, (_ago(80.1, 4),), (_ago(20, 2_900),)),
        "service:api": Past(always, (_ago(5.5, 2),)),
        "service:mail": Past(NOW_US - 19 * DAY_US),
    }
    return scene


def crowd(count: int) -> Scene:
    """Return so many services with trouble now and then, to weigh a page."""
    probes = [make_probe(f"probe-{number}", f"Probe {number}") for number in range(count)]
    services = [
        make_service(
            f"service-{number}", f"Service number {number}", [f"probe-{number}"], f"Group {number % 4}"
        )
        for number in range(count)
    ]
    scene = make_scene(probes, services)
    for number in range(count):
        down = tuple(_ago(2.3 + step * (7 + number % 5) + number / 10, 3 + number) for step in range(8))
        scene.history.pasts[f"service:service-{number}"] = Past(NOW_US - 85 * DAY_US, down[::-1])
        if number % 4 == 0:
            scene.set_region(f"probe-{number}", "fra", State.DOWN, "http_status")
            scene.set_state(f"service:service-{number}", State.DEGRADED)
    return scene


def grid_of(scene: Scene, series: int) -> Grid:
    """Return the grid of a series of a scene."""
    row = scene.store.rows[series - 1]
    return Grid(SEED, row.probe, row.region, row.regions, row.interval_us, row.schedule)


def with_results() -> Scene:
    """Return the sample with three results of the first series, the newest a failure with a detail."""
    scene = sample()
    newest = grid_of(scene, 1).slot_at(NOW_US) - 1
    failure = make_result(Outcome.FAIL, "http_status", NOW_US - 31 * SECOND_US + 7)
    detail = Detail(series=1, slot=newest, kind=0, digest="d1", agent="local-0", result=failure)
    pass_row = ResultRow(
        series=1, slot=newest - 1, kind=0, late_us=7_000, started_us=0, duration_us=90_090, outcome="pass"
    )
    retry_us = NOW_US - 60 * SECOND_US + 3
    scene.store.found = [
        (replace(pass_row, slot=newest, late_us=0, outcome="fail"), detail),
        (replace(pass_row, kind=Kind.RETRY, late_us=0, started_us=retry_us), None),
        (pass_row, None),
    ]
    scene.store.noted = [
        ChangeRow(at_us=9, noted_us=10, subject="probe:checkout", before="up", after="down", because="fra"),
        ChangeRow(at_us=1, noted_us=2, subject="service:shop", before="unknown", after="up", because="all"),
    ]
    scene.store.missed = [GapRow(series=2, first_slot=100, last_slot=102, reason="late")]
    return scene
