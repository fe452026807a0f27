"""The smtp check: what is special to mail transfer; the rest is in test_named_dialogues.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError
from support.looks import codes
from support.named_kinds import ask
from support.text_servers import SMTP

from checks.smtp import SmtpOptions


async def test_the_name_we_give_ourselves_can_be_chosen() -> None:
    _, peer = await ask("smtp", SMTP.behaviour(), hello="probe.example")
    assert peer.received.count(b"EHLO probe.example\r\n") == 2


@pytest.mark.parametrize(
    ("command", "answer", "code", "step"),
    [
        (
            b"EHLO",
            b"502 what\r\n",
            "dialogue_mismatch",
            'step 2, EHLO: expected 250, the target said "502 what"',
        ),
        (b"EHLO", b"250-a\r\n251 b\r\n", "dialogue_mismatch", "step 2, EHLO: expected 250, the target said"),
        (
            b"STARTTLS",
            b"454 not now\r\n",
            "tls_missing",
            'step 3, STARTTLS: expected 220, the target said "454 not',
        ),
    ],
)
async def test_each_refusal_names_its_step(command: bytes, answer: bytes, code: str, step: str) -> None:
    server = replace(SMTP, answers={**SMTP.answers, command: answer})
    result, _ = await ask("smtp", server.behaviour())
    assert codes(result) == [code]
    assert result.failures[0].detail.startswith(step)


@pytest.mark.parametrize("hello", ["", "a b", "a\r\nMAIL FROM:<x>"])
def test_a_name_that_is_none_is_refused(hello: str) -> None:
    with pytest.raises(ValidationError):
        SmtpOptions.model_validate({"address": "mail.example", "hello": hello})
