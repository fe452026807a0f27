"""All agents silent at once is one event about us, not a hundred about what is watched. Says who is silent.

A region is silent when no agent of it has delivered for its limit. While all are, and for the first intervals after
the hub's start, after the store could not be written, and after they are heard again, what becomes UNKNOWN is not
told singly: one line says what happened, one what is unknown still when it should be known again. Outside of those
times a change to UNKNOWN is held until some agent has delivered after it, so that the first of a hundred are not told
before it shows that all are silent. Decides, does no I/O; the lines are `voice.py`'s to say.

How to feed it (through `Voice.hear`): `configure` with `limits_of` at the start and after each change of configuration;
`store` when the store can or cannot be written; `note` about once a second with `heard_of`. `silent` and
`all_silent_since_us` are what `RegionWatch` and `View` show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from .verdict import Change, ProbePolicy, State
from .view import AgentView

SHORTEST_SETTLING_US, LONGEST_SETTLING_US = (
    60_000_000,
    300_000_000,
)  # agents come back with a pause of their own
SHORTEST_HOLD_US = 60_000_000  # how long a change waits for a sign of an agent, unless the limits are longer
MAX_NAMED = 5  # subjects in one line


@dataclass(frozen=True, slots=True)
class Line:
    """One line for the log, and the facts that go with it."""

    words: str
    facts: dict[str, object] = field(default_factory=dict)


class Hearing(StrEnum):
    """What is heard of agents as a whole."""

    SETTLING = "settling"  # they have had no chance yet: the hub has just started, or could not listen
    WELL = "well"
    NOTHING = "nothing"  # all of them are silent


def limits_of(policies: Iterable[ProbePolicy]) -> dict[str, int]:
    """Return each region's silence limit: that of the probe which is silent first. What tells of itself has none."""
    limits: dict[str, int] = {}
    for policy in policies:
        if not policy.is_told:
            for region in policy.regions:
                limits[region] = min(policy.silence_us, limits.get(region, policy.silence_us))
    return limits


def heard_of(agents: Iterable[AgentView]) -> dict[str, int]:
    """Return when the newest batch of each region came; 0: none has."""
    heard: dict[str, int] = {}
    for agent in agents:
        for region in agent.regions:
            heard[region] = max(agent.last_batch_us, heard.get(region, 0))
    return heard


class Quiet:
    """Keeps when each region was heard of last, and what is held back."""

    def __init__(self) -> None:
        self.silent: frozenset[str] = frozenset()
        self.all_silent_since_us = 0  # 0: they are not
        self.hearing = Hearing.SETTLING
        self._limits_us: dict[str, int] = {}
        self._heard_us: dict[str, int] = {}
        self._writable = True
        self._settled_us: int | None = None  # when settling ends; None: not begun
        self._held: dict[str, tuple[Change, int]] = {}  # at most one a subject, with when it was held
        self._told: frozenset[str] = frozenset()  # regions of which it was said that they are silent

    def configure(self, limits_us: Mapping[str, int], now_us: int) -> None:
        """Take the regions that agents serve; one that is new has its limit from now."""
        self._limits_us = dict(limits_us)
        self._heard_us = {region: self._heard_us.get(region, now_us) for region in limits_us}
        self._told &= limits_us.keys()
        if self._settled_us is None:
            self._settled_us = now_us + self._settling_us()

    def store(self, writable: bool, now_us: int) -> None:
        """Say whether the store can be written: while it cannot, agents deliver into full windows or not at all."""
        if writable != self._writable and self._limits_us and self.hearing is not Hearing.NOTHING:
            self._settle(now_us)
        self._writable = writable

    def note(self, heard_us: Mapping[str, int], now_us: int) -> None:
        """Take in when each region was heard of last, and look who is silent."""
        can_tell = self._writable or self.hearing is Hearing.NOTHING
        for region, before_us in self._heard_us.items():
            newest_us = max(before_us, heard_us.get(region, 0)) if can_tell else now_us
            self._heard_us[region] = min(newest_us, now_us)
        limits_us = self._limits_us
        self.silent = frozenset(
            region for region, last_us in self._heard_us.items() if now_us - last_us >= limits_us[region]
        )
        all_silent = bool(limits_us) and len(self.silent) == len(limits_us)
        self.all_silent_since_us = max(self._heard_us.values()) if all_silent else 0

    def tell(self, changes: Sequence[Change], now_us: int) -> tuple[list[Line], list[Change]]:
        """Return the lines to say now, and the changes to say singly: of these, and of those held before."""
        if not self._limits_us:
            return [], list(changes)
        lines = self._turn(now_us)
        known: list[Change] = []
        for change in changes:
            # One that was held and is known again needs no words for the time in between.
            self._held.pop(change.subject, None)
            if change.after is State.UNKNOWN:
                self._held[change.subject] = change, now_us
            else:
                known.append(change)
        return lines, self._released(now_us) + known

    def _turn(self, now_us: int) -> list[Line]:
        if self.all_silent_since_us:
            return self._fall_silent() if self.hearing is not Hearing.NOTHING else []
        if self.hearing is Hearing.NOTHING:
            self._settle(now_us)
            return [Line("agents are heard of again")]
        if self.hearing is Hearing.SETTLING and self._is_settled(now_us):
            self.hearing = Hearing.WELL
            return [*self._still_unknown(), *self._of_regions()]
        return self._of_regions() if self.hearing is Hearing.WELL else []

    def _fall_silent(self) -> list[Line]:
        self.hearing = Hearing.NOTHING
        words = "no agent is heard of: nothing is known of what is watched"
        return [Line(words, {"since_us": self.all_silent_since_us, "regions": len(self.silent)})]

    def _settle(self, now_us: int) -> None:
        self.hearing = Hearing.SETTLING
        self._settled_us = now_us + self._settling_us()

    def _is_settled(self, now_us: int) -> bool:
        return self._writable and self._settled_us is not None and now_us >= self._settled_us

    def _settling_us(self) -> int:
        longest_us = max(self._limits_us.values(), default=0)
        return min(max(longest_us, SHORTEST_SETTLING_US), LONGEST_SETTLING_US)

    def _still_unknown(self) -> list[Line]:
        """Return one line about all that was held while agents had no chance, and is unknown still."""
        held, self._held = self._held, {}
        if not held:
            return []
        kinds = Counter(subject.partition(":")[0] for subject in held)
        facts: dict[str, object] = {"probes": kinds["probe"], "services": kinds["service"]}
        facts["subjects"] = ", ".join(subject.partition(":")[2] for subject in list(held)[:MAX_NAMED])
        return [Line("agents are heard of, but some of what is watched is unknown still", facts)]

    def _of_regions(self) -> list[Line]:
        silent, told, self._told = self.silent, self._told, self.silent
        lost = [
            Line("nothing is heard of this region", {"region": region, "since_us": self._heard_us[region]})
            for region in sorted(silent - told)
        ]
        return lost + [
            Line("this region is heard of again", {"region": each}) for each in sorted(told - silent)
        ]

    def _released(self, now_us: int) -> list[Change]:
        """Return what was held long enough: some agent has delivered since, or should have."""
        if self.hearing is not Hearing.WELL:
            return []
        newest_us = max(self._heard_us.values())
        hold_us = max(SHORTEST_HOLD_US, min(self._limits_us.values()))
        free = [
            change
            for change, held_us in self._held.values()
            if newest_us > held_us or not 0 <= now_us - held_us < hold_us
        ]
        for change in free:
            del self._held[change.subject]
        return free
