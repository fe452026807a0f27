"""The tcp check: connections, TLS, dialogues, and one clear code for each way they fail."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.certs import certificates
from support.looks import BRIEF, USUAL, Setting, cancel_when, codes, look
from support.tcp_peer import (
    Conversation,
    Expect,
    Send,
    StartTls,
    TcpPeer,
    banner,
    close_at_once,
    drip,
    echo,
    endless,
    garbage,
    never_accepting,
    refused,
    reset_after,
    scripted,
    silence,
    smtp,
    tcp_peer,
)

from checks.core.result import Outcome, Result
from checks.tcp import TcpCheck, TcpOptions

Dialogue = list[dict[str, Any]]  # steps as a configuration file has them

MAIL: Dialogue = [
    {"expect": "^220 "},
    {"send": "EHLO prober\r\n"},
    {"expect": "^250[ -]"},
    {"send": "STARTTLS\r\n"},
    {"expect": "^220 "},
    {"starttls": True},
    {"send": "EHLO prober\r\n"},
    {"expect": "^250 "},
]


def check(peer: TcpPeer, **options: Any) -> TcpCheck:
    return TcpCheck(TcpOptions.model_validate({"address": peer.address, **options}))


def trusted(**options: Any) -> dict[str, Any]:
    return {"ca_file": str(certificates().ca_file), **options}


async def talk(peer: TcpPeer, *steps: dict[str, Any], setting: Setting = USUAL, **options: Any) -> Result:
    return await look(check(peer, dialogue=list(steps), **options), setting)


def detail(result: Result) -> str:
    assert result.failure is not None
    return result.failure.detail


# --- connecting -------------------------------------------------------------------------------------------


async def test_an_accepted_connection_passes() -> None:
    async with tcp_peer(silence) as peer:
        result = await look(check(peer))
    assert result.outcome is Outcome.PASS
    assert list(result.phases_us) == ["connect"]
    assert result.facts == {"address": "127.0.0.1", "family": 4}


async def test_a_name_is_resolved_first() -> None:
    async with tcp_peer(silence) as peer:
        named = TcpCheck(TcpOptions(address=f"localhost:{peer.port}"))
        result = await look(named)
    assert list(result.phases_us) == ["resolve", "connect"]
    assert named.target == f"localhost:{peer.port}"


async def test_a_refused_connection_is_told() -> None:
    with refused() as peer:
        result = await look(check(peer))
    assert codes(result) == ["connect_refused"]
    assert peer.address in detail(result)


async def test_a_connection_that_nobody_answers_times_out() -> None:
    with never_accepting() as peer:
        result = await look(check(peer), BRIEF)
    assert codes(result) == ["connect_timeout"]
    assert "connect" in result.phases_us


async def test_the_source_address_of_the_region_is_used() -> None:
    async with tcp_peer(banner(b"hello")) as peer:
        await talk(peer, {"expect": "hello"}, setting=Setting(source="127.0.0.11"))
        assert peer.peers[0][0] == "127.0.0.11"


async def test_a_source_address_of_its_own_comes_first() -> None:
    async with tcp_peer(banner(b"hello")) as peer:
        setting = Setting(source="127.0.0.11")
        await talk(peer, {"expect": "hello"}, setting=setting, source_address="127.0.0.12")
        assert peer.peers[0][0] == "127.0.0.12"


async def test_a_source_address_that_is_not_ours_is_our_trouble() -> None:
    async with tcp_peer(silence) as peer:
        result = await look(check(peer, source_address="192.0.2.1"))
    assert result.outcome is Outcome.VOID
    assert codes(result) == ["agent_source_address"]


async def test_slow_and_too_slow_are_told_apart() -> None:
    """Any dialogue takes longer than a microsecond."""
    async with tcp_peer(banner(b"hello")) as peer:
        slow = await talk(peer, {"expect": "hello"}, expect={"warn_within": "1us", "within": "1h"})
        too_slow = await talk(peer, {"expect": "hello"}, expect={"within": "1us"})
    assert (slow.outcome, codes(slow)) == (Outcome.WARN, ["slow"])
    assert (too_slow.outcome, codes(too_slow)) == (Outcome.FAIL, ["too_slow"])
    assert [each.held for each in slow.expectations] == [True, False]


# --- TLS --------------------------------------------------------------------------------------------------


async def test_tls_at_once_reads_the_certificate() -> None:
    async with tcp_peer(silence, tls=certificates().valid.server_context()) as peer:
        result = await look(check(peer, tls=trusted()))
    assert result.outcome is Outcome.PASS
    assert list(result.phases_us) == ["connect", "tls"]
    assert isinstance(result.facts["certificate"], dict)
    assert result.facts["certificate"]["sans"] == ["localhost", "peer.test", "127.0.0.1"]


async def test_an_untrusted_target_is_told_nothing() -> None:
    """The failure and the certificate are recorded, and the dialogue is not begun."""
    async with tcp_peer(echo, tls=certificates().expired.server_context()) as peer:
        result = await talk(peer, {"send": "a secret"}, {"expect": "a secret"}, tls=trusted())
        assert bytes(peer.received) == b""
    assert codes(result) == ["tls_expired"]
    assert "certificate" in result.facts
    assert "dialogue" not in result.phases_us


@pytest.mark.parametrize(("days", "outcome"), [(9, Outcome.PASS), (10, Outcome.PASS), (11, Outcome.WARN)])
async def test_a_certificate_with_few_days_left_warns(days: int, outcome: Outcome) -> None:
    async with tcp_peer(silence, tls=certificates().ending_in(10).server_context()) as peer:
        result = await look(check(peer, tls=trusted(), expect={"certificate_days": days}))
    assert result.outcome is outcome
    assert codes(result) == ([] if outcome is Outcome.PASS else ["tls_expiring"])


async def test_what_is_no_tls_has_a_tls_code() -> None:
    async with tcp_peer(garbage()) as peer:
        assert codes(await look(check(peer, tls=trusted()))) == ["tls_handshake"]
    async with tcp_peer(close_at_once) as peer:
        (code,) = codes(await look(check(peer, tls=trusted())))
        assert code in {"tls_closed", "connection_reset"}
    async with tcp_peer(silence) as peer:
        assert codes(await look(check(peer, tls=trusted()), BRIEF)) == ["tls_timeout"]


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


# --- options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"address": "db.example"}, "host:port"),
        ({"address": "db.example:0"}, "between 1 and 65535"),
        ({"address": "::1:80"}, "host:port"),
        ({"address": "a b:80"}, "not a name"),
        ({"address": "a:1", "dialogue": [{"expect": "("}]}, "regular expression"),
        ({"address": "a:1", "dialogue": [{"expect": ".*"}]}, "sends nothing"),
        ({"address": "a:1", "dialogue": [{}]}, "exactly one"),
        ({"address": "a:1", "dialogue": [{"send": "a", "expect": "b"}]}, "exactly one"),
        ({"address": "a:1", "dialogue": [{"send_bytes": "PING"}]}, "not hexadecimal"),
        ({"address": "a:1", "dialogue": [{"send_bytes": "\\q"}]}, "an escape cannot be read"),
        ({"address": "a:1", "dialogue": [{"expect_bytes": " "}]}, "no bytes"),
        ({"address": "a:1", "tls": True, "dialogue": [{"starttls": True}]}, "first byte"),
        ({"address": "a:1", "dialogue": [{"starttls": True}, {"starttls": True}]}, "more than one starttls"),
        ({"address": "a:1", "ip": "ip4", "source_address": "::1"}, "leaves only ip6"),
        ({"address": "a:1", "expect": {"within": "1s", "warn_within": "2s"}}, "longer than within"),
        ({"address": "a:1", "adress": "b"}, "Extra inputs"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TcpOptions.model_validate(options)


def test_options_survive_the_way_to_an_agent() -> None:
    options = TcpOptions.model_validate(
        {
            "address": "[2001:db8::1]:25", "source_address": "2001:db8::9", "tls": {"server_name": "mail.example"},
            "dialogue": MAIL, "expect": {"within": "2s", "certificate_days": 14},
        }
    )  # fmt: skip
    sent = options.model_dump(mode="json", exclude_unset=True)
    assert TcpOptions.model_validate(sent) == options


# --- whatever comes ---------------------------------------------------------------------------------------


async def test_a_cancelled_run_leaves_no_socket() -> None:
    async with tcp_peer(silence) as peer:
        await cancel_when(check(peer, dialogue=[{"expect": "never"}]), lambda: bool(peer.peers))
        await cancel_when(check(peer, tls=True), lambda: bool(peer.received))
    with never_accepting() as full:
        turns = iter(range(10))
        await cancel_when(check(full), lambda: next(turns, None) is None)


@settings(max_examples=60, deadline=None)
@given(said=st.binary(max_size=300), tls=st.booleans())
def test_any_bytes_give_one_result(said: bytes, tls: bool) -> None:
    async def say(conversation: Conversation) -> None:
        await conversation.send(said)

    async def run() -> Result:
        async with tcp_peer(say) as peer:
            steps = [{"expect": "(?P<word>[a-z]+)\\d"}, {"expect_bytes": "00"}]
            return await look(check(peer, dialogue=steps, tls=tls))

    result = asyncio.run(run())
    assert result.outcome is Outcome.FAIL or (not tls and b"\0" in said)
    assert not any(code.startswith("agent_") for code in codes(result))
