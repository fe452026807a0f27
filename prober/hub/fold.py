"""What the results say over time: the standings of regions, probes and services, and their changes. No I/O.

The same fold serves live operation, restart and recomputation: it is fed what was seen, in the order of the
runs' ends, and gives the changes. Its only clock is the time of what it is fed. A VOID run is no evidence;
a region without evidence for longer than its silence limit is UNKNOWN from that limit on.

An outcome (of checks) becomes a state (of reports) in this file and nowhere else.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.core.result import Outcome

from .standing import RegionStanding, Standing, has_a_say, turn
from .verdict import (
    SET_BACK_US,
    Change,
    ProbePolicy,
    Seen,
    ServicePolicy,
    State,
    compose,
    probe_subject,
    region_subject,
    service_subject,
    vote,
)


@dataclass(slots=True)
class _Probe:
    policy: ProbePolicy
    standing: Standing = field(default_factory=Standing)
    regions: dict[str, RegionStanding] = field(default_factory=dict)
    services: list[_Service] = field(default_factory=list)
    touched_us: int = (
        0  # end of the newest run, or instant of the newest silence, that had a say in its states
    )


@dataclass(slots=True)
class _Service:
    policy: ServicePolicy
    standing: Standing = field(default_factory=Standing)
    touched_us: int = 0  # when the newest change of one of its probes was known


class Fold:
    """Standings of all subjects; `take` and `advance` give the changes, oldest cause first."""

    def __init__(self, probes: Iterable[ProbePolicy], services: Iterable[ServicePolicy]) -> None:
        self._probes = {policy.name: _Probe(policy) for policy in probes}
        self._services = {policy.name: _Service(policy) for policy in services}
        self._deadlines: list[tuple[int, str, str]] = []
        self.clock_us = 0  # the time of what it was fed
        self.horizon_us = 1 << 62  # no run lets time pass beyond this
        # Probes whose past has to be worked out again, and from when: something came in later than it happened.
        self.revise_from: dict[str, int] = {}
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

    def standing(self, subject: str) -> Standing | None:
        """Return where a subject stands; None for one that is not known."""
        kind, _, name = subject.partition(":")
        if kind == "region":
            probe, _, region = name.rpartition("@")
            return self._probes[probe].regions.get(region) if probe in self._probes else None
        if kind == "probe":
            return self._probes[name].standing if name in self._probes else None
        return self._services[name].standing if name in self._services else None

    def restore(self, subject: str, state: State, since_us: int, because: str, noted_us: int = 0) -> None:
        """Set a standing from record; unknown subjects (taken out of the configuration) are ignored."""
        standing = self.standing(subject)
        if standing is not None:
            standing.state, standing.since_us, standing.because = state, since_us, because
            self.clock_us = max(self.clock_us, since_us, noted_us)
            probe = self._probes.get(subject.partition(":")[2].partition("@")[0])
            if probe is not None and not subject.startswith("service:"):
                probe.touched_us = max(probe.touched_us, since_us, noted_us)
                for service in probe.services:
                    service.touched_us = max(service.touched_us, since_us, noted_us)

    def restore_evidence(
        self,
        probe: str,
        region: str,
        last_us: int,
        failing: tuple[int, int, str] | None,
        heard_us: int = 0,
    ) -> None:
        """Set a region's newest evidence from its newest run; `failing` is (attempts, first start, code)."""
        standing = self._probes[probe].regions[region]
        standing.last_us = standing.furthest_us = last_us
        standing.heard_us = max(heard_us, last_us)
        standing.silent = not standing.heard_us
        self.clock_us = max(self.clock_us, standing.heard_us)
        if failing is not None:
            standing.attempts, standing.failing_us, standing.code = failing
        if standing.state is not State.UNKNOWN or standing.attempts or not standing.silent:
            # Whatever state is restored must end when nothing confirms it, whether evidence is on record or not.
            self._watch(self._probes[probe], region, standing.last_us or standing.heard_us)

    def touch(self, probe: str, at_us: int) -> None:
        """Note that what was seen up to an instant had its say: what ended before and comes now is out of order."""
        self._probes[probe].touched_us = max(self._probes[probe].touched_us, at_us)

    def silence(self, probe: str, region: str, at_us: int) -> list[Change]:
        """Let a region be silent from an instant on, whatever it was."""
        changes: list[Change] = []
        standing = self._probes[probe].regions[region]
        standing.silent, standing.attempts, standing.deadline_us = True, 0, 0
        if standing.state is not State.UNKNOWN:
            self._turn(self._probes[probe], region, State.UNKNOWN, at_us, at_us, "no usable result", changes)
        return changes

    def inherit(self, older: Fold) -> None:
        """Take over the standings of subjects that both know, after a change of configuration."""
        self.clock_us = older.clock_us
        for name, probe in self._probes.items():
            before = older._probes.get(name)
            if before is None:
                continue
            probe.standing, probe.touched_us = before.standing, before.touched_us
            if name in older.revise_from:
                self.revise_from[name] = older.revise_from[name]
            for region in probe.regions.keys() & before.regions.keys():
                probe.regions[region] = standing = before.regions[region]
                standing.deadline_us = 0
                if not standing.silent:
                    self._watch(probe, region, standing.last_us or standing.heard_us)
        for name, service in self._services.items():
            if name in older._services:
                service.standing = older._services[name].standing
                service.touched_us = older._services[name].touched_us

    def look_back(self, probes: Iterable[str], from_us: int) -> None:
        """Have the past of these probes worked out again."""
        for name in probes:
            if name in self._probes:
                self.revise_from[name] = min(from_us, self.revise_from.get(name, from_us))

    def adopt(self, other: Fold) -> None:
        """Take over all standings of a fold that worked out the past of some of these subjects anew."""
        for name, theirs in other._probes.items():
            mine = self._probes[name]
            mine.standing, mine.regions, mine.touched_us = theirs.standing, theirs.regions, theirs.touched_us
            for region, standing in mine.regions.items():
                if standing.deadline_us:
                    heapq.heappush(self._deadlines, (standing.deadline_us, name, region))
        for name, service in other._services.items():
            self._services[name].standing = service.standing
            self._services[name].touched_us = service.touched_us

    def kin(self, names: Iterable[str]) -> Fold:
        """Return an empty fold of these probes and all that share a service with them, near or far."""
        probes: dict[str, ProbePolicy] = {}
        services: dict[str, ServicePolicy] = {}
        left = [name for name in names if name in self._probes]
        while left:
            name = left.pop()
            if name in probes:
                continue
            probes[name] = self._probes[name].policy
            for service in self._probes[name].services:
                services[service.policy.name] = service.policy
                left += service.policy.probes
        return Fold(probes.values(), services.values())

    @property
    def probes(self) -> tuple[ProbePolicy, ...]:
        """Return the policies of its probes."""
        return tuple(probe.policy for probe in self._probes.values())

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the subjects it knows: regions' views, probes, services."""
        regions = [region_subject(policy.name, region) for policy in self.probes for region in policy.regions]
        return (*regions, *map(probe_subject, self._probes), *map(service_subject, self._services))

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
        now_us = min(seen.ended_us, self.horizon_us)  # a clock that is ahead makes nobody else silent
        changes = self.advance(now_us) if self._deadlines and self._deadlines[0][0] <= now_us else []
        self.clock_us = max(self.clock_us, now_us)
        probe = self._probes.get(seen.probe)
        standing = probe.regions.get(seen.region) if probe is not None else None
        if probe is None or standing is None:
            return changes
        if seen.late and seen.started_us < standing.heard_us:
            self.look_back((seen.probe,), seen.started_us)  # it says nothing of the present
            return changes
        if seen.ended_us < probe.touched_us and has_a_say(standing, seen):
            self.look_back((seen.probe,), seen.started_us)
        returned = self._hear(probe, standing, seen)
        if seen.outcome is Outcome.VOID or 0 < standing.last_us - seen.started_us <= SET_BACK_US:
            if returned:
                self._judge_probe(probe, seen.started_us, seen.ended_us, changes, voted=True)
            return changes
        set_back = seen.started_us < standing.last_us
        standing.last_us = max(seen.started_us, seen.through_us)
        standing.furthest_us = max(standing.furthest_us, standing.last_us)
        if standing.deadline_us == 0 or set_back:
            self._watch(probe, seen.region, standing.last_us)
        self._weigh(probe, standing, seen, changes, returned)
        return changes

    def _weigh(
        self, probe: _Probe, standing: RegionStanding, seen: Seen, changes: list[Change], returned: bool
    ) -> None:
        """Let usable evidence decide the region's state; one that `returned` has its vote again either way."""
        before = len(changes)
        if seen.outcome is Outcome.FAIL:
            self._failed(probe, standing, seen, changes)
        else:
            if standing.attempts or standing.state is not State.UP:
                probe.touched_us = max(probe.touched_us, seen.ended_us)
            standing.attempts = 0
            if standing.state is not State.UP:
                self._turn(
                    probe, seen.region, State.UP, seen.started_us, seen.ended_us, "answers as expected", changes
                )  # fmt: skip
        if returned and len(changes) == before:
            self._judge_probe(probe, seen.started_us, seen.ended_us, changes, voted=True)

    def _hear(self, probe: _Probe, standing: RegionStanding, seen: Seen) -> bool:
        """Note that a region was heard of; True if it had been silent."""
        standing.heard_us = max(standing.heard_us, seen.started_us, seen.through_us)
        if not standing.silent:
            return False
        standing.silent = False
        probe.touched_us = max(probe.touched_us, seen.ended_us)
        if seen.outcome is Outcome.VOID and standing.deadline_us == 0:
            self._watch(probe, seen.region, standing.heard_us)
        return True

    def advance(self, now_us: int) -> list[Change]:
        """Let time pass: regions silent for too long become UNKNOWN at the instant the limit passed."""
        changes: list[Change] = []
        self.clock_us = max(self.clock_us, now_us)
        while self._deadlines and self._deadlines[0][0] <= now_us:
            deadline_us, name, region = heapq.heappop(self._deadlines)
            probe = self._probes[name]
            if probe.regions[region].deadline_us == deadline_us:
                self._time_is_up(probe, region, deadline_us, changes)
        return changes

    def _time_is_up(self, probe: _Probe, region: str, now_us: int, changes: list[Change]) -> None:
        standing, limit_us = probe.regions[region], probe.policy.silence_us
        standing.deadline_us = 0
        stands = standing.state is not State.UNKNOWN or bool(standing.attempts)
        if stands and standing.last_us + limit_us > now_us:
            self._watch(probe, region, standing.last_us)
            return
        standing.silent = max(standing.heard_us, standing.last_us) + limit_us <= now_us
        standing.attempts = 0
        probe.touched_us = max(probe.touched_us, now_us)
        if not standing.silent:
            self._watch(probe, region, max(standing.heard_us, standing.last_us))
        if standing.state is not State.UNKNOWN:
            self._turn(probe, region, State.UNKNOWN, now_us, now_us, "no usable result", changes)
        elif standing.silent:
            self._judge_probe(probe, now_us, now_us, changes, voted=True)

    def _watch(self, probe: _Probe, region: str, last_us: int) -> None:
        """Look again when a region was not heard of for its limit since an instant."""
        standing = probe.regions[region]
        standing.deadline_us = last_us + probe.policy.silence_us
        heapq.heappush(self._deadlines, (standing.deadline_us, probe.policy.name, region))

    def _failed(self, probe: _Probe, standing: RegionStanding, seen: Seen, changes: list[Change]) -> None:
        probe.touched_us = max(probe.touched_us, seen.ended_us)
        if standing.attempts == 0:
            lived_again = seen.started_us < standing.furthest_us
            asks = not seen.scheduled and not probe.policy.is_told
            if asks and not lived_again and standing.state is not State.DOWN and not _is_doubted(probe):
                # A recheck of a region that was not failing asks the question; only scheduled runs open an outage,
                # or answers to the question whether another region's failure is seen here too.
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
        probe.touched_us = max(probe.touched_us, noted_us)
        turn(region_subject(probe.policy.name, region), standing, after, at_us, noted_us, because, changes)
        self._judge_probe(probe, standing.since_us, noted_us, changes, voted=after is State.UNKNOWN)

    def _judge_probe(
        self, probe: _Probe, at_us: int, noted_us: int, changes: list[Change], *, voted: bool = False
    ) -> None:
        """Judge a probe by its regions; `voted` says that not what they saw has changed but who has a vote."""
        regions, policy = probe.regions, probe.policy
        failing = [region for region, standing in regions.items() if standing.state is State.DOWN]
        unknown = [region for region, standing in regions.items() if standing.state is State.UNKNOWN]
        silent = sum(regions[region].silent for region in unknown)
        after = vote(policy, len(failing), len(unknown) - silent, silent)
        if after is probe.standing.state:
            probe.standing.because = _reason(probe, failing, unknown)
            for service in probe.services:
                self._judge_service(service, at_us, noted_us, changes)
            return
        if after is State.DOWN and not voted:
            # The outage is the quorum's: it begins when the last of the needed regions began to fail.
            at_us = sorted(regions[region].since_us for region in failing)[policy.needed(silent) - 1]
        reason = _reason(probe, failing, unknown)
        turn(probe_subject(policy.name), probe.standing, after, at_us, noted_us, reason, changes)
        for service in probe.services:
            if noted_us < service.touched_us:
                self.look_back(
                    (policy.name,), min(at_us, noted_us)
                )  # another of its probes changed after this
            service.touched_us = max(service.touched_us, noted_us)
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
            turn(
                service_subject(service.policy.name),
                service.standing,
                after,
                at_us,
                noted_us,
                because,
                changes,
            )


def _is_doubted(probe: _Probe) -> bool:
    """Say whether some region sees the probe failing, so that the others were asked."""
    return any(standing.attempts or standing.state is State.DOWN for standing in probe.regions.values())


def _reason(probe: _Probe, failing: list[str], unknown: list[str]) -> str:
    parts = [f"{region} {probe.regions[region].because}" for region in failing]
    parts += [f"{region} {'silent' if probe.regions[region].silent else 'unknown'}" for region in unknown]
    return ", ".join(parts) or "all regions up"
