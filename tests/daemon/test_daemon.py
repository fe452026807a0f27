"""The daemon as a process, on good days and bad ones."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from pathlib import Path

import pytest
from support.daemons import Daemon, alive, daemon
from support.http_answers import plain
from support.http_peer import http_peer
from support.tcp_peer import close_at_once, silence, tcp_peer

FAST = "defaults: {interval: 200ms, timeout: 1s, confirm: {retries: 0}, recheck: never}\n"


def watching(*ports: int, more: str = "") -> str:
    """Return a configuration of one TCP probe a port."""
    probes = "".join(
        f'  - {{name: p{index}, tcp: {{address: "127.0.0.1:{port}"}}}}\n' for index, port in enumerate(ports)
    )
    return f"{FAST}probes:\n{probes}{more}"


async def counted(running: Daemon, at_least: int = 3) -> bool:
    return len(await running.results()) >= at_least


def slots_of(rows: list[dict[str, object]]) -> list[int]:
    return sorted(int(str(row["slot"])) for row in rows if row["kind"] == "scheduled")


async def every_slot_has_its_fate(running: Daemon) -> None:
    """Results and gaps together tile the slots of probe p0 without a hole or a double."""
    rows = slots_of(await running.results("probe=p0&limit=1000"))
    found = (await running.get("/api/v1/gaps"))["gaps"]
    gaps = [slot for gap in found for slot in range(gap["first_slot"], gap["last_slot"] + 1)]
    both = sorted(rows + gaps)
    assert both == list(range(both[0], both[0] + len(both)))


async def test_it_measures_stores_judges_and_publishes(tmp_path: Path) -> None:
    async with http_peer({"/": plain(b"hello")}) as peer:
        check = f'http: {{url: "{peer.url("/")}", expect: {{body: {{contains: hello}}}}}}'
        text = f"{FAST}probes:\n  - {{name: web, title: Shop, {check}}}\n"
        async with daemon(
            tmp_path, text + "services:\n  - {name: shop, title: Web shop, probes: [web]}\n"
        ) as running:
            await running.until(counted)
            probe = await running.probe("web")
            assert probe["state"] == "up"
            assert "Web shop" in await running.text(running.public + "/")
            assert '"operational"' in await running.text(running.public + "/api/v2/summary.json")
            metrics = await running.text(running.internal + "/metrics")
            assert 'probe_success{probe="web",region="local"} 1' in metrics
            assert await running.code("/readyz") == 200


async def test_sigterm_drains_and_ends_within_five_seconds(tmp_path: Path) -> None:
    async with tcp_peer(silence) as peer:
        check = f'tcp: {{address: "{peer.address}", dialogue: [{{expect: never}}]}}'
        slow = f"{FAST}probes:\n  - {{name: p0, timeout: 60s, {check}}}\n"
        async with daemon(tmp_path, slow) as running:
            await running.until(lambda it: _peers(peer.peers))
            agents = await running.agents()
            began = time.monotonic()
            assert await running.stop() == 0
            assert time.monotonic() - began < 5
            assert not any(alive(pid) for pid in agents)
        async with daemon(tmp_path, slow) as again:
            await again.until(lambda it: _has_gaps(it, "agent_off"))


async def test_sigterm_ends_it_in_time_even_when_an_agent_hangs(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        (pid,) = await running.agents()
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        assert await running.stop() == 0
        assert time.monotonic() - began < 5
        assert not alive(pid)


async def _peers(peers: list[tuple[str, int]]) -> bool:
    return bool(peers)


async def _has_gaps(running: Daemon, reason: str) -> bool:
    return any(gap["reason"] == reason for gap in (await running.get("/api/v1/gaps"))["gaps"])


async def test_kill_9_of_the_hub_ends_its_agents_and_a_restart_accounts_for_the_gap(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer:
        async with daemon(tmp_path, watching(peer.port)) as running:
            await running.until(counted)
            agents, before = await running.agents(), slots_of(await running.results())
            await running.stop(signal.SIGKILL)
            async with asyncio.timeout(5):
                while any(alive(pid) for pid in agents):  # noqa: ASYNC110  # no event tells of another's child
                    await asyncio.sleep(0.02)
        async with daemon(tmp_path, watching(peer.port)) as again:
            await again.until(lambda it: counted(it, len(before) + 4))
            assert set(before) <= set(slots_of(await again.results()))
            assert await _has_gaps(again, "agent_off")
            await every_slot_has_its_fate(again)


async def test_kill_9_of_the_agent_is_survived_and_accounted_for(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        (pid,) = await running.agents()
        os.kill(pid, signal.SIGKILL)
        await running.until(lambda it: _has_gaps(it, "agent_off"))
        count = len(await running.results())
        await running.until(lambda it: counted(it, count + 3))
        assert await running.agents() != [pid]
        await every_slot_has_its_fate(running)
        assert (await running.probe("p0"))["state"] == "up"


async def test_an_agent_that_hangs_is_started_again(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        (pid,) = await running.agents()
        os.kill(pid, signal.SIGSTOP)
        await running.until(lambda it: _has_gaps(it, "agent_off"))
        assert await running.agents() != [pid]
        assert not alive(pid)
        assert "an agent hangs" in running.log


async def test_sighup_and_post_take_a_new_configuration_and_unchanged_probes_go_on(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        path = tmp_path / "probes.yaml"
        digest = (await running.get("/api/v1/status"))["config_digest"]
        another = f'  - {{name: p1, tcp: {{address: "127.0.0.1:{peer.port}"}}}}\n'
        path.write_text(path.read_text().replace("listen:", another + "listen:"))
        running.process.send_signal(signal.SIGHUP)
        await running.until(lambda it: _probes(it, 2))
        assert (await running.get("/api/v1/status"))["config_digest"] != digest
        await running.until(lambda it: counted(it, 12))
        await every_slot_has_its_fate(running)
        assert (await running.get("/api/v1/gaps"))["gaps"] == []


async def _probes(running: Daemon, number: int) -> bool:
    return len((await running.get("/api/v1/probes"))["probes"]) == number


async def test_a_bad_file_changes_nothing_and_shows_everywhere(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        digest = (await running.get("/api/v1/status"))["config_digest"]
        path = tmp_path / "probes.yaml"
        path.write_text(path.read_text().replace("tcp:", "tpc:"))
        async with running.session.post(running.internal + "/-/reload") as answer:
            assert answer.status == 422
            faults = (await answer.json())["faults"]
        assert "probes.yaml:3:" in faults[0]
        assert "tcp" in faults[0]
        status = await running.get("/api/v1/status")
        assert (status["config_digest"], status["reload"]["ok"]) == (digest, False)
        assert "prober_config_last_reload_successful 0" in await running.text(running.internal + "/metrics")
        assert "nothing has changed" in running.log
        count = len(await running.results())
        await running.until(lambda it: counted(it, count + 2))


async def test_a_full_disk_is_said_and_survived_and_nothing_is_lost(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        await running.until(lambda it: _ready(it, 503))
        (pid,) = await running.agents()
        problem = (await running.get("/api/v1/status"))["store"]["problem"]
        assert problem
        assert "prober_store_writable 0" in await running.text(running.internal + "/metrics")
        seen = len(peer.peers)
        await running.until(lambda it: _more(peer.peers, seen + 5))  # measuring goes on
        resource.prlimit(
            running.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        await running.until(lambda it: _ready(it, 200))
        await running.until(lambda it: counted(it, 12))
        await every_slot_has_its_fate(running)
        assert (await running.get("/api/v1/gaps"))["gaps"] == []
        assert await running.agents() == [pid]


async def _ready(running: Daemon, code: int) -> bool:
    return await running.code("/readyz") == code


async def _more(peers: list[tuple[str, int]], number: int) -> bool:
    return len(peers) >= number


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_both_event_loops_serve(tmp_path: Path, loop: str) -> None:
    async with (
        tcp_peer(close_at_once) as peer,
        daemon(tmp_path, watching(peer.port), PROBER_LOOP=loop) as running,
    ):
        await running.until(counted)
        assert (await running.probe("p0"))["state"] == "up"


async def test_a_second_daemon_on_the_same_store_is_refused_in_words(tmp_path: Path) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        with pytest.raises(RuntimeError, match="error:"):
            async with daemon(tmp_path, watching(peer.port)):
                pass


async def test_an_agent_that_dies_while_the_disk_is_full_is_replaced_and_no_slot_counts_twice(
    tmp_path: Path,
) -> None:
    async with tcp_peer(close_at_once) as peer, daemon(tmp_path, watching(peer.port)) as running:
        await running.until(counted)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        await running.until(lambda it: _ready(it, 503))
        (pid,) = await running.agents()
        os.kill(pid, signal.SIGKILL)
        await running.until(lambda it: _another_agent(it, pid))
        seen = len(peer.peers)
        await running.until(lambda it: _more(peer.peers, seen + 3))
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, no_limit)
        await running.until(lambda it: _ready(it, 200))
        await running.until(lambda it: _has_gaps(it, "agent_off"))
        await every_slot_has_its_fate(running)


async def _another_agent(running: Daemon, pid: int) -> bool:
    return pid not in await running.agents()
