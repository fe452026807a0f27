"""The http prober: statuses, lengths, compression, redirects, and what it sends."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has no types of its own
import pytest
from support.blackbox_probes import Ran, module, run_probe
from support.http_answers import (
    chunked,
    exact,
    hang,
    hang_in_body,
    head,
    plain,
    redirect_chain,
    truncated,
    until_close,
)
from support.http_peer import Answer, http_peer
from support.tcp_peer import refused

TEXT = b"a body that is long enough to be made shorter, shorter, shorter\n"


def _deflated(data: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return machine.compress(data) + machine.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "br": brotli.compress, "deflate": _deflated, "identity": bytes,
}  # fmt: skip


async def probed(routes: Mapping[str, Answer] | Answer, path: str = "/", **options: Any) -> Ran:
    """Run a module against a server with these routes, or with this one answer."""
    given = routes if isinstance(routes, Mapping) else {path: routes}
    async with http_peer(given) as peer:
        return await run_probe(module("http", **options), peer.url(path))


# --- statuses and versions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "listed", "right"),
    [
        (200, [], True), (201, [], True), (299, [], True), (300, [], False), (404, [], False),
        (404, [200, 404], True), (200, [404, 200], True), (201, [200, 404], False), (404, [404], True),
        (200, [404], False),
    ],
)  # fmt: skip
async def test_a_status_is_right_if_it_is_listed_or_2xx_where_nothing_is(
    status: int, listed: list[int], right: bool
) -> None:
    ran = await probed(plain(status=status), valid_status_codes=listed)
    assert ran.success is right
    assert ran.value("probe_http_status_code") == status


@pytest.mark.parametrize(
    ("versions", "right"),
    [
        ([], True),
        (["HTTP/1.1"], True),
        (["HTTP/1.1", "HTTP/2.0"], True),
        (["HTTP/2.0"], False),
        (["HTTP/1"], False),
    ],
)
async def test_versions_are_compared_as_they_are_written(versions: list[str], right: bool) -> None:
    ran = await probed(plain(), valid_http_versions=versions)
    assert ran.success is right
    assert ran.value("probe_http_version") == 1.1


async def test_a_version_is_judged_even_after_another_failure() -> None:
    assert (await probed(plain(status=503), valid_http_versions=["HTTP/2.0"])).said("HTTP/1.1, expected")


# --- lengths ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "declared", "read"),
    [
        (plain(TEXT), len(TEXT), len(TEXT)),
        (plain(b""), 0, 0),
        (plain(TEXT, headers=[("Content-Encoding", "unknown")]), len(TEXT), len(TEXT)),
        (plain(TEXT, status=404), len(TEXT), len(TEXT)),
        (until_close(TEXT), -1, len(TEXT)),
        (chunked(b"one", b"two"), -1, 6),
        (exact(b"HTTP/1.1 204 No Content\r\n\r\n"), 0, 0),
    ],
)
async def test_lengths_are_those_announced_and_read(answer: Answer, declared: int, read: int) -> None:
    ran = await probed(answer)
    assert ran.value("probe_http_content_length") == declared
    assert ran.value("probe_http_uncompressed_body_length") == read


@pytest.mark.parametrize("name", ["br", "deflate", "gzip"])
async def test_without_a_compression_nothing_is_decoded(name: str) -> None:
    data = ENCODERS[name](TEXT)
    ran = await probed(plain(data, headers=[("Content-Encoding", name)]))
    assert ran.success
    assert ran.value("probe_http_content_length") == len(data)
    assert ran.value("probe_http_uncompressed_body_length") == len(data)


@pytest.mark.parametrize("name", ENCODERS)
async def test_a_body_is_decoded_from_the_compression_that_the_module_names(name: str) -> None:
    data = ENCODERS[name](TEXT)
    ran = await probed(plain(data), compression=name, fail_if_body_not_matches_regexp=["^a body"])
    assert ran.success
    assert ran.value("probe_http_content_length") == len(data)
    assert ran.value("probe_http_uncompressed_body_length") == len(TEXT)


@pytest.mark.parametrize(
    ("sent_as", "expected"), [("gzip", "br"), ("br", "gzip"), ("identity", "gzip"), ("gzip", "deflate")]
)
async def test_a_body_in_another_compression_fails_with_nothing_read(sent_as: str, expected: str) -> None:
    answer = plain(ENCODERS[sent_as](TEXT), headers=[("Content-Encoding", sent_as)])
    ran = await probed(answer, compression=expected)
    assert not ran.success
    assert ran.value("probe_http_uncompressed_body_length") == 0
    assert ran.value("probe_http_status_code") == 200


@pytest.mark.parametrize("accepted", ["gzip", "gzip, identity", "*"])
async def test_an_accept_encoding_of_the_module_is_sent(accepted: str) -> None:
    async with http_peer({"/": plain(gzip.compress(TEXT))}) as peer:
        options = {"compression": "gzip", "headers": {"Accept-Encoding": accepted}}
        assert (await run_probe(module("http", **options), peer.url())).success
        assert peer.requests[0].header("accept-encoding") == accepted


@pytest.mark.parametrize("name", ["", "gzip", "br", "deflate"])
@pytest.mark.parametrize(("size", "right"), [(100, True), (101, False)])
async def test_the_limit_holds_for_decoded_bytes_and_reading_stops_at_it(
    name: str, size: int, right: bool
) -> None:
    data = ENCODERS[name or "identity"](b"x" * size)
    ran = await probed(plain(data), compression=name, body_size_limit="100B")
    assert ran.success is right
    assert ran.value("probe_http_uncompressed_body_length") == 100


@pytest.mark.parametrize(("limit", "right", "read"), [("11B", True, 11), ("10B", False, 10)])
async def test_the_limit_holds_without_an_announced_length(limit: str, right: bool, read: int) -> None:
    ran = await probed(chunked(b"hello ", b"world"), body_size_limit=limit)
    assert ran.success is right
    assert ran.value("probe_http_uncompressed_body_length") == read


async def test_a_body_that_nobody_looks_at_is_counted_beyond_the_memory_of_rules() -> None:
    ran = await probed(plain(b"x" * 1_000_000))
    assert ran.value("probe_http_uncompressed_body_length") == 1_000_000


async def test_a_truncated_body_fails_with_the_bytes_that_came() -> None:
    ran = await probed(truncated(b"short", 100))
    assert not ran.success
    assert ran.value("probe_http_status_code") == 200
    assert ran.value("probe_http_content_length") == 100
    assert ran.value("probe_http_uncompressed_body_length") == 5


# --- failures and their zeros -----------------------------------------------------------------------------

PHASES = ("connect", "processing", "resolve", "tls", "transfer")


def _reached(ran: Ran) -> list[str]:
    return [phase for phase in PHASES if ran.value("probe_http_duration_seconds", phase=phase) > 0]


async def test_a_refused_connection_leaves_zeros_but_the_lookup() -> None:
    with refused() as dead:
        ran = await run_probe(module("http"), dead.address)
    assert not ran.success
    assert _reached(ran) == ["resolve"]
    zeros = ("status_code", "version", "content_length", "uncompressed_body_length", "redirects", "ssl")
    assert [ran.value(f"probe_http_{name}") for name in zeros] == [0] * 6
    assert ran.value("probe_ip_protocol") == 4
    assert ran.value("probe_ip_addr_hash") == 3668918509


async def test_an_unknown_host_has_only_the_phase_resolve() -> None:
    ran = await run_probe(module("http"), "http://no..name/")
    assert [each["phase"] for each in ran.labels("probe_http_duration_seconds")] == ["resolve"]
    assert ran.value("probe_ip_protocol") == ran.value("probe_ip_addr_hash") == 0
    assert ran.has("probe_dns_lookup_time_seconds")


async def test_what_is_no_url_has_no_phase_at_all() -> None:
    ran = await run_probe(module("http"), "http://[::1")
    assert not ran.success
    assert not ran.has("probe_http_duration_seconds")
    assert not ran.has("probe_ip_protocol")
    assert ran.value("probe_http_status_code") == 0


@pytest.mark.parametrize(
    ("answer", "status", "reached"),
    [
        (hang(), 0, ["connect", "resolve"]),
        (hang_in_body(), 200, ["connect", "processing", "resolve", "transfer"]),
    ],
)
async def test_a_timeout_keeps_what_was_reached(answer: Answer, status: int, reached: list[str]) -> None:
    async with http_peer({"/": answer}) as peer:
        ran = await run_probe(module("http"), peer.url(), timeout_us=300_000)
    assert not ran.success
    assert ran.value("probe_http_status_code") == status
    assert _reached(ran) == reached


async def test_a_good_run_has_exactly_five_phases() -> None:
    ran = await probed(plain(TEXT))
    assert sorted(each["phase"] for each in ran.labels("probe_http_duration_seconds")) == list(PHASES)
    assert _reached(ran) == ["connect", "processing", "resolve", "transfer"]
    assert ran.value("probe_http_duration_seconds", phase="resolve") == ran.value(
        "probe_dns_lookup_time_seconds"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1445412480),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 1445412480),
        ("Wed Oct 21 07:28:00 2015", 1445412480),
        ("2015-10-21", None),
        ("", None),
    ],
)
async def test_last_modified_is_shown_if_it_can_be_read(value: str, seconds: int | None) -> None:
    ran = await probed(plain(headers=[("Last-Modified", value)]))
    name = "probe_http_last_modified_timestamp_seconds"
    assert (ran.value(name) if ran.has(name) else None) == seconds


@pytest.mark.parametrize(
    ("prefix", "right"),
    [
        ("http://", True),
        ("", True),
        ("HTTP://", True),
        ("hTTp://", True),
        ("ftp://", False),
        ("https//", False),
    ],
)
async def test_schemes_of_targets(prefix: str, right: bool) -> None:
    async with http_peer({"/": plain()}) as peer:
        assert (await run_probe(module("http"), f"{prefix}{peer.address}/")).success is right


async def test_credentials_of_the_url_are_sent_and_a_fragment_is_not() -> None:
    async with http_peer({"/": plain()}) as peer:
        assert (await run_probe(module("http"), f"http://u:p@{peer.address}#part")).success
        assert peer.requests[0].header("authorization") == "Basic dTpw"
        assert peer.requests[0].target == "/"


async def test_one_connection_a_hop_and_none_is_kept() -> None:
    async with http_peer(redirect_chain(2)) as peer:
        await run_probe(module("http"), peer.url("/hop0"))
        assert peer.connections == 3
        assert all(request.header("connection") == "close" for request in peer.requests)


async def test_interim_answers_and_odd_heads_are_passed_over() -> None:
    body = head(headers=[("Content-Length", "2")]) + b"ok"
    assert (await probed(exact(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", body, close=False))).success
