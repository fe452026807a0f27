"""What may stand after `prober check`, and what is said about the rest."""

from __future__ import annotations

import pytest
from support.configs import WEB, loaded

from checks.dns import DnsOptions
from checks.http import HttpOptions
from checks.tcp import TcpOptions
from prober.cli.command import CannotGoOn
from prober.cli.targets import from_config, from_url, is_url, timeout_of


@pytest.mark.parametrize(
    "argument", ["https://a.example/", "HTTP://A.example", "tcp://a:1", "dns:a", "x://y", "unix:/run/x.sock"]
)
def test_urls_are_told_from_names(argument: str) -> None:
    assert is_url(argument)


@pytest.mark.parametrize("argument", ["shop-web", "dns", "http", "tcp"])
def test_names_are_told_from_urls(argument: str) -> None:
    assert not is_url(argument)


def test_http_keeps_its_url_as_it_stands() -> None:
    options = from_url("https://a.example/x?price=$$5&b=${HOME}", None).check.options
    assert isinstance(options, HttpOptions)
    assert options.url == "https://a.example/x?price=$$5&b=${HOME}"


@pytest.mark.parametrize(
    ("argument", "kind", "target"),
    [
        ("tls://a.example", "tls", "a.example:443"),
        ("unix:/run/x.sock", "unix", "/run/x.sock"),
        ("smtps://a.example", "smtp", "a.example:465"),
        ("imap://a.example", "imap", "a.example:143"),
        ("pop3://a.example", "pop3", "a.example:110"),
        ("ftp://a.example", "ftp", "a.example:21"),
        ("ssh://a.example:2222", "ssh", "a.example:2222"),
    ],
)
def test_services_are_named_by_their_schemes(argument: str, kind: str, target: str) -> None:
    check = from_url(argument, None).check
    assert (check.kind, check.target) == (kind, target)


def test_tcp_takes_host_and_port() -> None:
    options = from_url("tcp://[2001:db8::1]:25/", None).check.options
    assert isinstance(options, TcpOptions)
    assert options.address == "[2001:db8::1]:25"


@pytest.mark.parametrize(
    ("argument", "name", "server", "rdtype"),
    [
        ("dns:a.example", "a.example", None, "A"),
        ("dns:a.example?type=mx", "a.example", None, "MX"),
        ("dns:///a.example", "a.example", None, "A"),
        ("dns://192.0.2.53/a.example?type=AAAA", "a.example", "192.0.2.53", "AAAA"),
        ("DNS://ns.example:5353/_x._tcp.a?type=SRV", "_x._tcp.a", "ns.example:5353", "SRV"),
    ],
)
def test_dns_takes_server_name_and_type(argument: str, name: str, server: str | None, rdtype: str) -> None:
    options = from_url(argument, None).check.options
    assert isinstance(options, DnsOptions)
    assert (options.name, options.server, options.rdtype) == (name, server, rdtype)


@pytest.mark.parametrize(
    ("argument", "problem", "hint"),
    [
        ("gopher://a.example", "no scheme that can be checked", "known: "),
        ("tcp://a.example", "expected host:port", "write db.example:5432"),
        ("https://", "no usable host", ""),
        ("dns://192.0.2.53", "names no server or no name", "dns://192.0.2.53/shop.example?type=A"),
        ("dns:a.example?typ=A", "'typ' means nothing here", "known: type, class"),
        ("dns:a.example?type=NOPE", "not a type of DNS record", "known are A"),
    ],
)
def test_an_unusable_url_is_refused_in_words(argument: str, problem: str, hint: str) -> None:
    with pytest.raises(CannotGoOn) as refused:
        from_url(argument, None)
    assert problem in str(refused.value)
    assert refused.value.hint.startswith(hint)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(CannotGoOn) as refused:
        from_url("https://ann:hunter2@a.example/", None)
    assert "hunter2" not in str(refused.value) + refused.value.hint


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(CannotGoOn, match="no probe named 'wbe'") as refused:
        from_config(["wbe"], loaded(WEB), None)
    assert refused.value.hint == "did you mean 'web'?"


def test_the_timeout_is_the_probes_own_unless_the_command_line_gives_one() -> None:
    config = loaded("defaults: {timeout: 3s}\n" + WEB)
    assert [target.timeout_us for target in from_config([], config, None)] == [3_000_000]
    assert [target.timeout_us for target in from_config([], config, 1_000)] == [1_000]
    assert from_url("tcp://a:1", None).timeout_us == 10_000_000


@pytest.mark.parametrize(("text", "timeout_us"), [("1us", 1), ("10m", 600_000_000), (None, None)])
def test_timeouts_up_to_both_bounds_are_taken(text: str | None, timeout_us: int | None) -> None:
    assert timeout_of(text) == timeout_us


@pytest.mark.parametrize("text", ["0s", "10m1us", "5", "soon"])
def test_other_timeouts_are_refused(text: str) -> None:
    with pytest.raises(CannotGoOn, match="--timeout"):
        timeout_of(text)
