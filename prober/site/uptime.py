"""`/uptime` as values: each component's last twelve months, and public promises with what came of them. Pure.

Not here: how months are worked out (`prober.accounts.months`), how it looks (`templates/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from prober.accounts import glance
from prober.accounts.live import Shown
from prober.accounts.months import Month, Months, periods
from prober.accounts.terms import watched
from prober.hub.view import View
from reports.ratio import NO_DATA

from .components import Component, components, grouped
from .ids import public_id
from .sla import Kept, Promise, by_component, kept, promises

NOT_YET = "not worked out yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A month of a component."""

    name: str
    code: str
    """`up`, `degraded` (some down time), `unknown` (no data): how it is drawn."""
    figure: str
    small: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A promise with its earlier periods."""

    promise: Promise
    past: tuple[Kept, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A component."""

    id: str
    title: str
    months: tuple[Cell, ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimePage:
    """Everything on the page."""

    title: str
    groups: tuple[tuple[str | None, tuple[Line, ...]], ...]
    is_whole: bool
    """Whether every month is worked out; else the page is worth another look soon."""


def uptime_page(view: View, shown: Shown | None, months: Months | None, now_us: int) -> UptimePage:
    """Return the page at an instant."""
    found = components(view)
    services = watched(view.config)
    told = by_component(promises(shown))
    names = [period.label for period in periods(now_us)]
    lines = {}
    is_whole = months is not None
    for component in found:
        service = services.get(component.key.partition(":")[2])
        kept_months = months.of_service(service, now_us) if months and service else [None] * len(names)
        is_whole = is_whole and None not in kept_months
        lines[component.key] = Line(
            id=public_id(component.key),
            title=component.title,
            months=tuple(_cell(name, month) for name, month in zip(names, kept_months, strict=True)),
            told=tuple(_told(promise, months) for promise in told.get(component.key, ())),
        )
    return UptimePage(title=view.config.page.title, groups=_groups(found, lines), is_whole=is_whole)


def _groups(
    found: Sequence[Component], lines: dict[str, Line]
) -> tuple[tuple[str | None, tuple[Line, ...]], ...]:
    return tuple(
        (name, tuple(lines[member.key] for member in members)) for name, members in grouped(found).items()
    )


def _told(promise: Promise, months: Months | None) -> Told:
    return Told(promise=promise, past=kept(months.of_contract(promise.name)) if months is not None else ())


def _cell(label: str, month: Month | None) -> Cell:
    name = f"{date.fromisoformat(f'{label}-01'):%b %Y}"
    if month is None:
        return Cell(name=name, code="unknown", figure=NOT_YET, small="")
    if month.bounds.measured is None:
        return Cell(name=name, code="unknown", figure=NO_DATA, small="")
    is_down = month.down_seconds.num > 0
    return Cell(
        name=name,
        code="degraded" if is_down else "up",
        figure=glance.measured_text(month.bounds),
        small=_small(month),
    )


def _small(month: Month) -> str:
    """Return the bounds, and how much was measured where that is not all of it."""
    parts = [glance.bounds_text(month.bounds)]
    if month.coverage.num != month.coverage.den:
        parts.append(f"{month.coverage.text} % measured")
    if month.is_imported:
        parts.append(glance.IMPORTED)
    if month.is_running:
        parts.append("so far")
    return ", ".join(part for part in parts if part)
