"""When what is broken: the plan of a run, and the controller that follows it and stamps the ground truth.

Starts are spread over the phase of each probe's slot by a low-discrepancy sequence, so that the waits of a run fill
[0, interval) evenly by construction, and the theory can be held against the samples without luck.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.detection.configuration import INTERVAL_US
from bench.detection.scenarios import POLICIES, Scenario
from bench.detection.target import Target
from bench.detection.truth import TruthLog, now_us

FAILURE_US = 6_000_000
GRACE_US = 4_000_000
CYCLE_US = FAILURE_US + GRACE_US + INTERVAL_US
GOLDEN = 0.6180339887498949  # its multiples fill the unit interval more evenly than any draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One failure to be: from when to when, and the seed of its draws."""

    scenario: Scenario
    policy: str
    repeat: int
    start_us: int
    end_us: int
    seed: int


def spread(number: int, offset: float = 0.0) -> float:
    """Return the share of an interval that the sample of a number is put at, in [0, 1)."""
    return (number * GOLDEN + offset) % 1.0


def plan(
    scenarios: Sequence[Scenario], phases_us: Mapping[str, int], from_us: int, repeats: int, seed: int
) -> list[Step]:
    """Return all steps by start. `phases_us` are the instants (of any slot) at which probes with a fixed grid are due.

    A failure begins a planned share of an interval before the next due instant; where the grid is random, at that
    share of an interval anyway.
    """
    steps = []
    for policy in POLICIES:
        number = 0
        for repeat in range(repeats):
            for scenario in scenarios:
                wait_us = int(spread(number, offset=(seed % 997) / 997) * INTERVAL_US)
                base_us = from_us + repeat * CYCLE_US
                due_us = phases_us.get(scenario.probe_name(policy.name), 0)
                start_us = base_us + (due_us - wait_us - base_us) % INTERVAL_US
                steps.append(
                    Step(
                        scenario=scenario, policy=policy.name, repeat=repeat, start_us=start_us,
                        end_us=start_us + FAILURE_US, seed=scenario.seed(seed) + repeat,
                    )
                )  # fmt: skip
                number += 1
    return sorted(steps, key=lambda step: step.start_us)


async def follow(steps: Sequence[Step], target: Target, log: TruthLog) -> None:
    """Break and heal as planned, and wait for the last grace time to end."""
    events: list[tuple[int, int, int]] = []
    for number, step in enumerate(steps):
        heapq.heappush(events, (step.start_us, number, 1))
        heapq.heappush(events, (step.end_us, number, 0))
    while events:
        at_us, number, begins = heapq.heappop(events)
        await asyncio.sleep(max(at_us - now_us(), 0) / 1e6)
        step = steps[number]
        host = step.scenario.host(step.policy)
        # Stamped when the fault is in force, and when it no longer is: requests are only served after this turn.
        if begins and step.scenario.fault is not None:
            target.break_(host, step.scenario.fault, step.seed)
        elif not begins:
            target.heal(host)
        log.note(
            "failure_start" if begins else "failure_end",
            scenario=step.scenario.id,
            policy=step.policy,
            repeat=step.repeat,
            host=host,
            act=step.scenario.fault.act if step.scenario.fault is not None else "nothing",
            seed=step.seed,
        )
    await asyncio.sleep(GRACE_US / 1e6)
