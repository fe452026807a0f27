"""What the results say: regions agree to a probe's state, probes compose a service's. One fold, no I/O.

The same fold serves live operation, restart and recomputation: it is fed what was seen, in the order of the
runs' ends, and gives the changes. Its only clock is the time of what it is fed. A VOID run is no evidence;
a region without evidence for longer than its silence limit is UNKNOWN from that limit on.

An outcome (of checks) becomes a state (of reports) in this file and nowhere else.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from checks.core.result import Outcome

SILENCE_GRACE_US = 5_000_000  # on top of two intervals and a timeout: delivery and commit take time
SET_BACK_US = 60_000_000  # what started so much before what was seen last tells of a clock that was set back


class State(StrEnum):
    """State of a region, a probe or a service."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run as the fold needs it; instants in micro-seconds."""

    probe: str
    region: str
    scheduled: bool
    outcome: Outcome
    code: str
    started_us: int
    ended_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`subject` went from one state to another: true since `at_us`, known at `noted_us`."""

    subject: str
    before: State
    after: State
    at_us: int
    noted_us: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePolicy:
    """How a probe's regions agree: `quorum` regions that fail make it DOWN; `retries` failures confirm the first."""

    name: str
    regions: tuple[str, ...]
    quorum: int
    retries: int
    silence_us: int
    is_told: bool = False  # it tells us of itself: rechecks are what it says, not what we ask to be sure


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePolicy:
    """A service is up when at least `needed` of its probes are."""

    name: str
    probes: tuple[str, ...]
    needed: int


@dataclass(slots=True)
class Standing:
    """Where a subject stands, and since when."""

    state: State = State.UNKNOWN
    since_us: int = 0
    because: str = "no result yet"


@dataclass(slots=True)
class RegionStanding(Standing):
    """A region's view of one probe; `attempts` counts failures in a row, `failing_us` is the first's start.

    `last_us` is the start of the newest evidence, `furthest_us` the latest of all: it lies ahead of the newest while
    a clock that was set back lives through the same time again.
    """

    last_us: int = 0
    furthest_us: int = 0
    attempts: int = 0
    failing_us: int = 0
    code: str = ""
    deadline_us: int = 0


@dataclass(slots=True)
class _Probe:
    policy: ProbePolicy
    standing: Standing = field(default_factory=Standing)
    regions: dict[str, RegionStanding] = field(default_factory=dict)
    services: list[_Service] = field(default_factory=list)


@dataclass(slots=True)
class _Service:
    policy: ServicePolicy
    standing: Standing = field(default_factory=Standing)


def region_subject(probe: str, region: str) -> str:
    """Return the subject of one region's view of a probe."""
    return f"region:{probe}@{region}"


def probe_subject(probe: str) -> str:
    """Return the subject of a probe."""
    return f"probe:{probe}"


def service_subject(service: str) -> str:
    """Return the subject of a service."""
    return f"service:{service}"


def silence_us(interval_us: int, timeout_us: int) -> int:
    """Return how long a region may be without evidence before it is UNKNOWN."""
    return 2 * interval_us + timeout_us + SILENCE_GRACE_US


def agree(failing: int, unknown: int, quorum: int) -> State:
    """Return a probe's state: three-valued, by the number of regions that fail and that cannot tell."""
    if failing >= quorum:
        return State.DOWN
    if failing + unknown >= quorum:
        return State.UNKNOWN
    return State.DEGRADED if failing else State.UP


def compose(states: Iterable[State], needed: int) -> State:
    """Return a service's state from its probes': UP when `needed` are, DOWN when so many no longer can be."""
    known = list(states)
    up = sum(state in (State.UP, State.DEGRADED) for state in known)
    unknown = sum(state is State.UNKNOWN for state in known)
    if up >= needed:
        # What is unknown is no trouble of the service's: only a known one makes it degraded.
        return State.UP if all(state in (State.UP, State.UNKNOWN) for state in known) else State.DEGRADED
    return State.UNKNOWN if up + unknown >= needed else State.DOWN


