"""Answers about the schedule: which series there are, and when their slots were due.

With these, results and gaps, anybody can count every attempt. Slots that are still to come are not told: whoever
knows them can be on their best behaviour then.
"""

from __future__ import annotations

from prober.hub.plan import grid_of
from prober.store.base import SeriesRow

from . import params
from .errors import ApiError
from .past import LIMIT, PROBE, REGION, ROWS, series_of
from .routes import Call
from .shapes_past import SeriesListShape, SeriesShape, SlotShape, SlotsShape

SERIES = params.whole("series", "the number of a series", required=True)
DUE_FROM = params.instant("from", "due at or after", required=True)
DUE_TO = params.instant("to", "due before", required=True)
AFTER_SLOT = params.whole("after", "the key that the page before ended with")
PARAMS = (SERIES, DUE_FROM, DUE_TO, AFTER_SLOT, ROWS)
OF_SERIES = (PROBE, REGION)


async def series(call: Call) -> SeriesListShape:
    """Answer with the series of a probe and region, or all."""
    bounds = await call.served.store.slot_bounds()
    rows = await series_of(call)
    return SeriesListShape(series=[_series(row, bounds.get(row.number)) for row in rows])


def _series(row: SeriesRow, bounds: tuple[int, int] | None) -> SeriesShape:
    return SeriesShape(
        series=row.number,
        probe=row.probe,
        region=row.region,
        interval_us=row.interval_us,
        schedule=row.schedule,
        regions=list(row.regions),
        created_us=row.created_us,
        first_slot=bounds[0] if bounds else None,
        last_slot=bounds[1] if bounds else None,
    )


async def slots(call: Call) -> SlotsShape:
    """Answer with a page of slots that were due."""
    number, limit = call.query.need(SERIES), call.query.get(ROWS) or LIMIT
    row = next((row for row in await call.served.store.all_series() if row.number == number), None)
    if row is None:
        raise ApiError(404, f"no series {number}", "see /api/v1/series")
    from_us, to_us = call.query.need(DUE_FROM), min(call.query.need(DUE_TO), call.now_us + 1)
    grid = grid_of(row, await call.served.store.seed())
    after = call.query.get(AFTER_SLOT)
    first = grid.first_due(from_us) if after is None else after + 1
    end = grid.first_due(to_us)
    found = [SlotShape(slot=slot, due_us=grid.due_us(slot)) for slot in range(first, min(end, first + limit))]
    return SlotsShape(
        series=number, slots=found, after=str(first + limit - 1) if first + limit < end else None
    )
