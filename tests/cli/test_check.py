"""`prober check` against real peers: exit codes, the JSON contract, order, concurrency, Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

from support.commands import ROOT, environment, prober, prober_beside
from support.http_answers import plain
from support.http_peer import Exchange, http_peer
from support.ports import held_port, serving

KEYS = [
    "probe",
    "kind",
    "target",
    "outcome",
    "failure",
    "failures",
    "started_us",
    "duration_us",
    "phases_us",
    "facts",
    "expectations",
]


def write(folder: Path, *probes: str) -> str:
    """Write a configuration of these probes and return its path."""
    path = folder / "probes.yaml"
    path.write_text("probes:\n" + "".join(f"  - {{{probe}}}\n" for probe in probes), encoding="utf-8")
    return str(path)


async def test_a_pass_gives_0_and_shows_phases_facts_and_expectations() -> None:
    async with http_peer({"/": plain(b"ok")}) as peer:
        said = await prober_beside("check", peer.url())
    assert (said.code, said.err) == (0, "")
    words = said.out.split()
    assert [name for name in ("PASS", "connect", "wait", "total", "address") if name not in words] == []
    assert "✓  status: expected 2xx, got 200" in said.out
    assert "\x1b" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80


async def test_a_warning_gives_0(tmp_path: Path) -> None:
    async with http_peer({"/": plain(b"ok")}) as peer:
        path = write(tmp_path, f"name: web, http: {{url: '{peer.url()}', expect: {{warn_within: 1us}}}}")
        said = await prober_beside("check", "web", "--config", path, "--json")
    assert (said.code, json.loads(said.out)["outcome"]) == (0, "warn")


async def test_a_failure_gives_1_and_every_key_of_the_contract(tmp_path: Path) -> None:
    expect = "{status: 204, body: {contains: [absent, ok]}}"
    async with http_peer({"/": plain(b"ok")}) as peer:
        path = write(tmp_path, f"name: web, http: {{url: '{peer.url()}', expect: {expect}}}")
        said = await prober_beside("check", "--config", path, "--json")
        shown = await prober_beside("check", "--config", path)
    (line,) = said.out.splitlines()
    run = json.loads(line)
    assert (said.code, list(run)) == (1, KEYS)
    assert (run["probe"], run["kind"], run["outcome"]) == ("web", "http", "fail")
    assert [failure["code"] for failure in run["failures"]] == ["http_status", "body_mismatch"]
    assert run["failure"] == run["failures"][0]
    assert run["duration_us"] == sum(run["phases_us"].values())
    assert {"what": "status", "expected": "204", "seen": "200", "held": False} in run["expectations"]
    assert [each["held"] for each in run["expectations"]] == [False, False, True]
    assert "✗  status: expected 204, got 200  http_status" in shown.out


def test_a_phase_that_was_not_reached_is_absent() -> None:
    with held_port() as held:
        said = prober("check", "--json", f"http://127.0.0.1:{held.getsockname()[1]}/")
    run = json.loads(said.out)
    assert (said.code, run["failure"]["code"], list(run["phases_us"])) == (1, "connect_refused", ["connect"])


def test_trouble_of_our_own_gives_1_and_is_void(tmp_path: Path) -> None:
    path = write(tmp_path, "name: web, tcp: {address: '192.0.2.1:80', source_address: 198.51.100.9}")
    said = prober("check", "--config", path, "--json")
    assert (said.code, json.loads(said.out)["outcome"]) == (1, "void")


async def test_runs_come_in_the_order_of_the_command_line_names_among_urls(tmp_path: Path) -> None:
    async with http_peer({"/": plain(b"ok")}) as peer:
        url, address = peer.url(), peer.address
        path = write(tmp_path, f"name: a, http: {{url: '{url}'}}", f"name: b, tcp: {{address: '{address}'}}")
        said = await prober_beside("check", "--config", path, "--json", "b", url, "a")
        every = await prober_beside("check", "--config", path, "--json")
    assert [json.loads(line)["probe"] for line in said.out.splitlines()] == ["b", url, "a"]
    assert [json.loads(line)["probe"] for line in every.out.splitlines()] == ["a", "b"]


async def test_several_run_at_once() -> None:
    """Each is answered only when all have asked."""
    asked = asyncio.Barrier(3)

    async def together(exchange: Exchange) -> None:
        await asked.wait()
        await plain(b"ok")(exchange)

    async with http_peer({"/": together}) as peer:
        said = await prober_beside("check", "--timeout", "30s", *[peer.url()] * 3)
    assert said.code == 0


def test_urls_alone_need_no_configuration(tmp_path: Path) -> None:
    with held_port() as held:
        said = prober("check", f"tcp://127.0.0.1:{held.getsockname()[1]}", folder=tmp_path)
    assert (said.code, said.err) == (1, "")


def test_an_unknown_name_gives_2_and_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "name: shop-web, tcp: {address: 'x.example:1'}")
    said = prober("check", "shopweb", "--config", path)
    assert (said.code, said.err) == (2, "error: no probe named 'shopweb'\nhint: did you mean 'shop-web'?\n")


def test_nothing_to_check_gives_2(tmp_path: Path) -> None:
    (tmp_path / "probes.yaml").write_text("regions: {}\n")
    said = prober("check", folder=tmp_path)
    assert (said.code, said.err.splitlines()[0]) == (2, "error: the configuration has no probes")


async def test_a_secret_of_the_configuration_is_not_shown(tmp_path: Path) -> None:
    async with http_peer({"/": plain(b"ok")}) as peer:
        path = write(
            tmp_path, f"name: web, http: {{url: '{peer.url()}?key=hunter2', auth: {{bearer: hunter2}}}}"
        )
        for more in ((), ("--json",)):
            said = await prober_beside("check", "--config", path, *more)
            assert said.code == 0
            assert "hunter2" not in said.out + said.err


async def test_an_encoding_without_the_signs_gets_others() -> None:
    async with http_peer({"/": plain(b"ok")}) as peer:
        said = await prober_beside(
            "check", peer.url(), environ={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
        )
    assert (said.code, said.err) == (0, "")
    assert "+  status: expected 2xx, got 200" in said.out
    assert said.out.isascii()


async def test_ctrl_c_is_quiet() -> None:
    connected = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()

    async with serving(hang) as (host, port):
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "prober", "check", f"http://{host}:{port}/", "--timeout", "1m"),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        await connected.wait()
        running.send_signal(signal.SIGINT)
        assert await running.communicate() == (b"", b"")
    assert running.returncode == 130
