"""The API document is what is served: every route is in it, and every answer fits its schema."""

from __future__ import annotations

from typing import Any

import pytest
from support.asking import internal
from support.json_schema import faults
from support.regions import troubled
from support.served import sample, with_results

from prober.hub.view import ReloadView
from prober.web import internal_app
from prober.web.table import ROUTES

ASKED = {
    "/healthz": "/healthz",
    "/readyz": "/readyz",
    "/api/v1/openapi.json": "/api/v1/openapi.json",
    "/api/v1/status": "/api/v1/status",
    "/api/v1/probes": "/api/v1/probes",
    "/api/v1/probes/{name}": "/api/v1/probes/checkout",
    "/api/v1/services": "/api/v1/services",
    "/api/v1/results": "/api/v1/results",
    "/api/v1/states": "/api/v1/states",
    "/api/v1/availability": "/api/v1/availability?subject=service:mail",
    "/api/v1/gaps": "/api/v1/gaps",
    "/api/v1/series": "/api/v1/series",
    "/api/v1/slots": "/api/v1/slots?series=1&from=2026-03-15T13:00:00Z&to=2026-03-15T14:00:00Z",
    "/api/v1/regions": "/api/v1/regions",
    "/api/v1/aside": "/api/v1/aside",
    "/api/v1/maintenance": "/api/v1/maintenance",
}
"""A request for each route that answers a GET with JSON."""
ELSEWHERE = {
    "/api/v1/contracts",
    "/api/v1/contracts/{name}",
    "/api/v1/closed",
    "/api/v1/closed/{digest}",
}
"""Tried where there are contracts: in test_contracts."""


def misfits(document: Any, path: str, method: str, status: int, value: Any) -> list[str]:
    """Return where an answer differs from what the document says of it."""
    content = document["paths"][path][method]["responses"][str(status)]["content"]
    return list(faults(value, content["application/json"]["schema"], document["components"]["schemas"]))


async def test_the_document_describes_every_route_and_no_other() -> None:
    served = {
        (method.lower(), resource.canonical)
        for resource in internal_app(sample().served()).router.resources()
        if not resource.canonical.startswith(
            "/ping/"
        )  # where jobs call, on both listeners: no part of the API
        for method in {route.method for route in resource} - {"HEAD"}
    }
    async with internal(sample()) as api:
        document = (await api.ask("/api/v1/openapi.json")).json
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert described == served
    assert document["openapi"] == "3.1.0"


async def test_a_request_is_tried_for_every_json_route() -> None:
    assert set(ASKED) | ELSEWHERE == {
        route.path for route in ROUTES if route.method == "GET" and not isinstance(route.answers[200], tuple)
    }


@pytest.mark.parametrize("path", ASKED)
async def test_every_answer_fits_its_schema(path: str) -> None:
    async with internal(with_results()) as api:
        document = (await api.ask("/api/v1/openapi.json")).json
        heard = await api.ask(ASKED[path])
    assert heard.headers["Content-Type"] == "application/json"
    assert misfits(document, path, "get", heard.status, heard.json) == []


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/regions", "/api/v1/aside"])
async def test_answers_about_agents_elsewhere_fit_their_schemas(path: str) -> None:
    async with internal(troubled()) as api:
        document = (await api.ask("/api/v1/openapi.json")).json
        heard = await api.ask(path)
    assert misfits(document, path, "get", heard.status, heard.json) == []


async def test_refusals_fit_their_schemas() -> None:
    scene = sample()
    scene.view.store.writable = False
    scene.reloads = [ReloadView(ok=False, at_us=5, faults=("probes.yaml:1:1: wrong",))]
    scene.pinned = {"iad-1a2b3c4d"}
    async with internal(scene) as api:
        document = (await api.ask("/api/v1/openapi.json")).json
        unready = await api.ask("/readyz")
        reloaded = await api.ask("/-/reload", "POST")
        missing = await api.ask("/api/v1/probes/nope")
        wrong = await api.ask("/api/v1/results?limit=0")
        forgotten = await api.ask("/api/v1/regions/forget?agent=iad-1a2b3c4d", "POST")
        unknown = await api.ask("/api/v1/regions/forget?agent=nobody", "POST")
    assert misfits(document, "/readyz", "get", 503, unready.json) == []
    assert misfits(document, "/-/reload", "post", 422, reloaded.json) == []
    assert misfits(document, "/api/v1/probes/{name}", "get", 404, missing.json) == []
    assert misfits(document, "/api/v1/results", "get", 400, wrong.json) == []
    assert misfits(document, "/api/v1/regions/forget", "post", 200, forgotten.json) == []
    assert misfits(document, "/api/v1/regions/forget", "post", 404, unknown.json) == []


async def test_an_answer_that_is_not_described_would_be_found() -> None:
    async with internal(sample()) as api:
        document = (await api.ask("/api/v1/openapi.json")).json
        alive = (await api.ask("/healthz")).json
    assert misfits(document, "/healthz", "get", 200, alive | {"more": 1}) == ["$: more is not described"]
    assert misfits(document, "/healthz", "get", 200, {}) == ["$: alive is missing"]
    assert misfits(document, "/healthz", "get", 200, {"alive": "yes"}) == ["$.alive: 'yes' is no boolean"]


async def test_parameters_are_described_as_they_are_read() -> None:
    async with internal(sample()) as api:
        operation = (await api.ask("/api/v1/openapi.json")).json["paths"]["/api/v1/results"]["get"]
    described = {one["name"]: one for one in operation["parameters"]}
    assert list(described) == ["probe", "region", "outcome", "from", "to", "after", "limit"]
    assert described["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
    assert described["outcome"]["schema"]["items"]["enum"] == ["pass", "warn", "fail", "void"]


async def test_operations_have_names_of_their_own() -> None:
    names = [route.operation for route in ROUTES]
    assert sorted(set(names)) == sorted(names)
