"""The daemon put together: configuration, store, hub, listeners, signals. No rule of the business lives here."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prober import __version__, logs
from prober.accounts.office import Office
from prober.blackbox.service import Blackbox, Loaded
from prober.config import Config, ConfigError, load
from prober.hub.history import MemoryHistory
from prober.hub.hub import Hub
from prober.hub.pipeline import Noted
from prober.hub.plan import remote_regions
from prober.hub.publish import Publisher
from prober.hub.serving import Served
from prober.hub.view import ReloadView, View
from prober.loop import run_loop
from prober.maintenance.keeper import MaintenanceKeeper
from prober.metrics import Exposition
from prober.site import public_app
from prober.store import open_store
from prober.store.base import MaintenanceRow, StoreError
from prober.systemd import Notifier
from prober.web import internal_app
from prober.web.listener import Listener, serve
from prober.web.reception import Reception
from prober.web.tls import CertificateError

log = logging.getLogger(__name__)
LOADING_SECONDS = 60.0  # how long the collector waits for the past to be read


def now_us() -> int:
    """Return the wall clock in micro-seconds since the epoch."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Daemon:
    """One daemon: `run` until a signal or `stop`."""

    path: Path
    environ: Mapping[str, str]
    config: Config
    on_ready: Callable[[Listener, Listener], Awaitable[None]] | None = None
    notifier: Notifier = field(init=False)
    hub: Hub = field(init=False)
    view: View = field(init=False)
    blackbox: Blackbox = field(init=False)
    reception: Reception = field(init=False)
    keeper: MaintenanceKeeper = field(init=False)
    office: Office = field(init=False)
    failed: bool = False  # a part of it died, so it ended itself
    _stopping: asyncio.Event = field(init=False)
    _started: asyncio.Event = field(init=False)
    _reloading: asyncio.Lock = field(init=False)

    async def run(self) -> None:
        """Serve until told to stop; raises StoreError or ListenError when it cannot start."""
        self._stopping, self._reloading = asyncio.Event(), asyncio.Lock()
        self._started = asyncio.Event()
        self.notifier = Notifier(self.environ)
        self.view = View(config=self.config, started_us=now_us(), reload=ReloadView(ok=True, at_us=now_us()))
        history = MemoryHistory()
        exposition = Exposition(self.view, history)
        self.blackbox = Blackbox(self.view.blackbox)
        modules = self.blackbox.read(self.config)
        self.reception = Reception(self.config)
        store = open_store(f"sqlite:///{self.config.store_path.absolute()}")
        await store.open()
        self.hub = Hub(self.config, store, Publisher(self.view, history, exposition), history, now_us)
        self.hub.on_failure = self._fail
        self.keeper = MaintenanceKeeper(self.config, store, self._on_record, self.view, now_us)
        self.office = Office(self.config, store, self.hub.pipeline, self.view, self.keeper.windows, now_us)
        exposition.show_contracts(self.office.shown)
        served = Served(
            view=self.view,
            history=history,
            store=store,
            series=self.hub.rows,
            start_of=self.hub.start_of,
            slot_at=self.hub.slot_at,
            reload=self.reload,
            metrics_text=exposition.pieces,
            started=self._started,
            desk=self.hub.heartbeats,
            blackbox=self.blackbox,
            forget_agent=self.hub.remotes.forget if self.config.listen.agents is not None else None,
            maintenance=self.keeper,
            office=self.office,
        )
        await self.blackbox.take(modules)
        try:
            await self._serve(served)
        finally:
            await self.blackbox.stop()

    async def _serve(self, served: Served) -> None:
        self._on_signals()
        _warn_of_regions(self.config)
        listen = self.config.listen
        internal = await serve(internal_app(served), listen.internal.host, listen.internal.port)
        try:
            public = await serve(public_app(served), listen.public.host, listen.public.port)
            try:
                await self.reception.open(self.hub.remotes, self._started)
                await self.hub.start()
                await self.keeper.start()
                self._started.set()
                beside = [
                    self._beside(self.keeper.run(), "maintenance"),
                    self._beside(self._keep_accounts(), "contracts"),
                ]
                tidying = asyncio.create_task(self._tidy(), name="tidy")
                tidying.add_done_callback(_log_failure)
                await self._until_stopped(public, internal)
                tidying.cancel()
                for task in beside:
                    task.cancel()
            finally:
                await self.keeper.stop()
                await self.blackbox.stop()
                await self.hub.stop()
                await self.reception.close()
                await public.close()
        finally:
            await internal.close()

    async def _on_record(self, rows: tuple[MaintenanceRow, ...]) -> None:
        await asyncio.shield(self.hub.pipeline.note(Noted(maintenance=rows)))

    async def _keep_accounts(self) -> None:
        """Work on contracts once all that is on record can be read."""
        await self.hub.loaded.wait()
        await self.office.run()

    def _beside(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a part that ends the daemon when it fails."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._part_ended)
        return task

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a part of the daemon failed", exc_info=error, extra={"part": task.get_name()})
            self._fail()

    async def _until_stopped(self, public: Listener, internal: Listener) -> None:
        log.info(
            "started",
            extra={
                "version": __version__,
                "probes": len(self.config.probes),
                "regions": len(self.config.regions),
                "public": public.url,
                "internal": internal.url,
                **({"agents": agents.url} if (agents := self.reception.listener) is not None else {}),
                "digest": self.config.digest[:12],
            },
        )
        self.notifier.tell("READY=1", f"STATUS=watching {len(self.config.probes)} probes")
        if self.on_ready is not None:
            await self.on_ready(public, internal)
        pulse = asyncio.create_task(self._pulse())
        await self._stopping.wait()
        pulse.cancel()
        self.notifier.tell("STOPPING=1")
        log.info("stopping")

    def _fail(self) -> None:
        self.failed = True
        self.stop()

    async def _tidy(self) -> None:
        """Once all is in memory: take it out of the collector's sight, which `main` has kept away until now."""
        try:
            async with asyncio.timeout(LOADING_SECONDS):
                await self.hub.loaded.wait()
        except TimeoutError:
            pass
        gc.collect()
        gc.freeze()
        gc.enable()

    def stop(self) -> None:
        """Ask the daemon to stop: it drains and is gone within 5 seconds."""
        self._stopping.set()

    async def reload(self) -> ReloadView:
        """Read the configuration anew: validate fully, then swap; a bad one changes nothing and is reported."""
        async with self._reloading:
            self.notifier.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                config = await asyncio.to_thread(load, self.path, self.environ)
                modules = await asyncio.to_thread(self.blackbox.read, config)
                self.reception.renew()
            except ConfigError as error:
                self._refuse(tuple(str(fault) for fault in error.faults))
            except CertificateError as problem:
                self._refuse((f"{self.path}: listen.agents: {problem}",))
            else:
                await self._swap(config, modules)
            finally:
                self.notifier.tell("READY=1")
            return self.view.reload

    def _refuse(self, faults: tuple[str, ...]) -> None:
        log.error("the configuration was not accepted; nothing has changed", extra={"faults": faults})
        self.view.reload = ReloadView(ok=False, at_us=now_us(), faults=faults)

    async def _swap(self, config: Config, modules: Loaded | None) -> None:
        before = self.config
        if (config.listen, config.store) != (before.listen, before.store):
            log.warning("listen and store are read at the start only; restart for them to take effect")
        try:
            await self.hub.reload(config)
        except StoreError as problem:
            log.error("the configuration could not be taken in", extra={"problem": str(problem)})
            self.view.reload = ReloadView(ok=False, at_us=now_us(), faults=(f"{self.path}: {problem}",))
            return
        self.config = config
        self.keeper.reload(config)
        self.office.reload(config)
        _warn_of_regions(config)
        await self.blackbox.take(modules)
        gc.collect()
        gc.freeze()
        self.view.reload = ReloadView(ok=True, at_us=now_us())
        log.info("configuration accepted", extra={"digest": config.digest[:12], "probes": len(config.probes)})

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)

    def _reload_soon(self) -> None:
        task = asyncio.create_task(self.reload(), name="reload")
        task.add_done_callback(_log_failure)

    async def _pulse(self) -> None:
        """Tell the service manager that the loop turns; nothing else may keep it quiet."""
        while self.notifier.watchdog_seconds:
            self.notifier.tell("WATCHDOG=1")
            await asyncio.sleep(self.notifier.watchdog_seconds / 3)


def _warn_of_regions(config: Config) -> None:
    """Say so where agents elsewhere have no way in: their regions stay unknown for ever."""
    regions = sorted(remote_regions(config))
    if regions and config.listen.agents is None:
        log.warning(
            "no agent can report for some regions (hint: set listen.agents, or local: true if they are here)",
            extra={"regions": regions},
        )


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s failed", task.get_name(), exc_info=error)


def main(path: Path) -> int:
    """Run the daemon on a configuration file until it is told to stop; returns 0, or 1 after a fault of its own.

    Raises ConfigError, StoreError or ListenError when it cannot start as asked.
    """
    gc.disable()  # a start makes many objects and next to no garbage; see `_tidy`
    config = load(path, os.environ)
    logs.configure(config.log.format, config.log.level)
    daemon = Daemon(path, os.environ, config)
    run_loop(daemon.run())
    return int(daemon.failed)
