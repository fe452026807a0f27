"""Dialogues over TCP: what is said, heard and said again, STARTTLS within, and each way they fail."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from support.certs import certificates
from support.looks import BRIEF, codes
from support.tcp_checks import MAIL, detail, talk, trusted
from support.tcp_peer import (
    Conversation,
    Expect,
    Send,
    StartTls,
    banner,
    close_at_once,
    drip,
    echo,
    endless,
    reset_after,
    scripted,
    silence,
    smtp,
    tcp_peer,
)

from checks.core.captures import MAX_REUSED
from checks.core.dialogue_steps import Step
from checks.core.result import Outcome

# --- dialogues --------------------------------------------------------------------------------------------


async def test_a_dialogue_says_and_hears_exactly_what_is_written() -> None:
    async with tcp_peer(echo) as peer:
        steps = (
            {"send": "PING"},
            {"expect": "PING"},
            {"send_bytes": "00 ff"},
            {"expect_bytes": "\\x00\\xff"},
        )
        result = await talk(peer, *steps)
        assert bytes(peer.received) == b"PING\x00\xff"
    assert result.outcome is Outcome.PASS
    assert list(result.phases_us) == ["connect", "dialogue"]


async def test_no_newline_is_waited_for() -> None:
    async with tcp_peer(banner(b"login: ")) as peer:
        assert (await talk(peer, {"expect": "^login:"})).outcome is Outcome.PASS


async def test_text_that_comes_byte_by_byte_is_put_together() -> None:
    async with tcp_peer(drip(b"220 mail.test ready\r\n", 100)) as peer:
        assert (await talk(peer, {"expect": "ready\r$"})).outcome is Outcome.PASS


async def test_what_a_match_left_is_kept_for_the_next_step() -> None:
    async with tcp_peer(banner(b"one two three")) as peer:
        result = await talk(peer, {"expect": "one"}, {"expect_bytes": "\\x20two"}, {"expect": "^ three"})
    assert result.outcome is Outcome.PASS


async def test_a_match_is_used_up() -> None:
    async with tcp_peer(scripted(Send(b"ready\n"))) as peer:
        result = await talk(peer, {"expect": "ready"}, {"expect": "ready"}, setting=BRIEF)
    assert codes(result) == ["dialogue_timeout"]


async def test_the_banner_and_named_groups_become_facts() -> None:
    async with tcp_peer(banner(b"SSH-2.0-OpenSSH_9\x1b[2J\r\n")) as peer:
        result = await talk(peer, {"expect": "^SSH-(?P<protocol>[0-9.]+)-(?P<software>\\w+)"})
    assert result.facts["banner"] == "SSH-2.0-OpenSSH_9\\x1b[2J\\r\\n"
    assert result.facts["captured"] == {"protocol": "2.0", "software": "OpenSSH_9"}


async def say_and_close(conversation: Conversation) -> None:
    await conversation.send(b"554 no service\r\n")


@pytest.mark.parametrize(
    ("behaviour", "step", "code", "words"),
    [
        (say_and_close, {"expect": "^220 "}, "dialogue_mismatch", "554 no service"),
        (close_at_once, {"expect": "^220 "}, "dialogue_closed", "got nothing"),
        (banner(b"554 no\r\n"), {"expect": "^220 "}, "dialogue_timeout", "554 no"),
        (silence, {"expect": "^220 "}, "dialogue_timeout", "got nothing"),
        (banner(b"PANG"), {"expect_bytes": "50 4f"}, "dialogue_mismatch", "PANG"),
        (silence, {"expect_bytes": "50"}, "dialogue_timeout", "got nothing"),
        (endless, {"expect": "never"}, "dialogue_limit", "65536 bytes"),
    ],
)
async def test_each_way_to_fail_has_its_code_and_step(
    behaviour: Any, step: dict[str, Any], code: str, words: str
) -> None:
    async with tcp_peer(behaviour) as peer:
        result = await talk(peer, step, setting=BRIEF)
    assert codes(result) == [code]
    assert detail(result).startswith("step 1, expect")
    assert words in detail(result)


async def test_a_reset_within_the_dialogue_names_the_step() -> None:
    async with tcp_peer(reset_after(b"hello\n")) as peer:
        result = await talk(peer, {"expect": "hello"}, {"send": "x"}, {"expect": "more"})
    assert codes(result) == ["connection_reset"]
    assert detail(result).startswith("step 3, ")


async def test_what_is_sent_never_shows_in_a_failure() -> None:
    async with tcp_peer(close_at_once) as peer:
        result = await talk(peer, {"send": "PASS hunter2\r\n"}, {"expect": "ok"})
    assert "hunter2" not in repr(result)


# --- STARTTLS ---------------------------------------------------------------------------------------------


async def test_mail_is_spoken_through_starttls() -> None:
    async with tcp_peer(smtp(certificates().valid.server_context())) as peer:
        result = await talk(peer, *MAIL, tls=trusted())
    assert result.failures == ()
    assert set(result.phases_us) == {"connect", "dialogue", "tls"}
    assert result.duration_us == sum(result.phases_us.values())


async def test_starttls_without_a_newline_before_it() -> None:
    """PostgreSQL answers with a single letter."""
    context = certificates().valid.server_context()
    async with tcp_peer(scripted(Expect(b"SSL"), Send(b"S"), StartTls(context))) as peer:
        result = await talk(peer, {"send": "SSL\n"}, {"expect": "^S"}, {"starttls": True}, tls=trusted())
    assert result.failures == ()


def split_line(context: ssl.SSLContext) -> Any:
    async def behave(conversation: Conversation) -> None:
        await conversation.send(b"220 go")
        # The rest of the line leaves only when the client has begun its handshake.
        await conversation.reader.readexactly(5)
        await conversation.send(b" ahead\r\n")
        await conversation.drain_input()

    return behave


async def test_the_rest_of_a_matched_line_may_come_late() -> None:
    """It is passed over, so that it is the silence after it that ends the run, and not a broken handshake."""
    async with tcp_peer(split_line(certificates().valid.server_context())) as peer:
        result = await talk(peer, {"expect": "^220"}, {"starttls": True}, tls=trusted(), setting=BRIEF)
    assert codes(result) == ["tls_timeout"]


async def test_bytes_slipped_in_ahead_of_tls_fail() -> None:
    context = certificates().valid.server_context()
    async with tcp_peer(scripted(Send(b"220 go ahead\r\n250 injected\r\n"), StartTls(context))) as peer:
        result = await talk(peer, {"expect": "^220 "}, {"starttls": True}, tls=trusted())
    assert codes(result) == ["dialogue_mismatch"]
    assert "250 injected" in detail(result)


async def test_an_untrusted_certificate_ends_the_dialogue() -> None:
    async with tcp_peer(smtp(certificates().wrong_host.server_context())) as peer:
        result = await talk(peer, *MAIL, tls=trusted())
        assert peer.received.count(b"EHLO") == 1
    assert codes(result) == ["tls_hostname"]


async def test_a_deadline_within_starttls_is_the_handshakes() -> None:
    async with tcp_peer(banner(b"220 go\r\n")) as peer:
        steps = ({"expect": "^220 go\r\n"}, {"starttls": True})
        result = await talk(peer, *steps, tls=trusted(), setting=BRIEF)
    assert codes(result) == ["tls_timeout"]


# --- what was captured, said again ------------------------------------------------------------------------


async def challenge(conversation: Conversation) -> None:
    """Ask for the numbers back, in the other order."""
    await conversation.send(b"HELLO 17 four\r\n")
    said = await conversation.line()
    await conversation.send(b"OK\r\n" if said == b"AUTH four 17 {1} {\r\n" else b"NO " + said)


async def test_captured_groups_are_said_again_and_noted() -> None:
    async with tcp_peer(challenge) as peer:
        steps = (
            {"expect": "^HELLO (\\d+) (?P<word>[a-z]+)", "labels": {"number": "{1}", "both": "{word}-{2}"}},
            {"send": "AUTH {word} {1} {{1}} {\r\n"},
            {"expect": "^OK"},
        )
        result = await talk(peer, *steps)
    assert result.failures == ()
    assert result.facts["labels"] == [{"number": "17", "both": "four-four"}]
    assert result.facts["captured"] == {"word": "four"}


async def test_a_group_that_took_no_part_is_empty() -> None:
    async with tcp_peer(scripted(Send(b"a\n"), Expect(b"<>"), Send(b"good\n"))) as peer:
        result = await talk(peer, {"expect": "a(b)?"}, {"send": "<{1}>\n"}, {"expect": "good"})
    assert result.failures == ()


@pytest.mark.parametrize(("size", "code"), [(MAX_REUSED, []), (MAX_REUSED + 1, ["dialogue_limit"])])
async def test_what_is_said_again_is_bounded(size: int, code: list[str]) -> None:
    async with tcp_peer(banner(b"x" * size + b"!")) as peer:
        result = await talk(peer, {"expect": "(?s)(x+)!"}, {"send": "{1}"})
    assert codes(result) == code


async def test_names_last_and_numbers_are_of_the_last_expect() -> None:
    async with tcp_peer(banner(b"one two\n")) as peer:
        result = await talk(
            peer, {"expect": "(?P<first>one)"}, {"expect": "(two)", "labels": {"a": "{first}", "b": "{1}"}}
        )
    assert result.facts["labels"] == [{"a": "one", "b": "two"}]


def test_literal_parts_of_a_send_with_references_are_masked() -> None:
    step = Step(send="PASS hunter2 {1} and {{more}}\r\n")
    assert list(step.secret_parts()) == ["PASS hunter2", "and {more}"]


@pytest.mark.parametrize(("limit", "code"), [("5B", ["dialogue_limit"]), ("6B", ["dialogue_timeout"])])
async def test_the_bytes_of_a_dialogue_have_a_limit(limit: str, code: list[str]) -> None:
    async with tcp_peer(banner(b"hello")) as peer:
        result = await talk(peer, {"expect": "never"}, dialogue_limit=limit, setting=BRIEF)
    assert codes(result) == code


async def test_an_expression_that_is_costly_is_not_searched_again_with_every_byte() -> None:
    """Each search of 60,000 bytes takes a good part of a second, and a byte more makes another one due."""

    async def pieces(conversation: Conversation) -> None:
        await conversation.send(b"a" * 60_000)
        await drip(b"a" * 100, 2_000)(conversation)

    async with tcp_peer(pieces) as peer:
        result = await talk(peer, {"expect": "a.{900}z"})
    assert codes(result) == ["dialogue_limit"]
    assert "too long to be searched" in result.failures[0].detail
