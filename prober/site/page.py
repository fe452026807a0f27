"""The status page as values: banner, notices, groups of lines. Pure; `now_us` is an argument.

Not here: how it looks (`templates/`), the drawing of days (`figures`), what is shown at all (`components`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prober.hub.serving import History
from prober.hub.sightings import Awaited, awaited
from prober.hub.verdict import State
from prober.hub.view import View
from reports.availability import Availability
from reports.ledger import DAY_US
from reports.outages import Outage

from .components import Component, Sight, components, grouped, sight, troubles
from .figures import DAYS, WINDOW, Figure, duration_text, figure, with_note
from .ids import public_id
from .plain import counted
from .planned import Planned, planned, under_way
from .sla import Promise

SHOWN_OUTAGES = 5  # the newest ones, per component

NO_PROMISES: Mapping[str, tuple[Promise, ...]] = {}

WORDS = {State.UP: "Up", State.DEGRADED: "Degraded", State.DOWN: "Down", State.UNKNOWN: "Not known"}


@dataclass(frozen=True, slots=True)
class Banner:
    """The one sentence, and the state it is about."""

    state: State
    sentence: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One probe from one region; None where it is not measured from there."""

    region: str
    state: State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One component."""

    id: str
    title: str
    description: str | None
    state: State
    since: str
    maintenance: tuple[str, ...]  # what is announced for now: it stands beside the state
    troubles: tuple[str, ...]
    figure: Figure
    provisional: str  # whose results are still to come and may change the figure; else empty
    days: Sequence[Availability]
    regions: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[Cell, ...]], ...]
    outages: tuple[str, ...]
    outages_total: int
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything on the page."""

    title: str
    description: str | None
    banner: Banner
    notices: tuple[str, ...]
    groups: tuple[tuple[str | None, tuple[Line, ...]], ...]
    measured: str
    planned: tuple[Planned, ...]
    planned_more: int


def page(
    view: View,
    history: History,
    now_us: int,
    promised: Mapping[str, tuple[Promise, ...]] = NO_PROMISES,
    imported: Collection[str] = (),
) -> Page:
    """Return the page at an instant.

    `promised` has what is promised of components, by key; `imported` the probes with imported history in the days
    that are shown, which figures leave out.
    """
    shown = components(view)
    seen = sight(view, shown, now_us)
    regions = {region.name: region.title for region in view.config.regions}
    # Where the banner says why nothing can be known, no line repeats it.
    explains = not (seen.is_stale or seen.is_young or seen.is_blind)
    announced = under_way(view, shown, now_us)
    next_windows, more = planned(view, shown, now_us)
    lines = {
        component.key: _line(
            component,
            history,
            regions,
            now_us,
            explains,
            awaited(view, component.probes, now_us),
            announced.get(component.key, ()),
            promised.get(component.key, ()),
            has_imports(component, imported),
        )
        for component in shown
    }
    return Page(
        title=view.config.page.title,
        description=view.config.page.description,
        banner=banner(shown, seen),
        notices=tuple(_notices(view, seen, regions)),
        groups=tuple(
            (name, tuple(lines[member.key] for member in members)) for name, members in grouped(shown).items()
        ),
        measured=f"Last measurement {clock_text(seen.newest_us)}" if seen.newest_us else "No measurement yet",
        planned=next_windows,
        planned_more=more,
    )


def banner(shown: Sequence[Component], seen: Sight) -> Banner:
    """Return the one sentence: our own blindness first, then the worst that is known."""
    if not shown:
        return Banner(State.UNKNOWN, "Nothing is watched yet")
    if seen.is_stale:
        since = f"since {clock_text(seen.newest_us)}" if seen.newest_us else "since we started"
        return Banner(State.UNKNOWN, f"Nothing has been measured {since}: we cannot tell how things are")
    if seen.is_young:
        return Banner(State.UNKNOWN, "Measuring has just begun")
    if seen.is_blind:
        why = "have no network" if seen.without_network else "are in trouble"
        return Banner(State.UNKNOWN, f"We cannot tell at the moment: our own measuring points {why}")
    for state, verb in ((State.DOWN, "down"), (State.DEGRADED, "degraded")):
        named = [component.title for component in shown if component.state is state]
        if named:
            return Banner(state, f"{_subject(named, len(shown))} {verb}")
    unknown = [component.title for component in shown if component.state is State.UNKNOWN]
    if unknown:
        return Banner(State.UNKNOWN, f"We cannot tell how {_named(unknown)} at the moment")
    return Banner(State.UP, f"{shown[0].title} is up" if len(shown) == 1 else "All services are up")


