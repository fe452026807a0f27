"""The tcp prober: connections, TLS, dialogues by lines and by bytes."""

from __future__ import annotations

import pytest
from support.blackbox_probes import Ran, module, run_probe
from support.certs import certificates
from support.odd_certs import FOLDER, odd_names, renewed_root
from support.tcp_peer import (
    Behaviour,
    Conversation,
    Expect,
    Send,
    banner,
    close_at_once,
    echo,
    endless,
    never_accepting,
    refused,
    scripted,
    silence,
    smtp,
    tcp_peer,
)

from checks.core.resolver_config import ResolverConfig

CA = {"ca_file": str(certificates().ca_file)}
UNVERIFIED = -62135596800
NAMES = ResolverConfig(
    servers=(),
    hosts={"localhost": ("127.0.0.1",), "elsewhere.test": ("127.0.0.1",), "both.test": ("127.0.0.1", "::1")},
)


async def held(behaviour: Behaviour, *steps: dict[str, object], timeout_us: int = 5_000_000) -> Ran:
    """Hold a dialogue with a server."""
    async with tcp_peer(behaviour) as peer:
        return await run_probe(module("tcp", query_response=list(steps)), peer.address, timeout_us=timeout_us)


def says(data: bytes) -> Behaviour:
    """Send these bytes and close."""

    async def behave(conversation: Conversation) -> None:
        await conversation.send(data)

    return behave


# --- connections ------------------------------------------------------------------------------------------


async def test_a_connection_is_enough() -> None:
    async with tcp_peer(silence) as peer:
        ran = await run_probe(module("tcp"), peer.address)
    assert ran.success
    assert ran.value("probe_failed_due_to_regex") == ran.value("probe_failed_due_to_bytes") == 0
    assert ran.value("probe_ip_addr_hash") == 3668918509


@pytest.mark.parametrize(
    "target", [":0", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:nonsense", "no..name:1"]
)
async def test_targets_that_cannot_be_connected_to(target: str) -> None:
    ran = await run_probe(module("tcp"), target)
    assert not ran.success
    assert ran.has("probe_dns_lookup_time_seconds")
    assert not ran.has("probe_failed_due_to_regex")


async def test_a_target_without_a_port_is_not_even_looked_up() -> None:
    ran = await run_probe(module("tcp"), "127.0.0.1")
    assert not ran.success
    assert not ran.has("probe_ip_protocol")


async def test_refused_and_silent_connections_show_no_dialogue() -> None:
    with refused() as dead, never_accepting() as full:
        for peer in (dead, full):
            ran = await run_probe(module("tcp"), peer.address, timeout_us=300_000)
            assert not ran.success
            assert not ran.has("probe_failed_due_to_regex")
            assert ran.value("probe_ip_protocol") == 4


@pytest.mark.parametrize(
    ("options", "family"),
    [
        ({"preferred_ip_protocol": "ip4"}, 4),
        ({"preferred_ip_protocol": "ip6"}, 6),
        ({}, 6),
    ],
)
async def test_the_family_is_the_preferred_one_or_6(options: dict[str, str], family: int) -> None:
    host = "127.0.0.1" if family == 4 else "::1"
    async with tcp_peer(silence, host=host) as peer:
        ran = await run_probe(module("tcp", **options), f"both.test:{peer.port}", resolver=NAMES)
    assert ran.success
    assert ran.value("probe_ip_protocol") == family


@pytest.mark.parametrize(("source", "right"), [("127.0.0.7", True), ("::1", False)])
async def test_the_source_address_is_the_modules(source: str, right: bool) -> None:
    async with tcp_peer(banner(b"hi\n")) as peer:
        options = {"source_ip_address": source, "query_response": [{"expect": "hi"}]}
        ran = await run_probe(module("tcp", **options), peer.address)
        assert ran.success is right
        assert [host for host, _ in peer.peers] == ([source] if right else [])


async def test_an_address_that_is_refused_is_never_connected_to() -> None:
    async with tcp_peer(silence) as peer:
        ran = await run_probe(module("tcp"), peer.address, refuses=lambda host: "private")
        assert not ran.success
        assert (ran.sight.void or "").startswith("agent_forbidden")
        assert peer.peers == []


# --- TLS --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "server_name", "hostname", "right"),
    [
        ("127.0.0.1", None, None, False), ("elsewhere.test", None, None, True),
        ("127.0.0.1", "elsewhere.test", None, True), ("127.0.0.1", None, "elsewhere.test", True),
        ("elsewhere.test", "other.test", None, False),
    ],
)  # fmt: skip
async def test_the_name_in_the_certificate(
    target: str, server_name: str | None, hostname: str | None, right: bool
) -> None:
    leaf = certificates().wrong_host
    async with tcp_peer(silence, tls=leaf.server_context()) as peer:
        options = {**CA, **({"server_name": server_name} if server_name else {})}
        ran = await run_probe(
            module("tcp", tls=True, tls_config=options),
            f"{target}:{peer.port}",
            hostname=hostname,
            resolver=NAMES,
        )
    assert ran.success is right
    assert ran.has("probe_ssl_earliest_cert_expiry") is right
    if right:
        expiry = int(leaf.certificate.not_valid_after_utc.timestamp())
        assert ran.value("probe_ssl_earliest_cert_expiry") == expiry
        assert ran.value("probe_tls_version_info", version="TLS 1.3") == 1
        assert not ran.has("probe_tls_cipher_info")


