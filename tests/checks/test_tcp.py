"""The tcp check: connections, TLS, dialogues, and one clear code for each way they fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.certs import certificates
from support.looks import BRIEF, Setting, cancel_when, codes, look
from support.tcp_checks import MAIL, check, detail, talk, trusted
from support.tcp_peer import (
    Conversation,
    banner,
    close_at_once,
    echo,
    garbage,
    never_accepting,
    refused,
    silence,
    tcp_peer,
)

from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome, Result
from checks.tcp import TcpCheck, TcpOptions

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


# --- ports that must be closed ----------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["refused", "closed"])
async def test_a_port_that_must_be_closed_passes_when_it_refuses(state: str) -> None:
    with refused() as peer:
        result = await look(check(peer, state=state, expect={"within": "1h"}))
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["state"] == "refused"
    assert list(result.phases_us) == ["connect"]
    assert len(result.expectations) == 1


async def test_silence_is_closed_but_not_refused() -> None:
    with never_accepting() as peer:
        closed = await look(check(peer, state="closed"), BRIEF)
        refusing = await look(check(peer, state="refused"), BRIEF)
    assert (closed.outcome, closed.facts["state"]) == (Outcome.PASS, "closed")
    assert codes(refusing) == ["connect_timeout"]


async def test_an_open_port_that_must_be_closed_fails() -> None:
    async with tcp_peer(silence) as peer:
        result = await look(check(peer, state="closed"))
    assert codes(result) == ["connect_accepted"]
    assert result.facts["state"] == "open"


async def test_our_own_trouble_says_nothing_of_a_closed_port() -> None:
    with refused() as peer:
        result = await look(check(peer, state="closed", source_address="192.0.2.1"))
    assert codes(result) == ["agent_source_address"]


async def test_every_address_must_be_closed() -> None:
    async with tcp_peer(silence, host="127.0.0.3") as peer:
        hosts = {"shop.test": ("127.0.0.2", "127.0.0.3")}
        made = TcpOptions(address=f"shop.test:{peer.port}", state="refused", addresses="all")
        result = await look(TcpCheck(made), Setting(resolver=ResolverConfig(servers=(), hosts=hosts)))
    assert codes(result) == ["connect_accepted"]
    assert detail(result).startswith("127.0.0.3: port")


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
        ({"address": "a:1", "dialogue": [{"send": "{1}"}]}, "is no group of an expect before it"),
        ({"address": "a:1", "dialogue": [{"expect": "(a)"}, {"send": "{2}"}]}, "is no group"),
        ({"address": "a:1", "dialogue": [{"expect": "(a)"}, {"send": "{1}" * 21}]}, "at most 20 references"),
        ({"address": "a:1", "dialogue": [{"send": "a", "labels": {"a": "b"}}]}, "step with expect"),
        ({"address": "a:1", "dialogue_limit": "65537B"}, "less than or equal"),
        ({"address": "a:1", "dialogue_limit": "1KiB"}, "says nothing without a dialogue"),
        ({"address": "a:1", "expect": {"certificate_days": 7}}, "says nothing without TLS"),
        ({"address": "a:1", "state": "closed", "tls": True}, "must be closed has no tls"),
        ({"address": "a:1", "state": "refused", "addresses": "any"}, "must be refused has no tls"),
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
