"""The probers for unix sockets, echo requests, gRPC and WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from support import grpc_peer as grpc
from support.blackbox_probes import Ran, module, run_probe
from support.certs import certificates
from support.tcp_peer import refused, silence, tcp_peer
from support.websocket_peer import announce, echo, raw, websocket_peer

from checks.core.resolver_config import ResolverConfig
from prober.blackbox.dialogue_options import WebsocketProbe
from prober.blackbox.modules import read
from prober.blackbox.probe_websocket import headers_of

CA = {"ca_file": str(certificates().ca_file)}
NAMES = ResolverConfig(servers=(), hosts={"localhost": ("127.0.0.1",)})


# --- unix -------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def unix_peer(
    path: Path, behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[str]:
    """Serve on a socket in the file system."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await behave(reader, writer)
        writer.close()

    server = await asyncio.start_unix_server(handle, str(path))
    try:
        yield str(path)
    finally:
        server.close()


async def test_a_unix_socket_is_connected_to_and_talked_with(tmp_path: Path) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello 7\n")
        writer.write(b"got " + await reader.readline())

    steps = [
        {"expect": "^hello (.)", "send": "${1}", "labels": [{"name": "n", "value": "$1"}]},
        {"expect": "^got 7$"},
    ]
    async with unix_peer(tmp_path / "s", behave) as path:
        ran = await run_probe(module("unix", query_response=steps), path)
    assert ran.success
    assert ran.value("probe_expect_info", n="7") == 1
    assert ran.value("probe_failed_due_to_regex") == ran.value("probe_failed_due_to_bytes") == 0
    assert not ran.has("probe_ip_protocol")
    assert not ran.has("probe_dns_lookup_time_seconds")


async def test_a_missing_unix_socket_fails_without_a_dialogue(tmp_path: Path) -> None:
    ran = await run_probe(module("unix"), str(tmp_path / "none"))
    assert not ran.success
    assert {name for name, _ in ran.samples} == {
        "probe_success", "probe_duration_seconds", "probe_timeout_seconds",
    }  # fmt: skip


async def test_a_unix_dialogue_that_goes_wrong_says_how(tmp_path: Path) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"other\n")

    async with unix_peer(tmp_path / "s", behave) as path:
        ran = await run_probe(module("unix", query_response=[{"expect": "^hello"}]), path)
        assert (ran.success, ran.value("probe_failed_due_to_regex")) == (False, 1)
        ran = await run_probe(module("unix", query_response=[{"expect_bytes": "hello"}]), path)
        assert (ran.success, ran.value("probe_failed_due_to_bytes")) == (False, 1)


# --- icmp -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"payload_size": 1000}, {"ttl": 9}, {"dont_fragment": True}])
async def test_an_echo_request_is_answered_or_the_system_forbids_it(options: dict[str, object]) -> None:
    ran = await run_probe(module("icmp", **options), "127.0.0.1")
    phases = sorted(each["phase"] for each in ran.labels("probe_icmp_duration_seconds"))
    assert phases == ["resolve", "rtt", "setup"]
    if not ran.success:
        assert (ran.sight.void or "").startswith("agent_permission")
        return
    assert ran.value("probe_icmp_reply_hop_limit") > 0
    assert all(ran.value("probe_icmp_duration_seconds", phase=phase) > 0 for phase in ("rtt", "setup"))


async def test_an_echo_request_to_nobody_leaves_zeros() -> None:
    ran = await run_probe(module("icmp"), "no..name")
    assert not ran.success
    assert all(
        ran.value("probe_icmp_duration_seconds", phase=phase) == 0 for phase in ("resolve", "rtt", "setup")
    )
    assert not ran.has("probe_icmp_reply_hop_limit")


async def test_no_echo_request_goes_to_an_address_that_is_refused() -> None:
    ran = await run_probe(module("icmp"), "127.0.0.1", refuses=lambda host: "private")
    assert (ran.sight.void or "").startswith("agent_forbidden")


# --- gRPC -------------------------------------------------------------------------------------------------

STATES = {"": grpc.SERVING, "shop": grpc.SERVING, "down": grpc.NOT_SERVING}


