"""Whose trouble is it: results that a dead network would bring about are held until something says that it lives.

One region's rules. A failure is suspicious if all that it says could come of a network that carries nothing: nobody
was heard. It is held back until one of these:
- another target passed in the later half of the run, or since: the network lives, the failure is let go as it is;
- a canary was reached: likewise;
- no canary was reached: the region is cut off, the failure becomes VOID, and so do all that follow until a canary
  is reached again, and those whose runs began before that;
- `HOLD_US` is over: let go as it is.
Canaries are wanted when several targets fail together, when nothing passes for `COMPANY_US`, when the hub says that
the region is alone, and while it is cut off; at most once in `ASK_US`, for which an answer is good.

Everything leaves in order a series, and once. Pure: `now_us` is a monotonic clock; who asks is in `canaries.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

import msgspec

from checks.core.failures import Code
from checks.core.result import Outcome, Result
from checks.core.watch import MAX_DETAIL
from prober.wire import Gap, Record

from .voiding import voided

HOLD_US = 1_500_000  # the longest that anything is held back
COMPANY_US = 300_000  # that a failure waits for a pass, or for failures beside it, before canaries are asked
ASK_US = 5_000_000  # between two askings
MAX_HELD = 10_000  # records; what comes when so many are held is let go as it is

SILENT_CODES = frozenset(
    {
        # Name servers may answer for a network that is gone: from memory, or that they cannot ask any further.
        Code.RESOLVE_NXDOMAIN, Code.RESOLVE_NO_ADDRESS, Code.RESOLVE_SERVFAIL, Code.RESOLVE_TIMEOUT,
        # Nobody answered, or a router on our side of the way did. A refusal or reset is the host's own answer.
        Code.CONNECT_TIMEOUT, Code.CONNECT_UNREACHABLE, Code.CONNECT_ERROR,
        # An open connection fell silent. One that was closed or reset was so by somebody.
        Code.TLS_TIMEOUT, Code.TIMEOUT_SEND, Code.TIMEOUT_HEADERS, Code.TIMEOUT_BODY, Code.DIALOGUE_TIMEOUT,
        Code.DNS_TIMEOUT,
        # Any of these is what echo requests into a dead network come to.
        Code.ICMP_TIMEOUT, Code.ICMP_LOSS, Code.ICMP_UNREACHABLE, Code.ICMP_TTL_EXCEEDED,
        # One code for all that can go wrong with a token; silence of its server is among it.
        Code.OAUTH_FAILED,
    }
)  # fmt: skip
"""Failures that a network which carries nothing can bring about. All others need somebody who answers."""

_WARNINGS = frozenset({Code.SLOW, Code.TLS_EXPIRING, Code.DOMAIN_EXPIRING})  # no failure by themselves
_NOWHERE, _MACHINE, _SITE, _WORLD = range(4)


def is_suspicious(result: Result) -> bool:
    """Say whether a dead network could be all that is wrong."""
    codes = {failure.code for failure in result.failures} - _WARNINGS
    return result.outcome is Outcome.FAIL and bool(codes) and codes <= SILENT_CODES


def reach_of(result: Result) -> int:
    """Return how far out the run's target is: on this machine, on private ground, in the world; 0 if unknown."""
    where = result.facts.get("address") or result.facts.get("server")
    return _reach(where) if isinstance(where, str) else _NOWHERE


def proven_reach(result: Result) -> int:
    """Return how far out the run shows that the network works; 0 if it shows nothing.

    A target next door says nothing of the way out, and a port that has to be silent nothing at all.
    """
    if result.outcome not in (Outcome.PASS, Outcome.WARN) or result.facts.get("state") == "closed":
        return _NOWHERE
    return reach_of(result)


@lru_cache(maxsize=4096)
def _reach(where: str) -> int:
    for host in (where, where.rpartition(":")[0].strip("[]")):  # an address, or one with a port
        with suppress(ValueError):
            address = ip_address(host)
            return _MACHINE if address.is_loopback else _WORLD if address.is_global else _SITE
    return _NOWHERE


