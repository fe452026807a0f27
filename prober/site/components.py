"""What the public knows: services, or every probe where there are none; and how they stand, in plain words.

Pure. Probes that belong to no service are not shown as soon as there is a service. Nothing here carries an address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.core.failures import NETWORK_CODES, Code
from checks.core.result import Outcome
from prober.config.resolve import HUB_REGION
from prober.hub.verdict import State, probe_subject, service_subject
from prober.hub.view import ProbeView, RegionView, View

from .plain import words_for

STALE_INTERVALS = 3  # of the shortest interval, without any result
STALE_FLOOR_US = 15_000_000  # delivery and commit take time, however short the interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line of the status page. `key` never changes while the name in the configuration stays."""

    key: str
    title: str
    description: str | None
    group: str | None
    state: State
    since_us: int
    probes: tuple[ProbeView, ...]


def components(view: View) -> tuple[Component, ...]:
    """Return what is shown, in the order of the file."""
    if not view.services:
        return tuple(_alone(name, probe) for name, probe in view.probes.items())
    return tuple(
        Component(
            key=service_subject(name),
            title=shown.service.title,
            description=shown.service.description,
            group=shown.service.group,
            state=shown.state,
            since_us=shown.since_us,
            probes=tuple(view.probes[probe] for probe in shown.service.probes if probe in view.probes),
        )
        for name, shown in view.services.items()
    )


def _alone(name: str, shown: ProbeView) -> Component:
    return Component(
        key=probe_subject(name),
        title=shown.probe.title,
        description=None,
        group=shown.probe.group,
        state=shown.state,
        since_us=shown.since_us,
        probes=(shown,),
    )


def grouped(shown: Sequence[Component]) -> Mapping[str | None, list[Component]]:
    """Return components by group, groups in the order in which they first appear, those without one first."""
    groups: dict[str | None, list[Component]] = {None: []}
    for component in shown:
        groups.setdefault(component.group, []).append(component)
    return {name: members for name, members in groups.items() if members}


def troubles(component: Component) -> Iterator[str]:
    """Yield what is wrong, a sentence per probe that is not up, without a full stop."""
    for shown in component.probes:
        said = _trouble(shown)
        if said:
            yield f"{shown.probe.title}: {said}" if len(component.probes) > 1 else _capital(said)


def _trouble(shown: ProbeView) -> str:
    parts = []
    regions = list(shown.regions.values())
    failing = Counter(_code(region) for region in regions if region.state is State.DOWN)
    unsure = Counter(_why_unknown(region) for region in regions if region.state is State.UNKNOWN)
    if failing:
        reasons = Counter[str]()
        for code, count in failing.items():
            reasons[words_for(code)] += count
        if shown.probe.regions == (HUB_REGION,):
            return _listed(reasons)  # the job itself said so, or nothing: no region saw anything
        parts.append(
            f"{_of(failing.total(), len(regions), 'sees a failure', 'see a failure')}: {_listed(reasons)}"
        )
    if unsure:
        parts.append(f"{_of(unsure.total(), len(regions), 'cannot tell', 'cannot tell')}: {_listed(unsure)}")
    return "; ".join(parts)


def _of(count: int, total: int, one: str, many: str) -> str:
    if total == 1:
        return f"our only region {one}"
    if count == total:
        return f"all {total} regions {many}"
    return f"{count} of {total} regions {one if count == 1 else many}"


def _listed(reasons: Counter[str]) -> str:
    if len(reasons) == 1:
        return next(iter(reasons))
    return ", ".join(f"{words} ({count})" for words, count in reasons.most_common())


def _code(region: RegionView) -> str:
    """Return why a region is down: the reason on record, else that of its newest result."""
    if region.because in Code.__members__.values() or region.last is None or region.last.failure is None:
        return region.because
    return region.last.failure.code


def _why_unknown(region: RegionView) -> str:
    code = own_trouble(region)
    if code is not None:
        return words_for(code)
    return "nothing was measured lately" if region.last is not None else "nothing has been measured yet"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def own_trouble(region: RegionView) -> str | None:
    """Return the code of our own trouble, if that is what the region's newest result is about."""
    if region.last is None or region.last.outcome is not Outcome.VOID or region.last.failure is None:
        return None
    return region.last.failure.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How well we see: when something was measured last, and which of our regions cannot tell anything."""

    newest_us: int | None
    is_stale: bool
    is_young: bool  # nothing was measured yet, and it is too early for that to mean anything
    blind: tuple[str, ...]  # regions in which every run says only that we have trouble of our own
    without_network: tuple[str, ...]  # those of them that say it is the network
    is_blind: bool  # all of them are


def sight(view: View, shown: Sequence[Component], now_us: int) -> Sight:
    """Return how well we see what is shown."""
    probes = {probe.probe.name: probe for component in shown for probe in component.probes}
    regions = [region for probe in probes.values() for region in probe.regions.values()]
    ends = [region.last.started_us + region.last.duration_us for region in regions if region.last is not None]
    newest_us = max(ends, default=None)
    limit_us = STALE_INTERVALS * min((probe.probe.interval_us for probe in probes.values()), default=0)
    silent_us = now_us - (newest_us or view.started_us)
    is_late = silent_us > max(limit_us, STALE_FLOOR_US)
    is_silent = bool(regions) and (is_late or view.all_silent_since_us > 0)
    blind = _blind(regions)
    return Sight(
        newest_us=newest_us,
        is_stale=is_silent,
        is_young=newest_us is None and not is_silent,
        blind=tuple(blind),
        without_network=tuple(name for name, codes in blind.items() if codes & NETWORK_CODES),
        is_blind=bool(regions) and len(blind) == len({region.region for region in regions}),
    )


def _blind(regions: Sequence[RegionView]) -> dict[str, set[str]]:
    codes: dict[str, set[str]] = {}
    seeing = set()
    for region in regions:
        code = own_trouble(region)
        if region.state is State.UNKNOWN and code is not None:
            codes.setdefault(region.region, set()).add(code)
        elif region.last is not None:  # a probe not run yet says nothing about its region
            seeing.add(region.region)
    return {name: found for name, found in codes.items() if name not in seeing}
