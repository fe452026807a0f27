"""What `/probe` may be pointed at: names, networks, private addresses however they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.blackbox.guard import Guard, Rules, matches, not_public, plain_host

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "100.127.255.255", "169.254.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "0.0.0.0", "0.1.2.3",
    "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.192", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fdff::1", "fd00:ec2::254", "ff02::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2001::1", "::127.0.0.1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "198.51.100.7", "203.0.113.7", "192.0.2.1", "172.15.255.255", "172.32.0.0", "100.63.255.255",
    "100.128.0.0", "169.253.255.255", "2606:4700::1111", "2001:db8::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    "2002:808:808::",
]  # fmt: skip
OPEN = Rules(allow=("*",))


def refusal(rules: Rules, host: str, *addresses: str) -> list[str | None]:
    """Return what is said of each address that a run against a host comes to; the first one is the host's own."""
    guard = Guard(rules)
    verdict = guard.judge(host)
    assert verdict.refused is None
    gate = guard.gate(host, verdict)
    gate.found(host, addresses[0])
    return [gate.refuses(address) for address in addresses]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_needs_private_as_a_target_and_as_an_address(address: str) -> None:
    assert Guard(OPEN).judge(address).refused
    assert refusal(OPEN, "rebound.example", address) != [None]
    everything = Rules(allow=("*",), private=True)
    assert refusal(everything, address, address) == [None]
    assert refusal(everything, "a.example", address) == [None]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_need_no_more_than_the_allow_list(address: str) -> None:
    assert Guard(OPEN).judge(address).refused is None
    assert refusal(OPEN, "a.example", address) == [None]


def test_nothing_but_configured_hosts_by_default() -> None:
    guard = Guard(Rules(configured=("shop.example", "10.1.2.3", "/run/app.sock")))
    assert guard.judge("shop.example").refused is None
    assert guard.judge("SHOP.example.").refused is None
    assert guard.judge("10.1.2.3").refused is None
    assert guard.judge("/run/app.sock").refused is None
    for other in ("www.shop.example", "shop.example.evil", "10.1.2.4", "/run/other.sock", "", "8.8.8.8"):
        assert guard.judge(other).refused


def test_a_configured_private_address_is_allowed_as_itself_and_leads_nowhere_else() -> None:
    rules = Rules(configured=("10.1.2.3",))
    said = refusal(rules, "10.1.2.3", "10.1.2.3", "10.1.2.4", "127.0.0.1", "10.1.2.3")
    assert [words is None for words in said] == [True, False, False, True]


def test_a_configured_name_is_allowed_at_its_own_address_and_redirects_are_not() -> None:
    said = refusal(
        Rules(configured=("db.internal",)), "db.internal", "10.0.0.5", "169.254.169.254", "10.0.0.5"
    )
    assert [words is None for words in said] == [True, False, True]


def test_whoever_is_asked_first_does_not_use_up_the_exemption_of_a_configured_name() -> None:
    guard = Guard(Rules(configured=("db.internal",)))
    gate = guard.gate("db.internal", guard.judge("db.internal"))
    gate.found("token.internal", "10.0.0.9")
    assert gate.refuses("10.0.0.9") is not None
    gate.found("DB.internal.", "10.0.0.5")
    assert gate.refuses("10.0.0.5") is None
    gate.found("db.internal", "10.0.0.6")
    assert gate.refuses("10.0.0.6") is not None
    assert gate.refuses("10.0.0.5") is None


def test_a_name_that_is_only_allowed_has_no_exemption() -> None:
    assert refusal(Rules(allow=("*.internal",)), "db.internal", "10.0.0.5") != [None]


@pytest.mark.parametrize("name", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0xa9fea9fe"])
def test_a_proxy_is_not_told_private_addresses_in_old_notations(name: str) -> None:
    assert refusal(OPEN, "a.example", "8.8.8.8", name)[1] is not None
    assert refusal(OPEN, "a.example", "8.8.8.8", "134744072", "shop.example") == [None, None, None]


def test_a_name_that_is_rebound_after_the_check_is_refused_at_the_connection() -> None:
    assert refusal(Rules(allow=("*.example",)), "a.example", "8.8.8.8", "127.0.0.1")[1] is not None


def test_networks_judge_the_address_of_a_name() -> None:
    rules = Rules(allow=("198.51.100.0/24", "2001:db8::/32"))
    said = refusal(rules, "any.name", "198.51.100.255", "198.51.101.0", "2001:db8::5", "2001:db9::")
    assert [words is None for words in said] == [True, False, True, False]
    assert refusal(rules, "any.name", "name-for-a-proxy.example") != [None]


def test_networks_judge_literal_targets_at_once() -> None:
    guard = Guard(Rules(allow=("198.51.100.0/24", "10.0.0.0/8")))
    assert guard.judge("198.51.100.1").refused is None
    assert "not among" in guard.judge("198.51.101.1").refused
    assert "private" in guard.judge("10.0.0.1").refused
    assert "private: true" in guard.judge("10.0.0.1").hint


def test_sockets_of_this_machine_need_everything_opened() -> None:
    assert Guard(OPEN).judge("/run/app.sock").refused
    assert Guard(OPEN).judge("/").refused
    assert Guard(Rules(private=True, allow=("run",))).judge("/run/app.sock").refused
    assert Guard(Rules(private=True, allow=("*",))).judge("/run/app.sock").refused is None


@pytest.mark.parametrize(
    ("pattern", "name", "held"),
    [
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", True),
        ("*.example", "example", False),
        ("*.example", "a.example.evil", False),
        ("*.EXAMPLE", "a.example", True),
        ("db-*.shop.example", "db-1.shop.example", True),
        ("db-*.shop.example", "db-.shop.example", True),
        ("db-*.shop.example", "xdb-1.shop.example", False),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "a1c2b", False),
        ("ab*ba", "aba", False),
        ("shop.example", "shop.example", True),
        ("shop.example", "shopxexample", False),
        ("*", "anything", True),
    ],
)
def test_host_patterns(pattern: str, name: str, held: bool) -> None:
    assert matches(pattern, name) is held


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_ipv6_clothing(address: IPv4Address) -> None:
    inner = int(address)
    for prefix, shift in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80)):
        dressed = IPv6Address(int(IPv6Address(prefix)) | inner << shift)
        assert (not_public(dressed) is None) is (not_public(address) is None)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.ip_addresses())
def test_what_python_calls_private_is_not_public_here_but_for_examples(
    address: IPv4Address | IPv6Address,
) -> None:
    examples = (
        "192.0.2.",
        "198.51.100.",
        "203.0.113.",
        "2001:db8:",
        "2001:",
        "64:ff9b:",
        "100::",
        "3fff:",
        "5f00:",
    )
    if (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or (address.is_private and not str(address).startswith(examples))
    ):
        assert not_public(address)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_no_text_makes_the_guard_fail_or_passes_an_empty_list(text: str) -> None:
    assert Guard(Rules()).judge(text).refused
    Guard(OPEN).judge(text)
    plain_host(text)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.ip_addresses(), st.sampled_from(["a.example", "198.51.100.9"]))
def test_without_private_no_run_ever_comes_to_a_private_address(
    address: IPv4Address | IPv6Address, host: str
) -> None:
    if refusal(OPEN, host, str(address)) == [None]:
        assert not_public(ip_address(str(address))) is None
