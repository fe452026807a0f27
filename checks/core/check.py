"""The contract of a check kind, and the registry of kinds.

A kind is one file: an options model and a class declared by `class TcpCheck(Check[TcpOptions], kind="tcp")`.
Configuration, documentation and metrics read `KINDS`; nothing else is edited to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar, get_args

from .failures import Code, DeadlinePassed, Stop
from .local import local_trouble
from .masking import masked, secrets_of, with_learned
from .reactor import Reactor
from .result import Outcome, Result
from .schema import Section
from .watch import Place, Watch

COMMON_CODES = frozenset(
    code for code in Code if code.value.startswith("agent_") or code in (Code.TOO_SLOW, Code.SLOW)
)
"""Codes that every kind can end with."""


class Options(Section):
    """Base of every kind's options."""


O_ = TypeVar("O_", bound=Options)

KINDS: dict[str, type[Check[Any]]] = {}


class Check(ABC, Generic[O_]):
    """Code that looks at one thing once. An instance is prepared once and run many times."""

    kind: ClassVar[str]
    cost_us: ClassVar[int] = (
        150  # CPU of one run, roughly: how many agent processes are needed is guessed from it
    )
    options_type: ClassVar[type[Options]]
    seldom: ClassVar[bool] = False
    """Whether a third party is asked that limits how often: `defaults` for the pace do not hold then."""
    passive: ClassVar[bool] = False
    """Whether what is watched calls us: no agent runs such a kind, and it is never looked at."""
    phases: ClassVar[tuple[str, ...]] = ()
    """Stages that a run of this kind can have, in their usual order; each becomes a phase once it is reached."""
    codes: ClassVar[frozenset[Code]] = frozenset()
    """Failure codes that only some kinds have and this one can; those of `COMMON_CODES` go without saying."""
    schemes: ClassVar[tuple[str, ...]] = ()
    """URL schemes that `prober check` takes for this kind, without the colon."""

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options, as a file would hold them, for a URL of one of `schemes`.

        Raises ValueError with what is wrong and, as a second argument, a hint.
        """
        raise NotImplementedError(f"{cls.kind} has no URLs")

    @classmethod
    def cost_of(cls, options: Any) -> int:  # Any: the kind's own options
        """Return the CPU of one run with these options, in microseconds and roughly."""
        return cls.cost_us

    def __init_subclass__(cls, *, kind: str | None, **more: Any) -> None:
        """`kind=None`: made in code only, so no configuration names it and it stays out of `KINDS`."""
        super().__init_subclass__(**more)
        if kind is None:
            return
        if kind in KINDS:
            raise TypeError(
                f"check kind {kind!r} is claimed by {KINDS[kind].__module__} and {cls.__module__}"
            )
        cls.kind = kind
        cls.options_type = get_args(cls.__orig_bases__[0])[0]  # type: ignore[attr-defined]  # set by Generic
        KINDS[kind] = cls

    def __init__(self, options: O_) -> None:
        self.options = options
        self._secrets = secrets_of(options)
        self.prepare()

    def prepare(self) -> None:  # optional: most kinds have something to build once, some have not
        """Build once what every run needs (request bytes, TLS contexts, compiled patterns)."""

    @property
    @abstractmethod
    def target(self) -> str:
        """What is looked at, in a word a person knows (URL without credentials, host:port, name and type)."""

    @abstractmethod
    async def look(self, watch: Watch) -> None:
        """Look once: fill the watch; raise `Stop` to end early. Whatever it opened must be closed on every way out."""

    async def run(self, watch: Watch) -> Result:
        """Look once and return the Result; never raises for what a target does."""
        try:  # as in `looked`, which would be one more coroutine between each event and who waits for it
            await self.look(watch)
            watch.leave()
        except Exception as error:
            _put_down(watch, error)
        return masked(watch.result(), with_learned(self._secrets, watch.secrets))


async def looked(watch: Watch, look: Awaitable[None]) -> None:
    """Await a look and put down however it ends: nothing that a target does is raised."""
    try:
        await look
        watch.leave()
    except Exception as error:
        _put_down(watch, error)


def _put_down(watch: Watch, error: Exception) -> None:
    if isinstance(error, Stop):
        watch.stop(error.code, error.detail)
    elif isinstance(error, DeadlinePassed):
        watch.expired()
    elif isinstance(error, OSError) and (trouble := local_trouble(error)) is not None:
        watch.stop(*trouble)
    elif isinstance(error, MemoryError):
        watch.stop(Code.AGENT_MEMORY, "out of memory")
    else:  # a bug of ours must not be billed to the target
        watch.stop(Code.AGENT_ERROR, f"unexpected {type(error).__name__}: {error}")


async def run_once(check: Check[Any], place: Place) -> Result:
    """Run a check once from asyncio's side (the command line, tests)."""
    watch = Watch(place)
    return await place.reactor.run(check.run(watch), watch.deadline_ns)


def load_kinds() -> dict[str, type[Check[Any]]]:
    """Import every kind file of the package and return the registry."""
    import checks

    for module in pkgutil.iter_modules(checks.__path__):
        if module.name not in {"core"}:
            importlib.import_module(f"checks.{module.name}")
    return KINDS


def kind_named(name: str) -> type[Check[Any]]:
    """Import one kind's file and return the kind: an agent needs those that it runs. KeyError for none of that name."""
    if name not in KINDS and name.isidentifier() and name != "core":
        with suppress(ModuleNotFoundError):
            importlib.import_module(f"checks.{name}")
    return KINDS[name]


__all__ = [
    "COMMON_CODES",
    "KINDS",
    "Check",
    "Options",
    "Outcome",
    "Place",
    "Reactor",
    "Result",
    "Watch",
    "kind_named",
    "load_kinds",
    "looked",
    "run_once",
]
