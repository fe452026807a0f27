"""The table of routes: everything that the internal listener serves, and nothing else."""

from __future__ import annotations

from . import blackbox, past, regions
from .errors import Problem
from .exposition import OPENMETRICS, TEXT, metrics
from .health import healthz, readyz
from .index import index
from .openapi import openapi
from .present import probe, probes, services, status
from .regions_page import regions_page
from .reload import reload
from .routes import Route
from .shapes import (
    AliveShape,
    OpenApiShape,
    ProbeShape,
    ProbesShape,
    ReadyShape,
    ReloadShape,
    ServicesShape,
    StatusShape,
)
from .shapes_past import AvailabilityShape, GapsShape, ResultsShape, StatesShape
from .shapes_regions import AsideShape, ForgottenShape, RegionsShape

ROUTES: tuple[Route, ...] = (
    Route(
        path="/",
        operation="index",
        summary="This list",
        handle=index,
        answers={200: ("text/html",)},
    ),
    Route(
        path="/regions",
        operation="regions_page",
        summary="Regions and agents, and each probe by region: a page for people",
        handle=regions_page,
        answers={200: ("text/html",)},
    ),
    Route(
        path="/metrics",
        operation="metrics",
        summary="What Prometheus scrapes; OpenMetrics if it is asked for",
        handle=metrics,
        answers={200: (TEXT, OPENMETRICS)},
    ),
    Route(
        path="/probe",
        operation="blackbox_probe",
        summary="A run of a module against a target, as the blackbox exporter answers; 200 even if it failed",
        handle=blackbox.probe,
        answers={200: (TEXT, blackbox.PLAIN), 403: Problem, 404: Problem, 500: Problem},
        params=(blackbox.MODULE, blackbox.TARGET, blackbox.HOSTNAME, blackbox.DEBUG),
        lenient=True,
    ),
    Route(
        path="/probe/history",
        operation="blackbox_history",
        summary="The recent runs of /probe, newest first",
        handle=blackbox.history,
        answers={200: ("text/html",), 404: Problem},
    ),
    Route(
        path="/probe/logs",
        operation="blackbox_logs",
        summary="Log and metrics of one run of /probe, by its number or the newest of a target",
        handle=blackbox.logs,
        answers={200: (blackbox.PLAIN,), 404: Problem},
        params=(blackbox.ID, blackbox.TARGET, blackbox.MODULE),
        lenient=True,
    ),
    Route(
        path="/probe/config",
        operation="blackbox_config",
        summary="The modules of /probe, secrets hidden",
        handle=blackbox.modules,
        answers={200: (blackbox.PLAIN,), 404: Problem},
    ),
    Route(
        path="/healthz",
        operation="healthz",
        summary="Whether the process lives",
        handle=healthz,
        answers={200: AliveShape},
    ),
    Route(
        path="/readyz",
        operation="readyz",
        summary="Whether results are measured and stored; 503 with the reasons if not",
        handle=readyz,
        answers={200: ReadyShape, 503: ReadyShape},
    ),
    Route(
        method="POST",
        path="/-/reload",
        operation="reload",
        summary="Read the configuration anew; a bad one changes nothing",
        handle=reload,
        answers={200: ReloadShape, 403: Problem, 422: ReloadShape},
    ),
    Route(
        path="/api/v1/openapi.json",
        operation="openapi",
        summary="The description of all this, for programs",
        handle=openapi,
        answers={200: OpenApiShape},
    ),
    Route(
        path="/api/v1/status",
        operation="status",
        summary="The daemon itself: version, configuration, store, agents",
        handle=status,
        answers={200: StatusShape},
    ),
    Route(
        path="/api/v1/probes",
        operation="probes",
        summary="All probes, their states and newest results",
        handle=probes,
        answers={200: ProbesShape},
    ),
    Route(
        path="/api/v1/probes/{name}",
        operation="probe",
        summary="One probe",
        handle=probe,
        answers={200: ProbeShape},
        path_about={"name": "the probe's name"},
    ),
    Route(
        path="/api/v1/services",
        operation="services",
        summary="All services and their states",
        handle=services,
        answers={200: ServicesShape},
    ),
    Route(
        path="/api/v1/results",
        operation="results",
        summary="Results, newest first, page by page",
        handle=past.results,
        answers={200: ResultsShape},
        params=(past.PROBE, past.REGION, past.OUTCOME, past.FROM, past.TO, past.AFTER, past.ROWS),
    ),
    Route(
        path="/api/v1/states",
        operation="states",
        summary="Where probes and services stand, and the newest changes",
        handle=past.states,
        answers={200: StatesShape},
        params=(past.SUBJECT, past.ROWS),
    ),
    Route(
        path="/api/v1/availability",
        operation="availability",
        summary="Availability of one subject over 1 h, 24 h, 7, 30 and 90 days and the running month",
        handle=past.availability,
        answers={200: AvailabilityShape},
        params=(past.ONE_SUBJECT,),
    ),
    Route(
        path="/api/v1/gaps",
        operation="gaps",
        summary="Slots without a result, and why",
        handle=past.gaps,
        answers={200: GapsShape},
        params=(past.PROBE, past.REGION, past.ROWS),
    ),
    Route(
        path="/api/v1/regions",
        operation="regions",
        summary="Regions and their agents: links, lag, spools, clocks, shares of void and missed, probes by region",
        handle=regions.regions,
        answers={200: RegionsShape},
    ),
    Route(
        path="/api/v1/aside",
        operation="aside",
        summary="Batches of agents that were not taken and are kept aside, newest first",
        handle=regions.aside,
        answers={200: AsideShape},
        params=(past.ROWS,),
    ),
    Route(
        method="POST",
        path="/api/v1/regions/forget",
        operation="forget_agent",
        summary="Forget the pinned key of an agent, so that one with another may come by its name; asked nearby only",
        handle=regions.forget,
        answers={200: ForgottenShape, 403: Problem, 404: Problem},
        params=(regions.AGENT,),
    ),
)
