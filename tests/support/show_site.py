"""Serves the made-up company on 127.0.0.1:8080 (public) and :8081 (internal) until Ctrl-C: to look at pages.

Run as `PYTHONPATH=.:tests python tests/support/show_site.py [SCENE]`; scenes: sample, crowd, up, blind, stale, new, and
with agents elsewhere: remote, late, troubled.
"""

from __future__ import annotations

import asyncio
import sys

from support.regions import remote, silence, troubled
from support.served import DAY_US, NOW_US, Scene, crowd, sample

from prober.hub.verdict import State
from prober.site import public_app
from prober.web import internal_app
from prober.web.listener import serve


def scene_of(name: str) -> tuple[Scene, int]:
    """Return a scene and the instant at which it is shown."""
    made = {"crowd": lambda: crowd(20), "remote": remote, "late": remote, "troubled": troubled}
    scene = made.get(name, sample)()
    if name == "late":
        silence(scene, "iad")
    if name in ("up", "blind", "new"):
        state, code = (State.UP, "") if name == "up" else (State.UNKNOWN, "agent_no_route")
        for probe in scene.view.probes.values():
            scene.set_state(f"probe:{probe.probe.name}", state)
            for region in probe.regions:
                scene.set_region(probe.probe.name, region, state, code)
        for service in scene.view.services:
            scene.set_state(f"service:{service}", state)
    if name == "new":
        scene.history.pasts.clear()
        scene.view.started_us = NOW_US
        for probe in scene.view.probes.values():
            for shown in probe.regions.values():
                shown.last = None
    return scene, NOW_US + (DAY_US // 24 if name == "stale" else 0)


async def _show(name: str) -> None:
    scene, now_us = scene_of(name)
    public = await serve(public_app(scene.served(), lambda: now_us), "127.0.0.1", 8080)
    internal = await serve(internal_app(scene.served(), lambda: now_us), "127.0.0.1", 8081)
    print(public.url, internal.url)
    try:
        await asyncio.Event().wait()
    finally:
        await public.close()
        await internal.close()


if __name__ == "__main__":
    asyncio.run(_show(sys.argv[1] if len(sys.argv) > 1 else "sample"))
