"""The stand-ins on the wire: each act of the script is seen by a client that connects during it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest
import yaml

from prober.config import load_text
from prober.demo import StandIns, stand_ins
from prober.demo import names as demo_names
from prober.demo.configuration import configuration
from prober.demo.script import ACTS, FRANKFURT, SINGAPORE, Mode, Service

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
SILENCE_SECONDS = 0.2
DEADLINE_SECONDS = 5


class Hand:
    """A clock that is turned by hand to an act of the script."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    async def turn(self, demo: StandIns, service: Service, mode: Mode) -> None:
        """Turn to the first second of an act, and let the services follow."""
        (act,) = (act for act in ACTS if (act.service, act.mode) == (service, mode))
        self.now_ns = (1 + act.start_s) * 1_000_000_000
        await demo.apply()


async def _connect(
    demo: StandIns, service: Service, source: str = FRANKFURT, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*demo.addresses[service], local_addr=(source, 0), ssl=tls)


async def _ask(
    demo: StandIns, service: Service, data: bytes, source: str = FRANKFURT, tls: ssl.SSLContext | None = None
) -> bytes:
    """Send, then read to the end (or what came until silence)."""
    reader, writer = await _connect(demo, service, source, tls)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)
    finally:
        writer.close()


async def _is_silent(demo: StandIns, service: Service, data: bytes) -> bool:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return not await _ask(demo, service, data)
    except TimeoutError:
        return True


async def _resolve(demo: StandIns, name: str = demo_names.NAME, kind: str = "A") -> dns.message.Message:
    host, port = demo.addresses[Service.NAMES]
    query = dns.message.make_query(name, kind)
    return await dns.asyncquery.udp(query, host, port=port, timeout=DEADLINE_SECONDS)


async def _until_refused(demo: StandIns) -> None:
    while True:
        try:
            await _ask(demo, Service.SHOP_CACHE, b"QUIT\r\n")
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # met the port while it closed
            continue


