"""The wall clock stepped by an hour under the real daemon: nothing bursts, nothing is lost, nothing is bent.

Debian's libfaketime moves the wall clock of the daemon and its agent, and leaves the monotonic one alone, as a step
of the system's clock does. The targets and the test itself stay on the true clock.

Two things differ from a step of the system's clock: receive stamps of the kernel stay on the true clock, and
libfaketime would move monotonic timer descriptors too, which `support/faketime.py` undoes.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.daemons import Daemon, daemon
from support.faketime import shifted, step
from support.tcp_peer import Conversation, tcp_peer

HOUR_SECONDS = 3600
INTERVAL_US = 200_000
SECOND_NS = 1_000_000_000
AFTERWARDS = 10  # runs that are waited for after a step
MOST_A_SECOND = 8  # five slots a second, whose random instants may crowd
LONGEST_PAUSE_NS = 3 * SECOND_NS
CONFIGURATION = (
    "defaults: {interval: 200ms, timeout: 1s, confirm: {retries: 0}, recheck: never}\n"
    'probes:\n  - {name: p0, tcp: {address: "127.0.0.1:%d"}}\n'
    "services:\n  - {name: shop, title: Web shop, probes: [p0]}\n"
)


@dataclass(slots=True)
class Scene:
    """A daemon on a clock that can be stepped, and when it connected to its target (monotonic nanoseconds)."""

    running: Daemon
    clock: Path  # the folder of its clock
    connected_ns: list[int]
    cut: bool = False
    stepped_ns: int = 0
    began_us: int = field(default_factory=lambda: time.time_ns() // 1000)

    def step(self, seconds: int) -> None:
        """Set the daemon's wall clock that far from the true one, in one instant."""
        self.stepped_ns = time.monotonic_ns()
        step(self.clock, seconds)

    async def steps(self) -> int:
        """Return how many steps the agent has noticed."""
        (agent,) = (await self.running.get("/api/v1/status"))["agents"]
        return 0 if agent["health"] is None else int(agent["health"]["clock_steps"])

    async def past(self, steps: int) -> None:
        """Wait until so many steps were noticed and the target was looked at some times since."""

        async def holds(_: Daemon) -> bool:
            return await self.steps() == steps and self.since(self.stepped_ns) >= AFTERWARDS

        await self.running.until(holds)

    def since(self, at_ns: int) -> int:
        """Count the connections since an instant."""
        return sum(each >= at_ns for each in self.connected_ns)

    async def state(self, wanted: str) -> None:
        """Wait until the probe is in a state."""

        async def holds(it: Daemon) -> bool:
            return bool((await it.probe("p0")).get("state") == wanted)  # not there before the daemon is

        await self.running.until(holds)


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Watch a target that can be `cut` for some slots on the true clock."""
    clock = folder / "site"
    environ = shifted(clock, 0)
    connected_ns: list[int] = []

    async def greet(conversation: Conversation) -> None:
        connected_ns.append(time.monotonic_ns())
        if not made.cut:
            await conversation.send(b"hello\r\n")

    async with tcp_peer(greet) as peer:
        text = CONFIGURATION.replace('%d"', f'{peer.port}", dialogue: [{{expect: "^hello"}}]')
        async with daemon(folder, text, **environ) as running:
            made = Scene(running, clock, connected_ns)
            await made.state("up")
            yield made


async def gaps_of(running: Daemon) -> list[dict[str, Any]]:
    """Return the gaps, oldest first."""
    return sorted((await running.get("/api/v1/gaps"))["gaps"], key=lambda gap: int(gap["first_slot"]))


async def every_slot_has_one_fate(running: Daemon) -> None:
    """Scheduled results and gaps tile the slots without a hole or a double."""
    rows = await running.results("probe=p0&limit=1000")
    slots = [row["slot"] for row in rows if row["kind"] == "scheduled"]
    slots += [
        slot for gap in await gaps_of(running) for slot in range(gap["first_slot"], gap["last_slot"] + 1)
    ]
    assert sorted(slots) == list(range(min(slots), max(slots) + 1))


def looked_at_an_even_pace(seen: Scene) -> None:
    """No burst and no long silence at the target, whatever the wall clock did."""
    at = seen.connected_ns
    crowds = [sum(each <= other < each + SECOND_NS for other in at) for each in at]
    assert max(crowds) <= MOST_A_SECOND
    assert max(after - before for before, after in itertools.pairwise(at)) < LONGEST_PAUSE_NS


async def no_time_is_bent(running: Daemon) -> None:
    """Every duration lies between nothing and what a look on loopback may take."""
    for row in await running.results("probe=p0&limit=1000"):
        assert row["outcome"] in {"pass", "fail"}
        for took_us in (row["duration_us"], *((row["detail"] or {}).get("phases_us") or {}).values()):
            assert 0 <= took_us < 1_000_000, row


async def the_present_is_shown(seen: Scene, offset_seconds: int) -> None:
    """Nothing that is shown as past lies in the future of the daemon's clock."""
    # Passes wait up to a second for company on their way: the first one after the step may not be there yet.
    await seen.running.until(_is_up_to_date)
    status = await seen.running.get("/api/v1/status")
    assert abs(status["now_us"] - time.time_ns() // 1000 - offset_seconds * 1_000_000) < 2_000_000
    assert status["uptime_us"] >= 0


async def _is_up_to_date(running: Daemon) -> bool:
    probe, status = await running.probe("p0"), await running.get("/api/v1/status")
    (region,) = probe["regions"]
    return 0 <= status["now_us"] - region["last"]["started_us"] < 2_000_000


async def test_an_hour_forward_is_a_gap_and_nothing_else(tmp_path: Path) -> None:
    async with scene(tmp_path) as seen:
        seen.step(HOUR_SECONDS)
        await seen.past(1)
        looked_at_an_even_pace(seen)
        await no_time_is_bent(seen.running)
        await every_slot_has_one_fate(seen.running)
        clock = [gap for gap in await gaps_of(seen.running) if gap["reason"] == "clock"]
        missed = sum(gap["slots"] for gap in clock)
        assert abs(missed - HOUR_SECONDS * 1_000_000 // INTERVAL_US) <= 10
        await the_present_is_shown(seen, HOUR_SECONDS)
        await follows_the_target(seen)


async def test_an_hour_backward_counts_no_slot_twice_and_stops_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as seen:
        seen.step(-HOUR_SECONDS)
        await seen.past(1)
        looked_at_an_even_pace(seen)
        await no_time_is_bent(seen.running)
        await every_slot_has_one_fate(seen.running)
        rows = await seen.running.results("probe=p0&limit=1000")
        again = [row for row in rows if row["started_us"] < seen.began_us - 1_000_000]
        assert len(again) >= AFTERWARDS - 6  # those before the step was noticed still have the old time
        assert {row["kind"] for row in again} == {"recheck"}
        await the_present_is_shown(seen, -HOUR_SECONDS)
        await follows_the_target(seen)


async def test_a_step_and_its_correction_leave_the_daemon_as_it_was(tmp_path: Path) -> None:
    async with scene(tmp_path) as seen:
        for steps, offset in enumerate((HOUR_SECONDS, 0, -HOUR_SECONDS, 0), start=1):
            seen.step(offset)
            await seen.past(steps)
        looked_at_an_even_pace(seen)
        await no_time_is_bent(seen.running)
        await every_slot_has_one_fate(seen.running)
        await the_present_is_shown(seen, 0)
        await follows_the_target(seen)


async def follows_the_target(seen: Scene) -> None:
    """States are right after a step: an outage is noticed, and so is its end."""
    assert (await seen.running.probe("p0"))["state"] == "up"
    seen.cut = True
    await seen.state("down")
    assert "down" in (await seen.running.text(seen.running.public + "/")).lower()
    seen.cut = False
    await seen.state("up")
