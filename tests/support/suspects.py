"""Results as an agent's suspicion sees them, and a region under it that is driven through time by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.core.failures import Code
from checks.core.result import Fact, Failure, Outcome, Result
from prober.agent.suspicion import Asked, Seen, Suspicion
from prober.wire import Gap, Kind, Record

NEAR, INSIDE, OUTSIDE = "127.0.0.1", "10.0.0.1", "8.8.8.8"
START_US = 1_000_000_000
LATENCY_US = 20_000  # that canaries take, unless a test says otherwise


def failing(
    *codes: Code, address: str | None = OUTSIDE, outcome: Outcome = Outcome.FAIL, **facts: Fact
) -> Result:
    """Return a run that failed with these codes."""
    facts = facts if address is None else {"address": address, **facts}
    failures = tuple(Failure(code.value, "in words") for code in codes)
    return Result(outcome=outcome, started_us=1, duration_us=1, phases_us={}, failures=failures, facts=facts)


def passing(address: str | None = OUTSIDE, **facts: Fact) -> Result:
    """Return a run that passed."""
    return failing(address=address, outcome=Outcome.PASS, **facts)


@dataclass(slots=True)
class Region:
    """A region on a clock that only `until` moves. `canary` is what canaries say whenever they are asked."""

    canary: bool | None = True
    latency_us: int = LATENCY_US
    now_us: int = START_US
    asked_us: list[int] = field(default_factory=list)
    out: list[tuple[int, Seen]] = field(default_factory=list)  # when, and what
    cut_spans: list[tuple[int, int]] = field(
        default_factory=list
    )  # while cut off; the last end may be missing
    suspicion: Suspicion = field(default_factory=Suspicion)
    _answer_us: int | None = None

    def tell(self, series: int, result: Result | None, began_us: int | None = None, target: str = "") -> Seen:
        """Take a result now, or a gap for None."""
        item: Record | Gap = Gap(series, 1, 1, "late")
        if result is not None:
            item = Record(series, 1, int(Kind.SCHEDULED), 0, result)
        began_us = self.now_us - 10_000 if began_us is None else began_us
        seen = Seen(item=item, target=target or f"t{series}", began_us=began_us)
        self._put(self.suspicion.take(seen, self.now_us))
        self._see_to()
        return seen

    def alone(self) -> None:
        """The hub says that the region is alone."""
        self.suspicion.told_alone()
        self._see_to()

    def until(self, at_us: int) -> None:
        """Let time pass."""
        while (next_us := self._next_us()) is not None and next_us <= at_us:
            self.now_us = max(self.now_us, next_us)
            if self._answer_us is not None and self._answer_us <= self.now_us:
                self._answer_us = None
                words = ("a canary",) if self.canary is None else (f"a canary: {self.canary}",)
                self._put(self.suspicion.answered(Asked(self.canary, words), self.now_us))
            self._put(self.suspicion.tick(self.now_us))
            self._see_to()
        self.now_us = at_us

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes of the records that came out."""
        return [seen.item.result.outcome for _, seen in self.out if isinstance(seen.item, Record)]

    def _next_us(self) -> int | None:
        dues = (self._answer_us, self.suspicion.due_us())
        return min((due_us for due_us in dues if due_us is not None), default=None)

    def _see_to(self) -> None:
        if self.suspicion.wants_asking(self.now_us):
            self.suspicion.asks(self.now_us)
            self.asked_us.append(self.now_us)
            self._answer_us = self.now_us + self.latency_us

    def _put(self, seen: list[Seen]) -> None:
        self.out += ((self.now_us, each) for each in seen)
