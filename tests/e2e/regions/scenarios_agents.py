"""Trouble of an agent and of its host: no way to the targets, death, reboot, sleep; and how fast regions agree."""

from __future__ import annotations

import asyncio
import signal

from .faults import broken
from .trial import SECOND_US, Trial
from .watch import Sample
from .world import now_us

OFF_SECONDS = 5.0
ALONE_SECONDS = 12.0
CACHE_US = 8_000_000  # a start, and how long an agent tries the hub before it goes by what it knows
ASLEEP_SECONDS = 12.0
FLUSH_US = 1_500_000  # passes wait up to a second on their way to the disk
QUORUM_SECONDS = 3.0  # about two, and what a busy machine adds
SLOW_SECONDS = 30.0  # more than an interval of the slow probe


async def agent_without_targets_and_canaries(trial: Trial) -> None:
    """The region has no network but to the hub: void, not down, and the canaries are the evidence."""
    with broken(trial.world.network, ("fra",), ("targets", "canaries")):
        trial.breaks()
        await trial.until(
            lambda it: it.region("fra")["cut_off"] and it.views["web", "fra"] == "unknown", "fra is cut off"
        )
        assert (await trial.look()).region("fra")["evidence"]
        await trial.heals()
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    await trial.measured("fra", ends=("pass", "void"))
    await trial.measured("iad", "sin")


async def agent_without_targets_alone(trial: Trial) -> None:
    """The canaries answer, the targets do not: the region is alone with its failures, and the probe is not down."""
    trial.blind = frozenset({"fra"})
    with broken(trial.world.network, ("fra",), ("targets",)):
        trial.breaks()
        await trial.until(lambda it: set(it.probes.values()) == {"degraded"}, "the probes are degraded")
        await trial.until(lambda it: _was_asked(it, trial.broken_us), "the canaries were asked")
        await trial.heals()
    await trial.restored()
    trial.always("up", "degraded", probes=trial.world.quick)
    await trial.measured("fra", ends=("pass", "fail"))


def _was_asked(sample: Sample, since_us: int) -> bool:
    """Say whether fra's canaries were asked since an instant, and answered."""
    fra = sample.region("fra")
    return (fra["asked_us"] or 0) > since_us and not fra["cut_off"]


async def agent_killed(trial: Trial) -> None:
    """Killed and started again: what was measured is there, what was not is accounted for."""
    await trial.world.stop_agent("iad", signal.SIGKILL)
    trial.breaks()
    await asyncio.sleep(OFF_SECONDS)  # how long the fault lasts
    await trial.heals()
    await trial.world.start_agent("iad")
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    await _off_only_then(trial, "iad")


async def host_rebooted(trial: Trial) -> None:
    """The host goes without a word to anybody, and comes back with its disk."""
    trial.world.network.set_link("sin", up=False)
    trial.breaks()
    await trial.world.stop_agent("sin", signal.SIGKILL)
    await asyncio.sleep(OFF_SECONDS)  # how long the fault lasts
    trial.world.network.set_link("sin", up=True)
    await trial.heals()
    await trial.world.start_agent("sin")
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    await _off_only_then(trial, "sin")


async def _off_only_then(trial: Trial, region: str) -> None:
    """Slots are missed only while there was no agent, and a little before: what was not on its disk yet."""
    ended = await trial.records.ended_as(region, trial.begin_us, trial.broken_us - FLUSH_US)
    assert set(ended) <= {"pass"}, ended
    ended = await trial.records.ended_as(region, trial.broken_us, trial.healed_us)
    assert set(ended) == {"agent_off"}, ended


async def agent_started_without_the_hub(trial: Trial) -> None:
    """An agent that cannot reach the hub starts from what it was told last, and delivers when it can."""
    with broken(trial.world.network, ("iad",), ("hub",)):
        await trial.world.stop_agent("iad", signal.SIGKILL)
        trial.breaks()
        await trial.world.start_agent("iad")
        await asyncio.sleep(ALONE_SECONDS)  # how long the fault lasts
        await trial.heals()
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    await trial.measured("iad", ends=("pass", "agent_off"))
    late_us = trial.broken_us + CACHE_US
    assert set(await trial.records.ended_as("iad", late_us, trial.healed_us)) == {"pass"}


async def agent_frozen(trial: Trial) -> None:
    """The process sleeps and wakes: what it slept over is missed, nothing is blamed on the targets."""
    agent = trial.world.agents["fra"]
    agent.send_signal(signal.SIGSTOP)
    trial.breaks()
    await asyncio.sleep(ASLEEP_SECONDS)  # how long the fault lasts
    await trial.heals()
    agent.send_signal(signal.SIGCONT)
    await trial.restored()
    trial.always("up", probes=trial.world.quick)
    ended = await trial.records.ended_as("fra", trial.broken_us, trial.healed_us)
    assert "fail" not in ended, ended
    assert ended["pass"] <= len(trial.world.probes), ended  # those that were under way


async def quorum_in_seconds(trial: Trial) -> None:
    """All regions agree on an outage within seconds of the first failure, however long the interval is."""
    await trial.until(lambda it: it.probes["slow"] == "up", "the slow probe has been looked at", SLOW_SECONDS)
    trial.begin_us = now_us()
    trial.breaks()
    await trial.world.targets.tell("slow", "error")
    await trial.until(lambda it: it.probes["slow"] == "down", "slow is down", SLOW_SECONDS)
    await trial.world.targets.tell("slow", "ok")
    await trial.heals()
    await trial.until(lambda it: it.probes["slow"] == "up", "slow is up again")
    await trial.restored()
    took_us = await _agreed_us(trial)
    trial.report.note = f"agreed {took_us / SECOND_US:.1f} s after the first failure, interval 20 s"
    assert took_us < QUORUM_SECONDS * SECOND_US


async def _agreed_us(trial: Trial) -> int:
    """Return how long after the first failed run began the outage was on record."""
    rows = await trial.world.hub.results(f"probe=slow&outcome=fail&from={trial.begin_us}&limit=1000")
    changes = await trial.records.changes("probe:slow")
    noted_us = min(
        row["noted_us"] for row in changes if row["after"] == "down" and row["at_us"] >= trial.begin_us
    )
    return int(noted_us - min(row["started_us"] for row in rows))
