"""Answers about announced maintenance: what is known; announcing a window, and taking one back."""

from __future__ import annotations

import asyncio

from prober.maintenance.announce import MAX_DESCRIPTION, Announcement, NotTaken
from prober.maintenance.book import BY_HAND, HORIZON_US
from prober.maintenance.keeper import MaintenanceKeeper
from prober.maintenance.present import standing
from prober.maintenance.source import State
from reports.contract import MaintenanceWindow

from . import params
from .errors import ApiError
from .past import LIMIT, ROWS
from .present import no_such
from .regions import refuse_others
from .reload import refuse_strangers
from .routes import Call
from .shapes_maintenance import (
    AnnouncedShape,
    CalendarShape,
    CancelledShape,
    MaintenanceShape,
    WindowShape,
)

COMMIT_SECONDS = 20.0  # how long whoever announces waits for the record
CALENDAR = "calendar"

FROM = params.instant("from", "windows that end after this; now if absent")
TO = params.instant("to", "windows that begin before this; 400 days from now if absent")
SERVICE = params.text("service", "only windows that touch this service")
TITLE = params.text("title", "what is done", required=True)
DESCRIPTION = params.text("description", "a sentence or two for the status page")
SERVICES = params.text("services", "the services that it touches, separated by commas", required=True)
START = params.instant("start", "when it begins", required=True)
END = params.instant("end", "when it ends", required=True)
ANNOUNCED = params.instant("announced", "when customers were told; now if absent")
BY = params.choices("by", "who asks: `cli` or `api`", sorted(BY_HAND))
KEY = params.text("key", "the window's key", required=True)
ONE = params.text("key", "only the window with this key, whenever it is")


async def maintenance(call: Call) -> MaintenanceShape:
    """Answer with the windows of a span of time, and how calendars fare."""
    keeper, query = _keeper(call), call.query
    from_us, to_us = query.get(FROM), query.get(TO)
    from_us = call.now_us if from_us is None else from_us
    to_us = call.now_us + HORIZON_US if to_us is None else to_us
    if from_us >= to_us:
        raise ApiError(400, "to: not after from", "swap them")
    service = query.get(SERVICE)
    if service is not None and service not in call.served.view.services:
        raise no_such("service", service, call.served.view.services)
    services = None if service is None else {service}
    found = await asyncio.to_thread(keeper.windows, from_us, to_us, services)
    if (key := query.get(ONE)) is not None:
        found = tuple(filter(None, [keeper.book.find(key)]))
    labels = {state.source: state.label for state in keeper.calendars}
    return MaintenanceShape(
        now_us=call.now_us,
        total=len(found),
        windows=[_window(window, labels, call.now_us) for window in found[: query.get(ROWS) or LIMIT]],
        calendars=[_calendar(state) for state in keeper.calendars],
        problems=list(keeper.problems),
    )


async def announce(call: Call) -> AnnouncedShape:
    """Put a window on record."""
    _refuse(call)
    query, keeper = call.query, _keeper(call)
    source = "cli" if query.get(BY) == frozenset({"cli"}) else "api"
    announcement = Announcement(
        title=query.need(TITLE),
        description=(query.get(DESCRIPTION) or "")[:MAX_DESCRIPTION],
        services=tuple(name.strip() for name in query.need(SERVICES).split(",")),
        start_us=query.need(START),
        end_us=query.need(END),
        announced_us=query.get(ANNOUNCED),
        source=source,
    )
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            declared = await keeper.declare(announcement)
    except NotTaken as problem:
        raise ApiError(problem.status, str(problem), problem.hint) from None
    except TimeoutError:
        raise _not_yet() from None
    return AnnouncedShape(
        window=_window(declared.window, {}, call.now_us),
        new=declared.is_new,
        warnings=list(declared.warnings),
    )


async def cancel(call: Call) -> CancelledShape:
    """Take a window back that has not begun."""
    _refuse(call)
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            window = await _keeper(call).cancel(call.query.need(KEY))
    except NotTaken as problem:
        raise ApiError(problem.status, str(problem), problem.hint) from None
    except TimeoutError:
        raise _not_yet() from None
    return CancelledShape(window=_window(window, {}, call.now_us))


def _keeper(call: Call) -> MaintenanceKeeper:
    keeper = call.served.maintenance
    if keeper is None:
        raise ApiError(503, "maintenance is not kept here")
    return keeper


def _refuse(call: Call) -> None:
    """Raise ApiError 403 for strangers: what is announced decides what contracts excuse."""
    refuse_strangers(call.request, call.served.view)
    refuse_others(call.request.remote)


def _not_yet() -> ApiError:
    problem = f"not on record within {COMMIT_SECONDS:g} s; it will be once the store can be written"
    return ApiError(503, problem, "look with GET /api/v1/maintenance before asking again")


def _window(window: MaintenanceWindow, labels: dict[str, str], now_us: int) -> WindowShape:
    is_of_calendar = window.source.startswith(f"{CALENDAR}:")
    return WindowShape(
        key=window.key,
        title=window.title,
        description=window.description,
        services=list(window.services),
        start_us=window.start_us,
        end_us=window.end_us,
        announced_us=window.announced_us,
        logged_us=window.logged_us,
        cancelled_us=window.cancelled_us,
        source=CALENDAR if is_of_calendar else window.source,
        calendar=labels.get(window.source) if is_of_calendar else None,
        standing=standing(window, now_us),
    )


def _calendar(state: State) -> CalendarShape:
    return CalendarShape(
        calendar=state.label,
        services=list(state.services),
        ok=not state.problem,
        problem=state.problem or None,
        read_us=state.read_us or None,
        tried_us=state.tried_us or None,
        windows=None if state.windows is None else len(state.windows),
    )
