"""`/probe` on the internal listener with a runner that only pretends: for tests of the surface."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from support.asking import DEADLINE, Asker
from support.served import NOW_US, Scene, make_scene

from prober.blackbox.guard import Rules
from prober.blackbox.messages import Load, Told
from prober.blackbox.modules import parse_modules
from prober.blackbox.service import Blackbox, Loaded
from prober.blackbox.sight import Line
from prober.config.foreign import Foreign
from prober.hub.view import BlackboxView
from prober.web import internal_app
from prober.web.listener import serve

METRICS = "# HELP probe_success x\n# TYPE probe_success gauge\nprobe_success 1\n"


@dataclass(slots=True)
class FakeRunner:
    """Answers every question at once; `asked` holds module, target, hostname and timeout of each."""

    told: Told = field(default_factory=lambda: Told(0, True, METRICS, (Line(NOW_US, "info", "hello"),)))
    problem: Exception | None = None
    asked: list[tuple[str, str, str, int]] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)

    async def use(self, load: Load) -> None:
        self.loads.append(load)

    async def ask(self, module: str, target: str, hostname: str, timeout_us: int) -> Told:
        self.asked.append((module, target, hostname, timeout_us))
        if self.problem is not None:
            raise self.problem
        return self.told

    async def stop(self) -> None:
        self.loads.append(Load("stopped", "", Rules()))


@dataclass(slots=True)
class Front:
    """The listener with `/probe` behind it."""

    ask: Asker
    runner: FakeRunner
    blackbox: Blackbox
    scene: Scene


def loaded_of(text: str, rules: Rules | None = None, name: str = "blackbox.yml") -> Loaded:
    """Return a module file and rules; everything may be probed unless they say otherwise."""
    foreign = Foreign(str(Path("/nowhere") / name), text)
    return Loaded(foreign, parse_modules(foreign).modules, rules or Rules(allow=("*",), private=True))


@contextlib.asynccontextmanager
async def front(text: str, rules: Rules | None = None) -> AsyncIterator[Front]:
    """Serve a module file."""
    scene, runner = make_scene([]), FakeRunner()
    blackbox = Blackbox(BlackboxView(), lambda: runner, lambda: NOW_US)
    await blackbox.take(loaded_of(text, rules))
    served = dataclasses.replace(scene.served(), blackbox=blackbox)
    listener = await serve(internal_app(served, lambda: NOW_US), "127.0.0.1", 0)
    async with aiohttp.ClientSession(timeout=DEADLINE, auto_decompress=False) as session:
        yield Front(Asker(session, listener.url), runner, blackbox, scene)
    await listener.close()
