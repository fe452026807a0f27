"""Answers about the past: results, changes of state, availability, gaps. From the store and the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.core.result import Outcome
from prober.agent.grid import Grid
from prober.config.faults import quote
from prober.hub.plan import grid_of
from prober.hub.sightings import Awaited, awaited
from prober.hub.verdict import probe_subject, region_subject, service_subject
from prober.hub.view import ProbeView, RegionView, ServiceView, View
from prober.store.base import Detail, GapRow, ResultQuery, ResultRow, SeriesRow, SeriesSlots
from prober.wire import Kind

from . import params
from .errors import ApiError
from .present import kind_name, no_such, probes_of
from .routes import Call
from .shapes import FailureShape
from .shapes_past import (
    AvailabilityShape,
    AwaitedShape,
    ChangeShape,
    DetailShape,
    ExpectationShape,
    GapShape,
    GapsShape,
    ResultShape,
    ResultsShape,
    StandingShape,
    StatesShape,
    window_shape,
)

LIMIT = 100  # rows of an answer, unless asked otherwise
END_US = 2**62  # later than anything: the end of a window that has none
Shown = ProbeView | ServiceView | RegionView

PROBE = params.text("probe", "only of this probe")
REGION = params.text("region", "only from this region")
OUTCOME = params.choices("outcome", "only with these outcomes", [outcome.value for outcome in Outcome])
FROM = params.instant("from", "started at or after")
TO = params.instant("to", "started before")
AFTER = params.text("after", "the key that the page before ended with")
GAPS_FROM = params.instant("from", "slots that end after")
GAPS_TO = params.instant("to", "slots that begin before")
GAPS_AFTER = params.pair("after", "the key that the page before ended with; with from or to")
ROWS = params.limit(LIMIT)
SUBJECT = params.text("subject", "probe:NAME, service:NAME or region:PROBE@REGION")
ONE_SUBJECT = params.text("subject", "probe:NAME, service:NAME or region:PROBE@REGION", required=True)


async def results(call: Call) -> ResultsShape:
    """Answer with one page of results."""
    query, served = call.query, call.served
    from_us, to_us = query.get(FROM) or 0, query.get(TO) or END_US
    if from_us >= to_us:
        raise ApiError(400, "to: not after from", "swap them")
    wanted, seed = await series_of(call), await served.store.seed()
    grids = {row.number: grid_of(row, seed) for row in wanted}
    page = await served.store.results(
        ResultQuery(
            series=[
                SeriesSlots(series=number, from_slot=grid.slot_at(from_us), to_slot=grid.slot_at(to_us - 1))
                for number, grid in grids.items()
            ],
            outcomes=query.get(OUTCOME) or frozenset(),
            after=query.get(AFTER),
            limit=query.get(ROWS) or LIMIT,
        )
    )
    shapes = [
        _result(grids[row.series], row, detail, agent)
        for row, detail, agent in zip(page.rows, page.details, page.agents, strict=True)
    ]
    # The first and the last slot reach beyond the window: what started outside of it is left out.
    inside = [shape for shape in shapes if from_us <= shape.started_us < to_us]
    return ResultsShape(results=inside, after=page.after)


async def states(call: Call) -> StatesShape:
    """Answer where things stand, and the newest changes."""
    view, subject = call.served.view, call.query.get(SUBJECT)
    shown = _standings(view) if subject is None else {subject: _standing(view, subject)}
    rows = await call.served.store.changes(subject, call.query.get(ROWS) or LIMIT)
    changes = [
        ChangeShape(
            subject=row.subject,
            before=row.before,
            after=row.after,
            at_us=row.at_us,
            noted_us=row.noted_us,
            because=row.because,
            revision=row.revision,
            withdrawn=row.withdrawn,
        )
        for row in rows
    ]
    standings = [_standing_shape(name, standing) for name, standing in shown.items()]
    return StatesShape(states=standings, changes=changes)


async def availability(call: Call) -> AvailabilityShape:
    """Answer with every window of one subject."""
    view, history, subject = call.served.view, call.served.history, call.query.need(ONE_SUBJECT)
    shown = _standing(view, subject)
    figures = history.rolling(subject, call.now_us)
    ends_us = max((found.window.end_us for found in figures.values()), default=0)
    late = [each for each in _awaited(view, subject, shown, call.now_us) if each.since_us < ends_us]
    return AvailabilityShape(
        subject=subject,
        ready=history.ready,
        settled_us=view.settled_us or None,
        provisional=bool(late),
        awaited=[AwaitedShape(region=each.region, since_us=each.since_us) for each in late],
        windows={name: window_shape(found) for name, found in figures.items()},
    )


def _awaited(view: View, subject: str, shown: Shown, now_us: int) -> list[Awaited]:
    """Return whose results are late of all that the figures of a subject rest on."""
    if isinstance(shown, RegionView):
        name = subject.partition(":")[2].rpartition("@")[0]
        return [each for each in awaited(view, [view.probes[name]], now_us) if each.region == shown.region]
    probes = [shown] if isinstance(shown, ProbeView) else probes_of(view, shown.service)
    return list(awaited(view, probes, now_us))


async def gaps(call: Call) -> GapsShape:
    """Answer with the newest gaps, or with those of a window."""
    query, limit = call.query, call.query.get(ROWS) or LIMIT
    wanted = await series_of(call)
    seed = await call.served.store.seed()
    grids = {row.number: grid_of(row, seed) for row in wanted}
    if query.get(GAPS_FROM) is None and query.get(GAPS_TO) is None:
        rows = await call.served.store.gaps(tuple(grids), limit)
        return GapsShape(gaps=[_gap(grids[row.series], row) for row in rows])
    found = await _gaps_within(call, grids)
    begin = query.get(GAPS_AFTER) or (0, 0)
    left = [shape for shape in found if (shape.series, shape.first_slot) > begin]
    last = left[limit - 1] if len(left) > limit else None
    return GapsShape(gaps=left[:limit], after=f"{last.series}.{last.first_slot}" if last else None)


async def _gaps_within(call: Call, grids: Mapping[int, Grid]) -> list[GapShape]:
    from_us, to_us = call.query.get(GAPS_FROM) or 0, call.query.get(GAPS_TO) or END_US
    if from_us >= to_us:
        raise ApiError(400, "to: not after from", "swap them")
    rows = await call.served.store.holes(sorted(grids), from_us, to_us)
    found = [_gap(grids[row.series], row) for row in rows]
    return [shape for shape in found if shape.from_us < to_us and shape.to_us > from_us]


async def series_of(call: Call) -> list[SeriesRow]:
    """Return the series of a probe and region: of every grid they ever had."""
    rows = await call.served.store.all_series()
    probe, region = call.query.get(PROBE), call.query.get(REGION)
    _known("probe", probe, [row.probe for row in rows], call.served.view.probes)
    _known("region", region, [row.region for row in rows], _regions(call.served.view))
    return [row for row in rows if probe in (None, row.probe) and region in (None, row.region)]


def _regions(view: View) -> list[str]:
    return [region.name for region in view.config.regions]


def _known(what: str, name: str | None, *known: Sequence[str] | Mapping[str, ProbeView]) -> None:
    names = dict.fromkeys(name for group in known for name in group)
    if name is not None and name not in names:
        raise no_such(what, name, names)


def _standings(view: View) -> dict[str, Shown]:
    probes: dict[str, Shown] = {probe_subject(name): shown for name, shown in view.probes.items()}
    return probes | {service_subject(name): shown for name, shown in view.services.items()}


def _standing(view: View, subject: str) -> Shown:
    """Return what a subject names; ApiError when it names nothing."""
    kind, _, name = subject.partition(":")
    if kind == "service":
        if name not in view.services:
            raise no_such("service", name, view.services)
        return view.services[name]
    if kind == "probe":
        if name not in view.probes:
            raise no_such("probe", name, view.probes)
        return view.probes[name]
    if kind == "region":
        probe, _, region = name.rpartition("@")
        known = {
            region_subject(probe, region): shown
            for probe, of_probe in view.probes.items()
            for region, shown in of_probe.regions.items()
        }
        if region_subject(probe, region) not in known:
            raise no_such("probe and region", name, ())
        return known[region_subject(probe, region)]
    raise ApiError(400, f"subject: {quote(subject)} cannot be used", f"expected {SUBJECT.about}")


def _standing_shape(subject: str, shown: Shown) -> StandingShape:
    return StandingShape(
        subject=subject, state=shown.state.value, since_us=shown.since_us, because=shown.because
    )


def _result(grid: Grid, row: ResultRow, detail: Detail | None, agent: str) -> ResultShape:
    due_us = grid.due_us(row.slot)
    started_us = due_us + row.late_us if row.kind == Kind.SCHEDULED else row.started_us
    return ResultShape(
        probe=grid.probe,
        region=grid.region,
        series=row.series,
        slot=row.slot,
        due_us=due_us,
        kind=kind_name(row.kind),
        outcome=str(row.outcome),
        started_us=started_us if detail is None else detail.result.started_us,
        started_exact=detail is not None or row.kind != Kind.SCHEDULED,
        duration_us=row.duration_us,
        agent=agent or None,
        detail=None if detail is None else _detail(detail),
    )


def _detail(detail: Detail) -> DetailShape:
    result = detail.result
    return DetailShape(
        phases_us=result.phases_us,
        failures=[FailureShape(code=failure.code, detail=failure.detail) for failure in result.failures],
        facts=result.facts,
        expectations=[
            ExpectationShape(what=one.what, expected=one.expected, seen=one.seen, held=one.held)
            for one in result.expectations
        ],
        lag_us=result.lag_us,
        agent=detail.agent,
        config_digest=detail.digest,
    )


def _gap(grid: Grid, row: GapRow) -> GapShape:
    return GapShape(
        probe=grid.probe,
        region=grid.region,
        series=row.series,
        first_slot=row.first_slot,
        last_slot=row.last_slot,
        slots=row.last_slot - row.first_slot + 1,
        from_us=grid.start_us(row.first_slot),
        to_us=grid.start_us(row.last_slot + 1),
        reason=row.reason,
    )