async def test_of_several_chains_the_longest_lasting_counts() -> None:
    leaf = renewed_root()
    async with tcp_peer(silence, tls=leaf.server_context()) as peer:
        options = {"ca_file": str(FOLDER / "roots.pem")}
        target = f"localhost:{peer.port}"
        ran = await run_probe(module("tcp", tls=True, tls_config=options), target, resolver=NAMES)
    days = (
        ran.value("probe_ssl_last_chain_expiry_timestamp_seconds")
        - ran.value("probe_ssl_earliest_cert_expiry")
    ) / 86_400
    assert ran.success
    assert round(days) == 100  # the leaf's 200 days by the new root, the 100 of the old root that was sent


async def test_names_are_written_as_the_exporter_writes_them() -> None:
    async with tcp_peer(silence, tls=odd_names().server_context()) as peer:
        options = {"insecure_skip_verify": True}
        ran = await run_probe(module("tcp", tls=True, tls_config=options), peer.address)
    (about,) = ran.labels("probe_ssl_last_chain_info")
    assert about["subject"] == (
        'SERIALNUMBER=12\\+34,CN=localhost,OU=first+OU=second,O=Quotes \\"and\\"\\, commas\\; Ltd,'
        "POSTALCODE=80331,STREET=\\#1 Street,L=\\ München\\ ,ST=Bavaria,C=DE,"
        "0.9.2342.19200300.100.1.1=#1307736f6d656f6e65,"
        "1.2.840.113549.1.9.1=#0c116d61696c406578616d706c652e74657374,"
        "0.9.2342.19200300.100.1.25=#13076578616d706c65"
    )
    assert ran.value("probe_ssl_last_chain_expiry_timestamp_seconds") == UNVERIFIED


async def test_an_untrusted_target_is_told_nothing() -> None:
    async with tcp_peer(echo, tls=certificates().foreign.server_context()) as peer:
        options = {"tls": True, "tls_config": CA, "query_response": [{"send": "password"}]}
        ran = await run_probe(module("tcp", **options), peer.address)
        assert not ran.success
        assert bytes(peer.received) == b""
    assert not ran.has("probe_ssl_earliest_cert_expiry")


STARTTLS = [
    {"expect": "^220.*ESMTP"}, {"send": "EHLO prober\r"}, {"expect": "^250 STARTTLS"}, {"send": "STARTTLS\r"},
    {"expect": "^220"}, {"starttls": True}, {"send": "EHLO prober\r"}, {"expect": "^250 mail"},
]  # fmt: skip


async def test_a_dialogue_changes_to_tls() -> None:
    async with tcp_peer(smtp(certificates().valid.server_context())) as peer:
        ran = await run_probe(module("tcp", tls_config=CA, query_response=STARTTLS), peer.address)
    assert ran.success
    assert ran.value("probe_ssl_earliest_cert_expiry") > 0
    assert ran.value("probe_tls_version_info", version="TLS 1.3") == 1


async def test_a_dialogue_does_not_go_on_with_an_untrusted_certificate() -> None:
    async with tcp_peer(smtp(certificates().foreign.server_context())) as peer:
        ran = await run_probe(module("tcp", tls_config=CA, query_response=STARTTLS), peer.address)
    assert not ran.success
    assert not ran.has("probe_ssl_earliest_cert_expiry")


async def test_what_comes_ahead_of_tls_is_not_taken_for_what_comes_over_it() -> None:
    steps = [{"expect": "^220"}, {"starttls": True}, {"expect": "^250 forged"}]

    async def inject(conversation: Conversation) -> None:
        await conversation.send(b"220 go\n250 forged\n")
        await conversation.writer.start_tls(certificates().valid.server_context())

    async with tcp_peer(inject) as peer:
        ran = await run_probe(module("tcp", tls_config=CA, query_response=steps), peer.address)
    assert not ran.success
    assert ran.value("probe_failed_due_to_regex") == 1


# --- lines ------------------------------------------------------------------------------------------------

IRC = [{"send": "NICK prober"}, {"send": "USER prober"}, {"expect": "PING :([^ ]+)", "send": "PONG ${1}"},
       {"expect": "^:[^ ]+ 001"}]  # fmt: skip


@pytest.mark.parametrize(("last", "right"), [(b":irc.test 001 welcome\n", True), (b"ERROR: banned\n", False)])
async def test_a_dialogue_of_lines(last: bytes, right: bool) -> None:
    async def behave(conversation: Conversation) -> None:
        assert await conversation.line() == b"NICK prober\n"
        assert await conversation.line() == b"USER prober\n"
        await conversation.send(b":irc.test NOTICE\r\nPING :abc123\r\n")
        assert await conversation.line() == b"PONG abc123\n"
        await conversation.send(last)

    ran = await held(behave, *IRC)
    assert ran.success is right
    assert ran.value("probe_failed_due_to_regex") == (0 if right else 1)


