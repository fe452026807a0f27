"""The imap check: what is special to mailboxes over IMAP; the rest is in test_named_dialogues.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.looks import codes
from support.named_kinds import ask
from support.text_servers import IMAP


async def test_a_greeting_of_somebody_known_is_good_and_a_farewell_is_not() -> None:
    known, _ = await ask("imap", replace(IMAP, greeting=b"* PREAUTH hello\r\n").behaviour(), security="none")
    busy, _ = await ask("imap", replace(IMAP, greeting=b"* BYE too busy\r\n").behaviour())
    assert (known.failures, known.facts["banner"]) == ((), "PREAUTH hello")
    assert codes(busy) == ["dialogue_mismatch"]
    assert "too busy" in busy.failures[0].detail


@pytest.mark.parametrize(
    ("command", "answer", "code", "step"),
    [
        (b"P1 CAPABILITY", b"p1 BAD what\r\n", "dialogue_mismatch", "step 2, CAPABILITY: expected OK"),
        (
            b"P1 STARTTLS",
            b"p1 NO never\r\n",
            "tls_missing",
            'step 3, STARTTLS: expected OK, the target said "p1 NO',
        ),
    ],
)
async def test_each_refusal_names_its_step(command: bytes, answer: bytes, code: str, step: str) -> None:
    result, _ = await ask(
        "imap", replace(IMAP, upgrade=b"", answers={**IMAP.answers, command: answer}).behaviour()
    )
    assert codes(result) == [code]
    assert result.failures[0].detail.startswith(step)


async def test_capabilities_are_those_over_tls() -> None:
    result, _ = await ask("imap", IMAP.behaviour())
    assert result.facts["capabilities"] == ["IMAP4rev1", "AUTH=PLAIN"]