async def called(behaviour: grpc.Behaviour | None = None, **options: object) -> Ran:
    """Call a server in the clear."""
    async with grpc.grpc_peer(behaviour or grpc.health(STATES)) as peer:
        return await run_probe(module("grpc", **options), peer.address)


def _health(ran: Ran) -> dict[str, float]:
    name = "probe_grpc_healthcheck_response"
    return {each["serving_status"]: ran.value(name, **each) for each in ran.labels(name)}


@pytest.mark.parametrize(
    ("service", "right", "status", "state"),
    [
        ("", True, 0, "SERVING"),
        ("shop", True, 0, "SERVING"),
        ("down", False, 0, "NOT_SERVING"),
        ("none", False, 5, None),
    ],
)
async def test_a_service_is_serving_or_not(service: str, right: bool, status: int, state: str | None) -> None:
    ran = await called(service=service)
    assert ran.success is right
    assert ran.value("probe_grpc_status_code") == status
    states = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
    assert _health(ran) == {each: float(each == state) for each in states}
    assert ran.value("probe_grpc_ssl") == 0
    assert sorted(each["phase"] for each in ran.labels("probe_grpc_duration_seconds")) == ["check", "resolve"]


async def test_metadata_is_sent() -> None:
    async with grpc.grpc_peer(grpc.health(STATES)) as peer:
        options = {"service": "shop", "metadata": {"X-Token": ["one"]}}
        assert (await run_probe(module("grpc", **options), peer.address)).success
        assert peer.calls[0].headers["x-token"] == "one"
        assert peer.calls[0].headers[":authority"] == peer.address


async def test_a_server_without_the_health_service() -> None:
    async def behave(exchange: grpc.Exchange) -> None:
        await exchange.head([*grpc.HEAD, ("grpc-status", "12")], end=True)

    ran = await called(behave, service="shop")
    assert (ran.success, ran.value("probe_grpc_status_code")) == (False, 12)


@pytest.mark.parametrize(("options", "right"), [({"tls_config": CA}, True), ({}, False)])
async def test_over_tls(options: dict[str, object], right: bool) -> None:
    async with grpc.grpc_peer(grpc.health(STATES), tls=certificates().valid.server_context()) as peer:
        ran = await run_probe(
            module("grpc", tls=True, service="shop", **options),
            f"localhost:{peer.address.split(':')[1]}",
            resolver=NAMES,
        )
    assert ran.success is right
    assert ran.value("probe_grpc_ssl") == float(right)
    assert ran.value("probe_grpc_status_code") == (0 if right else 14)
    for name in ("probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_info", "probe_tls_version_info"):
        assert ran.has(name) is right
    assert not ran.has("probe_ssl_last_chain_expiry_timestamp_seconds")


async def test_a_call_that_fails_shows_no_certificate() -> None:
    async with grpc.grpc_peer(grpc.health(STATES), tls=certificates().valid.server_context()) as peer:
        ran = await run_probe(module("grpc", tls=True, tls_config=CA, service="none"), peer.address)
    assert ran.value("probe_grpc_status_code") == 5
    assert ran.value("probe_grpc_ssl") == 0
    assert not ran.has("probe_ssl_earliest_cert_expiry")


async def test_nobody_there_is_unavailable_and_silence_is_a_passed_deadline() -> None:
    with refused() as dead:
        assert (await run_probe(module("grpc", service=""), dead.address)).value(
            "probe_grpc_status_code"
        ) == 14
    async with tcp_peer(silence) as peer:
        ran = await run_probe(module("grpc", service=""), peer.address, timeout_us=300_000)
        assert ran.value("probe_grpc_status_code") == 4


async def test_a_module_without_a_block_takes_ipv6_only() -> None:
    under_test = read("modules: {m: {prober: grpc}}", "blackbox.yml").modules["m"]
    async with grpc.grpc_peer(grpc.health(STATES)) as peer:
        ran = await run_probe(under_test, peer.address)
    assert not ran.success
    assert ran.value("probe_ip_protocol") == 0
    assert [each["phase"] for each in ran.labels("probe_grpc_duration_seconds")] == ["resolve"]
    assert not ran.has("probe_grpc_healthcheck_response")


# --- WebSocket --------------------------------------------------------------------------------------------


