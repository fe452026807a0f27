"""What the kinds of text protocols share: smtp, imap, pop3 and ftp against the same promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.certs import certificates
from support.looks import BRIEF, Setting, codes, look
from support.named_kinds import ask, check
from support.tcp_peer import Conversation, banner, close_at_once, endless, refused, silence, tcp_peer
from support.text_servers import SERVERS

from checks.core.check import load_kinds
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome, Result

KINDS = ("smtp", "imap", "pop3", "ftp")
FAREWELLS = {"smtp": b"QUIT\r\n", "imap": b"p2 LOGOUT\r\n", "pop3": b"QUIT\r\n", "ftp": b"QUIT\r\n"}
UPGRADES = {"smtp": b"STARTTLS", "imap": b"STARTTLS", "pop3": b"STLS", "ftp": b"AUTH TLS"}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
async def test_tls_is_asked_for_and_the_certificate_judged(kind: str) -> None:
    result, peer = await ask(kind, SERVERS[kind].behaviour())
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert set(result.phases_us) == {"connect", "dialogue", "tls"}
    assert result.duration_us == sum(result.phases_us.values())
    assert "certificate" in result.facts
    assert UPGRADES[kind] in peer.received


@every_kind
async def test_tls_from_the_first_byte(kind: str) -> None:
    result, peer = await ask(kind, replace(SERVERS[kind], upgrade=b"").behaviour(), implicit=True)
    assert result.failures == ()
    assert UPGRADES[kind] not in peer.received


@every_kind
async def test_without_tls_and_with_a_farewell(kind: str) -> None:
    """The farewell is sent and not waited for, so the peer hears it when everything else is over."""
    heard = asyncio.Event()

    async def behave(conversation: Conversation) -> None:
        await SERVERS[kind].behaviour()(conversation)
        heard.set()

    async with tcp_peer(behave) as peer:
        result = await look(check(kind, peer.address, security="none"))
        await asyncio.wait_for(heard.wait(), 10)
        assert peer.received.endswith(FAREWELLS[kind])
    assert result.failures == ()
    assert "tls" not in result.phases_us


@every_kind
async def test_tls_only_where_it_is_offered(kind: str) -> None:
    server = SERVERS[kind]
    offered, _ = await ask(kind, server.behaviour(), security="if_offered")
    bare = {command: answer.replace(UPGRADES[kind], b"X-NONE") for command, answer in server.answers.items()}
    absent, peer = await ask(kind, replace(server, answers=bare).behaviour(), security="if_offered")
    assert (offered.failures, "tls" in offered.phases_us) == ((), True)
    assert (absent.failures, "tls" in absent.phases_us) == ((), False)
    assert UPGRADES[kind] not in peer.received


@every_kind
async def test_an_untrusted_certificate_ends_the_dialogue(kind: str) -> None:
    server = replace(SERVERS[kind], context=certificates().wrong_host.server_context())
    result, peer = await ask(kind, server.behaviour())
    assert codes(result) == ["tls_hostname"]
    assert peer.received.rstrip().endswith(UPGRADES[kind])


@every_kind
@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (close_at_once, "dialogue_closed"),
        (silence, "dialogue_timeout"),
        (banner(b"HTTP/1.1 400 Bad Request\r\n"), "dialogue_mismatch"),
        (banner(b"220"), "dialogue_timeout"),
        (endless, "dialogue_limit"),
    ],
)
async def test_each_bad_greeting_has_its_code_and_step(kind: str, behaviour: Any, code: str) -> None:
    result, _ = await ask(kind, behaviour, BRIEF)
    assert codes(result) == [code]
    assert result.failures[0].detail.startswith("step 1, greeting: ")


@every_kind
async def test_more_lines_than_anybody_needs_are_cut_off(kind: str) -> None:
    lines = {"smtp": b"220-x\r\n", "ftp": b"220-x\r\n", "imap": b"* x\r\n", "pop3": b"x\r\n"}[kind]
    greeting = {"smtp": b"", "ftp": b"", "imap": b"* OK\r\n", "pop3": b"+OK\r\n+OK\r\n"}[kind]
    result, _ = await ask(kind, banner(greeting + lines * 201), BRIEF)
    assert codes(result) == ["dialogue_limit"]
    assert "more than 200 lines" in result.failures[0].detail


@every_kind
async def test_injected_text_ahead_of_tls_fails(kind: str) -> None:
    server = SERVERS[kind]
    upgrade = server.answers[server.upgrade] + b"250 injected\r\n"
    result, _ = await ask(
        kind, replace(server, answers={**server.answers, server.upgrade: upgrade}).behaviour()
    )
    assert codes(result) == ["dialogue_mismatch"]
    assert "ahead of TLS" in result.failures[0].detail


@every_kind
async def test_a_refused_connection(kind: str) -> None:

    with refused() as peer:
        assert codes(await look(check(kind, peer.address))) == ["connect_refused"]


async def test_banner_and_capabilities_are_facts_and_can_be_expected() -> None:
    good = {"banner": "Postfix$", "capabilities": ["auth", "SIZE"]}
    result, _ = await ask("smtp", SERVERS["smtp"].behaviour(), expect=good)
    assert result.facts["banner"] == "mail.test here\\nESMTP Postfix"
    assert result.facts["capabilities"] == ["SIZE 1000", "AUTH PLAIN LOGIN"]
    assert [each.held for each in result.expectations] == [True, True, True]
    bad = {"banner": "^Exim", "capabilities": ["STARTTLS", "SIZ"]}
    result, _ = await ask("smtp", SERVERS["smtp"].behaviour(), expect=bad)
    assert codes(result) == ["dialogue_mismatch"] * 3


@pytest.mark.parametrize(("days", "code"), [(10, []), (11, ["tls_expiring"])])
async def test_a_certificate_with_few_days_left_warns(days: int, code: list[str]) -> None:
    server = replace(SERVERS["imap"], context=certificates().ending_in(10).server_context())
    result, _ = await ask("imap", server.behaviour(), expect={"certificate_days": days})
    assert codes(result) == code


async def test_all_addresses_are_asked() -> None:

    async with tcp_peer(SERVERS["pop3"].behaviour(), host="127.0.0.2") as peer:
        setting = Setting(
            resolver=ResolverConfig(servers=(), hosts={"peer.test": ("127.0.0.2", "127.0.0.3")})
        )
        made = check("pop3", f"peer.test:{peer.port}", addresses="all")
        result = await look(made, setting)
    assert codes(result) == ["connect_refused"]
    assert [each["outcome"] for each in result.facts["addresses"]] == ["pass", "fail"]  # type: ignore[union-attr,index,call-overload]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("smtp://mail.example", "mail.example:25"),
        ("smtps://mail.example", "mail.example:465"),
        ("imap://mail.example:10143/", "mail.example:10143"),
        ("imaps://[2001:db8::1]", "[2001:db8::1]:993"),
        ("pop3://mail.example", "mail.example:110"),
        ("pop3s://mail.example", "mail.example:995"),
        ("ftp://files.example", "files.example:21"),
        ("ftps://files.example", "files.example:990"),
    ],
)
def test_urls_name_host_port_and_security(url: str, target: str) -> None:
    scheme = url.partition(":")[0]
    kind = next(each for each in load_kinds().values() if scheme in each.schemes)
    made = kind(kind.options_type.model_validate(kind.options_from_url(url)))
    assert made.target == target


@every_kind
@pytest.mark.parametrize(
    "options",
    [{"address": ""}, {"address": "a b"}, {"security": "maybe"}, {"expect": {"banner": "("}},
     {"ip": "ip4", "source_address": "::1"}, {"expect": {"capabilities": [""]}}, {"tls": False},
     {"security": "none", "tls": {"verify": False}}, {"security": "none", "expect": {"certificate_days": 7}}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load_kinds()[kind].options_type.model_validate({"address": "mail.example", **options})


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from((*KINDS, "ssh")),
    said=st.lists(st.sampled_from([b"220 ", b"220-", b"* OK", b"+OK", b"p1 OK", b"\r\n", b"250 ", b"211-", b"SSH-2.0-x",
                                   b"\0", b"\xff\xfe"]) | st.binary(max_size=20), max_size=20),
)  # fmt: skip
def test_any_bytes_give_one_failure(kind: str, said: list[bytes]) -> None:
    async def say(conversation: Conversation) -> None:
        await conversation.send(b"".join(said))

    async def run() -> Result:
        options = {} if kind == "ssh" else {"security": "starttls"}
        async with tcp_peer(say) as peer:
            made = load_kinds()[kind]
            return await look(made(made.options_type.model_validate({"address": peer.address, **options})))

    result = asyncio.run(run())
    assert result.outcome is Outcome.FAIL or (kind == "ssh" and b"SSH-2.0-" in b"".join(said))
    assert not any(code.startswith("agent_") for code in codes(result))
