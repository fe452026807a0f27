"""The drop-in as the daemon has it: the module file in force, its rules, the worker, the history, the counts.

Here: reading a file before it is taken, taking it, one run from question to answer. Not here: HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prober.config import Config, ConfigError
from prober.hub.view import BlackboxView

from .foreman import Foreman, Unanswered
from .guard import Guard, Rules, Verdict
from .history import Run, RunHistory
from .messages import Load, Told

if TYPE_CHECKING:  # the models are 40 ms of a start, for daemons that have a module file
    from prober.config.foreign import Foreign

    from .modules import Module
    from .request import Asked

__all__ = ["Answer", "Blackbox", "Loaded", "Runner", "Unanswered", "check_file", "prepare"]


class Runner(Protocol):
    """Runs a module once; raises `Unanswered` when no run was made."""

    async def use(self, load: Load) -> None:
        """Use this file from now on."""

    async def ask(self, module: str, target: str, hostname: str, timeout_us: int) -> Told:
        """Run a module once."""

    async def stop(self) -> None:
        """End."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sound module file and the rules of the configuration around it."""

    foreign: Foreign
    modules: dict[str, Module]
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One run: the metrics, the text of `debug=true`, own trouble."""

    metrics: str
    debug: str
    success: bool
    void: str | None


def prepare(config: Config) -> Loaded | None:
    """Read and check the module file that a configuration names; None without one, ConfigError for its faults."""
    block = config.blackbox
    if block is None or block.file is None:
        return None
    from prober.config.foreign import read_file

    from .hosts import configured_hosts
    from .modules import parse_modules

    foreign = read_file(config.path(block.file))
    hosts = {host for probe in config.probes for host in configured_hosts(probe.options)}
    rules = Rules(configured=tuple(sorted(hosts)), allow=block.allow, private=block.private)
    return Loaded(foreign, parse_modules(foreign).modules, rules)


def check_file(config: Config) -> int:
    """Return how many modules the configuration's module file has; ConfigError with every fault of it."""
    loaded = prepare(config)
    return 0 if loaded is None else len(loaded.modules)


class Blackbox:
    """What the listener asks. Without a module file it has no modules, and no worker."""

    def __init__(
        self,
        view: BlackboxView,
        runner: Callable[[], Runner] = Foreman,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.view = view
        self.history = RunHistory()
        self.loaded: Loaded | None = None
        self._guard = Guard(Rules())
        self._make_runner = runner
        self._runner: Runner | None = None
        self._clock = clock

    @property
    def modules(self) -> dict[str, Module]:
        """The modules in force."""
        return self.loaded.modules if self.loaded is not None else {}

    @property
    def file(self) -> Path | None:
        """The module file in force."""
        return Path(self.loaded.foreign.name) if self.loaded is not None else None

    def read(self, config: Config) -> Loaded | None:
        """As `prepare`; a file that is no good shows in the metrics, and the one in force stays."""
        try:
            return prepare(config)
        except ConfigError:
            self.view.ok = False
            raise

    async def take(self, loaded: Loaded | None) -> bool:
        """Use a file from now on; returns whether that changed anything."""
        before, self.loaded = self.loaded, loaded
        self.view.configured = loaded is not None
        self.view.ok = True
        if loaded is None:
            await self.stop()
            return before is not None
        if before is not None and before.foreign == loaded.foreign and before.rules == loaded.rules:
            return False
        self.view.success_us = self._clock()
        self._guard = Guard(loaded.rules)
        if self._runner is None:
            self._runner = self._make_runner()
        await self._runner.use(Load(loaded.foreign.name, loaded.foreign.text, loaded.rules))
        return True

    async def stop(self) -> None:
        """End the worker."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.stop()

    def judge(self, asked: Asked) -> Verdict:
        """Say whether the target of a request may be probed, as far as its text tells."""
        from .hosts import target_host

        return self._guard.judge(target_host(asked.module.prober, asked.target))

    async def run(self, asked: Asked) -> Answer:
        """Run once and keep what was seen; raises `Unanswered`."""
        from .request import debug_text
        from .showing import module_yaml, shown_target, without_credentials

        if self._runner is None:
            raise Unanswered("no module file is in use")
        began_us = self._clock()
        told = await self._runner.ask(asked.module_name, asked.target, asked.hostname, asked.timeout_us)
        target = shown_target(asked.target)
        about = {"module": asked.module_name, "target": target}
        debug = without_credentials(debug_text(told.log, told.metrics, module_yaml(asked.module), about))
        run = Run(
            module=asked.module_name, target=target, whole=target == asked.target, success=told.success,
            void=told.void, at_us=began_us, text=debug,
        )  # fmt: skip
        self.history.add(run)
        return Answer(metrics=told.metrics, debug=debug, success=told.success, void=told.void)
