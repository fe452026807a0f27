"""How a remote agent starts: who lets it in, what it says when nobody does, and what it leaves on disk and on show."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest
from support.certs import certificates
from support.commands import ROOT
from support.fake_hub import LEAVING, TOKEN, fake_hub
from support.remote_agents import STORE, AgentProcess, agent, assignment, more, series, watched
from support.tcp_peer import banner, tcp_peer

from prober import wire
from prober.agent.cache import Cache
from prober.wire import Refusal


async def test_tls_with_the_right_authority_links_and_with_the_wrong_one_says_so(tmp_path: Path) -> None:
    made = certificates()
    async with tcp_peer(banner(b"hello\r\n")) as peer, fake_hub(made.valid.server_context()) as hub:
        hub.assignment = assignment(series(1, peer.port))
        async with agent(tmp_path, hub, "--ca-file", str(made.ca_file)) as running:
            await hub.until(more(hub, 3))
            hub.drop()
            await hub.until(more(hub, 3))
            assert await running.stop() == 0
        (tmp_path / "other").mkdir()
        async with agent(tmp_path / "other", hub) as running:
            assert await running.ended() == 2
    assert "error: the hub's certificate is not trusted: " in running.log
    assert "hint: --ca-file names a file with the authority that signed it" in running.log


@pytest.mark.parametrize(
    ("turned", "region", "words", "hint"),
    [
        ({"token": "another-token"}, "fra", "the hub does not know this token", "is the token one of the region's"),
        ({"status": 426}, "fra", "said 426", "a hint"),
        ({"region": "iad"}, "fra", "the token is of the region 'iad', and this agent was started for 'fra'", "say"),
        ({"version": 99, "oldest": 99}, "fra", "the hub speaks wire 99, this one only 1: upgrade this one", ""),
        (
            {"refuse_greeting": Refusal(0, 0, "stop", "another key was pinned (hint: prober regions forget it)")},
            "fra",
            "another key was pinned",
            "prober regions forget it",
        ),
    ],
)  # fmt: skip
async def test_a_hub_that_lets_nobody_in_ends_a_first_start_in_words(
    tmp_path: Path, turned: dict[str, object], region: str, words: str, hint: str
) -> None:
    async with fake_hub(**turned) as hub, agent(tmp_path, hub, region=region) as running:  # type: ignore[arg-type]
        assert await running.ended() == 2
    lines = running.log.splitlines()
    assert f"error: {words}" in lines
    assert any(line.startswith(f"hint: {hint}") for line in lines) is bool(hint)
    assert not any("Traceback" in line for line in lines)


async def test_a_hub_that_does_not_let_it_in_any_more_does_not_stop_the_measuring(tmp_path: Path) -> None:
    async with watched() as (hub, peer):
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 3))
            assert await running.stop() == 0
        hub.token = "a-new-token-that-the-agent-has-not"
        before = len(peer.peers)
        async with agent(tmp_path, hub) as running:
            await hub.until(lambda: len(peer.peers) > before + 10)
            assert running.told("no link to the hub")[0]["problem"] == "the hub does not know this token"
            assert await running.stop() == 0


async def test_the_token_is_in_no_log_and_in_no_list_of_processes(tmp_path: Path) -> None:
    async with watched() as (hub, _):
        secret_file = tmp_path / "token"
        secret_file.write_text(TOKEN + "\n")
        secret_file.chmod(0o600)
        arguments = ("--token-file", str(secret_file), "--log-level", "debug")
        async with agent(tmp_path, hub, *arguments, token=None) as running:
            await hub.until(more(hub, 3))
            command_line = running.command_line
            await hub.send(LEAVING)
            await hub.until(lambda: len(hub.hellos) == 2)
            hub.drop()
            assert await running.stop() == 0
        assert hub.tokens[0] == f"Bearer {TOKEN}"
        assert command_line
        assert TOKEN not in command_line
        assert TOKEN not in running.log
        kept = [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]
        assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []


async def test_two_agents_do_not_share_a_spool(tmp_path: Path) -> None:
    async with watched() as (hub, _), agent(tmp_path, hub) as running:
        await hub.until(more(hub, 1))
        async with agent(tmp_path, hub) as second:
            assert await second.ended() == 2
        assert f"is in use by process {running.process.pid}" in second.log


async def test_every_file_it_writes_is_in_the_spool_and_only_its_user_s(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    async with watched() as (hub, _):
        environ = {"HOME": str(tmp_path / "home"), "TMPDIR": "/nonexistent"}
        async with agent(tmp_path, hub, environ=environ) as running:
            await hub.until(more(hub, 3))
            written = _open_for_writing(running)
            assert await running.stop() == 0
    assert {path.parent for path in written} == {tmp_path / "spool"}
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "spool").iterdir()}
    assert set(modes.values()) == {0}


def _open_for_writing(running: AgentProcess) -> set[Path]:
    """Return the files that a process has open for writing, its log left out."""
    found = set()
    folder = Path(f"/proc/{running.process.pid}/fd")
    for entry in folder.iterdir():
        flags = int((folder.parent / "fdinfo" / entry.name).read_text().split()[3], 8)
        target = os.readlink(entry)
        if flags & (os.O_WRONLY | os.O_RDWR) and target.startswith("/") and not target.startswith("/dev/"):
            found.add(Path(target))
    return found - {running.folder / "agent.log"}


async def test_results_under_a_name_whose_key_is_gone_are_named_at_the_start_and_at_each_connection(
    tmp_path: Path,
) -> None:
    async with watched() as (hub, peer):
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 3))
            await hub.stop()
            looked = len(peer.peers)
            await hub.until(lambda: len(peer.peers) >= looked + 20)
            assert await running.stop() == 0
            name = running.told("started")[0]["agent"]
        (tmp_path / "spool" / "agent.key").unlink()
        await hub.start()
        async with agent(tmp_path, hub) as running:
            await hub.until(more(hub, 3))
            assert await running.stop() == 0
    told = running.told("results wait that were measured under another name")
    assert len(told) == 2
    assert {each["other"] for each in told} == {name}
    assert min(each["results"] for each in told) >= 20
    assert running.told("connected to the hub")[-1]["batches_waiting"] == 0


HANG = """
import pathlib, socket, time

