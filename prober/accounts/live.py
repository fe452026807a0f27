"""The figures of contracts as they stand: worked out again and again beside everything else, and shown whole.

Page, API, badges and metrics read what is shown here, so they cannot differ. What a round costs decides how often it
is made: it rests ten times as long as it took.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prober.store.base import StoreError
from reports.document import ContractReport
from reports.evidence import EvidenceError

from .accounts import Accounts
from .plans import CannotReport, Wanted

log = logging.getLogger(__name__)
EVERY_SECONDS = 15.0
RESTS = 10


@dataclass(slots=True)
class Shown:
    """What readers see: the newest report of each contract's running period, by name."""

    at_us: int = 0
    """When they were worked out; 0: not yet."""
    reports: Mapping[str, tuple[ContractReport, ...]] = field(default_factory=dict)
    """Parts in order of time where the contract changed within the period; the last one is in force."""
    problem: str = ""
    """Why they could not be worked out anew, in words."""

    def newest(self, contract: str) -> ContractReport | None:
        """Return the report of the version in force."""
        parts = self.reports.get(contract, ())
        return parts[-1] if parts else None


class Live:
    """Keeps `shown` up to date."""

    def __init__(self, accounts: Callable[[], Accounts], shown: Shown, now_us: Callable[[], int]) -> None:
        self._accounts = accounts
        self._shown = shown
        self._now_us = now_us
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Work them out soon: the configuration has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Work the figures out for ever; a round that fails is told, and what was shown stays."""
        while True:
            began = asyncio.get_running_loop().time()
            await self.round()
            took = asyncio.get_running_loop().time() - began
            await self._rest(max(EVERY_SECONDS, RESTS * took))

    async def round(self) -> None:
        """Work the figures out once."""
        accounts, now_us = self._accounts(), self._now_us()
        if not accounts.contracts:
            self._shown.at_us, self._shown.reports, self._shown.problem = now_us, {}, ""
            return
        try:
            made = await accounts.reports(Wanted(past=0, latency=False, fresh=True), now_us)
        except (StoreError, CannotReport, EvidenceError) as problem:
            if self._shown.problem != str(problem):
                log.error("figures of contracts cannot be worked out", extra={"problem": str(problem)})
            self._shown.problem = str(problem)
            return
        except Exception as fault:  # a figure that cannot be made must not end what measures
            log.exception("figures of contracts cannot be worked out")
            self._shown.problem = f"an error of our own: {type(fault).__name__}"
            return
        found: dict[str, tuple[ContractReport, ...]] = {}
        for report in made:
            found[report.contract] = (*found.get(report.contract, ()), report)
        self._shown.at_us, self._shown.reports, self._shown.problem = now_us, found, ""

    async def _rest(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
