"""Echo requests through the kernel: both kinds of socket, neither, and what a router on the way answers.

Everything runs in network namespaces of the test's own: one alone, and three in a row with a router in the middle.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.daemons import ROOT

DEADLINE_SECONDS = 30
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT)}
WITHOUT_RAW = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
FAR = "198.51.100.2"


def need(command: str, component: str) -> None:
    """Skip with what to install when a command is missing."""
    if shutil.which(command) is None:
        pytest.skip(f"missing component: {component} (hint: make e2e as root on Debian installs it)")


def shell(*command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_SECONDS)


@contextlib.contextmanager
def namespaces(*names: str) -> Iterator[list[str]]:
    """Make network namespaces with names of this process's own."""
    need("ip", "iproute2")
    need("setpriv", "util-linux")
    made: list[str] = []
    try:
        for name in names:
            full = f"prober-{os.getpid()}-{name}"
            if subprocess.run(["ip", "netns", "add", full], capture_output=True, check=False).returncode != 0:
                pytest.skip("missing: the right to make a network namespace (hint: run make e2e as root)")
            made.append(full)
            shell("ip", "-n", full, "link", "set", "lo", "up")
        yield made
    finally:
        for full in made:
            subprocess.run(["ip", "netns", "delete", full], capture_output=True, check=False)


def check(space: str, host: str, prefix: list[str] | None = None, **options: Any) -> dict[str, Any]:
    """Look once from within a namespace, with options as the configuration has them."""
    icmp = {"host": host, "gap": "20ms", "patience": "500ms", **options}
    text = json.dumps({"probes": [{"name": "far", "icmp": icmp}]})  # JSON is YAML
    command = ["ip", "netns", "exec", space, *(prefix or []), sys.executable, "-m", "prober", "check", "far"]
    done = subprocess.run(
        [*command, "--config", "/dev/stdin", "--json"],
        input=text,
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_raw_sockets_serve_where_unprivileged_ones_are_not_allowed(host: str) -> None:
    with namespaces("alone") as (space,):
        seen = check(space, host)
    assert (seen["outcome"], seen["facts"]["socket"], seen["facts"]["received"]) == ("pass", "raw", 3)
    assert seen["facts"]["hops_left"] == 64


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_unprivileged_sockets_serve_where_the_system_allows_them(host: str) -> None:
    with namespaces("alone") as (space,):
        shell("ip", "netns", "exec", space, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        seen = check(space, host, prefix=WITHOUT_RAW)
    assert (seen["outcome"], seen["facts"]["socket"], seen["facts"]["received"]) == (
        "pass",
        "unprivileged",
        3,
    )
    assert seen["facts"]["hops_left"] == 64


def test_where_neither_is_allowed_the_run_is_void_and_says_what_to_do() -> None:
    with namespaces("alone") as (space,):
        seen = check(space, "127.0.0.1", prefix=WITHOUT_RAW)
    assert (seen["outcome"], seen["failure"]["code"]) == ("void", "agent_permission")
    assert "ping_group_range" in seen["failure"]["detail"]


@contextlib.contextmanager
def in_a_row() -> Iterator[str]:
    """Connect a near, a middle and a far namespace; the far link carries packets of 1,000 bytes at most."""
    with namespaces("near", "mid", "far") as (near, middle, far):
        for one, other, network in ((near, middle, "192.0.2"), (middle, far, "198.51.100")):
            left, right = f"{one[-4:]}-l", f"{other[-4:]}-r"
            shell(
                "ip", "link", "add", left, "netns", one, "type", "veth", "peer", "name", right, "netns", other
            )
            for space, link, host in ((one, left, 1), (other, right, 2)):
                shell("ip", "-n", space, "address", "add", f"{network}.{host}/24", "dev", link)
                shell("ip", "-n", space, "link", "set", link, "up")
                if network == "198.51.100":
                    shell("ip", "-n", space, "link", "set", link, "mtu", "1000")
        shell("ip", "netns", "exec", middle, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        shell("ip", "-n", near, "route", "add", "default", "via", "192.0.2.2")
        shell("ip", "-n", far, "route", "add", "default", "via", "198.51.100.1")
        yield near


def test_what_happens_on_the_way_has_its_own_code() -> None:
    with in_a_row() as near:
        through = check(near, FAR)
        short_lived = check(near, FAR, ttl=1)
        nobody = check(near, "198.51.100.77", packets=1, patience="5s")
        large = check(near, FAR, payload=1200, dont_fragment=True)
        cut_up = check(near, FAR, payload=1200)
    assert (through["outcome"], through["facts"]["hops_left"]) == ("pass", 63)
    assert short_lived["failure"]["code"] == "icmp_ttl_exceeded"
    assert nobody["failure"]["code"] == "icmp_unreachable"
    assert large["failure"]["code"] == "icmp_unreachable"
    assert cut_up["outcome"] == "pass"
