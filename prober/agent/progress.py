"""What an operator reads about the link in the agent's log: one line a change, and not one a try.

Nothing is decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from prober.wire import Refusal, SpoolState

from .dial import LinkError
from .greeting import Identity
from .spool_meeting import Broken
from .spool_values import Sum

log = logging.getLogger("prober.agent")
REPEAT_SECONDS = 600.0  # until the same trouble is told again


def warn_of_held(held: Mapping[str, int]) -> None:
    """Say which results wait under other names, and are lost by age if nothing is done."""
    for name, results in held.items():
        log.warning(
            "results wait that were measured under another name, by another key or for another region: "
            "they are kept, and not offered",
            extra={
                "other": name,
                "results": results,
                "hint": "start an agent of that name with the key it had",
            },
        )


class Progress:
    """Tells of links that come and go, of a backlog, and of what the hub did not take."""

    def __init__(self, hub: str, agent: Identity) -> None:
        self._hub = hub
        self._agent = agent
        self._linked_at: float | None = None
        self._told: tuple[str, float] | None = None  # trouble, and when it was told
        self._backlog: tuple[int, int, float] | None = (
            None  # batches and results of old epochs, and since when
        )

    def linked(self, waiting: Sum, foreign: int, held: Mapping[str, int], now: float) -> None:
        """The hub has let the agent in. `waiting` is for it; `foreign` epochs are for another, see `warn_of_held`."""
        self._linked_at, self._told = now, None
        extra = {
            "hub": self._hub,
            "agent": self._agent.name,
            "region": self._agent.region,
            "fingerprint": self._agent.key.fingerprint,
            "batches_waiting": waiting.batches,
            "results_waiting": waiting.results,
        }
        log.info("connected to the hub", extra=extra)
        if foreign:
            log.warning(
                "some results were measured for another hub's store: they are kept, and not offered to this one",
                extra={"epochs": foreign},
            )
        warn_of_held(held)

    def failed(self, problem: LinkError, now: float) -> None:
        """There is no link, or there was one."""
        was_linked, self._linked_at = self._linked_at, None
        self._backlog = None
        extra: dict[str, object] = {"hub": self._hub, "problem": str(problem)}
        if problem.hint:
            extra["hint"] = problem.hint
        if was_linked is not None:
            log.warning("lost the hub", extra=extra | {"after_seconds": round(now - was_linked, 1)})
        elif self._told is None or self._told[0] != str(problem) or now - self._told[1] >= REPEAT_SECONDS:
            log.log(logging.ERROR if problem.lasting else logging.WARNING, "no link to the hub", extra=extra)
            self._told = str(problem), now

    def behind(self, state: SpoolState, now: float) -> None:
        """There is so much to catch up with that it goes alongside."""
        self._backlog = state.batches, state.results, now

    @property
    def is_behind(self) -> bool:
        """A backlog is being delivered."""
        return self._backlog is not None

    def caught_up(self, now: float) -> None:
        """All of it has been taken."""
        if self._backlog is not None:
            batches, results, since = self._backlog
            self._backlog = None
            extra = {"batches": batches, "results": results, "seconds": round(now - since, 1)}
            log.info("the backlog has been delivered", extra=extra)

    def broken(self, found: list[Broken]) -> None:
        """The hub's record and the spool do not fit together."""
        for each in found:
            extra = {"epoch": each.epoch, "reason": each.reason, "goes_on_in": each.goes_on_in}
            log.warning("a chain is broken: what waits is told again in a new one", extra=extra)

    def refused(self, refusal: Refusal, pause: float) -> None:
        """The hub did not take a batch."""
        extra = {
            "epoch": refusal.epoch,
            "sequence": refusal.sequence,
            "fate": refusal.fate,
            "reason": refusal.reason,
            "pause_seconds": round(pause, 1),
        }
        log.warning("the hub refused a batch", extra=extra)
