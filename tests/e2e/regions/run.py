"""Runs lanes of scenarios at the same time, each lane in a world of its own, and keeps how each scenario went."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .boot import world
from .layout import INTERVALS_US, QUICK_PROBES, REGIONS
from .records import Records, grids
from .trial import Report, Scenario, Trial
from .watch import Watch, watching
from .world import World, now_us

BOOT_SECONDS = 45.0  # several worlds start at once
SCENARIO_SECONDS = 90.0
LANE_SECONDS = 190.0  # a lane in which all goes well takes half of it; pytest ends what takes 240
LOG_CHARACTERS = 3_000  # of each process's log that a failure shows


@dataclass(frozen=True, slots=True)
class Lane:
    """Scenarios that run one after another in one world."""

    scenarios: tuple[Scenario, ...]
    probes: tuple[str, ...] = QUICK_PROBES
    small_spool: str = ""  # the region whose spool lies on a disk of few bytes

    def only(self, names: Sequence[str]) -> Lane:
        """Return the lane with the scenarios that are asked for."""
        kept = tuple(each for each in self.scenarios if each.__name__ in names)
        return Lane(kept, self.probes, self.small_spool)


async def run_lanes(folder: Path, lanes: Sequence[Lane]) -> dict[str, Report]:
    """Run everything; the reports by name of the scenario."""
    found = await asyncio.gather(
        *(_run_lane(folder / f"world{number}", lane) for number, lane in enumerate(lanes) if lane.scenarios)
    )
    return {report.name: report for reports in found for report in reports}


async def _run_lane(folder: Path, lane: Lane) -> list[Report]:
    reports = [Report(scenario.__name__) for scenario in lane.scenarios]
    deadline = asyncio.get_running_loop().time() + LANE_SECONDS
    try:
        async with _well_world(folder, lane) as (running, watch, records):
            for scenario, report in zip(lane.scenarios, reports, strict=True):
                await _try(scenario, Trial(running, watch, records, report), deadline)
    except Exception as error:  # one world that does not come up must not hide how the others went
        for report in reports:
            report.error = report.error or error
    return reports


@contextlib.asynccontextmanager
async def _well_world(folder: Path, lane: Lane) -> AsyncIterator[tuple[World, Watch, Records]]:
    """Run a world, from when all its agents deliver and all targets are seen to be well."""
    async with world(folder, lane.probes, lane.small_spool) as running, watching(running) as watch:
        intervals = {name: INTERVALS_US[name] for name in lane.probes}
        records = Records(running.hub, grids(folder / "prober.db", REGIONS, intervals))
        boot = Trial(running, watch, records, Report("boot"))
        try:
            await boot.until(boot.is_well, "the world came up", BOOT_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{_logs(running)}") from None
        yield running, watch, records


async def _try(scenario: Scenario, trial: Trial, deadline: float) -> None:
    until = min(asyncio.get_running_loop().time() + SCENARIO_SECONDS, deadline)
    try:
        async with asyncio.timeout_at(until):
            await trial.until(trial.is_well, "the world is well before the scenario")
            trial.begin_us = now_us()
            await scenario(trial)
            await trial.judge()
    except Exception as error:  # kept for the scenario's own test
        error.add_note(_logs(trial.world))
        trial.report.error = error


def _logs(running: World) -> str:
    logs = sorted(running.folder.glob("*.log"))
    return "\n".join(f"--- {log.name}\n{log.read_text()[-LOG_CHARACTERS:]}" for log in logs)


def words(error: BaseException) -> str:
    """Return an error with its place and its notes."""
    return "".join(traceback.format_exception(error))
