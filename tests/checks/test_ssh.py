"""The ssh check: the introduction of a server."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.looks import BRIEF, codes, look
from support.tcp_peer import Behaviour, banner, close_at_once, endless, refused, silence, tcp_peer

from checks.core.result import Outcome, Result
from checks.ssh import SshCheck, SshOptions

USUAL = b"SSH-2.0-OpenSSH_9.6 Debian-1\r\n"


async def see(behaviour: Behaviour, **options: Any) -> Result:
    async with tcp_peer(behaviour) as peer:
        return await look(SshCheck(SshOptions.model_validate({"address": peer.address, **options})), BRIEF)


async def test_an_introduction_is_read() -> None:
    result = await see(banner(USUAL), expect={"software": "^OpenSSH_9", "within": "1h"})
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["connect", "dialogue"]
    assert {name: result.facts[name] for name in ("protocol", "software", "comments", "banner")} == {
        "protocol": "2.0", "software": "OpenSSH_9.6", "comments": "Debian-1", "banner": "SSH-2.0-OpenSSH_9.6 Debian-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"a word first\r\nand more\r\n" + USUAL, []),
        (b"SSH-1.99-Cisco-1.25\n", []),
        (b"SSH-1.5-old\r\n", ["dialogue_mismatch"]),
        (b"SSH-2.0\r\n", ["dialogue_mismatch"]),
        (b"SSH-2.0-" + b"x" * 245 + b"\r\n", []),
        (b"SSH-2.0-" + b"x" * 246 + b"\r\n", ["dialogue_mismatch"]),
        (b"x\n" * 49 + USUAL, []),
        (b"x\n" * 50 + USUAL, ["dialogue_limit"]),
        (b"HTTP/1.1 400 Bad Request\r\n", ["dialogue_timeout"]),
    ],
)
async def test_each_introduction_has_its_verdict(said: bytes, code: list[str]) -> None:
    assert codes(await see(banner(said))) == code


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [(close_at_once, "dialogue_closed"), (silence, "dialogue_timeout"), (endless, "dialogue_limit")],
)
async def test_each_way_to_say_nothing_has_its_code(behaviour: Behaviour, code: str) -> None:
    result = await see(behaviour)
    assert codes(result) == [code]
    assert result.failures[0].detail.startswith("step 1, introduction: ")


async def test_other_software_than_expected_fails() -> None:
    result = await see(banner(USUAL), expect={"software": "dropbear"})
    assert codes(result) == ["dialogue_mismatch"]


async def test_a_refused_connection() -> None:
    with refused() as peer:
        assert codes(await look(SshCheck(SshOptions(address=peer.address)))) == ["connect_refused"]


def test_urls_and_ports() -> None:
    assert SshCheck(SshOptions(address="shell.example")).target == "shell.example:22"
    assert SshCheck.options_from_url("ssh://[2001:db8::1]:2222/") == {"address": "[2001:db8::1]:2222"}
    with pytest.raises(ValidationError):
        SshOptions.model_validate({"address": "a", "expect": {"software": "("}})
    with pytest.raises(ValidationError):
        SshOptions.model_validate({"address": "a", "ip": "ip4", "source_address": "::1"})
