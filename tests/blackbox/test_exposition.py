"""The exposition: names, labels, presence and zeros as a function of what a run saw, in text that parsers take."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.blackbox_probes import samples_of

from prober.blackbox.exposition import UNVERIFIED, address_hash, render
from prober.blackbox.sight import (
    DnsSeen,
    Expected,
    GrpcSeen,
    HttpSeen,
    IcmpSeen,
    Line,
    Lookup,
    Seen,
    Sight,
    StreamSeen,
    TlsSeen,
    WebsocketSeen,
)

TLS = TlsSeen(
    version="TLS 1.3", cipher="TLS_AES_128_GCM_SHA256", earliest_expiry=2_000_000_000, last_chain_expiry=None,
    fingerprint="ab", subject="CN=a", issuer="CN=b", names="a.test,b.test", serial="0bff",
)  # fmt: skip
ALWAYS = {"probe_success", "probe_duration_seconds", "probe_timeout_seconds"}
LOOKED_UP = {"probe_dns_lookup_time_seconds", "probe_ip_protocol", "probe_ip_addr_hash"}
CERTIFICATE = {"probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_info", "probe_tls_version_info"}
CHAIN = {"probe_ssl_last_chain_expiry_timestamp_seconds"}


def sight(seen: Seen, prober: str = "tcp", **more: Any) -> Sight:
    """Return what a run of two seconds under a limit of five saw."""
    return Sight(prober=prober, success=True, duration_us=2_000_000, timeout_us=5_000_000, seen=seen, **more)


def names(shown: Sight) -> set[str]:
    """Return the names in an exposition."""
    return {name for name, _ in samples_of(render(shown))}


def test_the_smallest_exposition_letter_by_letter() -> None:
    assert render(sight(StreamSeen())) == (
        "# HELP probe_duration_seconds How long the probe took, from start to end.\n"
        "# TYPE probe_duration_seconds gauge\n"
        "probe_duration_seconds 2.0\n"
        "# HELP probe_success Whether the probe succeeded.\n"
        "# TYPE probe_success gauge\n"
        "probe_success 1\n"
        "# HELP probe_timeout_seconds The limit that the probe ran under.\n"
        "# TYPE probe_timeout_seconds gauge\n"
        "probe_timeout_seconds 5.0\n"
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (sight(StreamSeen()), ALWAYS),
        (sight(StreamSeen(), lookup=Lookup(5)), ALWAYS | LOOKED_UP),
        (sight(StreamSeen(dialled=True)), ALWAYS | {"probe_failed_due_to_regex", "probe_failed_due_to_bytes"}),
        (sight(StreamSeen(), tls=TLS), ALWAYS | CERTIFICATE | CHAIN),
        (sight(GrpcSeen(), "grpc", tls=TLS),
         ALWAYS | CERTIFICATE | {"probe_grpc_ssl", "probe_grpc_status_code", "probe_grpc_duration_seconds"}),
        (sight(IcmpSeen(), "icmp"), ALWAYS | {"probe_icmp_duration_seconds"}),
        (sight(IcmpSeen(hop_limit=0), "icmp"),
         ALWAYS | {"probe_icmp_duration_seconds", "probe_icmp_reply_hop_limit"}),
    ],
)  # fmt: skip
def test_what_is_present(shown: Sight, expected: set[str]) -> None:
    assert names(shown) == expected


def test_an_unverified_chain_shows_the_year_1_and_no_chain_at_all_shows_nothing() -> None:
    found = samples_of(render(sight(StreamSeen(), tls=TLS)))
    assert found["probe_ssl_last_chain_expiry_timestamp_seconds", ()] == UNVERIFIED == -62135596800
    assert not names(sight(StreamSeen())) & (CERTIFICATE | CHAIN)


@pytest.mark.parametrize(
    ("lookup", "asked", "phases"),
    [
        (None, False, set()),
        (Lookup(5), False, {"resolve"}),
        (None, True, {"connect", "tls", "processing", "transfer"}),
        (Lookup(5), True, {"connect", "tls", "processing", "transfer", "resolve"}),
    ],
)
def test_http_phases(lookup: Lookup | None, asked: bool, phases: set[str]) -> None:
    found = samples_of(render(sight(HttpSeen(asked=asked), "http", lookup=lookup)))
    shown = {dict(labels)["phase"] for name, labels in found if name == "probe_http_duration_seconds"}
    assert shown == phases


def test_http_zeros_and_what_is_no_zero() -> None:
    bare, full = (
        names(sight(HttpSeen(), "http")),
        names(sight(HttpSeen(modified_s=0, cel_failed=False), "http")),
    )
    assert full - bare == {"probe_http_last_modified_timestamp_seconds", "probe_failed_due_to_cel"}
    assert "probe_failed_due_to_regex" in bare
    assert names(sight(HttpSeen(), "http", tls=TLS)) - bare == CERTIFICATE | CHAIN | {"probe_tls_cipher_info"}


def test_grpc_states_are_shown_once_called() -> None:
    found = samples_of(render(sight(GrpcSeen(called=True, health="SERVING"), "grpc")))
    states = {
        dict(labels)["serving_status"]: value
        for (name, labels), value in found.items()
        if "healthcheck" in name
    }
    assert states == {"NOT_SERVING": 0, "SERVICE_UNKNOWN": 0, "SERVING": 1, "UNKNOWN": 0}


def test_labels_of_hostile_targets_stay_in_their_quotes() -> None:
    hostile = 'quote " newline \n backslash \\ } 1\nprobe_success 1'
    shown = sight(StreamSeen(expected=(Expected({"seen": hostile}),)))
    assert samples_of(render(shown))["probe_expect_info", (("seen", hostile),)] == 1


@pytest.mark.parametrize(
    ("address", "value"),
    [("127.0.0.1", 3668918509), ("::1", address_hash("0:0:0:0:0:0:0:1")), ("fe80::1%lo", None)],
)
def test_the_hash_of_an_address(address: str, value: int | None) -> None:
    assert address_hash(address) == (value if value is not None else address_hash("fe80::1"))


@pytest.mark.parametrize(("version", "text"), [(1.1, "1.1"), (2.0, "2.0"), (0, "0")])
def test_versions_are_written_short(version: float, text: str) -> None:
    assert f"probe_http_version {text}\n" in render(sight(HttpSeen(version=version), "http"))


def test_families_and_samples_are_in_order() -> None:
    text = render(
        sight(
            WebsocketSeen(),
            "websocket",
            lookup=Lookup(1, "::1", 6),
            phases_us={"transfer": 3, "connect": 1, "resolve": 2},
        )
    )
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == sorted(lines)


def test_a_sight_crosses_to_another_process_as_it_is() -> None:
    for seen in (HttpSeen(), StreamSeen(), DnsSeen(serial=3), IcmpSeen(), GrpcSeen(), WebsocketSeen()):
        shown = sight(seen, tls=TLS, lookup=Lookup(1), log=(Line(1, "info", "text", {"a": "b"}),))
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(shown), type=Sight) == shown


def test_lines_of_the_log_are_one_line_each() -> None:
    line = Line(0, "info", 'two "words"', {"key": "a\nb", "plain": "x", "empty": ""})
    assert line.logfmt() == 'level=info msg="two \\"words\\"" key="a\\nb" plain=x empty=""'


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.builds(StreamSeen, dialled=st.booleans(), expected=st.tuples(st.builds(
        Expected, st.dictionaries(st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,5}", fullmatch=True), st.text(), max_size=3)
    ))),
    st.builds(TlsSeen, **dict.fromkeys(("version", "cipher", "fingerprint", "subject", "issuer", "names", "serial"),
              st.text(max_size=20)), earliest_expiry=st.integers(-(2**40), 2**40),
              last_chain_expiry=st.none() | st.integers(0, 2**40)),
)  # fmt: skip
def test_whatever_a_target_says_the_text_is_an_exposition(seen: StreamSeen, tls: TlsSeen) -> None:
    found = samples_of(render(sight(seen, tls=tls)))
    assert ("probe_success", ()) in found


def test_every_name_has_a_help_text() -> None:
    from prober.blackbox.exposition import HELP

    assert all(text and text.endswith(".") for text in HELP.values())
