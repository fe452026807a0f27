"""What the system says about names is read as the system itself reads it, and again when it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.core.resolver_config import (
    LOOK_AGAIN_NS,
    ResolverConfig,
    SystemResolver,
    parse_hosts,
    parse_resolv_conf,
)


def test_resolv_conf_is_read_as_the_system_reads_it() -> None:
    read = parse_resolv_conf(
        "# made by hand\nnameserver 192.0.2.53 ; first\nnameserver 2001:db8::53\nnameserver nonsense\n"
        "nameserver 192.0.2.54\nnameserver 192.0.2.55\n"
        "search one.test two.test.\noptions timeout:3 attempts:4 ndots:2 rotate ndots:x\n"
    )
    assert [str(server) for server in read.servers] == ["192.0.2.53:53", "[2001:db8::53]:53", "192.0.2.54:53"]
    assert read.search == ("one.test", "two.test")
    assert (read.timeout_us, read.attempts, read.ndots) == (3_000_000, 4, 2)


def test_an_empty_resolv_conf_has_the_usual_defaults() -> None:
    read = parse_resolv_conf("")
    assert [str(server) for server in read.servers] == ["127.0.0.1:53"]
    assert (read.timeout_us, read.attempts, read.ndots, read.search) == (5_000_000, 2, 1, ())


def test_numbers_of_resolv_conf_are_bounded() -> None:
    read = parse_resolv_conf("options timeout:999999999 attempts:0 ndots:99\noptions timeout:" + "9" * 5000)
    assert (read.timeout_us, read.attempts, read.ndots) == (30_000_000, 1, 15)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("shop", ("shop.corp.test", "shop")),
        ("shop.example", ("shop.example", "shop.example.corp.test")),
        ("shop.", ("shop.",)),
    ],
)
def test_the_search_list_follows_the_dots(name: str, names: tuple[str, ...]) -> None:
    assert ResolverConfig(servers=(), search=("corp.test",)).candidates(name) == names


def test_hosts_keep_every_address_of_a_name() -> None:
    hosts = parse_hosts("127.0.0.1 a B\n::1 a\nnonsense c\n\n# 127.0.0.2 d\n")
    assert hosts == {"a": ("127.0.0.1", "::1"), "b": ("127.0.0.1",)}


def test_changed_files_are_read_again(tmp_path: Path) -> None:
    resolv_conf, hosts = tmp_path / "resolv.conf", tmp_path / "hosts"
    resolv_conf.write_text("nameserver 192.0.2.1\n")
    system = SystemResolver(resolv_conf, hosts)
    assert system.config(0).servers[0].host == "192.0.2.1"
    assert system.config(0).hosts == {}
    resolv_conf.write_text("nameserver 192.0.2.2\n")
    hosts.write_text("192.0.2.7 seven\n")
    os.utime(resolv_conf, ns=(1, 1))  # a date of its own, however fast this test is
    assert system.config(LOOK_AGAIN_NS - 1).servers[0].host == "192.0.2.1"
    assert system.config(LOOK_AGAIN_NS).servers[0].host == "192.0.2.2"
    assert system.config(LOOK_AGAIN_NS).hosts == {"seven": ("192.0.2.7",)}