@pytest.mark.parametrize(
    ("data", "pattern", "right"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "^SSH-2.0-[^\r]*$", True),
        (b"one\ntwo\n", "^two$", True),
        (b"one\n\nthree\n", "^$", True),
        (b"unfinished", "^unfinished$", True),
        (b"one\ntwo", "three", False),
        (b"", "^$", False),
        (b"caf\xc3\xa9\n", "^caf.$", True),
        (b"caf\xe9\n", "^caf.$", True),
        (b"x" * 65_535 + b"\nend\n", "^end$", True),
    ],
)
async def test_lines_are_read_until_one_matches(data: bytes, pattern: str, right: bool) -> None:
    ran = await held(says(data), {"expect": pattern})
    assert ran.success is right
    assert ran.value("probe_failed_due_to_regex") == (0 if right else 1)


@pytest.mark.parametrize("data", [b"x" * 65_536 + b"\nend\n"])
async def test_a_line_over_64_kib_fails_and_not_by_the_expression(data: bytes) -> None:
    ran = await held(says(data), {"expect": "^end$"})
    assert (ran.success, ran.value("probe_failed_due_to_regex")) == (False, 0)


async def test_endless_bytes_without_a_line_end_are_given_up() -> None:
    ran = await held(endless, {"expect": "^end$"})
    assert not ran.success
    assert ran.said("dialogue_limit")


async def test_a_deadline_is_no_failure_of_the_expression() -> None:
    ran = await held(silence, {"expect": "x"}, timeout_us=300_000)
    assert (ran.success, ran.value("probe_failed_due_to_regex")) == (False, 0)
    assert ran.value("probe_timeout_seconds") == 0.3


async def test_what_was_captured_goes_back_and_into_labels() -> None:
    steps = {
        "expect": "^SSH-([0-9.]+)-(?P<name>[^_]+)_(.+)$",
        "send": "CONFIRM ${1} $name",
        "labels": [{"name": "version", "value": "${1}"}, {"name": "server", "value": "${name} $3"}],
    }
    async with tcp_peer(
        scripted(Send(b"SSH-2.0-OpenSSH_9.2p1\r\n"), Expect(b"CONFIRM 2.0 OpenSSH\n"))
    ) as peer:
        ran = await run_probe(module("tcp", query_response=[steps]), peer.address)
    assert ran.success
    assert ran.value("probe_expect_info", version="2.0", server="OpenSSH 9.2p1") == 1


async def test_labels_appear_for_steps_that_matched_only() -> None:
    first = {"expect": "^(.*)$", "labels": [{"name": "a", "value": "$1"}]}
    second = {"expect": "^never", "labels": [{"name": "b", "value": "x"}]}
    ran = await held(says(b"one\ntwo\n"), first, second)
    assert ran.labels("probe_expect_info") == [{"a": "one"}]


async def test_two_steps_may_fill_the_same_label() -> None:
    """The exporter ends the whole request here."""
    step = {"expect": "^(.*)$", "labels": [{"name": "a", "value": "$1"}]}
    ran = await held(says(b"one\ntwo\n"), step, step)
    assert ran.labels("probe_expect_info") == [{"a": "one"}, {"a": "two"}]


async def test_a_newline_is_added_to_what_is_sent_and_nothing_is_sent_for_nothing() -> None:
    async with tcp_peer(echo) as peer:
        steps = [{"send": "ping"}, {"send": ""}, {"expect": "^ping$"}]
        assert (await run_probe(module("tcp", query_response=steps), peer.address)).success
        assert bytes(peer.received) == b"ping\n"


# --- bytes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "right", "flag"), [(b"PONG", True, 0), (b"PANG", False, 1), (b"PO", False, 1), (b"", False, 1)]
)
async def test_exact_bytes(data: bytes, right: bool, flag: int) -> None:
    ran = await held(says(data), {"expect_bytes": "PONG"})
    assert (ran.success, ran.value("probe_failed_due_to_bytes")) == (right, flag)
    assert ran.value("probe_failed_due_to_regex") == 0


async def test_exact_bytes_may_come_in_pieces_and_after_a_line() -> None:
    """The exporter reads once only, and loses what came together with a line."""
    steps = [{"expect": "^hello$"}, {"expect_bytes": "PONG", "send": "thanks"}, {"expect": "^bye$"}]

    async def behave(conversation: Conversation) -> None:
        await conversation.send(b"hello\nPO")
        await conversation.send(b"NG")
        assert await conversation.line() == b"thanks\n"
        await conversation.send(b"bye\n")

    assert (await held(behave, *steps)).success


async def test_closing_at_once_is_a_success_where_nothing_is_expected() -> None:
    assert (await held(close_at_once)).success


async def test_what_a_target_says_is_in_the_log() -> None:
    ran = await held(banner(b"220 hello\x1b[31m\r\n"), {"expect": "^220"})
    assert ran.said("220 hello")
    assert not any("\x1b" in line.logfmt() for line in ran.sight.log)
