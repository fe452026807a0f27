"""The rig of the detection benchmark: its table, its truth, and a target that really is as broken as it says."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections import Counter
from pathlib import Path

import pytest
from bench.detection import truth
from bench.detection.configuration import Places, configuration
from bench.detection.faults import Asked, Board, Fault, Match, Switch
from bench.detection.names import Names, question
from bench.detection.pages import PAGES
from bench.detection.ports import Port
from bench.detection.scenarios import POLICIES, Expect, read_table
from bench.detection.web import Web
from support.configs import loaded

from checks.core import dns_wire

LISTED = {"http": 16, "content": 8, "dns": 7, "tcp": 2, "tls": 6}


def test_the_table_has_all_39_and_then_some() -> None:
    table = read_table()
    assert Counter(each.layer for each in table if each.listed) == LISTED
    assert sum(not each.listed for each in table) >= 20
    assert sum(each.layer == "null" for each in table) >= 5


def test_every_policy_has_something_to_find_and_something_to_leave_alone() -> None:
    for policy in POLICIES:
        expected = {each.expect[policy.name] for each in read_table()}
        assert {Expect.ALERT, Expect.SILENCE, Expect.WARN} <= expected


@pytest.mark.parametrize(
    "row",
    [
        "{id: a, layer: x, probe: p, expect: alert}",
        "{id: a, layer: x, probe: p, expect: silence, colour: red}",
        "{id: a, layer: x, probe: p, expect: {one: alert}, codes: [http_status]}",
        "{id: a, layer: x, probe: p, expect: alert, codes: [http_sttus]}",
        "{id: a, layer: x, probe: p, expect: silence, fault: {act: explode}}",
        "{id: a, layer: x, probe: p, expect: silence}, {id: a, layer: x, probe: p, expect: silence}",
    ],
)
def test_a_table_that_makes_no_sense_is_refused(row: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of pydantic's, StrEnum's and our own
        read_table(f"probes: {{p: {{}}}}\nscenarios: [{row}]")


def test_the_configuration_is_one_that_the_daemon_takes() -> None:
    table = read_table()
    own = {each.host(policy.name): 5 for each in table for policy in POLICIES if each.own}
    places = Places(web=1, secure=2, ns1=3, ns2=4, own=own, ca_file=Path("/ca.pem"))
    config = loaded(configuration(table, places))
    assert len(config.probes) == len(table) * len(POLICIES)
    assert {probe.down_when.needed(len(probe.regions)) for probe in config.probes} == {1, 2}
    assert all(region.resolver is not None and len(region.resolver.servers) == 2 for region in config.regions)


def test_starts_and_ends_pair_up_and_the_log_is_only_added_to(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    for event, at_us in (("failure_start", 5), ("failure_end", 9), ("failure_start", 20)):
        log = truth.TruthLog(path)
        log.note(event, at_us, scenario="s", policy="one", repeat=int(at_us == 20))
        log.close()
    log = truth.TruthLog(path)
    log.note("stall", 50, stalled_us=30)
    log.close()
    rows = truth.read(path)
    assert truth.windows(rows) == [truth.Window(scenario="s", policy="one", repeat=0, start_us=5, end_us=9)]
    assert truth.stalls(rows) == [truth.Stall(20, 50)]


def test_stalls_that_overlap_are_one_and_count_once() -> None:
    rows = [{"event": "stall", "at_us": at, "stalled_us": long} for at, long in ((50, 30), (60, 35), (90, 5))]
    found = truth.stalls(rows)
    assert found == [truth.Stall(20, 60), truth.Stall(85, 90)]
    assert [truth.stalled_us(found, *span) for span in ((0, 100), (30, 86), (60, 85))] == [45, 31, 0]


@pytest.mark.parametrize(
    ("match", "asked", "strikes"),
    [
        (Match(), Asked(), True),
        (Match(methods=("HEAD",)), Asked(method="GET"), False),
        (Match(methods=("HEAD",)), Asked(method="HEAD"), True),
        (Match(path="/basket"), Asked(path="/"), False),
        (Match(path="/basket"), Asked(path="/basket/1"), True),
        (Match(header="x-canary"), Asked(headers=frozenset({"host"})), False),
        (Match(header="x-canary"), Asked(headers=frozenset({"x-canary"})), True),
        (Match(sources=("127.0.0.2",)), Asked(source="127.0.0.3"), False),
        (Match(sources=("127.0.0.2",)), Asked(source="127.0.0.2"), True),
        (Match(server="ns1"), Asked(server="ns2"), False),
    ],
)
def test_a_fault_strikes_what_it_is_for(match: Match, asked: Asked, strikes: bool) -> None:
    assert Switch(Fault(act="status", match=match), 1, 0).strikes(asked, 0) is strikes


def test_counted_faults_end_drawn_ones_repeat_and_turning_ones_turn() -> None:
    once = Switch(Fault(act="status", match=Match(count=1)), 1, 0)
    assert [once.strikes(Asked(), 0) for _ in range(3)] == [True, False, False]
    draws = [
        [switch.strikes(Asked(), 0) for _ in range(400)]
        for switch in (Switch(Fault(act="status", match=Match(rate=0.25)), seed, 0) for seed in (5, 5, 6))
    ]
    assert draws[0] == draws[1] != draws[2]
    assert 70 <= sum(draws[0]) <= 130
    turning = Switch(Fault(act="status", match=Match(turns_us=2)), 1, 0)
    assert [turning.strikes(Asked(), at_ns) for at_ns in (0, 1_999, 2_000, 3_999, 4_000)] == [
        True, True, False, False, True,
    ]  # fmt: skip


def connect(port: Port) -> int:
    """Return the errno of a connection attempt that is given a fifth of a second; ETIMEDOUT for none."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.2)
        try:
            sock.connect(port.address)
        except TimeoutError:
            return errno.ETIMEDOUT
        except OSError as error:
            return error.errno or -1
        return 0


