"""Broken links between agents and the hub: partitions, one-way loss, random loss, delay; twice with an outage."""

from __future__ import annotations

import asyncio

from .delay import delayed
from .faults import REJECT, RESET, broken, lossy, one_way
from .layout import REGIONS
from .trial import EARLY_US, LATE_US, SECOND_US, Trial
from .truth import Span, down_spans
from .watch import Sample
from .world import now_us

SILENT_SECONDS = (
    16.0  # two intervals, a timeout and a grace make about 8, for `shop` 10; the hub looks once a second
)
ONE_WAY_SECONDS = 12.0
LOSS_SECONDS = 20.0
DELAY_MS = 200
DELAY_SECONDS = (
    40.0  # the agent goes by the best of its measurements until the newest sixteen all took longer
)


def _views(sample: Sample, region: str) -> set[str]:
    return {state for (_, place), state in sample.views.items() if place == region}


def _unknown(sample: Sample, *regions: str) -> bool:
    return all(_views(sample, region) == {"unknown"} for region in regions)


async def partition_of_one_agent(trial: Trial) -> None:
    """One region is silent and has no vote; the others go on; what it measured is settled afterwards."""
    with broken(trial.world.network, ("fra",), ("hub",)):
        trial.breaks()
        await trial.until(
            lambda it: _unknown(it, "fra") and it.region("fra")["silent"], "fra is silent", SILENT_SECONDS
        )
        assert (await trial.look()).regions["settled_us"] < trial.broken_us + SECOND_US
        await trial.heals()
    await trial.restored()
    await trial.until(
        lambda it: it.regions["settled_us"] > trial.healed_us, "the time of the fault is settled"
    )
    trial.always("up")
    await trial.measured("fra")


async def partition_of_two_agents(trial: Trial) -> None:
    """One region alone is too few to say anything: unknown, not down and not up."""
    with broken(trial.world.network, ("iad", "sin"), ("hub",), RESET):
        trial.breaks()
        await trial.until(
            lambda it: _unknown(it, "iad", "sin") and set(it.probes.values()) == {"unknown"},
            "two regions are silent and the probes unknown",
            SILENT_SECONDS,
        )
        await trial.heals()
    await trial.restored()
    trial.always("up", "unknown")
    await trial.measured(*REGIONS)


async def partition_of_the_hub(trial: Trial) -> None:
    """All agents are silent at once: one event about us, and no state but unknown."""
    with broken(trial.world.network, ("hub",), REGIONS, REJECT):
        trial.breaks()
        await trial.until(
            lambda it: it.regions["all_silent_since_us"] is not None and _unknown(it, *REGIONS),
            "all are silent",
            SILENT_SECONDS,
        )
        grave = [trouble for trouble in (await trial.look()).regions["troubles"] if trouble["grave"]]
        assert len(grave) == 1, grave
        told = trial.world.warnings(trial.broken_us, now_us())
        assert len(told) == 1, told
        await trial.heals()
    await trial.restored()
    trial.always("up", "unknown")
    await trial.measured(*REGIONS)


async def outage_during_a_partition_of_the_hub(trial: Trial) -> None:
    """A target fails and recovers while nobody can tell the hub: afterwards the history has that outage only."""
    with broken(trial.world.network, ("hub",), REGIONS):
        trial.breaks()
        await trial.world.targets.tell("web", "error")
        await asyncio.sleep(4)  # how long the target is to fail
        await trial.world.targets.tell("web", "ok")
        await trial.until(lambda it: _unknown(it, *REGIONS), "all are silent", SILENT_SECONDS)
        await trial.heals()
    trial.shown_late_us += (
        now_us() - trial.world.failures("web")[-1].to_us
    )  # it is told in the order of events
    await trial.restored(lambda: _not_on_record(trial, "web"))


async def outage_that_one_region_could_tell(trial: Trial) -> None:
    """Two regions are cut off when a target fails: it is down once their results are in, from when it was."""
    with broken(trial.world.network, ("iad", "sin"), ("hub",)):
        trial.breaks()
        await trial.until(
            lambda it: it.probes["web"] == "unknown", "too few regions can tell", SILENT_SECONDS
        )
        await trial.world.targets.tell("web", "closed")
        await asyncio.sleep(4)  # how long the target is to fail
        await trial.world.targets.tell("web", "ok")
        await trial.heals()
    trial.shown_late_us += 3 * SECOND_US  # it is told in the order of events
    await trial.restored(lambda: _not_on_record(trial, "web"))
    trial.always("up", "unknown", probes=["api"])


async def _not_on_record(trial: Trial, probe: str) -> list[str]:
    """Say what is wrong while the last true failure is not the one outage of the history, by its own instants."""
    true = trial.world.failures(probe)[-1]
    down = down_spans(await trial.records.changes(f"probe:{probe}"), now_us(), trial.begin_us)
    trial.report.note = f"outage of {true.length_us / SECOND_US:.1f} s, on record {_seconds(down)} s"
    if len(down) == 1 and _is_near(down[0].from_us, true.from_us) and _is_near(down[0].to_us, true.to_us):
        return []
    return [f"{probe} was down at {down}, its target failed at {true}"]


def _is_near(stated_us: int, true_us: int) -> bool:
    return -EARLY_US <= stated_us - true_us <= LATE_US


def _seconds(spans: list[Span]) -> str:
    return " and ".join(f"{span.length_us / SECOND_US:.1f}" for span in spans) or "0"


async def one_way_loss_to_the_hub(trial: Trial) -> None:
    """Nothing that the agent sends arrives."""
    with one_way(trial.world.network, "iad", "hub"):
        trial.breaks()
        await trial.until(lambda it: _unknown(it, "iad"), "iad is silent", SILENT_SECONDS)
        await trial.heals()
    await trial.restored()
    trial.always("up")
    await trial.measured("iad")


async def one_way_loss_to_the_agent(trial: Trial) -> None:
    """What the agent sends may arrive, no answer comes back: it is sent again and counted once."""
    with one_way(trial.world.network, "hub", "sin"):
        trial.breaks()
        await asyncio.sleep(ONE_WAY_SECONDS)  # how long the fault lasts
        await trial.heals()
    await trial.restored()
    trial.always("up")
    await trial.measured("sin")


async def loss_of_three_in_ten(trial: Trial) -> None:
    """Every third packet or so is lost on the way to the hub and back, for all agents."""
    with broken(trial.world.network, ("hub",), REGIONS, lossy(30)):
        trial.breaks()
        await asyncio.sleep(LOSS_SECONDS)  # how long the fault lasts
        await trial.heals()
    await trial.restored()
    trial.always("up", "unknown")
    await trial.measured(*REGIONS)


async def delay_on_the_link(trial: Trial) -> None:
    """The way to the hub takes longer: nothing changes, but how well the agent knows its clock."""
    with delayed(trial.world.network, "fra", "hub", DELAY_MS):
        trial.breaks()
        await trial.until(_knows_the_delay, "the clock's error is half the round trip", DELAY_SECONDS)
        await trial.heals()
    await trial.restored()
    trial.always("up")
    await trial.measured("fra")


def _knows_the_delay(sample: Sample) -> bool:
    clocks = [agent["clock"] for agent in sample.region("fra")["agents"] if agent["clock"]]
    return any(
        clock["error_us"] >= DELAY_MS * 900 and abs(clock["offset_us"]) <= clock["error_us"]
        for clock in clocks
    )
