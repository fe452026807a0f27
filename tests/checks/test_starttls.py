"""The ways to TLS of the tls check, and each refusal on them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.certs import certificates
from support.looks import BRIEF, Setting, codes
from support.tcp_peer import (
    Behaviour,
    Conversation,
    Expect,
    Send,
    StartTls,
    close_at_once,
    scripted,
    silence,
    smtp,
)
from support.tls_checks import HOSTS, LEAF, MIDDLE, ROOT, see
from support.tls_peer import showing

from checks.core.result import Outcome


@pytest.fixture(scope="module")
def root_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ROOT.file(tmp_path_factory.mktemp("root"))


# --- starttls -----------------------------------------------------------------------------------------------

CHAIN = showing(LEAF, MIDDLE)
SERVER = certificates().valid.server_context()


def mysql_greeting(flags: int) -> bytes:
    body = b"\x0a8.0.36\0" + bytes(4) + b"saltsalt\0" + flags.to_bytes(2, "little") + bytes(30)
    return len(body).to_bytes(3, "little") + b"\0" + body


def ways(context: ssl.SSLContext) -> dict[str, Behaviour]:
    return {
        "smtp": smtp(context),
        "imap": scripted(
            Send(b"* OK ready\r\n"), Expect(b"p1 CAPABILITY"), Send(b"* CAPABILITY IMAP4rev1 STARTTLS\r\np1 OK\r\n"),
            Expect(b"p1 STARTTLS"), Send(b"p1 OK begin\r\n"), StartTls(context),
        ),
        "pop3": scripted(
            Send(b"+OK ready\r\n"), Expect(b"CAPA"), Send(b"+OK\r\nSTLS\r\n.\r\n"), Expect(b"STLS"), Send(b"+OK\r\n"),
            StartTls(context),
        ),
        "ftp": scripted(
            Send(b"220-hello\r\n all\r\n220 ready\r\n"), Expect(b"FEAT"), Send(b"211-they\r\n AUTH TLS\r\n211 end\r\n"),
            Expect(b"AUTH TLS"), Send(b"234 go\r\n"), StartTls(context),
        ),
        "postgres": after(8, b"S", CHAIN),
        "ldap": after(31, bytes.fromhex("300c 020101 7807 0a0100 0400 0400"), CHAIN),
        "mysql": after(36, b"", CHAIN, first=mysql_greeting(0x0800)),
    }  # fmt: skip


def after(count: int, answer: bytes, then: Behaviour, first: bytes = b"") -> Behaviour:
    """Say something, read so many bytes, answer, go on with something else."""

    async def behave(conversation: Any) -> None:
        await conversation.send(first)
        conversation.peer.received += await conversation.reader.readexactly(count)
        await conversation.send(answer)
        await then(conversation)

    return behave


@pytest.mark.parametrize("name", ["smtp", "imap", "pop3", "ftp", "postgres", "ldap", "mysql"])
async def test_each_way_to_tls_reads_the_certificate(root_file: Path, name: str) -> None:
    trusted = root_file if name in ("postgres", "ldap", "mysql") else certificates().ca_file
    result = await see(ways(SERVER)[name], trusted, starttls=name)
    assert result.failures == ()
    assert set(result.phases_us) == {"resolve", "connect", "dialogue", "tls"}
    assert result.facts["certificate"]["sans"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("name", "behaviour", "code", "step"),
    [
        ("smtp", scripted(Send(b"220 a\r\n"), Expect(b"EHLO"), Send(b"250 a\r\n"), Expect(b"STARTTLS"),
                          Send(b"502 no\r\n")), "tls_missing", "step 3, STARTTLS"),
        ("smtp", scripted(Send(b"554 no\r\n")), "dialogue_mismatch", "step 1, greeting"),
        ("smtp", close_at_once, "dialogue_closed", "step 1, greeting"),
        ("smtp", silence, "dialogue_timeout", "step 1, greeting"),
        ("imap", scripted(Send(b"* BYE busy\r\n")), "dialogue_mismatch", "step 1, greeting"),
        ("imap", scripted(Send(b"* OK\r\n"), Expect(b"p1"), Send(b"* CAPABILITY X\r\np1 OK\r\n"), Expect(b"p1"),
                          Send(b"p1 BAD what\r\n")), "tls_missing", "step 3, STARTTLS"),
        ("pop3", scripted(Send(b"+OK\r\n"), Expect(b"CAPA"), Send(b"-ERR\r\n"), Expect(b"STLS"),
                          Send(b"-ERR no\r\n")), "tls_missing", "step 3, STLS"),
        ("ftp", scripted(Send(b"220 a\r\n"), Expect(b"FEAT"), Send(b"500 what\r\n"), Expect(b"AUTH"),
                         Send(b"504 no\r\n")), "tls_missing", "step 3, AUTH TLS"),
        ("postgres", after(8, b"N", silence), "tls_missing", "step 1, SSLRequest"),
        ("postgres", after(8, b"E", silence), "dialogue_mismatch", "step 1, SSLRequest"),
        ("ldap", after(31, bytes.fromhex("300c 020101 7807 0a0102 0400 0400"), silence), "tls_missing", "result 2"),
        ("ldap", after(31, b"HTTP/1.1 400", silence), "dialogue_mismatch", "step 1, StartTLS"),
        ("ldap", after(31, b"\x30\x84\x7f\xff\xff\xff", silence), "dialogue_limit", "step 1, StartTLS"),
        ("mysql", scripted(Send(mysql_greeting(0))), "tls_missing", "does not offer TLS"),
        ("mysql", scripted(Send(b"\x17\0\0\0\xff\x6a\x04Host is not allowed.")), "dialogue_mismatch", "Host is not"),
        ("mysql", scripted(Send(b"SSH-2.0-x\r\n")), "dialogue_mismatch", "step 1, SSLRequest"),
    ],
)  # fmt: skip
async def test_each_refusal_has_its_code_and_step(
    name: str, behaviour: Behaviour, code: str, step: str
) -> None:
    setting = Setting(timeout_us=BRIEF.timeout_us, resolver=HOSTS)
    result = await see(behaviour, certificates().ca_file, setting, starttls=name)
    assert codes(result) == [code]
    assert step in result.failures[0].detail


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(["postgres", "ldap", "mysql", "imap"]),
    start=st.sampled_from(
        [b"", b"S", b"0", b"\x30\x0c\x02\x01\x01\x78", b"\x20\0\0\0\x0a8\0", b"\x05\0\0\0\xff", b"* OK\r\n"]
    ),
    said=st.binary(max_size=60),
)
def test_any_bytes_give_one_failure(name: str, start: bytes, said: bytes) -> None:
    async def say(conversation: Conversation) -> None:
        await conversation.send(start + said)

    result = asyncio.run(see(say, certificates().ca_file, starttls=name))
    assert result.outcome is Outcome.FAIL
    assert not any(code.startswith("agent_") for code in codes(result))
