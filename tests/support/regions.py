"""The made-up company of `served.py` with agents elsewhere: Virginia by two, one of them away; Singapore by one.

`remote()` is all well but for the agent that is away; tests put it into trouble. Fixed instants.
"""

from __future__ import annotations

from dataclasses import replace

from support.served import DAY_US, MINUTE_US, NOW_US, SECOND_US, Scene, sample

from prober.hub.view import AgentView, RegionWatch
from prober.store.base import AsideRow
from prober.wire import ClockEvent, ClockState, Health, SpoolState

LAG_US = 2 * SECOND_US  # of what is well
AWAY_US = 12 * MINUTE_US  # how long one agent is away
NEAR, AWAY, FAR = "iad-1a2b3c4d", "iad-5e6f7a8b", "sin-9c0d1e2f"
HEALTH = Health(
    worst_lag_us=1_500, in_flight=3, queued=0, cpu_us=2_500_000, resident_bytes=41_000_000, clock_steps=1
)


def remote_agent(name: str, region: str, **more: object) -> AgentView:
    """Return a remote agent that is connected and well."""
    agent = AgentView(
        name=name,
        regions=(region,),
        remote=True,
        up=True,
        software="0.1.0",
        wire_version=1,
        fingerprint="00112233aabbccdd",
        enrolled_us=NOW_US - 40 * DAY_US,
        started_us=NOW_US - 3 * DAY_US,
        connected_us=NOW_US - 3 * DAY_US,
        last_batch_us=NOW_US - SECOND_US,
        complete_us=NOW_US - LAG_US,
        series=5,
        batches=91_000,
        results=240_000,
        health=HEALTH,
        clock=ClockState(offset_us=12_000, error_us=3_000, measured_us=NOW_US),
        spool=SpoolState(batches=0, results=0, bytes=0, oldest_us=0),
    )
    for field, value in more.items():
        setattr(agent, field, value)
    return agent


def away_agent(name: str = AWAY, region: str = "iad") -> AgentView:
    """Return one that is away since some minutes, with results on its disk when it was last heard of."""
    gone_us = NOW_US - AWAY_US
    return remote_agent(
        name,
        region,
        up=False,
        connected_us=0,
        gone_us=gone_us,
        last_batch_us=gone_us - SECOND_US,
        complete_us=gone_us - LAG_US,
        clock_events=(ClockEvent("suspend", gone_us - DAY_US, 61 * SECOND_US),),
        spool=SpoolState(
            batches=3, results=12, bytes=4_096, oldest_us=gone_us - 5 * SECOND_US,
            dropped_results=1_200, dropped_why="size",
        ),
    )  # fmt: skip


def remote() -> Scene:
    """Return the sample with Virginia and Singapore served from elsewhere."""
    scene = sample()
    view = scene.view
    view.config = replace(
        view.config,
        regions=tuple(
            replace(region, local=region.name == "fra", agents="all" if region.name == "sin" else "share")
            for region in view.config.regions
        ),
    )
    view.agents["local-0"].regions = ("fra",)
    for agent in (remote_agent(NEAR, "iad"), away_agent(), remote_agent(FAR, "sin")):
        view.agents[agent.name] = agent
    view.regions = {
        name: RegionWatch(name=name, complete_us=NOW_US - LAG_US) for name in ("fra", "iad", "sin")
    }
    view.settled_us = NOW_US - LAG_US
    return scene


def silence(scene: Scene, region: str, since_us: int = NOW_US - AWAY_US) -> None:
    """Let a region be silent: what began after an instant is still to come."""
    watch = scene.view.regions[region]
    watch.silent, watch.complete_us = True, since_us
    scene.view.settled_us = min(scene.view.settled_us, since_us)
    for agent in scene.view.agents.values():
        if region in agent.regions:
            agent.up, agent.connected_us = False, 0
            agent.gone_us = agent.last_batch_us = agent.complete_us = since_us


def troubled() -> Scene:
    """Return one where everything is wrong at once, to look at."""
    scene = remote()
    silence(scene, "sin")
    virginia = scene.view.regions["iad"]
    virginia.cut_off, virginia.asked_us = True, NOW_US - 40 * SECOND_US
    virginia.evidence = (
        "tcp://192.0.2.1:53: connect_timeout after 3 s",
        "tcp://192.0.2.2:53: connect_refused",
    )
    virginia.alone, virginia.alone_since_us = ("api", "names"), NOW_US - 4 * MINUTE_US
    near = scene.view.agents[NEAR]
    near.clock = ClockState(offset_us=-3_200_000, error_us=40_000, measured_us=NOW_US)
    near.clock_events = (
        ClockEvent("slew", NOW_US - 3 * DAY_US, 9_000),
        ClockEvent("step", NOW_US - 7 * MINUTE_US, -3_200_000),
    )
    near.aside = 2
    near.refused = "its key is not the one that is pinned (hint: prober regions forget iad-1a2b3c4d)"
    scene.store.refused = [
        AsideRow(
            agent=NEAR, region="iad", epoch=7, sequence=412, noted_us=NOW_US - 6 * MINUTE_US,
            reason="its hash of the batch before is not that of batch 411", data=b"x" * 900,
        ),
        AsideRow(
            agent=NEAR, region="iad", epoch=7, sequence=413, noted_us=NOW_US - 7 * MINUTE_US,
            reason="batch 412 is missing", data=b"x" * 90,
        ),
    ]  # fmt: skip
    return scene
