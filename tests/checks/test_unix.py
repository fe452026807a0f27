"""The unix check: sockets in the file system, with and without TLS and a dialogue."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.certs import certificates
from support.looks import BRIEF, USUAL, Setting, cancel_when, codes, look, tidy_reactor
from support.unix_peer import unix_peer

from checks.core.check import run_once
from checks.core.result import Outcome, Result
from checks.unix import UnixCheck, UnixOptions

TRUSTED = {"ca_file": str(certificates().ca_file), "server_name": "peer.test"}


async def ponger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        writer.write(b"PONG\n")


def check(path: Path, **options: Any) -> UnixCheck:
    return UnixCheck(UnixOptions.model_validate({"path": str(path), **options}))


async def see(path: Path, setting: Setting = USUAL, **options: Any) -> Result:
    return await look(check(path, **options), setting)


NOBODY = 65534
ASK = [{"send": "PING\n"}, {"expect": "^PONG"}]


async def test_an_accepted_connection_passes(tmp_path: Path) -> None:
    async with unix_peer(tmp_path, ponger) as path:
        result = await see(path, expect={"within": "1h"})
        assert check(path).target == str(path)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["connect"]


async def test_a_dialogue_is_held(tmp_path: Path) -> None:
    async with unix_peer(tmp_path, ponger) as path:
        good = await see(path, dialogue=[*ASK, *ASK])
        bad = await see(path, BRIEF, dialogue=[{"send": "PING\n"}, {"expect": "^PANG"}])
        cut = await see(path, dialogue=[{"send": "PING\n"}, {"expect": "never"}], dialogue_limit="5B")
    assert (good.failures, set(good.phases_us)) == ((), {"connect", "dialogue"})
    assert codes(bad) == ["dialogue_timeout"]
    assert codes(cut) == ["dialogue_limit"]


async def test_tls_from_the_first_byte_judges_the_certificate(tmp_path: Path) -> None:
    async with unix_peer(tmp_path, ponger, certificates().ending_in(10).server_context()) as path:
        result = await see(path, tls=TRUSTED, dialogue=ASK, expect={"certificate_days": 11})
        wrong = await see(path, tls={**TRUSTED, "server_name": "shop.test"}, dialogue=ASK)
        blind = await see(path, tls={"verify": False}, dialogue=ASK)
    assert (result.outcome, codes(result)) == (Outcome.WARN, ["tls_expiring"])
    assert codes(wrong) == ["tls_hostname"]
    assert blind.failures == ()


async def test_tls_from_a_step_on(tmp_path: Path) -> None:
    async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"go\n")
        await writer.start_tls(certificates().valid.server_context())
        await ponger(reader, writer)

    async with unix_peer(tmp_path, upgrade) as path:
        steps = [{"send": "STARTTLS\n"}, {"expect": "^go\n"}, {"starttls": True}, *ASK]
        result = await see(path, tls=TRUSTED, dialogue=steps)
    assert (result.failures, set(result.phases_us)) == ((), {"connect", "tls", "dialogue"})


async def test_a_missing_socket(tmp_path: Path) -> None:
    assert codes(await see(tmp_path / "none.sock")) == ["connect_missing"]
    (tmp_path / "file").write_bytes(b"")
    assert codes(await see(tmp_path / "file" / "below")) == ["connect_missing"]


async def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "old.sock"))
    result = await see(tmp_path / "old.sock")
    assert codes(result) == ["connect_refused"]
    assert str(tmp_path) in result.failures[0].detail


async def test_a_socket_of_another_kind(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "log.sock"))
        assert codes(await see(tmp_path / "log.sock")) == ["connect_error"]


async def test_a_full_queue_times_out_and_room_in_it_is_used(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as filler:
        listener.bind(str(tmp_path / "busy.sock"))
        listener.listen(0)
        filler.connect(str(tmp_path / "busy.sock"))
        assert codes(await see(tmp_path / "busy.sock", BRIEF)) == ["connect_timeout"]
        waiting = asyncio.ensure_future(see(tmp_path / "busy.sock"))
        await asyncio.sleep(0)
        listener.accept()[0].close()
        assert (await waiting).failures == ()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may not do everything, where these tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_forbidden_socket_is_our_trouble(tmp_path: Path) -> None:
    async with unix_peer(tmp_path, ponger) as path:
        path.chmod(0)
        with as_nobody():
            result = await see(path)
    assert (result.outcome, codes(result)) == (Outcome.VOID, ["agent_permission"])


async def test_a_path_that_must_not_be_probed_is_left_alone(tmp_path: Path) -> None:
    met = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(True)

    async with unix_peer(tmp_path, meet) as path:
        with tidy_reactor() as engine:
            place = dataclasses.replace(USUAL.place(engine), refuses=lambda host: f"{host} is no address")
            result = await run_once(check(path), place)
    assert codes(result) == ["agent_forbidden"]
    assert met == []


async def test_a_cancelled_run_leaves_no_socket(tmp_path: Path) -> None:
    met = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(True)
        await reader.read()

    async with unix_peer(tmp_path, meet) as path:
        await cancel_when(check(path, dialogue=[{"expect": "never"}]), lambda: bool(met))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "run/x.sock"}, "not absolute"),
        ({"path": "/" + "x" * 107}, "at most 107 bytes"),
        ({"path": "/a", "tls": {}}, "needs a server_name"),
        ({"path": "/a", "tls": True}, "needs a server_name"),
        ({"path": "/a", "expect": {"certificate_days": 7}}, "says nothing without TLS"),
        ({"path": "/a", "tls": False, "expect": {"certificate_days": 7}}, "says nothing without TLS"),
        ({"path": "/a", "dialogue": [{"starttls": True}]}, "needs tls"),
        ({"path": "/a", "tls": TRUSTED, "dialogue": [{"starttls": True}] * 2}, "more than one starttls"),
        ({"path": "/a", "dialogue": [{"send": "{1}"}]}, "is no group"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        UnixOptions.model_validate(options)


@pytest.mark.parametrize("url", ["unix:/run/x.sock", "unix:///run/x.sock"])
def test_urls_name_the_path(url: str) -> None:
    assert UnixCheck.options_from_url(url) == {"path": "/run/x.sock"}
    assert UnixOptions.model_validate({"path": "/" + "x" * 106}).path
