"""What goes wrong with a request, and how it is said: one JSON shape, `{"error": ..., "hint": ...}`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from prober.store.base import StoreError, UnknownKey

log = logging.getLogger(__name__)
ANSWER_SECONDS = 30.0  # the longest that one request may take
LONGER_SECONDS = {
    "/probe": 610.0,  # whose callers say how long they wait
    "/contracts/{name}": 70.0,  # reports, and the turn for them, have a limit of their own
    "/api/v1/contracts/{name}": 70.0,
    "/api/v1/contracts/{name}/report.{format}": 70.0,
    "/api/v1/customers/{name}/report.{format}": 70.0,
}


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why there is no answer, and what to try."""

    error: str
    hint: str


class ApiError(Exception):
    """Ends a request with a status, an error in words and a hint."""

    def __init__(self, status: int, error: str, hint: str = "") -> None:
        super().__init__(status, error, hint)
        self.status = status
        self.problem = Problem(error, hint)


def json_response(
    value: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a value as JSON."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", headers=headers
    )


@web.middleware
async def say_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that can go wrong into the one shape; nothing takes longer than the limit."""
    try:
        async with asyncio.timeout(_seconds(request)):
            return await handler(request)
    except ApiError as error:
        return json_response(error.problem, error.status)
    except web.HTTPException as error:
        return _http(request, error)
    except UnknownKey as error:
        return json_response(Problem(str(error), "leave `after` out to begin with the newest"), 400)
    except StoreError as error:
        return json_response(Problem(f"the store cannot be read: {error}", ""), 503)
    except TimeoutError:
        return json_response(Problem(f"no answer within {ANSWER_SECONDS:g} s", "try a smaller window"), 503)
    except Exception:
        log.exception("a request failed", extra={"method": request.method, "path": request.path})
        return json_response(Problem("an error of our own", "the daemon's log says more"), 500)


def _seconds(request: web.Request) -> float:
    resource = request.match_info.route.resource
    return LONGER_SECONDS.get(resource.canonical if resource else "", ANSWER_SECONDS)


def _http(request: web.Request, error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        problem = Problem(f"{request.method} is not for {request.path}", f"use {allowed}")
        return json_response(problem, 405, {"Allow": allowed})
    if error.status == 404:
        return json_response(Problem(f"nothing at {request.path}", "see / for what there is"), 404)
    return json_response(Problem(error.reason.lower(), ""), error.status)