async def test_pages_are_served_whole(tmp_path: Path) -> None:
    async with stand_ins(tmp_path, Hand()) as demo:
        for service in (Service.SHOP_WEB, Service.CATALOGUE, Service.API, Service.MIRROR_EUROPE):
            head, _, body = (await _ask(demo, service, GET)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert f"Content-Length: {len(body)}".encode() in head
        answer = await _ask(demo, Service.SHOP_WEB, GET.replace(b"GET", b"HEAD"))
        assert answer.endswith(b"\r\n\r\n")


async def test_the_shop_goes_slow_then_breaks(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        await hand.turn(demo, Service.SHOP_WEB, Mode.SLOW)
        start_ns = time.monotonic_ns()
        assert b"Basket" in await _ask(demo, Service.SHOP_WEB, GET)
        assert time.monotonic_ns() - start_ns > 600_000_000
        await hand.turn(demo, Service.SHOP_WEB, Mode.ERROR)
        assert (await _ask(demo, Service.SHOP_WEB, GET)).startswith(b"HTTP/1.1 503 ")


async def test_the_catalogue_serves_a_wrong_page_with_a_good_status(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        assert b"In stock" in await _ask(demo, Service.CATALOGUE, GET)
        await hand.turn(demo, Service.CATALOGUE, Mode.WRONG_CONTENT)
        answer = await _ask(demo, Service.CATALOGUE, GET)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"In stock" not in answer


async def test_one_mirror_fails_for_one_region(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        await hand.turn(demo, Service.MIRROR_ASIA, Mode.RESET)
        assert (await _ask(demo, Service.MIRROR_ASIA, GET, FRANKFURT)).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ConnectionResetError):
            await _ask(demo, Service.MIRROR_ASIA, GET, SINGAPORE)


async def test_the_checkout_loses_its_certificate_and_gets_it_back(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "demo-ca.pem"))
        assert b"Checkout" in await _ask(demo, Service.CHECKOUT, GET, tls=trusting)
        await hand.turn(demo, Service.CHECKOUT, Mode.EXPIRED)
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await _ask(demo, Service.CHECKOUT, GET, tls=trusting)
        assert caught.value.verify_code == 10  # has expired
        hand.now_ns = 1_000_000_000
        assert b"Checkout" in await _ask(demo, Service.CHECKOUT, GET, tls=trusting)


async def test_the_cache_refuses_hangs_and_comes_back_on_its_port(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        reader, writer = await _connect(demo, Service.SHOP_CACHE)
        writer.write(b"PING\r\nWHAT\r\n")
        assert (await reader.readline(), await reader.readline()) == (
            b"+PONG\r\n",
            b"-ERR unknown command\r\n",
        )
        await hand.turn(demo, Service.SHOP_CACHE, Mode.REFUSING)
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await _connect(demo, Service.SHOP_CACHE)
        await hand.turn(demo, Service.SHOP_CACHE, Mode.SILENT)
        assert await _is_silent(demo, Service.SHOP_CACHE, b"PING\r\n")


async def test_the_script_is_followed_without_being_told(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo, asyncio.timeout(DEADLINE_SECONDS):
        (act,) = (act for act in ACTS if act.mode is Mode.REFUSING)
        hand.now_ns += act.start_s * 1_000_000_000
        await _until_refused(demo)


async def test_the_mail_server_talks_is_busy_and_hangs(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        said = await _ask(demo, Service.MAIL, b"EHLO prober\r\nXYZ\r\nQUIT\r\n")
        assert [line[:3] for line in said.splitlines()] == [b"220", b"250", b"250", b"250", b"502", b"221"]
        await hand.turn(demo, Service.MAIL, Mode.ERROR)
        assert (await _ask(demo, Service.MAIL, b"")).startswith(b"421 ")
        await hand.turn(demo, Service.MAIL, Mode.SILENT)
        assert await _is_silent(demo, Service.MAIL, b"EHLO prober\r\n")


async def test_names_resolve_then_vanish_then_fail(tmp_path: Path) -> None:
    hand = Hand()
    async with stand_ins(tmp_path, hand) as demo:
        answer = await _resolve(demo)
        assert [str(record) for record in answer.answer[0]] == [demo_names.ADDRESS]
        assert answer.flags & dns.flags.AA
        assert (await _resolve(demo, kind="MX")).answer == []
        assert (await _resolve(demo, "other.example")).rcode() == dns.rcode.NXDOMAIN
        await hand.turn(demo, Service.NAMES, Mode.NXDOMAIN)
        assert (await _resolve(demo)).rcode() == dns.rcode.NXDOMAIN
        await hand.turn(demo, Service.NAMES, Mode.SERVFAIL)
        assert (await _resolve(demo)).rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("length", range(0, 29))
def test_cut_queries_get_no_answer(length: int) -> None:
    wire = dns.message.make_query("shop.example", "A").to_wire()
    assert len(wire) == 30
    assert demo_names.answer(wire[:length], Mode.GOOD) is None


async def test_everything_is_closed_at_the_end(tmp_path: Path) -> None:
    async with stand_ins(tmp_path, Hand()) as demo:
        reader, writer = await _connect(demo, Service.MAIL)
        assert (await reader.readline()).startswith(b"220 ")
    assert await reader.read() == b""
    writer.close()
    for service, address in demo.addresses.items():
        kind = socket.SOCK_DGRAM if service is Service.NAMES else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    assert len(asyncio.all_tasks()) == 1


async def test_a_fault_of_the_user_passes_through_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stand_ins(tmp_path, Hand()):
            _ = 1 // 0


def _modes(folder: Path, pattern: str) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.glob(pattern)}


async def test_keys_are_private(tmp_path: Path) -> None:
    async with stand_ins(tmp_path, Hand()):
        assert _modes(tmp_path, "*.key") == {0o600}


async def test_the_configuration_watches_every_service_where_it_is(tmp_path: Path) -> None:
    async with stand_ins(tmp_path, Hand()) as demo:
        config = yaml.safe_load(demo.configuration)
        assert {probe["name"] for probe in config["probes"]} == {str(service) for service in Service}
        for service, (host, port) in demo.addresses.items():
            (probe,) = (probe for probe in config["probes"] if probe["name"] == service)
            assert f"{host}:{port}" in str(probe)
    composed = {name for service in config["services"] for name in service["probes"]}
    assert composed == {str(service) for service in Service}
    assert [region["title"] for region in config["regions"].values()] == [
        "Frankfurt",
        "Virginia",
        "Singapore",
    ]
    assert config["regions"]["sin"]["source_address"] == SINGAPORE
    assert config["store"]["url"] == f"sqlite:///{tmp_path}/prober.db"


async def test_the_configuration_is_accepted(tmp_path: Path) -> None:
    async with stand_ins(tmp_path, Hand()) as demo:
        config = load_text(demo.configuration, str(tmp_path / "probes.yaml"), {})
    assert {probe.name for probe in config.probes} == {str(service) for service in Service}
    for probe in config.probes:
        tries = probe.confirm.retries + 1
        longest_us = tries * probe.timeout_us + probe.confirm.retries * probe.confirm.after_us
        assert longest_us < probe.interval_us, "a slot would be missed while a service is silent"


def test_regions_lose_their_source_addresses_where_they_cannot_be_bound(tmp_path: Path) -> None:
    addresses = dict.fromkeys(Service, ("127.0.0.1", 1))
    text = configuration(tmp_path, tmp_path / 'odd: "name".pem', addresses, with_sources=False)
    config = yaml.safe_load(text)
    assert config["regions"]["sin"] == {"title": "Singapore", "local": True}
    (checkout,) = (probe for probe in config["probes"] if probe["name"] == "checkout")
    assert checkout["http"]["tls"]["ca_file"] == str(tmp_path / 'odd: "name".pem')
