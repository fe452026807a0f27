"""The real daemon with a module file: it answers, keeps its head when the worker dies, reloads, refuses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
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


def first_to_go(pid: int) -> str:
    """Return how soon the kernel ends a process when memory runs out."""
    return Path(f"/proc/{pid}/oom_score_adj").read_text().strip()


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
        async with asyncio.timeout(10):
            while first_to_go(worker) != "1000":  # noqa: ASYNC110  # it says so once it has started
                await asyncio.sleep(0.02)
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


async def test_time_lost_to_the_start_of_a_worker_is_no_failure_of_the_target(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    limit = {"X-Prometheus-Scrape-Timeout-Seconds": "3.5"}
    async with silence() as (port, _), daemon(tmp_path, PROBES) as running:
        await until_it_answers(running, port)
        os.kill(worker_of(running), signal.SIGKILL)

        heard: list[tuple[int, str]] = []

        async def has_noticed(running: Daemon) -> bool:
            heard.append(await asked(running, f"module=silent&target=127.0.0.1:{port}", **limit))
            return "gone" not in heard[-1][1] and "died" not in heard[-1][1]

        await running.until(has_noticed)
        status, text = heard[-1]
        assert (status, "being started" in text, "probe_success" in text) == (503, True, False)
        status, text = await asked(running, f"module=silent&target=127.0.0.1:{port}", **limit)
        assert (status, "\nprobe_success 0\n" in text) == (200, True)


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


@pytest.mark.parametrize("number", [signal.SIGCONT, signal.SIGSTOP])
async def test_no_worker_is_left_when_the_daemon_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    """Neither one that measures nor one that cannot even notice."""
    (tmp_path / "blackbox.yml").write_text(MODULES)
    async with silence() as (port, connected), daemon(tmp_path, PROBES) as running:
        under_way = asyncio.create_task(asked(running, f"module=silent&target=127.0.0.1:{port}"))
        await connected.wait()
        worker = worker_of(running)
        os.kill(worker, number)
        await running.stop(signal.SIGKILL)
        await asyncio.gather(under_way, return_exceptions=True)
        async with asyncio.timeout(5):
            while alive(worker):  # noqa: ASYNC110  # no child of ours: it can only be looked at
                await asyncio.sleep(0.02)


async def test_a_daemon_that_is_asked_to_end_does_not_wait_for_probes(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text(MODULES)
    async with silence() as (port, connected), daemon(tmp_path, PROBES) as running:
        under_way = asyncio.create_task(asked(running, f"module=silent&target=127.0.0.1:{port}"))
        await connected.wait()
        worker = worker_of(running)
        async with asyncio.timeout(8):  # the probe has 10 s
            assert await running.stop() == 0
        await asyncio.gather(under_way, return_exceptions=True)
        assert not alive(worker)


async def test_a_run_that_saw_too_much_to_be_told_ends_alone(tmp_path: Path) -> None:
    """A target that fills labels without end takes neither the worker nor other runs with it."""
    labels = ", ".join(f'{{name: l{number}, value: "${{1}}"}}' for number in range(100))
    much = f"much: {{prober: tcp, timeout: 4s, tcp: {{query_response: [{{expect: '(.*)', labels: [{labels}]}}]}}}}"
    (tmp_path / "blackbox.yml").write_text(f"{MODULES}  {much}\n")

    async def fill(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'"' * 60_000 + b"\n")  # every one of them is escaped
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(fill, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, daemon(tmp_path, PROBES) as running:
        await until_it_answers(running, port)
        worker = worker_of(running)
        status, text = await asked(running, f"module=much&target=127.0.0.1:{port}")
        assert (status, "too large to be told" in text) == (503, True)
        assert (await asked(running, f"module=port&target=127.0.0.1:{port}"))[0] == 200
        assert worker_of(running) == worker


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

            path.unlink()
            async with running.session.post(running.internal + "/-/reload") as answer:
                assert (answer.status, "cannot read the file" in await answer.text()) == (422, True)
            assert (await asked(running, f"module=door&target=127.0.0.1:{port}"))[0] == 200

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


async def test_no_way_of_writing_leads_to_a_socket_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text("modules: {own: {prober: unix, timeout: 2s}}")
    path = tmp_path / "s"
    called = asyncio.Event()
    server = await asyncio.start_unix_server(lambda reader, writer: called.set(), path)
    open_to_names = 'blackbox: {file: blackbox.yml, allow: ["*"]}\nstore: {url: "sqlite:///p.db"}\n'
    async with server, daemon(tmp_path, open_to_names) as running:
        for target in (str(path), f"{tmp_path}/x/../s", "s", "./s", "@s"):
            status, _ = await asked(running, f"module=own&target={quote(target, safe='')}")
            assert (status, called.is_set()) == (403, False), target


async def test_a_daemon_does_not_start_with_a_bad_module_file(tmp_path: Path) -> None:
    (tmp_path / "blackbox.yml").write_text("modules: {m: {prober: gopher}}")
    with contextlib.suppress(RuntimeError, aiohttp.ClientError):
        async with daemon(tmp_path, PROBES) as running:
            await running.stop()
        raise AssertionError("it started")
    log = (tmp_path / "daemon.log").read_text()
    assert "blackbox.yml:1:23: modules.m.prober" in log
