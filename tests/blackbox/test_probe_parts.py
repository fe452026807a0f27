"""The parts that read what targets and certificates say: templates, names, bodies, records; hostile ones too."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib

import brotli  # type: ignore[import-untyped]  # it has no types of its own
import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from support.blackbox_probes import module, run_probe
from support.http_answers import exact
from support.http_peer import http_peer
from support.tcp_peer import Conversation, tcp_peer

from checks.core.dns_texts import read_sections
from checks.core.failures import Stop
from prober.blackbox import http_body
from prober.blackbox.expressions import search
from prober.blackbox.go_names import cipher_text, name_text, serial_text, version_text
from prober.blackbox.http_body import MAX_BODY, decoded_body, plain_body
from prober.blackbox.http_target import read_target
from prober.blackbox.targets import parts_of

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)


# --- expressions and templates ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("${1}", b"one"), ("$1", b"one"), ("$name", b"two"), ("${name}", b"two"), ("$0", b"one-two"), ("$$1", b"$1"),
        ("$1x", b""), ("${1}x", b"onex"), ("$9", b""), ("${none}", b""), ("plain", b"plain"), ("$", b"$"),
        ("${", b"${"),
        ("$1-$2", b"one-two"), ("$1_", b""),
    ],
)  # fmt: skip
def test_templates(template: str, filled: bytes) -> None:
    found = search("([a-z]+)-(?P<name>[a-z]+)", b"one-two")
    assert found is not None
    assert found.filled(template) == filled


@pytest.mark.parametrize("data", ["é".encode(), b"\xe9", b"\xff"])
def test_bytes_that_were_captured_go_back_as_they_came(data: bytes) -> None:
    found = search("<(.*)>", b"<" + data + b">")
    assert found is not None
    assert found.filled("$1") == data


def test_a_group_that_took_no_part_is_empty() -> None:
    found = search("a|(b)", b"a")
    assert found is not None
    assert found.filled("[$1]") == b"[]"


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_can_be_searched(data: bytes) -> None:
    found = search("(?s)^(.*)$", data)
    assert found is None or found.filled("$1") == data


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=a,O=b,C=DE", "CN=a,O=b,C=DE"),
        ("C=DE,CN=a", "CN=a,C=DE"),
        ("O=x\\, y", "O=x\\, y"),
        ("", ""),
    ],
)
def test_distinguished_names(text: str, shown: str) -> None:
    name = x509.Name.from_rfc4514_string(text)
    assert name_text(tuple((each.oid.dotted_string, str(each.value)) for each in name)) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0x0BFFBC11F1907D02AF719AFCD64FB253, "0bffbc11f1907d02af719afcd64fb253"),
        (255, "ff"),
        (256, "0100"),
        (0, ""),
    ],
)
def test_serial_numbers_keep_their_leading_zero(number: int, text: str) -> None:
    assert serial_text(number) == text


@pytest.mark.parametrize(
    ("openssl", "registered"),
    [
        ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
        ("ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
        ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
        ("DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    ],
)
def test_cipher_suites_have_their_registered_names(openssl: str, registered: str) -> None:
    assert cipher_text(openssl) == registered


def test_versions_of_tls() -> None:
    names = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "SSLv3")
    assert [version_text(name) for name in names] == ["TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3", "unknown"]


# --- targets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.test:80", ("a.test", "80")), ("[::1]:80", ("::1", "80")), (":0", ("", "0")), ("a.test:", ("a.test", "")),
        ("a.test", None), ("::1", None), ("[::1]", None), ("[::1", None), ("a]:80", None), ("[a]b:80", None),
    ],
)  # fmt: skip
def test_host_and_port(text: str, parts: tuple[str, str] | None) -> None:
    assert parts_of(text) == parts


@FUZZ
@given(st.text(max_size=60))
def test_any_text_as_a_target_is_read_or_refused(text: str) -> None:
    parts_of(text)
    with contextlib.suppress(Stop):
        read_target(text, http3=False)


# --- bodies -----------------------------------------------------------------------------------------------


def test_limits_of_plain_bodies() -> None:
    assert plain_body(b"12345", 5, 5, None).problem is None
    over = plain_body(b"123456", 6, 5, None)
    assert (over.length, over.data, over.problem is None) == (5, b"12345", False)
    assert plain_body(b"", 6_000_000, 0, None).length == 6_000_000


def test_gzip_members_make_one_body_and_too_many_do_not() -> None:
    assert decoded_body(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", 0, None).data == b"ab"
    assert decoded_body(gzip.compress(b"a") * 65, "gzip", 0, None).problem is not None


@pytest.mark.parametrize("name", ["gzip", "br", "deflate"])
def test_a_small_body_does_not_become_a_large_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bytes(MAX_BODY + 1)
    encoded = {
        "gzip": lambda: gzip.compress(data, 1),
        "br": lambda: brotli.compress(data, quality=1),
        "deflate": lambda: machine.compress(data) + machine.flush(),
    }[name]()
    found = decoded_body(encoded, name, 0, None)
    assert found.length == MAX_BODY
    assert "longer" in (found.problem or "")


@FUZZ
@given(st.sampled_from(["gzip", "br", "deflate"]), st.binary(max_size=300), st.integers(0, 50))
def test_any_bytes_are_decoded_or_refused(name: str, data: bytes, limit: int) -> None:
    for raw in (data, gzip.compress(data), gzip.compress(data)[:-3]):
        found = decoded_body(raw, name, limit, None)
        assert found.length == len(found.data)
        assert found.length <= (limit or http_body.MAX_BODY)


# --- records and whole runs -------------------------------------------------------------------------------


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_as_an_answer_are_read_or_refused(data: bytes) -> None:
    header = b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0\x01a\0\0\1\0\1"
    for wire in (data, header + data):
        with contextlib.suppress(Stop):
            read_sections(wire)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.binary(max_size=120))
def test_whatever_a_target_says_a_run_ends_without_an_error_of_ours(data: bytes) -> None:
    async def behave(conversation: Conversation) -> None:
        await conversation.send(data)

    async def run() -> None:
        steps = [{"expect": "^220 (.*)", "labels": [{"name": "a", "value": "$1"}]}, {"expect_bytes": "x"}]
        async with tcp_peer(behave) as peer, http_peer({"/": exact(data)}) as web:
            for under_test, target in (
                (module("tcp", query_response=steps), peer.address),
                (module("tcp", tls=True), peer.address),
                (module("http", fail_if_body_not_matches_regexp=["x"]), web.url()),
                (module("grpc", service=""), peer.address),
                (module("websocket"), f"ws://{peer.address}/"),
                (module("dns", query_name="a.test", transport_protocol="tcp"), peer.address),
            ):
                ran = await run_probe(under_test, target, timeout_us=2_000_000)
                assert not (ran.sight.void or "").startswith("agent_error"), ran.sight.void

    asyncio.run(run())
