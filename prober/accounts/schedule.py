"""Deliveries of closed reports: who gets what, what is due, and how it stands. Pure.

A delivery sends what is closed from its first day on, and what ended not long before; who has one revision gets every
later one. Not here: rendering and sending (`courier`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from prober.config import Config
from prober.config.delivery import ALL, DeliverBlock
from prober.store.base import ClosedRow, DeliveryRow
from reports.contract import Contract
from reports.periods import period_at, period_between

from .closed import Key
from .plans import by_name

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
YOUNG_US = 40 * DAY_US
"""Periods that ended longer ago are not sent to who never got a report of them: a new delivery brings no flood."""
LONGEST_US = 6 * HOUR_US
GIVE_UP_US = 7 * DAY_US
MOST_KNOWN = 10_000  # deliveries that the store tells of, the newest
WAITING, DONE, FAILED = "waiting", "done", "failed"

Sent = Mapping[tuple[str, str], DeliveryRow]
"""What became of deliveries, by target and digest."""
Closed = Mapping[str, Sequence[ClosedRow]]
"""Closed reports, all revisions, by customer."""


def pause_us(attempts: int) -> int:
    """Return how long to wait after so many attempts that failed: from a minute to six hours."""
    return min(MINUTE_US << min(attempts - 1, 20), LONGEST_US) if attempts > 0 else 0


def _most_attempts() -> int:
    waited_us, attempts = 0, 1
    while waited_us < GIVE_UP_US:
        waited_us += pause_us(attempts)
        attempts += 1
    return attempts


MOST_ATTEMPTS = _most_attempts()
"""After so many, some seven days of trying, a delivery has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place that reports of a delivery go to."""

    block: DeliverBlock
    kind: Literal["mail", "folder"]
    place: str
    """An address, or a folder as it is written."""
    customers: frozenset[str]
    """Whose reports go there; empty: the provider's own view does."""

    @property
    def key(self) -> str:
        """What it is remembered by: another address or folder is another target."""
        return f"{self.block.name} {self.kind}:{self.place}"


@dataclass(frozen=True, slots=True)
class Job:
    """A closed report that is to be sent somewhere, after so many attempts."""

    target: Target
    row: ClosedRow
    attempts: int


def targets_of(config: Config) -> list[Target]:
    """Return every place that reports go to, in the order of the configuration, each once a delivery."""
    found: dict[str, Target] = {}
    for block in config.reports.deliver:
        for target in _targets(block, config):
            known = found.get(target.key)
            # Two customers with one address: it gets the reports of both.
            found[target.key] = (
                replace(known, customers=known.customers | target.customers) if known else target
            )
    return list(found.values())


def _targets(block: DeliverBlock, config: Config) -> Iterator[Target]:
    known = [customer.name for customer in config.customers]
    chosen = known if block.customers == ALL else [name for name in block.customers or () if name in known]
    everybody = frozenset(chosen)
    for address in block.to:
        yield Target(block=block, kind="mail", place=address, customers=everybody)
    for customer in config.customers if block.customer_email else ():
        for address in customer.email if customer.name in everybody else ():
            yield Target(block=block, kind="mail", place=address, customers=frozenset({customer.name}))
    if block.folder is not None:
        yield Target(block=block, kind="folder", place=block.folder, customers=everybody)


def by_customer(rows: Sequence[ClosedRow]) -> Closed:
    """Return closed reports by whom they are for: the provider's own view by ""."""
    found: dict[str, list[ClosedRow]] = {}
    for row in rows:
        found.setdefault(row.customer, []).append(row)
    return found


def is_for(target: Target, row: ClosedRow) -> bool:
    """Say whether a closed report is one of those that go to a target: never one of another customer."""
    if target.block.contracts not in (None, ALL) and row.contract not in (target.block.contracts or ()):
        return False
    if target.block.customers is None:
        return row.customer == ""
    return row.customer in target.customers


def jobs(targets: Sequence[Target], rows: Closed, sent: Sent, now_us: int) -> list[Job]:
    """Return what is to be sent now: first what was tried least, then what was closed first."""
    found = [
        Job(target, row, known.attempts if known is not None else 0)
        for target in targets
        for row in wanted(target, rows, sent, now_us)
        if (known := sent.get((target.key, row.digest))) is None or _is_due(known, now_us)
    ]
    return sorted(found, key=lambda job: (job.attempts, job.row.made_us, job.row.digest))


