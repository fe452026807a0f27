"""The pop3 check: what is special to mailboxes over POP3; the rest is in test_named_dialogues.py."""

from __future__ import annotations

from dataclasses import replace

from support.looks import codes
from support.named_kinds import ask
from support.text_servers import POP3


async def test_a_server_without_a_list_of_capabilities_is_good() -> None:
    server = replace(POP3, answers={**POP3.answers, b"CAPA": b"-ERR what\r\n"})
    result, _ = await ask("pop3", server.behaviour(), security="none")
    assert (result.failures, result.facts["capabilities"]) == ((), [])


async def test_a_refusal_of_tls_names_its_step() -> None:
    server = replace(POP3, answers={**POP3.answers, b"STLS": b"-ERR never\r\n"})
    result, _ = await ask("pop3", server.behaviour())
    assert codes(result) == ["tls_missing"]
    assert result.failures[0].detail.startswith('step 3, STLS: expected +OK, the target said "-ERR never"')