@dataclass(slots=True, kw_only=True, eq=False)
class Seen:
    """What the runner told: a record or a gap, the digest it belongs to, and when it came (monotonic)."""

    item: Record | Gap
    digest: str = ""
    target: str = ""
    began_us: int = 0
    taken_us: int = 0
    is_held: bool = field(default=False, init=False)

    @property
    def series(self) -> int:
        """The number of the series."""
        return self.item.series

    @property
    def reach(self) -> int:
        """How far out a failed run's target is; one that did not get so far as an address may be anywhere."""
        return (reach_of(self.item.result) or _WORLD) if isinstance(self.item, Record) else _NOWHERE


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking the canaries; `reached` is None where our own trouble left it open."""

    reached: bool | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sign:
    """The network carried something as far as `reach`: seen at `at_us`, in a run that began at `began_us`."""

    target: str  # empty: a canary
    reach: int
    began_us: int
    at_us: int


class Suspicion:
    """The rules at work: give it what the runner tells and what the canaries say, carry on what it returns."""

    def __init__(self) -> None:
        self._queues: dict[int, deque[Seen]] = {}  # by series: from the first that is held
        self._held: list[Seen] = []  # undecided, the oldest first
        self._signs: dict[int, list[_Sign]] = {}  # by reach: the newest of two different targets
        self._cut: Asked | None = None  # while the region is cut off
        self._cut_reach = _NOWHERE  # how far out what became void had its targets
        self._back_us: int | None = None  # when it was last known to be cut off
        self._evidence: tuple[str, ...] = ()  # of that
        self._asking = False
        self._asked_us = -ASK_US
        self._answer: Asked | None = None
        self._alone = False
        self._verdicts: list[Asked] = []
        self._has_news = False  # something held was decided

    @property
    def is_cut_off(self) -> bool:
        """No canary could be reached when they were asked last, and nothing has shown since that the network lives."""
        return self._cut is not None

    def take(self, seen: Seen, now_us: int) -> list[Seen]:
        """Take what the runner told; returns what may go on now."""
        seen.taken_us = now_us
        if isinstance(seen.item, Record):
            self._look_at(seen, seen.item.result, now_us)
        if seen.is_held or seen.series in self._queues:
            self._queues.setdefault(seen.series, deque()).append(seen)
            return self._let_go()
        return [*self._let_go(), seen]

    def tick(self, now_us: int) -> list[Seen]:
        """Return what must not be held any longer."""
        for seen in self._held:
            if seen.taken_us + HOLD_US <= now_us:
                self._free(seen)
        return self._let_go()

    def due_us(self) -> int | None:
        """Return when to `tick`, and to look whether canaries are wanted; None: only once something happens."""
        due_us = [self._held[0].taken_us + HOLD_US] if self._held else []
        if (wanted_us := self._wanted_us()) is not None:
            due_us.append(wanted_us)
        return min(due_us, default=None)

    def told_alone(self) -> None:
        """The hub says that this region alone sees a failure: ask the canaries as soon as they may be asked."""
        self._alone = True

    def wants_asking(self, now_us: int) -> bool:
        """Say whether the canaries are to be asked now."""
        wanted_us = self._wanted_us()
        return wanted_us is not None and now_us >= wanted_us

    def asks(self, now_us: int) -> None:
        """The canaries are being asked; `answered` follows."""
        self._asking, self._asked_us = True, now_us
        self._answer, self._alone = None, False

    def answered(self, asked: Asked, now_us: int) -> list[Seen]:
        """Take what the canaries said; returns what may go on now."""
        self._asking, self._answer = False, asked
        if asked.reached is None:
            return self.release()
        if asked.reached:
            self._verdicts.append(asked)
            self._end_cut(now_us)
            self._believe(_Sign("", _WORLD, self._asked_us, now_us), now_us)
            return self._let_go()
        self._cut, self._evidence = asked, asked.evidence
        self._cut_reach = max((seen.reach for seen in self._held), default=self._cut_reach or _WORLD)
        if self._ends_cut(now_us):
            return self.release()
        self._verdicts.append(asked)
        for seen in self._held:
            self._void(seen)
        return self._let_go()

    def take_verdicts(self) -> list[Asked]:
        """Return the verdicts since the last call."""
        verdicts, self._verdicts = self._verdicts, []
        return verdicts

    def release(self) -> list[Seen]:
        """Let everything go as it is."""
        for seen in self._held:
            self._free(seen)
        return self._let_go()

    def waiting(self) -> Iterator[Record | Gap]:
        """Yield what is held, and what waits behind it."""
        return (seen.item for queue in self._queues.values() for seen in queue)

    def _look_at(self, seen: Seen, result: Result, now_us: int) -> None:
        if is_suspicious(result):
            if self._cut is not None or (self._back_us is not None and seen.began_us < self._back_us):
                self._cut_reach = max(self._cut_reach, seen.reach)
                self._void(seen)
            elif len(self._held) < MAX_HELD and not self._is_reached(now_us) and not self._is_cleared(seen):
                seen.is_held = True
                self._held.append(seen)
        elif reach := proven_reach(result):
            self._believe(_Sign(seen.target, reach, seen.began_us, now_us), now_us)

    def _is_reached(self, now_us: int) -> bool:
        """Say whether a canary was reached so recently that the answer still holds."""
        return self._answer is not None and self._answer.reached is True and now_us < self._asked_us + ASK_US

    def _is_cleared(self, seen: Seen) -> bool:
        """Say whether the network lived in the later half of the run, or since; what was before says too little."""
        middle_us = (seen.began_us + seen.taken_us) // 2
        return any(
            sign.at_us >= middle_us and sign.target != seen.target
            for reach, signs in self._signs.items()
            if reach >= seen.reach
            for sign in signs
        )

    def _believe(self, sign: _Sign, now_us: int) -> None:
        others = [each for each in self._signs.get(sign.reach, []) if each.target != sign.target]
        self._signs[sign.reach] = [sign, *others[:1]]
        for seen in self._held:
            if self._is_cleared(seen):
                self._free(seen)
        if self._cut is not None:
            self._ends_cut(now_us)

    def _ends_cut(self, now_us: int) -> bool:
        """End the verdict if the canaries are dead and the network is not: a run begun after they were asked tells."""
        signs = (sign for reach, each in self._signs.items() if reach >= self._cut_reach for sign in each)
        proof = next((sign for sign in signs if sign.began_us >= self._asked_us), None)
        if proof is not None:
            self._verdicts.append(Asked(True, (*self._evidence, f"but {proof.target} could be reached")))
            self._end_cut(now_us)
        return proof is not None

    def _end_cut(self, now_us: int) -> None:
        if self._cut is not None:
            self._cut, self._back_us, self._cut_reach = None, now_us, _NOWHERE

    def _void(self, seen: Seen) -> None:
        if isinstance(seen.item, Record):
            seen.item = msgspec.structs.replace(seen.item, result=cut_off(seen.item.result, self._evidence))
        self._free(seen)

    def _free(self, seen: Seen) -> None:
        seen.is_held = False
        self._has_news = True

    def _wanted_us(self) -> int | None:
        if self._asking:
            return None
        if self._cut is not None or self._alone or len({seen.target for seen in self._held}) > 1:
            return self._asked_us + ASK_US
        if self._held:
            return max(self._asked_us + ASK_US, self._held[0].taken_us + COMPANY_US)
        return None

    def _let_go(self) -> list[Seen]:
        if not self._has_news:
            return []
        self._has_news = False
        self._held = [seen for seen in self._held if seen.is_held]
        gone: list[Seen] = []
        for series in list(self._queues):
            queue = self._queues[series]
            while queue and not queue[0].is_held:
                gone.append(queue.popleft())
            if not queue:
                del self._queues[series]
        return gone


def cut_off(result: Result, evidence: tuple[str, ...]) -> Result:
    """Return the result of a region that is cut off."""
    words = f"no canary of the region could be reached: {'; '.join(evidence)}"
    return voided(result, Code.AGENT_CUT_OFF, words[:MAX_DETAIL], {"canaries": list(evidence)})
