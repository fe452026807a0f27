"""Which host a target names; texts with two readings name none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.configs import loaded

from prober.blackbox.hosts import configured_hosts, target_host


@pytest.mark.parametrize(
    ("prober", "target", "host"),
    [
        ("http", "shop.example", "shop.example"),
        ("http", "shop.example:8080/path?x=http://other.example/", "shop.example"),
        ("http", "https://SHOP.example/x", "shop.example"),
        ("http", "HTTP://[2001:db8::1]:80/", "2001:db8::1"),
        ("http", "http://shop.example@evil.example/", "evil.example"),
        ("http", "http://evil.example\\@shop.example/", ""),
        ("http", "http://evil.example #@shop.example/", ""),
        ("http", "http://", ""),
        ("http", "http://[::1", ""),
        ("websocket", "wss://chat.example/ws", "chat.example"),
        ("tcp", "db.example:5432", "db.example"),
        ("tcp", "[::1]:22", "::1"),
        ("tcp", "db.example:ssh", "db.example"),
        ("tcp", "a@b:1", ""),
        ("dns", "192.0.2.53", "192.0.2.53"),
        ("dns", "2001:db8::53", "2001:db8::53"),
        ("dns", "ns.example:53", "ns.example"),
        ("icmp", "router.example", "router.example"),
        ("grpc", "api.example:443", "api.example"),
        ("unix", "/run/app.sock", "/run/app.sock"),
        ("grpc", "http://api.example:443/x", "api.example"),
        ("grpc", "http://a@api.example:443", ""),
        ("icmp", "router.example:80", ""),
        ("icmp", "2001:db8::1", "2001:db8::1"),
        ("http", "ws://shop.example/", ""),
        ("http", "ftp://shop.example/", ""),
        ("websocket", "http://chat.example/", ""),
        ("websocket", "chat.example", ""),
        ("unix", "/run/../etc/x", "/"),
        ("unix", "run/app.sock", "/"),
        ("unix", "@app", "/"),
    ],
)
def test_the_host_of_a_target(prober: str, target: str, host: str) -> None:
    assert target_host(prober, target) == host


def test_configured_probes_name_their_hosts() -> None:
    config = loaded(
        """
probes:
  - {name: web, http: {url: "https://shop.example/health"}}
  - {name: db, tcp: {address: "db.internal:5432"}}
  - {name: six, tcp: {address: "[2001:db8::7]:25"}}
  - {name: names, dns: {name: shop.example, type: A, server: "192.0.2.53"}}
  - {name: app, unix: {path: /run/app.sock}}
  - {name: login, flow: {steps: [{name: a, url: "https://id.example/"}, {name: b, url: /run/other.sock}]}}
"""
    )
    hosts = [host for probe in config.probes for host in configured_hosts(probe.options)]
    assert hosts == [
        "shop.example",
        "db.internal",
        "2001:db8::7",
        "192.0.2.53",
        "/run/app.sock",
        "id.example",
    ]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.sampled_from(["http", "tcp", "dns", "icmp", "grpc", "unix", "websocket"]), st.text(max_size=80))
def test_no_target_makes_it_fail(prober: str, target: str) -> None:
    host = target_host(prober, target)
    assert not set(host) & set("\\ @?#\r\n\0") or prober == "unix"
