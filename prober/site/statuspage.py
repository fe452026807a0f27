"""The Statuspage v2 API: its exact shapes, from the same components as the page. Pure.

Nothing is added at the top level: strict clients refuse what they do not know. How states become its words:

- UP: `operational`. DOWN: `major_outage`, for the service as a whole is not there.
- DEGRADED: `partial_outage` when one of its probes is down (a part is gone), else `degraded_performance`.
- UNKNOWN: there is no such word. `operational` would claim what nobody measured and an outage would bill our
  own trouble to the service, so it is `degraded_performance`, with a description that says it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from prober.hub.verdict import State, service_subject
from prober.hub.view import View

from .components import Component, components, grouped, sight
from .ids import public_id
from .moments import instant
from .scheduled import MaintenanceShape, Place, every, to_come, under_way

Status = Literal["operational", "degraded_performance", "partial_outage", "major_outage"]
SCHEDULED = "scheduled_maintenances"
NOT_KNOWN = "Not known at the moment"
_GRAVITY: tuple[Status, ...] = ("operational", "degraded_performance", "partial_outage", "major_outage")


class PageShape(msgspec.Struct, frozen=True, kw_only=True):
    """The page that everything belongs to."""

    id: str
    name: str
    url: str
    time_zone: str
    updated_at: str


class StatusShape(msgspec.Struct, frozen=True, kw_only=True):
    """The state of everything in a word and a sentence."""

    indicator: Literal["none", "minor", "major", "critical"]
    description: str


class ComponentShape(msgspec.Struct, frozen=True, kw_only=True):
    """A component, or a group of them, which alone has `components`."""

    id: str
    name: str
    status: Status
    created_at: str
    updated_at: str
    position: int
    description: str | None
    showcase: bool
    start_date: str | None
    group_id: str | None
    page_id: str
    group: bool
    only_show_if_degraded: bool
    components: list[str] | msgspec.UnsetType = msgspec.UNSET


class Overview:
    """The API at one instant: `body(path)` gives the JSON of each of its files."""

    def __init__(self, view: View, births_us: Mapping[str, int], now_us: int) -> None:
        """`births_us` has the first instant of each probe by name; what is not in it was born with the daemon."""
        shown = components(view)
        seen = sight(view, shown, now_us)
        self._cannot_tell = seen.is_stale or seen.is_blind
        self._births_us, self._started_us = births_us, view.started_us
        changed_us = [component.since_us for component in shown]
        self._page = _page(view, max([seen.newest_us or 0, *changed_us, view.started_us]))
        self._components = self._listed(shown)
        self._windows, self._now_us = view.maintenance, now_us
        self._status = _status([part for part in self._components if not part.group], self._unknown(shown))

    def body(self, path: str) -> bytes:
        """Return the JSON of a path of `PATHS`."""
        parts: dict[str, object] = {"page": self._page}
        parts |= {key: self._scheduled(path) if key == SCHEDULED else self._part(key) for key in PATHS[path]}
        return msgspec.json.encode(parts)

    def _part(self, key: str) -> object:
        known: dict[str, object] = {"status": self._status, "components": self._components}
        return known.get(key, [])  # incidents are not told yet

    def _scheduled(self, path: str) -> list[MaintenanceShape]:
        """Return the windows of a path; the summary has those under way and to come."""
        by_id = {part.id: part for part in self._components}
        ids = {
            service: public_id(service_subject(service))
            for window in self._windows
            for service in window.services
        }
        components = {service: by_id[key] for service, key in ids.items() if key in by_id}
        about = Place(self._page.id, self._page.url, components), self._now_us
        if path.endswith("/upcoming.json"):
            return to_come(self._windows, *about)
        if path.endswith("/active.json"):
            return under_way(self._windows, *about)
        if path.endswith("/summary.json"):
            return under_way(self._windows, *about) + to_come(self._windows, *about)
        return every(self._windows, *about)

    def _unknown(self, shown: Sequence[Component]) -> bool:
        return self._cannot_tell or any(component.state is State.UNKNOWN for component in shown)

    def _listed(self, shown: Sequence[Component]) -> list[ComponentShape]:
        listed: list[ComponentShape] = []
        place = 0
        for name, members in grouped(shown).items():
            if name is None:
                listed += [self._component(member, place + at + 1, None) for at, member in enumerate(members)]
                place = len(listed)
                continue
            place += 1
            group_id = public_id(f"group:{name}")
            children = [self._component(member, at + 1, group_id) for at, member in enumerate(members)]
            listed += [_group(name, group_id, place, children), *children]
        return listed

    def _component(self, component: Component, position: int, group_id: str | None) -> ComponentShape:
        born_us = min(
            (self._births_us.get(shown.probe.name, self._started_us) for shown in component.probes),
            default=self._started_us,
        )
        return ComponentShape(
            id=public_id(component.key),
            name=component.title,
            status=self._word(component),
            created_at=instant(born_us),
            updated_at=instant(max(component.since_us, born_us)),
            position=position,
            description=self._description(component),
            showcase=True,
            start_date=instant(born_us)[:10],
            group_id=group_id,
            page_id=self._page.id,
            group=False,
            only_show_if_degraded=False,
        )

    def _word(self, component: Component) -> Status:
        return "degraded_performance" if self._cannot_tell else status_of(component)

    def _description(self, component: Component) -> str | None:
        if self._cannot_tell or component.state is State.UNKNOWN:
            return f"{NOT_KNOWN}. {component.description}" if component.description else NOT_KNOWN
        return component.description


def status_of(component: Component) -> Status:
    """Return a component's state as one of Statuspage's words; see the top of this file."""
    if component.state is State.UP:
        return "operational"
    if component.state is State.DOWN:
        return "major_outage"
    has_part_down = any(shown.state is State.DOWN for shown in component.probes)
    return "partial_outage" if component.state is State.DEGRADED and has_part_down else "degraded_performance"


def _group(name: str, group_id: str, position: int, children: Sequence[ComponentShape]) -> ComponentShape:
    return ComponentShape(
        id=group_id,
        name=name,
        status=max((child.status for child in children), key=_GRAVITY.index),
        created_at=min(child.created_at for child in children),
        updated_at=max(child.updated_at for child in children),
        position=position,
        description=None,
        showcase=False,
        start_date=None,
        group_id=None,
        page_id=children[0].page_id,
        group=True,
        only_show_if_degraded=False,
        components=[child.id for child in children],
    )


def _status(parts: Sequence[ComponentShape], is_unknown: bool) -> StatusShape:
    words = {part.status for part in parts}
    if words == {"major_outage"}:
        return StatusShape(indicator="critical", description="Major Service Outage")
    if words & {"major_outage", "partial_outage"}:
        return StatusShape(indicator="major", description="Partial System Outage")
    if is_unknown:
        return StatusShape(indicator="minor", description="Status Not Fully Known")
    if "degraded_performance" in words:
        return StatusShape(indicator="minor", description="Partially Degraded Service")
    return StatusShape(indicator="none", description="All Systems Operational")


def _page(view: View, updated_us: int) -> PageShape:
    page = view.config.page
    url = (page.url or f"http://{view.config.listen.public}").rstrip("/")
    return PageShape(
        id=public_id(f"page:{page.url or page.title}"),
        name=page.title,
        url=url,
        time_zone="Etc/UTC",
        updated_at=instant(updated_us),
    )


PATHS: Mapping[str, tuple[str, ...]] = {
    "/api/v2/summary.json": ("components", "incidents", SCHEDULED, "status"),
    "/api/v2/status.json": ("status",),
    "/api/v2/components.json": ("components",),
    "/api/v2/incidents.json": ("incidents",),
    "/api/v2/incidents/unresolved.json": ("incidents",),
    "/api/v2/scheduled-maintenances.json": (SCHEDULED,),
    "/api/v2/scheduled-maintenances/upcoming.json": (SCHEDULED,),
    "/api/v2/scheduled-maintenances/active.json": (SCHEDULED,),
}
"""The files of the API, and what each has beside `page`."""
