"""What a route is: path, handler, parameters and the shapes of its answers, in one value.

Both the router and the API document are built from these, so neither can say what the other does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from prober.hub.serving import Served

from .errors import json_response
from .params import Param, Query, read_query

Clock = Callable[[], int]  # micro-seconds since the epoch
Body = type[msgspec.Struct] | UnionType | tuple[str, ...]
"""The type of an answer's JSON, or the media types of a body of another kind."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a handler sees it; `now_us` is the instant for every figure of the answer."""

    served: Served
    request: web.Request
    now_us: int
    query: Query
    routes: tuple[Route, ...]

    @property
    def name(self) -> str:
        """The name in the path."""
        return self.part("name")

    def part(self, name: str) -> str:
        """Return a variable part of the path."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True)
class Answer:
    """A value with a status other than 200."""

    status: int
    value: msgspec.Struct


Answered = msgspec.Struct | Answer | web.StreamResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path. `answers` maps a status to what its answer has."""

    path: str
    operation: str
    summary: str
    handle: Callable[[Call], Awaitable[Answered]]
    answers: Mapping[int, Body]
    method: str = "GET"
    params: tuple[Param[Any], ...] = ()  # Any: params of all types
    path_about: Mapping[str, str] = field(default_factory=dict)  # path parameter -> what it is
    lenient: bool = False  # the handler reads its parameters itself; unknown ones are passed over


def handler_of(route: Route, routes: tuple[Route, ...], served: Served, clock: Clock) -> Handler:
    """Return what the router calls for a route."""

    async def handle(request: web.Request) -> web.StreamResponse:
        query = Query({}) if route.lenient else read_query(route.params, request.query)
        answered = await route.handle(Call(served, request, clock(), query, routes))
        if isinstance(answered, web.StreamResponse):
            return answered
        if isinstance(answered, Answer):
            return json_response(answered.value, answered.status)
        return json_response(answered)

    return handle