def wanted(target: Target, rows: Closed, sent: Sent, now_us: int) -> Iterator[ClosedRow]:
    """Yield the newest revision of each report that a target gets, sent or not."""
    revisions: dict[Key, list[ClosedRow]] = {}
    names = [""] if target.block.customers is None else sorted(target.customers)
    for row in chain.from_iterable(rows.get(name, ()) for name in names):
        if is_for(target, row) and (row.revision == 1 or target.block.revisions == "all"):
            revisions.setdefault((row.contract, row.customer, row.from_us, row.to_us), []).append(row)
    forgotten_us = _forgotten_us(sent)
    for same in revisions.values():
        newest = max(same, key=lambda row: row.revision)
        is_known = (target.key, newest.digest) in sent
        is_new = newest.made_us > forgotten_us and newest.to_us > now_us - YOUNG_US
        if is_known or is_new or (newest.made_us > forgotten_us and _has_one(target, same, sent)):
            yield newest


def _has_one(target: Target, revisions: Sequence[ClosedRow], sent: Sent) -> bool:
    known = (sent.get((target.key, row.digest)) for row in revisions)
    return any(row is not None and row.state == DONE for row in known)


def _forgotten_us(sent: Sent) -> int:
    """Return up to when reports may have been sent of which the store no longer tells: they are not sent again."""
    return min(row.at_us for row in sent.values()) if len(sent) >= MOST_KNOWN else -1


def _is_due(known: DeliveryRow, now_us: int) -> bool:
    if known.state != WAITING:
        return False
    # With a clock that was set back nobody knows how long ago that was.
    return now_us < known.at_us or now_us >= known.at_us + pause_us(known.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The report that was delivered last."""

    contract: str
    customer: str
    period: str
    revision: int
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one target of a delivery stands."""

    target: Target
    state: Literal["failed", "waiting", "delivered", "nothing"]
    """The worst that holds for any report; `nothing` was to be sent yet."""
    delivered: int
    waiting: int
    failed: int
    last: Last | None
    error: str
    """Of what failed or waits, in words."""
    next_us: int | None
    """When the next attempt is due, or else when the next period ends."""


def standings(
    config: Config,
    contracts: Sequence[Contract],
    rows: Sequence[ClosedRow],
    deliveries: Sequence[DeliveryRow],
    now_us: int,
) -> list[Standing]:
    """Return how every target stands, in the order of the configuration."""
    sent = {(row.target, row.digest): row for row in deliveries}
    versions = by_name(contracts)
    closed = by_customer(rows)
    return [_standing(target, closed, sent, versions, now_us) for target in targets_of(config)]


def _standing(
    target: Target,
    rows: Closed,
    sent: Sent,
    versions: Mapping[str, Sequence[Contract]],
    now_us: int,
) -> Standing:
    pairs = [(row, sent.get((target.key, row.digest))) for row in wanted(target, rows, sent, now_us)]
    done = [(known.at_us, row) for row, known in pairs if known is not None and known.state == DONE]
    failed = [known for _, known in pairs if known is not None and known.state == FAILED]
    waiting = [known for _, known in pairs if known is None or known.state == WAITING]
    tried = [known for known in waiting if known is not None]
    troubled = failed or [known for known in tried if known.error]
    return Standing(
        target=target,
        state="failed" if failed else "waiting" if waiting else "delivered" if done else "nothing",
        delivered=len(done),
        waiting=len(waiting),
        failed=len(failed),
        last=_last(*max(done, key=lambda each: each[0]), versions) if done else None,
        error=max(troubled, key=lambda known: known.at_us).error if troubled else "",
        next_us=_next_us(target, waiting, versions, now_us),
    )


def _last(at_us: int, row: ClosedRow, versions: Mapping[str, Sequence[Contract]]) -> Last:
    return Last(
        contract=row.contract,
        customer=row.customer,
        period=label_of(row, versions.get(row.contract, ())),
        revision=row.revision,
        at_us=at_us,
    )


def label_of(row: ClosedRow, versions: Sequence[Contract]) -> str:
    """Return the name of a closed period: by the contract's rule if it is one of that, else by its days."""
    for version in reversed(versions):
        if version.window.unit != "rolling":
            period = period_at(version.window, version.zone, row.from_us)
            if row.to_us <= period.end_us:
                return period.label
    return period_between(row.from_us, row.to_us, versions[-1].zone if versions else "UTC").label


def _next_us(
    target: Target,
    waiting: Sequence[DeliveryRow | None],
    versions: Mapping[str, Sequence[Contract]],
    now_us: int,
) -> int | None:
    """Return when something is next to be done: at once, after a pause, or at the end of a period that runs."""
    if waiting:
        dues = (row.at_us + pause_us(row.attempts) if row is not None else now_us for row in waiting)
        return max(min(dues), now_us)
    ends = (
        period_at(newest.window, newest.zone, now_us).end_us
        for name, same in versions.items()
        if (newest := same[-1]).window.unit != "rolling" and _gets(target, name, same)
    )
    return min(ends, default=None)


def _gets(target: Target, name: str, versions: Sequence[Contract]) -> bool:
    if target.block.contracts not in (None, ALL) and name not in (target.block.contracts or ()):
        return False
    if target.block.customers is None:
        return True
    return any(target.customers & set(version.customers) for version in versions)
