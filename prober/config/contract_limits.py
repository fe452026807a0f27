"""Contracts that nothing could ever meet or measure: what is fine key by key, and impossible together.

Works on a document of sound shape, whose names may still dangle. Not here: names (`contract_names`), and what is merely
unwise, which `prober validate` warns of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from fractions import Fraction

from checks.core.check import KINDS
from checks.core.values import format_duration
from reports.contract import CreditTier
from reports.credits import check_tiers
from reports.hours import parse_hours

from .config import Probe
from .contract_credits import MAX_DAYS
from .contract_terms import Money
from .contracts import ContractBlock
from .faults import quote
from .model import Document
from .resolve import HUB_REGION, region_names, resolve_probe
from .yaml_values import Path, Tree

_SHOWN = ("claim", "window", "fee", "credits")
"""Keys whose values faults at other keys quote."""

_HINT = re.compile(r"(.*?)(?: \(([^()\[\]]+)\))?")
"""A sentence, and the hint in brackets at its end; half open ranges have brackets too."""

Finding = tuple[Path, str, str]
"""Where in the contract, what is wrong, and a hint."""


class Contracts:
    """Check the contracts of one document; every fault goes to the tree."""

    def __init__(self, tree: Tree, document: Document) -> None:
        self._tree = tree
        self._document = document
        self._regions: tuple[str, ...] = ()
        self._probes: dict[str, Probe] = {}
        self._services = {service.name: service for service in document.services}
        self._fees = {customer.name: customer.fee for customer in document.customers}

    def check(self) -> None:
        """Look at every contract."""
        if self._document.contracts:
            self._regions = region_names(self._document)
            self._probes = {
                block.name: resolve_probe(block, self._document.defaults, self._regions)
                for block in self._document.probe_blocks
                if any(getattr(block, kind, None) is not None for kind in KINDS)
            }
        for number, block in enumerate(self._document.contracts):
            for path, message, hint in self._findings(block):
                where: Path = ("contracts", number)
                if source := self._outside(where, {*path[:1], *_SHOWN}):
                    message, hint = (
                        f"contradicts another key; a value comes from {source} and is not shown",
                        "",
                    )
                self._tree.fault((*where, *path), message, hint)

    def _outside(self, where: Path, keys: Iterable[str | int]) -> str:
        """Name a source outside the file of what these keys of a contract hold, or return nothing."""
        places = [(*where, key) for key in keys]
        there = [place for place in places if self._tree.walk(place)[0] == place]
        return next(filter(None, map(self._tree.outside_below, there)), "")

    def _findings(self, block: ContractBlock) -> Iterator[Finding]:
        yield from services(block)
        yield from claim(block)
        yield from table(block)
        yield from credit(block)
        yield from currency(block, [self._fees.get(name) for name in block.customers])
        yield from time(block)
        yield from denominator(block)
        for probe in self._probes_of(block):
            if not set(block.regions) - set(self._regions):  # a name that is none is told, and enough
                yield from regions(block, probe)
            yield from gap(block, probe)

    def _probes_of(self, block: ContractBlock) -> list[Probe]:
        found = [self._services[name] for name in block.service_names if name in self._services]
        names = dict.fromkeys(name for service in found for name in service.probes)
        return [self._probes[name] for name in names if name in self._probes]


def services(block: ContractBlock) -> Iterator[Finding]:
    """Find fault with a contract about no service, or about several that nothing brings together."""
    if block.service is not None and block.services:
        yield ("services",), "service and services exclude each other", "keep one of them"
    elif not block.service_names:
        yield (), "neither service nor services", "name what the promise is about"
    by = block.method.weighted.by if block.method.weighted else None
    if len(block.services) > 1 and by != "services":
        hint = "weight them, method: {weighted: {by: services, ...}}, or make one service of their probes"
        yield ("services",), "several services need a method that is weighted by services", hint


def claim(block: ContractBlock) -> Iterator[Finding]:
    """Find fault with a promise of more than everything."""
    if block.more_than and block.claim == 1:
        yield ("more_than",), "nothing is more than 100%", "leave more_than out"


def table(block: ContractBlock) -> Iterator[Finding]:
    """Find fault with a credit table that has a hole or an overlap, or pays while the claim is kept."""
    # What a tier gives does not matter here; days stand for themselves, as shares of more than there can be.
    tiers = [
        CreditTier(
            below=tier.below, from_=tier.from_, credit=tier.credit or Fraction(tier.days or 0, 2 * MAX_DAYS)
        )
        for tier in block.credits
    ]
    try:
        check_tiers(tiers, block.claim, block.more_than)
    except ValueError as error:
        message, hint = _HINT.fullmatch(str(error)).groups("")  # type: ignore[union-attr]  # fits any line
        yield ("credits",), message, hint


def credit(block: ContractBlock) -> Iterator[Finding]:
    """Find fault with terms for credits that there are none of, and with two ways to count them."""
    terms = block.credit_terms
    if terms is None:
        return
    if terms.multiple is not None and block.credits:
        hint = "keep the table, or the multiple"
        yield ("credit_terms", "multiple"), "credits by a table and by a multiple exclude each other", hint
    elif terms.multiple is None and not block.credits:
        yield ("credit_terms",), "terms for credits, but no credits", "write credits, or multiple in here"


def currency(block: ContractBlock, fees: list[Money | None]) -> Iterator[Finding]:
    """Find fault with a smallest credit that no fee can be compared with. `fees` are those of the customers."""
    minimum = block.credit_terms.minimum if block.credit_terms else None
    paid = [block.fee] if block.fee is not None else fees
    others = sorted({fee.currency for fee in paid if fee is not None} - {minimum.currency if minimum else ""})
    if minimum is not None and others:
        message = f"in {minimum.currency}, but the fee is in {others[0]}"
        yield ("credit_terms", "minimum"), message, f"write it in {others[0]}"


def time(block: ContractBlock) -> Iterator[Finding]:
    """Find fault with slices that no window holds, and with hours that never come."""
    slices = block.method.slices
    if slices is not None and slices.length_us > block.window.shortest_us:
        longest = format_duration(block.window.shortest_us)
        message = f"a slice is longer than the window, {block.window}"
        yield ("method", "slices", "length"), message, f"at most {longest}"
    if _is_never_open(block):
        place = "holidays" if block.holidays else "hours"
        yield (place,), "no service hours are left while the contract holds", "every period would be empty"


def denominator(block: ContractBlock) -> Iterator[Finding]:
    """Find fault with a length of time that would divide a number of attempts or slices."""
    name = block.method.name
    if block.denominator.length_us is not None and name in ("requests", "slices"):
        message = f"a length of time divides no number of {'attempts' if name == 'requests' else name}"
        yield ("denominator",), message, f"leave it out with method {name}, or count with method time"


def _is_never_open(block: ContractBlock) -> bool:
    """Tell whether each day that the contract holds on is closed. Without an end some day is open."""
    first, last = block.effective.from_day, block.effective.to_day
    weekdays = (
        {day for part in parse_hours(block.hours) for day in part.weekdays} if block.hours else set(range(7))
    )
    if first is None or last is None or (last - first).days > 7 * (len(block.holidays) + 1):
        return False
    days = (first + timedelta(number) for number in range((last - first).days))
    closed = set(block.holidays)
    return all(day in closed or day.weekday() not in weekdays for day in days)


def gap(block: ContractBlock, probe: Probe) -> Iterator[Finding]:
    """Find fault with a gap that leaves all time of a probe unknown."""
    measures_time = block.method.name in ("time", "weighted")
    is_even = probe.schedule not in ("stratified", "round") and block.quorum == "regional"
    if measures_time and is_even and block.gap_us is not None and block.gap_us < probe.interval_us:
        message = f"shorter than the interval of {quote(probe.name)}, {format_duration(probe.interval_us)}"
        yield ("gap",), message, "all time between two results would be unknown"


def regions(block: ContractBlock, probe: Probe) -> Iterator[Finding]:
    """Find fault with regions that a probe of the contract runs in none of, or in too few to agree."""
    if probe.regions == (HUB_REGION,) or not block.regions:
        return
    count = sum(region in block.regions for region in probe.regions)
    quorum = probe.down_when
    if not count:
        yield ("regions",), f"the probe {quote(probe.name)} runs in none of these regions", ""
    elif quorum.count is not None and (quorum.count > count or (quorum.of or count) != count):
        who = f"{quote(probe.name)} is down when {quorum} regions see it"
        yield ("regions",), f"{who}, but {count} of its regions count here", "give it down_when: majority"
