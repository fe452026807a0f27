"""Trouble of clocks, disks and the hub itself: a clock that is an hour wrong, a full spool, a hub that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from support.faketime import shifted, step

from .faults import broken
from .layout import REGIONS
from .trial import SECOND_US, Trial
from .watch import Sample
from .world import now_us

HOUR_SECONDS = 3600
SLOT_US = 20 * SECOND_US  # the longest: it may have its fate before it is over
STARTING = ("agent_off", "clock", "late")  # until an agent that starts has learnt what time it is
SURE_SECONDS = 5.0
FULL_SECONDS = 8.0
AWAY_SECONDS = 4.0
KILLS = 2
BACK_SECONDS = 60.0  # agents wait longer from try to try


async def clock_an_hour_ahead(trial: Trial) -> None:
    """What the agent measures is void; the others tell the states."""
    await _wrong_clock(trial, "fra", HOUR_SECONDS)


async def clock_an_hour_behind(trial: Trial) -> None:
    """As above, the other way."""
    await _wrong_clock(trial, "sin", -HOUR_SECONDS)


async def _wrong_clock(trial: Trial, region: str, seconds: int) -> None:
    await trial.world.stop_agent(region, signal.SIGTERM)
    trial.breaks()
    await trial.world.start_agent(region, shifted(_clock(trial, region), seconds))
    await trial.until(lambda it: _is_void(it, region, seconds), "the clock is known to be wrong")
    await asyncio.sleep(SURE_SECONDS)  # more results by the wrong clock
    await trial.world.stop_agent(region, signal.SIGTERM)
    await trial.heals()
    await trial.world.start_agent(region)
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    await _nothing_of_another_time(trial, region, seconds)
    ended = await trial.records.ended_as(region, trial.broken_us, trial.healed_us)
    assert ended["void"] > 0
    assert set(ended) <= {"void", *STARTING}, ended


async def clock_stepped_by_an_hour(trial: Trial) -> None:
    """The clock of a running agent is set wrong, and right again: as above, and no slot is told twice."""
    await trial.world.stop_agent("iad", signal.SIGTERM)
    await trial.world.start_agent("iad", shifted(_clock(trial, "iad"), 0))
    await trial.until(trial.is_well, "all is well under the true clock")
    await asyncio.sleep(SURE_SECONDS)  # so that the agent knows its clock to be right
    trial.breaks()
    step(_clock(trial, "iad"), HOUR_SECONDS)
    await trial.until(lambda it: _is_void(it, "iad", HOUR_SECONDS), "the clock is known to be wrong")
    step(_clock(trial, "iad"), 0)
    await trial.heals()
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    await _nothing_of_another_time(trial, "iad", HOUR_SECONDS)
    await trial.measured("iad", ends=("pass", "void", *STARTING))


def _clock(trial: Trial, region: str) -> Path:
    return trial.world.folder / f"clock-{region}"


def _is_void(sample: Sample, region: str, seconds: int) -> bool:
    """Say whether the region is told to have a wrong clock, and has no say for it."""
    clocks = [agent["clock"] for agent in sample.region(region)["agents"] if agent["clock"]]
    is_off = any(abs(clock["offset_us"] - seconds * SECOND_US) < SECOND_US for clock in clocks)
    return is_off and sample.views["web", region] == "unknown"


async def _nothing_of_another_time(trial: Trial, region: str, seconds: int) -> None:
    """No slot that far from the time of the fault has a result that counts, and none is given up."""
    early_us, late_us = (at_us + seconds * SECOND_US for at_us in (trial.broken_us, now_us()))
    rows = await trial.world.hub.results(f"region={region}&from={early_us}&to={late_us}&limit=1000")
    assert {row["outcome"] for row in rows} <= {"void"}
    gaps = (await trial.world.hub.get(f"/api/v1/gaps?region={region}&limit=1000"))["gaps"]
    assert [gap for gap in gaps if gap["to_us"] > now_us() + SLOT_US] == []


async def full_spool_disk(trial: Trial) -> None:
    """The disk is full while the hub is away: what is measured is kept, delivered, and nothing is lost."""
    spool = trial.world.spool("iad")
    with _full(spool):
        trial.breaks()
        with broken(trial.world.network, ("iad",), ("hub",)):
            await asyncio.sleep(FULL_SECONDS)  # how long the fault lasts
            await trial.heals()
        await trial.restored()
    await trial.measured(*REGIONS)


@contextlib.contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Fill the disk that a folder is on, until the end of the block."""
    assert folder.is_mount()
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert os.statvfs(folder).f_bavail == 0, errno.errorcode[errno.ENOSPC]
    try:
        yield
    finally:
        filler.unlink()


async def hub_killed_during_deliveries(trial: Trial) -> None:
    """The hub dies in the midst of what agents had kept for it: all of it is on record, once."""
    trial.breaks()
    for number in range(KILLS):
        with broken(trial.world.network, ("hub",), REGIONS):
            await asyncio.sleep(AWAY_SECONDS)  # something to deliver
        await asyncio.sleep(0.1 + number * 0.3)  # at another point of the deliveries each time
        await trial.world.kill_hub()
        await trial.world.start_hub()
    await trial.heals()
    await trial.restored(seconds=BACK_SECONDS)
    await trial.measured(*REGIONS)
