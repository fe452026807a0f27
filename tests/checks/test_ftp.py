"""The ftp check: what is special to file servers; the rest is in test_named_dialogues.py."""

from __future__ import annotations

from dataclasses import replace

from support.looks import codes
from support.named_kinds import ask
from support.text_servers import FTP


async def test_lines_of_any_kind_may_stand_within_a_reply() -> None:
    greeting = b"220-Welcome\r\n 220 is not the end\r\nnor is this\r\n220 ready\r\n"
    result, _ = await ask("ftp", replace(FTP, greeting=greeting).behaviour(), security="none")
    assert result.failures == ()
    assert result.facts["capabilities"] == ["AUTH TLS", "UTF8"]
    assert str(result.facts["banner"]).endswith("ready")


async def test_a_server_without_a_list_of_features_is_good() -> None:
    server = replace(FTP, answers={**FTP.answers, b"FEAT": b"500 what\r\n"})
    result, _ = await ask("ftp", server.behaviour())
    assert (result.failures, result.facts["capabilities"]) == ((), [])


async def test_a_refusal_of_tls_names_its_step() -> None:
    server = replace(FTP, answers={**FTP.answers, b"AUTH TLS": b"534 never\r\n"})
    result, _ = await ask("ftp", server.behaviour())
    assert codes(result) == ["tls_missing"]
    assert result.failures[0].detail.startswith("step 3, AUTH TLS: expected 234")
