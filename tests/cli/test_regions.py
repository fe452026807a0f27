"""`prober regions` against the internal listener itself: tables, exit codes, JSON, and forgetting a key."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from support.asking import internal, public
from support.commands import ROOT, environment, prober, prober_beside
from support.ports import held_port
from support.regions import AWAY, FAR, NEAR, remote, silence, troubled
from support.served import NOW_US, sample


async def test_the_tables_show_what_the_daemon_says() -> None:
    async with internal(remote()) as asker:
        said = await prober_beside("regions", "--url", asker.url)
    assert (said.code, said.err) == (0, "")
    rows = [line.split() for line in said.out.splitlines()]
    assert ["iad", "sound", NEAR, "up", "2s", "0", "+12±3ms", "0%", "0.012%"] in rows
    assert [AWAY, "away", "12m", "12m", "12?", "-1.2k", "-"] in rows
    assert ["checkout", "DOWN", "DOWN", "UP"] in rows
    assert "\x1b" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80


async def test_json_is_the_daemons_own_answer() -> None:
    async with internal(remote()) as asker:
        said = await prober_beside("regions", "--json", "--url", asker.url)
        own = (await asker.ask("/api/v1/regions")).json
    assert (said.code, json.loads(said.out)) == (0, own)


@pytest.mark.parametrize("how", ["silent", "cut off", "refused", "all silent"])
@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_a_region_or_agent_that_tells_nothing_gives_1(how: str, more: tuple[str, ...]) -> None:
    scene = remote()
    if how == "silent":
        silence(scene, "sin")
    elif how == "cut off":
        scene.view.regions["sin"].cut_off = True
    elif how == "refused":
        scene.view.agents[FAR].refused = "another key"
    else:
        scene.view.all_silent_since_us = NOW_US - 60_000_000
    async with internal(scene) as asker:
        said = await prober_beside("regions", *more, "--url", asker.url)
    assert (said.code, said.err) == (1, "")
    assert (
        how.replace("all silent", "no agent has been heard of for 60s").replace("refused", "another key")
        in said.out
    )


async def test_a_region_that_is_alone_gives_0_and_is_told() -> None:
    scene = remote()
    scene.view.regions["sin"].alone = ("api",)
    async with internal(scene) as asker:
        said = await prober_beside("regions", "--url", asker.url)
    assert said.code == 0
    assert "! region sin is alone in seeing a failure: api" in said.out


async def test_a_daemon_without_agents_elsewhere_shows_its_own() -> None:
    async with internal(sample()) as asker:
        said = await prober_beside("regions", "--url", asker.url)
    assert said.code == 0
    assert ["fra", "sound", "local-0", "up", "-", "-", "-", "0%", "0.012%"] in [
        line.split() for line in said.out.splitlines()
    ]


async def test_watch_refreshes_until_ctrl_c_and_outlives_a_silent_daemon() -> None:
    command = (sys.executable, "-m", "prober", "regions", "--watch", "--url")
    async with internal(troubled()) as asker:
        running = await asyncio.create_subprocess_exec(
            *command, asker.url, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert running.stdout is not None
        await lines_until(running.stdout, b"region  is")
        await lines_until(running.stdout, b"region  is")
    await lines_until(running.stdout, b"! no daemon answers")
    running.send_signal(signal.SIGINT)
    _, err = await running.communicate()
    assert (running.returncode, err) == (0, b"")


async def lines_until(stream: asyncio.StreamReader, start: bytes) -> None:
    """Read until a line begins so."""
    while not (line := await stream.readline()).startswith(start):
        assert line, "it ended"


async def test_forget_forgets_the_key_and_says_so() -> None:
    scene = remote()
    scene.pinned = {NEAR, FAR}
    async with internal(scene) as asker:
        said = await prober_beside("regions", "forget", NEAR, "--url", asker.url)
    assert (said.code, said.err, scene.pinned) == (0, "", {FAR})
    assert said.out == f"the key of {NEAR} is forgotten; whoever comes next by this name is taken in\n"


async def test_the_url_may_stand_before_the_word_too() -> None:
    scene = remote()
    scene.pinned = {NEAR}
    async with internal(scene) as asker:
        said = await prober_beside("regions", "--url", asker.url, "forget", NEAR)
    assert (said.code, scene.pinned) == (0, set())


async def test_forgetting_an_unknown_name_gives_2_with_the_nearest_one() -> None:
    scene = remote()
    scene.pinned = {NEAR}
    async with internal(scene) as asker:
        said = await prober_beside("regions", "forget", "iad-1a2b3c4", "--url", asker.url)
    assert (said.code, said.out, scene.pinned) == (2, "", {NEAR})
    assert said.err == f"error: no agent named 'iad-1a2b3c4' has a pinned key\nhint: did you mean '{NEAR}'?\n"


async def test_a_name_is_carried_as_it_is() -> None:
    scene = remote()
    scene.pinned = {"a&b=c %?#é"}
    async with internal(scene) as asker:
        said = await prober_beside("regions", "forget", "a&b=c %?#é", "--url", asker.url)
    assert (said.code, scene.pinned) == (0, set())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("forget",), "the following arguments are required: NAME"),
        (("forgt", "x"), "no command named 'forgt'"),
        (("--jsn",), "unrecognized arguments: --jsn"),
    ],
)
def test_wrong_use_gives_2(arguments: tuple[str, ...], error: str) -> None:
    said = prober("regions", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {error}")


@pytest.mark.parametrize("more", [(), ("--watch",), ("--json",), ("forget", "x")])
def test_no_daemon_gives_2_and_words(more: tuple[str, ...]) -> None:
    with held_port() as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        said = prober("regions", *more, "--url", url)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: no daemon answers at {url}: connection refused\nhint: start one")


@pytest.mark.parametrize("more", [(), ("forget", "x")])
async def test_the_public_listener_is_not_taken_for_the_internal_one(more: tuple[str, ...]) -> None:
    async with public(sample()) as asker:
        said = await prober_beside("regions", *more, "--url", asker.url)
    assert said.code == 2
    assert "is not the internal listener of a daemon" in said.err
