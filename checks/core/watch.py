"""The stopwatch and notebook of one run: stages, phases, facts, expectations and failures become a Result.

A check tells the watch what it does (`enter`, `leave`) and what it sees; the watch knows the deadline, which
code a deadline gets in each stage, and how long the agent itself kept the run waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .clock import monotonic_ns, wall_us
from .failures import Code, Stop
from .reactor import Reactor
from .result import Expectation, Fact, Failure, Outcome, Result

if TYPE_CHECKING:
    from .resolver_config import ResolverConfig

MAX_LAG_NS = 50_000_000  # a run that the agent bent by more than this is VOID, unless configured otherwise
MAX_DETAIL = 500  # characters kept of one failure's detail
PART_NS = 1_000_000  # how much earlier the deadline of a part comes, so that the whole hears of it in time

_TIMEOUTS = {
    "resolve": (Code.RESOLVE_TIMEOUT, "no answer for the name"),
    "connect": (Code.CONNECT_TIMEOUT, "no answer to the connection attempt"),
    "tls": (Code.TLS_TIMEOUT, "the TLS handshake did not finish"),
    "send": (Code.TIMEOUT_SEND, "the target did not take the request"),
    "wait": (Code.TIMEOUT_HEADERS, "no complete response head"),
    "transfer": (Code.TIMEOUT_BODY, "the response body did not finish"),
    "dialogue": (Code.DIALOGUE_TIMEOUT, "the dialogue did not finish"),
    "query": (Code.DNS_TIMEOUT, "no answer to the query"),
    "ping": (Code.ICMP_TIMEOUT, "no echo reply"),
    "authorize": (Code.OAUTH_FAILED, "no token from the token endpoint"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and how a run is made: its reactor, timeout, source address, and the lag that voids it."""

    reactor: Reactor
    timeout_us: int
    source_address: str | None = None
    max_lag_ns: int = MAX_LAG_NS
    verbose: bool = False  # a person reads this one: gather facts that cost extra
    resolver: ResolverConfig | None = None  # name servers and hosts to use instead of the system's
    refuses: Callable[[str], str | None] | None = None  # says why an address must not be probed, or None

    def admit(self, host: str) -> None:
        """Raise `Stop` for an address that must not be probed; asked of every address before it is connected to."""
        if self.refuses is not None and (why := self.refuses(host)) is not None:
            raise Stop(Code.AGENT_FORBIDDEN, f"{host} must not be probed: {why}")


