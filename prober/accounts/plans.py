"""Which reports are asked for: contracts, their versions, customers, and the periods they are cut into. Pure.

Names and periods come from people; whatever cannot be meant is refused with a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from prober.config.faults import did_you_mean
from reports.contract import Contract
from reports.periods import Period, before, calendar_named, period_at, period_between, period_named, split
from reports.report import Customer

PAST_PERIODS = 12


class CannotReport(Exception):
    """A report cannot be made as asked: what is wrong, and what to try."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. No names: every contract (of the customer); no period: the one that runs."""

    contracts: tuple[str, ...] = ()
    customer: str | None = None
    period: str | None = None
    """A name such as 2026-03, 2026-Q1, 2026; or what the contract's own window understands."""
    from_us: int | None = None
    to_us: int | None = None
    past: int = PAST_PERIODS
    """Earlier periods that are listed; 0 for none."""
    latency: bool = True
    revision: int | None = None
    """Of closed reports: this one; None: the newest."""
    fresh: bool = False
    """Work it out anew even where a closed report is on record."""
    public: bool = False
    """Only contracts that anyone may read of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One report to make: a version of a contract over a period, or the part of it in which it was in force."""

    contract: Contract
    customer: Customer | None
    period: Period
    start_us: int
    end_us: int
    part: int
    parts: int
    past: tuple[Plan, ...] = ()
    """Earlier periods, oldest first."""


def plans(
    wanted: Wanted, contracts: Sequence[Contract], customers: Mapping[str, Customer], now_us: int
) -> list[Plan]:
    """Return the reports to make, in the order of the configuration. Raises CannotReport."""
    if wanted.customer is not None and wanted.customer not in customers:
        raise CannotReport(
            f"no customer is named {wanted.customer!r}", did_you_mean(wanted.customer, customers)
        )
    found: list[Plan] = []
    for versions in _chosen(wanted, contracts):
        customer = _customer(wanted, versions, customers)
        found += _of_contract(wanted, versions, customer, now_us)
    return found


def by_name(contracts: Sequence[Contract]) -> dict[str, list[Contract]]:
    """Return the versions of each contract, by name, in the order they are in force."""
    found: dict[str, list[Contract]] = {}
    for contract in contracts:
        found.setdefault(contract.name, []).append(contract)
    for versions in found.values():
        versions.sort(key=lambda version: (version.from_day is not None, version.from_day))
    return found


def by_rule(versions: Sequence[Contract]) -> list[list[Contract]]:
    """Return versions of a contract by their window and zone, each list in the order given."""
    found: dict[tuple[object, str], list[Contract]] = {}
    for version in versions:
        found.setdefault((version.window, version.zone), []).append(version)
    return list(found.values())


def _chosen(wanted: Wanted, contracts: Sequence[Contract]) -> Iterator[list[Contract]]:
    named = by_name(contracts)
    if not named:
        raise CannotReport("the configuration has no contracts", "add a `contracts` section")
    for name in wanted.contracts:
        if name not in named:
            raise CannotReport(f"no contract is named {name!r}", did_you_mean(name, named))
        if wanted.customer is not None and not _is_of(named[name], wanted.customer):
            # Not told apart from one that does not exist: who asks for a customer sees only that customer's.
            raise CannotReport(f"the customer {wanted.customer!r} has no contract named {name!r}", "")
    chosen = [
        versions
        for name, versions in named.items()
        if (not wanted.contracts or name in wanted.contracts)
        and (wanted.customer is None or _is_of(versions, wanted.customer))
        and (not wanted.public or versions[-1].public)
    ]
    if not chosen and wanted.customer is not None:
        raise CannotReport(
            f"the customer {wanted.customer!r} has no contract", "see `contracts` in the configuration"
        )
    yield from chosen


def _is_of(versions: Sequence[Contract], customer: str) -> bool:
    return any(customer in version.customers for version in versions)


def _customer(
    wanted: Wanted, versions: Sequence[Contract], customers: Mapping[str, Customer]
) -> Customer | None:
    """Return whom the report is for: the one asked for, or the only one there is."""
    if wanted.customer is not None:
        return customers[wanted.customer]
    names = {name for version in versions for name in version.customers}
    return customers.get(names.pop()) if len(names) == 1 else None


def _of_contract(
    wanted: Wanted, versions: Sequence[Contract], customer: Customer | None, now_us: int
) -> list[Plan]:
    period, cutter = _period(wanted, versions, now_us)
    if period.start_us >= now_us:
        raise CannotReport(f"{period.label} has not begun", "name a period that has")
    visible = _visible(versions, wanted.customer)
    parts = _parts_named(visible, period, customer)
    if not parts and wanted.contracts:
        raise CannotReport(
            f"the contract {versions[0].name!r} was not in force in {period.label}", "see `effective` in it"
        )
    if parts and wanted.past and wanted.from_us is None:
        earlier = earlier_parts(versions, period, cutter, customer, wanted.past)
        own = tuple(plan for plan in earlier if plan.contract in visible)
        parts[0] = replace(parts[0], past=own)
    return parts


