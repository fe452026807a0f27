"""The API document (OpenAPI 3.1), made from the table of routes and the types of their answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from prober import __version__

from .errors import Problem
from .params import Param
from .routes import Body, Call, Route
from .shapes import OpenApiShape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REF = "#/components/schemas/{name}"
_WORDS = {
    200: "the answer",
    400: "a parameter cannot be used",
    403: "not asked from here",
    404: "no such thing",
    500: "not understood, or an error of our own",
    409: "not as things stand",
    422: "not accepted, nothing has changed",
    501: "the daemon lacks a package that this needs",
    503: "not now",
}


async def openapi(call: Call) -> OpenApiShape:
    """Answer with the document."""
    return document(call.routes)


def document(routes: tuple[Route, ...]) -> OpenApiShape:
    """Return the document of some routes."""
    types = [answer for route in routes for answer in route.answers.values() if not isinstance(answer, tuple)]
    shapes: list[Body] = list(dict.fromkeys([*types, Problem]))
    schemas, components = msgspec.json.schema_components(shapes, ref_template=REF)
    by_type: dict[Body, dict[str, object]] = dict(zip(shapes, schemas, strict=True))
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_type)
    return OpenApiShape(
        openapi="3.1.0",
        info={"title": "Prober", "version": __version__, "summary": "The internal API of one daemon"},
        json_schema_dialect=DIALECT,
        paths=paths,
        components={"schemas": components},
    )


def _operation(route: Route, schemas: dict[Body, dict[str, object]]) -> dict[str, object]:
    answers = dict(route.answers)
    for status in _problems(route):
        answers.setdefault(status, Problem)
    return {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*_in_path(route), *map(_in_query, route.params)],
        "responses": {
            str(status): {"description": _WORDS[status], "content": _content(answer, schemas)}
            for status, answer in sorted(answers.items())
        },
    }


def _problems(route: Route) -> Iterable[int]:
    yield 400  # unknown parameters are refused everywhere
    yield 503
    if route.path_about or any(param.name in ("probe", "region", "subject") for param in route.params):
        yield 404


def _content(answer: Body, schemas: dict[Body, dict[str, object]]) -> dict[str, object]:
    if isinstance(answer, tuple):
        return {media: {"schema": {"type": "string"}} for media in answer}
    return {"application/json": {"schema": schemas[answer]}}


def _in_path(route: Route) -> Iterable[dict[str, object]]:
    for name, about in route.path_about.items():
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": about,
            "schema": {"type": "string"},
        }


def _in_query(param: Param[Any]) -> dict[str, object]:  # Any: params of all types
    described: dict[str, object] = {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.about,
        "schema": param.schema,
    }
    if param.schema.get("type") == "array":
        described |= {"style": "form", "explode": False}
    return described