class Watch:
    """Made for one run, used up by `result()`."""

    __slots__ = ("_awaiting", "_entered_ns", "_expectations", "_fails", "_lag_ns", "_noted_ns", "_stalled_ns",
                 "_voids", "_warns", "deadline_ns", "exact", "facts", "phases_us", "place", "secrets", "stage",
                 "started_ns", "started_us")  # fmt: skip

    def __init__(self, place: Place, started_us: int | None = None) -> None:
        """`started_us` is the caller's wall clock, where it keeps one that does not jump."""
        self.place = place
        self.started_us = wall_us() if started_us is None else started_us
        self.started_ns = monotonic_ns()
        self.deadline_ns = self.started_ns + place.timeout_us * 1000
        self.phases_us: dict[str, int] = {}
        self.facts: dict[str, Fact] = {}
        self.stage: str | None = None
        self.secrets: list[str] = []  # learned in this run, to be masked in its result
        self.exact = True  # until a stage had to be timed by this process's own clock
        self._awaiting: str | None = (
            None  # the stage that a deadline is charged to, where it is not the timed one
        )
        self._entered_ns = self.started_ns
        self._lag_ns = 0
        self._noted_ns = 0  # lag up to here has been counted
        self._stalled_ns = place.reactor.stalled_ns
        self._voids: list[Failure] = []
        self._fails: list[Failure] = []
        self._warns: list[Failure] = []
        self._expectations: list[Expectation] = []

    @property
    def reactor(self) -> Reactor:
        """The reactor that this run lives on."""
        return self.place.reactor

    @property
    def failed(self) -> bool:
        """Whether a failure that the target answers for is on record already."""
        return bool(self._fails)

    def enter(self, stage: str, *, since_ns: int | None = None, awaiting: str | None = None) -> int:
        """Begin a stage, now or at `since_ns` (a kernel stamp), and return the monotonic instant.

        A deadline is charged to the stage, or to `awaiting` until `arrived` is called.
        """
        self.stage = stage
        self._awaiting = awaiting
        self._entered_ns = monotonic_ns() if since_ns is None else since_ns
        return self._entered_ns

    def arrived(self) -> None:
        """Say that what the stage was `awaiting` has come: from here a deadline is charged to the stage itself."""
        self._awaiting = None

    def leave(self, until_ns: int | None = None, *, exact_ns: int | None = None, lag_ns: int = 0) -> None:
        """End the stage: at `until_ns` (a kernel stamp), or with a length of `exact_ns`, or now less `lag_ns`."""
        if self.stage is None:
            return
        if exact_ns is None:
            if until_ns is None:
                until_ns = monotonic_ns()
                self.exact = False
            exact_ns = until_ns - self._entered_ns - lag_ns
        stage, phases, self.stage = self.stage, self.phases_us, None
        took_us = exact_ns // 1000 if exact_ns > 0 else 0
        phases[stage] = phases[stage] + took_us if stage in phases else took_us

    def late(self, lag_ns: int) -> None:
        """Note that data lay in the kernel this long before the agent looked at it."""
        # What came while we were busy with earlier data was late for the same reason: that time counts once.
        now_ns = monotonic_ns()
        since_ns = now_ns - lag_ns if now_ns - lag_ns > self._noted_ns else self._noted_ns
        if now_ns > since_ns:
            self._lag_ns += now_ns - since_ns
        self._noted_ns = now_ns

    def fail(self, code: Code, detail: str) -> None:
        """Record a failure that the target answers for."""
        self._fails.append(Failure(code.value, detail[:MAX_DETAIL]))

    def warn(self, code: Code, detail: str) -> None:
        """Record what is worth a warning and no more."""
        self._warns.append(Failure(code.value, detail[:MAX_DETAIL]))

    def void(self, code: Code, detail: str) -> None:
        """Record trouble of our own, which makes the run say nothing about the target."""
        self._voids.append(Failure(code.value, detail[:MAX_DETAIL]))

    def expect(self, what: str, expected: str, seen: str, held: bool, code: Code) -> None:
        """Record one expectation with its verdict; one that did not hold is a failure of that code."""
        self._expectations.append(Expectation(what, expected, seen, held))
        if not held:
            self.fail(code, f"{what}: expected {expected}, got {seen}")

    def prefer(self, what: str, expected: str, seen: str, held: bool, code: Code) -> None:
        """Record one expectation with its verdict; one that did not hold is a warning of that code."""
        self._expectations.append(Expectation(what, expected, seen, held))
        if not held:
            self.warn(code, f"{what}: expected {expected}, got {seen}")

    def conceal(self, secret: str) -> None:
        """Have a text masked in the result: a secret that the options did not hold, such as a token."""
        self.secrets.append(secret)

    def stop(self, code: Code, detail: str) -> None:
        """Record why the run ended early; an `agent_` code is our own trouble."""
        self.leave()
        if code.value.startswith("agent_"):
            self.void(code, detail)
        else:
            self.fail(code, detail)

    def expired(self, seen: tuple[Code, str] | None = None) -> None:
        """Record that the deadline came; one that the agent slept through is VOID.

        Code and words are those of the stage that is open, unless the check has `seen` something better.
        """
        code, words = seen or _TIMEOUTS.get(self._awaiting or self.stage or "wait", _TIMEOUTS["wait"])
        self.leave(self.deadline_ns)
        if self.is_stalled:
            self.void(
                Code.AGENT_STALLED,
                f"the agent was kept waiting {self.own_lag_ns() // 1_000_000} ms, so a timeout proves nothing",
            )
        else:
            self.fail(code, f"{words} within {self.place.timeout_us / 1e6:g} s")

    def own_lag_ns(self) -> int:
        """Return how long the agent itself kept this run waiting, as far as it was seen."""
        return max(self._lag_ns, self.place.reactor.stalled_ns - self._stalled_ns)

    @property
    def is_stalled(self) -> bool:
        """Whether the agent kept this run waiting for so long that a timeout proves nothing."""
        return self.own_lag_ns() > self.place.max_lag_ns

    def elapsed_us(self) -> int:
        """Return the sum of the phases so far."""
        return sum(self.phases_us.values())

    def part(self) -> Watch:
        """Return a watch for a part of this run that goes on beside others: what was seen so far, same deadline."""
        part = Watch(self.place, self.started_us)
        part.started_ns, part.deadline_ns = self.started_ns, self.deadline_ns - PART_NS
        part.phases_us, part.facts = dict(self.phases_us), dict(self.facts)
        part.secrets = self.secrets
        return part

    def take_in(self, parts: Sequence[tuple[str, Watch]]) -> None:
        """Add what parts of this run saw, each named in front of its failures; phases and facts of the slowest.

        A failure of one part holds whatever became of the others; trouble of our own counts where none failed.
        """
        slowest = max((watch for _, watch in parts), key=Watch.elapsed_us)
        self.phases_us, self.facts = slowest.phases_us, slowest.facts
        self._lag_ns += max(watch._lag_ns for _, watch in parts)  # what came before them was another wait
        any_failed = any(watch._fails and not watch._voids for _, watch in parts)
        for name, watch in parts:
            self.exact = self.exact and watch.exact
            if not watch._voids:
                self._fails += (_named(name, each) for each in watch._fails)
            elif not any_failed:
                self._voids += (_named(name, each) for each in watch._voids)
            self._warns += (_named(name, each) for each in watch._warns)
            self._expectations += (
                Expectation(_prefixed(name, each.what), each.expected, each.seen, each.held)
                for each in watch._expectations
            )

    @property
    def outcome(self) -> Outcome:
        """What the run would end as now."""
        return self._outcome()

    @property
    def gravest(self) -> Failure | None:
        """The failure that a result would show first, or None."""
        return next(iter((*self._voids, *self._fails, *self._warns)), None)

    def result(self) -> Result:
        """Return the Result: VOID before FAIL before WARN before PASS."""
        lag_ns = self.own_lag_ns()
        if not self.exact and lag_ns > self.place.max_lag_ns and not self._voids:
            self.void(
                Code.AGENT_STALLED, f"the agent was kept waiting {lag_ns // 1_000_000} ms within this run"
            )
        return Result(
            outcome=self._outcome(),
            started_us=self.started_us,
            duration_us=self.elapsed_us(),
            phases_us=self.phases_us,
            failures=(*self._voids, *self._fails, *self._warns),
            facts=self.facts,
            expectations=tuple(self._expectations),
            lag_us=lag_ns // 1000,
        )

    def _outcome(self) -> Outcome:
        if self._voids:
            return Outcome.VOID
        if self._fails:
            return Outcome.FAIL
        return Outcome.WARN if self._warns else Outcome.PASS


def _named(name: str, failure: Failure) -> Failure:
    return Failure(failure.code, _prefixed(name, failure.detail)[:MAX_DETAIL])


def _prefixed(name: str, text: str) -> str:
    """Put the name of a part in front of what is said of it, unless it is there already."""
    return text if text.startswith((name, f"[{name}]")) else f"{name}: {text}"
