"""One run of the benchmark: target, daemon, plan, ground truth, records, scores. The command line is in __main__.py."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from bench.detection import truth
from bench.detection.configuration import TIMEOUT_US, configuration
from bench.detection.control import follow, plan
from bench.detection.ports import has_ipv6
from bench.detection.records import Change, Record, read_phases, read_records
from bench.detection.report import Outcome
from bench.detection.scenarios import POLICIES, Scenario, read_table
from bench.detection.score import Asked, Score, score, stray_alarms
from bench.detection.target import running_target
from bench.detection.truth import Stall, TruthLog, Window
from support.daemons import Daemon, daemon

LEAD_US = 500_000  # between the plan and its first failure
DELIVERY_SECONDS = 2.0  # until the last results are on record


def chosen(pattern: str = "*") -> tuple[list[Scenario], list[str]]:
    """Return the scenarios that can be played here, and the ids of those that cannot."""
    table = [scenario for scenario in read_table() if fnmatch(scenario.id, pattern)]
    here = has_ipv6()
    return [each for each in table if here or not each.ipv6], [
        each.id for each in table if each.ipv6 and not here
    ]


async def run(folder: Path, repeats: int, seed: int, pattern: str = "*") -> Outcome:
    """Play the table; `folder` gets the ground truth, and the daemon's configuration, store and log."""
    began = time.monotonic()
    gc.collect()
    gc.freeze()  # what was there before must not make the target pause
    scenarios, left_out = chosen(pattern)
    log = TruthLog(folder / "truth.jsonl")
    log.note("run", seed=seed, repeats=repeats, scenarios=len(scenarios))
    try:
        async with (
            running_target(scenarios, log) as target,
            daemon(folder, configuration(scenarios, target.places)) as running,
        ):
            await running.until(_all_up)
            fixed = [each.probe_name(policy) for each in scenarios for policy in ("one", "confirm")]
            phases_us = await read_phases(running, fixed)
            steps = plan(scenarios, phases_us, truth.now_us() + LEAD_US, repeats, seed)
            await follow(steps, target, log)
            await asyncio.sleep(DELIVERY_SECONDS)
            probes = [each.probe_name(policy.name) for each in scenarios for policy in POLICIES]
            records = await read_records(running, probes)
    finally:
        log.close()
    rows = truth.read(folder / "truth.jsonl")
    stalls = truth.stalls(rows)
    return Outcome(
        seed=seed,
        repeats=repeats,
        seconds=time.monotonic() - began,
        scenarios=scenarios,
        left_out=left_out,
        scores=scored(scenarios, truth.windows(rows), records, stalls),
        strays=_strays(scenarios, truth.windows(rows), records, stalls),
        longest_stall_us=max((stall.to_us - stall.from_us for stall in stalls), default=0),
    )


async def _all_up(running: Daemon) -> bool:
    probes = (await running.get("/api/v1/probes"))["probes"]
    return bool(probes) and all(probe["state"] == "up" for probe in probes)


def scored(
    scenarios: Sequence[Scenario],
    windows: Sequence[Window],
    records: dict[str, Record],
    stalls: Sequence[Stall],
) -> list[Score]:
    """Score every window against the record of its probe."""
    found = []
    for scenario in scenarios:
        for policy in POLICIES:
            record = records[scenario.probe_name(policy.name)]
            asked = Asked(
                expect=scenario.expect[policy.name],
                codes=scenario.codes,
                tight=scenario.tight,
                timeout_us=TIMEOUT_US,
            )
            mine = _of(windows, scenario, policy.name)
            nexts = [window.start_us for window in mine[1:]] + [2**62]
            found += [
                score(asked, window, until_us, record, stalls)
                for window, until_us in zip(mine, nexts, strict=True)
            ]
    return found


def _of(windows: Sequence[Window], scenario: Scenario, policy: str) -> list[Window]:
    return [window for window in windows if (window.scenario, window.policy) == (scenario.id, policy)]


def _strays(
    scenarios: Sequence[Scenario],
    windows: Sequence[Window],
    records: dict[str, Record],
    stalls: Sequence[Stall],
) -> dict[str, list[Change]]:
    names = {each.probe_name(policy.name): (each, policy.name) for each in scenarios for policy in POLICIES}
    return {
        name: stray_alarms(records[name], _of(windows, scenario, policy), stalls, scenario.tight)
        for name, (scenario, policy) in names.items()
    }
