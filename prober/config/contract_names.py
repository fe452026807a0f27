"""What contracts name, and versions of one contract that hold at the same time.

Works on plain values and trusts nothing about them, as `names` does, which does the looking up. Not here: numbers that
contradict each other (`contract_limits`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from .faults import quote
from .yaml_values import Path

if TYPE_CHECKING:
    from .names import Names

_Mapping = dict[str, Any]  # Any: whatever the file holds
_Row = tuple[Path, _Mapping]
_Span = tuple[date, date, Path]
_BY = {"regions": "region", "probes": "probe", "services": "service"}


def check_contracts(names: Names, rows: list[_Row]) -> None:
    """Find fault with every name in contracts that is none, and with versions that overlap."""
    for path, contract in rows:
        names.known((*path, "service"), contract.get("service"), "service", names.services)
        names.each((*path, "services"), contract.get("services"), "service", names.services)
        names.each((*path, "regions"), contract.get("regions"), "region", names.regions)
        names.each((*path, "customers"), contract.get("customers"), "customer", names.customers)
        _check_weights(names, path, contract)
    _check_versions(names, rows)


def _check_weights(names: Names, path: Path, contract: _Mapping) -> None:
    method = contract.get("method")
    weighted = method.get("weighted") if isinstance(method, dict) else None
    weights = weighted.get("weights") if isinstance(weighted, dict) else None
    if not isinstance(weighted, dict) or not isinstance(weights, dict):
        return
    by = str(weighted.get("by"))
    every, own = _candidates(names, contract, by)
    for name in weights:
        place = (*path, "method", "weighted", "weights", name)
        names.known(place, name, _BY.get(by, "probe"), every, at_key=True)
        if name in every and name not in own:
            known = f"its {by}: {', '.join(sorted(own))}" if len(own) <= 8 else ""
            names.tree.fault(place, f"the contract has no {_BY[by]} {quote(name)}", known, at_key=True)


def _candidates(names: Names, contract: _Mapping, by: str) -> tuple[Collection[str], Collection[str]]:
    """Return all names that there are of a sort, and those that the contract rests on."""
    if by == "regions":
        regions = contract.get("regions")
        return names.regions, _texts(regions) if isinstance(regions, list) else names.regions
    services = [contract.get("service"), *_texts(contract.get("services"))]
    if by == "services":
        return names.services, {name for name in services if isinstance(name, str)}
    members: set[str] = set()
    for _, service in names.rows("services"):
        if service.get("name") in services:
            members.update(_texts(service.get("probes")))
    # Without a service that is known, the fault is the service's.
    return names.probes, members or names.probes


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _check_versions(names: Names, rows: Iterable[_Row]) -> None:
    versions: dict[str, list[_Row]] = {}
    for path, contract in rows:
        name = contract.get("name")
        if isinstance(name, str) and not names.tree.is_broken((*path, "name")):
            versions.setdefault(name, []).append((path, contract))
    for name, same in versions.items():
        if len(same) > 1:
            _check_overlap(names, name, same)


def _check_overlap(names: Names, name: str, same: list[_Row]) -> None:
    """Go through the versions by their first day; of those before, the one that ends last is what others meet."""
    spans: list[_Span] = []
    for path, contract in same:
        days = _days(contract.get("effective"))
        spans += [] if days is None else [(*days, path)]
    spans.sort(key=lambda span: span[0])
    for longest, span in zip(accumulate(spans, _later), spans[1:], strict=False):
        if span[0] < longest[1]:
            _fault(names, name, *sorted((longest[2], span[2]), key=_number))


def _fault(names: Names, name: str, first: Path, second: Path) -> None:
    line = names.tree.walk((*first, "name"))[2].start_mark.line + 1
    place = (*second, "name")
    names.tree.fault(
        place,
        f"two versions of {names.shown(place, name)} hold at the same time",
        f"the other is on line {line}; end the older one with effective: {{to: ...}} where the newer one begins",
    )


def _later(one: _Span, other: _Span) -> _Span:
    return other if other[1] > one[1] else one


def _number(path: Path) -> int:
    return int(path[1])


def _days(effective: object) -> tuple[date, date] | None:
    """Return the first day and the day after the last; None if it cannot be read, which the shape tells."""
    if effective is None:
        return date.min, date.max
    if not isinstance(effective, Mapping):
        return None
    try:
        first = date.fromisoformat(effective["from"]) if effective.get("from") else date.min
        last = date.fromisoformat(effective["to"]) if effective.get("to") else date.max
    except (TypeError, ValueError):
        return None
    return (first, last) if first < last else None
