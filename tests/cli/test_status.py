"""`prober status` against the internal listener itself, and against what is no daemon."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from support.asking import internal, public
from support.commands import ROOT, environment, prober, prober_beside
from support.ports import held_port, serving
from support.served import sample

from prober.cli.client import Client
from prober.cli.command import CannotGoOn


async def test_the_table_shows_what_the_daemon_says() -> None:
    async with internal(sample()) as asker:
        said = await prober_beside("status", "--url", asker.url)
    assert (said.code, said.err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.split()}
    assert rows["mirror-europe"][:8] == ["UP", "U", "U", "U", "pass", "4s", "90.1", "ms"]
    assert rows["downloads"][:1] == ["DEGRADED"]
    assert "checkout down for 9m: fra: connect_refused at 203.0.113.7:443 (connect_refused)" in said.out
    assert "\x1b" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80


async def test_json_holds_the_daemons_own_answers() -> None:
    async with internal(sample()) as asker:
        said = await prober_beside("status", "--json", "--url", asker.url)
    found = json.loads(said.out)
    assert said.code == 0
    assert list(found) == ["status", "probes", "services", "availability"]
    assert {"version", "store", "agents"} <= set(found["status"])
    assert found["probes"][0]["name"] == "shop-web"
    assert {"24h", "month"} <= set(found["availability"]["service:shop"])


async def test_watch_refreshes_until_ctrl_c_and_outlives_a_silent_daemon() -> None:
    command = (sys.executable, "-m", "prober", "status", "--watch", "--url")
    running: asyncio.subprocess.Process | None = None
    async with internal(sample()) as asker:
        running = await asyncio.create_subprocess_exec(
            *command, asker.url, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert running.stdout is not None
        await lines_until(running.stdout, b"prober 0")
        await lines_until(running.stdout, b"prober 0")
    await lines_until(running.stdout, b"! no daemon answers")
    running.send_signal(signal.SIGINT)
    _, err = await running.communicate()
    assert (running.returncode, err) == (0, b"")


async def lines_until(stream: asyncio.StreamReader, start: bytes) -> None:
    """Read until a line begins so."""
    while not (line := await stream.readline()).startswith(start):
        assert line, "it ended"


@pytest.mark.parametrize("more", [(), ("--watch",), ("--json",)])
def test_no_daemon_gives_2_and_words(more: tuple[str, ...]) -> None:
    with held_port() as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        said = prober("status", "--url", url, *more)
    hint = "start one with `prober run`, or name its internal listener with --url"
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: no daemon answers at {url}: connection refused\nhint: {hint}\n"


async def test_the_public_listener_is_not_taken_for_the_internal_one() -> None:
    async with public(sample()) as asker:
        said = await prober_beside("status", "--url", asker.url)
    assert said.code == 2
    assert "is not the internal listener of a daemon" in said.err


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8081", "ftp://127.0.0.1/", "http://ann:pw@127.0.0.1/", "http://[x/", "http://a:b/"]
)
def test_what_is_no_url_of_a_daemon_is_refused(url: str) -> None:
    with pytest.raises(CannotGoOn, match="--url is not a URL of a daemon"):
        Client(url)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x01garbage\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 9_999,
    ],
)
async def test_an_answer_that_is_none_gives_words(answer: bytes) -> None:
    async def answer_so(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    def ask(url: str) -> None:
        with Client(url) as client:
            client.get("status", dict[str, object])

    async with serving(answer_so) as (host, port):
        with pytest.raises(CannotGoOn, match=r"no daemon answers at|is not the internal listener"):
            await asyncio.to_thread(ask, f"http://{host}:{port}")