class Fold:
    """Standings of all subjects; `take` and `advance` give the changes, oldest cause first."""

    def __init__(self, probes: Iterable[ProbePolicy], services: Iterable[ServicePolicy]) -> None:
        self._probes = {policy.name: _Probe(policy) for policy in probes}
        self._services = {policy.name: _Service(policy) for policy in services}
        self._deadlines: list[tuple[int, str, str]] = []
        for probe in self._probes.values():
            probe.regions = {region: RegionStanding() for region in probe.policy.regions}
        for service in self._services.values():
            for name in service.policy.probes:
                self._probes[name].services.append(service)

    def region(self, probe: str, region: str) -> RegionStanding:
        """Return a region's standing."""
        return self._probes[probe].regions[region]

    def probe(self, name: str) -> Standing:
        """Return a probe's standing."""
        return self._probes[name].standing

    def service(self, name: str) -> Standing:
        """Return a service's standing."""
        return self._services[name].standing

    def restore(self, subject: str, state: State, since_us: int, because: str) -> None:
        """Set a standing from record; unknown subjects (taken out of the configuration) are ignored."""
        kind, _, name = subject.partition(":")
        standing: Standing | None = None
        if kind == "region":
            probe, _, region = name.rpartition("@")
            standing = self._probes[probe].regions.get(region) if probe in self._probes else None
        elif kind == "probe" and name in self._probes:
            standing = self._probes[name].standing
        elif kind == "service" and name in self._services:
            standing = self._services[name].standing
        if standing is not None:
            standing.state, standing.since_us, standing.because = state, since_us, because

    def restore_evidence(
        self, probe: str, region: str, last_us: int, failing: tuple[int, int, str] | None
    ) -> None:
        """Set a region's newest evidence from its newest run; `failing` is (attempts, first start, code)."""
        standing = self._probes[probe].regions[region]
        standing.last_us = standing.furthest_us = last_us
        if failing is not None:
            standing.attempts, standing.failing_us, standing.code = failing
        if standing.state is not State.UNKNOWN or standing.attempts:
            # Whatever state is restored must end when nothing confirms it, whether evidence is on record or not.
            self._watch_silence(self._probes[probe], region, standing)

    def inherit(self, older: Fold) -> None:
        """Take over the standings of subjects that both know, after a change of configuration."""
        for name, probe in self._probes.items():
            before = older._probes.get(name)
            if before is None:
                continue
            probe.standing = before.standing
            for region in probe.regions.keys() & before.regions.keys():
                probe.regions[region] = standing = before.regions[region]
                if standing.last_us:
                    self._watch_silence(probe, region, standing)
        for name, service in self._services.items():
            if name in older._services:
                service.standing = older._services[name].standing

    def settle(self, now_us: int) -> list[Change]:
        """Judge every probe and service anew: after a change of configuration or a restart."""
        changes: list[Change] = []
        for probe in self._probes.values():
            self._judge_probe(probe, now_us, now_us, changes)
        for service in self._services.values():
            self._judge_service(service, now_us, now_us, changes)
        return changes

    def take(self, seen: Seen) -> list[Change]:
        """Take one run in."""
        changes = (
            self.advance(seen.ended_us) if self._deadlines and self._deadlines[0][0] <= seen.ended_us else []
        )
        probe = self._probes.get(seen.probe)
        standing = probe.regions.get(seen.region) if probe is not None else None
        if (
            probe is None
            or standing is None
            or seen.outcome is Outcome.VOID
            or 0 < standing.last_us - seen.started_us <= SET_BACK_US
        ):
            return changes
        quiet = standing.last_us == 0 or standing.deadline_us == 0
        set_back = seen.started_us < standing.last_us
        standing.last_us = seen.started_us
        standing.furthest_us = max(standing.furthest_us, seen.started_us)
        if quiet or set_back:
            self._watch_silence(probe, seen.region, standing)
        if seen.outcome is Outcome.FAIL:
            self._failed(probe, standing, seen, changes)
        else:
            standing.attempts = 0
            if standing.state is not State.UP:
                self._turn(
                    probe,
                    seen.region,
                    State.UP,
                    seen.started_us,
                    seen.ended_us,
                    "answers as expected",
                    changes,
                )
        return changes

    def advance(self, now_us: int) -> list[Change]:
        """Let time pass: regions silent for too long become UNKNOWN at the instant the limit passed."""
        changes: list[Change] = []
        while self._deadlines and self._deadlines[0][0] <= now_us:
            deadline_us, name, region = heapq.heappop(self._deadlines)
            probe = self._probes[name]
            standing = probe.regions[region]
            if standing.deadline_us != deadline_us:
                continue
            if standing.last_us + probe.policy.silence_us > deadline_us:
                self._watch_silence(probe, region, standing)
                continue
            standing.deadline_us = 0
            standing.attempts = 0
            if standing.state is not State.UNKNOWN:
                self._turn(
                    probe, region, State.UNKNOWN, deadline_us, deadline_us, "no usable result", changes
                )
        return changes

    def _watch_silence(self, probe: _Probe, region: str, standing: RegionStanding) -> None:
        standing.deadline_us = standing.last_us + probe.policy.silence_us
        heapq.heappush(self._deadlines, (standing.deadline_us, probe.policy.name, region))

    def _failed(self, probe: _Probe, standing: RegionStanding, seen: Seen, changes: list[Change]) -> None:
        if standing.attempts == 0:
            lived_again = seen.started_us < standing.furthest_us
            asks = not seen.scheduled and not probe.policy.is_told
            if asks and not lived_again and standing.state is not State.DOWN:
                # A recheck of a region that was not failing asks the question; only scheduled runs open an outage.
                # Where the clock was set back all runs are rechecks, and an outage must not wait until it is over.
                return
            standing.failing_us = seen.started_us
        standing.attempts += 1
        standing.code = seen.code
        if standing.attempts > probe.policy.retries and standing.state is not State.DOWN:
            self._turn(probe, seen.region, State.DOWN, standing.failing_us, seen.ended_us, seen.code, changes)

    def _turn(
        self,
        probe: _Probe,
        region: str,
        after: State,
        at_us: int,
        noted_us: int,
        because: str,
        changes: list[Change],
    ) -> None:
        standing = probe.regions[region]
        _change(region_subject(probe.policy.name, region), standing, after, at_us, noted_us, because, changes)
        self._judge_probe(probe, standing.since_us, noted_us, changes)

    def _judge_probe(self, probe: _Probe, at_us: int, noted_us: int, changes: list[Change]) -> None:
        regions = probe.regions
        failing = [region for region, standing in regions.items() if standing.state is State.DOWN]
        unknown = [region for region, standing in regions.items() if standing.state is State.UNKNOWN]
        after = agree(len(failing), len(unknown), probe.policy.quorum)
        if after is probe.standing.state:
            probe.standing.because = _reason(probe, failing, unknown)
            for service in probe.services:
                self._judge_service(service, at_us, noted_us, changes)
            return
        if after is State.DOWN:
            # The outage is the quorum's: it begins when the last of the needed regions began to fail.
            at_us = sorted(regions[region].since_us for region in failing)[probe.policy.quorum - 1]
        _change(
            probe_subject(probe.policy.name),
            probe.standing,
            after,
            at_us,
            noted_us,
            _reason(probe, failing, unknown),
            changes,
        )
        for service in probe.services:
            self._judge_service(service, probe.standing.since_us, noted_us, changes)

    def _judge_service(self, service: _Service, at_us: int, noted_us: int, changes: list[Change]) -> None:
        states = {name: self._probes[name].standing.state for name in service.policy.probes}
        after = compose(states.values(), service.policy.needed)
        because = (
            ", ".join(f"{name} {state}" for name, state in states.items() if state is not State.UP)
            or "all probes up"
        )
        if after is service.standing.state:
            service.standing.because = because
        else:
            _change(
                service_subject(service.policy.name),
                service.standing,
                after,
                at_us,
                noted_us,
                because,
                changes,
            )


def _reason(probe: _Probe, failing: list[str], unknown: list[str]) -> str:
    parts = [f"{region} {probe.regions[region].because}" for region in failing]
    parts += [f"{region} unknown" for region in unknown]
    return ", ".join(parts) or "all regions up"


def _change(
    subject: str,
    standing: Standing,
    after: State,
    at_us: int,
    noted_us: int,
    because: str,
    changes: list[Change],
) -> None:
    at_us = max(at_us, standing.since_us)  # history is never rewritten behind a change that is on record
    changes.append(
        Change(
            subject=subject,
            before=standing.state,
            after=after,
            at_us=at_us,
            noted_us=noted_us,
            because=because,
        )
    )
    standing.state, standing.since_us, standing.because = after, at_us, because
