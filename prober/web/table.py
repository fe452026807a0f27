"""The table of routes: everything that the internal listener serves, and nothing else."""

from __future__ import annotations

from prober.accounts.rendering import ZIP
from reports.document import ContractReport
from reports.render import FORMATS

from . import blackbox, contract_params, contracts, maintenance, past, regions, schedule
from .contract_page import contract_page
from .contracts_page import contracts_page
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
from .shapes_contracts import ClosedShape, ContractsShape
from .shapes_maintenance import AnnouncedShape, CancelledShape, MaintenanceShape
from .shapes_past import AvailabilityShape, GapsShape, ResultsShape, SeriesListShape, SlotsShape, StatesShape
from .shapes_regions import AsideShape, ForgottenShape, RegionsShape

FILES = tuple(dict.fromkeys([*(FORMATS[name].media_type for name in contracts.FILES), ZIP]))
FORMAT = f"one of {', '.join(contracts.FILES)}; csv comes as a ZIP archive of its files"

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
        path="/contracts",
        operation="contracts_page",
        summary="Contracts: findings, figures with their bounds, budgets and credits: a page for people",
        handle=contracts_page,
        answers={200: ("text/html",)},
    ),
    Route(
        path="/contracts/{name}",
        operation="contract_page",
        summary="The report of a contract, any period, with its files to download: a page for people",
        handle=contract_page,
        answers={200: ("text/html",), 400: ("text/html",), 404: ("text/html",), 503: ("text/html",)},
        params=contract_params.PAGE,
        path_about={"name": "the contract's name"},
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
        params=(past.PROBE, past.REGION, past.GAPS_FROM, past.GAPS_TO, past.GAPS_AFTER, past.ROWS),
    ),
    Route(
        path="/api/v1/series",
        operation="series",
        summary="Every grid that a probe ever ran on in a region",
        handle=schedule.series,
        answers={200: SeriesListShape},
        params=schedule.OF_SERIES,
    ),
    Route(
        path="/api/v1/slots",
        operation="slots",
        summary="When the slots of a series were due, page by page; not those still to come",
        handle=schedule.slots,
        answers={200: SlotsShape, 404: Problem},
        params=schedule.PARAMS,
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
    Route(
        path="/api/v1/maintenance",
        operation="maintenance",
        summary="Announced maintenance, upcoming and under way unless asked otherwise; how calendars of it fare",
        handle=maintenance.maintenance,
        answers={200: MaintenanceShape, 404: Problem},
        params=(maintenance.FROM, maintenance.TO, maintenance.SERVICE, maintenance.ONE, past.ROWS),
    ),
    Route(
        method="POST",
        path="/api/v1/maintenance",
        operation="announce_maintenance",
        summary="Announce a window; asked nearby only. One that comes too late for a contract is taken with a warning",
        handle=maintenance.announce,
        answers={200: AnnouncedShape, 403: Problem, 404: Problem},
        params=(
            maintenance.TITLE,
            maintenance.DESCRIPTION,
            maintenance.SERVICES,
            maintenance.START,
            maintenance.END,
            maintenance.ANNOUNCED,
            maintenance.BY,
        ),
    ),
    Route(
        method="POST",
        path="/api/v1/maintenance/cancel",
        operation="cancel_maintenance",
        summary="Take back a window that was announced by hand and has not begun; asked nearby only",
        handle=maintenance.cancel,
        answers={200: CancelledShape, 403: Problem, 404: Problem, 409: Problem},
        params=(maintenance.KEY,),
    ),
    Route(
        path="/api/v1/contracts",
        operation="contracts",
        summary="All contracts, and how each stands in its running period",
        handle=contracts.contracts,
        answers={200: ContractsShape},
    ),
    Route(
        path="/api/v1/contracts/{name}",
        operation="contract",
        summary="The report of a contract; a list of reports where the contract changed within the period",
        handle=contracts.contract,
        answers={200: ContractReport | list[ContractReport], 404: Problem},
        params=(*contract_params.WHAT, contract_params.CUSTOMER, *contract_params.HOW),
        path_about={"name": "the contract's name"},
    ),
    Route(
        path="/api/v1/contracts/{name}/report.{format}",
        operation="contract_report",
        summary="The report of a contract as a file",
        handle=contracts.contract_report,
        answers={200: FILES, 404: Problem, 501: Problem},
        params=(*contract_params.WHAT, contract_params.CUSTOMER, *contract_params.HOW),
        path_about={"name": "the contract's name", "format": FORMAT},
    ),
    Route(
        path="/api/v1/customers/{name}/report.{format}",
        operation="customer_report",
        summary="The reports of all contracts of a customer in one file",
        handle=contracts.customer_report,
        answers={200: FILES, 404: Problem, 501: Problem},
        params=(*contract_params.WHAT, *contract_params.HOW),
        path_about={"name": "the customer's name", "format": FORMAT},
    ),
    Route(
        path="/api/v1/closed",
        operation="closed",
        summary="Closed reports, the newest first",
        handle=contracts.closed,
        answers={200: ClosedShape},
        params=(contract_params.CONTRACT, contract_params.OF_CUSTOMER, past.ROWS),
    ),
    Route(
        path="/api/v1/closed/{digest}",
        operation="closed_document",
        summary="A closed report, byte for byte as it was stored",
        handle=contracts.closed_document,
        answers={200: ContractReport, 404: Problem},
        path_about={"digest": "the digest of the report"},
    ),
)
