"""The real daemon with a module file: it answers, keeps its head when the worker dies, reloads, refuses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from support.daemons import Daemon, alive, daemon
from support.ports import held_port, listening
from support.redirecting import answering

PROBES = """
probes:
  - {name: own, interval: 1h, tcp: {address: "127.0.0.1:9"}}
blackbox: {file: blackbox.yml}
store: {url: "sqlite:///p.db"}
"""
MODULES = """
modules:
  port: {prober: tcp, timeout: 2s, tcp: {preferred_ip_protocol: ip4}}
  silent: {prober: tcp, timeout: 10s, tcp: {preferred_ip_protocol: ip4, query_response: [{expect: never}]}}
"""


async def asked(running: Daemon, query: str, **headers: str) -> tuple[int, str]:
    """Return status and text of `/probe`."""
    async with running.session.get(f"{running.internal}/probe?{query}", headers=headers) as answer:
        return answer.status, await answer.text()


async def metric(running: Daemon, name: str) -> float:
    """Return a sample without labels."""
    text = await running.text(f"{running.internal}/metrics")
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))


@contextlib.asynccontextmanager
async def silence() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Accept and say nothing; yields the port, and what is set once somebody has connected."""
    connected = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], connected


async def until_it_answers(running: Daemon, port: int) -> None:
    """Ask until there is a measurement: a worker that is being started has none yet."""

    async def answers(running: Daemon) -> bool:
        return (await asked(running, f"module=port&target=127.0.0.1:{port}"))[0] == 200

    await running.until(answers)


def worker_of(running: Daemon) -> int:
    """Return the process id of the worker: the daemon's child that runs it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if b"prober.blackbox.worker" in words and parent == running.process.pid:
                return int(pid)
    raise LookupError("no worker")


async def test_the_daemon_answers_for_its_own_targets_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    with listening() as port, held_port() as held:
        async with daemon(tmp_path, PROBES) as running:
            await until_it_answers(running, port)
            passed = await asked(running, f"module=port&target=127.0.0.1:{port}")
            failed = await asked(running, f"module=port&target=127.0.0.1:{held.getsockname()[1]}")
            refused = await asked(running, "module=port&target=127.0.0.2:80")
            unknown = await asked(running, "module=nope&target=127.0.0.1:80")
            assert (passed[0], "\nprobe_success 1\n" in passed[1]) == (200, True)
            assert (failed[0], "\nprobe_success 0\n" in failed[1]) == (200, True)
            assert (refused[0], unknown[0]) == (403, 400)
            assert await metric(running, "blackbox_module_unknown_total") == 1
            assert await metric(running, "blackbox_exporter_config_last_reload_successful") == 1


async def test_the_callers_limit_ends_a_run_in_time(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    limit = {"X-Prometheus-Scrape-Timeout-Seconds": "0.8"}
    with listening() as port:
        async with daemon(tmp_path, PROBES) as running:
            await until_it_answers(running, port)
            status, text = await asked(running, f"module=silent&target=127.0.0.1:{port}", **limit)
    assert (status, "\nprobe_timeout_seconds 0.3\n" in text, "\nprobe_success 0\n" in text) == (
        200,
        True,
        True,
    )


async def test_a_worker_that_is_killed_while_it_runs_is_503_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    async with silence() as (port, connected), daemon(tmp_path, PROBES) as running:
        worker = worker_of(running)
        under_way = asyncio.create_task(asked(running, f"module=silent&target=127.0.0.1:{port}"))
        await connected.wait()
        os.kill(worker, signal.SIGKILL)
        status, text = await under_way
        assert (status, "the worker died while it ran" in text, "probe_success" in text) == (503, True, False)
        await until_it_answers(running, port)
        second = worker_of(running)
        assert second != worker
        assert await running.stop() == 0
        assert not alive(second)


async def test_a_worker_that_hangs_is_503_and_started_again(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    limit = {"X-Prometheus-Scrape-Timeout-Seconds": "0.6"}
    with listening() as port:
        async with daemon(tmp_path, PROBES) as running:
            await until_it_answers(running, port)
            os.kill(worker_of(running), signal.SIGSTOP)
            status, text = await asked(running, f"module=port&target=127.0.0.1:{port}", **limit)
            assert (status, "hung" in text, "probe_success" in text) == (503, True, False)
            await until_it_answers(running, port)


async def test_a_reload_takes_a_new_file_and_keeps_the_old_one_when_it_is_no_good(tmp_path: Path) -> None:
    path = tmp_path / "blackbox.yml"
    path.write_text(MODULES)
    with listening() as port:
        async with daemon(tmp_path, PROBES) as running:
            stamp = await metric(running, "blackbox_exporter_config_last_reload_success_timestamp_seconds")
            path.write_text(MODULES.replace("port:", "door:"))
            async with running.session.post(running.internal + "/-/reload") as answer:
                assert answer.status == 200
            assert (await asked(running, f"module=door&target=127.0.0.1:{port}"))[0] == 200
            newer = await metric(running, "blackbox_exporter_config_last_reload_success_timestamp_seconds")
            assert newer > stamp

            path.write_text("modules: {door: {prober: gopher}}")
            async with running.session.post(running.internal + "/-/reload") as answer:
                assert (answer.status, "blackbox.yml:1:26" in await answer.text()) == (422, True)
            assert (await asked(running, f"module=door&target=127.0.0.1:{port}"))[0] == 200
            assert await metric(running, "blackbox_exporter_config_last_reload_successful") == 0
            assert "blackbox.yml:1:26" in running.log

            path.write_text(MODULES.replace("port:", "door:"))
            running.process.send_signal(signal.SIGHUP)

            async def taken(running: Daemon) -> bool:
                return await metric(running, "blackbox_exporter_config_last_reload_successful") == 1

            await running.until(taken)
            same = await metric(running, "blackbox_exporter_config_last_reload_success_timestamp_seconds")
            assert same == newer
            async with running.session.get(running.internal + "/-/reload") as answer:
                assert answer.status == 405


async def test_a_redirect_to_a_private_address_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(
        "modules: {web: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4}}}"
    )
    async with (
        answering("HTTP/1.1 200 OK", "127.0.0.3") as secret,
        answering(f"HTTP/1.1 302 Found|Location: http://127.0.0.3:{secret}/") as port,
        answering() as plain,
        daemon(tmp_path, PROBES) as running,
    ):
        redirected = await asked(running, f"module=web&target=127.0.0.1:{port}")
        direct = await asked(running, f"module=web&target=127.0.0.1:{plain}")
    assert (direct[0], "\nprobe_success 1\n" in direct[1]) == (200, True)
    assert (redirected[0], "127.0.0.3" in redirected[1], "loopback" in redirected[1]) == (403, True, True)


async def test_a_daemon_does_not_start_with_a_bad_module_file(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text("modules: {m: {prober: gopher}}")
    with contextlib.suppress(RuntimeError, aiohttp.ClientError):
        async with daemon(tmp_path, PROBES) as running:
            await running.stop()
        raise AssertionError("it started")
    log = (tmp_path / "daemon.log").read_text()
    assert "blackbox.yml:1:23: modules.m.prober" in log
