"""The periods before one that is closed: told by their own closed reports, worked out anew where there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import dropwhile

from prober.store.base import ClosedRow, Store
from reports.document import Past

from .accounts import Accounts, Surroundings
from .closed import Key, key_of, newest_by_key, past_of_body
from .closing import Ended, begin_of, earlier_plans
from .plans import Plan


@dataclass(frozen=True, slots=True)
class Earlier:
    """The periods before one: all of them, those that are worked out anew, and those that are closed."""

    every: tuple[Plan, ...]
    plans: tuple[Plan, ...]
    closed: dict[Key, Past]

    def lines(self, accounts: Accounts, around: Surroundings) -> Lines:
        """Work out what is not closed."""
        anew = {key_of(plan): accounts.past_line(plan, around) for plan in self.plans}
        return Lines(self.every, self.closed | anew)


@dataclass(frozen=True, slots=True)
class Lines:
    """Earlier periods as lines, by what they are known by."""

    every: tuple[Plan, ...]
    by_key: dict[Key, Past]

    def of(self, plan: Plan) -> list[Past]:
        """Return what one reader is told: their own closed reports, else the provider's figures, which are the same."""
        name = plan.customer.name if plan.customer else ""
        found = []
        for earlier in self.every:
            contract, _, from_us, to_us = key_of(earlier)
            line = self.by_key.get((contract, name, from_us, to_us)) or self.by_key.get(key_of(earlier))
            if line is not None and (not name or name in earlier.contract.customers):
                found.append(line)
        # What lies before the first measurement is no period without data: nobody was there to measure.
        return list(dropwhile(lambda line: line.finding is None, found))


async def earlier_of(
    store: Store, ended: Ended, rows: Mapping[Key, ClosedRow], begins: Mapping[tuple[str, str], int]
) -> Earlier:
    """Return the periods before one; `rows` says which are closed, `begins` when probes were first to be measured.

    Raises StoreError.
    """
    plans = earlier_plans(ended)
    closed: dict[Key, Past] = {}
    for start_us in sorted({plan.start_us for plan in plans if key_of(plan) in rows}):
        found = await store.closed(ended.contract, from_us=start_us, body=True)
        for key, row in newest_by_key(found).items():
            closed[key] = await asyncio.to_thread(past_of_body, row.body)
    anew = tuple(plan for plan in plans if key_of(plan) not in closed and _has_begun(plan, begins))
    return Earlier(tuple(plans), anew, closed)


def _has_begun(plan: Plan, begins: Mapping[tuple[str, str], int]) -> bool:
    begin_us = begin_of(plan.contract, begins)
    return begin_us is not None and begin_us < plan.end_us