def _phases(ran: Ran) -> list[str]:
    return sorted(each["phase"] for each in ran.labels("probe_websocket_duration_seconds"))


async def test_headers_come_from_values_secrets_and_files(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("of file\n")
    (tmp_path / "user").write_text("somebody\n")
    options = WebsocketProbe.model_validate(
        {
            "headers": {"X-A": {"values": ["1", "2"], "secrets": ["s"], "files": [str(tmp_path / "value")]}},
            "http_config": {"basic_auth": {"username_file": str(tmp_path / "user"), "password": "p"}},
        }
    )
    found = headers_of(options)[1:]
    assert found == [
        ("Authorization", "Basic c29tZWJvZHk6cA=="), ("X-A", "1"), ("X-A", "2"), ("X-A", "s"), ("X-A", "of file"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "right", "flag"),
    [
        ([], True, 0),
        ([{"send": "ping"}, {"expect": "^ping$"}], True, 0),
        ([{"send": "one"}, {"expect": "^(.*)$", "send": "${1} two"}, {"expect": "^one two$"}], True, 0),
        ([{"send": "ping"}, {"expect": "^pong$"}], False, 1),
    ],
)
async def test_a_dialogue_of_messages(steps: list[dict[str, object]], right: bool, flag: int) -> None:
    async with websocket_peer(echo) as peer:
        ran = await run_probe(module("websocket", query_response=steps), peer.url)
    assert (ran.success, ran.value("probe_websocket_failed_due_to_regex")) == (right, flag)
    assert ran.value("probe_websocket_status_code") == 101
    assert ran.value("probe_websocket_connection_upgraded") == 1
    transfer = ["transfer"] if steps else []
    assert _phases(ran) == sorted(["resolve", "connect", "processing", *transfer])


async def test_what_the_target_says_first_is_expected_message_by_message() -> None:
    async with websocket_peer(announce("hello", "world")) as peer:
        steps = [{"expect": "^hello$"}, {"expect": "^world$"}]
        assert (await run_probe(module("websocket", query_response=steps), peer.url)).success


@pytest.mark.parametrize(("tls", "right"), [({"insecure_skip_verify": True}, True), (CA, True), ({}, False)])
async def test_over_wss(tls: dict[str, object], right: bool) -> None:
    async with websocket_peer(echo, tls=certificates().valid.server_context()) as peer:
        ran = await run_probe(module("websocket", http_config={"tls_config": tls}), peer.url)
    assert ran.success is right
    assert ran.value("probe_websocket_connection_upgraded") == float(right)


async def test_a_handshake_that_is_refused_shows_its_status() -> None:
    async with websocket_peer(echo, authorization="Bearer right") as peer:
        ran = await run_probe(module("websocket"), peer.url)
        assert (ran.success, ran.value("probe_websocket_status_code")) == (False, 401)
        config = {"authorization": {"credentials": "right"}}
        assert (await run_probe(module("websocket", http_config=config), peer.url)).success


async def test_a_wrong_answer_to_the_key_is_no_upgrade() -> None:
    async with tcp_peer(
        raw(lambda key: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    ) as peer:
        ran = await run_probe(module("websocket"), f"ws://{peer.address}/")
    assert not ran.success
    assert ran.value("probe_websocket_connection_upgraded") == 0


@pytest.mark.parametrize("target", ["http://127.0.0.1/", "127.0.0.1:80", "ws://"])
async def test_other_targets_than_websockets_are_not_looked_up(target: str) -> None:
    ran = await run_probe(module("websocket"), target)
    assert not ran.success
    assert not ran.has("probe_ip_protocol")


async def test_a_refused_connection_has_no_phase_connect() -> None:
    with refused() as dead:
        ran = await run_probe(module("websocket"), f"ws://{dead.address}/")
    assert _phases(ran) == ["processing", "resolve"]


async def test_silence_within_the_dialogue_fails_at_the_deadline() -> None:
    async with websocket_peer(echo) as peer:
        ran = await run_probe(
            module("websocket", query_response=[{"expect": "x"}]), peer.url, timeout_us=300_000
        )
    assert (ran.success, ran.value("probe_websocket_failed_due_to_regex")) == (False, 1)
    assert "transfer" in _phases(ran)