@contextlib.asynccontextmanager
async def port_of(board: Board):  # type: ignore[no-untyped-def]
    port = Port(Web(board).talk, board, host="h", address=("127.0.0.1", 0))
    try:
        yield port
    finally:
        await port.release()


async def fetch(port: Port) -> bytes:
    reader, writer = await asyncio.open_connection(*port.address)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: h:80\r\n\r\n")
        async with asyncio.timeout(0.2):
            return await reader.read()
    except TimeoutError:
        return b"silence"
    finally:
        writer.close()


async def test_a_port_refuses_drops_and_opens_again_in_any_order() -> None:
    async with port_of(Board()) as port:
        for break_, problem in (
            (port.refuse, errno.ECONNREFUSED), (port.drop, errno.ETIMEDOUT),
            (port.refuse, errno.ECONNREFUSED), (port.drop, errno.ETIMEDOUT),
        ):  # fmt: skip
            break_()
            assert await asyncio.to_thread(connect, port) == problem
        port.open()
        assert b"Add to basket" in await fetch(port)


async def test_a_port_is_mute_or_resets_while_its_host_is_so_broken() -> None:
    board = Board()
    async with port_of(board) as port:
        board.set("h", Fault(act="mute"))
        assert await fetch(port) == b"silence"
        board.set("h", Fault(act="reset"))
        with pytest.raises(ConnectionResetError):
            await fetch(port)
        board.clear("h")
        assert PAGES["shop"].encode() in await fetch(port)


@pytest.mark.parametrize(
    ("act", "rcode", "addresses", "authorities"),
    [
        ("", 0, ("127.0.0.1",), 0),
        ("nxdomain", 3, (), 1),
        ("servfail", 2, (), 0),
        ("dangling-alias", 3, (), 1),
    ],
)
def test_the_name_servers_say_what_real_ones_say(
    act: str, rcode: int, addresses: tuple[str, ...], authorities: int
) -> None:
    board = Board()
    if act:
        board.set("a.bench.test", Fault(act=act))
    query = dns_wire.build_query(dns_wire.encode_name("A.bench.test"), dns_wire.TYPE_A)
    reply, late = Names(board).answer(query, "ns1", "127.0.0.2")
    assert reply is not None
    assert late == 0.0
    header = dns_wire.read_header(reply, query)
    assert header is not None
    assert (header.rcode, header.authorities) == (rcode, authorities)
    if rcode == 0:
        assert dns_wire.read_addresses(reply, query, header) == addresses


def test_a_name_without_ipv6_has_an_empty_answer_and_is_not_said_to_be_missing() -> None:
    names = Names(Board())
    names.with_ipv6.add("six.bench.test")
    for host, found in (("four.bench.test", ()), ("six.bench.test", ("::1",))):
        query = dns_wire.build_query(dns_wire.encode_name(host), dns_wire.TYPE_AAAA)
        reply = names.answer(query, "ns1", "")[0] or b""
        header = dns_wire.read_header(reply, query)
        assert header is not None
        assert (header.rcode, dns_wire.read_addresses(reply, query, header)) == (0, found)


def test_one_name_server_may_be_silent_and_the_other_not() -> None:
    board = Board()
    board.set("a.bench.test", Fault(act="silent", match=Match(server="ns1")))
    query = dns_wire.build_query(dns_wire.encode_name("a.bench.test"), dns_wire.TYPE_A)
    assert Names(board).answer(query, "ns1", "")[0] is None
    assert Names(board).answer(query, "ns2", "")[0] is not None


@pytest.mark.parametrize("data", [b"", b"\0" * 11, b"\0" * 40, b"\x12\x34\x80\0\0\1" + b"\0" * 20])
def test_what_is_no_query_is_passed_over(data: bytes) -> None:
    assert question(data) is None
    assert Names(Board()).answer(data, "ns1", "") == (None, 0.0)