def getaddrinfo(*_arguments, **_more):
    pathlib.Path({called!r}).touch()
    time.sleep(60)

socket.getaddrinfo = getaddrinfo
"""


async def test_a_resolver_that_hangs_keeps_nobody_from_leaving(tmp_path: Path) -> None:
    called = tmp_path / "called"
    (tmp_path / "sitecustomize.py").write_text(HANG.format(called=str(called)))
    async with fake_hub() as hub:
        environ = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
        async with agent(tmp_path, f"https://hub.invalid:{hub.port}", environ=environ) as running:
            await hub.until(called.exists)
            assert {"spool.db", "spool.db-wal"} <= {path.name for path in (tmp_path / "spool").iterdir()}
            asked = time.monotonic()
            assert await running.stop() == 0
            assert time.monotonic() - asked < 5
    assert not (tmp_path / "spool" / "spool.db-wal").exists()  # it was closed as it should be


async def test_a_cache_of_another_region_is_not_run(tmp_path: Path) -> None:
    async with watched() as (hub, peer):
        (tmp_path / "spool").mkdir(mode=0o700)
        other = assignment(msgspec.structs.replace(series(1, peer.port), region="iad"), hub=STORE)
        Cache(tmp_path / "spool").save(wire.encode(other))
        await hub.stop()
        async with agent(tmp_path, hub) as running:
            await hub.until(lambda: bool(running.told("no link to the hub")))
            await hub.start()
            await hub.until(more(hub, 2))
            assert not running.told("started without the hub")