def parts_of(versions: Sequence[Contract], period: Period, customer: Customer | None) -> list[Plan]:
    """Return one period of a contract, a plan for each version that was in force.

    It bears the customer, and so their name and fee, only where the version is theirs.
    """
    found = split(versions, period.start_us, period.end_us)
    return [
        Plan(
            contract=contract,
            customer=customer if customer is not None and customer.name in contract.customers else None,
            period=period,
            start_us=start_us,
            end_us=end_us,
            part=number,
            parts=len(found),
        )
        for number, (contract, start_us, end_us) in enumerate(found, 1)
    ]


def _parts_named(versions: Sequence[Contract], period: Period, customer: Customer | None) -> list[Plan]:
    """Return one period of a contract as it is closed: each version's part by its own window and zone, if it has a
    period of that name."""
    found: list[Plan] = []
    for same in by_rule(versions):
        own = _read(_own, same[0], period.label)
        if own is not None and own.label == period.label:
            found += parts_of(same, own, customer)
        else:
            found += [plan for plan in parts_of(versions, period, customer) if plan.contract in same]
    found.sort(key=lambda plan: plan.start_us)
    return [replace(plan, part=number, parts=len(found)) for number, plan in enumerate(found, 1)]


def _visible(versions: Sequence[Contract], customer: str | None) -> list[Contract]:
    return [version for version in versions if customer is None or customer in version.customers]


def earlier_parts(
    versions: Sequence[Contract], period: Period, cutter: Contract, customer: Customer | None, count: int
) -> list[Plan]:
    """Return the parts of the periods before one, oldest first, of all versions; `cutter` is the one that cut it."""
    past = _earlier(versions, period, cutter, count)
    return [plan for each in past for plan in _parts_named(versions, each, customer)]


def _earlier(versions: Sequence[Contract], period: Period, cutter: Contract, count: int) -> list[Period]:
    """Return the periods before one, oldest first, each cut by the version in force then."""
    found: list[Period] = []
    for _ in range(count):
        period = before(period, cutter.window, cutter.zone)
        cut, by = _cut(versions, period.label)
        if cut.label == period.label:  # else it means another period to that version, such as a billing cycle
            period, cutter = cut, by
        found.insert(0, period)
    return found


def _period(wanted: Wanted, versions: Sequence[Contract], now_us: int) -> tuple[Period, Contract]:
    """Return the period that is asked for, and the version that it is cut by: the one that is in force in it."""
    newest = versions[-1]
    if wanted.from_us is not None and wanted.to_us is not None:
        if wanted.from_us >= wanted.to_us:
            raise CannotReport("the end is not after the beginning", "swap --from and --to")
        return period_between(wanted.from_us, wanted.to_us, newest.zone), newest
    if wanted.period is None:
        current = _in_force(versions, now_us) or newest
        return period_at(current.window, current.zone, now_us), current
    try:
        return _cut(versions, wanted.period)
    except ValueError as error:
        raise CannotReport(str(error), "such as 2026-03, 2026-Q1 or 2026") from None


def _cut(versions: Sequence[Contract], name: str) -> tuple[Period, Contract]:
    """Return the period of a name as the latest version in force when it begins cuts it; else as the newest does.

    The versions' own windows come before months, quarters and years of the calendar. Raises ValueError.
    """
    for reading in (_own, _of_calendar):
        for version in reversed(versions):
            period = _read(reading, version, name)
            if period is not None and _in_force(versions, _decides_us(period)) is version:
                return period, version
    newest = versions[-1]
    # Read again at last for the words of the error.
    return _read(_own, newest, name) or _read(_of_calendar, newest, name) or _own(newest, name), newest


def _own(version: Contract, name: str) -> Period:
    return period_named(version.window, version.zone, name)


def _of_calendar(version: Contract, name: str) -> Period:
    return calendar_named(name, version.zone)


def _read(reading: Callable[[Contract, str], Period], version: Contract, name: str) -> Period | None:
    try:
        return reading(version, name)
    except ValueError:
        return None


def _decides_us(period: Period) -> int:
    """Return the instant whose version cuts a period: the first; of a rolling window, which looks back, the last."""
    return period.end_us - 1 if period.unit == "rolling" else period.start_us


def _in_force(versions: Sequence[Contract], at_us: int) -> Contract | None:
    return next((version for version, _, _ in split(versions, at_us, at_us + 1)), None)
