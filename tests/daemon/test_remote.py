"""A real daemon and real agents of another region, as processes: results arrive, whatever is killed in between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.certs import certificates
from support.daemons import ROOT, Daemon, daemon
from support.ports import free_port, listening
from support.remote_agents import AgentProcess, agent

FRA, NEXT = "0123456789abcdef-fra", "0123456789abcdef-new"


def configuration(target: int, token: str = FRA, more: str = "") -> str:
    return f"""
regions:
  here: {{local: true}}
  fra: {{token: {token}}}
defaults: {{interval: 1s, timeout: 500ms, confirm: {{retries: 0}}, recheck: never{more}}}
probes:
  - name: web
    tcp: {{address: "127.0.0.1:{target}"}}
store: {{url: "sqlite:///prober.db"}}
"""


@contextlib.asynccontextmanager
async def hub_and_agent(folder: Path, more: str = "") -> AsyncIterator[tuple[Daemon, AgentProcess, int]]:
    """A hub with a local region and a remote one, its agent, and the port that both look at."""
    (folder / "hub").mkdir()
    (folder / "agent").mkdir()
    with listening() as target:
        port = free_port()
        text = configuration(target, more=more)
        async with (
            daemon(folder / "hub", text, agents=f'address: "127.0.0.1:{port}"') as hub,
            agent(folder / "agent", f"http://127.0.0.1:{port}", token=FRA) as remote,
        ):
            yield hub, remote, port


async def region(hub: Daemon, name: str = "fra") -> Any:  # Any: JSON
    """Return how the probe stands in a region."""
    return next(each for each in (await hub.probe("web"))["regions"] if each["region"] == name)


async def measured(hub: Daemon) -> list[int]:
    """Return the slots of the remote region with a scheduled result, newest first."""
    found = await hub.results("region=fra&limit=1000")
    return [one["slot"] for one in found if one["kind"] == "scheduled"]


async def has_results(hub: Daemon, number: int) -> None:
    async def holds(hub: Daemon) -> bool:
        return len(await measured(hub)) >= number

    await hub.until(holds)


async def shown(hub: Daemon) -> Any:  # Any: JSON
    """Return the remote agent as the API shows it; None: it is not known."""
    agents = (await hub.get("/api/v1/status"))["agents"]
    return next((each for each in agents if each["remote"]), None)


async def test_an_agent_with_a_token_measures_for_its_region(tmp_path: Path) -> None:
    async with hub_and_agent(tmp_path) as (hub, _, _port):
        await has_results(hub, 3)
        assert (await region(hub))["state"] == "up"
        agent = await shown(hub)
        assert (agent["up"], agent["regions"], agent["series"], agent["aside"]) == (True, ["fra"], 1, 0)
        assert agent["fingerprint"]
        assert FRA not in hub.log
        slots = await measured(hub)
        assert slots == sorted(set(slots), reverse=True)


async def test_a_remote_agent_that_is_away_leaves_the_daemon_ready_and_its_slots_arrive_later(
    tmp_path: Path,
) -> None:
    """Also after the agent was killed in the middle: nothing that it had on disk is lost or counted twice."""
    async with hub_and_agent(tmp_path) as (hub, remote, port):
        await has_results(hub, 2)
        await remote.stop(signal.SIGKILL)

        async def is_gone(hub: Daemon) -> bool:
            return not (await shown(hub))["up"]

        await hub.until(is_gone)
        assert await hub.code("/readyz") == 200
        before = await measured(hub)
        async with agent(tmp_path / "agent", f"http://127.0.0.1:{port}", token=FRA):
            await has_results(hub, len(before) + 2)
            slots = await measured(hub)
            assert len(slots) == len(set(slots))
            assert set(before) <= set(slots)
            assert (await shown(hub))["aside"] == 0
            assert await accounted(hub, slots)


async def accounted(hub: Daemon, slots: list[int]) -> bool:
    """Say whether every slot from the first to the last has a result or a gap."""
    gaps = (await hub.get("/api/v1/gaps?probe=web&region=fra&limit=1000"))["gaps"]
    missed = {slot for gap in gaps for slot in range(gap["first_slot"], gap["last_slot"] + 1)}
    return set(range(slots[-1], slots[0] + 1)) <= missed | set(slots)


async def test_while_the_hub_is_dead_the_agent_goes_on_and_delivers_all_of_it_afterwards(
    tmp_path: Path,
) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "agent").mkdir()
    with listening() as target:
        port = free_port()
        text, listens = configuration(target), f'address: "127.0.0.1:{port}"'
        async with agent(tmp_path / "agent", f"http://127.0.0.1:{port}", token=FRA):
            async with daemon(tmp_path / "hub", text, agents=listens) as hub:
                await has_results(hub, 2)
                before = await measured(hub)
                await hub.stop(signal.SIGKILL)
            async with daemon(tmp_path / "hub", text, agents=listens) as hub:
                await has_results(hub, len(before) + 5)
                slots = await measured(hub)
        assert len(slots) == len(set(slots))
        assert slots == list(range(slots[0], slots[-1] - 1, -1)), "a slot is missing"


async def test_a_failure_that_one_region_sees_is_looked_at_by_the_other_within_a_second(
    tmp_path: Path,
) -> None:
    with socket.socket() as target:
        target.bind(("127.0.0.1", 0))
        target.listen()
        (tmp_path / "hub").mkdir()
        (tmp_path / "agent").mkdir()
        port = free_port()
        text = configuration(target.getsockname()[1]).replace("interval: 1s", "interval: 6s")
        async with (
            daemon(tmp_path / "hub", text, agents=f'address: "127.0.0.1:{port}"') as hub,
            agent(tmp_path / "agent", f"http://127.0.0.1:{port}", token=FRA),
        ):

            async def both_up(hub: Daemon) -> bool:
                return all(each["state"] == "up" for each in (await hub.probe("web"))["regions"])

            await hub.until(both_up)
            target.close()

            async def both_failed(hub: Daemon) -> bool:
                return all(each["last"]["outcome"] == "fail" for each in (await hub.probe("web"))["regions"])

            await hub.until(both_failed)
            results = [one for one in await hub.results("limit=20") if one["outcome"] == "fail"]
        first, second = sorted(results, key=lambda one: one["started_us"])[:2]
        assert first["region"] != second["region"]
        assert (first["kind"], second["kind"]) == ("scheduled", "recheck")
        assert (
            second["started_us"] - first["started_us"] < 2_000_000
        )  # 0.2 s for company on the way, a commit, a link


async def test_a_token_is_replaced_by_reload_without_a_gap_and_the_old_one_is_shut_out(
    tmp_path: Path,
) -> None:
    async with hub_and_agent(tmp_path) as (hub, remote, _port):
        await has_results(hub, 1)
        path = hub.folder / "probes.yaml"
        text = path.read_text()

        async def reload(token: str) -> None:
            path.write_text(text.replace(f"token: {FRA}", f"token: {token}"))
            async with hub.session.post(hub.internal + "/-/reload") as answer:
                assert answer.status == 200

        await reload(f"[{FRA}, {NEXT}]")
        assert (await shown(hub))["up"]
        await reload(NEXT)

        async def is_gone(hub: Daemon) -> bool:
            return not (await shown(hub))["up"]

        await hub.until(is_gone)

        async def is_told(_hub: Daemon) -> bool:
            return any("token" in event.get("problem", "") for event in remote.events)

        await hub.until(is_told)
        assert remote.process.returncode is None  # it measures on, and waits for a person


async def test_an_agent_that_is_forgotten_is_taken_in_anew_when_it_comes_again(tmp_path: Path) -> None:
    async with hub_and_agent(tmp_path) as (hub, _remote, _port):
        await has_results(hub, 1)
        before = await shown(hub)
        path = f"/api/v1/regions/forget?agent={before['name']}"
        async with hub.session.post(hub.internal + path) as answer:
            assert answer.status == 200

        async def is_back(hub: Daemon) -> bool:
            after = await shown(hub)
            return after is not None and after["up"] and after["enrolled_us"] > before["enrolled_us"]

        await hub.until(is_back)
        assert (await shown(hub))["fingerprint"] == before["fingerprint"]
        await has_results(hub, len(await measured(hub)) + 1)


async def test_over_tls_and_through_a_renewed_certificate(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "agent").mkdir()

    def issue() -> None:
        leaf = certificates().root.issue("127.0.0.1")
        shutil.copy(leaf.chain_file, tmp_path / "hub" / "hub.pem")
        shutil.copy(leaf.key_file, tmp_path / "hub" / "hub.key")

    issue()
    with listening() as target:
        port = free_port()
        listens = f'address: "127.0.0.1:{port}", certificate: hub.pem, key: hub.key'
        url, trust = f"https://127.0.0.1:{port}", ("--ca-file", str(certificates().ca_file))
        async with daemon(tmp_path / "hub", configuration(target), agents=listens) as hub:
            async with agent(tmp_path / "agent", url, *trust, token=FRA):
                await has_results(hub, 1)
                issue()
                async with hub.session.post(hub.internal + "/-/reload") as answer:
                    assert answer.status == 200
                assert (await shown(hub))["up"]
            async with agent(tmp_path / "agent", url, *trust, token=FRA):
                await has_results(hub, len(await measured(hub)) + 1)
            (tmp_path / "hub" / "hub.key").write_text("spoilt")
            async with hub.session.post(hub.internal + "/-/reload") as answer:
                assert answer.status == 422
                assert "listen.agents" in str(await answer.json())


@pytest.mark.parametrize(
    ("listens", "words"),
    [
        (', agents: {address: "127.0.0.1:0", certificate: no.pem, key: no.key}', "cannot read"),
        (', agents: {address: "192.0.2.1:1", behind_proxy: true}', "cannot listen on 192.0.2.1:1"),
    ],
)
async def test_a_listener_that_cannot_be_had_ends_the_start_with_words(
    tmp_path: Path, listens: str, words: str
) -> None:
    listen = f'listen: {{public: "127.0.0.1:{free_port()}", internal: "127.0.0.1:{free_port()}"{listens}}}\n'
    (tmp_path / "probes.yaml").write_text(configuration(9) + listen)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "prober", "run", "--config", str(tmp_path / "probes.yaml"),
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert (process.returncode, words in said.decode(), "Traceback" in said.decode()) == (2, True, False)


async def test_a_region_that_nobody_can_report_for_is_told_at_the_start(tmp_path: Path) -> None:
    async with daemon(tmp_path, configuration(9)) as hub:
        assert "no agent can report for some regions" in hub.log
        assert "listen.agents" in hub.log


async def test_a_region_whose_agent_took_its_leave_is_not_waited_for_and_one_whose_agent_died_is(
    tmp_path: Path,
) -> None:
    async def watch(hub: Daemon) -> Any:  # Any: JSON
        return next(each for each in (await hub.get("/api/v1/regions"))["regions"] if each["name"] == "fra")

    async with hub_and_agent(tmp_path) as (hub, remote, port):
        await has_results(hub, 2)
        assert await remote.stop() == 0
        left_us = time.time_ns() // 1000

        async def goes_on(hub: Daemon) -> bool:
            return bool((await watch(hub))["watermark_us"] > left_us + 3_000_000)

        async def stands(hub: Daemon) -> bool:
            return bool((await watch(hub))["lag_us"] > 6_000_000)

        await hub.until(goes_on)
        async with agent(tmp_path / "agent", f"http://127.0.0.1:{port}", token=FRA) as again:
            await has_results(hub, 5)
            await again.stop(signal.SIGKILL)
            await hub.until(stands)
