"""The grpc check: health of servers and services, and one clear code for each way they fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.certs import certificates
from support.grpc_peer import (
    HEAD,
    NOT_SERVING,
    SERVING,
    Behaviour,
    Exchange,
    framed,
    grpc_peer,
    hang,
    health,
    replies,
    state,
)
from support.looks import BRIEF, USUAL, Setting, cancel_when, codes, look
from support.tcp_peer import banner, never_accepting, refused, silence, tcp_peer

from checks.core.grpc_message import MAX_MESSAGE_BYTES
from checks.core.result import Outcome, Result
from checks.grpc import GrpcCheck, GrpcOptions

HEALTHY = health({"": SERVING, "shop": SERVING, "cellar": NOT_SERVING})


def check(address: str, **options: Any) -> GrpcCheck:  # Any: options as a configuration file has them
    return GrpcCheck(GrpcOptions.model_validate({"address": address, **options}))


async def ask(behaviour: Behaviour, setting: Setting = USUAL, **options: Any) -> Result:
    async with grpc_peer(behaviour) as peer:
        return await look(check(peer.address, **options), setting)


def detail(result: Result) -> str:
    assert result.failure is not None
    return result.failure.detail


# --- health -----------------------------------------------------------------------------------------------


async def test_a_server_that_is_serving_passes() -> None:
    result = await ask(HEALTHY)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["connect", "send", "wait", "transfer"]
    assert result.facts == {
        "address": "127.0.0.1", "family": 4, "grpc_status": 0, "serving_status": "SERVING",
    }  # fmt: skip


async def test_the_call_is_what_the_protocol_wants() -> None:
    async with grpc_peer(HEALTHY) as peer:
        made = check(peer.address, service="shop", metadata={"X-Tenant": "acme", "trace-bin": "AAEC"})
        result = await look(made, Setting(timeout_us=5_000_000))
    assert (result.outcome, made.target) == (Outcome.PASS, f"{peer.address}/shop")
    headers = peer.calls[0].headers
    assert peer.calls[0].service == "shop"
    assert 4_000_000 < int(headers.pop("grpc-timeout").removesuffix("u")) <= 5_000_000
    assert headers == {
        ":method": "POST", ":scheme": "http", ":authority": peer.address,
        ":path": "/grpc.health.v1.Health/Check", "te": "trailers", "content-type": "application/grpc",
        "user-agent": "Prober", "x-tenant": "acme", "trace-bin": "AAEC",
    }  # fmt: skip


async def test_a_service_that_is_not_serving_fails() -> None:
    result = await ask(HEALTHY, service="cellar")
    assert codes(result) == ["grpc_not_serving"]
    assert result.facts["serving_status"] == "NOT_SERVING"
    assert result.facts["grpc_status"] == 0


async def test_not_serving_can_be_what_is_expected() -> None:
    down = await ask(HEALTHY, service="cellar", expect={"status": "NOT_SERVING"})
    either = await ask(HEALTHY, expect={"status": ["NOT_SERVING", "SERVING"]})
    up = await ask(HEALTHY, expect={"status": "NOT_SERVING"})
    assert down.outcome is either.outcome is Outcome.PASS
    assert codes(up) == ["grpc_not_serving"]


async def test_an_unknown_service_is_told_by_its_status() -> None:
    """The real servers answer so without any message, with the status in the head."""
    result = await ask(HEALTHY, service="attic")
    assert codes(result) == ["grpc_status"]
    assert detail(result) == "5 NOT_FOUND: unknown service"
    assert (result.facts["grpc_status"], result.facts["grpc_message"]) == (5, "unknown service")
    assert "serving_status" not in result.facts


@pytest.mark.parametrize(
    ("head", "number", "words"),
    [
        ([*HEAD, ("grpc-status", "12")], 12, "12 UNIMPLEMENTED"),
        (
            [*HEAD, ("grpc-status", "16"), ("grpc-message", "m" * 500)],
            16,
            "16 UNAUTHENTICATED: " + "m" * 200 + "...",
        ),
        ([(":status", "503")], 14, "HTTP status 503, which stands for 14 UNAVAILABLE"),
        ([(":status", "404"), ("content-type", "text/html")], 12, "HTTP status 404"),
    ],
)
async def test_statuses_are_told_by_number_and_name(
    head: list[tuple[str, str]], number: int, words: str
) -> None:
    result = await ask(lambda exchange: exchange.head(head, end=True))
    assert codes(result) == ["grpc_status"]
    assert detail(result).startswith(words)
    assert result.facts["grpc_status"] == number


async def test_a_status_after_a_message_counts() -> None:
    result = await ask(replies(state(SERVING), trailers=[("grpc-status", "13")]))
    assert codes(result) == ["grpc_status"]


async def test_a_state_without_a_name_is_told_by_its_number() -> None:
    result = await ask(replies(state(9)))
    assert codes(result) == ["grpc_not_serving"]
    assert result.facts["serving_status"] == "9"


# --- what is no answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (replies(state(1), head=[(":status", "200"), ("content-type", "text/html")]), "text/html"),
        (replies(state(1), head=[(":status", "200")]), "Content-Type"),
        (replies(state(1), head=[(":status", "200"), ("content-type", "application/grpcx")]), "Content-Type"),
        (replies(state(1), trailers=[]), "without a grpc-status"),
        (replies(state(1), trailers=[("grpc-status", "fine")]), "not a number"),
        (replies(framed(b"\x08\x01", 1)), "compressed"),
        (replies(b""), "no message"),
        (replies(state(1) * 2), "more than one"),
        (replies(b"\xff" * 30), "compressed"),
        (replies(framed(b"\x08\xff")), "no end"),
        (replies(framed(bytes(MAX_MESSAGE_BYTES + 1))), "longer than"),
        (lambda exchange: exchange.head([*HEAD, ("grpc-status", "0")], end=True), "no message"),
    ],
)
async def test_an_answer_that_breaks_the_rules_is_malformed(behaviour: Behaviour, words: str) -> None:
    result = await ask(behaviour)
    assert codes(result) == ["grpc_malformed"]
    assert words in detail(result)


async def test_content_types_with_a_suffix_are_fine() -> None:
    head = [(":status", "200"), ("content-type", "application/grpc+proto; x=y")]
    assert (await ask(replies(state(1), head=head))).outcome is Outcome.PASS


async def test_a_stream_that_is_reset_is_told() -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.http2.reset_stream(exchange.stream, 7)
        await exchange.flush()

    result = await ask(behave)
    assert codes(result) == ["http_protocol"]
    assert "REFUSED_STREAM" in detail(result)
    assert result.facts["grpc_status"] == 14


async def test_a_server_that_ends_the_connection_is_told() -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.http2.close_connection(error_code=11, last_stream_id=0)
        await exchange.flush()

    result = await ask(behave)
    assert codes(result) == ["http_protocol"]
    assert "GOAWAY" in detail(result)


async def test_an_answer_that_never_comes_times_out() -> None:
    silent = await ask(hang, BRIEF)

    async def half(exchange: Exchange) -> None:
        await exchange.head(HEAD)
        await hang(exchange)

    cut = await ask(half, BRIEF)
    assert codes(silent) == ["timeout_headers"]
    assert codes(cut) == ["timeout_body"]
    assert "transfer" in cut.phases_us


async def test_what_speaks_no_http2_is_told() -> None:
    async with tcp_peer(banner(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as peer:
        assert codes(await look(check(peer.address))) == ["http_version"]
    async with tcp_peer(silence) as peer:
        assert codes(await look(check(peer.address), BRIEF)) == ["timeout_headers"]


async def test_connections_that_fail_are_told() -> None:
    with refused() as peer:
        assert codes(await look(check(peer.address))) == ["connect_refused"]
    with never_accepting() as peer:
        assert codes(await look(check(peer.address), BRIEF)) == ["connect_timeout"]


# --- TLS --------------------------------------------------------------------------------------------------


async def test_tls_reads_the_certificate() -> None:
    trusted = {"ca_file": str(certificates().ca_file)}
    async with grpc_peer(HEALTHY, tls=certificates().valid.server_context()) as peer:
        good = await look(check(peer.address, tls=trusted))
        warned = await look(check(peer.address, tls=trusted, expect={"certificate_days": 3650}))
        untrusted = await look(check(peer.address, tls=True))
        calls = len(peer.calls)
    assert (good.outcome, good.failures) == (Outcome.PASS, ())
    assert list(good.phases_us) == ["connect", "tls", "send", "wait", "transfer"]
    assert peer.calls[0].headers[":scheme"] == "https"
    assert (warned.outcome, codes(warned)) == (Outcome.WARN, ["tls_expiring"])
    assert codes(untrusted) == ["tls_untrusted"]
    assert isinstance(untrusted.facts["certificate"], dict)
    assert calls == 2


@pytest.mark.parametrize("alpn", [(), ("http/1.1",)])
async def test_http2_must_be_agreed_on(alpn: tuple[str, ...]) -> None:
    trusted = {"ca_file": str(certificates().ca_file)}
    async with grpc_peer(HEALTHY, tls=certificates().valid.server_context(), alpn=alpn) as peer:
        assert codes(await look(check(peer.address, tls=trusted))) == ["http_version"]


# --- the rest -----------------------------------------------------------------------------------------------


async def test_slow_and_too_slow_are_told_apart() -> None:
    slow = await ask(HEALTHY, expect={"warn_within": "1us", "within": "1h"})
    too_slow = await ask(HEALTHY, expect={"within": "1us"})
    assert (slow.outcome, codes(slow)) == (Outcome.WARN, ["slow"])
    assert (too_slow.outcome, codes(too_slow)) == (Outcome.FAIL, ["too_slow"])


async def test_a_secret_in_the_metadata_is_masked() -> None:
    async def repeat(exchange: Exchange) -> None:
        words = exchange.call.headers["authorization"]
        await exchange.head([*HEAD, ("grpc-status", "16"), ("grpc-message", f"no {words}")], end=True)

    made = {"metadata": {"authorization": "Bearer sesame"}}
    result = await ask(repeat, **made)
    assert codes(result) == ["grpc_status"]
    assert "sesame" not in f"{result}"
    assert "sesame" not in GrpcOptions.model_validate({"address": "a:1", **made}).model_dump_json()


async def test_a_run_that_is_cancelled_leaves_nothing_open() -> None:
    async with grpc_peer(hang) as peer:
        await cancel_when(check(peer.address), lambda: bool(peer.calls))


@pytest.mark.parametrize(
    "options",
    [
        {"address": "shop.test"},
        {"metadata": {"grpc-timeout": "1S"}},
        {"metadata": {"te": "x"}},
        {"metadata": {"a b": "x"}},
        {"metadata": {"a": "gr\u00fcn"}},
        {"metadata": {"a-bin": "!"}},
        {"metadata": {"a": "x", "A": "y"}},
        {"authority": "a/b"},
        {"expect": {"status": "UP"}},
        {"expect": {"status": []}},
        {"tls": {"nonsense": 1}},
        {"tls": "yes"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GrpcOptions.model_validate({"address": "shop.test:1", **options})


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("grpc://shop.test:50051", {"address": "shop.test:50051"}),
        ("grpcs://shop.test:443/", {"address": "shop.test:443", "tls": True}),
        ("grpc://[::1]:1/shop.Orders", {"address": "[::1]:1", "service": "shop.Orders"}),
    ],
)
def test_a_url_says_it_all(url: str, options: dict[str, Any]) -> None:
    assert GrpcCheck.options_from_url(url) == options


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "grpc-status", "grpc-message", "grpc-encoding", "x"]),
        st.sampled_from(["application/grpc", "0", "1", "%", "%00", "gzip", "-1", ""]),
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(FIELDS, st.binary(max_size=30) | st.just(state(2)), FIELDS)
def test_any_answer_ends_in_a_failure_of_the_target(
    head: list[tuple[str, str]], body: bytes, trailers: list[tuple[str, str]]
) -> None:
    behaviour = replies(body, head=[(":status", "200"), *head], trailers=trailers)
    result = asyncio.run(ask(behaviour))
    assert result.outcome is Outcome.FAIL or result.facts["serving_status"] == "SERVING"
    assert [code for code in codes(result) if code.startswith("agent_")] == []