def _subject(named: Sequence[str], total: int) -> str:
    if len(named) == 1:
        return f"{named[0]} is"
    return f"All {total} services are" if len(named) == total else f"{len(named)} of {total} services are"


def _named(titles: Sequence[str]) -> str:
    return f"{titles[0]} is" if len(titles) == 1 else f"{len(titles)} services are"


def _notices(view: View, seen: Sight, regions: dict[str, str]) -> list[str]:
    notices = []
    if seen.is_stale:
        notices.append("The states below are the last known ones and may be out of date.")
    elif seen.is_blind:
        notices.append("This says nothing about the services; measuring goes on and this page will tell.")
    elif seen.blind:
        titles = ", ".join(regions.get(name, name) for name in seen.blind)
        why = "no network" if set(seen.blind) == set(seen.without_network) else "trouble of its own"
        notices.append(
            f"Our measuring point in {titles} has {why} at the moment and says nothing about the services."
        )
    if not view.store.writable:
        notices.append("New measurements cannot be stored at the moment; what is shown may be out of date.")
    return notices


def _line(
    component: Component,
    history: History,
    titles: dict[str, str],
    now_us: int,
    explains: bool,
    late: Sequence[Awaited],
    announced: tuple[str, ...],
    promised: tuple[Promise, ...],
    is_imported: bool,
) -> Line:
    regions = tuple(dict.fromkeys(region for probe in component.probes for region in probe.regions))
    outages = history.outages(component.key, now_us - DAYS * DAY_US, now_us)
    windows = history.rolling(component.key, now_us)
    main = figure(windows, history.ready)
    return Line(
        id=public_id(component.key),
        title=component.title,
        description=component.description,
        state=component.state,
        since=f"since {at_text(component.since_us)}" if component.since_us else "",
        maintenance=announced,
        troubles=tuple(troubles(component)) if explains and component.state is not State.UP else (),
        figure=with_note(main) if is_imported else main,
        provisional=provisional(windows, late, titles, now_us),
        days=history.days(component.key, DAYS, now_us),
        regions=tuple(titles.get(region, region) for region in regions),
        matrix=tuple(
            (
                shown.probe.title,
                tuple(
                    Cell(titles.get(name, name), shown.regions[name].state if name in shown.regions else None)
                    for name in regions
                ),
            )
            for shown in component.probes
        ),
        outages=tuple(outage_text(outage) for outage in reversed(outages[-SHOWN_OUTAGES:])),
        outages_total=len(outages),
        promises=promised,
    )


def has_imports(component: Component, imported: Collection[str]) -> bool:
    """Say whether a component rests on a probe of which there is imported history."""
    return any(shown.probe.name in imported for shown in component.probes)


def provisional(
    windows: Mapping[str, Availability], late: Sequence[Awaited], titles: Mapping[str, str], now_us: int
) -> str:
    """Return whose results are still to come, where the shown figure reaches into the time they are of."""
    found = windows.get(WINDOW)
    if found is None or not found.has_data:
        return ""
    parts = [
        f"from {titles.get(each.region, each.region)} since {_shortly(each.since_us, now_us)}"
        for each in late
        if each.since_us < found.window.end_us
    ]
    return f"Provisional: results {' and '.join(parts)} are still to come" if parts else ""


def _shortly(at_us: int, now_us: int) -> str:
    """Return an instant to the minute, with its day where that is not today."""
    is_today = at_us // DAY_US == now_us // DAY_US
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%H:%M} UTC" if is_today else at_text(at_us)


def outage_text(outage: Outage) -> str:
    """Return one outage: when it began, how long it was measured, and the bounds of that."""
    measured = duration_text(outage.measured.length_us)
    least, most = duration_text(outage.sure_us), duration_text(outage.bracket.length_us)
    return f"{at_text(outage.measured.start_us)}: {measured} (at least {least}, at most {most})"


def outages_title(line: Line) -> str:
    """Return the heading over the outages of a line."""
    return f"{counted(line.outages_total, 'outage')} in {DAYS} days"


def at_text(at_us: int) -> str:
    """Return an instant to the minute, such as `7 March 2026, 14:02 UTC`."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def clock_text(at_us: int | None) -> str:
    """Return an instant to the second, such as `7 March 2026, 14:02:11 UTC`."""
    at = datetime.fromtimestamp((at_us or 0) // 1_000_000, UTC)
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"
