"""Asks the canaries of a region, all at once, the way its checks connect: can anything be reached from here?

A canary is reached when a connection is made, or refused: whoever refuses is there. Our own trouble (no descriptors,
no memory, an agent that was kept waiting) leaves it open. When to ask, and what follows, is in `suspicion.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from checks.core.addresses import Reach, open_link
from checks.core.check import looked
from checks.core.failures import NETWORK_CODES, Code
from checks.core.hostport import split_host_port
from checks.core.reactor import Run
from checks.core.result import Result
from checks.core.watch import Place, Watch

from .suspicion import Asked

TIMEOUT_US = 1_000_000  # for each; all are asked at the same time
_REFUSALS = frozenset({Code.CONNECT_REFUSED, Code.CONNECT_RESET})
# A machine whose own firewall lets nothing out is as cut off as one whose cable is out.
_NO_NETWORK = NETWORK_CODES | {Code.AGENT_PERMISSION}


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one canary; `reached` is None where our own trouble left it open."""

    reached: bool | None
    words: str


def read(target: str, is_open: bool, result: Result) -> Said:
    """Return what a run shows about the network, whatever it shows about the canary."""
    failure = result.failure
    if is_open:  # late or not
        return Said(True, f"{target}: connected in {result.duration_us / 1000:.1f} ms")
    if failure is None:
        return Said(None, f"{target}: not asked to the end")
    if failure.code in _REFUSALS:
        return Said(True, f"{target}: {failure.detail}, so its host is there")
    is_ours = failure.code.startswith("agent_") and failure.code not in _NO_NETWORK
    return Said(None if is_ours else False, f"{target}: {failure.detail}")


def verdict(said: tuple[Said, ...]) -> Asked:
    """Return what all canaries together say: one that was reached is enough, one left open leaves it open."""
    evidence = tuple(each.words for each in said)
    if any(each.reached for each in said):
        return Asked(True, evidence)
    is_open = not said or any(each.reached is None for each in said)
    return Asked(None if is_open else False, evidence)


class Canaries:
    """The canaries of one region, asked from `place` with its timeout. At most one asking at a time."""

    def __init__(self, place: Place, targets: tuple[str, ...]) -> None:
        self.place = place
        self.targets = tuple(dict.fromkeys(targets))
        self._runs: list[Run[Said]] = []
        self._said: dict[str, Said] = {}
        self._done: Callable[[Asked], None] | None = None

    def ask(self, done: Callable[[Asked], None]) -> None:
        """Ask all of them; `done` is called once, at the latest when the time is over, maybe before this returns."""
        self.close()
        self._done = done
        for target in self.targets:
            watch = Watch(self.place)
            self._runs.append(
                self.place.reactor.start(
                    _look(watch, target), partial(self._ended, target), watch.deadline_ns
                )
            )
        self._settle()

    def close(self) -> None:
        """Break off an asking; nobody is called back any more."""
        self._done = None
        runs, self._runs = self._runs, []
        for run in runs:
            run.cancel()
        self._said.clear()

    def _ended(self, target: str, said: Said | None, error: BaseException | None) -> None:
        self._said[target] = said or Said(None, f"{target}: {type(error).__name__}")
        if len(self._runs) == len(self.targets):  # all have been started
            self._settle()

    def _settle(self) -> None:
        if len(self._said) < len(self.targets) and not any(each.reached for each in self._said.values()):
            return
        done, said = self._done, tuple(self._said[each] for each in self.targets if each in self._said)
        self.close()
        if done is not None:
            done(verdict(said))


async def _look(watch: Watch, target: str) -> Said:
    is_open = False

    async def look() -> None:
        nonlocal is_open
        host, port = split_host_port(target.partition("://")[2])
        link = await open_link(watch, Reach(host=host, port=port))
        is_open = True
        link.close()

    await looked(watch, look())
    return read(target, is_open, watch.result())
