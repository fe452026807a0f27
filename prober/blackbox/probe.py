"""What every drop-in prober shares: one run of one module against one target, its log, its lookup, its outcome.

A prober is a check that no configuration names: the same watch, deadline and closed list of failures, but the
exporter's own order of steps and its own rules. It is made for one run.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from checks.core.check import Check, Options
from checks.core.clock import monotonic_ns, wall_us
from checks.core.failures import Code, Stop
from checks.core.link import Address
from checks.core.masking import MASK, secrets_of
from checks.core.resolve import FamilyRule, resolve
from checks.core.result import Result
from checks.core.watch import Watch

from .modules import Module
from .sight import Level, Line, Lookup, Seen, Sight, TlsSeen

MAX_LINES = 1000  # of one run's log; a target that makes it longer loses the rest
MAX_FIELD = 500  # characters of one field
Found = Callable[[str, str], None]
"""Is told the address of every host that is looked up for the target, before anything is sent there."""
_NO_OPTIONS = Options()


def _to_nobody(host: str, address: str) -> None:
    pass


class Probe(Check[Options], kind=None):
    """One run. After `run`, `sight` says what was seen."""

    prober: ClassVar[str]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(kind=None, **more)

    def __init__(self, module: Module, target: str, hostname: str | None = None) -> None:
        self.module = module
        self.hostname = hostname or None
        self.found: Found = _to_nobody
        self.lookup: Lookup | None = None
        self.tls: TlsSeen | None = None
        self._target = target
        self._lines: list[Line] = []
        self._completed = False
        self._took_us = self._timeout_us = 0
        self._watched: Watch | None = None
        super().__init__(_NO_OPTIONS)
        self._secrets = secrets_of(module)

    @property
    def target(self) -> str:
        """What the caller asked for."""
        return self._target

    @abstractmethod
    async def probe(self, watch: Watch) -> None:
        """Take the exporter's steps: return after the last one, record failures in the watch, or raise `Stop`."""

    @abstractmethod
    def seen(self, watch: Watch) -> Seen:
        """Return what only this prober sees, as far as the run got."""

    def phases(self, watch: Watch) -> dict[str, int]:  # type: ignore[override]  # the exporter's names, of one run
        """Return the durations of the phases that were reached, under the exporter's names."""
        return {}

    async def look(self, watch: Watch) -> None:
        """Take the steps, and note that they were taken to the end."""
        await self.probe(watch)
        self._completed = True

    async def run(self, watch: Watch) -> Result:
        """Run once and write the log's frame; never raises for what a target does."""
        self._watched, self._timeout_us = watch, watch.place.timeout_us
        self.say("probe begins", prober=self.prober, timeout=f"{self._timeout_us / 1e6:g}s")
        result = await super().run(watch)
        self._took_us = (monotonic_ns() - watch.started_ns) // 1000
        for failure in result.failures:
            self.say(failure.detail, level="error" if not self.succeeded else "info", code=failure.code)
        words = "probe succeeded" if self.succeeded else "probe failed"
        self.say(words, level="info" if self.succeeded else "error", duration=f"{self._took_us / 1e6:g}s")
        return result

    @property
    def succeeded(self) -> bool:
        """Whether every step was taken and nothing failed. An own delay that bent only times changes nothing."""
        return self._completed and self._watched is not None and not self._watched.failed

    def sight(self, result: Result) -> Sight:
        """Return what the run saw; `result` is what `run` returned."""
        assert self._watched is not None  # a run is over
        own = None if self.succeeded else result.failure
        return Sight(
            prober=self.prober,
            success=self.succeeded,
            duration_us=self._took_us,
            timeout_us=self._timeout_us,
            seen=self.seen(self._watched),
            lookup=self.lookup,
            tls=self.tls,
            phases_us=self.phases(self._watched),
            log=tuple(self._lines),
            void=f"{own.code}: {own.detail}" if own is not None and own.code.startswith("agent_") else None,
        )

    def say(self, text: str, *, level: Level = "info", **fields: object) -> None:
        """Write a line of the log; the module's secrets are masked."""
        if len(self._lines) >= MAX_LINES:
            return
        shown = {key: self._hidden(str(value))[:MAX_FIELD] for key, value in fields.items()}
        self._lines.append(Line(wall_us(), level, self._hidden(text), shown))

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    async def find(self, watch: Watch, host: str, port: int, preferred: str, fallback: bool) -> Address:
        """Look the name up: the first address of the preferred family, or of the other one as a fallback."""
        rule = family_rule(preferred, fallback)
        self.say("looking the target up", host=host, rule=rule)
        began_ns = monotonic_ns()
        address = None
        try:
            if not host:
                raise Stop(Code.RESOLVE_INVALID, "the target names no host")
            address = await resolve(watch, host, port, rule)
        finally:
            took_us = (monotonic_ns() - began_ns) // 1000
            self.lookup = (
                Lookup(took_us) if address is None else Lookup(took_us, address.host, address.family)
            )
        self.found(host, address.host)
        self.say("found the target", host=host, address=address.host)
        return address


def family_rule(preferred: str, fallback: bool) -> FamilyRule:
    """Return our own name of the exporter's two keys."""
    if preferred == "ip4":
        return "prefer_ip4" if fallback else "ip4"
    return "prefer_ip6" if fallback else "ip6"
