"""The websocket check: handshakes, TLS, options, and one clear code for each way to be refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.certs import certificates
from support.looks import BRIEF, Setting, codes, look
from support.tcp_peer import (
    Behaviour,
    banner,
    never_accepting,
    refused,
    silence,
)
from support.websocket_checks import HEAR, attack, check, detail, talk
from support.websocket_peer import (
    TEXT,
    answer,
    frame,
    raw,
    websocket_peer,
)

from checks.core.check import KINDS
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome
from checks.websocket import WebSocketCheck, WebSocketOptions


async def test_a_connection_that_opens_passes_and_is_closed_politely() -> None:
    async with websocket_peer() as peer:
        result = await look(check(peer.url))
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["connect", "send", "wait"]
    assert result.facts == {"address": "127.0.0.1", "family": 4, "status": 101, "close_code": 1000}
    assert peer.close_codes == [1000]


async def test_every_run_has_a_key_of_its_own() -> None:
    async with websocket_peer() as peer:
        one = check(peer.url)
        await look(one)
        await look(one)
    keys = {each["Sec-WebSocket-Key"] for each in peer.handshakes}
    assert len(keys) == 2


async def test_headers_and_the_path_with_its_query_arrive() -> None:
    async with websocket_peer() as peer:
        made = check(
            f"{peer.url}feed?token=abcdef", headers={"Origin": "https://shop.test", "Host": "shop.test"}
        )
        await look(made)
    assert made.target == f"{peer.url}feed?token=..."
    assert peer.handshakes[0]["Origin"] == "https://shop.test"
    assert peer.handshakes[0]["Host"] == "shop.test"


async def test_a_name_is_resolved_first() -> None:
    async with websocket_peer() as peer:
        result = await look(check(f"ws://localhost:{peer.port}/"))
    assert list(result.phases_us) == ["resolve", "connect", "send", "wait"]


async def test_every_address_of_a_name_can_be_asked_for() -> None:
    config = ResolverConfig(servers=(), hosts={"feed.test": ("127.0.0.1", "127.0.0.2")})
    async with websocket_peer() as peer:
        url = f"ws://feed.test:{peer.port}/"
        result = await look(check(url, addresses="all"), Setting(resolver=config))
    assert codes(result) == ["connect_refused"]
    assert len(peer.handshakes) == 1


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"basic": {"username": "probe", "password": "sesame"}}, "Basic cHJvYmU6c2VzYW1l"),
        ({"bearer": "sesame"}, "Bearer sesame"),
    ],
)
async def test_credentials_open_what_is_closed_to_others(auth: dict[str, Any], header: str) -> None:
    async with websocket_peer(authorization=header) as peer:
        known = await look(check(peer.url, auth=auth))
        unknown = await look(check(peer.url))
    assert known.outcome is Outcome.PASS
    assert codes(unknown) == ["websocket_refused"]
    assert unknown.facts["status"] == 401
    assert list(unknown.phases_us) == ["connect", "send", "wait"]


async def test_a_refusal_can_be_what_is_expected() -> None:
    async with websocket_peer(authorization="Bearer sesame") as peer:
        shut = await look(check(peer.url, expect={"status": 401}))
    async with websocket_peer() as peer:
        open_ = await look(check(peer.url, expect={"status": 401}))
    assert (shut.outcome, shut.failures) == (Outcome.PASS, ())
    assert codes(open_) == ["http_status"]


async def test_the_subprotocol_chosen_is_told() -> None:
    async with websocket_peer(protocols=("b",)) as peer:
        result = await look(check(peer.url, subprotocols=["a", "b"], expect={"subprotocol": "b"}))
    assert result.outcome is Outcome.PASS
    assert result.facts["subprotocol"] == "b"


async def test_another_subprotocol_than_expected_fails() -> None:
    async with websocket_peer(protocols=("b",)) as peer:
        result = await look(check(peer.url, subprotocols=["a", "b"], expect={"subprotocol": "a"}))
    async with websocket_peer() as peer:
        none = await look(check(peer.url, subprotocols=["a"], expect={"subprotocol": "a"}))
    assert codes(result) == codes(none) == ["websocket_refused"]
    assert "got b" in detail(result)
    assert "got none" in detail(none)


async def test_interim_answers_are_passed_over() -> None:
    def twice(key: bytes) -> bytes:
        return b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(key)

    result = await attack(raw(twice, frame(TEXT, b"hello")), HEAR)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (lambda key: answer(key, accept=b"AAAA"), "does not fit the key"),
        (lambda key: answer(key).replace(b"Sec-WebSocket-Accept", b"X"), "there is none"),
        (lambda key: answer(key).replace(b"Upgrade: websocket", b"Upgrade: h2c"), "Upgrade"),
        (lambda key: answer(key).replace(b"Connection: Upgrade", b"Connection: close"), "Connection"),
        (lambda key: answer(key, b"Sec-WebSocket-Extensions: permessage-deflate"), "extension"),
        (lambda key: answer(key, b"Sec-WebSocket-Protocol: c"), "subprotocol"),
        (lambda key: answer(key, b"Sec-WebSocket-Protocol: a", b"Sec-WebSocket-Protocol: a"), "subprotocol"),
    ],
)
async def test_an_answer_that_breaks_the_rules_is_malformed(reply: Any, words: str) -> None:
    result = await attack(raw(reply), subprotocols=["a"])
    assert codes(result) == ["websocket_malformed"]
    assert words in detail(result)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (raw(lambda key: b"", close=True), "connection_closed"),
        (banner(b"SSH-2.0-OpenSSH\r\n"), "http_malformed"),
        (banner(b"HTTP/1.1 101 Switching\r\n" + b"A: b\r\n" * 20_000), "http_header_limit"),
        (raw(lambda key: b"HTTP/1.1 101 Switch", close=True), "http_truncated"),
        (raw(lambda key: b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"), "websocket_refused"),
        (raw(lambda key: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), "websocket_refused"),
    ],
)
async def test_no_handshake_has_a_code_for_each_way(behaviour: Behaviour, code: str) -> None:
    assert codes(await attack(behaviour)) == [code]


async def test_an_answer_that_never_comes_times_out_within_the_wait() -> None:
    result = await attack(silence, setting=BRIEF)
    assert codes(result) == ["timeout_headers"]
    assert "wait" in result.phases_us


async def test_connections_that_fail_are_told() -> None:
    with refused() as peer:
        assert codes(await look(check(f"ws://{peer.address}/"))) == ["connect_refused"]
    with never_accepting() as peer:
        assert codes(await look(check(f"ws://{peer.address}/"), BRIEF)) == ["connect_timeout"]


# --- TLS --------------------------------------------------------------------------------------------------


async def test_wss_reads_the_certificate() -> None:
    trusted = {"ca_file": str(certificates().ca_file)}
    async with websocket_peer(tls=certificates().valid.server_context()) as peer:
        good = await talk(peer.url, {"send": "hello"}, {"expect": "hello"}, tls=trusted)
        warned = await look(check(peer.url, tls=trusted, expect={"certificate_days": 3650}))
        untrusted = await look(check(peer.url))
        handshakes = len(peer.handshakes)
    assert (good.outcome, good.failures) == (Outcome.PASS, ())
    assert list(good.phases_us) == ["connect", "tls", "send", "wait", "dialogue"]
    assert (warned.outcome, codes(warned)) == (Outcome.WARN, ["tls_expiring"])
    assert codes(untrusted) == ["tls_untrusted"]
    assert isinstance(untrusted.facts["certificate"], dict)
    assert handshakes == 2  # nothing is sent to whom we do not trust


# --- options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://shop.test/"},
        {"url": "ws://user:pass@shop.test/"},
        {"url": "ws://"},
        {"headers": {"Upgrade": "h2c"}},
        {"headers": {"Connection": "close"}},
        {"headers": {"Sec-WebSocket-Key": "x"}},
        {"headers": {"X": "a\r\nb"}},
        {"subprotocols": ["a b"]},
        {"auth": {"bearer": "x"}, "headers": {"Authorization": "y"}},
        {"expect": {"subprotocol": "a"}},
        {"expect": {"status": 401}, "dialogue": [HEAR]},
        {"dialogue": [{"expect": "("}]},
        {"dialogue": [{"expect_bytes": "xyz"}]},
        {"dialogue": [{"expect": "a", "send": "b"}]},
        {"dialogue": [{}]},
        {"dialogue": [HEAR, {"send": "{other}"}]},
        {"nonsense": 1},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebSocketOptions.model_validate({"url": "ws://shop.test/", **options})


def test_the_url_is_shown_without_the_values_of_its_query() -> None:
    options = WebSocketOptions(url="WSS://shop.test/feed?token=abcdef", headers={"X-Api-Key": "abcdef"})
    assert "abcdef" not in options.model_dump_json()
    assert "abcdef" not in repr(options)
    assert WebSocketCheck(options).target == "wss://shop.test/feed?token=..."


def test_the_kind_is_known_by_its_schemes() -> None:
    assert KINDS["websocket"].options_from_url("ws://shop.test/") == {"url": "ws://shop.test/"}
