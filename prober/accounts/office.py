"""Contracts in a running daemon: figures as they stand, periods that are closed and delivered. Composition only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prober.config import Config
from prober.hub.pipeline import Noted, Pipeline
from prober.hub.view import View
from prober.store.base import ClosedRow, DeliveryRow, Store
from reports.document import ContractReport

from .accounts import Accounts, MaintenanceOf
from .closer import Closer
from .closing import watermarks
from .courier import Courier
from .live import Live, Shown
from .plans import Wanted
from .schedule import Standing, standings


class Office:
    """One per daemon: `run` in a task until it is cancelled, `reload` as often as wanted."""

    def __init__(
        self,
        config: Config,
        store: Store,
        pipeline: Pipeline,
        view: View,
        maintenance: MaintenanceOf,
        now_us: Callable[[], int],
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._maintenance = maintenance
        self._now_us = now_us
        self.accounts = Accounts(config, store, maintenance)
        self.shown = Shown()
        self.live = Live(lambda: self.accounts, self.shown, now_us)
        self.closer = Closer(
            lambda: self.accounts, store, self.put_on_record, lambda: watermarks(view), now_us
        )
        self.courier = Courier(lambda: self.accounts, store, self.put_on_record, now_us, self.closer.closed)

    def reload(self, config: Config) -> None:
        """Take another configuration."""
        self.accounts = Accounts(config, self._store, self._maintenance)
        self.live.wake()

    async def reports(self, wanted: Wanted) -> list[ContractReport]:
        """Return the reports that are asked for, as of now. Raises CannotReport, StoreError."""
        return await self.accounts.reports(wanted, self._now_us())

    async def deliveries(self) -> list[Standing]:
        """Return how the deliveries of closed reports stand. Raises StoreError."""
        accounts, now_us = self.accounts, self._now_us()
        rows, sent = await self._store.closed(), await self._store.deliveries()
        return await asyncio.to_thread(standings, accounts.config, accounts.contracts, rows, sent, now_us)

    async def put_on_record(
        self, closed: tuple[ClosedRow, ...] = (), deliveries: tuple[DeliveryRow, ...] = ()
    ) -> None:
        """Commit rows in the order of everything else."""
        await asyncio.shield(self._pipeline.note(Noted(closed=closed, deliveries=deliveries)))

    async def run(self) -> None:
        """Work until cancelled; raises what ends one of the parts, for half an office is worse than none."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.live.run())
            group.create_task(self.closer.run())
            group.create_task(self.courier.run())
