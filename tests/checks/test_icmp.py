"""The `icmp` check over UDP sockets to a peer that answers like a pinged host. Real ping sockets: tests/e2e."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.echo_peer import EchoPeer, answer, echo_peer, lose, silent
from support.looks import USUAL, Setting, look
from support.ports import LOOPBACK

from checks.core.failures import Code
from checks.core.icmp_series import Tally
from checks.core.icmp_wire import build_request, checksum, parse_reply, sent_sequence, without_ip_header
from checks.core.result import Outcome, Result
from checks.icmp import IcmpCheck, IcmpOptions

TOKEN = b"12345678"


def check(peer: EchoPeer, **options: Any) -> IcmpCheck:  # Any: options as a configuration file has them
    made = IcmpCheck(
        IcmpOptions.model_validate({"host": "192.0.2.7", "gap": "10ms", "patience": "100ms", **options})
    )
    made.opener = peer.opener
    return made


async def ping(behave: Any = answer, setting: Setting = USUAL, **options: Any) -> Result:
    async with echo_peer(behave) as peer:
        return await look(check(peer, **options), setting)


def codes(result: Result) -> list[str]:
    return [failure.code for failure in result.failures]


async def test_replies_are_counted_and_timed() -> None:
    result = await ping()
    assert (result.outcome, list(result.phases_us)) == (Outcome.PASS, ["ping"])
    facts = result.facts
    assert (facts["sent"], facts["received"], facts["address"]) == (3, 3, "192.0.2.7")
    assert facts["rtt_min_us"] <= facts["rtt_mean_us"] <= facts["rtt_max_us"]  # type: ignore[operator]
    assert result.phases_us["ping"] == facts["rtt_mean_us"]


async def test_as_many_packets_of_the_asked_size_go_out_as_asked() -> None:
    async with echo_peer() as peer:
        await look(check(peer, packets=5, payload=100))
    assert [len(request) for request in peer.requests] == [108] * 5
    assert [checksum(request) for request in peer.requests] == [0] * 5


async def test_no_reply_at_all_fails() -> None:
    result = await ping(silent)
    assert (result.outcome, codes(result)) == (Outcome.FAIL, ["icmp_timeout"])
    assert "rtt_mean_us" not in result.facts


async def test_one_reply_is_enough_unless_loss_is_limited() -> None:
    result = await ping(lose(0, 2))
    assert (result.outcome, result.facts["received"]) == (Outcome.PASS, 1)


@pytest.mark.parametrize(
    ("limit", "outcome"), [("50%", Outcome.PASS), ("49.9%", Outcome.FAIL), ("0%", Outcome.FAIL)]
)
async def test_loss_is_held_against_its_limit(limit: str, outcome: Outcome) -> None:
    result = await ping(lose(0, 2), packets=4, expect={"loss": limit})
    assert result.outcome is outcome
    assert codes(result) == ([] if outcome is Outcome.PASS else ["icmp_loss"])


@pytest.mark.parametrize(("limit", "outcome"), [("25%", Outcome.PASS), ("24%", Outcome.WARN)])
async def test_loss_can_be_a_warning(limit: str, outcome: Outcome) -> None:
    result = await ping(lose(3), packets=4, expect={"warn_loss": limit, "loss": "50%"})
    assert result.outcome is outcome


async def test_a_reply_that_comes_twice_counts_once() -> None:
    result = await ping(lambda _, reply: [reply, reply], packets=2)
    assert (result.facts["received"], result.facts["duplicates"]) == (
        2,
        1,
    )  # the last one's twin is not awaited


@pytest.mark.parametrize(
    "spoil",
    [
        lambda reply: reply[:8] + b"x" * 8 + reply[16:],  # another run's packet
        lambda reply: b"\x08" + reply[1:],  # a request
        lambda reply: reply[:6] + b"\x63\x63" + reply[8:],  # a number that was never sent
        lambda reply: reply[:5],
        lambda _: b"",
    ],
)
async def test_what_is_no_reply_to_this_run_is_passed_over(spoil: Any) -> None:
    result = await ping(lambda _, reply: [spoil(reply)])
    assert codes(result) == ["icmp_timeout"]


async def test_what_a_router_answers_is_the_reason() -> None:
    """A closed UDP port makes the kernel send `port unreachable`, which comes by the same way as a router's word."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed_soon:
        closed_soon.bind((LOOPBACK, 0))
        port = closed_soon.getsockname()[1]
    result = await look(check(EchoPeer(port=port)))
    assert (result.outcome, codes(result)) == (Outcome.FAIL, ["icmp_unreachable"])
    assert "refused" in result.failures[0].detail


async def test_neither_kind_of_socket_is_our_own_trouble() -> None:
    asked = []

    def refuse(_family: int, kind: int, _protocol: int) -> socket.socket:
        asked.append(kind & ~(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
        raise PermissionError(errno.EPERM, "not permitted")

    made = IcmpCheck(IcmpOptions.model_validate({"host": "192.0.2.7"}))
    made.opener = refuse
    result = await look(made)
    assert (result.outcome, codes(result)) == (Outcome.VOID, ["agent_permission"])
    assert asked == [socket.SOCK_DGRAM, socket.SOCK_RAW]
    assert "ping_group_range" in result.failures[0].detail
    assert "CAP_NET_RAW" in result.failures[0].detail


async def test_no_descriptors_left_are_our_own_trouble() -> None:
    def refuse(_family: int, _kind: int, _protocol: int) -> socket.socket:
        raise OSError(errno.EMFILE, "too many open files")

    made = IcmpCheck(IcmpOptions.model_validate({"host": "192.0.2.7"}))
    made.opener = refuse
    assert codes(await look(made)) == ["agent_descriptors"]


async def test_a_series_ends_before_the_run_does() -> None:
    """What came in time is judged even if the timeout leaves no room for all packets."""
    result = await ping(packets=100, setting=Setting(timeout_us=200_000))
    assert result.outcome is Outcome.PASS
    assert 1 <= result.facts["sent"] < 100  # type: ignore[operator]


@pytest.mark.parametrize("patience", ["120ms", "10s"])
async def test_no_packet_goes_out_so_late_that_its_reply_cannot_come(patience: str) -> None:
    """Each has its patience, or half of the run where that is shorter: a slow reply is no lost one."""
    async with echo_peer(delay_seconds=0.08) as peer:
        made = check(peer, packets=100, patience=patience, expect={"loss": "0%"})
        result = await look(made, Setting(timeout_us=400_000))
    assert (result.outcome, codes(result)) == (Outcome.PASS, [])
    assert 1 < result.facts["sent"] < 100  # type: ignore[operator]


async def test_a_jitter_limit_and_a_time_limit_are_judged() -> None:
    result = await ping(expect={"jitter": "1us", "within": "1us"})
    assert set(codes(result)) == {"too_slow"}
    assert (await ping(expect={"jitter": "5s", "within": "5s"})).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "icmp://a.example"}, "a host is a name or an address"),
        ({"expect": {"loss": "100%"}}, "less than 100%"),
        ({"expect": {"loss": "10%", "warn_loss": "20%"}}, "warn_loss is larger"),
        ({"host": "a.example:7"}, "a host is a name or an address"),
        ({"packets": 1, "expect": {"jitter": "1ms"}}, "one packet has no jitter"),
        ({"packets": 0}, "greater than or equal to 1"),
        ({"payload": 7}, "greater than or equal to 8"),
        ({"ttl": 256}, "less than or equal to 255"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        IcmpOptions.model_validate({"host": "a.example", **options})


@pytest.mark.parametrize(
    ("times_us", "mean_us", "jitter_us"),
    [((100,), 100, None), ((100, 300), 200, 200), ((100, 300, 250), 216, 125)],
)
def test_mean_and_jitter(times_us: tuple[int, ...], mean_us: int, jitter_us: int | None) -> None:
    tally = Tally(took_ns={number: us * 1000 for number, us in enumerate(times_us)})
    assert (tally.mean_us, tally.jitter_us) == (mean_us, jitter_us)


@given(st.binary(max_size=300), st.sampled_from([4, 6]))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_bytes_can_come(data: bytes, family: int) -> None:
    rest, _ = without_ip_header(data)
    for part in (data, rest):
        reply = parse_reply(part, family, TOKEN)
        assert reply is None or TOKEN in part
        number = sent_sequence(part, TOKEN)
        assert number is None or 0 <= number < 65_536


@given(st.integers(0, 65_535), st.binary(max_size=50))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_request_turned_round_is_its_reply(number: int, padding: bytes) -> None:
    request = build_request(4, 7, number, TOKEN + padding)
    reply = parse_reply(b"\0" + request[1:], 4, TOKEN)
    assert checksum(request) == 0
    assert reply is not None
    assert reply.sequence == number == sent_sequence(request, TOKEN)


def test_any_bytes_from_the_network_end_in_one_code() -> None:
    @given(st.binary(max_size=100))
    @settings(max_examples=20, deadline=None, derandomize=True)
    def examine(data: bytes) -> None:
        async def run() -> Result:
            return await ping(lambda _n, _r: [data], packets=1, patience="20ms")

        assert codes(asyncio.run(run())) == [Code.ICMP_TIMEOUT.value]

    examine()
